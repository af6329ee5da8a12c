// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension SyslogTimestamp {
    /// One part of a BSD-style date.
    private enum Part {
        case none, weekday, month, day, year, clock
    }

    /// A date in one of the BSD layouts at `start`. Its parts may be out of range.
    ///
    /// The first bytes tell the layouts that are possible; what follows the time (fraction, year, zone, colon) is common
    /// to all.
    static func bsd(_ bytes: RawSpan, at start: Int) -> SyslogTimestamp? {
        // The shortest is `Mar 5 14:07:09`.
        guard bytes.byteCount - start >= 14, let word = bytes.word(at: start) else { return nil }
        if UInt8(truncatingIfNeeded: word) &- 0x30 <= 9 {
            // 2026 Mar  5 14:07:09 (Cisco NX-OS), 5 Mar 2026 14:07:09
            return read(.year, .month, .day, .clock, .none, bytes, start)
                ?? read(.day, .month, .year, .clock, .none, bytes, start)
        }
        if let month = month(word) {
            if var reading = common(word, month, bytes, start) { return reading.finish(bytes) ? reading : nil }
            // Mar  5 2026 14:07:09 (Cisco ASA), Mar 2026 5 14:07:09 (Huawei), and what has more blanks
            return read(.month, .day, .clock, .none, .none, bytes, start)
                ?? read(.month, .day, .year, .clock, .none, bytes, start)
                ?? read(.month, .year, .day, .clock, .none, bytes, start)
        }
        guard isWeekday(word) else { return nil }
        // Thu Mar  5 14:07:09 2026 (asctime), Thu Mar  5 2026 14:07:09
        return read(.weekday, .month, .day, .clock, .none, bytes, start)
            ?? read(.weekday, .month, .day, .year, .clock, bytes, start)
    }

    /// `Mar  5 14:07:09` or `Mar 5 14:07:09`, which is nearly every RFC 3164 timestamp, without the rest.
    @inline(__always)
    private static func common(_ word: UInt64, _ month: Int, _ bytes: RawSpan, _ start: Int) -> SyslogTimestamp? {
        let tens = UInt8(truncatingIfNeeded: word &>> 32)
        let ones = UInt8(truncatingIfNeeded: word &>> 40)
        guard word & 0xFF00_0000 == 0x2000_0000 else { return nil }
        var reading = SyslogTimestamp()
        let clock: Int
        if word & 0xFF_0000_0000_0000 == 0x20_0000_0000_0000, ones &- 0x30 <= 9, tens == 0x20 || tens &- 0x30 <= 9 {
            reading.time.day = Int(tens & 15) &* 10 &+ Int(ones & 15)
            clock = start &+ 7
        } else if ones == 0x20, tens &- 0x30 <= 9 {
            reading.time.day = Int(tens & 15)
            clock = start &+ 6
        } else {
            return nil
        }
        guard let time = bytes.word(at: clock), time.isClock else { return nil }
        reading.time.month = month
        reading.setClock(time)
        reading.end = clock &+ 8
        return reading
    }

    private static func read(
        _ one: Part, _ two: Part, _ three: Part, _ four: Part, _ five: Part, _ bytes: RawSpan, _ start: Int
    ) -> SyslogTimestamp? {
        var reading = SyslogTimestamp()
        reading.end = start
        guard reading.read(one, bytes), reading.next(two, bytes), reading.next(three, bytes),
            reading.next(four, bytes), reading.next(five, bytes)
        else { return nil }
        return reading.finish(bytes) ? reading : nil
    }

    /// What may follow the time; false when the time does not end here.
    @inline(__always)
    private mutating func finish(_ bytes: RawSpan) -> Bool {
        guard let next = bytes.byte(at: end) else { return true }
        if next != 0x20 { readFraction(bytes) }
        readHalfOfDay(bytes)
        readOffset(bytes)
        if let next = bytes.byte(at: end), next != 0x20, next != 0x3A, next != 0x09, !next.isASCIILetter {
            return false
        }
        readTail(bytes)
        skipColon(bytes)
        return true
    }

    /// `AM` or `PM` after a blank, and a fraction after that (Cisco CUCM: `02:07:09 PM.123`).
    private mutating func readHalfOfDay(_ bytes: RawSpan) {
        guard bytes.byte(at: end) == 0x20, bytes.byte(at: end + 2) == 0x4D, let half = bytes.byte(at: end + 1),
            half == 0x41 || half == 0x50, (1...12).contains(time.hour),
            !(bytes.byte(at: end + 3) ?? 0x20).isLetterOrDigit
        else { return }
        time.hour = time.hour % 12 + (half == 0x50 ? 12 : 0)
        end += 3
        readFraction(bytes)
    }

    /// One or two blanks, and a part.
    private mutating func next(_ part: Part, _ bytes: RawSpan) -> Bool {
        if case .none = part { return true }
        let start = bytes.endOfBlanks(from: end)
        guard start > end, start <= end + 2 else { return false }
        end = start
        return read(part, bytes)
    }

    private mutating func read(_ part: Part, _ bytes: RawSpan) -> Bool {
        switch part {
        case .none: break
        case .weekday:
            guard let word = bytes.word(at: end), SyslogTimestamp.isWeekday(word) else { return false }
            end += 3
            if bytes.byte(at: end) == 0x2C { end += 1 }
        case .month:
            guard let word = bytes.word(at: end), let month = SyslogTimestamp.month(word) else { return false }
            time.month = month
            end += 3
        case .day:
            guard let first = bytes.byte(at: end), first &- 0x30 <= 9 else { return false }
            time.day = Int(first &- 0x30)
            end += 1
            if let second = bytes.byte(at: end), second &- 0x30 <= 9 {
                time.day = time.day * 10 + Int(second &- 0x30)
                end += 1
            }
        case .year:
            guard let year = SyslogTimestamp.year(bytes, at: end) else { return false }
            time.year = year
            hasYear = true
            end += 4
        case .clock:
            guard let clock = bytes.word(at: end), clock.isClock else { return false }
            setClock(clock)
            end += 8
        }
        return true
    }

    /// The month whose three-letter name, in any letter case, `word` begins with.
    @inline(__always)
    private static func month(_ word: UInt64) -> Int? {
        switch word & 0xDFDFDF {
        case 0x4E414A: 1
        case 0x424546: 2
        case 0x52414D: 3
        case 0x525041: 4
        case 0x59414D: 5
        case 0x4E554A: 6
        case 0x4C554A: 7
        case 0x475541: 8
        case 0x504553: 9
        case 0x54434F: 10
        case 0x564F4E: 11
        case 0x434544: 12
        default: nil
        }
    }

    /// Whether `word` begins with the three-letter name of a day, in any letter case.
    private static func isWeekday(_ word: UInt64) -> Bool {
        switch word & 0xDFDFDF {
        case 0x4E4F4D, 0x455554, 0x444557, 0x554854, 0x495246, 0x544153, 0x4E5553: true
        default: false
        }
    }

    /// Zone abbreviations that network devices write, in hours and minutes east of UTC. Ambiguous ones (IST, CST of
    /// China) have the meaning that is common in the Americas and Europe; a source's own zone is the better answer.
    private static let zones: [(name: StaticString, offset: Int)] = [
        ("UTC", 0), ("GMT", 0), ("WET", 0), ("CET", 60), ("BST", 60), ("WEST", 60), ("CEST", 120), ("EET", 120),
        ("SAST", 120), ("EEST", 180), ("MSK", 180), ("IST", 330), ("SGT", 480), ("HKT", 480), ("AWST", 480),
        ("JST", 540),
        ("KST", 540), ("AEST", 600), ("AEDT", 660), ("NZST", 720), ("NZDT", 780), ("BRT", -180), ("ADT", -180),
        ("AST", -240), ("EDT", -240), ("EST", -300), ("CDT", -300), ("CST", -360), ("MDT", -360), ("MST", -420),
        ("PDT", -420), ("PST", -480), ("AKST", -540), ("AKDT", -480), ("HST", -600),
    ]

    /// A zone abbreviation that ends at a blank, a colon or the end: seconds east of UTC and its length.
    static func zone(_ bytes: RawSpan, at start: Int) -> (Int, Int)? {
        var length = 0
        while let byte = bytes.byte(at: start + length), byte >= 0x41, byte <= 0x5A, length < 5 { length += 1 }
        guard length == 3 || length == 4 else { return nil }
        let next = bytes.byte(at: start + length)
        guard next == nil || next == 0x20 || next == 0x3A else { return nil }
        for zone in zones where zone.name.utf8CodeUnitCount == length && bytes.hasBytes(zone.name, at: start) {
            return (zone.offset * 60, length)
        }
        return nil
    }

    /// The length of a zone abbreviation that no table knows, in the only place where it cannot be a host or a tag:
    /// between a time and a Cisco message code (`14:07:09 ET: %L2FM-4-…`).
    static func unknownZone(_ bytes: RawSpan, at start: Int) -> Int? {
        var length = 0
        while let byte = bytes.byte(at: start + length), byte >= 0x41, byte <= 0x5A, length < 6 { length += 1 }
        return length >= 1 && length <= 5 && bytes.hasBytes(": %", at: start + length) ? length : nil
    }
}

extension UInt8 {
    /// An ASCII letter: Solace puts the host right behind the time.
    fileprivate var isASCIILetter: Bool { (self | 0x20) &- 0x61 <= 25 }
}
