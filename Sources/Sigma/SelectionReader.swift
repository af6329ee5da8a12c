// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Patterns
internal import Wire

/// Turns the selections of a rule into formulas over the items of a program; complains about what it cannot mean.
struct SelectionReader {
    /// The most levels of lists and maps in a selection.
    private static let depthLimit = 8

    let program: ProgramBuilder
    let placeholders: [String: [String]]
    /// Where the fields stand that the rule under work names.
    var scope = Taxonomy.Scope.literal

    init(program: ProgramBuilder, placeholders: [String: [String]]) {
        self.program = program
        self.placeholders = placeholders
    }

    /// A selection: a map, a list of maps and texts, or one text; nil after a complaint.
    func selection(_ element: Element, depth: Int = 0) -> Formula? {
        guard depth < SelectionReader.depthLimit else {
            element.complain("selections nest too deep")
            return nil
        }
        if element.isMapping {
            let members = element.members
            guard !members.isEmpty else {
                element.complain("an empty map selects nothing; name a field")
                return nil
            }
            return together(members.map { item(key: $0.key, value: $0.value) }).map { .all($0) }
        }
        if element.isSequence {
            let items = element.items
            guard !items.isEmpty else {
                element.complain("an empty list selects nothing")
                return nil
            }
            var parts: [Formula?] = []
            for item in items {
                if item.isSequence {
                    item.complain("a list inside a list means nothing in a selection")
                    parts.append(nil)
                } else {
                    parts.append(selection(item, depth: depth + 1))
                }
            }
            return together(parts).map { .any($0) }
        }
        guard !element.isNull, let scalar = element.scalar else {
            element.complain("a keyword cannot be null")
            return nil
        }
        let text = SelectionReader.textForm(element) ?? scalar
        return .item(intern(Program.keywordSlot, SigmaText(text).wrapped(before: true, behind: true), cased: false))
    }

    private func together(_ parts: [Formula?]) -> [Formula]? {
        let made = parts.compactMap(\.self)
        return made.count == parts.count ? made : nil
    }

    /// One `field|modifiers: value` of a map.
    private func item(key: Element, value: Element) -> Formula? {
        guard let chain = ModifierChain(key) else { return nil }
        if value.isMapping {
            value.complain("the value of a field is a text, a number or a list of them")
            return nil
        }
        let values = value.isSequence ? value.items : [value]
        guard !values.isEmpty else {
            value.complain("an empty list matches nothing")
            return nil
        }
        if chain.all, values.count < 2 {
            value.complain("'all' needs a list of at least two values")
            return nil
        }
        if case .exists = chain.mode, value.isSequence {
            value.complain("'exists' takes true or false, no list")
            return nil
        }
        let slot = program.slot(chain.field.map(scope.source))
        var parts: [Formula?] = []
        for element in values {
            if element.isMapping || element.isSequence {
                element.complain("the value of a field is a text, a number or a list of them")
                parts.append(nil)
            } else if element.isNull {
                parts.append(null(element, slot, chain, isListed: value.isSequence))
            } else {
                parts.append(one(element, slot, chain))
            }
        }
        guard let made = together(parts) else { return nil }
        let formula: Formula = chain.all ? .all(made) : .any(made)
        return chain.negated ? .not(formula) : formula
    }

    private func null(_ element: Element, _ slot: Int, _ chain: ModifierChain, isListed: Bool) -> Formula? {
        if isListed {
            element.complain("null cannot stand in a list; give it a selection of its own")
        } else if chain.changesValue {
            element.complain("null takes no modifiers but 'neq'")
        } else if chain.field == nil {
            element.complain("a keyword cannot be null")
        } else {
            return .item(program.intern(.init(slot: slot, test: .null)))
        }
        return nil
    }

    /// One value of an item.
    private func one(_ element: Element, _ slot: Int, _ chain: ModifierChain) -> Formula? {
        let written = element.scalar ?? ""
        let text = SelectionReader.textForm(element) ?? written
        func fail(_ message: String) -> Formula? {
            element.complain(message)
            return nil
        }
        switch chain.mode {
        case .exists:
            guard element.isPlain, let wanted = SelectionReader.truth(written) else {
                return fail("'exists' takes true or false")
            }
            let item = Formula.item(program.intern(.init(slot: slot, test: .exists)))
            return wanted ? item : .not(item)
        case .regex(let options):
            do throws(Pattern.Failure) {
                return .item(program.intern(.init(slot: slot, test: .regex(try Expression(text, options)))))
            } catch {
                return fail("invalid regular expression: \(error)")
            }
        case .network: return networks(element, text, slot, chain)
        case .reference:
            var starts = false
            var ends = false
            for transform in chain.transforms {
                switch transform {
                case .contains: (starts, ends) = (true, true)
                case .startsWith: starts = true
                default: ends = true
                }
            }
            guard !text.isEmpty else { return fail("'fieldref' names a field") }
            let other = program.slot(scope.source(text))
            return .item(
                program.intern(
                    .init(
                        slot: slot,
                        test: .reference(slot: other, startsWith: starts, endsWith: ends, cased: chain.cased))))
        case .number:
            guard let number = Double(text), number.isFinite else { return fail("'\(text)' is no number") }
            let comparison = chain.comparison ?? .eq
            let test = chain.timePart.map { Test.timePart($0, comparison, number) } ?? .compare(comparison, number)
            return .item(program.intern(.init(slot: slot, test: test)))
        case .text:
            guard let texts = transformed(element, text, chain) else { return nil }
            let isKeyword = slot == Program.keywordSlot
            return .any(
                texts.map {
                    .item(intern(slot, isKeyword ? $0.wrapped(before: true, behind: true) : $0, cased: chain.cased))
                })
        }
    }

