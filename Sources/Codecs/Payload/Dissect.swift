// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Lines cut at fixed text, as Logstash's dissect filter does: no regular expression, one search for each field.
public enum Dissect {
    /// What is wrong with a pattern, and where in it.
    public struct Problem: Error, Equatable, Sendable, CustomStringConvertible {
        /// What is wrong.
        public var reason: Reason
        /// The offset in the pattern's UTF-8.
        public var offset: Int

        /// The kinds of mistake.
        public enum Reason: Equatable, Sendable {
            /// There is no field in the pattern.
            case noField
            /// A `%{` without its `}`.
            case unclosedField
            /// A character that no field name has.
            case badName
            /// A name that another field has.
            case repeatedName
            /// Two fields without text between them: nobody knows where the first one ends.
            case adjacentFields
            /// `%{+name}` (append), `%{&name}` and `%{*name}` (names from the line): mappings have other means.
            case unsupportedModifier
            /// More than `Pattern.maximumFields` fields.
            case tooManyFields
        }

        /// One line for people.
        public var description: String {
            let text =
                switch reason {
                case .noField: "a dissect pattern needs a field: %{name}"
                case .unclosedField: "'%{' without '}'"
                case .badName: "field names have letters, digits and _ - . @ [ ] only"
                case .repeatedName: "the field name is used twice"
                case .adjacentFields: "two fields need text between them"
                case .unsupportedModifier: "the modifiers + & * are not supported"
                case .tooManyFields: "more than \(Pattern.maximumFields) fields"
                }
            return "offset \(offset): \(text)"
        }
    }

    /// A pattern of literal text and fields, compiled once.
    ///
    /// `%{name}` takes what stands before the next literal text, the last field the rest of the line. `%{}` and
    /// `%{?name}` take it and keep nothing; `%{name->}` passes over the literal text behind the field as often
    /// as it is repeated. Text before the first field must begin the line; what stands behind text at the pattern's end
    /// is not looked at.
    public struct Pattern: Sendable {
        /// How many fields a pattern may have.
        public static let maximumFields = 256

        /// The names of the fields that are kept; a field's number is its index.
        public let names: [String]

        /// A field, and the literal text behind it.
        struct Step {
            /// Its number, or -1 when it is not kept.
            var field: Int
            /// Where its text stands in `literals`; empty for the last field of a pattern that ends with one.
            var literal: Extent
            /// Whether repetitions of the text are passed over.
            var isPadded: Bool
        }

        private let literals: [UInt8]
        private let steps: [Step]
        private let prefix: Extent

        /// Compiles `text`.
        public init(_ text: String) throws(Problem) {
            let source = Array(text.utf8)
            let bytes = unsafe source.span.bytes
            var names: [String] = []
            var literals: [UInt8] = []
            var steps: [Step] = []
            var prefix = Extent.empty
            var position = 0
            while true {
                let open = bytes.firstRange(of: "%{", from: position)
                let literal = Extent(
                    from: literals.count, to: literals.count + (open ?? bytes.byteCount) - position)
                literals += source[position..<(open ?? source.count)]
                if steps.isEmpty { prefix = literal } else { steps[steps.count - 1].literal = literal }
                guard let open else { break }
                if !steps.isEmpty, literal.isEmpty { throw Problem(reason: .adjacentFields, offset: open) }
                if steps.count == Pattern.maximumFields { throw Problem(reason: .tooManyFields, offset: open) }
                guard let close = bytes.firstIndex(of: 0x7D, from: open + 2) else {
                    throw Problem(reason: .unclosedField, offset: open)
                }
                let (name, isPadded) = try Pattern.field(bytes.part(open + 2, close - open - 2), at: open + 2)
                if let name {
                    if names.contains(name) { throw Problem(reason: .repeatedName, offset: open + 2) }
                    names.append(name)
                }
                steps.append(Step(field: name == nil ? -1 : names.count - 1, literal: .empty, isPadded: isPadded))
                position = close + 1
            }
            guard !steps.isEmpty else { throw Problem(reason: .noField, offset: 0) }
            self.names = names
            self.literals = literals
            self.steps = steps
            self.prefix = prefix
        }

        /// The name in a field's braces, nil when it is not to be kept, and whether `->` follows it.
        private static func field(_ text: RawSpan, at offset: Int) throws(Problem) -> (name: String?, isPadded: Bool) {
            let isPadded = text.byteCount >= 2 && text.hasBytes("->", at: text.byteCount - 2)
            let end = text.byteCount - (isPadded ? 2 : 0)
            var start = 0
            switch text.byte(at: 0) {
            case 0x2B, 0x26, 0x2A: throw Problem(reason: .unsupportedModifier, offset: offset)
            case 0x3F: start = 1
            default: break
            }
            for index in start..<max(start, end) {
                guard let byte = text.byte(at: index), byte.isLetterOrDigit || isNameSign(byte) else {
                    throw Problem(reason: .badName, offset: offset + index)
                }
            }
            return (start == 1 || end == 0 ? nil : text.part(0, end).text, isPadded)
        }

        private static func isNameSign(_ byte: UInt8) -> Bool {
            switch byte {
            case 0x5F, 0x2D, 0x2E, 0x40, 0x5B, 0x5D: true
            default: false
            }
        }

        /// Cuts one part of `bytes`; `fields` gets an extent for each name, relative to `bytes`.
        ///
        /// - Returns: false when literal text is missing; `fields` is of no use then.
        public func match(_ bytes: RawSpan, _ part: Extent, into fields: inout [Extent]) -> Bool {
            let count = names.count
            if fields.count > count { fields.removeLast(fields.count - count) }
            while fields.count < count { fields.append(.empty) }
            let bytes = bytes.part(0, Int(part.end))
            let literals = unsafe literals.span.bytes
            var position = min(Int(part.offset), bytes.byteCount)
            guard bytes.part(position, Int(prefix.length)).equals(literals.part(prefix)) else { return false }
            position += Int(prefix.length)
            for index in steps.indices {
                let step = steps[index]
                let literal = literals.part(step.literal)
                var end = bytes.byteCount
                if !literal.isEmpty {
                    guard let found = Pattern.first(literal, in: bytes, from: position) else { return false }
                    end = found
                }
                if step.field >= 0 { fields[step.field] = Extent(from: position, to: end) }
                position = end + literal.byteCount
                while step.isPadded, !literal.isEmpty, bytes.part(position, literal.byteCount).equals(literal) {
                    position += literal.byteCount
                }
            }
            return true
        }

        /// Cuts all of `bytes`.
        public func match(_ bytes: RawSpan, into fields: inout [Extent]) -> Bool {
            match(bytes, Extent(from: 0, to: bytes.byteCount), into: &fields)
        }

        /// Most literal texts are one byte.
        private static func first(_ literal: RawSpan, in bytes: RawSpan, from start: Int) -> Int? {
            guard literal.byteCount == 1, let byte = literal.byte(at: 0) else {
                return bytes.firstRange(of: literal, from: start)
            }
            return bytes.firstIndex(of: byte, from: start)
        }
    }
}
