// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Scans that look at eight bytes at a time: RFC 5424 wants every header byte checked, and a byte loop costs three
/// times as much.
extension RawSpan {
    /// Eight bytes at `offset`, the first one lowest, or nil when they do not lie inside.
    @inline(__always)
    func word(at offset: Int) -> UInt64? {
        guard offset >= 0, byteCount &- offset >= 8 else { return nil }
        return unsafe UInt64(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// The offset of the first byte at or after `start` that is not printable ASCII (33 to 126), or the end.
    @inline(__always)
    func endOfPrintable(from start: Int) -> Int {
        var position = start
        while let word = word(at: position) {
            // A byte below 0x21 borrows, one above 0x7E carries into its top bit; only what lies above the lowest hit
            // can be wrong.
            let hits = ((word &- (UInt64.ones &* 0x21)) & ~word | (word &+ UInt64.ones) | word) & UInt64.tops
            if hits != 0 { return position &+ hits.trailingZeroBitCount >> 3 }
            position &+= 8
        }
        while let byte = byte(at: position), byte >= 0x21, byte <= 0x7E { position &+= 1 }
        return position
    }

    /// The offset of the first byte at or after `start` that no SD-NAME has (not printable, or one of `= ] "`), or the
    /// end.
    @inline(__always)
    func endOfName(from start: Int) -> Int {
        var position = start
        while let word = word(at: position) {
            let hits =
                ((word &- (UInt64.ones &* 0x21)) & ~word | (word &+ UInt64.ones) | word) & UInt64.tops
                | word.zeroes(of: 0x3D) | word.zeroes(of: 0x5D) | word.zeroes(of: 0x22)
            if hits != 0 { return position &+ hits.trailingZeroBitCount >> 3 }
            position &+= 8
        }
        while let byte = byte(at: position), byte >= 0x21, byte <= 0x7E, byte != 0x3D, byte != 0x5D, byte != 0x22 {
            position &+= 1
        }
        return position
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

    /// What a run of text holds besides printable ASCII.
    struct TextTraits {
        /// A byte above 127.
        var isASCII = true
        /// A byte below 32, or 127.
        var hasControls = false
    }

    /// Looks for control characters and bytes above 127 at and after `start`.
    @inline(__always)
    func textTraits(from start: Int) -> TextTraits {
        var position = start
        var tops: UInt64 = 0
        var controls: UInt64 = 0
        while let word = word(at: position) {
            tops |= word
            controls |= (word &- (UInt64.ones &* 0x20)) & ~word | word.zeroes(of: 0x7F)
            position &+= 8
        }
        while let byte = byte(at: position) {
            tops |= UInt64(byte)
            if byte < 0x20 || byte == 0x7F { controls |= 0x80 }
            position &+= 1
        }
        return TextTraits(isASCII: tops & UInt64.tops == 0, hasControls: controls & UInt64.tops != 0)
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

    /// The top bit of the lowest byte that equals `byte` (bits above it may be wrong).
    @inline(__always)
    func zeroes(of byte: UInt8) -> UInt64 {
        let difference = self ^ (UInt64.ones &* UInt64(byte))
        return (difference &- UInt64.ones) & ~difference & UInt64.tops
    }
}
