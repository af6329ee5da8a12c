// SPDX-License-Identifier: Apache-2.0
public import Wire

/// A pull reader for one XML record, as Windows writes events: elements, attributes and text, in their order.
///
/// Nothing is copied and nothing is expanded: entities of a DOCTYPE do not exist here, so none can grow. It is stricter
/// than a search for tags and more lenient than XML 1.0 in this only: attributes need no blank between them and may
/// repeat, `<` may stand in an attribute's value and `]]>` in text, characters are not checked, `&` that begins no
/// reference stands for itself, and text of nothing but white space is passed over.
public struct EventXML: ~Escapable {
    /// One step through a record.
    public enum Token: Equatable, Sendable {
        /// An element begins; its attributes follow.
        case start(name: Extent)
        /// An attribute of the element that began last.
        case attribute(name: Extent, value: Text)
        /// Text of the innermost element; comments and CDATA sections part one text into several.
        case text(Text)
        /// An element ends, `<Data/>` too.
        case end(name: Extent)
    }

    /// A value or text.
    public struct Text: Equatable, Sendable {
        /// The bytes as written.
        public var extent: Extent
        /// Whether a `&` stands in it: only then has `unescape` something to do. Never in a CDATA section.
        public var hasEntities: Bool
    }

    /// Why a record cannot be read on, and the offset in it.
    public enum Fault: Error, Equatable, Sendable {
        /// Neither markup nor text of XML.
        case malformed(at: Int)
        /// An element ends that did not begin, or another one ends first.
        case mismatched(at: Int)
        /// The record ends before its elements do; what was read of it stands.
        case truncated(at: Int)
        /// More elements within another than `maximumDepth`.
        case tooDeep(at: Int)
        /// More elements than `maximumElements`.
        case tooManyElements(at: Int)
        /// More attributes than `maximumAttributes`.
        case tooManyAttributes(at: Int)
    }

    /// How deep elements may stand in each other.
    public static let maximumDepth = 32
    /// How many elements a record may have.
    public static let maximumElements = 4_096
    /// How many attributes a record may have.
    public static let maximumAttributes = 4_096

    let bytes: RawSpan
    /// Where the next token is looked for; behind the record once it has ended.
    public private(set) var position: Int
    /// How many elements are open.
    public private(set) var depth = 0
    private var open: [32 of Extent] = .init(repeating: .empty)
    private var elements = 0
    private var attributes = 0
    /// Whether attributes may follow.
    private var isInTag = false

