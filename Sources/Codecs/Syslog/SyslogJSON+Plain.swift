// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension SyslogJSON {
    /// Appends the object of a message in which nothing but MSG has to be escaped, and nothing repaired: room is made once, the keys are constants, and text is copied in blocks.
    ///
    /// - Returns: whether it was such a message; the slab is as before when not.
    @inline(__always)
    static func writePlain(
        _ message: SyslogMessage, of bytes: RawSpan, isValid: Bool, into slab: inout Slab
    ) -> Bool {
        // Of structured data at most ten bytes come for each (`[a]` becomes an object), of MSG six (a control character),
        // of the rest one for each; the keys and the problems' names take less than 800.
        let header =
            Int(message.timestampText.length) &+ Int(message.hostname.length) &+ Int(message.appname.length)
            &+ Int(message.procid.length) &+ Int(message.msgid.length)
        let room =
            header &+ Int(message.message.length) &* 6 &+ Int(message.structuredData.length) &* 10 &+ 1_024
        return unsafe slab.append(upTo: room) { target -> Int in
            unsafe bytes.withUnsafeBytes { source -> Int in
                guard let from = source.baseAddress, let to = target.baseAddress else { return 0 }
                var writer = unsafe PlainJSON(source: from, length: source.count, target: to)
                return writer.write(message, isValid: isValid) ? writer.count : 0
            }
        }.length > 0
    }
}

/// Writes JSON into room that is known to be enough.
@safe
struct PlainJSON {
    let source: UnsafeRawPointer
    let length: Int
    let target: UnsafeMutableRawPointer
    var count = 0

    init(source: UnsafeRawPointer, length: Int, target: UnsafeMutableRawPointer) {
        unsafe self.source = source
        self.length = length
        unsafe self.target = target
    }

    /// The whole object; false when something is not plain.
    @inline(__always)
    mutating func write(_ message: SyslogMessage, isValid: Bool) -> Bool {
        if isValid { put("{\"valid\":true,\"format\":\"") } else { put("{\"valid\":false,\"format\":\"") }
        switch message.format {
        case .none: put("none\",\"priority\":")
        case .rfc3164: put("rfc3164\",\"priority\":")
        case .rfc5424: put("rfc5424\",\"priority\":")
        }
        let priority = Int(message.priority)
        if priority >= 0 {
            put(small: priority)
            put(",\"facility\":")
            put(small: priority >> 3)
            put(",\"severity\":")
            put(small: priority & 7)
        } else {
            put("null,\"facility\":null,\"severity\":null")
        }
        put(",\"version\":")
        if message.version >= 0 { put(small: Int(message.version)) } else { put("null") }
        put(",\"timestamp\":")
        guard put(time: message) else { return false }
        put(",\"hostname\":")
        guard put(field: message.hostname) else { return false }
        put(",\"appname\":")
        guard put(field: message.appname) else { return false }
        put(",\"procid\":")
        guard put(field: message.procid) else { return false }
        put(",\"msgid\":")
        guard put(field: message.msgid) else { return false }
        put(",\"structured_data\":")
        if message.structuredData.isEmpty {
            put("null")
        } else {
            guard message.isStrict, put(data: message.structuredData) else { return false }
        }
        put(",\"message\":")
        if message.message.isEmpty {
            if message.format == .rfc3164 { put("\"\"") } else { put("null") }
        } else {
            put("\"")
            // Bytes above 127 are UTF-8 here.
            guard !message.problems.contains(.textRepaired), put(escaping: message.message) else { return false }
            put("\"")
        }
        if message.problems.isEmpty {
            put(",\"problems\":[]}")
        } else {
            put(problems: message.problems)
        }
        return true
    }