    private func networks(_ element: Element, _ text: String, _ slot: Int, _ chain: ModifierChain) -> Formula? {
        var texts = [text]
        if !chain.transforms.isEmpty {
            guard let expanded = expand(element, SigmaText(text, expand: true)) else { return nil }
            texts = expanded.map { $0.literal ?? "*" }
        }
        var parts: [Formula] = []
        for text in texts {
            guard let network = IPNetwork(text) else {
                element.complain("'\(text)' is no network; write it as 10.0.0.0/8 or fd00::/8")
                return nil
            }
            if let written = text.split(separator: "/").first.flatMap({ IPAddress(String($0)) }),
                written != network.address
            {
                element.complain("'\(text)' has host bits; read as \(network)", severity: .warning)
            }
            parts.append(.item(program.intern(.init(slot: slot, test: .network(network)))))
        }
        return .any(parts)
    }

    private func intern(_ slot: Int, _ text: SigmaText, cased: Bool) -> Int {
        program.intern(.init(slot: slot, test: .text(TextMatcher(text, cased: cased), cased: cased)))
    }

    private func expand(_ element: Element, _ text: SigmaText) -> [SigmaText]? {
        guard let expanded = text.expanded({ placeholders[$0] }) else {
            element.complain("the placeholders expand to more than 10,000 values")
            return nil
        }
        guard expanded.unresolved.isEmpty else {
            for name in expanded.unresolved { element.complain("placeholder %\(name)% has no value") }
            return nil
        }
        return expanded.texts
    }

    /// The texts that a chain's transforms make of a value, from left to right; nil after a complaint.
    private func transformed(_ element: Element, _ text: String, _ chain: ModifierChain) -> [SigmaText]? {
        let expands = chain.transforms.contains { if case .expand = $0 { true } else { false } }
        var texts = [SigmaText(text, expand: expands)]
        var encoded: [[UInt8]]?
        func bytes() -> [[UInt8]]? {
            if let encoded { return encoded }
            let literals = texts.compactMap(\.literal)
            guard literals.count == texts.count else {
                element.complain("a value that is encoded cannot have wildcards or open placeholders")
                return nil
            }
            return literals.map { Array($0.utf8) }
        }
        func wide(_ bigEndian: Bool, _ mark: Bool) -> [[UInt8]]? {
            guard encoded == nil else {
                element.complain("only one UTF-16 encoding at a time")
                return nil
            }
            return bytes()?.map {
                ValueEncoding.utf16(String(decoding: $0, as: UTF8.self), bigEndian: bigEndian, mark: mark)
            }
        }
        for transform in chain.transforms {
            switch transform {
            case .expand:
                guard encoded == nil else {
                    element.complain("'expand' belongs before the encoding")
                    return nil
                }
                var all: [SigmaText] = []
                for text in texts {
                    guard let expanded = expand(element, text) else { return nil }
                    all += expanded
                }
                texts = all
            case .windash: texts = texts.map(\.windashed)
            case .startsWith, .endsWith, .contains:
                if encoded != nil, !settle(element, &texts, &encoded) { return nil }
                let before = if case .startsWith = transform { false } else { true }
                let behind = if case .endsWith = transform { false } else { true }
                texts = texts.map { $0.wrapped(before: before, behind: behind) }
            case .base64, .base64Offset:
                guard let raw = bytes() else { return nil }
                encoded = nil
                if case .base64 = transform {
                    texts = raw.map { SigmaText(literal: ValueEncoding.base64($0)) }
                } else {
                    texts = raw.flatMap { ValueEncoding.base64Offsets($0).map { SigmaText(literal: $0) } }
                }
            case .utf16LittleEndian, .utf16BigEndian, .utf16:
                let bigEndian = if case .utf16BigEndian = transform { true } else { false }
                let mark = if case .utf16 = transform { true } else { false }
                guard let made = wide(bigEndian, mark) else { return nil }
                encoded = made
            }
        }
        if encoded != nil, !settle(element, &texts, &encoded) { return nil }
        return texts
    }

    /// Makes text of bytes that no base64 took: possible only when they are valid UTF-8.
    private func settle(_ element: Element, _ texts: inout [SigmaText], _ encoded: inout [[UInt8]]?) -> Bool {
        var made: [SigmaText] = []
        for bytes in encoded ?? [] {
            guard let text = String(validating: bytes, as: UTF8.self) else {
                element.complain("the encoded value is no text; add base64 or base64offset")
                return false
            }
            made.append(SigmaText(literal: text))
        }
        texts = made
        encoded = nil
        return true
    }

    /// The text form of a plain number or truth value; nil for other texts.
    private static func textForm(_ element: Element) -> String? {
        guard element.isPlain, let scalar = element.scalar else { return nil }
        return NumberText.text(plain: scalar)
    }

    private static func truth(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "yes": true
        case "false", "no": false
        default: nil
        }
    }
}
