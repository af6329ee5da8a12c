// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The timestamps that syslog senders write: RFC 3339 and its relatives, BSD dates and what vendors made of them.
struct SyslogTimestamp {
    /// The wall-clock time; its year counts only with `hasYear`.
    var time = CivilTime(year: 1970, month: 1, day: 1)
    var hasYear = false
    /// Seconds east of UTC, or nil when no zone was written.
    var offset: Int?
    var fractionDigits = 0
    /// The offset after the timestamp, and after a colon that ends it.
    var end = 0
    /// Whether every byte is as RFC 5424 section 6.2.3 wants it.
    var isCanonical = false
    /// Whether day and month are figures, and may be the other way round.
    var isInFigures = false
    var isOrderOpen = false

    /// Whether each part is in its range.
    var isInRange: Bool { time.isValid }

    /// A timestamp of any known form at `start`, or nil. Its parts may be out of range.
    static func read(_ bytes: RawSpan, at start: Int) -> SyslogTimestamp? {
        guard let first = bytes.byte(at: start) else { return nil }
        guard first &- 0x30 <= 9 else { return first >= 0x41 ? bsd(bytes, at: start) : nil }
        // What stands behind the first figures tells the form.
        var reading: SyslogTimestamp?
        if bytes.byte(at: start + 4) == 0x2D {
            reading = iso(bytes, at: start) ?? minutes(bytes, at: start)
        } else if bytes.byte(at: start + 2) == 0x2F {
            reading = figures(bytes, at: start)
        } else if bytes.byte(at: start + 4) == 0x3A {
            reading = colons(bytes, at: start)
        } else if bytes.byte(at: start + 10) == 0x2E {
            reading = epoch(bytes, at: start)
        } else if bytes.byte(at: start + 4) == 0x20 || bytes.byte(at: start + 2) == 0x20
            || bytes.byte(at: start + 1) == 0x20
        {
            return bsd(bytes, at: start)
        }
        if reading?.offset == nil { reading?.readTail(bytes) }
        reading?.skipColon(bytes)
        return reading
    }

    /// `dd/mm/yyyy:hh:mm:ss` or, as is usual, `mm/dd/yyyy:hh:mm:ss` (NetScaler).
    private static func figures(_ bytes: RawSpan, at start: Int) -> SyslogTimestamp? {
        guard bytes.byte(at: start + 2) == 0x2F, bytes.byte(at: start + 5) == 0x2F, bytes.byte(at: start + 10) == 0x3A,
            let date = bytes.word(at: start), date.isDigits(0xFFFF_00FF_FF00_FFFF),
            let year = year(bytes, at: start + 6), let clock = bytes.word(at: start + 11), clock.isClock
        else { return nil }
        var reading = SyslogTimestamp()
        reading.time.year = year
        reading.hasYear = true
        reading.time.month = date.two(0)
        reading.time.day = date.two(3)
        // What is no month is the day; what may be either is decided by the time of receipt.
        if reading.time.month > 12 { swap(&reading.time.month, &reading.time.day) }
        reading.isOrderOpen = reading.time.day <= 12 && reading.time.day != reading.time.month
        reading.setClock(clock)
        reading.end = start + 19
        reading.isInFigures = true
        return reading
    }

    /// `YYYY:MM:DD-hh:mm:ss` (Sophos UTM).
    private static func colons(_ bytes: RawSpan, at start: Int) -> SyslogTimestamp? {
        guard let date = bytes.word(at: start), date.isDigits(0x00FF_FF00_FFFF_FFFF),
            date & 0xFF00_00FF_0000_0000 == 0x3A00_003A_0000_0000, let year = year(bytes, at: start),
            let day = bytes.part(start + 8, 2).decimal, bytes.byte(at: start + 10) == 0x2D,
            let clock = bytes.word(at: start + 11), clock.isClock
        else { return nil }
        var reading = SyslogTimestamp()
        reading.time.year = year
        reading.hasYear = true
        reading.time.month = date.two(5)
        reading.time.day = Int(day)
        reading.setClock(clock)
        reading.end = start + 19
        return reading
    }

