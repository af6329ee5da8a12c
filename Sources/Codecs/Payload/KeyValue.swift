// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A cursor over key-value text: `key=value key="quoted value" FLAG`.
///
/// What separates pairs, what assigns and what quotes is settable; a word without assignment is a flag (netfilter's
/// `DF`, `SYN`). Each step moves on, nothing is copied.
public struct KeyValue: ~Escapable {
    /// How the text is written.
    public struct Style: Sendable {
        /// What separates pairs: one or two bytes (blank and tab for most firewalls).
        public var separators: (UInt8, UInt8)
        /// What stands between key and value.
        public var assign: UInt8
        /// What values with separators are enclosed in, or nil for none.
        public var quote: UInt8?
        /// Whether blanks around keys and unquoted values are left out.
        public var trimsBlanks: Bool

        /// A style; the default is `key=value key="value"` with blanks or tabs between.
        public init(
            separators: [UInt8] = [0x20, 0x09], assign: UInt8 = 0x3D, quote: UInt8? = 0x22, trimsBlanks: Bool = true
        ) {
            let first = separators.first ?? 0x20
            self.separators = (first, separators.count > 1 ? separators[1] : first)
            self.assign = assign
            self.quote = quote
            self.trimsBlanks = trimsBlanks
        }

        /// `key=value key="value"`: FortiGate, Sophos, netfilter, Stormshield.
        public static let blanks = Style()
        /// `key:"value"; key:"value";`: Check Point.
        public static let semicolons = Style(separators: [0x3B], assign: 0x3A)
        /// `key=value,key=value`.
        public static let commas = Style(separators: [0x2C])
    }

    /// One pair or flag.
    public struct Pair: Equatable, Sendable {
        /// The key, or the flag.
        public var key: Extent
        /// The value without quotes, escapes as written; empty for a flag.
        public var value: Extent
        /// Whether it is a word without assignment.
        public var isFlag: Bool
        /// Whether the value was quoted, and so may hold `\"` and `\\`.
        public var isQuoted: Bool
    }

    let bytes: RawSpan
    let style: Style
    private var position: Int

    /// A cursor over one part of `bytes`; extents are relative to `bytes`.
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan, _ part: Extent, _ style: Style = .blanks) {
        self.bytes = bytes.part(0, Int(part.end))
        self.style = style
        position = Int(part.offset)
    }

    /// A cursor over all of `bytes`.
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan, style: Style = .blanks) {
        self.bytes = bytes
        self.style = style
        position = 0
    }

    /// The next pair or flag, or nil after the last.
    public mutating func next() -> Pair? {
        while let byte = bytes.byte(at: position), isSeparator(byte) || style.trimsBlanks && byte == 0x20 {
            position += 1
        }
        guard position < bytes.byteCount else { return nil }
        let start = position
        var stop = start
        while let byte = bytes.byte(at: stop), byte != style.assign, !isSeparator(byte) { stop += 1 }
        guard bytes.byte(at: stop) == style.assign else {
            position = stop
            return Pair(key: trimmed(start, stop), value: .empty, isFlag: true, isQuoted: false)
        }
        let key = trimmed(start, stop)
        var value = stop + 1
        if let quote = style.quote {
            // A blank between `=` and a quote, where blanks do not separate.
            var open = value
            while style.trimsBlanks, !isSeparator(0x20), bytes.byte(at: open) == 0x20 { open += 1 }
            if bytes.byte(at: open) == quote, let close = closing(quote, from: open + 1) {
                position = close + 1
                return Pair(key: key, value: Extent(open + 1..<close), isFlag: false, isQuoted: true)
            }
            value = open
        }
        stop = value
        while let byte = bytes.byte(at: stop), !isSeparator(byte) { stop += 1 }
        position = stop
        return Pair(key: key, value: trimmed(value, stop), isFlag: false, isQuoted: false)
    }

    private func isSeparator(_ byte: UInt8) -> Bool { byte == style.separators.0 || byte == style.separators.1 }

    /// The quote that ends a value, or nil when it never ends: then the quote is part of the text.
    private mutating func closing(_ quote: UInt8, from start: Int) -> Int? {
        var offset = start
        while let close = bytes.firstIndex(of: quote, from: offset) {
            var backslashes = 0
            while close - 1 - backslashes >= start, bytes.byte(at: close - 1 - backslashes) == 0x5C { backslashes += 1 }
            if backslashes & 1 == 0 { return close }
            // A path that ends in a backslash (`path="C:\"`) is closed by what a separator follows.
            if let next = bytes.byte(at: close + 1), isSeparator(next), endsPair(close + 1) { return close }
            offset = close + 1
        }
        return nil
    }

    /// Whether a key and its assignment follow the separators at `start`.
    private func endsPair(_ start: Int) -> Bool {
        var offset = start
        while let byte = bytes.byte(at: offset), isSeparator(byte) || byte == 0x20 { offset += 1 }
        let first = offset
        while let byte = bytes.byte(at: offset), byte.isLetterOrDigit || byte == 0x5F || byte == 0x2D { offset += 1 }
        return offset > first && bytes.byte(at: offset) == style.assign
    }

    private func trimmed(_ start: Int, _ stop: Int) -> Extent {
        guard style.trimsBlanks else { return Extent(start..<stop) }
        var first = start
        var last = stop
        while first < last, bytes.byte(at: first) == 0x20 { first += 1 }
        while last > first, let byte = bytes.byte(at: last - 1), byte == 0x20 || byte == 0x0A || byte == 0x0D {
            last -= 1
        }
        return Extent(first..<last)
    }

    /// Writes a quoted value without its escapes (`\"`, `\\`) to the end of `slab`.
    public static func unescape(_ value: RawSpan, quote: UInt8 = 0x22, into slab: inout Slab) -> Extent {
        slab.append(unescaping: value) { $0 == quote || $0 == 0x5C ? $0 : nil }
    }
}
