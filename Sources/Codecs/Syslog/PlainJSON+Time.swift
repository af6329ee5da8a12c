// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension PlainJSON {
    /// The time as RFC 3339, in the zone it was written in; false where that is not plain.
    @inline(never)
    mutating func put(time message: SyslogMessage) -> Bool {
        guard let nanoseconds = message.timestamp else {
            guard !message.problems.contains(.timeOutOfRange) else { return false }
            put("null")
            return true
        }
        // As it was written when that was RFC 3339.
        if message.isStrict { return put(field: message.timestampText) }
        let offset = Int64(message.zoneOffset)
        // From 1970 to 2261, and whole minutes.
        guard nanoseconds >= 86_400_000_000_000, nanoseconds < 9_180_000_000_000_000_000, offset % 60 == 0 else {
            return false
        }
        let seconds = UInt64(nanoseconds) / 1_000_000_000
        let fraction = UInt64(nanoseconds) &- seconds &* 1_000_000_000
        let wall = seconds &+ UInt64(bitPattern: offset)
        let days = wall / 86_400
        let clock = CivilDay(daysSinceEpoch: UInt32(truncatingIfNeeded: days))
        let rest = UInt32(truncatingIfNeeded: wall &- days &* 86_400)
        let hour = rest / 3_600
        let minute = (rest &- hour &* 3_600) / 60
        let second = rest &- hour &* 3_600 &- minute &* 60
        put("\"")
        let century = clock.year / 100
        put(
            word: UInt64(digits: century) | UInt64(digits: clock.year &- century &* 100) << 16 | 0x2D << 32
                | UInt64(digits: clock.month) << 40 | 0x2D << 56, 8)
        put(
            word: UInt64(digits: clock.day) | 0x54 << 16 | UInt64(digits: hour) << 24 | 0x3A << 40
                | UInt64(digits: minute) << 48, 8)
        put(word: 0x3A | UInt64(digits: second) << 8, 3)
        if fraction > 0 {
            put(".")
            var digits = fraction
            while digits > 0 {
                let digit = digits / 100_000_000
                put(word: 0x30 &+ digit, 1)
                digits = (digits &- digit &* 100_000_000) &* 10
            }
        }
        if offset == 0 {
            put("Z\"")
        } else {
            let minutes = UInt32(truncatingIfNeeded: offset.magnitude) / 60
            put(
                word: (offset < 0 ? 0x2D : 0x2B) | UInt64(digits: minutes / 60) << 8 | 0x3A << 24
                    | UInt64(digits: minutes % 60) << 32 | 0x22 << 48, 7)
        }
        return true
    }
}

extension UInt64 {
    /// `value`, 0 to 99, as two characters, the tens first.
    @inline(__always)
    fileprivate init(digits value: UInt32) {
        let tens = value / 10
        self = UInt64(0x3030 &+ tens &+ (value &- tens &* 10) << 8)
    }
}

/// A day from 1970 on (Howard Hinnant, civil_from_days).
private struct CivilDay {
    let year: UInt32
    let month: UInt32
    let day: UInt32

    @inline(__always)
    init(daysSinceEpoch days: UInt32) {
        let z = days &+ 719_468
        let era = z / 146_097
        let doe = z &- era &* 146_097
        let yoe = (doe &- doe / 1_460 &+ doe / 36_524 &- doe / 146_096) / 365
        let doy = doe &- (yoe &* 365 &+ yoe / 4 &- yoe / 100)
        let mp = (doy &* 5 &+ 2) / 153
        day = doy &- (mp &* 153 &+ 2) / 5 &+ 1
        month = mp < 10 ? mp &+ 3 : mp &- 9
        year = yoe &+ era &* 400 &+ (month <= 2 ? 1 : 0)
    }
}