    /// `YYYY-MM-DDThh:mm` with a zone right behind it (ISO 8601); without one it is a time that was cut off.
    static func minutes(_ bytes: RawSpan, at start: Int) -> SyslogTimestamp? {
        guard looksLikeISO(bytes, at: start), let date = bytes.word(at: start), let middle = bytes.word(at: start + 8),
            date.isDigits(0x00FF_FF00_FFFF_FFFF), date & 0xFF00_00FF_0000_0000 == 0x2D00_002D_0000_0000,
            middle.isDigits(0xFFFF_00FF_FF00_FFFF), middle & 0x0000_FF00_00FF_0000 == 0x0000_3A00_0054_0000
        else { return nil }
        var reading = SyslogTimestamp()
        reading.hasYear = true
        reading.time.year = date.two(0) * 100 + date.two(2)
        reading.time.month = date.two(5)
        reading.time.day = middle.two(0)
        reading.time.hour = middle.two(3)
        reading.time.minute = middle.two(6)
        reading.end = start + 16
        reading.readOffset(bytes)
        return reading.offset == nil ? nil : reading
    }

    /// Nanoseconds since the epoch of an RFC 3339 text, for options.
    static func instant(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        // The span lives as long as the array, which this function owns.
        guard let reading = unsafe RFC3339.read(bytes.span.bytes), reading.length == bytes.count else { return nil }
        return reading.nanoseconds
    }

    /// Whether the bytes at `start` begin like an ISO date: four digits and a hyphen.
    @inline(__always)
    static func looksLikeISO(_ bytes: RawSpan, at start: Int) -> Bool {
        guard bytes.byte(at: start + 4) == 0x2D else { return false }
        for index in start..<start + 4 {
            guard let byte = bytes.byte(at: index), byte &- 0x30 <= 9 else { return false }
        }
        return true
    }

    /// `YYYY-MM-DD`, `T`, `t` or a blank, `hh:mm:ss`, a fraction after `.` or `,`, `Z` or an offset.
    static func iso(_ bytes: RawSpan, at start: Int) -> SyslogTimestamp? {
        // The 19 bytes are looked at as three words: YYYY-MM-, DDThh:mm, hh:mm:ss.
        guard let date = bytes.word(at: start), let middle = bytes.word(at: start + 8),
            let clock = bytes.word(at: start + 11), date.isDigits(0x00FF_FF00_FFFF_FFFF),
            date & 0xFF00_00FF_0000_0000 == 0x2D00_002D_0000_0000, middle.isDigits(0x0000_0000_0000_FFFF),
            clock.isClock
        else { return nil }
        var reading = SyslogTimestamp()
        reading.isCanonical = true
        switch UInt8(truncatingIfNeeded: middle >> 16) {
        case 0x54: break
        case 0x74, 0x20: reading.isCanonical = false
        default: return nil
        }
        reading.hasYear = true
        reading.time.year = date.two(0) * 100 + date.two(2)
        reading.time.month = date.two(5)
        reading.time.day = middle.two(0)
        reading.setClock(clock)
        reading.end = start + 19
        reading.readFraction(bytes)
        reading.readOffset(bytes)
        return reading
    }

    /// Ten digits of seconds since the epoch and a fraction, as Meraki writes.
    private static func epoch(_ bytes: RawSpan, at start: Int) -> SyslogTimestamp? {
        guard let seconds = bytes.part(start, 10).decimal, bytes.byte(at: start + 10) == 0x2E, seconds >= 100_000_000,
            let nanoseconds = Int64(exactly: seconds)?.multipliedReportingOverflow(by: 1_000_000_000),
            !nanoseconds.overflow
        else { return nil }
        var reading = SyslogTimestamp()
        reading.time = CivilTime(nanosecondsSinceEpoch: nanoseconds.partialValue)
        reading.hasYear = true
        reading.offset = 0
        reading.end = start + 10
        reading.readFraction(bytes)
        guard reading.fractionDigits > 0, bytes.byte(at: reading.end) == 0x20 else { return nil }
        return reading
    }

    @inline(__always)
    mutating func setClock(_ clock: UInt64) {
        time.hour = clock.two(0)
        time.minute = clock.two(3)
        time.second = clock.two(6)
    }

