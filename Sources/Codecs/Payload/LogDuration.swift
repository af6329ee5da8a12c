// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The spans of time that products write into the fields of their records, in whatever form.
///
/// Read are clocks (`00:01:30`, `1:30`, `26:00:00`, `1.02:03:04.5` and `2:03:04:05` with days), numbers with units
/// (`1h02m`, `1h:02m:33s`, `2 days, 3 hours`, `250ms`, `1.5 s`, `1d 02:03:04`), ISO 8601 (`PT5M`, `P1DT2H3.5S`) and bare
/// numbers, whose unit the caller knows. Years and months of ISO 8601 have no fixed length and are not read.
public enum LogDuration {
    /// What a number counts.
    public enum Unit: Sendable, CaseIterable {
        case nanoseconds
        case microseconds
        case milliseconds
        case seconds
        case minutes
        case hours
        case days
        case weeks

        /// How many milliseconds it has.
        public var milliseconds: Double {
            switch self {
            case .nanoseconds: 1e-6
            case .microseconds: 1e-3
            case .milliseconds: 1
            case .seconds: 1_000
            case .minutes: 60_000
            case .hours: 3_600_000
            case .days: 86_400_000
            case .weeks: 604_800_000
            }
        }
    }

    /// Milliseconds, rounded; nil when the text is no span of time as a whole.
    ///
    /// - Parameter unit: milliseconds of 1 where a number has no unit.
    public static func read(_ text: RawSpan, unit: Double) -> Int64? {
        guard text.byteCount <= 64 else { return nil }
        var cursor = Cursor(text)
        guard let total = cursor.read(unit), total.isFinite, total < 9e15 else { return nil }
        return Int64(total.rounded())
    }

    private struct Cursor: ~Escapable {
        let bytes: RawSpan
        var position = 0

        @_lifetime(copy bytes)
        init(_ bytes: RawSpan) { self.bytes = bytes }

        var isAtEnd: Bool { position >= bytes.byteCount }

        @_lifetime(self: copy self)
        mutating func skipBlanks() { position = bytes.endOfBlanks(from: position) }

        @_lifetime(self: copy self)
        mutating func skip(_ byte: UInt8) -> Bool {
            guard bytes.byte(at: position) == byte else { return false }
            position += 1
            return true
        }

        /// The whole text in milliseconds.
        @_lifetime(self: copy self)
        mutating func read(_ unit: Double) -> Double? {
            skipBlanks()
            // The P of ISO 8601, in capitals.
            let isISO = skip(0x50)
            var isTime = false
            var total = 0.0
            // Each unit is smaller than the one before.
            var last = Double.infinity
            var count = 0
            while true {
                if isISO, !isTime, skip(0x54) { isTime = true }
                guard let number = number() else { return nil }
                if !isISO, bytes.byte(at: position) == 0x3A {
                    guard last > Unit.hours.milliseconds, let clock = clock(number, isBehindDays: count > 0) else {
                        return nil
                    }
                    skipBlanks()
                    return isAtEnd ? total + clock : nil
                }
                if !isISO { skipBlanks() }
                let length = word(atMost: isISO ? 1 : 16)
                if length == 0 {
                    // A bare number, and nothing else.
                    return count == 0 && isAtEnd && !isISO ? number.value * unit : nil
                }
                let word = bytes.part(position - length, length)
                guard let found = isISO ? Cursor.designator(word, isTime) : Cursor.unit(word),
                    found.milliseconds < last
                else { return nil }
                last = found.milliseconds
                total += number.value * last
                count += 1
                if !isISO { skipBlanks() }
                // What stands between parts: `1h:02m`, `2 days, 3 hours`.
                if !isISO, skip(0x2C) || skip(0x3A) {
                    skipBlanks()
                } else if isAtEnd {
                    return total
                }
            }
        }

        private struct Number {
            var value: Double
            var whole: Double
            /// The figures behind the point as a number of their own; nil without a point.
            var fraction: Double?
        }

        /// Figures with an optional fraction.
        @_lifetime(self: copy self)
        private mutating func number() -> Number? {
            guard let whole = digits(atMost: 15) else { return nil }
            var number = Number(value: whole, whole: whole)
            let point = bytes.byte(at: position)
            guard point == 0x2E || point == 0x2C, let next = bytes.byte(at: position + 1), next &- 0x30 <= 9 else {
                return number
            }
            position += 1
            let start = position
            guard let fraction = digits(atMost: 15) else { return nil }
            number.fraction = fraction
            var part = fraction
            for _ in start..<position { part /= 10 }
            number.value += part
            return number
        }

