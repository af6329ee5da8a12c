// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Events
internal import Patterns
internal import Wire

/// A test over captures, as `when:` writes it.
///
/// A mapping is an AND over its captures; a list is an OR of mappings; `not:` turns its inside round. Each capture is
/// compared with one text or a list (equal to any, letters in either case), or with `{contains|startswith|endswith|regex|exists: …}`.
indirect enum Condition: Sendable {
    case always
    case all([Condition])
    case any([Condition])
    case not(Condition)
    case exists(SlotID, Bool)
    case equals(SlotID, [[UInt8]])
    case contains(SlotID, [[UInt8]])
    case starts(SlotID, [[UInt8]])
    case ends(SlotID, [[UInt8]])
    case matches(SlotID, Pattern)

    /// Reads a condition; faults are complained about.
    static func read(_ element: Element, slots: inout SlotTree) -> Condition {
        if element.isSequence { return .any(element.items.map { read($0, slots: &slots) }) }
        guard element.isMapping else {
            element.complain("a condition is a mapping of capture names, or a list of such mappings")
            return .always
        }
        var parts: [Condition] = []
        for (key, value) in element.members {
            guard let name = key.scalar else { continue }
            if name == "not" {
                parts.append(.not(read(value, slots: &slots)))
                continue
            }
            let slot = slots.slot(name)
            if value.isMapping {
                value.allow(only: ["contains", "startswith", "endswith", "regex", "exists"])
                for (test, argument) in value.members {
                    let texts = argument.strings.map(\.lowercasedASCII)
                    switch test.scalar {
                    case "contains": parts.append(.contains(slot, texts))
                    case "startswith": parts.append(.starts(slot, texts))
                    case "endswith": parts.append(.ends(slot, texts))
                    case "exists": parts.append(.exists(slot, argument.boolean ?? true))
                    case "regex":
                        do { parts.append(.matches(slot, try Pattern(argument.string ?? ""))) } catch {
                            argument.complain("regular expression: \(error)")
                        }
                    default: break
                    }
                }
            } else {
                parts.append(.equals(slot, value.strings.map(\.lowercasedASCII)))
            }
        }
        return parts.count == 1 ? parts[0] : .all(parts)
    }
}

extension String {
    /// The UTF-8 with ASCII letters in lower case: what texts are compared with. Of other letters the case counts there, so
    /// that it has to stay here.
    var lowercasedASCII: [UInt8] { utf8.map(\.lowercasedASCII) }
}

extension UInt8 {
    /// The letter in lower case.
    var lowercasedASCII: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }
}
