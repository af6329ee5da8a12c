// SPDX-License-Identifier: Apache-2.0
internal import Dispatch
internal import Synchronization
internal import Yams

/// A node of a YAML document with its place: a mapping, a sequence or a scalar.
///
/// Reading it never fails: what does not fit is complained about at its place, and the reader goes on with nil.
public struct Element {
    /// What all elements of a document share.
    final class Document {
        let root: Tree
        let file: String
        let complaints: Complaints

        init(_ root: Tree, file: String, complaints: Complaints) {
            self.root = root
            self.file = file
            self.complaints = complaints
        }
    }

    let tree: Tree
    let document: Document

    init(_ tree: Tree, _ document: Document) {
        self.tree = tree
        self.document = document
    }

    /// The file as the user named it.
    public var file: String { document.file }
    /// Where complaints go.
    public var complaints: Complaints { document.complaints }
    /// The path from the document's root, for messages; what an alias stands for has that of its anchor.
    public var path: String { document.root.path(to: tree) ?? "" }
    /// The same element, whose complaints nobody sees: for what is read a second time.
    public var quiet: Element {
        Element(tree, Document(document.root, file: document.file, complaints: Complaints()))
    }

    /// Parses all documents of a YAML text; a syntax error is one complaint and no documents.
    ///
    /// Aliases are resolved by the parser; a text of more than `limit` bytes is refused.
    public static func documents(_ text: String, file: String, complaints: Complaints, limit: Int = 8 << 20)
        -> [Element]
    {
        documents([(file, text)], complaints: complaints, limit: limit)[0]
    }

    /// Parses all documents of several YAML texts, as many at once as there are processors.
    public static func documents(
        _ files: [(name: String, text: String)], complaints: Complaints, limit: Int = 8 << 20
    ) -> [[Element]] {
        let parsed = Mutex<[Int: Parsed]>([:])
        DispatchQueue.concurrentPerform(iterations: files.count) { number in
            let found = parse(files[number].text, file: files[number].name, limit: limit)
            parsed.withLock { $0[number] = found }
        }
        let all = parsed.withLock { $0 }
        return files.indices.map { number in
            guard let found = all[number] else { return [] }
            if let fault = found.fault { complaints.add(fault) }
            return found.roots.map { Element($0, Document($0, file: files[number].name, complaints: complaints)) }
        }
    }

    /// What a text was parsed to: the roots of its documents, none when there is a fault.
    private struct Parsed: Sendable {
        var roots: [Tree] = []
        var fault: Complaint?
    }

    private static func parse(_ text: String, file: String, limit: Int) -> Parsed {
        guard text.utf8.count <= limit else {
            return Parsed(fault: Complaint(file: file, "the file is larger than \(limit) bytes"))
        }
        if let root = SimpleYAML.document(text) { return Parsed(roots: [root]) }
        do {
            // Without rules nothing is made a number or a date by regular expressions: elements look at the text themselves.
            // The sequence keeps an error instead of throwing it.
            var sequence = try Yams.compose_all(yaml: text, .basic)
            var roots: [Tree] = []
            while let node = sequence.next() {
                // Anchors are a document's own (YAML 1.2.2 section 3.2.2.2); those of another may stand at the same address.
                var anchored: Tree.Anchored = [:]
                roots.append(Tree.make(node, &anchored))
            }
            if let error = sequence.error { throw error }
            return Parsed(roots: roots)
        } catch let error as YamlError {
            switch error {
            case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
                .composer(_, let problem, let mark, _):
                return Parsed(
                    fault: Complaint(file: file, line: mark.line, column: mark.column, "YAML: \(problem)"))
            case .reader(let problem, let offset, let value, _):
                let place = place(of: offset ?? 0, in: text)
                let character = value > 0 ? " (U+" + hexadecimal(value) + ")" : ""
                return Parsed(
                    fault: Complaint(
                        file: file, line: place.line, column: place.column, "YAML: \(problem)\(character)"))
            case .duplicatedKeysInMapping(let duplicates, let context):
                let keys = duplicates.map { "\($0)" }.sorted().joined(separator: ", ")
                return Parsed(
                    fault: Complaint(
                        file: file, line: context.mark.line, column: context.mark.column,
                        "YAML: key given twice: \(keys)"))
            default: return Parsed(fault: Complaint(file: file, "YAML: \(error)"))
            }
        } catch {
            return Parsed(fault: Complaint(file: file, "YAML: \(error)"))
        }
    }

