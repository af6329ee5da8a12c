// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension SyslogParser {
    /// Reads a message that is as RFC 5424 wants it in every byte, which nearly all of them are, in one pass and at a
    /// third of the lenient reader's cost.
    ///
    /// It gives up at the first byte that is unusual, valid or not (a VERSION of two digits, an escape in a PARAM-VALUE,
    /// a byte order mark): the lenient reader then begins anew, and comes to the same record where both can read.
    ///
    /// - Returns: whether the message was read; `message` is untouched when not.
    @inline(__always)
    func readStrict(_ bytes: RawSpan, _ message: inout SyslogMessage) -> Bool {
        var cursor = StrictCursor(bytes)
        let priority = cursor.priority()
        // VERSION 1 to 9 and a blank.
        guard priority >= 0, let head = cursor.word, head & 0xFF &- 0x31 <= 8, head & 0xFF00 == 0x2000 else {
            return false
        }
        let timeStart = cursor.position &+ 2
        cursor.position = timeStart
        var time = StrictTime()
        if head & 0xFFFF_0000 == 0x202D_0000 {
            cursor.position = timeStart &+ 1
        } else if !time.read(&cursor) {
            return false
        }
        let timeEnd = cursor.position
        let host = cursor.field(255)
        let app = cursor.field(48)
        let process = cursor.field(128)
        let kind = cursor.field(32)
        let data = cursor.position &+ 1
        guard cursor.isGood, let first = cursor.word(at: data) else { return false }
        let text = first & 0xFFFF == 0x202D ? data &+ 2 : cursor.endOfData(from: data) &+ 1
        // A byte order mark has its own way. Blanks were looked for only, so the rest is still to be seen.
        guard text > data &+ 1, bytes.byte(at: text &- 1) == 0x20, bytes.byte(at: text) != 0xEF,
            bytes.isPlainText(from: timeEnd, to: text)
        else { return false }
        message.format = .rfc5424
        message.isStrict = true
        message.priority = Int16(truncatingIfNeeded: priority)
        message.version = Int16(truncatingIfNeeded: head & 15)
        message.priorityText = Extent(at: 1, to: timeStart &- 3)
        if timeEnd > timeStart &+ 1 {
            message.timestamp = time.nanoseconds
            message.zoneOffset = time.offset
            message.timestampText = Extent(at: timeStart, to: timeEnd)
        } else {
            message.problems = .timeOfReceipt
        }
        message.hostname = host
        message.appname = app
        message.procid = process
        message.msgid = kind
        if text &- data > 2 { message.structuredData = Extent(at: data, to: text &- 1) }
        message.message = Extent(at: text, to: bytes.byteCount)
        inspectText(bytes, &message)
        return true
    }
}

extension Extent {
    /// The extent from `start` to `end`, which is not before it.
    @inline(__always)
    init(at start: Int, to end: Int) {
        self.init(offset: UInt32(truncatingIfNeeded: start), length: UInt32(truncatingIfNeeded: end &- start))
    }
}

/// A TIMESTAMP of RFC 5424 section 6.2.3 between 1970 and 2261.
private struct StrictTime {
    var nanoseconds: Int64 = 0
    var offset: Int32 = 0

    /// Reads a timestamp that a blank follows, or tells that it is unusual.
    @inline(__always)
    mutating func read(_ cursor: inout StrictCursor) -> Bool {
        let start = cursor.position
        // The 19 bytes are looked at as three words, YYYY-MM-, DDThh:mm and hh:mm:ss, less what the letters and the
        // digit 0 are. Adding 0x76 sets the top bit of a digit from 10 on, 0x7F of anything but 0.
        guard let one = cursor.word(at: start), let two = cursor.word(at: start &+ 8),
            let three = cursor.word(at: start &+ 11), let rest = cursor.word(at: start &+ 20)
        else { return false }
        let date = one ^ 0x2D30_302D_3030_3030
        let middle = two ^ 0x3030_3A30_3054_3030
        let clock = three ^ 0x3030_3A30_303A_3030
        let odd =
            (date &+ 0x7F76_767F_7676_7676 | date) | (middle &+ 0x7676_7F76_767F_7676 | middle)
            | (clock &+ 0x7676_7F76_767F_7676 | clock)
        guard odd & UInt64.tops == 0 else { return false }
        // Each pair of digits becomes the byte of its first one.
        let dates = date &* 10 &+ date >> 8
        let clocks = clock &* 10 &+ clock >> 8
        let year = dates.at(0) &* 100 &+ dates.at(2)
        let month = dates.at(5)
        let day = (middle &* 10 &+ middle >> 8).at(0)
        let hour = clocks.at(0)
        let minute = clocks.at(3)
        let second = clocks.at(6)
        guard year &- 1970 <= 291, month &- 1 <= 11, day &- 1 <= 30, hour <= 23, minute <= 59, second <= 59,
            day <= 28 || day <= CivilTime.days(in: Int(month), of: Int(year))
        else { return false }
        var end = start &+ 19
        var zone = cursor.bytes.byte(at: end) ?? 0
        var fraction: UInt64 = 0
        if zone == 0x2E {
            let digits = rest.leadingDigits
            guard digits &- 1 <= 5, digits > 0 else { return false }
            fraction = rest.microseconds(digits) &* 1_000
            end &+= 1 &+ digits
            zone = cursor.bytes.byte(at: end) ?? 0
        }
        end &+= 1
        if zone != 0x5A {
            guard zone == 0x2B || zone == 0x2D, let text = cursor.word(at: end), text.isDigits(0xFF_FF00_FFFF),
                text & 0xFF_0000 == 0x3A_0000, text.two(0) <= 23, text.two(3) <= 59
            else { return false }
            let seconds = text.two(0) &* 3_600 &+ text.two(3) &* 60
            offset = Int32(truncatingIfNeeded: zone == 0x2D ? 0 &- seconds : seconds)
            end &+= 5
        }
        let days = CivilTime.daysSinceEpoch(year: Int(year), month: Int(month), day: Int(day))
        let seconds = days &* 86_400 &+ Int(hour &* 3_600 &+ minute &* 60 &+ second) &- Int(offset)
        nanoseconds = Int64(seconds) &* 1_000_000_000 &+ Int64(truncatingIfNeeded: fraction)
        cursor.position = end
        return cursor.bytes.byte(at: end) == 0x20
    }
}

