// SPDX-License-Identifier: Apache-2.0
internal import CLinux
public import Wire

/// What is wrong with a JSON text.
public enum JSONError: Error, Equatable, Sendable {
    /// A byte that RFC 8259 does not allow here.
    case unexpected(at: Int)
    /// The text ends inside a value.
    case truncated
    /// More levels than ``JSONTape/depthLimit``.
    case tooDeep(at: Int)
    /// More values than ``JSONTape/valueLimit``.
    case tooMany(at: Int)
    /// A number of more than ``JSONTape/numberLimit`` characters.
    case tooLong(at: Int)
}

/// A JSON text as a flat list of values in the order of reading (RFC 8259), without a copy of any of them.
///
/// The tape is reused: `parse` replaces its content and keeps its memory, so a line costs no allocation.
public struct JSONTape: Sendable {
    /// The most levels of nesting.
    public static let depthLimit = 64
    /// The most values in one text.
    public static let valueLimit = 200_000
    /// The most characters of one number (RFC 8259 section 6 lets a reader set a limit): they are copied as written, and
    /// those who read the copy give up on longer ones.
    public static let numberLimit = 1_000

    /// The kind of a value.
    public enum Kind: UInt8, Sendable {
        /// `{…}`; its members follow.
        case object
        /// `[…]`; its elements follow.
        case array
        /// A string; the extent is its inside, escapes as written.
        case string
        /// A number, as written.
        case number
        /// `true`.
        case yes
        /// `false`.
        case no
        /// `null`.
        case null
    }

    /// One value.
    public struct Value: Sendable {
        /// Its kind.
        public var kind: Kind
        /// Whether its string has escapes.
        public var isEscaped: Bool
        /// Whether its key has escapes.
        public var isKeyEscaped: Bool
        /// Its bytes: of objects and arrays with the brackets, of strings without the quotes.
        public var extent: Extent
        /// Its key's bytes without the quotes; empty in arrays and at the root.
        public var key: Extent
        /// The number of the first value behind it and all that it holds.
        public var next: Int32
    }

    /// The values; number 0 is the root.
    public private(set) var values: [Value] = []

    /// An empty tape.
    public init() {}

    /// An empty tape with room for the values of a usual event of so many bytes.
    init(bytes: Int) { values.reserveCapacity(min(256, bytes / 16)) }

    /// Replaces the content by the one value that `bytes` are, blanks around it allowed.
    public mutating func parse(_ bytes: RawSpan) throws(JSONError) {
        values.removeAll(keepingCapacity: true)
        var position = try value(bytes, JSONTape.blank(bytes, 0), key: .empty, escapedKey: false, depth: 0)
        position = JSONTape.blank(bytes, position)
        if position < bytes.byteCount { throw .unexpected(at: position) }
    }

