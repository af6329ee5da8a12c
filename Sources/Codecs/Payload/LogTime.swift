// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The dates that products write into the fields of their records, in whatever form.
///
/// Read are all forms of syslog headers (RFC 3339 and its relatives, BSD and asctime dates), `2026/03/05 14:07:09`,
/// `05/Mar/2026:14:07:09 +0100` (Common Log Format), `3/5/2026 2:07:09 PM`, and seconds, milliseconds, microseconds or
/// nanoseconds since the epoch, told apart by their size.
public enum LogTime {
    /// Nanoseconds since the epoch, or nil when the text does not begin with a date; what stands behind it is ignored.
    ///
    /// - Parameters:
    ///   - zone: of dates that name none.
    ///   - receivedAt: nanoseconds since the epoch; decides a year that is not written, and which of two figures is the day.
    public static func read(_ text: RawSpan, zone: SyslogZone = .utc, receivedAt: Int64) -> Int64? {
        let start = text.endOfBlanks(from: 0)
        let bytes = text.part(start, min(text.byteCount - start, 64))
        guard let first = bytes.byte(at: 0) else { return nil }
        if let reading = RFC3339.read(bytes), reading.hasZone { return reading.nanoseconds }
        if first &- 0x30 <= 9, let time = epoch(bytes) { return time }
        guard let reading = slashed(bytes) ?? SyslogTimestamp.read(bytes, at: 0) else { return nil }
        var ignored = SyslogMessage(receivedAt: receivedAt)
        return reading.resolve(zone: zone, receivedAt: receivedAt, &ignored)
    }

    /// A number with at least nine digits before its fraction: less would be a date in 1973 at best, or a counter.
    private static func epoch(_ bytes: RawSpan) -> Int64? {
        let point = bytes.firstIndex(of: 0x2E) ?? bytes.byteCount
        guard point >= 9, point <= 19, let whole = bytes.part(0, point).decimal, let value = Int64(exactly: whole)
        else { return nil }
        let factor: Int64 =
            point <= 11 ? 1_000_000_000 : point <= 14 ? 1_000_000 : point <= 17 ? 1_000 : 1
        let (product, over) = value.multipliedReportingOverflow(by: factor)
        guard !over else { return nil }
        if point == bytes.byteCount { return product }
        let fraction = bytes.part(point + 1, min(bytes.byteCount - point - 1, 9))
        guard let digits = fraction.decimal else { return nil }
        var part = Double(digits) * Double(factor)
        for _ in 0..<fraction.byteCount { part /= 10 }
        return product &+ Int64(part)
    }

    /// `yyyy/mm/dd hh:mm:ss`, `dd/Mon/yyyy:hh:mm:ss`, `mm/dd/yyyy hh:mm:ss` with an optional half of the day.
    private static func slashed(_ bytes: RawSpan) -> SyslogTimestamp? {
        guard let slash = bytes.firstIndex(of: 0x2F), slash <= 4,
            let other = bytes.firstIndex(of: 0x2F, from: slash + 1), other - slash <= 4
        else { return nil }
        var position = other + 1
        while let byte = bytes.byte(at: position), byte &- 0x30 <= 9 { position += 1 }
        let last = bytes.part(other + 1, position - other - 1)
        var reading = SyslogTimestamp()
        reading.hasYear = true
        if slash == 4 {
            guard let year = SyslogTimestamp.year(bytes, at: 0), let month = number(bytes.part(5, other - 5)),
                let day = number(last)
            else { return nil }
            (reading.time.year, reading.time.month, reading.time.day) = (year, month, day)
        } else {
            guard last.byteCount == 4, let year = SyslogTimestamp.year(bytes, at: other + 1),
                let one = number(bytes.part(0, slash))
            else { return nil }
            reading.time.year = year
            let middle = bytes.part(slash + 1, other - slash - 1)
            if let two = number(middle) {
                (reading.time.month, reading.time.day) = one > 12 ? (two, one) : (one, two)
                reading.isOrderOpen = one <= 12 && two <= 12 && one != two
            } else {
                guard let month = month(middle) else { return nil }
                (reading.time.month, reading.time.day) = (month, one)
            }
        }
        // A colon (Common Log Format), a T or blanks stand before the time.
        guard let between = bytes.byte(at: position), between == 0x3A || between == 0x20 || between == 0x54 else {
            return nil
        }
        position += 1
        position = bytes.endOfBlanks(from: position)
        guard clock(bytes, &position, &reading) else { return nil }
        reading.end = position
        reading.readFraction(bytes)
        halfOfDay(bytes, &reading)
        reading.readOffset(bytes)
        if reading.offset == nil { reading.readTail(bytes) }
        return reading
    }

    /// `h:mm:ss` or `hh:mm:ss`.
    private static func clock(_ bytes: RawSpan, _ position: inout Int, _ reading: inout SyslogTimestamp) -> Bool {
        guard let colon = bytes.firstIndex(of: 0x3A, from: position), colon - position <= 2,
            bytes.byte(at: colon + 3) == 0x3A, let hour = number(bytes.part(position, colon - position)),
            let minute = number(bytes.part(colon + 1, 2)), let second = number(bytes.part(colon + 4, 2))
        else { return false }
        (reading.time.hour, reading.time.minute, reading.time.second) = (hour, minute, second)
        position = colon + 6
        return true
    }

    private static func halfOfDay(_ bytes: RawSpan, _ reading: inout SyslogTimestamp) {
        let start = bytes.endOfBlanks(from: reading.end)
        guard let letter = bytes.byte(at: start), let second = bytes.byte(at: start + 1), second | 0x20 == 0x6D,
            !(bytes.byte(at: start + 2)?.isLetterOrDigit ?? false), (1...12).contains(reading.time.hour)
        else { return }
        switch letter | 0x20 {
        case 0x61: reading.time.hour %= 12
        case 0x70: reading.time.hour = reading.time.hour % 12 + 12
        default: return
        }
        reading.end = start + 2
    }

    private static func number(_ bytes: RawSpan) -> Int? {
        bytes.byteCount <= 2 ? bytes.decimal.flatMap { Int(exactly: $0) } : nil
    }

    private static let months = Array("janfebmaraprmayjunjulaugsepoctnovdec".utf8)

    private static func month(_ bytes: RawSpan) -> Int? {
        guard bytes.byteCount == 3 else { return nil }
        return (0..<12).first { month in
            (0..<3).allSatisfy { (bytes.byte(at: $0) ?? 0) | 0x20 == months[month * 3 + $0] }
        }.map { $0 + 1 }
    }
}