extension CivilTime {
    /// Days from 1970-01-01 to a date of the years 1 to 9999 (Howard Hinnant, days_from_civil).
    @inline(__always)
    static func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
        let isEarly = month <= 2
        let y = UInt32(truncatingIfNeeded: isEarly ? year &- 1 : year)
        let m = UInt32(truncatingIfNeeded: isEarly ? month &+ 9 : month &- 3)
        let days = y &* 365 &+ y / 4 &- y / 100 &+ y / 400 &+ (m &* 153 &+ 2) / 5 &+ UInt32(truncatingIfNeeded: day)
        return Int(days) &- 719_469
    }
}

extension UInt64 {
    /// The byte at `index` as a number.
    @inline(__always)
    fileprivate func at(_ index: UInt64) -> UInt64 { (self &>> (index &* 8)) & 0xFF }

    /// How many of the bytes from the lowest on are decimal digits.
    @inline(__always) var leadingDigits: Int {
        let value = self ^ (UInt64.ones &* 0x30)
        // Adding 0x76 sets the top bit from 10 on.
        return (((value &+ UInt64.ones &* 0x76) | value) & UInt64.tops).trailingZeroBitCount >> 3
    }

    /// The first `count` (1 to 8) bytes, which are digits, as millionths; only six count.
    @inline(__always)
    func microseconds(_ count: Int) -> UInt64 {
        // Six digits, cut or filled with zeros behind; then as eight digits with two zeros before them.
        let digits = self & 0x0F0F_0F0F_0F0F_0F0F
        let kept =
            count >= 6 ? digits & 0x0000_FFFF_FFFF_FFFF : digits & ((1 &<< UInt64(truncatingIfNeeded: count &* 8)) &- 1)
        var value = kept << 16
        value = (value &* 10 &+ value >> 8) & 0x00FF_00FF_00FF_00FF
        value = (value &* 100 &+ value >> 16) & 0x0000_FFFF_0000_FFFF
        return (value &* 10_000 &+ value >> 32) & 0xFFFF_FFFF
    }
}

/// The reading position in a message that is expected to meet the grammar.
///
/// Looks at eight bytes at a time and at nothing that lies in the last seven, so that one comparison is enough for
/// each; a header that reaches into them is left to the lenient reader.
struct StrictCursor: ~Escapable {
    let bytes: RawSpan
    /// The last offset at which eight bytes can be read.
    private let last: Int
    /// The offset of the next byte; never negative.
    var position = 0
    /// Whether all was as it should be.
    private(set) var isGood = true

    @_lifetime(copy bytes)
    @inline(__always)
    init(_ bytes: RawSpan) {
        self.bytes = bytes
        last = bytes.byteCount &- 8
    }

    /// The eight bytes at `offset`, which is not negative.
    @inline(__always)
    func word(at offset: Int) -> UInt64? {
        guard offset <= last, offset >= 0 else { return nil }
        return unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
    }

    /// The next eight bytes.
    @inline(__always) var word: UInt64? { word(at: position) }

    /// Reads `<PRI>`, 0 to 191 without a leading zero; -1 for anything else.
    @inline(__always)
    mutating func priority() -> Int {
        guard let word, word & 0xFF == 0x3C else { return -1 }
        let digits = (word >> 8).leadingDigits
        guard digits >= 1, digits <= 3, (word &>> UInt64(truncatingIfNeeded: 8 &* (digits &+ 1))) & 0xFF == 0x3E else {
            return -1
        }
        // The digits in the last of four bytes, zeros before them.
        let text = ((word >> 8) & 0x0F0F0F) &<< UInt64(truncatingIfNeeded: 8 &* (3 &- digits))
        let value =
            Int(truncatingIfNeeded: text & 0xFF) &* 100 &+ Int(truncatingIfNeeded: (text >> 8) & 0xFF) &* 10
            &+ Int(truncatingIfNeeded: (text >> 16) & 0xFF)
        guard value <= 191, digits == 1 || word & 0xFF00 != 0x3000 else { return -1 }
        position = digits &+ 2
        return value
    }

