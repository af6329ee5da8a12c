// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension Slab {
    /// Appends `text` as the inside of a JSON string (RFC 8259 section 7), invalid UTF-8 repaired with U+FFFD.
    @inline(__always)
    mutating func append(escapedForJSON text: RawSpan) {
        let clean = append(cleanOf: text)
        if clean < text.byteCount { append(escaping: text.part(clean, text.byteCount &- clean)) }
    }

    /// Appends the bytes of `text` up to the first that JSON does not take as it is (all but printable ASCII, quote and
    /// backslash), and tells how many these are.
    ///
    /// Copies blocks before it has looked at them: the room for them is there, and what is too much is overwritten.
    @inline(__always)
    private mutating func append(cleanOf text: RawSpan) -> Int {
        let count = text.byteCount
        return unsafe Int(
            append(upTo: count &+ 16) { room -> Int in
                unsafe text.withUnsafeBytes { bytes -> Int in
                    guard let source = bytes.baseAddress, let target = room.baseAddress else { return 0 }
                    var index = 0
                    while count &- index >= 16 {
                        let words = unsafe source.loadUnaligned(fromByteOffset: index, as: SIMD2<UInt64>.self)
                        unsafe target.storeBytes(of: words, toByteOffset: index, as: SIMD2<UInt64>.self)
                        let found = words.needsEscape
                        if found[0] | found[1] != 0 {
                            return found[0] != 0
                                ? index &+ found[0].trailingZeroBitCount >> 3
                                : index &+ 8 &+ found[1].trailingZeroBitCount >> 3
                        }
                        index &+= 16
                    }
                    if count &- index >= 8 {
                        let word = unsafe source.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                        unsafe target.storeBytes(of: word, toByteOffset: index, as: UInt64.self)
                        let found = word.needsEscape
                        if found != 0 { return index &+ found.trailingZeroBitCount >> 3 }
                        index &+= 8
                    }
                    guard index < count else { return count }
                    // The rest, blanks above it.
                    let word = text.rest(at: index)
                    unsafe target.storeBytes(of: word, toByteOffset: index, as: UInt64.self)
                    let found =
                        (word | (UInt64.ones &* 0x20) << UInt64(truncatingIfNeeded: (count &- index) &* 8)).needsEscape
                    return found == 0 ? count : index &+ found.trailingZeroBitCount >> 3
                }
            }.length)
    }

    /// Appends `text`, which has something to escape or to repair.
    @inline(never)
    private mutating func append(escaping text: RawSpan) {
        var clean = 0
        var offset = 0
        while true {
            offset = text.endOfJSONText(from: offset)
            guard let byte = text.byte(at: offset) else { break }
            append(repairing: text.part(clean, offset - clean))
            offset += 1
            clean = offset
            append(byte: 0x5C)
            switch byte {
            case 0x22, 0x5C: append(byte: byte)
            case 0x0A: append(byte: 0x6E)
            case 0x0D: append(byte: 0x72)
            case 0x09: append(byte: 0x74)
            default:
                append(literal: "u00")
                append(byte: Slab.hexDigit(byte >> 4))
                append(byte: Slab.hexDigit(byte & 15))
            }
        }
        append(repairing: text.part(clean, text.byteCount - clean))
    }

    /// Appends a literal; as its length is known when it is compiled, it becomes a few stores.
    @inline(__always)
    mutating func append(literal text: StaticString) {
        let count = text.utf8CodeUnitCount
        unsafe append(upTo: count) { room in
            if let target = room.baseAddress { unsafe target.copyMemory(from: text.utf8Start, byteCount: count) }
            return count
        }
    }

    /// Appends a number from 0 to 999.
    @inline(__always)
    mutating func append(upTo999 value: Int) {
        // 0x30 in each of the three digits; the leading ones are shifted out.
        let hundreds = value / 100
        let rest = value &- hundreds &* 100
        let tens = rest / 10
        let digits = UInt32(
            truncatingIfNeeded: 0x303030 &+ hundreds &+ tens << 8 &+ (rest &- tens &* 10) << 16)
        let count = value >= 100 ? 3 : value >= 10 ? 2 : 1
        unsafe append(upTo: 4) { room in
            unsafe room.baseAddress?.storeBytes(
                of: digits >> UInt32(truncatingIfNeeded: 8 &* (3 &- count)), as: UInt32.self)
            return count
        }
    }

    /// Appends a time as RFC 3339 at `offset` seconds east of UTC, with as many digits of fraction as it has.
    mutating func append(rfc3339 nanoseconds: Int64, offset: Int) {
        let wall = nanoseconds.addingReportingOverflow(Int64(offset) * 1_000_000_000)
        // Only whole minutes can be written, and only what 64 bits hold.
        let isLocal =
            offset != 0 && offset % 60 == 0 && !wall.overflow && wall.partialValue >= SyslogTimestamp.leastNanoseconds
        let instant = isLocal ? wall.partialValue : max(nanoseconds, SyslogTimestamp.leastNanoseconds)
        let time = CivilTime(nanosecondsSinceEpoch: instant)
        // YYYY-MM-, DDThh:mm, :ss
        let date =
            UInt64(digits: time.year / 100) | UInt64(digits: time.year % 100) << 16 | 0x2D << 32
            | UInt64(digits: time.month) << 40 | 0x2D << 56
        let middle =
            UInt64(digits: time.day) | 0x54 << 16 | UInt64(digits: time.hour) << 24 | 0x3A << 40
            | UInt64(digits: time.minute) << 48
        let seconds = 0x3A | UInt64(digits: time.second) << 8
        unsafe append(upTo: 24) { room in
            guard let target = room.baseAddress else { return 0 }
            unsafe target.storeBytes(of: date, as: UInt64.self)
            unsafe target.storeBytes(of: middle, toByteOffset: 8, as: UInt64.self)
            unsafe target.storeBytes(of: seconds, toByteOffset: 16, as: UInt64.self)
            return 19
        }
        if time.nanosecond > 0 {
            append(byte: 0x2E)
            var rest = time.nanosecond
            while rest > 0 {
                append(byte: 0x30 &+ UInt8(truncatingIfNeeded: rest / 100_000_000))
                rest = rest % 100_000_000 * 10
            }
        }
        guard isLocal else { return append(byte: 0x5A) }
        let minutes = abs(offset) / 60
        let zone =
            (offset < 0 ? 0x2D : 0x2B) | UInt64(digits: minutes / 60) << 8 | 0x3A << 24
            | UInt64(digits: minutes % 60) << 32
        unsafe append(upTo: 8) { room in
            unsafe room.baseAddress?.storeBytes(of: zone, as: UInt64.self)
            return 6
        }
    }

    /// Appends `text`, invalid UTF-8 repaired with U+FFFD.
    mutating func append(repairing text: RawSpan) {
        if text.isValidUTF8 { append(text) } else { append(text.text) }
    }

    /// Appends `bytes` in Base64 (RFC 4648 section 4).
    mutating func append(base64 bytes: RawSpan) {
        reserve(bytes.byteCount / 3 * 4 + 4)
        var offset = 0
        while offset < bytes.byteCount {
            let first = UInt32(bytes.byte(at: offset) ?? 0)
            let second = bytes.byte(at: offset + 1)
            let third = bytes.byte(at: offset + 2)
            let group = first << 16 | UInt32(second ?? 0) << 8 | UInt32(third ?? 0)
            append(byte: Slab.base64Digit(group >> 18))
            append(byte: Slab.base64Digit(group >> 12))
            append(byte: second == nil ? 0x3D : Slab.base64Digit(group >> 6))
            append(byte: third == nil ? 0x3D : Slab.base64Digit(group))
            offset += 3
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

    private static func base64Digit(_ value: UInt32) -> UInt8 {
        switch UInt8(truncatingIfNeeded: value & 63) {
        case let digit where digit < 26: 0x41 + digit
        case let digit where digit < 52: 0x61 + (digit - 26)
        case let digit where digit < 62: 0x30 + (digit - 52)
        case 62: 0x2B
        default: 0x2F
        }
    }
}

extension UInt64 {
    /// `value`, 0 to 99, as two characters, the tens first.
    @inline(__always)
    fileprivate init(digits value: Int) {
        let value = UInt64(truncatingIfNeeded: value)
        let tens = value / 10
        self = 0x3030 &+ tens &+ (value &- tens &* 10) << 8
    }

    /// The top bit of the lowest byte that JSON does not take as it is (bits above it may be wrong).
    @inline(__always)
    fileprivate var needsEscape: UInt64 {
        // Below 0x80 a subtraction borrows only where the byte is too small; from 0x80 on the byte itself has the bit.
        // Adding one carries into the top bit of 0x7F.
        let low = self &- UInt64.ones &* 0x20
        let quote = (self ^ UInt64.ones &* 0x22) &- UInt64.ones
        let backslash = (self ^ UInt64.ones &* 0x5C) &- UInt64.ones
        return (low | quote | backslash | (self &+ UInt64.ones) | self) & UInt64.tops
    }
}

extension SIMD2<UInt64> {
    /// The same for two words.
    @inline(__always)
    fileprivate var needsEscape: SIMD2<UInt64> {
        let ones = SIMD2(repeating: UInt64.ones)
        let low = self &- SIMD2(repeating: UInt64.ones &* 0x20)
        let quote = (self ^ SIMD2(repeating: UInt64.ones &* 0x22)) &- ones
        let backslash = (self ^ SIMD2(repeating: UInt64.ones &* 0x5C)) &- ones
        return (low | quote | backslash | (self &+ ones) | self) & SIMD2(repeating: UInt64.tops)
    }
}
