// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Patterns

/// The field and modifiers of one key of a selection (`field|modifier|…`), checked as a whole.
struct ModifierChain {
    /// A modifier that changes a value's text, in the order of writing.
    enum Transform {
        case startsWith
        case endsWith
        case contains
        case windash
        case expand
        case base64
        case base64Offset
        case utf16LittleEndian
        case utf16BigEndian
        case utf16
    }

    /// What the values are compared with.
    enum Mode {
        case text
        case regex(Pattern.Options)
        case network
        case exists
        case reference
        case number
    }

    /// The field, or nil for keywords.
    let field: String?
    private(set) var mode = Mode.text
    private(set) var transforms: [Transform] = []
    private(set) var all = false
    private(set) var cased = false
    private(set) var negated = false
    private(set) var comparison: Comparison?
    private(set) var timePart: TimePart?

    /// Whether any modifier was written that null cannot have.
    private(set) var changesValue = false

    /// Reads `key`; complains and answers nil when it is not a chain that means something.
    init?(_ key: Element) {
        guard let text = key.scalar else {
            key.complain("a field name must be text")
            return nil
        }
        let parts = text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        field = parts[0].isEmpty ? nil : parts[0]
        var flags: Pattern.Options = []
        var modes: [String] = []
        for name in parts.dropFirst() {
            changesValue = changesValue || name != "neq"
            switch name {
            case "all": all = true
            case "cased": cased = true
            case "neq": negated = true
            case "startswith": transforms.append(.startsWith)
            case "endswith": transforms.append(.endsWith)
            case "contains": transforms.append(.contains)
            case "windash": transforms.append(.windash)
            case "expand": transforms.append(.expand)
            case "base64": transforms.append(.base64)
            case "base64offset": transforms.append(.base64Offset)
            case "wide", "utf16le": transforms.append(.utf16LittleEndian)
            case "utf16be": transforms.append(.utf16BigEndian)
            case "utf16": transforms.append(.utf16)
            case "re":
                modes.append(name)
                mode = .regex([])
            case "i", "ignorecase", "m", "multiline", "s", "dotall":
                guard case .regex = mode else {
                    key.complain("modifier '\(name)' belongs behind 're'")
                    return nil
                }
                flags.insert(name.hasPrefix("i") ? .caseless : name.hasPrefix("m") ? .multiline : .dotAll)
            case "cidr":
                modes.append(name)
                mode = .network
            case "exists":
                modes.append(name)
                mode = .exists
            case "fieldref":
                modes.append(name)
                mode = .reference
            case "lt", "lte", "gt", "gte":
                guard comparison == nil else {
                    key.complain("only one comparison at a time; write the field twice for a range")
                    return nil
                }
                comparison = Comparison(rawValue: name)
            case "minute", "hour", "day", "week", "month", "year":
                modes.append(name)
                timePart = TimePart(rawValue: name)
                mode = .number
            default:
                key.complain("unknown modifier '\(name)'")
                return nil
            }
        }
        if case .regex = mode { mode = .regex(flags) }
        if comparison != nil {
            if timePart == nil { modes.append("comparison") }
            mode = .number
        }
        if let fault = fault(modes) {
            key.complain(fault)
            return nil
        }
    }

    private func fault(_ modes: [String]) -> String? {
        guard modes.count <= 1 else { return "modifiers \(modes.joined(separator: " and ")) do not go together" }
        guard field != nil || modes.isEmpty || modes == ["re"] else { return "'\(modes[0])' needs a field" }
        switch mode {
        case .text: return nil
        case .regex:
            // An unanchored expression is a search already, so `contains` adds nothing.
            let plain = transforms.allSatisfy { if case .contains = $0 { true } else { false } }
            return plain && !cased ? nil : "'re' takes i, m, s, all and neq, no other modifiers"
        case .reference:
            let plain = transforms.allSatisfy {
                switch $0 {
                case .startsWith, .endsWith, .contains: true
                default: false
                }
            }
            return plain
                ? nil : "'fieldref' takes startswith, endswith, contains, cased, all and neq, no other modifiers"
        case .network:
            let plain = transforms.allSatisfy { if case .expand = $0 { true } else { false } }
            return plain && !cased ? nil : "'cidr' takes expand, all and neq, no other modifiers"
        case .exists, .number:
            return transforms.isEmpty && !cased ? nil : "'\(modes[0])' takes no modifiers that change text"
        }
    }
}
