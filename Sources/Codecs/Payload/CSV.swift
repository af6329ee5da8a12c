// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A cursor over the fields of one record of separated values (RFC 4180), found by their position.
///
/// A record of n separators has n + 1 fields; one without any byte has none. The line end is not part of it.
public struct CSV: ~Escapable {
    /// How records are written.
    public struct Style: Sendable {
        /// What separates fields: `,`, tab, `|`, `;`.
        public let separator: UInt8
        /// What fields with separators are enclosed in, or nil for none.
        public let quote: UInt8?
        /// Whether `\"` and `\\` stand for a quote and a backslash in quoted fields, as PAN-OS escapes them in custom
        /// formats; a doubled quote is one quote in any case.
        public let hasBackslashes: Bool
        /// Whether blanks around fields are left out; RFC 4180 counts them in.
        public let trimsBlanks: Bool
        /// The bytes of a separator of several, the first one lowest, and how many these are.
        fileprivate let text: UInt32
        fileprivate let width: Int

        /// A style with one byte between fields; the default is RFC 4180's.
        public init(
            separator: UInt8 = 0x2C, quote: UInt8? = 0x22, hasBackslashes: Bool = false, trimsBlanks: Bool = false
        ) {
            self.separator = separator
            self.quote = quote
            self.hasBackslashes = hasBackslashes
            // Where blanks separate they end fields.
            self.trimsBlanks = trimsBlanks && separator != 0x20
            text = UInt32(separator)
            width = 1
        }

        /// A style with a separator of one to four bytes, such as the `#011` that relays make of Snare's tabs; nil for
        /// any other length.
        public init?(
            separatorText: String, quote: UInt8? = 0x22, hasBackslashes: Bool = false, trimsBlanks: Bool = false
        ) {
            let bytes = Array(separatorText.utf8.prefix(5))
            guard let first = bytes.first, bytes.count <= 4 else { return nil }
            separator = first
            self.quote = quote
            self.hasBackslashes = hasBackslashes
            // Where blanks separate they end fields.
            self.trimsBlanks = trimsBlanks && separator != 0x20
            text = bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
            width = bytes.count
        }

        /// `a,"b ""c"" d",e`.
        public static let commas = Style()
        /// Zeek's and Snare's lines: tabs, and quotes are text.
        public static let tabs = Style(separator: 0x09, quote: nil)
    }

    /// One field.
    public struct Field: Equatable, Sendable {
        /// The text, without the quotes around it, escapes as written.
        public var value: Extent
        /// Whether it was quoted.
        public var isQuoted: Bool
        /// Whether it was quoted and holds doubled or escaped quotes, or escaped backslashes: only then has `unescape`
        /// something to do.
        public var hasEscapes: Bool
        /// Whether its quote never ends: the value is the rest of the record then.
        public var isUnterminated: Bool
    }

    let bytes: RawSpan
    let style: Style
    /// Where the next field begins; behind the end when there is none.
    private var position: Int
    /// Where the window begins, and in which of its bytes a separator or a quote stands; all that lies behind the last byte
    /// is a separator.
    private var window = Int.max
    private var separators: UInt64 = 0
    private var quotes: UInt64 = 0