    /// Line and column, from 1, of a character in a text.
    private static func place(of offset: Int, in text: String) -> (line: Int, column: Int) {
        var (line, column) = (1, 1)
        for scalar in text.prefix(offset).unicodeScalars {
            (line, column) = scalar == "\n" ? (line + 1, 1) : (line, column + 1)
        }
        return (line, column)
    }

    private static func hexadecimal(_ value: Int32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    /// The line, from 1.
    public var line: Int { tree.line }
    /// The column, from 1.
    public var column: Int { tree.column }

    /// Complains about this element.
    public func complain(_ message: String, severity: Complaint.Severity = .error) {
        complaints.add(Complaint(file: file, line: line, column: column, message, severity: severity))
    }

    /// Whether it is a mapping.
    public var isMapping: Bool {
        if case .mapping = tree.content { true } else { false }
    }
    /// Whether it is a sequence.
    public var isSequence: Bool {
        if case .sequence = tree.content { true } else { false }
    }
    /// Whether it is a plain `null`, `~` or nothing.
    public var isNull: Bool {
        guard case .scalar(let text, .plain) = tree.content, text.utf8.count <= 4 else { return false }
        return text.isEmpty || text == "~" || text == "null" || text == "Null" || text == "NULL"
    }

    /// The members of a mapping in the order of writing, keys as elements; empty for anything else.
    public var members: [(key: Element, value: Element)] {
        guard case .mapping(let members) = tree.content else { return [] }
        return members.map { (Element($0.key, document), Element($0.value, document)) }
    }

    /// The members of a sequence; empty for anything else.
    public var items: [Element] {
        guard case .sequence(let items) = tree.content else { return [] }
        return items.map { Element($0, document) }
    }

    /// The member of that name, or nil; says nothing when it is missing.
    public subscript(key: String) -> Element? {
        guard case .mapping(let members) = tree.content else { return nil }
        for member in members {
            if case .scalar(let name, _) = member.key.content, name.utf8.count == key.utf8.count, name == key {
                return Element(member.value, document)
            }
        }
        return nil
    }

    /// The text of a scalar exactly as YAML reads it (quotes and escapes resolved), or nil for anything else.
    public var scalar: String? {
        if case .scalar(let text, _) = tree.content { text } else { nil }
    }

    /// Whether the scalar was written without quotes, so that `5` and `true` mean a number and a truth value.
    public var isPlain: Bool {
        if case .scalar(_, .plain) = tree.content { true } else { false }
    }

    /// Complains about every member whose name is not in `known`, naming the nearest known one.
    public func allow(only known: [String]) {
        guard isMapping else {
            complain("\(path.isEmpty ? "the document" : path) must be a mapping")
            return
        }
        guard case .mapping(let members) = tree.content else { return }
        for (key, _) in members {
            guard case .scalar(let name, _) = key.content else {
                Element(key, document).complain("a key must be text")
                continue
            }
            if !known.contains(where: { $0.utf8.count == name.utf8.count && $0 == name }) {
                let hint = Element.hint(name, among: known)
                Element(key, document).complain("unknown key '\(name)'\(hint)")
            }
        }
    }

    /// The scalar as text; complains about anything else.
    public var string: String? {
        if let scalar, !isNull { return scalar }
        complain("\(path) must be text")
        return nil
    }

    /// The scalar as a whole number within `range`; complains about anything else.
    public func integer(in range: ClosedRange<Int> = Int.min...Int.max) -> Int? {
        guard let scalar, let value = Int(scalar) ?? Int(scalar.replacing("_", with: "")) else {
            complain("\(path) must be a whole number")
            return nil
        }
        guard range.contains(value) else {
            complain("\(path) must lie between \(range.lowerBound) and \(range.upperBound)")
            return nil
        }
        return value
    }

    /// The scalar as a number; complains about anything else.
    public var double: Double? {
        guard let scalar, let value = Double(scalar), value.isFinite else {
            complain("\(path) must be a number")
            return nil
        }
        return value
    }

    /// The scalar as a truth value (`true` or `false`, YAML 1.2); complains about anything else.
    public var boolean: Bool? {
        switch scalar {
        case "true", "True", "TRUE": return true
        case "false", "False", "FALSE": return false
        default:
            complain("\(path) must be true or false")
            return nil
        }
    }

    /// A duration written as a number and `ms`, `s`, `m`, `h`, `d` or `w`, in milliseconds; complains about anything else.
    public var milliseconds: Int64? {
        let units: [(String, Int64)] = [
            ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000),
        ]
        if let scalar {
            for (suffix, factor) in units where scalar.hasSuffix(suffix) {
                if let value = Int64(scalar.dropLast(suffix.count)), value >= 0, value < 1 << 32 {
                    return value * factor
                }
            }
        }
        complain("\(path) must be a duration such as 500ms, 10s, 5m, 1h or 7d")
        return nil
    }

