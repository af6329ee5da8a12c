// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Documents
internal import Patterns

extension MappingDraft {
    /// A parse step; the capture that it takes apart, or nil for the message.
    struct Step {
        enum Kind {
            case json
            case keyValue(KeyValue.Style)
            case regex([Alternative])
            case cef
            case leef
            case csv(CSV.Style, columns: [String])
            case dissect([Dissect.Pattern])
            case xml
            case structuredData
            case record
            /// The captures to try.
            case each([SlotID])
        }
        var kind: Kind
        var source: SlotID?
        var isOptional: Bool
        /// The step is only for records of which this holds.
        var when = Condition.always
        /// Beginnings of keys that say nothing (`FTNTFGT` of FortiGate's CEF): the rest is the name.
        var strip: [[UInt8]] = []

        /// The one capture whose elements become events; nil when there are several to try, or the step does something else.
        var onlyList: SlotID? {
            if case .each(let slots) = kind, slots.count == 1 { slots[0] } else { nil }
        }
    }

    /// One expression of a `regex` step.
    struct Alternative {
        var pattern: Pattern
        var groups: [(number: Int, slot: SlotID)]
        var sets: [(slot: SlotID, text: [UInt8])]
    }

    /// The names of steps in a mapping file.
    private static let kinds = ["json", "kv", "regex", "cef", "leef", "csv", "dissect", "xml", "sd", "record", "each"]

    /// Reads one entry of `parse:`.
    mutating func readStep(_ item: Element) {
        item.allow(only: MappingDraft.kinds + ["optional", "when"])
        let named = MappingDraft.kinds.compactMap { name in item[name].map { (name, $0) } }
        guard named.count == 1, let (name, element) = named.first else {
            item.complain("a parse step is one of \(MappingDraft.kinds.joined(separator: ", "))")
            return
        }
        // Conditions are about what earlier steps found: their captures are known by name alone.
        let when = item["when"].map { Condition.read($0, slots: &slots) } ?? .always
        guard let kind = readKind(name, element) else { return }
        let source = element.isMapping ? element["from"]?.string.map { slots.slot($0) } : nil
        let strip = element.isMapping ? element["strip"]?.strings.map { Array($0.utf8) } ?? [] : []
        steps.append(
            Step(
                kind: kind, source: source, isOptional: item["optional"]?.boolean ?? false, when: when,
                strip: strip.filter { !$0.isEmpty }))
    }

    private mutating func readKind(_ name: String, _ element: Element) -> Step.Kind? {
        switch name {
        case "json", "xml", "cef", "leef":
            let isLine = name == "cef" || name == "leef"
            if element.isMapping { element.allow(only: isLine ? ["from", "strip"] : ["from"]) }
            return name == "json" ? .json : name == "xml" ? .xml : name == "cef" ? .cef : .leef
        case "sd":
            if element.isMapping { element.allow(only: ["from"]) }
            return .structuredData
        case "kv": return readPairs(element)
        case "csv": return readColumns(element)
        case "dissect": return readDissect(element)
        case "regex": return readExpressions(element)
        case "each": return readEach(element)
        default: return .record
        }
    }

    /// One ASCII character, or `\t`.
    private static func byte(_ key: String, of element: Element, _ fallback: UInt8) -> UInt8 {
        guard let found = element[key], let text = found.string else { return fallback }
        guard text.utf8.count == 1, let first = text.utf8.first else {
            found.complain("\(key) must be one ASCII character")
            return fallback
        }
        return first
    }

    private func readPairs(_ pairs: Element) -> Step.Kind {
        if pairs.isMapping { pairs.allow(only: ["from", "separator", "assign", "quote", "strip"]) }
        var separators = [UInt8(0x20)]
        if let element = pairs["separator"], let text = element.string {
            separators = Array(text.utf8)
            if separators.isEmpty || separators.count > 2 {
                element.complain("separator must be one ASCII character, or two of which each separates")
                separators = [0x20]
            }
        }
        return .keyValue(
            KeyValue.Style(
                separators: separators, assign: MappingDraft.byte("assign", of: pairs, 0x3D),
                quote: MappingDraft.byte("quote", of: pairs, 0x22)))
    }