    /// A fraction after `.` or `,`; it may be empty (`05:02:28.`). Nanoseconds are kept, the rest is cut.
    @inline(__always)
    mutating func readFraction(_ bytes: RawSpan) {
        guard let point = bytes.byte(at: end), point == 0x2E || point == 0x2C else { return }
        if point == 0x2C { isCanonical = false }
        end += 1
        var scale = 100_000_000
        var nanoseconds = 0
        let first = end
        while let byte = bytes.byte(at: end), byte &- 0x30 <= 9 {
            nanoseconds += Int(byte &- 0x30) * scale
            scale /= 10
            end += 1
        }
        // Of two fractions, before and after `PM`, the last one stands: their sum may be more than a second.
        time.nanosecond = nanoseconds
        fractionDigits = end - first
        if fractionDigits == 0 { isCanonical = false }
    }

    /// `Z`, `+hh:mm` or `+hhmm` right here.
    @inline(__always)
    mutating func readOffset(_ bytes: RawSpan) {
        guard let sign = bytes.byte(at: end) else { return }
        switch sign {
        case 0x5A, 0x7A:
            if let next = bytes.byte(at: end + 1), next | 0x20 >= 0x61, next | 0x20 <= 0x7A { return }
            if sign == 0x7A { isCanonical = false }
            offset = 0
            end += 1
        case 0x2B, 0x2D:
            let hasColon = bytes.byte(at: end + 3) == 0x3A
            guard let hours = bytes.part(end + 1, 2).decimal,
                let minutes = bytes.part(end + (hasColon ? 4 : 3), 2).decimal,
                hours <= 23, minutes <= 59, bytes.byteCount - end >= (hasColon ? 6 : 5)
            else { return }
            if !hasColon { isCanonical = false }
            offset = Int(hours * 60 + minutes) * (sign == 0x2D ? -60 : 60)
            end += hasColon ? 6 : 5
        default: break
        }
    }

    /// A year after the time, and a zone name or offset after a blank, in either order.
    mutating func readTail(_ bytes: RawSpan) {
        for _ in 0..<2 {
            let next = bytes.endOfBlanks(from: end)
            guard next > end, next <= end + 2, let byte = bytes.byte(at: next), byte <= 0x5A else { return }
            if !hasYear, byte &- 0x30 <= 9 {
                guard let year = SyslogTimestamp.year(bytes, at: next) else { return }
                let after = bytes.byte(at: next + 4)
                guard after == nil || after == 0x20 || after == 0x3A else { return }
                time.year = year
                hasYear = true
                end = next + 4
            } else if offset == nil, byte == 0x2B || byte == 0x2D {
                let before = end
                end = next
                readOffset(bytes)
                if offset == nil { end = before }
            } else if offset == nil, bytes.hasBytes("UTC", at: next) || bytes.hasBytes("GMT", at: next),
                let sign = bytes.byte(at: next + 3), sign == 0x2B || sign == 0x2D
            {
                // `UTC+05:30` (Cisco NX-OS and IOS with a zone of that name)
                let before = end
                end = next + 3
                readOffset(bytes)
                if offset == nil {
                    end = before
                    return
                }
            } else if offset == nil, let (seconds, length) = SyslogTimestamp.zone(bytes, at: next) {
                offset = seconds
                end = next + length
            } else if let length = SyslogTimestamp.unknownZone(bytes, at: next) {
                end = next + length
                return
            } else {
                return
            }
        }
    }

    @inline(__always)
    mutating func skipColon(_ bytes: RawSpan) {
        if bytes.byte(at: end) == 0x3A { end += 1 }
    }

    /// A four-digit year from 1970 to 2199.
    static func year(_ bytes: RawSpan, at start: Int) -> Int? {
        guard bytes.byteCount - start >= 4, let value = bytes.part(start, 4).decimal, value >= 1970, value <= 2199
        else {
            return nil
        }
        return Int(value)
    }

    /// The first whole second that 64 bits of nanoseconds hold; before it, the way back to a civil time overflows.
    static let leastNanoseconds: Int64 = -9_223_372_036_000_000_000

