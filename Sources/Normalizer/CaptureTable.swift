// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The captures of the record under work by slot, one bit for each that is there, and one for each that says something:
/// what goes over captures goes over these bits, so that a mapping of two hundred names costs a record with ten of them no
/// more than ten.
struct CaptureTable: ~Copyable {
    private let captures: UnsafeMutablePointer<Capture>
    private let bits: UnsafeMutablePointer<UInt64>
    private let said: UnsafeMutablePointer<UInt64>
    private let capacity: Int
    private(set) var count = 0
    /// How often something was captured: who has seen a number has seen all.
    private(set) var changes = 0

    /// A table for mappings of up to `capacity` slots.
    init(capacity: Int) {
        self.capacity = max(capacity, 64)
        captures = .allocate(capacity: self.capacity)
        captures.initialize(repeating: .absent, count: self.capacity)
        bits = .allocate(capacity: self.capacity / 64 + 1)
        bits.initialize(repeating: 0, count: self.capacity / 64 + 1)
        said = .allocate(capacity: self.capacity / 64 + 1)
        said.initialize(repeating: 0, count: self.capacity / 64 + 1)
    }

    deinit {
        captures.deallocate()
        bits.deallocate()
        said.deallocate()
    }

    /// How many words the bits of `count` slots take.
    static func words(_ count: Int) -> Int { (count + 63) / 64 }

    /// Forgets all captures and begins a record of a mapping with `count` slots.
    mutating func begin(_ count: Int) {
        precondition(count <= capacity, "a mapping has more slots than its table")
        for word in 0..<CaptureTable.words(self.count) {
            var open = bits[word]
            while open != 0 {
                captures[word << 6 | open.trailingZeroBitCount] = .absent
                open &= open - 1
            }
            bits[word] = 0
            said[word] = 0
        }
        self.count = count
    }

    subscript(slot: SlotID) -> Capture {
        @inline(__always)
        get {
            precondition(UInt(bitPattern: slot) < UInt(bitPattern: count), "a slot of another mapping")
            return captures[slot]
        }
        @inline(__always)
        set {
            precondition(UInt(bitPattern: slot) < UInt(bitPattern: count), "a slot of another mapping")
            captures[slot] = newValue
            changes &+= 1
            let bit: UInt64 = 1 << UInt64(slot & 63)
            if newValue.kind == .absent { bits[slot >> 6] &= ~bit } else { bits[slot >> 6] |= bit }
            if newValue.isNothing { said[slot >> 6] &= ~bit } else { said[slot >> 6] |= bit }
        }
    }

    /// Captures a text where nothing was captured before; false when something was.
    @inline(__always)
    mutating func add(_ slot: SlotID, text extent: Extent) -> Bool {
        precondition(UInt(bitPattern: slot) < UInt(bitPattern: count), "a slot of another mapping")
        let bit: UInt64 = 1 &<< UInt64(slot & 63)
        guard bits[slot &>> 6] & bit == 0 else { return false }
        bits[slot &>> 6] |= bit
        changes &+= 1
        if extent.length > 0 { said[slot &>> 6] |= bit }
        captures[slot] = .text(extent)
        return true
    }

    /// The bits of slots `64 * word` and on.
    @inline(__always)
    func filled(_ word: Int) -> UInt64 {
        precondition(word >= 0 && word << 6 < count, "a word of another mapping")
        return bits[word]
    }

    /// The bits of slots `64 * word` and on whose captures say something (``Capture/isNothing``).
    @inline(__always)
    func said(_ word: Int) -> UInt64 {
        precondition(word >= 0 && word << 6 < count, "a word of another mapping")
        return said[word]
    }

    /// Whether a capture says something.
    @inline(__always)
    func has(_ slot: SlotID) -> Bool { said(slot >> 6) & 1 << UInt64(slot & 63) != 0 }

    /// Notes the symbol of a capture: a memory of what follows from its text, and no change of it.
    @inline(__always)
    func note(symbol: Int32, of slot: SlotID) {
        precondition(UInt(bitPattern: slot) < UInt(bitPattern: count), "a slot of another mapping")
        captures[slot].symbol = symbol
    }
}
