// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension JSONText {
    /// Writes bytes from `source` to `target` with what JSON wants escaped, as long as escapes of two characters do, and
    /// tells how many bytes were read and written. `target` needs room for twice as many and 16 more.
    @inline(__always)
    static func copyEscaped(
        _ source: UnsafeRawPointer, _ count: Int, to target: UnsafeMutableRawPointer
    ) -> (read: Int, written: Int) {
        var read = copyClean(source, count, to: target)
        var written = read
        while read < count {
            guard let escape = shortEscape(source.load(fromByteOffset: read, as: UInt8.self)) else { break }
            target.storeBytes(of: 0x5C, toByteOffset: written, as: UInt8.self)
            target.storeBytes(of: escape, toByteOffset: written + 1, as: UInt8.self)
            read += 1
            written += 2
            let clean = copyClean(source + read, count - read, to: target + written)
            read += clean
            written += clean
        }
        return (read, written)
    }

    /// What stands behind the backslash of a byte that has an escape of two characters.
    @inline(__always)
    private static func shortEscape(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x22, 0x5C: byte
        case 0x0A: 0x6E
        case 0x0D: 0x72
        case 0x09: 0x74
        default: nil
        }
    }

    /// Copies bytes from `source` to `target` as long as JSON takes them as they are (printable ASCII without quote and
    /// backslash), and tells how many that were. Looks at many bytes at once, and writes them before it knows.
    @inline(__always)
    private static func copyClean(
        _ source: UnsafeRawPointer, _ count: Int, to target: UnsafeMutableRawPointer
    ) -> Int {
        if count >= 16 { return copyLong(source, count, to: target) }
        // Up to 15 bytes are two overlapping words; of up to three bytes first, middle and last.
        if count >= 8 {
            let first = source.loadUnaligned(as: UInt64.self)
            let last = source.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
            target.storeBytes(of: first, as: UInt64.self)
            target.storeBytes(of: last, toByteOffset: count - 8, as: UInt64.self)
            let early = dirty(first)
            if early != 0 { return early.trailingZeroBitCount >> 3 }
            let late = dirty(last)
            return late == 0 ? count : count - 8 + late.trailingZeroBitCount >> 3
        } else if count >= 4 {
            let first = source.loadUnaligned(as: UInt32.self)
            let last = source.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
            target.storeBytes(of: first, as: UInt32.self)
            target.storeBytes(of: last, toByteOffset: count - 4, as: UInt32.self)
            let found = dirty(UInt64(last) << 32 | UInt64(first))
            if found == 0 { return count }
            let place = found.trailingZeroBitCount >> 3
            return place < 4 ? place : count - 8 + place
        } else if count > 0 {
            let first = source.load(as: UInt8.self)
            let middle = source.load(fromByteOffset: count / 2, as: UInt8.self)
            let last = source.load(fromByteOffset: count - 1, as: UInt8.self)
            target.storeBytes(of: first, as: UInt8.self)
            target.storeBytes(of: middle, toByteOffset: count / 2, as: UInt8.self)
            target.storeBytes(of: last, toByteOffset: count - 1, as: UInt8.self)
            let blanks: UInt64 = 0x2020_2020_2000_0000
            let found = dirty(blanks | UInt64(last) << 16 | UInt64(middle) << 8 | UInt64(first))
            if found == 0 { return count }
            switch found.trailingZeroBitCount >> 3 {
            case 0: return 0
            case 1: return count / 2
            default: return count - 1
            }
        }
        return 0
    }

    /// Copies blocks of 16 bytes.
    @inline(never)
    private static func copyLong(_ source: UnsafeRawPointer, _ count: Int, to target: UnsafeMutableRawPointer) -> Int {
        var index = 0
        while index + 16 <= count {
            if let stop = copyBlock(source + index, to: target + index) { return index + stop }
            index += 16
        }
        guard index < count else { return count }
        // The rest, together with what was seen before it.
        return count - 16 + (copyBlock(source + (count - 16), to: target + (count - 16)) ?? 16)
    }

    /// A word that is 0 when all of its bytes are clean; its lowest bit is in the first byte that is not.
    @inline(__always)
    private static func dirty(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        // Below 0x80 a subtraction borrows only where the byte is too small; from 0x80 on the byte itself has the bit.
        let control = word &- ones &* 0x20
        let quote = (word ^ ones &* 0x22) &- ones
        let backslash = (word ^ ones &* 0x5C) &- ones
        return (control | quote | backslash | word) & 0x8080_8080_8080_8080
    }

    /// Copies 16 bytes; tells where the first one stands that is not clean.
    @inline(__always)
    private static func copyBlock(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer) -> Int? {
        let words = source.loadUnaligned(as: SIMD2<UInt64>.self)
        target.storeBytes(of: words, as: SIMD2<UInt64>.self)
        let ones = SIMD2<UInt64>(repeating: 0x0101_0101_0101_0101)
        let control = words &- SIMD2(repeating: 0x2020_2020_2020_2020)
        let quote = (words ^ SIMD2(repeating: 0x2222_2222_2222_2222)) &- ones
        let backslash = (words ^ SIMD2(repeating: 0x5C5C_5C5C_5C5C_5C5C)) &- ones
        let found = (control | quote | backslash | words) & SIMD2(repeating: 0x8080_8080_8080_8080)
        guard found[0] | found[1] != 0 else { return nil }
        return found[0] != 0 ? found[0].trailingZeroBitCount >> 3 : 8 + found[1].trailingZeroBitCount >> 3
    }
}
