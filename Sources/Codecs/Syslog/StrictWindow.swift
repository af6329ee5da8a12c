// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Wire

/// 64 bytes of a message, of which each question is answered with a mask: bit n is byte n.
struct StrictWindow {
    private let one: SIMD16<UInt8>
    private let two: SIMD16<UInt8>
    private let three: SIMD16<UInt8>
    private let four: SIMD16<UInt8>

    /// The bytes from `start` on, or nil when fewer than 64 are left.
    @inline(always)
    init?(_ bytes: RawSpan, at start: Int) {
        guard start >= 0, bytes.byteCount &- start >= 64 else { return nil }
        unsafe one = bytes.block(uncheckedAt: start)
        unsafe two = bytes.block(uncheckedAt: start &+ 16)
        unsafe three = bytes.block(uncheckedAt: start &+ 32)
        unsafe four = bytes.block(uncheckedAt: start &+ 48)
    }

    @inline(always)
    func mask(_ of: (SIMD16<UInt8>) -> UInt32) -> UInt64 {
        UInt64(of(one) | of(two) << 16) | UInt64(of(three) | of(four) << 16) << 32
    }

    /// The length of one element of structured data, which is the only one, with values without escapes, at the beginning
    /// of the window; 0 when it is something else or longer. What is no printable ASCII is not looked for.
    ///
    /// The grammar of RFC 5424 section 6.3 as equations between masks: outside of quotes each `=` stands before an opening
    /// quote and no quote opens elsewhere, a closing quote stands before a blank or the `]`, and of these all but the
    /// first, which ends the SD-ID, stand behind a closing quote.
    @inline(always)
    func element() -> Int {
        let quotes = mask { penstock_block_equal($0, 0x22) }
        let closes = mask { penstock_block_closes($0) }
        // From each opening quote to before its closing one.
        var inside = quotes ^ (quotes << 1)
        inside ^= inside << 2
        inside ^= inside << 4
        inside ^= inside << 8
        inside ^= inside << 16
        inside ^= inside << 32
        let end = closes & ~inside & (0 &- (closes & ~inside))
        // The bits below the first `]` or backslash outside; none when there is none.
        let below = end &- 1
        guard end != 0, closes & inside & below == 0 else { return 0 }
        let outside = below & ~inside
        let blanks = mask { penstock_block_equal($0, 0x20) } & outside
        let equals = mask { penstock_block_equal($0, 0x3D) } & outside
        let ends = blanks | end
        let closing = quotes & outside
        guard equals << 1 == quotes & inside & below, closing << 1 == ends & (ends &- 1) else { return 0 }
        // Names have 1 to 32 bytes.
        var names = outside & ~(closing | ends | equals | 1)
        guard (equals | ends & (0 &- ends)) & ((blanks | 1) << 1) == 0 else { return 0 }
        names &= names >> 1
        names &= names >> 2
        names &= names >> 4
        names &= names >> 8
        names &= names >> 16
        return names & (names >> 1) == 0 ? end.trailingZeroBitCount &+ 1 : 0
    }
}

/// HOSTNAME, APP-NAME, PROCID and MSGID.
struct StrictFields {
    var hostname = Extent(at: 0, to: 0)
    var appname = Extent(at: 0, to: 0)
    var procid = Extent(at: 0, to: 0)
    var msgid = Extent(at: 0, to: 0)
    /// The offset after the blank behind them, or -1 when one of them is not as it should be.
    var end = -1
    /// Whether one has a quote or a backslash.
    var hasEscapes = false

    /// Reads the fields from `start` on.
    @inline(always)
    static func read(_ bytes: RawSpan, at start: Int) -> StrictFields {
        guard let window = StrictWindow(bytes, at: start) else { return readLong(bytes, at: start) }
        let first = window.mask { penstock_block_equal($0, 0x20) }
        let second = first & (first &- 1)
        let third = second & (second &- 1)
        let fourth = third & (third &- 1)
        guard fourth != 0 else { return readLong(bytes, at: start) }
        let host = first.trailingZeroBitCount
        let app = second.trailingZeroBitCount
        let process = third.trailingZeroBitCount
        let kind = fourth.trailingZeroBitCount
        let header = fourth ^ (fourth &- 1)
        var fields = StrictFields()
        // No two blanks in a row, nor one at the beginning; and the limits that 64 bytes can break.
        guard first & ((first << 1) | 1) & header == 0, app &- host <= 49, kind &- process <= 33 else { return fields }
        fields.hostname = extent(bytes, start, host)
        fields.appname = extent(bytes, start &+ host &+ 1, app &- host &- 1)
        fields.procid = extent(bytes, start &+ app &+ 1, process &- app &- 1)
        fields.msgid = extent(bytes, start &+ process &+ 1, kind &- process &- 1)
        fields.end = start &+ kind &+ 1
        fields.hasEscapes = window.mask { penstock_block_escapes($0) } & header != 0
        return fields
    }

    /// A field that is inside; `-` is an empty one.
    @inline(always)
    private static func extent(_ bytes: RawSpan, _ start: Int, _ length: Int) -> Extent {
        length == 1 && bytes.at(start) == 0x2D ? Extent(at: 0, to: 0) : Extent(at: start, to: start &+ length)
    }

    /// Reads the fields when they do not lie in 64 bytes, or the message ends before these do.
    @inline(never)
    private static func readLong(_ bytes: RawSpan, at start: Int) -> StrictFields {
        var cursor = StrictCursor(bytes, at: start &- 1)
        var fields = StrictFields()
        fields.hostname = cursor.field(bytes, 255)
        fields.appname = cursor.field(bytes, 48)
        fields.procid = cursor.field(bytes, 128)
        fields.msgid = cursor.field(bytes, 32)
        fields.hasEscapes = cursor.hasEscapes
        if cursor.isGood { fields.end = cursor.position &+ 1 }
        return fields
    }
}

extension RawSpan {
    /// The end of structured data at `start` that is plain; -1 when it is something else.
    @inline(always)
    func endOfStrictData(_ start: Int) -> Int {
        if let length = StrictWindow(self, at: start)?.element(), length > 0, at(start) == 0x5B,
            at(start &+ length &- 1) == 0x5D, at(start &+ length) != 0x5B
        {
            return start &+ length
        }
        return StrictCursor.endOfData(self, start)
    }
}
