// SPDX-License-Identifier: Apache-2.0

/// Changes values of a YAML text and leaves all else, byte for byte, as its author wrote it: comments, order, quotes.
///
/// What a change means is worked out twice, on the tree of the document and on its text. ``finish()`` reads the new text
/// and gives it only when both are the same, so a text that this type does not understand is never spoilt.
public struct TextEditor {
    private let bytes: [UInt8]
    private let file: String
    private let documents: [Element]
    /// Where lines begin.
    private let lines: [Int]
    private let lineBreak: String
    private var edits: [(range: Range<Int>, text: String)] = []
    private var changed: [ObjectIdentifier: Tree] = [:]

    /// An editor of `text`; nil when it is no YAML.
    public init?(_ text: String, file: String) {
        let complaints = Complaints()
        let documents = Element.documents(text, file: file, complaints: complaints)
        guard complaints.all.isEmpty else { return nil }
        self.documents = documents
        self.file = file
        bytes = Array(text.utf8)
        lines = TextEditor.lines(bytes)
        lineBreak = text.utf8.contains(0x0D) && text.contains("\r\n") ? "\r\n" : "\n"
    }

    /// The element of this text that is the same as one that was read from an equal text, or nil.
    public func find(_ element: Element) -> Element? {
        for document in documents {
            if let tree = document.tree.find(element.tree) { return Element(tree, document.document) }
        }
        return nil
    }

    /// Replaces a scalar by `value`, nil by `null`, in the scalar's own notation where that can hold it.
    ///
    /// - Returns: false when the text is not as simple as that: an anchor, an alias, a text over several lines.
    public mutating func replace(_ element: Element, with value: String?) -> Bool {
        guard case .scalar(_, let style) = element.tree.content, style != .block, let range = scalar(element.tree)
        else { return false }
        var text = YAMLText.scalar(value, like: style)
        if range.isEmpty { text = " " + text }
        // A text in quotes is never `null`.
        let tree = Tree(.scalar(value ?? "null", value == nil ? .plain : .doubleQuoted))
        return change(element.tree, to: tree, range, text)
    }

    /// Gives the mapping `element` a member `name` that is a mapping of texts, behind its member `neighbour`. An empty
    /// member of that name is filled.
    ///
    /// - Returns: false when the text is not as simple as that.
    public mutating func insert(
        _ name: String, _ members: [(key: String, value: String?)], into element: Element, behind neighbour: String
    ) -> Bool {
        guard !members.isEmpty else { return false }
        let flow = TextEditor.flow(members)
        return insert(
            name, TextEditor.tree(members), into: element, behind: neighbour, flow: "{\(flow)}", filling: flow
        ) { indent, lineBreak in
            members.map { "\(lineBreak)\(indent)  \(TextEditor.member($0))" }.joined()
        }
    }

    /// Gives the mapping `element` a member `name` that is a list of mappings of texts, likewise.
    public mutating func insert(
        _ name: String, list: [[(key: String, value: String?)]], into element: Element, behind neighbour: String
    ) -> Bool {
        guard !list.isEmpty, list.allSatisfy({ !$0.isEmpty }) else { return false }
        let flow = "[" + list.map { "{\(TextEditor.flow($0))}" }.joined(separator: ", ") + "]"
        return insert(
            name, Tree(.sequence(list.map(TextEditor.tree))), into: element, behind: neighbour, flow: flow, filling: nil
        ) { indent, lineBreak in
            list.flatMap { members in
                members.enumerated().map {
                    "\(lineBreak)\(indent)  \($0.offset == 0 ? "- " : "  ")\(TextEditor.member($0.element))"
                }
            }.joined()
        }
    }

    private static func tree(_ members: [(key: String, value: String?)]) -> Tree {
        Tree(
            .mapping(
                members.map {
                    (
                        Tree(.scalar($0.key, .plain)),
                        Tree(.scalar($0.value ?? "null", $0.value == nil ? .plain : .block))
                    )
                }))
    }

    private static func member(_ member: (key: String, value: String?)) -> String {
        "\(YAMLText.scalar(member.key)): \(YAMLText.scalar(member.value))"
    }

    private static func flow(_ members: [(key: String, value: String?)]) -> String {
        members.map(member).joined(separator: ", ")
    }

