// SPDX-License-Identifier: Apache-2.0

/// A date and time of day in the proleptic Gregorian calendar, and its way to and from the Unix epoch.
public struct CivilTime: Equatable, Sendable {
    /// The year, as written.
    public var year: Int
    /// The month, 1 to 12.
    public var month: Int
    /// The day of the month, from 1.
    public var day: Int
    /// The hour, 0 to 23.
    public var hour: Int
    /// The minute, 0 to 59.
    public var minute: Int
    /// The second, 0 to 59.
    public var second: Int
    /// Nanoseconds into the second.
    public var nanosecond: Int

    /// A civil time from its parts.
    public init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0, nanosecond: Int = 0) {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
        self.nanosecond = nanosecond
    }

    /// The UTC civil time of `nanoseconds` since 1970-01-01T00:00:00Z.
    public init(nanosecondsSinceEpoch nanoseconds: Int64) {
        let seconds = nanoseconds.flooredDivision(by: 1_000_000_000)
        let days = seconds.flooredDivision(by: 86_400)
        let rest = Int(seconds - days * 86_400)
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
        let z = days + 719_468
        let era = z.flooredDivision(by: 146_097)
        let doe = z - era * 146_097
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100)
        let mp = (5 * doy + 2) / 153
        let month = mp < 10 ? mp + 3 : mp - 9
        self.init(
            year: Int(yoe + era * 400) + (month <= 2 ? 1 : 0), month: Int(month),
            day: Int(doy - (153 * mp + 2) / 5 + 1), hour: rest / 3_600, minute: rest / 60 % 60, second: rest % 60,
            nanosecond: Int(nanoseconds &- seconds &* 1_000_000_000))
    }

    /// Days in `month` of `year`, or 0 when there is no such month.
    public static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 1, 3, 5, 7, 8, 10, 12: 31
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 0
        }
    }

    /// Whether each part is in its range.
    public var isValid: Bool {
        (0...9999).contains(year) && day >= 1 && day <= CivilTime.days(in: month, of: year) && (0...23).contains(hour)
            && (0...59).contains(minute) && (0...59).contains(second) && (0..<1_000_000_000).contains(nanosecond)
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z for this time at `offset` seconds east of UTC, or nil when it does not
    /// fit 64 bits (before 1677 or after 2262).
    public func nanosecondsSinceEpoch(offset: Int = 0) -> Int64? {
        // Howard Hinnant, days_from_civil.
        let y = Int64(month <= 2 ? year - 1 : year)
        let era = y.flooredDivision(by: 400)
        let yoe = y - era * 400
        let doy = Int64((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1)
        let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy
        let days = era * 146_097 + doe - 719_468
        let seconds = days * 86_400 + Int64(hour * 3_600 + minute * 60 + second - offset)
        // Before the epoch count down from the second behind, so that the first moments of 1677 fit too.
        let (whole, rest) = seconds < 0 ? (seconds + 1, nanosecond - 1_000_000_000) : (seconds, nanosecond)
        let (product, over) = whole.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = product.addingReportingOverflow(Int64(rest))
        return over || carry ? nil : sum
    }
}

extension Int64 {
    fileprivate func flooredDivision(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