    private static func blank(_ bytes: RawSpan, _ start: Int) -> Int {
        var position = start
        while let byte = bytes.byte(at: position), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            position += 1
        }
        return position
    }

    /// The end of a string's inside from its first byte, and whether it has escapes.
    private static func string(_ bytes: RawSpan, _ start: Int) throws(JSONError) -> (end: Int, escaped: Bool) {
        var position = start
        var escaped = false
        while true {
            // Sixteen bytes at a time to the next that may be something else than itself.
            while position &+ 16 <= bytes.byteCount {
                let odd = penstock_block_odd(
                    unsafe bytes.unsafeLoadUnaligned(fromByteOffset: position, as: SIMD16<UInt8>.self))
                position &+= odd == 0 ? 16 : odd.trailingZeroBitCount
                if odd != 0 { break }
            }
            guard let byte = bytes.byte(at: position) else { throw .truncated }
            if byte == 0x22 { return (position, escaped) }
            if byte == 0x5C {
                escaped = true
                position += try escape(bytes, position)
            } else if byte < 0x20 {
                throw .unexpected(at: position)
            } else {
                position += 1
            }
        }
    }

    /// The length of the escape at `start` (RFC 8259 section 7): strings are copied as written, so a bad one must not pass.
    private static func escape(_ bytes: RawSpan, _ start: Int) throws(JSONError) -> Int {
        switch bytes.byte(at: start + 1) {
        case nil: throw .truncated
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: return 2
        case 0x75:
            for index in start + 2..<start + 6 {
                switch bytes.byte(at: index) {
                case nil: throw .truncated
                case let digit? where digit >= 0x30 && digit <= 0x39: break
                case let digit? where digit | 0x20 >= 0x61 && digit | 0x20 <= 0x66: break
                default: throw .unexpected(at: index)
                }
            }
            return 6
        default: throw .unexpected(at: start + 1)
        }
    }

    private mutating func value(
        _ bytes: RawSpan, _ start: Int, key: Extent, escapedKey: Bool, depth: Int
    ) throws(JSONError) -> Int {
        guard let first = bytes.byte(at: start) else { throw .truncated }
        guard depth < JSONTape.depthLimit else { throw .tooDeep(at: start) }
        guard values.count < JSONTape.valueLimit else { throw .tooMany(at: start) }
        let number = values.count
        values.append(
            Value(
                kind: .null, isEscaped: false, isKeyEscaped: escapedKey, extent: .empty, key: key,
                next: Int32(number + 1)))
        var end = start
        switch first {
        case 0x7B, 0x5B:
            let isObject = first == 0x7B
            let close: UInt8 = isObject ? 0x7D : 0x5D
            values[number].kind = isObject ? .object : .array
            var position = JSONTape.blank(bytes, start + 1)
            if bytes.byte(at: position) == close {
                end = position + 1
            } else {
                while true {
                    var memberKey = Extent.empty
                    var memberEscaped = false
                    if isObject {
                        guard let quote = bytes.byte(at: position) else { throw .truncated }
                        guard quote == 0x22 else { throw .unexpected(at: position) }
                        let inside = try JSONTape.string(bytes, position + 1)
                        memberKey = Extent(position + 1..<inside.end)
                        memberEscaped = inside.escaped
                        position = JSONTape.blank(bytes, inside.end + 1)
                        guard let colon = bytes.byte(at: position) else { throw .truncated }
                        guard colon == 0x3A else { throw .unexpected(at: position) }
                        position = JSONTape.blank(bytes, position + 1)
                    }
                    position = try value(bytes, position, key: memberKey, escapedKey: memberEscaped, depth: depth + 1)
                    position = JSONTape.blank(bytes, position)
                    guard let separator = bytes.byte(at: position) else { throw .truncated }
                    if separator == close {
                        end = position + 1
                        break
                    }
                    guard separator == 0x2C else { throw .unexpected(at: position) }
                    position = JSONTape.blank(bytes, position + 1)
                }
            }
            values[number].next = Int32(values.count)
            values[number].extent = Extent(start..<end)
        case 0x22:
            let inside = try JSONTape.string(bytes, start + 1)
            values[number].kind = .string
            values[number].isEscaped = inside.escaped
            values[number].extent = Extent(start + 1..<inside.end)
            end = inside.end + 1
        case 0x74:
            guard bytes.hasBytes("true", at: start) else { throw .unexpected(at: start) }
            values[number].kind = .yes
            end = start + 4
            values[number].extent = Extent(start..<end)
        case 0x66:
            guard bytes.hasBytes("false", at: start) else { throw .unexpected(at: start) }
            values[number].kind = .no
            end = start + 5
            values[number].extent = Extent(start..<end)
        case 0x6E:
            guard bytes.hasBytes("null", at: start) else { throw .unexpected(at: start) }
            end = start + 4
            values[number].extent = Extent(start..<end)
        default:
            end = try JSONTape.number(bytes, start)
            guard end - start <= JSONTape.numberLimit else { throw .tooLong(at: start) }
            values[number].kind = .number
            values[number].extent = Extent(start..<end)
        }
        return end
    }

    private static func number(_ bytes: RawSpan, _ start: Int) throws(JSONError) -> Int {
        func digits(_ from: Int) -> Int {
            var position = from
            while let byte = bytes.byte(at: position), byte >= 0x30, byte <= 0x39 { position += 1 }
            return position
        }
        var position = bytes.byte(at: start) == 0x2D ? start + 1 : start
        let whole = digits(position)
        guard whole > position, whole == position + 1 || bytes.byte(at: position) != 0x30 else {
            throw .unexpected(at: position)
        }
        position = whole
        if bytes.byte(at: position) == 0x2E {
            let fraction = digits(position + 1)
            guard fraction > position + 1 else { throw .unexpected(at: fraction) }
            position = fraction
        }
        if let e = bytes.byte(at: position), e == 0x65 || e == 0x45 {
            var from = position + 1
            if let sign = bytes.byte(at: from), sign == 0x2B || sign == 0x2D { from += 1 }
            let exponent = digits(from)
            guard exponent > from else { throw .unexpected(at: exponent) }
            position = exponent
        }
        return position
    }

    /// The number of the member `key` of object number `object`, or nil; escaped keys are compared as written.
    public func member(_ key: String, of object: Int, in bytes: RawSpan) -> Int? {
        guard object < values.count, values[object].kind == .object else { return nil }
        var index = object + 1
        while index < Int(values[object].next) {
            if bytes.part(values[index].key).equals(key) { return index }
            index = Int(values[index].next)
        }
        return nil
    }

    /// The text of a string (unescaped) or of a number, truth value or null (as written).
    public func text(_ index: Int, in bytes: RawSpan) -> String {
        let value = values[index]
        guard value.kind == .string, value.isEscaped else { return bytes.part(value.extent).text }
        var slab = Slab(capacity: Int(value.extent.length))
        JSONText.appendUnescaped(bytes.part(value.extent), to: &slab)
        return slab.bytes.text
    }

    /// The key of a value, unescaped.
    public func key(_ index: Int, in bytes: RawSpan) -> String {
        let value = values[index]
        guard value.isKeyEscaped else { return bytes.part(value.key).text }
        var slab = Slab(capacity: Int(value.key.length))
        JSONText.appendUnescaped(bytes.part(value.key), to: &slab)
        return slab.bytes.text
    }
}
