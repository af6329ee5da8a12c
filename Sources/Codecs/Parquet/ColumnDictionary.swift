// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The distinct values of a column chunk in the order of their first appearance, kept as the PLAIN dictionary page.
///
/// Open addressing over the values' bytes. The hash is not keyed, so that the same rows give the same file; a log
/// author who makes values collide reaches the probe limit, and with it PLAIN, not a slow writer.
struct ColumnDictionary: ~Copyable {
    /// The slots looked at before the dictionary is given up.
    private static let probeLimit = 128

    /// What a search found.
    enum Hit {
        case index(UInt32)
        /// Not there; it belongs into this slot.
        case free(slot: Int)
        case exhausted
    }

    /// The values as the dictionary page has them.
    private(set) var content = Slab(capacity: 256)
    private var starts: [UInt32] = []
    /// The upper half is the hash, the lower half the index plus one; 0 is a free slot.
    private var slots: [UInt64] = []
    /// The bytes before each value: the length of a byte array, or nothing.
    private let prefix: Int

    init(prefix: Int) { self.prefix = prefix }

    /// The number of values.
    var count: Int { starts.count }

    /// Forgets all values, keeps the memory.
    mutating func reset() {
        content.reset()
        starts.removeAll(keepingCapacity: true)
        for slot in slots.indices { slots[slot] = 0 }
    }

    /// Looks `key` up.
    mutating func find(_ key: RawSpan, hash: UInt32) -> Hit {
        if (starts.count + 1) * 2 > slots.count { grow() }
        let mask = slots.count - 1
        var slot = Int(hash) & mask
        for _ in 0..<Self.probeLimit {
            let held = slots[slot]
            if held == 0 { return .free(slot: slot) }
            if UInt32(truncatingIfNeeded: held >> 32) == hash {
                let index = Int(held & 0xFFFF_FFFF) - 1
                if matches(index, key) { return .index(UInt32(index)) }
            }
            slot = (slot + 1) & mask
        }
        return .exhausted
    }

    /// Adds `key` in the slot that `find` named, and tells its index.
    mutating func insert(_ key: RawSpan, hash: UInt32, slot: Int) -> UInt32 {
        let index = starts.count
        starts.append(UInt32(content.count))
        if prefix > 0 { content.append(littleEndian: UInt32(key.byteCount)) }
        content.append(key)
        slots[slot] = UInt64(hash) << 32 | UInt64(index + 1)
        return UInt32(index)
    }

    /// The size of a value as PLAIN has it.
    func size(_ index: Int) -> Int {
        (index + 1 < starts.count ? Int(starts[index + 1]) : content.count) - Int(starts[index])
    }

    /// Appends a value as PLAIN has it.
    func append(_ index: Int, to out: inout Slab) { out.append(content.bytes.part(Int(starts[index]), size(index))) }

    /// Whether the value is `key`.
    private func matches(_ index: Int, _ key: RawSpan) -> Bool {
        content.bytes.part(Int(starts[index]) + prefix, size(index) - prefix).matches(key)
    }

    private mutating func grow() {
        let size = max(64, slots.count * 2)
        var larger = [UInt64](repeating: 0, count: size)
        for held in slots where held != 0 {
            var slot = Int(held >> 32) & (size - 1)
            while larger[slot] != 0 { slot = (slot + 1) & (size - 1) }
            larger[slot] = held
        }
        slots = larger
    }

    /// The hash of a value: eight bytes at a time, each folded in with a 64 by 64 bit multiplication.
    static func hash(_ key: RawSpan) -> UInt32 {
        func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
            let product = left.multipliedFullWidth(by: right)
            return product.high ^ product.low
        }
        let count = key.byteCount
        var state = UInt64(truncatingIfNeeded: count) ^ 0x9E37_79B9_7F4A_7C15
        var offset = 0
        while offset + 8 <= count {
            let word = unsafe key.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            state = fold(state ^ word, 0xBF58_476D_1CE4_E5B9)
            offset += 8
        }
        if offset < count {
            var word: UInt64 = 0
            if count >= 8 {
                word = unsafe key.unsafeLoadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
            } else {
                for index in 0..<count {
                    word = unsafe word << 8 | UInt64(key.unsafeLoadUnaligned(fromByteOffset: index, as: UInt8.self))
                }
            }
            state = fold(state ^ word, 0x94D0_49BB_1331_11EB)
        }
        return UInt32(truncatingIfNeeded: state ^ state >> 32)
    }
}