    private func readColumns(_ element: Element) -> Step.Kind? {
        element.allow(only: ["from", "separator", "quote", "columns"])
        // `quote: ''`: quotes are text like everything else.
        let quote: UInt8? = element["quote"]?.string == "" ? nil : MappingDraft.byte("quote", of: element, 0x22)
        guard let columns = element.required("columns") else { return nil }
        let names = columns.strings
        if names.count > 1024 { columns.complain("at most 1024 columns") }
        let separator = element["separator"]?.string ?? ","
        guard
            let style = CSV.Style(
                separatorText: separator, quote: quote, hasBackslashes: true, trimsBlanks: true)
        else {
            element["separator"]?.complain("separator has one to four characters")
            return nil
        }
        return .csv(style, columns: Array(names.prefix(1024)))
    }

    /// The lists of which one is to be taken: their captures.
    private mutating func readEach(_ element: Element) -> Step.Kind? {
        if steps.contains(where: { if case .each = $0.kind { true } else { false } }) {
            element.complain("'each' inside 'each': a record is taken apart once; lists to try stand in one 'each'")
            return nil
        }
        let items = element.isMapping ? [] : element.isSequence ? element.items : [element]
        if items.isEmpty { element.complain("'each' names the capture of a list, or several to try") }
        var found: [SlotID] = []
        for item in items {
            guard let name = item.string else { continue }
            let parts = name.pathParts
            guard !parts.isEmpty, parts.allSatisfy({ !$0.isEmpty }) else {
                item.complain("'\(name)' is no path of a list")
                continue
            }
            if let last = parts.last, Int(last) != nil {
                let list = parts.dropLast().joined(separator: ".")
                item.complain("'\(name)' is one element, not a list" + (list.isEmpty ? "" : ": write '\(list)'"))
                continue
            }
            let slot = slots.slot(name)
            if slot < Builtins.count, slot != builtins.message {
                item.complain("'\(name)' is no list: of what every record has, only 'syslog.message' can be one")
            } else if slot != builtins.message, steps.isEmpty {
                item.complain("'\(name)' is no list: no step before this one captures it")
            }
            found.append(slot)
        }
        return found.isEmpty ? nil : .each(found)
    }

    private mutating func readDissect(_ element: Element) -> Step.Kind? {
        if element.isMapping { element.allow(only: ["from", "any"]) }
        let texts = element.isMapping ? element.required("any")?.items ?? [] : [element]
        var patterns: [Dissect.Pattern] = []
        for text in texts {
            do { patterns.append(try Dissect.Pattern(text.string ?? "")) } catch { text.complain("dissect: \(error)") }
        }
        for name in patterns.flatMap(\.names) { _ = slots.slot(name) }
        return .dissect(patterns)
    }

    private mutating func readExpressions(_ regex: Element) -> Step.Kind {
        regex.allow(only: ["from", "any"])
        var alternatives: [Alternative] = []
        for entry in regex.required("any")?.items ?? [] {
            if entry.isMapping { entry.allow(only: ["pattern", "set"]) }
            let element = entry.isMapping ? entry.required("pattern") : entry
            guard let element, let text = element.string else { continue }
            do {
                let pattern = try Pattern(text)
                if pattern.groupCount > Normalizer.mostGroups {
                    element.complain("an expression has at most \(Normalizer.mostGroups) groups")
                }
                var sets: [(slot: SlotID, text: [UInt8])] = []
                for (key, value) in entry["set"]?.members ?? [] {
                    if let name = key.scalar, let text = value.string {
                        sets.append((slots.slot(name), Array(text.utf8)))
                    }
                }
                let groups = pattern.groups.map { (number: $0.number, slot: slots.slot($0.name)) }
                alternatives.append(.init(pattern: pattern, groups: groups, sets: sets))
            } catch { element.complain("regular expression: \(error)") }
        }
        return .regex(alternatives)
    }
}
