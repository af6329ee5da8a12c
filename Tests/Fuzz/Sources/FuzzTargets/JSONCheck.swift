// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Whether bytes are JSON (RFC 8259): an oracle that shares no code with what writes them.
struct JSONCheck: ~Escapable {
    private let bytes: RawSpan
    private var position = 0
    private var hasFractions = false

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) { self.bytes = bytes }

    /// One object, then a line feed, then nothing.
    @_lifetime(self: copy self)
    mutating func isOneObjectLine() -> Bool { isObject() && take("\n") && position == bytes.byteCount }

    /// One object, then nothing; its numbers may have fractions and exponents.
    @_lifetime(self: copy self)
    mutating func isOneObject() -> Bool {
        hasFractions = true
        return isObject() && position == bytes.byteCount
    }

    @_lifetime(self: copy self)
    private mutating func isObject() -> Bool {
        bytes.isValidUTF8 && bytes.byte(at: 0) == UInt8(ascii: "{") && value(0)
    }

    @_lifetime(self: copy self)
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard bytes.byte(at: position) == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    @_lifetime(self: copy self)
    private mutating func value(_ depth: Int) -> Bool {
        guard depth < 128, let first = bytes.byte(at: position) else { return false }
        switch first {
        case UInt8(ascii: "{"): return list("}") { $0.string() && $0.take(":") && $0.value(depth + 1) }
        case UInt8(ascii: "["): return list("]") { $0.value(depth + 1) }
        case UInt8(ascii: "\""): return string()
        case UInt8(ascii: "t"): return word("true")
        case UInt8(ascii: "f"): return word("false")
        case UInt8(ascii: "n"): return word("null")
        default: return number()
        }
    }

    /// Items between commas.
    @_lifetime(self: copy self)
    private mutating func list(_ close: Unicode.Scalar, _ item: (inout JSONCheck) -> Bool) -> Bool {
        position += 1
        if take(close) { return true }
        repeat { guard item(&self) else { return false } } while take(",")
        return take(close)
    }

    @_lifetime(self: copy self)
    private mutating func word(_ word: StaticString) -> Bool {
        guard bytes.hasBytes(word, at: position) else { return false }
        position += word.utf8CodeUnitCount
        return true
    }

    /// What the syslog fields are has neither fraction nor exponent.
    @_lifetime(self: copy self)
    private mutating func number() -> Bool {
        _ = take("-")
        guard take("0") || digits() else { return false }
        guard hasFractions else { return true }
        if take("."), !digits() { return false }
        guard take("e") || take("E") else { return true }
        _ = take("+") || take("-")
        return digits()
    }

    /// One digit or more.
    @_lifetime(self: copy self)
    private mutating func digits() -> Bool {
        let start = position
        while let byte = bytes.byte(at: position), byte &- 0x30 <= 9 { position += 1 }
        return position > start
    }

    @_lifetime(self: copy self)
    private mutating func string() -> Bool {
        guard take("\"") else { return false }
        while let byte = bytes.byte(at: position) {
            position += 1
            if byte == UInt8(ascii: "\"") { return true }
            guard byte >= 0x20 else { return false }
            guard byte == UInt8(ascii: "\\") else { continue }
            guard let escape = bytes.byte(at: position) else { return false }
            position += 1
            switch escape {
            case UInt8(ascii: "u"):
                for _ in 0..<4 {
                    guard let digit = bytes.byte(at: position), isHexadecimal(digit) else { return false }
                    position += 1
                }
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
                UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
                break
            default: return false
            }
        }
        return false
    }

    private func isHexadecimal(_ byte: UInt8) -> Bool { byte &- 0x30 <= 9 || (byte | 0x20) &- 0x61 <= 5 }
}
