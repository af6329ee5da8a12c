// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A TIMESTAMP of RFC 5424 section 6.2.3 between 1970 and 2261.
struct StrictTime {
    var nanoseconds: Int64 = 0
    /// Seconds east of UTC.
    var offset = 0
    /// The offset of the blank after it, or -1 when something is unusual.
    var end = -1

    @inline(always)
    private init(_ nanoseconds: Int64 = 0, _ offset: Int = 0, end: Int = -1) {
        self.nanoseconds = nanoseconds
        self.offset = offset
        self.end = end
    }

    /// No timestamp, which ends at `end`.
    @inline(always)
    static func none(end: Int) -> StrictTime { StrictTime(end: end) }

    /// Reads a timestamp at `start` that a blank follows; `memory` has the last second read.
    @inline(never)
    static func read(_ bytes: RawSpan, at start: Int, _ memory: inout SyslogMemory) -> StrictTime {
        // As many as the words below reach.
        guard start >= 0, bytes.byteCount &- start >= 28 else { return StrictTime() }
        // YYYY-MM-, DDThh:mm and hh:mm:ss.
        let date = unsafe bytes.word(uncheckedAt: start)
        let middle = unsafe bytes.word(uncheckedAt: start &+ 8)
        let clock = unsafe bytes.word(uncheckedAt: start &+ 11)
        if (date ^ memory.date) | (middle ^ memory.middle) | (clock ^ memory.clock) != 0 {
            let seconds = seconds(date, middle, clock)
            guard seconds >= 0 else { return StrictTime() }
            memory = SyslogMemory(date: date, middle: middle, clock: clock, seconds: seconds)
        }
        let seconds = memory.seconds
        // The second's last digit stands before what comes next.
        var fraction: UInt64 = 0
        var end = start &+ 20
        var zone = unsafe bytes.word(uncheckedAt: start &+ 19)
        if zone & 0xFF == 0x2E {
            let rest = unsafe bytes.word(uncheckedAt: start &+ 20)
            let digits = rest.leadingDigits
            guard digits &- 1 <= 5, digits > 0 else { return StrictTime() }
            fraction = rest.billionths(digits)
            end &+= digits &+ 1
            zone = rest &>> UInt64(truncatingIfNeeded: digits &* 8)
        }
        let instant = seconds &* 1_000_000_000 &+ Int64(truncatingIfNeeded: fraction)
        if zone & 0xFFFF == 0x205A { return StrictTime(instant, end: end) }
        let sign = zone & 0xFF
        // hh:mm after its sign.
        guard sign == 0x2B || sign == 0x2D, let text = bytes.word(at: end), text.isDigits(0xFF_FF00_FFFF),
            text & 0xFF00_00FF_0000 == 0x2000_003A_0000, text.two(0) <= 23, text.two(3) <= 59
        else { return StrictTime() }
        let east = text.two(0) &* 3_600 &+ text.two(3) &* 60
        let offset = sign == 0x2D ? 0 &- east : east
        return StrictTime(instant &- Int64(offset) &* 1_000_000_000, offset, end: end &+ 5)
    }

    /// Seconds from 1970 to a date and a time of day, or -1 when these are none.
    @inline(never)
    private static func seconds(_ one: UInt64, _ two: UInt64, _ three: UInt64) -> Int64 {
        // The words less what the letters and the digit 0 are. Adding 0x76 sets the top bit of a digit from 10 on, 0x7F of
        // anything but 0.
        let date = one ^ 0x2D30_302D_3030_3030
        let middle = two ^ 0x3030_3A30_3054_3030
        let clock = three ^ 0x3030_3A30_303A_3030
        let odd =
            (date &+ 0x7F76_767F_7676_7676 | date) | (middle &+ 0x7676_7F76_767F_7676 | middle)
            | (clock &+ 0x7676_7F76_767F_7676 | clock)
        guard odd & UInt64.tops == 0 else { return -1 }
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
        else { return -1 }
        let days = CivilTime.daysSinceEpoch(year: Int(year), month: Int(month), day: Int(day))
        return Int64(days &* 86_400 &+ Int(hour &* 3_600 &+ minute &* 60 &+ second))
    }
}

/// What a reader of syslog messages keeps from one to the next: the last second that a timestamp of RFC 5424 named, which
/// is nearly always that of the next one too. What is read does not depend on it.
public struct SyslogMemory: Sendable {
    // `1970-01-`, `01T00:00` and `00:00:00`: a second that the words name, as any other that is kept. Zeros would make a
    // timestamp of NUL bytes.
    fileprivate var date: UInt64 = 0x2D31_302D_3037_3931
    fileprivate var middle: UInt64 = 0x3030_3A30_3054_3130
    fileprivate var clock: UInt64 = 0x3030_3A30_303A_3030
    /// Seconds since 1970 of these bytes, read as UTC.
    fileprivate var seconds: Int64 = 0

    /// The memory of a reader that has read nothing yet.
    public init() {}

    fileprivate init(date: UInt64, middle: UInt64, clock: UInt64, seconds: Int64) {
        self.date = date
        self.middle = middle
        self.clock = clock
        self.seconds = seconds
    }
}

extension RawSpan {
    /// Eight bytes at `offset`, the first one lowest; the caller knows that they lie inside.
    @inline(always)
    @unsafe
    func word(uncheckedAt offset: Int) -> UInt64 {
        unsafe UInt64(littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
    }
}

extension CivilTime {
    /// Days from 1970-01-01 to a date of the years 1 to 9999 (Howard Hinnant, days_from_civil).
    @inline(always)
    static func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
        let isEarly = month <= 2
        let y = UInt32(truncatingIfNeeded: isEarly ? year &- 1 : year)
        let m = UInt32(truncatingIfNeeded: isEarly ? month &+ 9 : month &- 3)
        let century = y / 100
        let days =
            y &* 365 &+ y / 4 &- century &+ century / 4 &+ (m &* 153 &+ 2) / 5 &+ UInt32(truncatingIfNeeded: day)
        return Int(days) &- 719_469
    }
}

extension UInt64 {
    /// The byte at `index` as a number.
    @inline(always)
    fileprivate func at(_ index: UInt64) -> UInt64 { (self &>> (index &* 8)) & 0xFF }

    /// How many of the bytes from the lowest on are decimal digits.
    @inline(always) var leadingDigits: Int {
        let value = self ^ (UInt64.ones &* 0x30)
        // Adding 0x76 sets the top bit from 10 on.
        return (((value &+ UInt64.ones &* 0x76) | value) & UInt64.tops).trailingZeroBitCount >> 3
    }

    /// The first `count` (1 to 6) bytes, which are digits, as a fraction in billionths.
    @inline(always)
    fileprivate func billionths(_ count: Int) -> UInt64 {
        // Zeros behind, so that it is a number of eight digits.
        var value = self & (UInt64.ones &* 0x0F) & ((1 &<< UInt64(truncatingIfNeeded: count &* 8)) &- 1)
        value = (value &* 10 &+ value >> 8) & 0x00FF_00FF_00FF_00FF
        value = (value &* 100 &+ value >> 16) & 0x0000_FFFF_0000_FFFF
        return ((value &* 10_000 &+ value >> 32) & 0xFFFF_FFFF) &* 10
    }
}
