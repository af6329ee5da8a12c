// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Synchronization

/// Numbers the layouts of events, which attributes of its shape one has: who reads the same attributes of many events
/// looks for them once by layout (``Row/layout``).
///
/// A lane has its own and remembers those seen last; a layout that was forgotten gets another number, never that of
/// another one.
struct LayoutTable {
    /// The most words of bits that are told apart: a shape with more places has no numbers.
    static let mostWords = 6

    private struct Layout {
        /// What the shape is told by; 0: free.
        var shape: UInt = 0
        var number: UInt32 = 0
        var bits = [6 of UInt64](repeating: 0)
    }

    /// A power of two.
    private static let size = 2048
    /// How many places are looked at for one layout.
    private static let tries = 8
    /// The number of the next new layout, of any lane.
    private static let next = Atomic<UInt64>(1)

    private var known = Array(repeating: Layout(), count: LayoutTable.size)

    /// The number of the layout whose attributes are the bits of `words` words, of a shape that `shape` tells from all
    /// others; 0 when it has none.
    @inline(__always)
    mutating func number(_ shape: UInt, _ bits: UnsafePointer<UInt64>, words: Int) -> UInt32 {
        guard words <= LayoutTable.mostWords else { return 0 }
        var hash = UInt64(shape)
        for word in 0..<words { hash = (hash ^ bits[word]) &* 0x9E37_79B9_7F4A_7C15 ^ hash &>> 29 }
        let place = Int(truncatingIfNeeded: hash &* 0xD6E8_FEB8_6659_FD93 &>> 40) & (LayoutTable.size - 1)
        if has(place, shape, bits, words) { return known[place].number }
        return recall(shape, bits, words, place)
    }

    @inline(__always)
    private func has(_ place: Int, _ shape: UInt, _ bits: UnsafePointer<UInt64>, _ words: Int) -> Bool {
        known.withUnsafeBufferPointer { known in
            let layout = known.baseAddress.unsafelyUnwrapped + place
            if layout.pointee.shape != shape { return false }
            for word in 0..<words where layout.pointee.bits[word] != bits[word] { return false }
            return true
        }
    }

    @inline(never)
    private mutating func recall(_ shape: UInt, _ bits: UnsafePointer<UInt64>, _ words: Int, _ place: Int) -> UInt32 {
        var free = place
        for step in 1..<LayoutTable.tries {
            let next = (place + step) & (LayoutTable.size - 1)
            if has(next, shape, bits, words) { return known[next].number }
            if known[free].shape != 0, known[next].shape == 0 { free = next }
        }
        let number = LayoutTable.next.wrappingAdd(1, ordering: .relaxed).oldValue
        // After so many there are no more: events are looked through then.
        guard let number = UInt32(exactly: number) else { return 0 }
        var layout = Layout(shape: shape, number: number)
        for word in 0..<words { layout.bits[word] = bits[word] }
        known[free] = layout
        return number
    }
}
