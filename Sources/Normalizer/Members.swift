// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// The members of `unmapped` beside those that have fields of their own, as JSON text under construction.
///
/// A name that the service itself uses gets `x_` in front, so that nobody outside can speak for the enrichment.
struct Members: ~Copyable {
    private(set) var text: Slab
    private let reserved: ByteTable
    /// One bit by the low six bits of first bytes: most names begin like none that is reserved.
    private let firsts: UInt64

    init(reserved: ByteTable, capacity: Int = 4096) {
        text = Slab(capacity: capacity)
        self.reserved = reserved
        firsts = reserved.firsts
    }

    var count: Int { text.count }
    var bytes: RawSpan {
        @_lifetime(borrow self)
        get { text.bytes }
    }

    mutating func reset() { text.reset() }

    /// Takes back what was written after `length` bytes.
    mutating func truncate(to length: Int) { text.truncate(to: length) }

    /// The key of a member as JSON with its colon.
    static func key(_ name: String, _ reserved: ByteTable) -> [UInt8] {
        var members = Members(reserved: reserved, capacity: 64)
        let name = Array(name.utf8)
        members.begin(name.span.bytes, isEscaped: false)
        return members.bytes.array
    }

    /// Writes a member's key, with a comma before it when it is not the first.
    mutating func begin(_ key: RawSpan, isEscaped: Bool, isNested: Bool = false) {
        separate()
        let isTaken = !isNested && isReserved(key, isEscaped: isEscaped)
        if isTaken || isEscaped {
            text.append(byte: 0x22)
            if isTaken { text.append("x_") }
            if isEscaped { text.append(key) } else { JSONText.appendEscaped(key, to: &text) }
            text.append(byte: 0x22)
        } else {
            JSONText.append(key, to: &text)
        }
        text.append(byte: 0x3A)
    }

    /// Writes a key that ``key(_:_:)`` made.
    mutating func begin(key: RawSpan) {
        separate()
        text.append(key)
    }

    private mutating func separate() {
        if text.count > 0, text.bytes.byte(at: text.count - 1) != 0x7B { text.append(byte: 0x2C) }
    }

    /// Writes `text` as a JSON string.
    mutating func append(text value: RawSpan) { JSONText.append(value, to: &text) }

    /// Writes the inside of a JSON string as it stands.
    mutating func append(inside value: RawSpan) {
        text.append(byte: 0x22)
        text.append(value)
        text.append(byte: 0x22)
    }

    /// Writes JSON as it stands.
    mutating func append(json value: RawSpan) { text.append(value) }

    mutating func append(byte: UInt8) { text.append(byte: byte) }

    /// Writes the value of a capture.
    mutating func append(_ capture: Capture, _ slab: borrowing Slab) {
        switch capture.kind {
        case .absent: text.append("null")
        case .text: append(text: slab.bytes(capture.extent))
        case .escaped: append(inside: slab.bytes(capture.extent))
        case .number, .json: text.append(slab.bytes(capture.extent))
        case .integer: text.append(decimal: capture.integer)
        case .flag: text.append(capture.integer != 0 ? "true" : "false")
        }
    }

    private func isReserved(_ key: RawSpan, isEscaped: Bool) -> Bool {
        if isEscaped {
            // `\u007aone` is `zone` to every reader of the event.
            var plain = Slab(capacity: key.byteCount)
            JSONText.appendUnescaped(key, to: &plain)
            return isReserved(plain.bytes, isEscaped: false)
        }
        guard let first = key.byte(at: 0), firsts & 1 << UInt64(first & 63) != 0 else { return false }
        // The first part decides: `zone.src` must not look like an enriched field either.
        return reserved.find(key.part(0, key.firstIndex(of: 0x2E) ?? key.byteCount)) != nil
    }
}