    /// A size in bytes, written as a number with an optional `KiB`, `MiB` or `GiB`; complains about anything else.
    public var byteCount: Int? {
        if let scalar {
            for (suffix, factor) in [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("", 1)]
            where scalar.hasSuffix(suffix) {
                let digits = String(scalar.dropLast(suffix.count).filter { $0 != " " })
                if let value = Int(digits), value >= 0, value <= (1 << 50) / factor { return value * factor }
            }
        }
        complain("\(path) must be a size such as 65536, 64KiB or 16MiB")
        return nil
    }

    /// One of the names in `choices`; complains about anything else.
    public func choice<Value>(of choices: KeyValuePairs<String, Value>) -> Value? {
        if let scalar, let found = choices.first(where: { $0.key == scalar }) { return found.value }
        complain("\(path) must be one of \(choices.map(\.key).joined(separator: ", "))")
        return nil
    }

    /// The texts of a sequence, or the one text of a scalar.
    public var strings: [String] {
        isSequence ? items.compactMap(\.string) : [string].compactMap { $0 }
    }

    /// The member of that name; complains when it is missing.
    public func required(_ key: String) -> Element? {
        if let found = self[key] { return found }
        complain("\(path.isEmpty ? "the document" : path) needs '\(key)'")
        return nil
    }

    /// ` (did you mean 'x'?)` with the one of `known` that is nearest to `name`; empty when none is near.
    public static func hint(_ name: String, among known: some Sequence<String>) -> String {
        let limit = max(1, name.utf8.count / 3)
        var best: (name: String, distance: Int)?
        for candidate in known where !candidate.isEmpty && abs(candidate.utf8.count - name.utf8.count) <= limit {
            let distance = distance(name, candidate)
            // Of several that are as near, the first by name: what is told has to be the same each time.
            guard distance <= limit, (distance, candidate) < (best?.distance ?? .max, best?.name ?? "") else {
                continue
            }
            best = (candidate, distance)
        }
        return best.map { " (did you mean '\($0.name)'?)" } ?? ""
    }

    /// The number of single-character edits between two names, two neighbours changed about being one (optimal string
    /// alignment), for suggestions.
    private static func distance(_ first: String, _ second: String) -> Int {
        let a = Array(first.utf8.prefix(64))
        let b = Array(second.utf8.prefix(64))
        var (before, last) = ([Int](), Array(0...b.count))
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var cost = min(row[j] + 1, last[j + 1] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
                row.append(cost)
            }
            (before, last) = (last, row)
        }
        return last[b.count]
    }
}
