// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Events

/// Reads the parts of a feed's mapping and complains about what cannot be meant.
struct FeedFormatParser {
    let grammar: FeedFormat.Grammar
    let dictionary: OCSFDictionary
    private var numbers: [String: Int] = [:]

    init(grammar: FeedFormat.Grammar, dictionary: OCSFDictionary) {
        self.grammar = grammar
        self.dictionary = dictionary
    }

    var keyCount: Int { numbers.count }

    /// The number of a key, the same at every call.
    private mutating func number(_ key: String) -> Int {
        if let known = numbers[key] { return known }
        numbers[key] = numbers.count
        return numbers.count - 1
    }

    /// The severity texts by `severity_id`.
    func severity(_ element: Element?) -> [Int: String] {
        var table: [Int: String] = [:]
        let words = ["Unknown", "Low", "Medium", "High", "Very-High"]
        for (key, value) in element?.members ?? [] {
            guard let id = key.scalar.flatMap({ Int($0) }), (0...99).contains(id) else {
                key.complain("a severity_id is a whole number from 0 to 99")
                continue
            }
            guard let text = value.string else { continue }
            let number = Int(text)
            let isFine =
                grammar == .cef
                ? number.map { (0...10).contains($0) } ?? words.contains(text)
                : number.map { (1...10).contains($0) } ?? false
            guard isFine else {
                value.complain(
                    grammar == .cef
                        ? "a CEF severity is 0 to 10, or one of \(words.joined(separator: ", "))" : "sev is 1 to 10")
                continue
            }
            table[id] = text
        }
        return table
    }

    /// One path or several, each of which the schema must have.
    func paths(_ element: Element, of eventClass: OCSFDictionary.EventClass?) -> [String] {
        var paths: [String] = []
        for item in element.isSequence ? element.items : [element] {
            guard let path = item.string else { continue }
            let root = String(path.prefix { $0 != "." })
            if root != "unmapped", dictionary.attribute(at: path) == nil {
                item.complain("the OCSF schema has no attribute '\(path)'")
                continue
            }
            if let eventClass, eventClass.shape.attributes[root] == nil {
                item.complain("class \(eventClass.shape.name) has no attribute '\(root)'")
                continue
            }
            paths.append(path)
        }
        return paths
    }

    /// The fields of a list.
    mutating func fields(_ element: Element, of eventClass: OCSFDictionary.EventClass?) -> [FeedFormat.Field] {
        if !element.isSequence { element.complain("fields must be a list") }
        var fields: [FeedFormat.Field] = []
        for item in element.items {
            item.allow(only: ["key", "from", "as", "limit", "label", "v6", "v6label", "map"])
            guard let key = item.required("key")?.string, let from = item.required("from") else { continue }
            check(key, item)
            var field = FeedFormat.Field(
                key: key, paths: paths(from, of: eventClass), form: .text, limit: .max, label: item["label"]?.string)
            field.number = number(key)
            if let form = item["as"] {
                if let known = form.scalar.flatMap({ FeedFormat.Form(rawValue: $0) }) {
                    field.form = known
                } else {
                    let all = FeedFormat.Form.allCases.map(\.rawValue).joined(separator: ", ")
                    form.complain("'as' is one of \(all)")
                }
            }
            if let limit = item["limit"]?.integer(in: 1...1_000_000) { field.limit = limit }
            field.v6Key = item["v6"]?.string
            field.v6Label = item["v6label"]?.string
            if let v6 = field.v6Key {
                check(v6, item, label: field.v6Label)
                if field.form != .address { item.complain("'v6' needs 'as: address'") }
            }
            if let map = item["map"] {
                var table: [String: String] = [:]
                for (key, value) in map.members { if let from = key.scalar, let to = value.string { table[from] = to } }
                field.map = table
            }
            check(key, item, label: field.label)
            fields.append(field)
        }
        return fields
    }

    private func check(_ key: String, _ item: Element) {
        let isWord =
            !key.isEmpty && key.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0 & 0xDF) }
        if !isWord { item.complain("the key '\(key)' must be letters and digits") }
        if grammar == .leef, key == "sev" || key == "devTimeFormat" {
            item.complain("'\(key)' is written by the formatter; give 'severity' instead")
        }
    }

    /// Custom fields mean nothing without their label.
    private func check(_ key: String, _ item: Element, label: String?) {
        guard grammar == .cef else {
            if label != nil { item.complain("LEEF keys have no labels") }
            return
        }
        let stem = String(key.prefix { !$0.isNumber })
        let isCustom =
            ["cs", "cn", "cfp", "flexString", "flexNumber", "flexDate", "deviceCustomDate"].contains(stem)
            || key.hasPrefix("c6a")
        if isCustom, label == nil { item.complain("'\(key)' needs a label") }
        if !isCustom, label != nil { item.complain("'\(key)' has no label in the dictionary") }
    }
}