    /// Reads a blank, which is there, and what follows up to the next blank; a field of `-` is empty.
    @inline(__always)
    mutating func field(_ limit: Int) -> Extent {
        let start = position &+ 1
        var end = start
        while let word = word(at: end) {
            let hits = word.zeroes(of: 0x20)
            if hits == 0 {
                end &+= 8
                continue
            }
            end &+= hits.trailingZeroBitCount >> 3
            let length = end &- start
            position = end
            if UInt(bitPattern: length &- 1) >= UInt(bitPattern: limit) { isGood = false }
            return length == 1 && word & 0xFF == 0x2D ? Extent(at: 0, to: 0) : Extent(at: start, to: end)
        }
        isGood = false
        return .empty
    }

    /// The 16 bytes at `offset`.
    @inline(__always)
    private func block(at offset: Int) -> SIMD16<UInt8>? {
        guard offset <= last &- 8, offset >= 0 else { return nil }
        return unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: SIMD16<UInt8>.self)
    }

    /// The index of the first byte that `mask` has, or 16.
    @inline(__always)
    private static func first(_ mask: SIMDMask<SIMD16<Int8>>) -> Int {
        let words = unsafe unsafeBitCast(mask, to: SIMD2<UInt64>.self)
        return words[0] != 0
            ? words[0].littleEndian.trailingZeroBitCount >> 3 : 8 &+ words[1].littleEndian.trailingZeroBitCount >> 3
    }

    /// The end of an SD-NAME of 1 to 32 bytes, at a blank, `=`, `]` or `"`; -1 when it is none.
    @inline(__always)
    private func endOfName(_ start: Int) -> Int {
        var end = start
        while let block = block(at: end) {
            // `=` and `]` are `}` less bits 5 and 6 (names with a `}` go the long way), a blank is `"` less bit 1.
            let index = StrictCursor.first(
                (block | SIMD16(repeating: 0x60)) .== SIMD16(repeating: 0x7D)
                    .| ((block & SIMD16(repeating: 0xFD)) .== SIMD16(repeating: 0x20)))
            end &+= index
            if index < 16 { return UInt(bitPattern: end &- start &- 1) <= 31 ? end : -1 }
        }
        // Near the end of the message.
        while let byte = bytes.byte(at: end) {
            if byte == 0x20 || byte == 0x22 || byte == 0x3D || byte == 0x5D || byte == 0x7D {
                return UInt(bitPattern: end &- start &- 1) <= 31 ? end : -1
            }
            end &+= 1
        }
        return -1
    }

    /// The end of a PARAM-VALUE, at `"`; -1 when it has an escape or an error before that.
    @inline(__always)
    private func endOfValue(_ start: Int) -> Int {
        var end = start
        while let block = block(at: end) {
            // A backslash and `]` differ in bit 0.
            let index = StrictCursor.first(
                (block .== SIMD16(repeating: 0x22)) .| ((block | SIMD16(repeating: 1)) .== SIMD16(repeating: 0x5D)))
            end &+= index
            if index < 16 { return bytes.byte(at: end) == 0x22 ? end : -1 }
        }
        while let byte = bytes.byte(at: end) {
            if byte == 0x22 { return end }
            if byte | 1 == 0x5D { return -1 }
            end &+= 1
        }
        return -1
    }

    /// The end of structured data of up to four elements with different SD-IDs, and values without escapes and in
    /// ASCII; -1 when it is something else. Control characters are not looked for.
    @inline(never)
    func endOfData(from start: Int) -> Int {
        let none = Extent(at: 0, to: 0)
        var names = (none, none, none)
        var elements = 0
        var position = start
        while let open = word(at: position), open & 0xFF == 0x5B {
            let begin = position &+ 1
            var end = endOfName(begin)
            guard end > 0 else { return -1 }
            if elements > 0 {
                let name = Extent(at: begin, to: end)
                guard elements < 4, !isSame(name, names.0), !isSame(name, names.1), !isSame(name, names.2) else {
                    return -1
                }
            }
            switch elements {
            case 0: names.0 = Extent(at: begin, to: end)
            case 1: names.1 = Extent(at: begin, to: end)
            default: names.2 = Extent(at: begin, to: end)
            }
            elements &+= 1
            while bytes.byte(at: end) == 0x20 {
                let equals = endOfName(end &+ 1)
                guard equals > 0, bytes.byte(at: equals) == 0x3D, bytes.byte(at: equals &+ 1) == 0x22 else { return -1 }
                let quote = endOfValue(equals &+ 2)
                guard quote > 0 else { return -1 }
                end = quote &+ 1
            }
            guard bytes.byte(at: end) == 0x5D else { return -1 }
            position = end &+ 1
        }
        return position > start ? position : -1
    }

    private func isSame(_ one: Extent, _ other: Extent) -> Bool {
        one.length == other.length && bytes.part(one).equals(bytes.part(other))
    }
}
