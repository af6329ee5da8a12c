// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A map from byte strings, told apart by a seed as well, to numbers: all keys in one run of bytes, nothing allocated and
/// no reference counted on look-up.
///
/// The first and the last eight bytes of a key, which overlap in short ones, stand in its cell: most keys are no longer
/// than both together, and are compared as two numbers.
struct ByteTable: Sendable {
    private struct Cell {
        var ends = Ends(head: 0, tail: 0)
        var seed: Int32 = 0
        /// -1 in an empty cell.
        var length: Int32 = -1
        var offset: Int32 = 0
        var value: Int32 = 0
    }

    /// The first and the last eight bytes; of fewer than eight all of them in `head`.
    private struct Ends {
        var head: UInt64
        var tail: UInt64
    }

    /// Whether ASCII letters match in either case.
    let ignoresCase: Bool
    private var cells = Array(repeating: Cell(), count: 16)
    /// By how much a hash is shifted to be the number of a cell.
    private var shift: UInt64 = 60
    private var pool: [UInt8] = []
    private var count = 0
    private var longest = 0
    /// One bit by the low six bits of the keys' first bytes.
    private(set) var firsts: UInt64 = 0

    init(ignoringCase: Bool = false) { ignoresCase = ignoringCase }

    /// Adds a key, in lower case when case does not count; the first value of a key stands.
    mutating func insert(_ key: [UInt8], seed: Int = 0, _ value: Int) {
        if find(key.span.bytes, seed: seed) != nil { return }
        if count * 2 >= cells.count {
            let old = cells
            cells = Array(repeating: Cell(), count: old.count * 2)
            shift -= 1
            for cell in old where cell.length >= 0 { place(cell) }
        }
        place(
            Cell(
                ends: ends(key.span.bytes), seed: Int32(seed), length: Int32(key.count), offset: Int32(pool.count),
                value: Int32(value)))
        pool += key
        longest = max(longest, key.count)
        if let first = key.first { firsts |= 1 << UInt64(first & 63) }
        count += 1
    }

    private mutating func place(_ cell: Cell) {
        var index = first(cell.ends, cell.length, cell.seed)
        while cells[index].length >= 0 { index = (index + 1) & (cells.count - 1) }
        cells[index] = cell
    }

    /// The value of a key, or nil.
    func find(_ key: RawSpan, seed: Int = 0) -> Int? {
        guard key.byteCount <= longest, count > 0 else { return nil }
        let ends = ends(key)
        let length = Int32(truncatingIfNeeded: key.byteCount)
        let seed = Int32(truncatingIfNeeded: seed)
        return cells.withUnsafeBufferPointer { cells in
            // A power of two, of which at most half are taken.
            let mask = cells.count &- 1
            var index = first(ends, length, seed)
            while true {
                let cell = cells[index & mask]
                if cell.ends.head == ends.head, cell.ends.tail == ends.tail, cell.length == length, cell.seed == seed {
                    if length <= 16 || isSame(key, cell) { return Int(cell.value) }
                } else if cell.length < 0 {
                    return nil
                }
                index &+= 1
            }
        }
    }

    /// Whether a key with the same ends is the same between them.
    @inline(never)
    private func isSame(_ key: RawSpan, _ cell: Cell) -> Bool {
        let known = pool.span.bytes.part(Int(cell.offset), Int(cell.length))
        return ignoresCase ? key.equalsIgnoringCase(known) : key.equals(known)
    }

    /// The cell at which the search for a key begins. What it tells apart are a table's own keys: nobody outside can make
    /// the search long.
    @inline(__always)
    private func first(_ ends: Ends, _ length: Int32, _ seed: Int32) -> Int {
        let number = UInt64(UInt32(bitPattern: seed)) << 8 ^ UInt64(UInt32(bitPattern: length))
        let mixed = (ends.head ^ number &* 0x9E37_79B9_7F4A_7C15) &+ ends.tail &* 0xD6E8_FEB8_6659_FD93
        return Int(truncatingIfNeeded: ((mixed ^ mixed &>> 32) &* 0x9FB2_1C65_1E98_DF25) &>> shift)
    }

    @inline(__always)
    private func ends(_ key: RawSpan) -> Ends {
        let size = key.byteCount
        // All offsets below lie inside.
        func word(_ offset: Int) -> UInt64 { key.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self) }
        func half(_ offset: Int) -> UInt64 {
            UInt64(key.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt32.self))
        }
        func byte(_ offset: Int) -> UInt64 {
            UInt64(key.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt8.self))
        }
        var ends = Ends(head: 0, tail: 0)
        if size >= 8 {
            ends = Ends(head: word(0), tail: word(size &- 8))
        } else if size >= 4 {
            ends.head = half(0) | half(size &- 4) << 32
        } else if size > 0 {
            ends.head = byte(0) | byte(size / 2) << 8 | byte(size &- 1) << 16
        }
        guard ignoresCase else { return ends }
        return Ends(head: ByteTable.lowered(ends.head), tail: ByteTable.lowered(ends.tail))
    }

    /// Eight bytes with ASCII's capital letters small.
    @inline(__always)
    private static func lowered(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let low = word & (0x7F &* ones)
        // The high bit: from A on, and behind Z.
        let fromA = low &+ ((0x80 - 0x41) &* ones)
        let behindZ = low &+ ((0x7F - 0x5A) &* ones)
        let isCapital = (fromA ^ behindZ) & ~word & (0x80 &* ones)
        return word | isCapital &>> 2
    }
}
