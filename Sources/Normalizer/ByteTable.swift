// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A map from byte strings, told apart by a seed as well, to numbers: all keys in one run of bytes, nothing allocated and
/// no reference counted on look-up.
struct ByteTable: Sendable {
    private struct Cell {
        var hash: UInt64 = 0
        var offset: Int32 = 0
        var length: Int32 = -1
        var seed: Int32 = 0
        var value: Int32 = 0
    }

    /// Whether ASCII letters match in either case.
    let ignoresCase: Bool
    private var cells = Array(repeating: Cell(), count: 16)
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
            for cell in old where cell.length >= 0 { place(cell) }
        }
        place(
            Cell(
                hash: hash(key.span.bytes, seed), offset: Int32(pool.count), length: Int32(key.count),
                seed: Int32(seed), value: Int32(value)))
        pool += key
        longest = max(longest, key.count)
        if let first = key.first { firsts |= 1 << UInt64(first & 63) }
        count += 1
    }

    private mutating func place(_ cell: Cell) {
        var index = Int(truncatingIfNeeded: cell.hash) & (cells.count - 1)
        while cells[index].length >= 0 { index = (index + 1) & (cells.count - 1) }
        cells[index] = cell
    }

    /// The value of a key, or nil.
    func find(_ key: RawSpan, seed: Int = 0) -> Int? {
        guard count > 0, key.byteCount <= longest else { return nil }
        let hash = hash(key, seed)
        var index = Int(truncatingIfNeeded: hash) & (cells.count - 1)
        while cells[index].length >= 0 {
            let cell = cells[index]
            if cell.hash == hash, Int(cell.seed) == seed, Int(cell.length) == key.byteCount {
                let known = pool.span.bytes.part(Int(cell.offset), Int(cell.length))
                if ignoresCase ? key.equalsIgnoringCase(known) : key.equals(known) { return Int(cell.value) }
            }
            index = (index + 1) & (cells.count - 1)
        }
        return nil
    }

    /// Eight bytes at a time; where case does not count, letters in either case look alike (and so do a few other bytes).
    private func hash(_ key: RawSpan, _ seed: Int) -> UInt64 {
        let fold: UInt64 = ignoresCase ? 0x2020_2020_2020_2020 : 0
        let size = key.byteCount
        var state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: size)
        func mix(_ word: UInt64) {
            let product = (state ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
            state = product.high ^ product.low
        }
        func word(_ offset: Int) -> UInt64 { key.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self) | fold }
        func half(_ offset: Int) -> UInt64 {
            UInt64(key.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
        func byte(_ offset: Int) -> UInt64 {
            UInt64(key.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self))
        }
        if size >= 8 {
            var offset = 0
            while offset + 8 <= size {
                mix(word(offset))
                offset += 8
            }
            if offset < size { mix(word(size - 8)) }
        } else if size >= 4 {
            mix((half(0) | half(size - 4) << 32) | fold)
        } else if size > 0 {
            mix((byte(0) | byte(size / 2) << 8 | byte(size - 1) << 16) | fold)
        }
        return state
    }
}