    /// A literal; as its length is known when it is compiled, it becomes a few stores.
    @inline(__always)
    mutating func put(_ text: StaticString) {
        let size = text.utf8CodeUnitCount
        let bytes = unsafe UnsafeRawPointer(text.utf8Start)
        let to = unsafe target + count
        var index = 0
        while size &- index >= 8 {
            unsafe to.storeBytes(
                of: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self), toByteOffset: index, as: UInt64.self)
            index &+= 8
        }
        if size &- index >= 4 {
            unsafe to.storeBytes(
                of: bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self), toByteOffset: index, as: UInt32.self)
            index &+= 4
        }
        while index < size {
            unsafe to.storeBytes(
                of: bytes.load(fromByteOffset: index, as: UInt8.self), toByteOffset: index, as: UInt8.self)
            index &+= 1
        }
        count &+= size
    }

    @inline(__always)
    mutating func put(word: UInt64, _ length: Int) {
        unsafe target.storeBytes(of: word.littleEndian, toByteOffset: count, as: UInt64.self)
        count &+= length
    }

    /// A number from 0 to 999.
    @inline(__always)
    mutating func put(small value: Int) {
        let value = UInt64(truncatingIfNeeded: value)
        let hundreds = value / 100
        let rest = value &- hundreds &* 100
        let tens = rest / 10
        let digits = 0x303030 &+ hundreds &+ tens << 8 &+ (rest &- tens &* 10) << 16
        let skipped: UInt64 = value >= 100 ? 0 : value >= 10 ? 1 : 2
        put(word: digits &>> (skipped &* 8), 3 &- Int(skipped))
    }

    mutating func put(problems: SyslogProblems) {
        put(",\"problems\":[\"")
        var rest = problems.rawValue
        while rest != 0 {
            let name = SyslogProblems.name(ofBit: rest.trailingZeroBitCount)
            put(name)
            rest &= rest &- 1
            if rest != 0 { put("\",\"") }
        }
        put("\"]}")
    }

    @inline(__always)
    mutating func put(field: Extent) -> Bool {
        if field.isEmpty {
            put("null")
            return true
        }
        put("\"")
        guard put(text: field) else { return false }
        put("\"")
        return true
    }

    /// Copies text in blocks of 16, beyond its end where the source and the room allow; false when a byte has to be
    /// escaped, or is above 127.
    @inline(__always)
    mutating func put(text: Extent) -> Bool {
        let start = Int(text.offset)
        let end = start &+ Int(text.length)
        guard end <= length else { return false }
        var from = start
        while end &- from >= 16 {
            let found = block(from, allowsHigh: false)
            if found[0] | found[1] != 0 { return false }
            from &+= 16
            count &+= 16
        }
        let rest = end &- from
        if rest == 0 { return true }
        if length &- from >= 16 {
            let found = block(from, allowsHigh: false)
            let bits = UInt64(truncatingIfNeeded: rest &* 8)
            // The bytes of the rest only (1 to 15 of them).
            count &+= rest
            return rest < 8 ? found[0] & ~(UInt64.max &<< bits) == 0 : found[0] | found[1] & ~(UInt64.max &<< bits) == 0
        }
        while from < end {
            let byte = unsafe source.load(fromByteOffset: from, as: UInt8.self)
            guard byte >= 0x20, byte != 0x7F, byte != 0x22, byte != 0x5C, byte < 0x80 else {
                return false
            }
            unsafe target.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
            count &+= 1
            from &+= 1
        }
        return true
    }

    /// The byte at `offset`, which is inside.
    @inline(__always)
    func byte(_ offset: Int) -> UInt8 {
        offset < length ? unsafe source.load(fromByteOffset: offset, as: UInt8.self) : 0
    }

    /// Copies UTF-8, and escapes what JSON wants escaped.
    @inline(__always)
    mutating func put(escaping text: Extent) -> Bool {
        let end = Int(text.end)
        guard end <= length else { return false }
        var from = Int(text.offset)
        while length &- from >= 16, from < end {
            let found = block(from, allowsHigh: true)
            let rest = end &- from
            let hit =
                found[0] != 0
                ? found[0].trailingZeroBitCount >> 3
                : found[1] != 0 ? 8 &+ found[1].trailingZeroBitCount >> 3 : 16
            let clean = hit < rest ? hit : rest
            from &+= clean
            count &+= clean
            if hit < rest, hit < 16 {
                put(escaped: byte(from))
                from &+= 1
            }
        }
        while from < end {
            let byte = byte(from)
            from &+= 1
            if byte >= 0x20, byte != 0x7F, byte != 0x22, byte != 0x5C {
                put(word: UInt64(byte), 1)
            } else {
                put(escaped: byte)
            }
        }
        return true
    }

    @inline(__always)
    mutating func put(escaped byte: UInt8) {
        let letter: UInt64
        switch byte {
        case 0x22, 0x5C: letter = UInt64(byte)
        case 0x0A: letter = 0x6E
        case 0x0D: letter = 0x72
        case 0x09: letter = 0x74
        case 0x00...0x1F, 0x7F:
            let low = byte & 15
            put("\\u00")
            put(
                word: UInt64(0x30 &+ byte >> 4) | UInt64(low < 10 ? 0x30 &+ low : 0x57 &+ low) << 8, 2)
            return
        default:
            // A carry from a byte above 127 made it look odd.
            put(word: UInt64(byte), 1)
            return
        }
        put(word: 0x5C | letter << 8, 2)
    }

    /// Copies the 16 bytes at `from`, and gives all ones for those that are not plain.
    @inline(__always)
    func block(_ from: Int, allowsHigh: Bool) -> SIMD2<UInt64> {
        let bytes = unsafe source.loadUnaligned(fromByteOffset: from, as: SIMD16<UInt8>.self)
        unsafe target.storeBytes(of: bytes, toByteOffset: count, as: SIMD16<UInt8>.self)
        let quoted = (bytes .== SIMD16<UInt8>(repeating: 0x22)) .| (bytes .== SIMD16<UInt8>(repeating: 0x5C))
        let odd =
            allowsHigh
            ? (SIMD16<UInt8>(repeating: 0x20) .> bytes) .| (bytes .== SIMD16<UInt8>(repeating: 0x7F))
            : (bytes &- SIMD16<UInt8>(repeating: 0x20)) .> SIMD16<UInt8>(repeating: 0x5E)
        return unsafe unsafeBitCast(quoted .| odd, to: SIMD2<UInt64>.self)
    }

    @inline(__always)
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
