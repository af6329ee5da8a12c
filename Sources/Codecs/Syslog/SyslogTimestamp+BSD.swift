// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension SyslogTimestamp {
    /// One part of a BSD-style date.
    private enum Part {
        case none, weekday, month, day, year, clock
    }

    /// The orders in which senders write a date; what follows the time (fraction, year, zone, colon) is common to all.
    private static let layouts: [7 of [5 of Part]] = [
        // Mar  5 14:07:09 (RFC 3164)
        [.month, .day, .clock, .none, .none],
        // Mar  5 2026 14:07:09 (Cisco ASA)
        [.month, .day, .year, .clock, .none],
        // 2026 Mar  5 14:07:09 (Cisco NX-OS)
        [.year, .month, .day, .clock, .none],
        // Mar 2026 5 14:07:09 (Huawei)
        [.month, .year, .day, .clock, .none],
        // 5 Mar 2026 14:07:09
        [.day, .month, .year, .clock, .none],
        // Thu Mar  5 14:07:09 2026 (asctime)
        [.weekday, .month, .day, .clock, .none],
        // Thu Mar  5 2026 14:07:09
        [.weekday, .month, .day, .year, .clock],
    ]

    /// A date in one of the BSD layouts at `start`. Its parts may be out of range.
    static func bsd(_ bytes: RawSpan, at start: Int) -> SyslogTimestamp? {
        // Every layout begins with a letter or a digit and needs at least 14 bytes.
        guard bytes.byteCount - start >= 14 else { return nil }
        for layout in 0..<layouts.count {
            var reading = SyslogTimestamp()
            reading.end = start
            if reading.match(layouts[layout], bytes) {
                reading.readFraction(bytes)
                reading.readHalfOfDay(bytes)
                reading.readOffset(bytes)
                guard reading.isAtBoundary(bytes) else { continue }
                reading.readTail(bytes)
                reading.skipColon(bytes)
                return reading
            }
        }
        return nil
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

    private func isAtBoundary(_ bytes: RawSpan) -> Bool {
        guard let next = bytes.byte(at: end) else { return true }
        return next == 0x20 || next == 0x3A || next == 0x09
    }

    private mutating func match(_ layout: [5 of Part], _ bytes: RawSpan) -> Bool {
        for index in 0..<layout.count {
            let part = layout[index]
            if case .none = part { break }
            if index > 0 {
                let next = bytes.endOfBlanks(from: end)
                guard next > end, next <= end + 2 else { return false }
                end = next
            }
            guard read(part, bytes) else { return false }
        }
        return true
    }

    private mutating func read(_ part: Part, _ bytes: RawSpan) -> Bool {
        switch part {
        case .none: break
        case .weekday:
            guard SyslogTimestamp.index(of: bytes, at: end, in: SyslogTimestamp.weekdays) != nil else { return false }
            end += 3
            if bytes.byte(at: end) == 0x2C { end += 1 }
        case .month:
            guard let month = SyslogTimestamp.index(of: bytes, at: end, in: SyslogTimestamp.months) else {
                return false
            }
            time.month = month + 1
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

    private static let months: StaticString = "janfebmaraprmayjunjulaugsepoctnovdec"
    private static let weekdays: StaticString = "montuewedthufrisatsun"

    /// Which three-letter name stands at `start`, in any letter case.
    private static func index(of bytes: RawSpan, at start: Int, in names: StaticString) -> Int? {
        guard bytes.byteCount - start >= 4, let a = bytes.byte(at: start), let b = bytes.byte(at: start + 1),
            let c = bytes.byte(at: start + 2), a >= 0x41, b >= 0x41, c >= 0x41
        else { return nil }
        let table = unsafe RawSpan(_unsafeStart: names.utf8Start, byteCount: names.utf8CodeUnitCount)
        for name in 0..<table.byteCount / 3
        where table.byte(at: name * 3) == a | 0x20 && table.byte(at: name * 3 + 1) == b | 0x20
            && table.byte(at: name * 3 + 2) == c | 0x20
        {
            return name
        }
        return nil
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
