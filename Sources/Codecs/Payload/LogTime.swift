// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The dates that products write into the fields of their records, in whatever form.
///
/// Read are all forms of syslog headers (RFC 3339 and its relatives, BSD and asctime dates), `2026/03/05 14:07:09`,
/// `05/Mar/2026:14:07:09 +0100` (Common Log Format), `3/5/2026 2:07:09 PM`, `05.03.2026 14:07:09`, `05-Mar-2026 14:07:09`,
/// and seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by their size.
public enum LogTime {
    /// Which of the figures in `03/05/2026` is the day.
    public enum Order: UInt8, Sendable {
        /// The nearer to the time of receipt of the two; with dots between the first, as where such dates are written.
        case open
        /// The second.
        case monthFirst
        /// The first.
        case dayFirst
    }

    /// Nanoseconds since the epoch, or nil when the text does not begin with a date; what stands behind it is ignored.
    ///
    /// - Parameters:
    ///   - zone: of dates that name none.
    ///   - order: of day and month in figures; a figure above 12 is the day all the same. Where it is known, a year of two
    ///     figures is one of this century.
    ///   - receivedAt: nanoseconds since the epoch; decides a year that is not written, and which of two figures is the day.
    public static func read(
        _ text: RawSpan, zone: SyslogZone = .utc, order: Order = .open, receivedAt: Int64
    ) -> Int64? {
        let start = text.endOfBlanks(from: 0)
        let bytes = text.part(start, min(text.byteCount - start, 64))
        guard let first = bytes.byte(at: 0) else { return nil }
        if let reading = RFC3339.read(bytes), reading.hasZone { return reading.nanoseconds }
        if first &- 0x30 <= 9, let time = epoch(bytes) { return time }
        guard
            let reading = parted(bytes, 0x2F, order) ?? SyslogTimestamp.read(bytes, at: 0)
                ?? parted(bytes, 0x2E, order) ?? parted(bytes, 0x2D, order)
        else { return nil }
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

    /// `yyyy/mm/dd hh:mm:ss`, `dd/Mon/yyyy:hh:mm:ss`, `mm/dd/yyyy hh:mm:ss` with an optional half of the day, with `mark`
    /// instead of slashes.
    private static func parted(_ bytes: RawSpan, _ mark: UInt8, _ order: Order) -> SyslogTimestamp? {
        guard let first = bytes.firstIndex(of: mark), first <= 4,
            let second = bytes.firstIndex(of: mark, from: first + 1), second - first <= 4
        else { return nil }
        var position = second + 1
        while let byte = bytes.byte(at: position), byte &- 0x30 <= 9 { position += 1 }
        let middle = bytes.part(first + 1, second - first - 1)
        let last = bytes.part(second + 1, position - second - 1)
        var reading = SyslogTimestamp()
        reading.hasYear = true
        if first == 4 {
            guard let year = SyslogTimestamp.year(bytes, at: 0), let month = number(middle), let day = number(last)
            else { return nil }
            (reading.time.year, reading.time.month, reading.time.day) = (year, month, day)
        } else {
            guard let year = year(last, order), let one = number(bytes.part(0, first)) else { return nil }
            reading.time.year = year
            if let two = number(middle) {
                let isDayFirst = one > 12 || two <= 12 && (order == .dayFirst || order == .open && mark == 0x2E)
                (reading.time.month, reading.time.day) = isDayFirst ? (two, one) : (one, two)
                reading.isOrderOpen = order == .open && mark != 0x2E && one <= 12 && two <= 12 && one != two
            } else {
                guard let month = month(middle) else { return nil }
                (reading.time.month, reading.time.day) = (month, one)
            }
        }
        // A colon (Common Log Format), a T, a comma or blanks stand before the time.
        switch bytes.byte(at: position) {
        case 0x3A, 0x20, 0x54, 0x2C: position += 1
        default: return nil
        }
        position = bytes.endOfBlanks(from: position)
        guard clock(bytes, &position, &reading) else { return nil }
        reading.end = position
        reading.readFraction(bytes)
        halfOfDay(bytes, &reading)
        reading.readOffset(bytes)
        if reading.offset == nil { reading.readTail(bytes) }
        return reading
    }

    /// A year of four figures; of two only where the order is known, and so the text is a date.
    private static func year(_ bytes: RawSpan, _ order: Order) -> Int? {
        if bytes.byteCount == 4 { return SyslogTimestamp.year(bytes, at: 0) }
        return bytes.byteCount == 2 && order != .open ? number(bytes).map { 2000 + $0 } : nil
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