        @_lifetime(self: copy self)
        private mutating func digits(atMost most: Int) -> Double? {
            let start = position
            var value = 0.0
            while let byte = bytes.byte(at: position), byte &- 0x30 <= 9 {
                value = value * 10 + Double(byte &- 0x30)
                position += 1
            }
            return position > start && position - start <= most ? value : nil
        }

        /// `mm:ss`, `hh:mm:ss` or `dd:hh:mm:ss` from its first colon on; a point in the first number parts days from hours.
        @_lifetime(self: copy self)
        private mutating func clock(_ first: Number, isBehindDays: Bool) -> Double? {
            let hasDays = first.fraction != nil
            var parts: [4 of Double] = .init(repeating: 0)
            parts[0] = first.fraction ?? first.whole
            var count = 1
            while skip(0x3A) {
                guard count < 4, let next = number() else { return nil }
                // Only the last part has a fraction.
                if next.fraction != nil, bytes.byte(at: position) == 0x3A { return nil }
                parts[count] = next.value
                count += 1
            }
            var time = (days: 0.0, hours: 0.0, minutes: 0.0, seconds: 0.0)
            switch (count, hasDays) {
            case (2, false) where !isBehindDays: time = (0, 0, parts[0], parts[1])
            case (3, _): time = (hasDays ? first.whole : 0, parts[0], parts[1], parts[2])
            case (4, false): time = (parts[0], parts[1], parts[2], parts[3])
            default: return nil
            }
            // The first part may be more than fits in the next larger unit.
            guard time.seconds < 60, time.minutes < 60 || count == 2,
                time.hours < 24 || count == 3 && !hasDays && !isBehindDays
            else { return nil }
            return time.days * 86_400_000 + time.hours * 3_600_000 + time.minutes * 60_000 + time.seconds * 1_000
        }

        /// Moves behind a run of letters and tells its length; µ is one of them.
        @_lifetime(self: copy self)
        private mutating func word(atMost most: Int) -> Int {
            let start = position
            while position - start < most, let byte = bytes.byte(at: position),
                byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A || byte >= 0x80
            {
                position += 1
            }
            return position - start
        }

        /// The letter of ISO 8601 section 5.5.2.1, in the part of days or of times.
        private static func designator(_ word: RawSpan, _ isTime: Bool) -> Unit? {
            guard word.byteCount == 1 else { return nil }
            switch (word.byte(at: 0), isTime) {
            case (0x57, false): return .weeks
            case (0x44, false): return .days
            case (0x48, true): return .hours
            case (0x4D, true): return .minutes
            case (0x53, true): return .seconds
            default: return nil
            }
        }

        /// Names of units by their first eight letters, as one number each.
        private static let words: [(key: UInt64, unit: Unit)] = [
            ("s", .seconds), ("ms", .milliseconds), ("m", .minutes), ("h", .hours), ("d", .days), ("w", .weeks),
            ("us", .microseconds), ("\u{B5}s", .microseconds), ("\u{3BC}s", .microseconds), ("ns", .nanoseconds),
            ("sec", .seconds), ("secs", .seconds), ("second", .seconds), ("seconds", .seconds),
            ("min", .minutes), ("mins", .minutes), ("minute", .minutes), ("minutes", .minutes),
            ("hr", .hours), ("hrs", .hours), ("hour", .hours), ("hours", .hours),
            ("day", .days), ("days", .days), ("week", .weeks), ("weeks", .weeks),
            ("msec", .milliseconds), ("msecs", .milliseconds), ("millisec", .milliseconds), ("usec", .microseconds),
            ("usecs", .microseconds), ("microsec", .microseconds), ("nsec", .nanoseconds), ("nanoseco", .nanoseconds),
        ].map { name, unit in (name.utf8.reduce(0) { $0 << 8 | UInt64($1) }, unit) }

        /// The unit that a word names, ASCII letters in either case.
        private static func unit(_ word: RawSpan) -> Unit? {
            var key: UInt64 = 0
            for index in 0..<min(word.byteCount, 8) {
                let byte = word.byte(at: index) ?? 0
                key = key << 8 | UInt64(byte &- 0x41 < 26 ? byte | 0x20 : byte)
            }
            for (known, unit) in words where known == key { return unit }
            return nil
        }
    }
}
