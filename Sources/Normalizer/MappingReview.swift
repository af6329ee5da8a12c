// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Documents
internal import Events
internal import Patterns
internal import Wire

/// Looks in one mapping for what is written in vain: branches that no record reaches, and captures that no step makes.
/// All of it is told as warnings: the mapping works, but not as its author thinks.
struct MappingReview {
    private let root: Element
    /// Captures by name; conditions are compared by them.
    private var slots: SlotTree
    /// Texts that count as absent before events are chosen.
    private let absent: Set<String>
    /// What steps make so far, with the syslog header; nil as soon as a step makes what nobody can list.
    private var made: Set<String>?
    private let records: RecordVocabulary

    /// Reviews the mapping of `draft`. `records` names the fields of sensor records.
    static func run(_ draft: MappingDraft, records: RecordVocabulary) {
        guard let root = draft.root else { return }
        var review = MappingReview(draft, root, records)
        for (event, item) in draft.written { MappingDraft.demand(event, item) }
        for item in root["parse"]?.items ?? [] { review.step(item) }
        review.events()
        review.samples(draft)
    }

    private init(_ draft: MappingDraft, _ root: Element, _ records: RecordVocabulary) {
        self.root = root
        slots = draft.slots
        absent = Set(root.quiet["absent"]?.strings ?? [])
        made = Set(draft.slots.names.prefix(Builtins.count))
        self.records = records
    }

    private static func warn(_ element: Element, _ message: String) { element.complain(message, severity: .warning) }

    // MARK: Steps

    private mutating func step(_ item: Element) {
        if let when = item["when"] { _ = condition(when, beforeEvents: false) }
        for (key, element) in item.members {
            if element.isMapping, let from = element["from"] { capture(from) }
            switch key.scalar {
            case "json", "kv", "cef", "leef", "xml", "sd": made = nil
            case "each":
                captures(element)
                made = nil
            case "record":
                if records.names.isEmpty { made = nil } else { made?.formUnion(records.names) }
            case "csv": made?.formUnion(element.quiet["columns"]?.strings ?? [])
            case "regex": expressions(element)
            case "dissect": dissections(element)
            default: break
            }
        }
    }

    private mutating func expressions(_ element: Element) {
        var known: [String: Element] = [:]
        for entry in element["any"]?.items ?? [] {
            guard let pattern = entry.isMapping ? entry["pattern"] : entry, let text = pattern.scalar else { continue }
            if let earlier = known[text] {
                MappingReview.warn(
                    pattern, "never asked: line \(earlier.line) has the same expression; remove one of the two")
            }
            known[text] = known[text] ?? pattern
            made?.formUnion((try? Pattern(text))?.groups.map(\.name) ?? [])
            made?.formUnion(entry["set"]?.members.compactMap(\.key.scalar) ?? [])
        }
    }

    private mutating func dissections(_ element: Element) {
        var known: [String: Element] = [:]
        for item in element.isMapping ? element["any"]?.items ?? [] : [element] {
            guard let text = item.scalar else { continue }
            if let earlier = known[text] {
                MappingReview.warn(
                    item, "never asked: line \(earlier.line) has the same pattern; remove one of the two")
            }
            known[text] = known[text] ?? item
            made?.formUnion((try? Dissect.Pattern(text))?.names ?? [])
        }
    }

    /// Warns of the name of a capture that no step makes.
    private func capture(_ element: Element, cure: String = "") {
        guard let made, let name = element.scalar, !name.isEmpty, !made.contains(name) else { return }
        MappingReview.warn(element, "no step makes the capture '\(name)'\(Element.hint(name, among: made))\(cure)")
    }

    private func captures(_ element: Element) {
        if element.isSequence {
            for item in element.items { captures(item) }
        } else if let from = element["from"] {
            captures(from)
        } else {
            capture(element)
        }
    }

    // MARK: Conditions

    /// Reads a condition, and warns when it can never hold.
    private mutating func condition(_ element: Element, beforeEvents: Bool) -> Condition {
        names(element)
        let read = Condition.read(element.quiet, slots: &slots)
        if read.isNever {
            MappingReview.warn(element, "this condition never holds: its parts exclude each other")
        } else if beforeEvents {
            nothing(element)
        }
        return read
    }

    private func isHeader(_ name: String) -> Bool { slots.names.prefix(Builtins.count).contains(name) }

    /// Warns of captures in a condition that no step makes.
    private func names(_ element: Element) {
        if element.isSequence {
            for item in element.items { names(item) }
            return
        }
        for (key, value) in element.members {
            if key.scalar == "not" { names(value) } else { capture(key) }
        }
    }

    /// Warns of texts that a capture is compared with and that count as absent.
    private func nothing(_ element: Element) {
        if element.isSequence {
            for item in element.items { nothing(item) }
            return
        }
        for (key, value) in element.members {
            if key.scalar == "not" || value.isMapping {
                if key.scalar == "not" { nothing(value) }
                continue
            }
            // What the syslog header says is never absent by a text.
            guard let name = key.scalar, !isHeader(name) else { continue }
            for item in value.isSequence ? value.items : [value] {
                guard let text = item.scalar, absent.contains(text), Double(text) == nil else { continue }
                MappingReview.warn(
                    item,
                    "never equal: '\(text)' is in 'absent', so the capture counts as missing; test '{exists: false}'")
            }
        }
    }

