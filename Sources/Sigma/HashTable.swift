// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A frozen multimap from 64-bit keys to small numbers: open addressing, no hashing seed, nothing allocated on look-up.
struct HashTable: Sendable {
    private let keys: [UInt64]
    /// First and last+1 place in ``values``; empty runs mark free places.
    private let runs: [UInt64]
    private let values: [Int32]
    private let mask: Int

    init(_ pairs: [(key: UInt64, value: Int32)]) {
        let sorted = pairs.sorted { ($0.key, $0.value) < ($1.key, $1.value) }
        var capacity = 8
        while capacity < pairs.count * 2 { capacity *= 2 }
        var keys = [UInt64](repeating: 0, count: capacity)
        var runs = [UInt64](repeating: 0, count: capacity)
        var values: [Int32] = []
        var index = 0
        while index < sorted.count {
            let key = sorted[index].key
            let start = values.count
            while index < sorted.count, sorted[index].key == key {
                if values.count == start || values[values.count - 1] != sorted[index].value {
                    values.append(sorted[index].value)
                }
                index += 1
            }
            var place = HashTable.place(key) & (capacity - 1)
            while runs[place] != 0 { place = (place + 1) & (capacity - 1) }
            keys[place] = key
            runs[place] = UInt64(start) << 32 | UInt64(values.count)
        }
        self.keys = keys
        self.runs = runs
        self.values = values
        self.mask = capacity - 1
    }

    private static func place(_ key: UInt64) -> Int { Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) }

    /// Calls `body` with each value of `key`.
    @inline(__always)
    func forEach(_ key: UInt64, _ body: (Int32) -> Void) { for index in run(of: key) { body(values[index]) } }

    /// The places of the values of `key`.
    @inline(__always)
    func run(of key: UInt64) -> Range<Int> {
        var place = HashTable.place(key) & mask
        while runs[place] != 0 {
            if keys[place] == key { return Int(runs[place] >> 32)..<Int(runs[place] & 0xFFFF_FFFF) }
            place = (place + 1) & mask
        }
        return 0..<0
    }

    /// The value at a place of ``run(of:)``.
    subscript(place: Int) -> Int32 { values[place] }

    /// A 64-bit hash of bytes, eight at a time, continued from `seed`.
    static func hash(_ bytes: RawSpan, seed: UInt64) -> UInt64 {
        var state = seed ^ UInt64(bytes.byteCount) &* 0x9E37_79B9_7F4A_7C15
        var index = 0
        func mix(_ word: UInt64) {
            let product = (state ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
            state = product.high ^ product.low
        }
        let count = bytes.byteCount
        while index &+ 8 <= count {
            mix(bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
            index &+= 8
        }
        // What is left over is read with some of what was read before: the length tells such texts apart.
        if index < count {
            if count >= 8 {
                mix(bytes.unsafeLoadUnaligned(fromByteOffset: count &- 8, as: UInt64.self))
            } else if count >= 4 {
                let (first, last) = (
                    bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt32.self),
                    bytes.unsafeLoadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
                )
                mix(UInt64(first) << 32 | UInt64(last))
            } else {
                let (first, middle, last) = (
                    bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt8.self),
                    bytes.unsafeLoadUnaligned(fromByteOffset: count >> 1, as: UInt8.self),
                    bytes.unsafeLoadUnaligned(fromByteOffset: count &- 1, as: UInt8.self)
                )
                mix(UInt64(first) << 16 | UInt64(middle) << 8 | UInt64(last))
            }
        }
        return state
    }
}