    /// A reader of one part of `bytes`; extents are relative to `bytes`.
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan, _ part: Extent) {
        self.bytes = bytes.part(0, Int(part.end))
        position = Int(part.offset)
        // A byte order mark.
        if self.bytes.hasBytes("\u{FEFF}", at: position) { position += 3 }
    }

    /// A reader of all of `bytes`.
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan) { self.init(bytes, Extent(from: 0, to: bytes.byteCount)) }

    /// The name of the open element at `level`, the root's at 0; nil for a level that is not open.
    public func name(at level: Int) -> Extent? { level >= 0 && level < depth ? open[level] : nil }

    /// The next token; nil behind the root element, wherever the bytes end.
    public mutating func next() throws(Fault) -> Token? {
        if isInTag { return try nextInTag() }
        guard depth > 0 || elements == 0 else { return nil }
        while true {
            if bytes.peek(position) != 0x3C {
                if let text = try nextText() { return .text(text) }
                continue
            }
            switch bytes.peek(position + 1) {
            case 0x2F: return try endTag()
            case 0x3F: try skip(2, to: "?>")
            case 0x21:
                if let text = try declaration() { return .text(text) }
            default: return try startTag()
            }
        }
    }

    // MARK: Text

    /// Text up to the next markup, which is there; nil when it is white space.
    private mutating func nextText() throws(Fault) -> Text? {
        let start = position
        var hasEntities = false
        var end = bytes.end(0x3C, 0x26, from: start)
        if bytes.peek(end) == 0x26 {
            hasEntities = true
            end = bytes.end(0x3C, 0x3C, from: end)
        }
        let isBlank = bytes.endOfSpace(from: start) >= end
        guard isBlank || depth > 0 else { throw .malformed(at: bytes.endOfSpace(from: start)) }
        guard end < bytes.byteCount else { throw .truncated(at: bytes.byteCount) }
        position = end
        return isBlank ? nil : Text(extent: Extent(from: start, to: end), hasEntities: hasEntities)
    }

    /// What begins with `<!`: a CDATA section's text, or nil for what is passed over.
    private mutating func declaration() throws(Fault) -> Text? {
        if bytes.hasBytes("<!--", at: position) {
            try skip(4, to: "-->")
        } else if depth > 0, bytes.hasBytes("<![CDATA[", at: position) {
            let start = position + 9
            try skip(9, to: "]]>")
            let end = position - 3
            return end > start ? Text(extent: Extent(from: start, to: end), hasEntities: false) : nil
        } else if elements == 0, bytes.hasBytes("<!DOCTYPE", at: position) {
            try skipDoctype()
        } else {
            throw bytes.byteCount - position < 9 ? .truncated(at: bytes.byteCount) : .malformed(at: position)
        }
        return nil
    }

    /// Moves behind `end`, which follows the `length` bytes here.
    private mutating func skip(_ length: Int, to end: StaticString) throws(Fault) {
        guard let found = bytes.firstRange(of: end, from: position + length) else {
            throw .truncated(at: bytes.byteCount)
        }
        position = found + end.utf8CodeUnitCount
    }

    /// Passes over a document type, its internal subset too: nothing of it is read.
    private mutating func skipDoctype() throws(Fault) {
        position += 9
        var isInSubset = false
        while let byte = bytes.byte(at: position) {
            switch byte {
            case 0x22, 0x27:
                guard let close = bytes.firstIndex(of: byte, from: position + 1) else {
                    throw .truncated(at: bytes.byteCount)
                }
                position = close + 1
            case 0x3C where bytes.hasBytes("<!--", at: position): try skip(4, to: "-->")
            case 0x3C where bytes.hasBytes("<?", at: position): try skip(2, to: "?>")
            case 0x5B:
                guard !isInSubset else { throw .malformed(at: position) }
                isInSubset = true
                position += 1
            case 0x5D:
                isInSubset = false
                position += 1
            case 0x3E where !isInSubset:
                position += 1
                return
            default: position += 1
            }
        }
        throw .truncated(at: bytes.byteCount)
    }

    // MARK: Tags

    private mutating func startTag() throws(Fault) -> Token {
        let name = try name(from: position + 1)
        guard depth < EventXML.maximumDepth else { throw .tooDeep(at: position) }
        guard elements < EventXML.maximumElements else { throw .tooManyElements(at: position) }
        elements += 1
        open[depth] = name
        depth += 1
        isInTag = true
        position = Int(name.end)
        return .start(name: name)
    }

    private mutating func nextInTag() throws(Fault) -> Token? {
        let start = bytes.endOfSpace(from: position)
        switch bytes.peek(start) {
        case 0x3E:
            position = start + 1
            isInTag = false
            return try next()
        case 0x2F:
            guard bytes.peek(start + 1) == 0x3E else { throw fault(at: start + 1) }
            position = start + 2
            isInTag = false
            depth -= 1
            return .end(name: open[depth])
        default: return try attribute(from: start)
        }
    }

    private mutating func attribute(from start: Int) throws(Fault) -> Token {
        let name = try name(from: start)
        let equals = bytes.endOfSpace(from: Int(name.end))
        guard bytes.peek(equals) == 0x3D else { throw fault(at: equals) }
        let quote = bytes.endOfSpace(from: equals + 1)
        guard let mark = bytes.byte(at: quote), mark == 0x22 || mark == 0x27 else { throw fault(at: quote) }
        guard attributes < EventXML.maximumAttributes else { throw .tooManyAttributes(at: start) }
        attributes += 1
        var close = bytes.end(mark, 0x26, from: quote + 1)
        var hasEntities = false
        if bytes.peek(close) == 0x26 {
            hasEntities = true
            close = bytes.end(mark, mark, from: close)
        }
        guard close < bytes.byteCount else { throw .truncated(at: bytes.byteCount) }
        position = close + 1
        return .attribute(
            name: name, value: Text(extent: Extent(from: quote + 1, to: close), hasEntities: hasEntities))
    }

    private mutating func endTag() throws(Fault) -> Token {
        // Mostly it is the tag that it has to be, with nothing behind the name.
        if depth > 0 {
            let expected = open[depth - 1]
            let end = position + 2 + Int(expected.length)
            if bytes.peek(end) == 0x3E, bytes.part(position + 2, Int(expected.length)).equals(bytes.part(expected)) {
                position = end + 1
                depth -= 1
                return .end(name: expected)
            }
        }
        let name = try name(from: position + 2)
        let close = bytes.endOfSpace(from: Int(name.end))
        guard bytes.peek(close) == 0x3E else { throw fault(at: close) }
        guard depth > 0, bytes.part(open[depth - 1]).equals(bytes.part(name)) else {
            throw .mismatched(at: position)
        }
        position = close + 1
        depth -= 1
        return .end(name: open[depth])
    }

    /// A name: bytes up to white space or a sign of markup.
    private mutating func name(from start: Int) throws(Fault) -> Extent {
        var end = start
        while let byte = bytes.byte(at: end), !byte.endsName { end += 1 }
        guard end > start, end < bytes.byteCount else { throw fault(at: end) }
        return Extent(from: start, to: end)
    }

    private mutating func fault(at offset: Int) -> Fault {
        offset < bytes.byteCount ? .malformed(at: offset) : .truncated(at: bytes.byteCount)
    }
}

extension UInt8 {
    /// White space and what begins or ends markup: up to blank, and of those up to `?` the bits for `"&'/<=>`.
    fileprivate var endsName: Bool {
        self < 0x40 && (self <= 0x20 || (0x7000_80C4_0000_0000 as UInt64) & 1 &<< UInt64(self) != 0)
    }
}

extension RawSpan {
    /// The offset of the first byte at or after `start` that is no white space of XML.
    fileprivate func endOfSpace(from start: Int) -> Int {
        var position = start
        while let byte = byte(at: position), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            position += 1
        }
        return position
    }
}