    /// A cursor over one part of `bytes`; extents are relative to `bytes`.
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan, _ part: Extent, _ style: Style = .commas) {
        self.bytes = bytes.part(0, Int(part.end))
        self.style = style
        position = part.isEmpty ? self.bytes.byteCount + 1 : Int(part.offset)
    }

    /// A cursor over all of `bytes`.
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan, style: Style = .commas) {
        self.init(bytes, Extent(from: 0, to: bytes.byteCount), style)
    }

    /// The next field, or nil after the last.
    public mutating func next() -> Field? {
        guard position <= bytes.byteCount else { return nil }
        // Most fields lie in the window, or in one that begins where they do.
        if let field = nextInWindow() { return field }
        guard style.width == 1 else { return nextAnywhere() }
        fill()
        return nextInWindow() ?? nextAnywhere()
    }

    /// The next field when it is not quoted, ends in the window, and nothing of it is to be left out; nil, and nothing
    /// passed over, otherwise.
    @inline(__always)
    private mutating func nextInWindow() -> Field? {
        let start = UInt64(bitPattern: Int64(position &- window))
        guard start < 64, quotes &>> start & 1 == 0 else { return nil }
        let left = separators &>> start
        guard left != 0 else { return nil }
        let length = left.trailingZeroBitCount
        if style.trimsBlanks, length > 0 {
            guard bytes.peek(position) != 0x20, bytes.peek(position &+ length &- 1) != 0x20 else { return nil }
        }
        let value = Extent(
            offset: UInt32(truncatingIfNeeded: position), length: UInt32(truncatingIfNeeded: length))
        position = position &+ length &+ 1
        return Field(value: value, isQuoted: false, hasEscapes: false, isUnterminated: false)
    }

    /// Looks at the 64 bytes from here on.
    @inline(never)
    private mutating func fill() {
        let window = ByteWindow(bytes, at: position)
        self.window = position
        separators = window.bits(of: Mark(repeating: style.separator)) | ~window.inside
        quotes = style.quote.map { window.bits(of: Mark(repeating: $0)) } ?? 0
    }

    /// The next field, however long and written.
    @inline(never)
    private mutating func nextAnywhere() -> Field? {
        var start = position
        if style.trimsBlanks { start = bytes.endOfBlanks(from: start) }
        var from = start
        if let quote = style.quote, bytes.byte(at: start) == quote {
            let (close, hasEscapes) = closing(quote, from: start + 1)
            guard close < bytes.byteCount else {
                position = bytes.byteCount + 1
                return Field(
                    value: Extent(from: start + 1, to: bytes.byteCount), isQuoted: true, hasEscapes: hasEscapes,
                    isUnterminated: true)
            }
            let after = style.trimsBlanks ? bytes.endOfBlanks(from: close + 1) : close + 1
            if after >= bytes.byteCount || isSeparator(at: after) {
                position = after + style.width
                if after >= bytes.byteCount { position = bytes.byteCount + 1 }
                return Field(
                    value: Extent(from: start + 1, to: close), isQuoted: true, hasEscapes: hasEscapes,
                    isUnterminated: false)
            }
            // Text behind the closing quote: all of it is text, the quotes too; separators between them are no ends.
            from = close + 1
        }
        let end = separatorIndex(from: from)
        position = end < bytes.byteCount ? end + style.width : bytes.byteCount + 1
        var last = end
        if style.trimsBlanks { while last > start, bytes.byte(at: last - 1) == 0x20 { last -= 1 } }
        return Field(value: Extent(from: start, to: last), isQuoted: false, hasEscapes: false, isUnterminated: false)
    }

    /// The next separator at or after `start`, or the end.
    private func separatorIndex(from start: Int) -> Int {
        var position = start
        while true {
            position = bytes.end(style.separator, style.separator, from: position)
            if position >= bytes.byteCount || isSeparator(at: position) { return min(position, bytes.byteCount) }
            position += 1
        }
    }

    private func isSeparator(at offset: Int) -> Bool {
        guard bytes.byte(at: offset) == style.separator else { return false }
        var rest = style.text
        for index in 1..<max(1, style.width) {
            rest >>= 8
            guard bytes.byte(at: offset + index) == UInt8(truncatingIfNeeded: rest) else { return false }
        }
        return true
    }

    /// The quote that ends the field, or the end, and whether escapes stand before it.
    private func closing(_ quote: UInt8, from start: Int) -> (close: Int, hasEscapes: Bool) {
        var position = start
        var hasEscapes = false
        while true {
            position = bytes.end(quote, style.hasBackslashes ? 0x5C : quote, from: position)
            guard let byte = bytes.byte(at: position) else { return (bytes.byteCount, hasEscapes) }
            let next = bytes.byte(at: position + 1)
            if byte == quote, next != quote { return (position, hasEscapes) }
            // A doubled quote, or a backslash: before anything else than these two it is itself (`C:\temp`).
            if byte == quote || next == quote || next == 0x5C {
                hasEscapes = true
                position += 2
            } else {
                position += 1
            }
        }
    }

    /// Writes a quoted value without its escapes to the end of `slab`.
    public static func unescape(_ value: RawSpan, _ style: Style = .commas, into slab: inout Slab) -> Extent {
        let start = slab.count
        guard let quote = style.quote else { return slab.append(value) }
        var clean = 0
        var position = 0
        while true {
            position = value.end(quote, style.hasBackslashes ? 0x5C : quote, from: position)
            guard let byte = value.byte(at: position) else { break }
            let next = value.byte(at: position + 1)
            guard next == quote || byte == 0x5C && byte != quote && next == 0x5C else {
                position += 1
                continue
            }
            // What is escaped stands for itself.
            slab.append(value.part(clean, position - clean))
            clean = position + 1
            position += 2
        }
        slab.append(value.part(clean, value.byteCount - clean))
        return Extent(start..<slab.count)
    }
}
