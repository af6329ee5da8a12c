// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension Slab {
    /// Appends `text` as the inside of a JSON string (RFC 8259 section 7), invalid UTF-8 repaired with U+FFFD.
    mutating func append(escapedForJSON text: RawSpan) {
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

    /// Appends a literal.
    mutating func append(literal text: StaticString) {
        append(unsafe RawSpan(_unsafeStart: text.utf8Start, byteCount: text.utf8CodeUnitCount))
    }

    /// Appends `value` in two digits.
    mutating func append(twoDigits value: Int) {
        append(byte: 0x30 &+ UInt8(truncatingIfNeeded: value / 10 % 10))
        append(byte: 0x30 &+ UInt8(truncatingIfNeeded: value % 10))
    }

    /// Appends a time as RFC 3339 at `offset` seconds east of UTC, with as many digits of fraction as it has.
    mutating func append(rfc3339 nanoseconds: Int64, offset: Int) {
        let wall = nanoseconds.addingReportingOverflow(Int64(offset) * 1_000_000_000)
        // Only whole minutes can be written, and only what 64 bits hold.
        let isLocal =
            offset != 0 && offset % 60 == 0 && !wall.overflow && wall.partialValue >= SyslogTimestamp.leastNanoseconds
        let instant = isLocal ? wall.partialValue : max(nanoseconds, SyslogTimestamp.leastNanoseconds)
        let time = CivilTime(nanosecondsSinceEpoch: instant)
        append(twoDigits: time.year / 100)
        append(twoDigits: time.year)
        append(byte: 0x2D)
        append(twoDigits: time.month)
        append(byte: 0x2D)
        append(twoDigits: time.day)
        append(byte: 0x54)
        append(twoDigits: time.hour)
        append(byte: 0x3A)
        append(twoDigits: time.minute)
        append(byte: 0x3A)
        append(twoDigits: time.second)
        if time.nanosecond > 0 {
            append(byte: 0x2E)
            var rest = time.nanosecond
            while rest > 0 {
                append(byte: 0x30 &+ UInt8(truncatingIfNeeded: rest / 100_000_000))
                rest = rest % 100_000_000 * 10
            }
        }
        guard isLocal else { return append(byte: 0x5A) }
        append(byte: offset < 0 ? 0x2D : 0x2B)
        append(twoDigits: abs(offset) / 3_600)
        append(byte: 0x3A)
        append(twoDigits: abs(offset) / 60 % 60)
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
