// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Scans that look at eight bytes at a time: RFC 5424 wants every header byte checked, and a byte loop costs three
/// times as much.
extension RawSpan {
    /// Eight bytes at `offset`, the first one lowest, or nil when they do not lie inside.
    @inline(__always)
    func word(at offset: Int) -> UInt64? {
        guard offset >= 0, byteCount &- offset >= 8 else { return nil }
        return unsafe UInt64(littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
    }

    /// The fewer than eight bytes from `offset` to the end, the first one lowest, zeros above them.
    @inline(__always)
    func rest(at offset: Int) -> UInt64 {
        let count = byteCount &- offset
        guard offset >= 0, count > 0, count < 8 else { return 0 }
        if byteCount >= 8 {
            let word = unsafe UInt64(
                littleEndian: unsafeLoadUnaligned(fromByteOffset: byteCount &- 8, as: UInt64.self))
            return word &>> UInt64(truncatingIfNeeded: 64 &- count &* 8)
        }
        var word: UInt64 = 0
        for index in 0..<count {
            word |= UInt64(byte(at: offset &+ index) ?? 0) &<< UInt64(truncatingIfNeeded: index &* 8)
        }
        return word
    }

    /// The offset of the first byte at or after `start` that is not printable ASCII (33 to 126), or the end.
    @inline(__always)
    func endOfPrintable(from start: Int) -> Int {
        var position = start
        while let word = word(at: position) {
            let hits = word.unprintable
            if hits != 0 { return position &+ hits.trailingZeroBitCount >> 3 }
            position &+= 8
        }
        // The zeros above the rest are not printable either.
        return Swift.max(start, position &+ rest(at: position).unprintable.trailingZeroBitCount >> 3)
    }

    /// The offset of the first byte at or after `start` that no SD-NAME has (not printable, or one of `= ] "`), or the
    /// end.
    @inline(__always)
    func endOfName(from start: Int) -> Int {
        var position = start
        while let word = word(at: position) {
            let hits = word.unprintable | word.zeroes(of: 0x3D) | word.zeroes(of: 0x5D) | word.zeroes(of: 0x22)
            if hits != 0 { return position &+ hits.trailingZeroBitCount >> 3 }
            position &+= 8
        }
        let word = rest(at: position)
        let hits = word.unprintable | word.zeroes(of: 0x3D) | word.zeroes(of: 0x5D) | word.zeroes(of: 0x22)
        return Swift.max(start, position &+ hits.trailingZeroBitCount >> 3)
    }

    /// The offset of the first byte at or after `start` that is no letter, digit, dot or hyphen, or the end: what most
    /// host names and tags consist of.
    @inline(__always)
    func endOfPlainName(from start: Int) -> Int {
        var position = start
        while let word = word(at: position) {
            let hits = word.unplain
            if hits != 0 { return position &+ hits.trailingZeroBitCount >> 3 }
            position &+= 8
        }
        return Swift.max(start, position &+ rest(at: position).unplain.trailingZeroBitCount >> 3)
    }

    /// The offset of the first byte at or after `start` that is `"`, `\`, `]` or above 127, or the end.
    @inline(__always)
    func endOfPlainValue(from start: Int) -> Int {
        var position = start
        while let word = word(at: position) {
            // A backslash and `]` differ in bit 0.
            let hits = word.zeroes(of: 0x22) | (word | UInt64.ones).zeroes(of: 0x5D) | word & UInt64.tops
            if hits != 0 { return position &+ hits.trailingZeroBitCount >> 3 }
            position &+= 8
        }
        let word = rest(at: position)
        let hits = word.zeroes(of: 0x22) | (word | UInt64.ones).zeroes(of: 0x5D) | word & UInt64.tops
        return hits == 0 ? byteCount : Swift.min(byteCount, position &+ hits.trailingZeroBitCount >> 3)
    }

    /// The offset of the first `"`, `\` or `]` at or after `start`, or the end; `isASCII` is cleared by a byte above
    /// 127.
    @inline(__always)
    func endOfParameterText(from start: Int, _ isASCII: inout Bool) -> Int {
        var position = start
        var seen: UInt64 = 0
        while let word = word(at: position) {
            let hits =
                word.zeroes(of: 0x22) | word.zeroes(of: 0x5C) | word.zeroes(of: 0x5D)
            if hits != 0 {
                let index = hits.trailingZeroBitCount >> 3
                seen |= word & (index == 0 ? 0 : UInt64.max >> UInt64(64 &- index &* 8))
                if seen & UInt64.tops != 0 { isASCII = false }
                return position &+ index
            }
            seen |= word
            position &+= 8
        }
        while let byte = byte(at: position), byte != 0x22, byte != 0x5C, byte != 0x5D {
            seen |= UInt64(byte)
            position &+= 1
        }
        if seen & UInt64.tops != 0 { isASCII = false }
        return position
    }

    /// The offset of the first byte at or after `start` that JSON strings escape (controls, `"`, `\`), or the end.
    @inline(__always)
    func endOfJSONText(from start: Int) -> Int {
        var position = start
        while let word = word(at: position) {
            let hits =
                (word &- (UInt64.ones &* 0x20)) & ~word & UInt64.tops | word.zeroes(of: 0x7F) | word.zeroes(of: 0x22)
                | word.zeroes(of: 0x5C)
            if hits != 0 { return position &+ hits.trailingZeroBitCount >> 3 }
            position &+= 8
        }
        while let byte = byte(at: position), byte >= 0x20, byte != 0x7F, byte != 0x22, byte != 0x5C { position &+= 1 }
        return position
    }

    /// The offset of the first byte at or after `start` that is not a blank.
    @inline(__always)
    func endOfBlanks(from start: Int) -> Int {
        var position = start
        while byte(at: position) == 0x20 { position &+= 1 }
        return position
    }

    /// The offset of the first blank at or after `start`, or the end.
    @inline(__always)
    func endOfWord(from start: Int) -> Int { firstIndex(of: 0x20, from: start) ?? Swift.max(start, byteCount) }
}

extension UInt64 {
    /// One in each byte.
    @inline(__always) static var ones: UInt64 { 0x0101_0101_0101_0101 }
    /// The top bit of each byte.
    @inline(__always) static var tops: UInt64 { 0x8080_8080_8080_8080 }

