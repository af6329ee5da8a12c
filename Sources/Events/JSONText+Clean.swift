// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Wire

extension JSONText {
    /// Writes bytes from `source` to `target` with what JSON wants escaped, as long as escapes of two characters do, and
    /// tells how many bytes were read and written. `target` needs room for twice as many and 16 more.
    @inline(__always)
    static func copyEscaped(
        _ source: UnsafeRawPointer, _ count: Int, to target: UnsafeMutableRawPointer
    ) -> (read: Int, written: Int) {
        guard count < 16 else { return copyBlocks(source, count, to: target) }
        let clean = copyShort(source, count, to: target)
        return clean == count ? (count, count) : copyRest(source, count, to: target, (clean, clean))
    }

    /// The same for 16 bytes and more, in blocks of 16: each is written before it is looked at.
    @inline(never)
    private static func copyBlocks(
        _ source: UnsafeRawPointer, _ count: Int, to target: UnsafeMutableRawPointer
    ) -> (read: Int, written: Int) {
        var read = 0
        var written = 0
        blocks: while read &+ 16 <= count {
            let block = source.loadUnaligned(fromByteOffset: read, as: SIMD16<UInt8>.self)
            target.storeBytes(of: block, toByteOffset: written, as: SIMD16<UInt8>.self)
            var found = penstock_block_unclean(block)
            var from = 0
            while found != 0 {
                let place = found.trailingZeroBitCount
                written &+= place &- from
                from = place &+ 1
                let byte = source.load(fromByteOffset: read &+ place, as: UInt8.self)
                guard let escape = shortEscape(byte) else {
                    read &+= place
                    guard copySequence(source, count, to: target, &read, &written) else { return (read, written) }
                    continue blocks
                }
                target.storeBytes(of: 0x5C, toByteOffset: written, as: UInt8.self)
                target.storeBytes(of: escape, toByteOffset: written &+ 1, as: UInt8.self)
                written &+= 2
                guard read &+ from &+ 16 <= count else {
                    read &+= from
                    break blocks
                }
                let rest = source.loadUnaligned(fromByteOffset: read &+ from, as: SIMD16<UInt8>.self)
                target.storeBytes(of: rest, toByteOffset: written, as: SIMD16<UInt8>.self)
                found &= found &- 1
            }
            read &+= 16
            written &+= 16 &- from
        }
        let left = count &- read
        guard left > 0, count >= 16 else { return (read, written) }
        // The rest together with what was seen before it, which stands in the target as it is if it is clean.
        let block = source.loadUnaligned(fromByteOffset: count &- 16, as: SIMD16<UInt8>.self)
        if penstock_block_unclean(block) == 0 {
            target.storeBytes(of: block, toByteOffset: written &+ left &- 16, as: SIMD16<UInt8>.self)
            return (count, written &+ left)
        }
        return copyRest(source, count, to: target, (read, written))
    }

    /// Goes on behind what was read; fewer than 16 bytes are left.
    @inline(never)
    private static func copyRest(
        _ source: UnsafeRawPointer, _ count: Int, to target: UnsafeMutableRawPointer, _ done: (read: Int, written: Int)
    ) -> (read: Int, written: Int) {
        var (read, written) = done
        while read < count {
            let clean = copyShort(source + read, count &- read, to: target + written)
            read &+= clean
            written &+= clean
            guard read < count else { break }
            if let escape = shortEscape(source.load(fromByteOffset: read, as: UInt8.self)) {
                target.storeBytes(of: 0x5C, toByteOffset: written, as: UInt8.self)
                target.storeBytes(of: escape, toByteOffset: written &+ 1, as: UInt8.self)
                read &+= 1
                written &+= 2
            } else if !copySequence(source, count, to: target, &read, &written) {
                break
            }
        }
        return (read, written)
    }

    /// Copies a character beyond ASCII; false: there is none.
    private static func copySequence(
        _ source: UnsafeRawPointer, _ count: Int, to target: UnsafeMutableRawPointer, _ read: inout Int,
        _ written: inout Int
    ) -> Bool {
        guard source.load(fromByteOffset: read, as: UInt8.self) >= 0x80 else { return false }
        let length = sequenceLength(RawSpan(_unsafeStart: source, byteCount: count), at: read)
        for offset in 0..<length {
            let byte = source.load(fromByteOffset: read &+ offset, as: UInt8.self)
            target.storeBytes(of: byte, toByteOffset: written &+ offset, as: UInt8.self)
        }
        read &+= length
        written &+= length
        return length > 0
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

    /// Copies up to 15 bytes from `source` to `target` as long as JSON takes them as they are (ASCII from the blank on,
    /// without quote and backslash), and tells how many that were. Writes them before it knows.
    @inline(__always)
    private static func copyShort(
        _ source: UnsafeRawPointer, _ count: Int, to target: UnsafeMutableRawPointer
    ) -> Int {
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
}
