// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A part of a date and time, in the offset that the value itself is written in.
enum TimePart: String, Sendable, Hashable, CaseIterable {
    case minute
    case hour
    case day
    case week
    case month
    case year

    /// This part of a value: RFC 3339 text, or seconds since the epoch (milliseconds above 1e11); nil for others.
    func value(of bytes: RawSpan) -> Double? {
        guard let time = TimePart.civil(bytes) else { return nil }
        switch self {
        case .minute: return Double(time.minute)
        case .hour: return Double(time.hour)
        case .day: return Double(time.day)
        case .week: return TimePart.week(of: time).map(Double.init)
        case .month: return Double(time.month)
        case .year: return Double(time.year)
        }
    }

    private static func civil(_ bytes: RawSpan) -> CivilTime? {
        if let number = NumberText.value(bytes) {
            let seconds = abs(number) > 1e11 ? number / 1_000 : number
            guard abs(seconds) < 9.2e9 else { return nil }
            return CivilTime(nanosecondsSinceEpoch: Int64(seconds * 1e9))
        }
        // The reader answers in UTC; the wall-clock parts stand at fixed places in front of the offset.
        guard let reading = RFC3339.read(bytes), reading.length == bytes.byteCount else { return nil }
        func part(_ start: Int, _ count: Int) -> Int { Int(bytes.part(start, count).decimal ?? 0) }
        return CivilTime(
            year: part(0, 4), month: part(5, 2), day: part(8, 2), hour: part(11, 2), minute: part(14, 2),
            second: part(17, 2))
    }

    /// The ISO 8601 week: the one that holds the year's Thursday.
    private static func week(of time: CivilTime) -> Int? {
        func dayNumber(_ year: Int, _ month: Int, _ day: Int) -> Int? {
            CivilTime(year: year, month: month, day: day).nanosecondsSinceEpoch().map { Int($0 / 86_400_000_000_000) }
        }
        guard let day = dayNumber(time.year, time.month, time.day) else { return nil }
        // 1970-01-01 was a Thursday.
        let weekday = ((day + 3) % 7 + 7) % 7
        let thursday = day - weekday + 3
        let year = CivilTime(nanosecondsSinceEpoch: Int64(thursday) * 86_400_000_000_000).year
        return dayNumber(year, 1, 1).map { (thursday - $0) / 7 + 1 }
    }
}