    /// The top bit of the lowest byte that is not in 33 to 126 (bits above it may be wrong).
    @inline(__always) var unprintable: UInt64 { unprintable(from: 0x21) }

    /// The top bit of the lowest byte that is not in `least` to 126.
    @inline(__always)
    func unprintable(from least: UInt64) -> UInt64 {
        // A byte below the least borrows, one above 0x7E carries into its top bit; only what lies above the lowest hit
        // can be wrong.
        ((self &- (UInt64.ones &* least)) & ~self | (self &+ UInt64.ones) | self) & UInt64.tops
    }

    /// The top bit of each byte that is no ASCII letter, digit, dot or hyphen; of a slash the lowest one counts.
    @inline(__always) var unplain: UInt64 {
        let low = self & ~UInt64.tops
        let folded = low | UInt64.ones &* 0x20
        // Adding 0x80 - n sets the top bit from n on.
        let letters = (folded &+ UInt64.ones &* 0x1F) & ~(folded &+ UInt64.ones &* 0x05)
        let digits = (low &+ UInt64.ones &* 0x53) & ~(low &+ UInt64.ones &* 0x46)
        return (~(letters | digits) | self) & UInt64.tops | zeroes(of: 0x2F)
    }

    /// The top bit of the lowest byte that equals `byte` (bits above it may be wrong).
    @inline(__always)
    func zeroes(of byte: UInt8) -> UInt64 {
        let difference = self ^ (UInt64.ones &* UInt64(byte))
        return (difference &- UInt64.ones) & ~difference & UInt64.tops
    }
}