    // MARK: Events

    private mutating func events() {
        let common = root["common"]
        if let time = common?["time"] { captures(time) }
        if let severity = common?["severity_id"] { value(severity) }
        for (_, element) in common?["map"]?.members ?? [] { value(element, names: true) }
        var earlier: [(when: Condition, item: Element)] = []
        for item in root["events"]?.items ?? [] {
            let when = item["when"].map { condition($0, beforeEvents: true) } ?? .always
            if !when.isNever, let first = earlier.first(where: { when.implies($0.when) }) {
                let reason =
                    if case .always = first.when { "takes every record" } else {
                        "takes every record of which this 'when' holds"
                    }
                MappingReview.warn(
                    item["when"] ?? item,
                    "never reached: the event of line \(first.item.line) \(reason); put this one before it, or "
                        + "narrow that one"
                )
            } else if !when.isNever, when.implies(.any(earlier.map(\.when))), !earlier.isEmpty {
                MappingReview.warn(
                    item["when"] ?? item,
                    "never reached: the events before it together take every record of which this 'when' holds")
            }
            earlier.append((when, item))
            for name in ["activity_id", "severity_id"] {
                if let element = item[name] { value(element) }
            }
            if let time = item["time"] { captures(time) }
            for (_, element) in item["map"]?.members ?? [] { value(element, names: true) }
        }
    }

    /// Reviews the right-hand side of a line; a bare text names a capture where `names` says so.
    private mutating func value(_ element: Element, names: Bool = false) {
        guard element.isMapping else {
            if names, element.isSequence { captures(element) }
            if names, !element.isSequence { capture(element, cure: "; a fixed value is written {value: …}") }
            return
        }
        if let from = element["from"] ?? element["each"] { captures(from) }
        if element["each"] != nil {
            // What an element has nobody can list.
            let known = made
            made = nil
            for (_, inner) in element["of"]?.members ?? [] { value(inner, names: true) }
            made = known
        }
        if let table = element["table"] {
            entries(table, isHeader: element.quiet["from"]?.strings.contains(where: isHeader) ?? false)
        }
        var earlier: [(when: Condition, item: Element)] = []
        for item in element["cases"]?.items ?? [] {
            guard let when = item["when"] else { continue }
            let read = condition(when, beforeEvents: true)
            if !read.isNever, let first = earlier.first(where: { read.implies($0.when) }) {
                MappingReview.warn(
                    when,
                    "never reached: the case of line \(first.item.line) holds whenever this one does; put this one "
                        + "before it"
                )
            }
            earlier.append((read, item))
        }
    }

    /// Warns of a table's entries that no text finds.
    private func entries(_ table: Element, isHeader: Bool) {
        var known: [String: Element] = [:]
        for (key, _) in table.members {
            guard let text = key.scalar else { continue }
            // Letters in ASCII are compared in either case.
            let folded = text.lowercased()
            if let earlier = known[folded] {
                MappingReview.warn(
                    key,
                    "the same key as '\(earlier.scalar ?? "")' in line \(earlier.line), letters count in either case: "
                        + "remove one of the two")
            } else if text.isEmpty {
                MappingReview.warn(key, "never found: an empty text counts as absent; give a 'default' instead")
            } else if absent.contains(text), Double(text) == nil, !isHeader {
                MappingReview.warn(
                    key,
                    "never found: '\(text)' is in 'absent', so the capture counts as missing; give a 'default' instead")
            } else if text.utf8.count > 256 {
                MappingReview.warn(key, "never found: a key has at most 256 bytes")
            }
            known[folded] = known[folded] ?? key
        }
    }

    // MARK: Samples

    /// Warns of attributes that no event can have, and of samples that prove nothing.
    private func samples(_ draft: MappingDraft) {
        let dictionary = OCSFDictionary.v1_8_0
        for sample in draft.samples {
            if sample.expected.isEmpty, !sample.isDropped {
                MappingReview.warn(
                    sample.element,
                    "a sample without 'expect' proves nothing; 'penstock test --update' writes what the record becomes")
            }
            for (key, _) in sample.expectations.flatMap(\.members) {
                guard let path = key.scalar, path != "unmapped", !path.hasPrefix("unmapped.") else { continue }
                if let fault = MappingReview.fault(path.withoutPositions, dictionary) { MappingReview.warn(key, fault) }
            }
        }
    }

    private static func fault(_ path: String, _ dictionary: OCSFDictionary) -> String? {
        var attributes = dictionary.roots
        var owner = "OCSF \(dictionary.version)"
        for part in path.split(separator: "." as Character) {
            let name = String(part)
            guard let attribute = attributes[name] else {
                return "\(owner) has no attribute '\(name)'\(Element.hint(name, among: attributes.keys))"
            }
            guard let object = attribute.object else {
                attributes = [:]
                owner = "'\(name)'"
                continue
            }
            guard object != "object", let shape = dictionary.objects[object] else { return nil }
            attributes = shape.attributes
            owner = object
        }
        return nil
    }
}
