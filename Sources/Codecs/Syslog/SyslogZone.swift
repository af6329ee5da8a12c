// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The zone of a source whose timestamps name none: a fixed offset, or a standard and a daylight saving one.
///
/// The rule is that of POSIX `TZ` (IEEE 1003.1 section 8.3), which is also the last line of a zoneinfo file: BSD
/// timestamps have no year, so only the rule in force today matters and no history has to be kept.
public struct SyslogZone: Equatable, Sendable {
    /// Seconds east of UTC outside of daylight saving.
    public var standard: Int32
    /// Seconds east of UTC in daylight saving; equal to `standard` without it.
    public var daylight: Int32
    var starts = Change.never
    var ends = Change.never

    /// UTC.
    public static let utc = SyslogZone(offset: 0)

    /// A zone that is always `offset` seconds east of UTC.
    public init(offset: Int) {
        standard = Int32(clamping: offset)
        daylight = standard
    }

    /// A day of change: `Mm.w.d/time`.
    struct Change: Equatable {
        var month: Int32
        var week: Int32
        var weekday: Int32
        var seconds: Int32
        static let never = Change(month: 0, week: 0, weekday: 0, seconds: 7_200)

        /// Seconds since 1970-01-01 of the change in `year`, by the clock on the wall before it.
        func wallSeconds(year: Int) -> Int64 {
            let midnight = CivilTime(year: year, month: Int(month), day: 1).nanosecondsSinceEpoch() ?? 0
            let days = midnight / 86_400_000_000_000
            // 1970-01-01 was a Thursday (4).
            let first = (days + 4).remainder(dividingBy: 7)
            var day = 1 + (Int64(weekday) - first).remainder(dividingBy: 7) + Int64(week - 1) * 7
            while day > 7, day > Int64(CivilTime.days(in: Int(month), of: year)) { day -= 7 }
            return (days + day - 1) * 86_400 + Int64(seconds)
        }
    }

    /// What a wall-clock time is in a zone.
    struct Resolution {
        var offset: Int32
        var isRepeated = false
        var isInGap = false
    }

    /// The offset that holds at `wall` seconds since 1970-01-01 by the zone's own clock in `year`.
    ///
    /// A time that occurs twice is the first one; a time inside the gap is read with the standard offset.
    func resolve(wall: Int64, year: Int) -> Resolution {
        guard standard != daylight else { return Resolution(offset: standard) }
        let start = starts.wallSeconds(year: year)
        let end = ends.wallSeconds(year: year)
        let shift = Int64(daylight) - Int64(standard)
        if wall >= start, wall < start + shift { return Resolution(offset: standard, isInGap: true) }
        let isDaylight = start < end ? wall >= start && wall < end : wall >= start || wall < end
        return Resolution(
            offset: isDaylight ? daylight : standard, isRepeated: isDaylight && wall < end && wall >= end - shift)
    }
}

extension SyslogZone {
    /// A zone from a POSIX TZ text (`CET-1CEST,M3.5.0,M10.5.0/3`), `UTC`, an offset (`+01:00`) or one of a few names.
    public init?(named name: String) {
        let head = name.split(whereSeparator: { $0 == "/" || $0 == " " }).first.map(String.init) ?? name
        switch head {
        case "UTC", "GMT", "Z": self.init(offset: 0)
        case "CET": self.init(posix: "CET-1CEST,M3.5.0,M10.5.0/3")
        case "EET": self.init(posix: "EET-2EEST,M3.5.0/3,M10.5.0/4")
        case "WET": self.init(posix: "WET0WEST,M3.5.0/1,M10.5.0")
        case let text where text.hasPrefix("+") || text.hasPrefix("-"):
            let digits = text.dropFirst().filter { $0 != ":" }
            guard digits.count == 4, let value = Int(digits), value % 100 < 60, value <= 2359 else { return nil }
            self.init(offset: (value / 100 * 3_600 + value % 100 * 60) * (text.hasPrefix("-") ? -1 : 1))
        default: self.init(posix: name)
        }
    }

    /// A zone from a POSIX TZ text: `std offset [dst [offset] [,start[/time],end[/time]]]`, changes in the `M` form.
    public init?(posix text: String) {
        var rest = Substring(text)
        guard SyslogZone.name(&rest) else { return nil }
        guard let west = SyslogZone.seconds(&rest) else { return nil }
        self.init(offset: -west)
        guard !rest.isEmpty else { return }
        guard SyslogZone.name(&rest) else { return nil }
        daylight = standard + 3_600
        if let first = rest.first, first != "," {
            guard let west = SyslogZone.seconds(&rest) else { return nil }
            daylight = Int32(-west)
        }
        let parts = rest.split(separator: ",", omittingEmptySubsequences: true)
        guard parts.count == 2, let start = Change(parts[0]), let end = Change(parts[1]), daylight > standard else {
            return nil
        }
        starts = start
        ends = end
    }

    /// Takes a zone abbreviation: letters, or anything in angle brackets.
    private static func name(_ rest: inout Substring) -> Bool {
        if rest.first == "<" {
            guard let end = rest.firstIndex(of: ">") else { return false }
            rest = rest[rest.index(after: end)...]
            return true
        }
        let letters = rest.prefix(while: \.isLetter)
        rest = rest.dropFirst(letters.count)
        return letters.count >= 3
    }

    /// Takes `[+-]hh[:mm[:ss]]`.
    private static func seconds(_ rest: inout Substring) -> Int? {
        let sign = rest.first == "-" ? -1 : 1
        if rest.first == "-" || rest.first == "+" { rest = rest.dropFirst() }
        let digits = rest.prefix(while: { $0.isASCII && $0.isNumber || $0 == ":" })
        rest = rest.dropFirst(digits.count)
        var value = 0
        var unit = 3_600
        for part in digits.split(separator: ":") {
            guard unit >= 1, let number = Int(part), number <= 167 else { return nil }
            value += number * unit
            unit /= 60
        }
        return digits.isEmpty ? nil : sign * value
    }
}

extension SyslogZone.Change {
    /// A change from `Mm.w.d[/time]`.
    fileprivate init?(_ text: Substring) {
        let halves = text.split(separator: "/", maxSplits: 1)
        guard let rule = halves.first else { return nil }
        let numbers = rule.dropFirst().split(separator: ".").compactMap { Int32($0) }
        guard rule.first == "M", numbers.count == 3, (1...12).contains(numbers[0]), (1...5).contains(numbers[1]),
            (0...6).contains(numbers[2])
        else { return nil }
        self.init(month: numbers[0], week: numbers[1], weekday: numbers[2], seconds: 7_200)
        guard halves.count == 2 else { return }
        let clock = halves[1].split(separator: ":").compactMap { Int32($0) }
        guard let hours = clock.first, (-167...167).contains(hours) else { return nil }
        seconds = hours * 3_600 + (clock.count > 1 ? clock[1] % 60 * 60 : 0)
    }
}

extension Int64 {
    fileprivate func remainder(dividingBy divisor: Int64) -> Int64 {
        let rest = self % divisor
        return rest < 0 ? rest + divisor : rest
    }
}