    /// Gives the mapping `element` a member: `flow` is its text on one line, `filling` what goes between the brackets of a
    /// mapping that is there and empty, and `block` makes its lines with their indent and the line break.
    private mutating func insert(
        _ name: String, _ inside: Tree, into element: Element, behind neighbour: String, flow: String, filling: String?,
        block makeBlock: (String, String) -> String
    ) -> Bool {
        guard case .mapping(let old) = element.tree.content,
            let behind = old.first(where: { $0.key.text == neighbour }), let begin = offset(element.tree),
            let key = offset(behind.key), let end = scalar(behind.value)
        else { return false }
        let isFlow = bytes[begin] == 0x7B
        let indent = String(repeating: " ", count: key - (lines.last { $0 <= key } ?? 0))
        let block = makeBlock(indent, lineBreak)
        if let present = old.first(where: { $0.key.text == name }) {
            guard let place = offset(present.value) else { return false }
            switch present.value.content {
            case .mapping(let members) where members.isEmpty && byte(place) == 0x7B:
                guard let filling else { return false }
                return change(present.value, to: inside, place + 1..<place + 1, filling)
            case .scalar(let text, .plain) where ["", "~", "null"].contains(text):
                let range = place..<place + text.utf8.count
                return change(present.value, to: inside, range, isFlow ? " \(flow)" : block)
            default: return false
            }
        }
        let tree = Tree(
            .mapping(old.flatMap { $0.key === behind.key ? [$0, (Tree(.scalar(name, .plain)), inside)] : [$0] }))
        if isFlow { return change(element.tree, to: tree, end.upperBound..<end.upperBound, ", \(name): \(flow)") }
        // Behind the line, with what is remarked there.
        var place = end.upperBound
        if case .scalar(_, .block) = behind.value.content {
        } else {
            while place < bytes.count, bytes[place] != 0x0A, bytes[place] != 0x0D { place += 1 }
        }
        return change(element.tree, to: tree, place..<place, "\(lineBreak)\(indent)\(name):\(block)")
    }

    private mutating func change(_ tree: Tree, to new: Tree, _ range: Range<Int>, _ text: String) -> Bool {
        guard changed[ObjectIdentifier(tree)] == nil else { return false }
        changed[ObjectIdentifier(tree)] = new
        edits.append((range, text))
        return true
    }

    /// The text with all changes; nil when it does not say what was asked for.
    public func finish() -> String? {
        var result: [UInt8] = []
        var position = 0
        for edit in edits.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            guard edit.range.lowerBound >= position else { return nil }
            result += bytes[position..<edit.range.lowerBound]
            result += Array(edit.text.utf8)
            position = edit.range.upperBound
        }
        result += bytes[position...]
        guard let text = String(validating: result, as: UTF8.self) else { return nil }
        let complaints = Complaints()
        let read = Element.documents(text, file: file, complaints: complaints)
        guard complaints.all.isEmpty, read.count == documents.count else { return nil }
        for (new, old) in zip(read, documents) where !new.tree.says(old.tree.replacing(changed)) { return nil }
        return text
    }

    // MARK: Places

    /// Where lines begin, by the line breaks that YAML 1.1 knows.
    private static func lines(_ bytes: [UInt8]) -> [Int] {
        var starts = [0]
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case 0x0D where index + 1 < bytes.count && bytes[index + 1] == 0x0A: index += 2
            case 0x0D, 0x0A: index += 1
            case 0xC2 where index + 1 < bytes.count && bytes[index + 1] == 0x85: index += 2
            case 0xE2 where index + 2 < bytes.count && bytes[index + 1] == 0x80 && bytes[index + 2] & 0xFE == 0xA8:
                index += 3
            default:
                index += 1
                continue
            }
            starts.append(index)
        }
        return starts
    }

    private func byte(_ place: Int) -> UInt8? { place < bytes.count ? bytes[place] : nil }

    /// Where a node begins; the parser counts columns in characters.
    private func offset(_ tree: Tree) -> Int? {
        guard tree.line > 0, tree.line <= lines.count else { return nil }
        var place = lines[tree.line - 1]
        var left = tree.column - 1
        while left > 0, place < bytes.count {
            place += 1
            while place < bytes.count, bytes[place] & 0xC0 == 0x80 { place += 1 }
            left -= 1
        }
        return left == 0 ? place : nil
    }

    /// The bytes of a scalar, or nil when they are not where its notation says.
    private func scalar(_ tree: Tree) -> Range<Int>? {
        guard case .scalar(let text, let style) = tree.content, let start = offset(tree) else { return nil }
        switch style {
        case .plain:
            // What goes over several lines is not written as it is read.
            guard bytes[start...].starts(with: text.utf8) else { return nil }
            return start..<start + text.utf8.count
        case .singleQuoted, .doubleQuoted:
            let quote: UInt8 = style == .singleQuoted ? 0x27 : 0x22
            guard byte(start) == quote else { return nil }
            var place = start + 1
            while let next = byte(place) {
                if next == quote, style == .doubleQuoted || byte(place + 1) != quote { return start..<place + 1 }
                place += next == quote || style == .doubleQuoted && next == 0x5C ? 2 : 1
            }
            return nil
        case .block: return block(start)
        }
    }

    /// A text in the notation of `|` and `>`, up to the end of its last line that is not empty.
    private func block(_ start: Int) -> Range<Int>? {
        guard byte(start) == 0x7C || byte(start) == 0x3E else { return nil }
        var indent: Int?
        var end: Int?
        for line in lines where line > start {
            let rest = bytes[line...].prefix { $0 != 0x0A && $0 != 0x0D }
            let blanks = rest.prefix { $0 == 0x20 }.count
            if blanks == rest.count { continue }
            if blanks < indent ?? 1 { break }
            indent = indent ?? blanks
            end = line + rest.count
        }
        return end.map { start..<$0 }
    }
}

