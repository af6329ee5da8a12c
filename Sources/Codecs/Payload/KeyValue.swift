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
        /// Whether the value was quoted.
        public var isQuoted: Bool
        /// Whether the value was quoted and may hold `\"` and `\\`.
        public var mayHaveEscapes: Bool

        @inlinable
        init(key: Extent, value: Extent, isFlag: Bool, isQuoted: Bool, mayHaveEscapes: Bool = false) {
            self.key = key
            self.value = value
            self.isFlag = isFlag
            self.isQuoted = isQuoted
            self.mayHaveEscapes = mayHaveEscapes
        }
    }

    /// A key that may come next, for ``KeyValue/next(expecting:)``.
    public struct Key: Sendable {
        @usableFromInline let head: UInt64
        @usableFromInline let mask: UInt64
        @usableFromInline let tail: UInt64
        /// More than a window has when it is a key that is never expected.
        @usableFromInline let length: UInt64

        /// A key as its bytes; one that is empty or has more than sixteen is never expected.
        public init(_ bytes: [UInt8]) {
            func word(_ part: ArraySlice<UInt8>) -> UInt64 { part.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
            head = word(bytes.prefix(8))
            mask = bytes.count < 8 ? 1 << UInt64(8 * bytes.count) - 1 : .max
            tail = word(bytes.suffix(8))
            length = (1...16).contains(bytes.count) ? UInt64(bytes.count) : .max
        }
    }

    @usableFromInline let bytes: RawSpan
    @usableFromInline let style: Style
    @usableFromInline var position: Int
    /// Where the window begins, and in which of its bytes a separator, an assignment or a quote stands; all that lies
    /// behind the last byte is a separator.
    @usableFromInline var window: Int
    @usableFromInline var separators: UInt64
    @usableFromInline var assigns: UInt64
    @usableFromInline var quotes: UInt64
    /// What is passed over before a key: separators, and blanks where they are left out.
    @usableFromInline var gaps: UInt64
    /// Blanks and controls that do not separate, and backslashes: with one of these a pair needs a closer look.
    @usableFromInline var odd: UInt64
    private let marks: (separator: Mark, other: Mark, assign: Mark, quote: Mark)

    /// A cursor over one part of `bytes`; extents are relative to `bytes`.
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan, _ part: Extent, _ style: Style = .blanks) {
        self.bytes = bytes.part(0, Int(part.end))
        self.style = style
        position = Int(part.offset)
        // The first pair begins before any window: it fills one.
        window = Int.max
        (separators, assigns, quotes, gaps, odd) = (0, 0, 0, 0, 0)
        marks = (
            Mark(repeating: style.separators.0), Mark(repeating: style.separators.1), Mark(repeating: style.assign),
            Mark(repeating: style.quote ?? style.assign)
        )
    }

    /// A cursor over all of `bytes`.
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan, style: Style = .blanks) {
        self.init(bytes, Extent(from: 0, to: bytes.byteCount), style)
    }

    /// The next pair or flag, or nil after the last.
    public mutating func next() -> Pair? {
        // Most pairs lie in the window, or in one that begins where they do.
        if let pair = nextInWindow() { return pair }
        guard position < bytes.byteCount else { return nil }
        fill()
        return nextInWindow() ?? nextAnywhere()
    }

    /// The next pair if its key is `key`; nil, and nothing passed over, when it is another one, or is written so that only
    /// ``next()`` tells. Costs much less than looking for a key in a table.
    @inlinable
    @inline(__always)
    public mutating func next(expecting key: Key) -> Pair? {
        var start = UInt64(bitPattern: Int64(position &- window))
        while true {
            if start < 64 {
                start &+= UInt64(truncatingIfNeeded: (~(gaps &>> start)).trailingZeroBitCount)
                // The key, what assigns, and a byte of the value lie in the window, if it is this key.
                if start &+ key.length < 63 {
                    guard bytes.holds(key, at: window &+ Int(truncatingIfNeeded: start)) else { return nil }
                    let ends = (separators | assigns) &>> start
                    guard UInt64(truncatingIfNeeded: ends.trailingZeroBitCount) == key.length,
                        assigns &>> (start &+ key.length) & 1 != 0
                    else { return nil }
                    let name = extent(start, key.length)
                    guard isWhole(name) else { return nil }
                    if let pair = pair(name, start &+ key.length &+ 1) { return pair }
                }
                // A key that is never expected, or a pair that is longer than a window.
                if key.length > 16 || position == window { return nil }
            }
            guard position < bytes.byteCount else { return nil }
            fill()
            start = 0
        }
    }

    /// The next pair when it ends in the window, nothing of it is to be left out, and no backslash stands before the
    /// closing quote. Nil, and nothing changed, otherwise.
    @inline(__always)
    private mutating func nextInWindow() -> Pair? {
        var start = UInt64(bitPattern: Int64(position &- window))
        guard start < 64 else { return nil }
        start &+= UInt64(truncatingIfNeeded: (~(gaps &>> start)).trailingZeroBitCount)
        guard start < 64 else { return nil }
        // The end of the key: a separator, or what assigns.
        let ends = (separators | assigns) &>> start
        guard ends != 0 else { return nil }
        let length = UInt64(truncatingIfNeeded: ends.trailingZeroBitCount)
        let stop = start &+ length
        let key = extent(start, length)
        guard isWhole(key) else { return nil }
        guard assigns &>> stop & 1 != 0 else {
            position = window &+ Int(truncatingIfNeeded: stop)
            return Pair(key: key, value: Extent(offset: 0, length: 0), isFlag: true, isQuoted: false)
        }
        return pair(key, stop &+ 1)
    }

    /// The pair of a key whose value begins at `value` in the window; nil, and nothing changed, when it does not end there.
    @inlinable
    @inline(__always)
    mutating func pair(_ key: Extent, _ value: UInt64) -> Pair? {
        guard value < 64 else { return nil }
        let quoted = quotes &>> value
        if quoted & 1 != 0 {
            let left = quoted &>> 1
            guard left != 0 else { return nil }
            let text = extent(value &+ 1, UInt64(truncatingIfNeeded: left.trailingZeroBitCount))
            guard odd == 0 || bytes.peek(Int(text.end) &- 1) != 0x5C else { return nil }
            position = Int(text.end) &+ 1
            return Pair(key: key, value: text, isFlag: false, isQuoted: true, mayHaveEscapes: odd != 0)
        }
        let left = separators &>> value
        guard left != 0 else { return nil }
        let text = extent(value, UInt64(truncatingIfNeeded: left.trailingZeroBitCount))
        guard isWhole(text) else { return nil }
        position = Int(text.end)
        return Pair(key: key, value: text, isFlag: false, isQuoted: false)
    }

    /// Bytes of the window.
    @inlinable
    @inline(__always)
    func extent(_ start: UInt64, _ length: UInt64) -> Extent {
        Extent(
            offset: UInt32(truncatingIfNeeded: window) &+ UInt32(truncatingIfNeeded: start),
            length: UInt32(truncatingIfNeeded: length))
    }

    /// Whether no blank or line end is left out around the text.
    @inlinable
    @inline(__always)
    func isWhole(_ text: Extent) -> Bool {
        // No byte, -1, is none of them; that a text consists of blanks its first byte tells.
        odd == 0 || !style.trimsBlanks
            || bytes.peek(Int(text.offset)) != 0x20 && (text.isEmpty || bytes.peek(Int(text.end) &- 1) > 0x20)
    }

    /// Looks at the 64 bytes from here on.
    @inline(never)
    @usableFromInline
    mutating func fill() {
        let window = ByteWindow(bytes, at: position)
        self.window = position
        separators = window.bits(of: marks.separator, marks.other) | ~window.inside
        assigns = window.bits(of: marks.assign)
        quotes = style.quote == nil ? 0 : window.bits(of: marks.quote)
        odd = window.oddBits & ~separators
        gaps = separators
        if odd != 0, style.trimsBlanks { gaps |= window.bits(of: Mark(repeating: 0x20)) }
    }

    /// The next pair, however long and written.
    @inline(never)
    private mutating func nextAnywhere() -> Pair? {
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
                return Pair(
                    key: key, value: Extent(from: open + 1, to: close), isFlag: false, isQuoted: true,
                    mayHaveEscapes: true)
            }
            value = open
        }
        stop = bytes.end(style.separators.0, style.separators.1, from: value)
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

    private mutating func trimmed(_ start: Int, _ stop: Int) -> Extent {
        guard style.trimsBlanks else { return Extent(from: start, to: stop) }
        var first = start
        var last = stop
        while first < last, bytes.byte(at: first) == 0x20 { first += 1 }
        while last > first, let byte = bytes.byte(at: last - 1), byte == 0x20 || byte == 0x0A || byte == 0x0D {
            last -= 1
        }
        return Extent(from: first, to: last)
    }

    /// Writes a quoted value without its escapes (`\"`, `\\`) to the end of `slab`.
    public static func unescape(_ value: RawSpan, quote: UInt8 = 0x22, into slab: inout Slab) -> Extent {
        slab.append(unescaping: value) { $0 == quote || $0 == 0x5C ? $0 : nil }
    }
}

extension RawSpan {
    /// Whether the bytes at `offset` are those of `key`; false as well where fewer than eight follow.
    @inlinable
    @inline(__always)
    func holds(_ key: KeyValue.Key, at offset: Int) -> Bool {
        guard offset >= 0, byteCount &- offset >= 8 else { return false }
        let head = unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
        guard (UInt64(littleEndian: head) ^ key.head) & key.mask == 0 else { return false }
        if key.length <= 8 { return true }
        let end = UInt64(truncatingIfNeeded: offset) &+ key.length
        guard key.length <= 16, end <= UInt64(truncatingIfNeeded: byteCount) else { return false }
        let last = Int(truncatingIfNeeded: end) &- 8
        return unsafe UInt64(littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: last, as: UInt64.self))
            == key.tail
    }
}