    /// Nanoseconds since the epoch, with what had to be assumed; nil when out of range.
    func resolve(
        zone: SyslogZone, receivedAt: Int64, _ message: inout SyslogMessage
    ) -> Int64? {
        var time = self.time
        if !hasYear {
            time.year = SyslogTimestamp.assumedYear(time, offset: offset ?? Int(zone.standard), receivedAt: receivedAt)
            message.timeAssumptions.insert(.year)
        }
        if isOrderOpen {
            var other = time
            swap(&other.month, &other.day)
            if let one = time.nanosecondsSinceEpoch(), let two = other.nanosecondsSinceEpoch(),
                SyslogTimestamp.distance(two, receivedAt) < SyslogTimestamp.distance(one, receivedAt)
            {
                time = other
            }
            message.problems.insert(.dateOrderAssumed)
        }
        guard
            time.day <= 28 && time.day > 0 && time.month &- 1 < 12 && time.month > 0 && time.hour < 24
                && time.minute < 60
                && time.second < 60 || time.isValid
        else {
            message.problems.insert(.badTime)
            return nil
        }
        var seconds = offset ?? 0
        if offset == nil {
            message.timeAssumptions.insert(.zone)
            if zone.standard != zone.daylight, let wall = time.nanosecondsSinceEpoch() {
                let resolution = zone.resolve(wall: wall / 1_000_000_000, year: time.year)
                seconds = Int(resolution.offset)
                if resolution.isRepeated { message.problems.insert(.timeRepeated) }
                if resolution.isInGap { message.problems.insert(.timeInGap) }
            } else {
                seconds = Int(zone.standard)
            }
        }
        message.zoneOffset = Int32(truncatingIfNeeded: seconds)
        if time.year > 1970, time.year < 2262 {
            // Cannot overflow.
            let wall = SyslogTimestamp.seconds(of: time, in: time.year)
            return (wall &- Int64(seconds)) &* 1_000_000_000 &+ Int64(time.nanosecond)
        }
        if let nanoseconds = time.nanosecondsSinceEpoch(offset: seconds) { return nanoseconds }
        message.problems.insert(.timeOutOfRange)
        message.zoneOffset = 0
        return nil
    }

    private static func distance(_ one: Int64, _ other: Int64) -> UInt64 {
        one > other ? UInt64(bitPattern: one &- other) : UInt64(bitPattern: other &- one)
    }

    /// The latest year that puts the time at most 31 days after receipt, so that Dec 31 read on Jan 3 is last year's
    /// and Jan 3 read on Dec 13 is next year's.
    static func assumedYear(_ time: CivilTime, offset: Int, receivedAt: Int64) -> Int {
        // The last second that is not too late, by the clock of the zone.
        let latest = receivedAt / 1_000_000_000 &+ 31 * 86_400 &+ Int64(offset)
        guard receivedAt >= 0 else { return CivilTime(nanosecondsSinceEpoch: max(receivedAt, leastNanoseconds)).year }
        // A year of 365.2425 days; one more or less is found by comparison.
        var year = 1970 + Int(latest / 31_556_952)
        if seconds(of: time, in: year + 1) <= latest { return year + 1 }
        for _ in 0..<2 where seconds(of: time, in: year) > latest { year -= 1 }
        return year
    }

    /// Seconds from 1970 to `time` in `year`, by its own clock.
    @inline(__always)
    private static func seconds(of time: CivilTime, in year: Int) -> Int64 {
        let days = CivilTime.daysSinceEpoch(year: year, month: time.month, day: time.day)
        return Int64(days &* 86_400 &+ time.hour &* 3_600 &+ time.minute &* 60 &+ time.second)
    }
}

extension UInt64 {
    /// Whether every byte that `mask` covers is a decimal digit.
    @inline(__always)
    func isDigits(_ mask: UInt64) -> Bool {
        let high: UInt64 = 0xF0F0_F0F0_F0F0_F0F0 & mask
        let zeros: UInt64 = 0x3030_3030_3030_3030 & mask
        let masked = self & mask
        return masked & high == zeros && (masked &+ (0x0606_0606_0606_0606 & mask)) & high == zeros
    }

    /// Whether the bytes are `dd:dd:dd`.
    @inline(__always)
    var isClock: Bool {
        isDigits(0xFFFF_00FF_FF00_FFFF) && self & 0x0000_FF00_00FF_0000 == 0x0000_3A00_003A_0000
    }

    /// The two digits at byte `index` as a number.
    @inline(__always)
    func two(_ index: Int) -> Int {
        Int(truncatingIfNeeded: (self &>> UInt64(truncatingIfNeeded: 8 &* index)) & 15) &* 10
            &+ Int(truncatingIfNeeded: (self &>> UInt64(truncatingIfNeeded: 8 &* index &+ 8)) & 15)
    }
}
