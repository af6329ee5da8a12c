// SPDX-License-Identifier: Apache-2.0
internal import Documents

/// Reads the condition of a rule: `or` below `and` below `not` below `x of` below brackets.
struct ConditionReader {
    /// The most brackets and negations inside each other, and words in a condition.
    private static let limits = (depth: 64, words: 10_000)

    private let element: Element
    private let selections: [(name: String, formula: Formula)]
    private var words: [Substring] = []
    private var position = 0

    /// The condition that `element` (a text or a list of texts) states over `selections`; nil after a complaint.
    static func read(_ element: Element, _ selections: [(name: String, formula: Formula)]) -> Formula? {
        let texts = element.isSequence ? element.items : [element]
        guard !texts.isEmpty else {
            element.complain("a condition is needed")
            return nil
        }
        var parts: [Formula] = []
        for text in texts {
            guard let scalar = text.string else { return nil }
            var reader = ConditionReader(element: text, selections: selections)
            guard reader.split(scalar), let formula = reader.whole() else { return nil }
            parts.append(formula)
        }
        return .any(parts)
    }

    private init(element: Element, selections: [(name: String, formula: Formula)]) {
        self.element = element
        self.selections = selections
    }

    private func fail<Value>(_ message: String) -> Value? {
        element.complain("condition: \(message)")
        return nil
    }

    private mutating func split(_ text: String) -> Bool {
        var start: String.Index?
        for index in text.indices {
            let character = text[index]
            let isWord =
                character.isASCII && (character.isLetter || character.isNumber || "_-*".contains(character))
            if isWord {
                start = start ?? index
                continue
            }
            if let begun = start { words.append(text[begun..<index]) }
            start = nil
            switch character {
            case "(", ")": words.append(text[index...index])
            case " ", "\t", "\n", "\r\n", "\r": break
            case "|":
                element.complain("condition: aggregations behind '|' are obsolete; write a correlation rule")
                return false
            default:
                element.complain("condition: '\(character)' means nothing here")
                return false
            }
        }
        if let begun = start { words.append(text[begun...]) }
        guard words.count <= ConditionReader.limits.words else {
            element.complain("condition: too long")
            return false
        }
        return true
    }

    private mutating func whole() -> Formula? {
        guard let formula = alternatives(0) else { return nil }
        guard position == words.count else {
            return fail(
                words[position] == ")" ? "a bracket closes that was not opened" : "'\(words[position])' is one too many"
            )
        }
        return formula
    }

    /// Whether the next word is the operator `name`; takes it.
    private mutating func take(_ name: String) -> Bool {
        guard position < words.count else { return false }
        let word = words[position]
        guard word == name || word.lowercased() == name else { return false }
        if word != name { element.complain("condition: write '\(word)' in lower case", severity: .warning) }
        position += 1
        return true
    }

    private mutating func alternatives(_ depth: Int) -> Formula? {
        guard depth < ConditionReader.limits.depth else { return fail("nests too deep") }
        var parts: [Formula] = []
        repeat {
            guard let part = conjunction(depth) else { return nil }
            parts.append(part)
        } while take("or")
        return .any(parts)
    }

    private mutating func conjunction(_ depth: Int) -> Formula? {
        var parts: [Formula] = []
        repeat {
            guard let part = negation(depth) else { return nil }
            parts.append(part)
        } while take("and")
        return .all(parts)
    }

    private mutating func negation(_ depth: Int) -> Formula? {
        var isNegated = false
        while take("not") { isNegated.toggle() }
        guard let formula = atom(depth) else { return nil }
        return isNegated ? .not(formula) : formula
    }

    private mutating func atom(_ depth: Int) -> Formula? {
        guard position < words.count else { return fail("ends where a selection is expected") }
        let word = words[position]
        position += 1
        if word == "(" {
            guard let inner = alternatives(depth + 1) else { return nil }
            guard position < words.count, words[position] == ")" else { return fail("a bracket is not closed") }
            position += 1
            return inner
        }
        if word == ")" { return fail("a bracket closes where a selection is expected") }
        if position < words.count, words[position].lowercased() == "of" {
            _ = take("of")
            return quantified(word)
        }
        if ["and", "or", "of"].contains(word.lowercased()) {
            return fail("'\(word)' stands where a selection is expected")
        }
        guard let found = selections.first(where: { $0.name == word }) else {
            return fail("there is no selection '\(word)'")
        }
        return found.formula
    }

    private mutating func quantified(_ quantifier: Substring) -> Formula? {
        let all: Bool
        switch quantifier.lowercased() {
        case "1", "any": all = false
        case "all": all = true
        default: return fail("'\(quantifier) of' is not possible; write 1, any or all")
        }
        guard position < words.count, words[position] != "(", words[position] != ")" else {
            return fail("'of' needs 'them' or a pattern")
        }
        let pattern = words[position]
        position += 1
        let found =
            pattern.lowercased() == "them"
            ? selections.filter { !$0.name.hasPrefix("_") }
            : selections.filter {
                ConditionReader.matches($0.name.utf8[...], pattern.utf8[...])
                    && (pattern.hasPrefix("_") || !$0.name.hasPrefix("_"))
            }
        guard !found.isEmpty else { return fail("no selection fits '\(pattern)'") }
        let parts = found.map(\.formula)
        return all ? .all(parts) : .any(parts)
    }

    /// Whether a name fits a pattern whose only wildcard is `*`.
    private static func matches(_ name: Substring.UTF8View, _ pattern: Substring.UTF8View) -> Bool {
        let name = Array(name)
        let pattern = Array(pattern)
        var (n, p, star, mark) = (0, 0, -1, 0)
        while n < name.count {
            if p < pattern.count, pattern[p] == 0x2A {
                (star, mark) = (p, n)
                p += 1
            } else if p < pattern.count, pattern[p] == name[n] {
                n += 1
                p += 1
            } else if star >= 0 {
                mark += 1
                (n, p) = (mark, star + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == 0x2A }
    }
}