extension Tree {
    fileprivate var text: String? {
        if case .scalar(let text, _) = content { text } else { nil }
    }

    /// The node here that stands at the same place as `other` and says the same.
    fileprivate func find(_ other: Tree) -> Tree? {
        if line == other.line, column == other.column, says(other) { return self }
        switch content {
        case .scalar: return nil
        case .sequence(let items): return items.lazy.compactMap { $0.find(other) }.first
        case .mapping(let members): return members.lazy.compactMap { $0.value.find(other) }.first
        }
    }

    /// The tree with some of its nodes replaced.
    fileprivate func replacing(_ changed: [ObjectIdentifier: Tree]) -> Tree {
        if let new = changed[ObjectIdentifier(self)] { return new.replacing(changed) }
        switch content {
        case .scalar: return self
        case .sequence(let items): return Tree(.sequence(items.map { $0.replacing(changed) }))
        case .mapping(let members):
            return Tree(.mapping(members.map { ($0.key.replacing(changed), $0.value.replacing(changed)) }))
        }
    }

    /// Whether two trees say the same: places and notations do not count, but a plain `null` is no text.
    fileprivate func says(_ other: Tree) -> Bool {
        switch (content, other.content) {
        case (.scalar(let text, let style), .scalar(let otherText, let otherStyle)):
            let nulls = ["", "~", "null", "Null", "NULL"]
            let isNull = style == .plain && nulls.contains(text)
            return isNull == (otherStyle == .plain && nulls.contains(otherText)) && (isNull || text == otherText)
        case (.sequence(let items), .sequence(let others)):
            return items.count == others.count && zip(items, others).allSatisfy { $0.says($1) }
        case (.mapping(let members), .mapping(let others)):
            return members.count == others.count
                && zip(members, others).allSatisfy { $0.key.says($1.key) && $0.value.says($1.value) }
        default: return false
        }
    }
}

/// How texts are written in YAML.
enum YAMLText {
    /// `value` (nil: `null`) as a scalar, in the notation `style` where that can hold it.
    static func scalar(_ value: String?, like style: Tree.Style = .plain) -> String {
        guard let value else { return "null" }
        if style == .plain, isPlain(value) { return value }
        let isPrintable = value.unicodeScalars.allSatisfy {
            ($0.value >= 0x20 && $0.value < 0x7F) || ($0.value >= 0xA0 && ![0x2028, 0x2029, 0xFEFF].contains($0.value))
        }
        if style != .doubleQuoted, isPrintable { return "'\(value.replacing("'", with: "''"))'" }
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"", "\\": text += "\\\(scalar)"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{20}"..."\u{7E}", "\u{A0}"..."\u{2027}", "\u{202A}"..."\u{D7FF}", "\u{E000}"..."\u{FEFE}",
                "\u{FF00}"..."\u{FFFD}", "\u{10000}"...:
                text.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return text + "\""
    }

    /// Whether a text can stand without quotes everywhere; what is in doubt gets them.
    private static func isPlain(_ value: String) -> Bool {
        guard !["null", "Null", "NULL"].contains(value), let last = value.utf8.last, last != 0x20 else { return false }
        for (index, byte) in value.utf8.enumerated() {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: break
            case 0x2E, 0x2F: break
            case 0x2D where index > 0 || value.utf8.count > 1 && Int(value) != nil: break
            case 0x20, 0x2B,
                0x40 where index > 0:
                break
            default: return false
            }
        }
        return true
    }
}
