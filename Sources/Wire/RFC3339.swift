// SPDX-License-Identifier: Apache-2.0

/// RFC 3339 timestamps: `2026-01-02T03:04:05.678Z`.
public enum RFC3339 {
    /// What a lenient reader met besides the time.
    public struct Reading: Equatable, Sendable {
        /// Nanoseconds since the epoch; the wall-clock time read as UTC when there was no zone.
        public var nanoseconds: Int64
        /// Bytes read.
        public var length: Int
        /// Digits of the fraction, 0 without one.
        public var fractionDigits: Int
        /// Whether a zone (`Z` or an offset) was there.
        public var hasZone: Bool
        /// Whether every byte is as RFC 5424 section 6.2.3 wants it (upper-case T and Z, a dot, a colon in the offset).
        public var isCanonical: Bool
    }

    /// Reads a timestamp at `start`. Lenient: `t`, blank or `T` between date and time, `,` for the dot, `z`, `+hhmm`,
    /// no zone at all, any number of fraction digits (nanoseconds are kept, the rest is cut).
    ///
    /// - Returns: nil when the bytes do not begin with a date and time, or one is out of range.
    public static func read(_ bytes: RawSpan, at start: Int = 0) -> Reading? {
        func number(_ at: Int, _ digits: Int) -> Int? {
            var value = 0
            for index in at..<at + digits {
                guard let byte = bytes.byte(at: index), byte >= 0x30, byte <= 0x39 else { return nil }
                value = value * 10 + Int(byte &- 0x30)
            }
            return value
        }
        var canonical = true
        guard let year = number(start, 4), bytes.byte(at: start + 4) == 0x2D, let month = number(start + 5, 2),
            bytes.byte(at: start + 7) == 0x2D, let day = number(start + 8, 2),
            let separator = bytes.byte(at: start + 10),
            let hour = number(start + 11, 2), bytes.byte(at: start + 13) == 0x3A, let minute = number(start + 14, 2),
            bytes.byte(at: start + 16) == 0x3A, let second = number(start + 17, 2)
        else { return nil }
        switch separator {
        case 0x54: break
        case 0x74, 0x20: canonical = false
        default: return nil
        }
        var position = start + 19
        var nanosecond = 0
        var digits = 0
        if let point = bytes.byte(at: position), point == 0x2E || point == 0x2C,
            let next = bytes.byte(at: position + 1), next >= 0x30, next <= 0x39
        {
            if point == 0x2C { canonical = false }
            position += 1
            var scale = 100_000_000
            while let byte = bytes.byte(at: position), byte >= 0x30, byte <= 0x39 {
                nanosecond += Int(byte &- 0x30) * scale
                scale /= 10
                digits += 1
                position += 1
            }
        }
        var offset = 0
        var hasZone = false
        switch bytes.byte(at: position) {
        case 0x5A, 0x7A:
            hasZone = true
            if bytes.byte(at: position) == 0x7A { canonical = false }
            position += 1
        case let sign? where sign == 0x2B || sign == 0x2D:
            guard let hours = number(position + 1, 2) else { break }
            let colon = bytes.byte(at: position + 3) == 0x3A
            guard let minutes = number(position + (colon ? 4 : 3), 2), hours <= 23, minutes <= 59 else { break }
            if !colon { canonical = false }
            offset = (hours * 60 + minutes) * 60 * (sign == 0x2D ? -1 : 1)
            hasZone = true
            position += colon ? 6 : 5
        default: break
        }
        let time = CivilTime(
            year: year, month: month, day: day, hour: hour, minute: minute, second: second, nanosecond: nanosecond)
        guard time.isValid, let nanoseconds = time.nanosecondsSinceEpoch(offset: offset) else { return nil }
        return Reading(
            nanoseconds: nanoseconds, length: position - start, fractionDigits: digits, hasZone: hasZone,
            isCanonical: canonical && hasZone)
    }

    /// `nanoseconds` since the epoch as UTC text with `digits` digits of fraction (0, 3, 6 or 9).
    public static func text(_ nanoseconds: Int64, digits: Int = 3) -> String {
        let time = CivilTime(nanosecondsSinceEpoch: nanoseconds)
        func padded(_ value: Int, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
        }
        var text = padded(time.year, 4) + "-" + padded(time.month, 2) + "-" + padded(time.day, 2) + "T"
        text += padded(time.hour, 2) + ":" + padded(time.minute, 2) + ":" + padded(time.second, 2)
        if digits > 0 { text += "." + padded(time.nanosecond, 9).prefix(digits) }
        return text + "Z"
    }
}
