// SPDX-License-Identifier: Apache-2.0

/// The part of STIX patterns (STIX 2.1 section 9) that one address, name or hash alone can decide.
enum STIXPattern {
    /// The addresses, networks, domains and hashes of which each alone meets `pattern`; empty when it takes more to meet it
    /// (a conjunction, a sequence, a URL); nil when it is no pattern.
    static func values(_ pattern: String) -> [String]? {
        guard let tokens = tokens(pattern), tokens.first == .mark("["), tokens.last == .mark("]") else { return nil }
        // Parentheses bind conjunctions in ways that are not followed here.
        let words = tokens.compactMap { token in if case .word(let word) = token { word.uppercased() } else { nil } }
        if tokens.contains(.mark("(")), words.contains("AND") { return [] }
        for qualifier in ["FOLLOWEDBY", "WITHIN", "REPEATS", "START", "NOT"] where words.contains(qualifier) {
            return []
        }
        var values: [String] = []
        var group: [Comparison] = []
        var index = 0
        func take() -> Token? {
            guard index < tokens.count else { return nil }
            defer { index += 1 }
            return tokens[index]
        }
        while let token = take() {
            switch token {
            case .mark("["), .mark("("), .mark(")"): continue
            case .mark("]"):
                // Two observations that must both be made.
                if index < tokens.count, tokens[index] == .word("AND") { return [] }
            case .word(let word) where word.uppercased() == "OR":
                values += met(group)
                group.removeAll()
            case .word(let word) where word.uppercased() == "AND": continue
            case .word(let path):
                guard path.contains(":") else { return nil }
                var comparison = Comparison(path: path.lowercased(), values: [], isSupported: true)
                guard let second = take() else { return nil }
                switch second {
                case .mark("="), .word("ISSUBSET"):
                    guard case .text(let text)? = take() else {
                        // A number, a truth value: nothing that is looked for.
                        comparison.isSupported = false
                        group.append(comparison)
                        continue
                    }
                    comparison.values = [text]
                case .word("IN"):
                    guard take() == .mark("(") else { return nil }
                    while let next = take(), next != .mark(")") {
                        if case .text(let text) = next { comparison.values.append(text) }
                    }
                default:
                    comparison.isSupported = false
                    _ = take()
                }
                group.append(comparison)
            case .text, .mark: return nil
            }
        }
        return values + met(group)
    }

    private struct Comparison {
        var path: String
        var values: [String]
        var isSupported: Bool

        var isHash: Bool {
            guard path.hasPrefix("file:hashes.") || path.hasPrefix("file:content_ref.hashes.") else { return false }
            let name = path.filter { $0 != "'" && $0 != "\"" && $0 != "-" }
            return ["md5", "sha1", "sha256"].contains { name.hasSuffix("." + $0) }
        }

        /// Whether the value is an address or a name.
        var isEnd: Bool {
            ["ipv4-addr:value", "ipv6-addr:value", "domain-name:value"].contains(path)
                || path.hasPrefix("network-traffic:") && path.hasSuffix("_ref.value")
        }
    }

    /// The values of which each alone meets all comparisons.
    private static func met(_ group: [Comparison]) -> [String] {
        // What a reference is of follows from its value.
        let asked = group.filter { !$0.path.hasSuffix("_ref.type") }
        if asked.count == 1, asked[0].isSupported, asked[0].isEnd || asked[0].isHash { return asked[0].values }
        // A hash names the file, whatever else is said of it.
        guard asked.allSatisfy({ $0.path.hasPrefix("file:") }) else { return [] }
        return asked.filter { $0.isSupported && $0.isHash }.flatMap(\.values)
    }

    private enum Token: Equatable {
        case mark(Character)
        case word(String)
        case text(String)
    }

    /// The tokens of a pattern, or nil when a text does not end.
    private static func tokens(_ pattern: String) -> [Token]? {
        var tokens: [Token] = []
        var rest = Array(pattern.unicodeScalars.prefix(65_536))[...]
        func quoted() -> String? {
            var text = String.UnicodeScalarView()
            rest.removeFirst()
            while let next = rest.popFirst() {
                if next == "'" { return String(text) }
                if next == "\\", let escaped = rest.popFirst() { text.append(escaped) } else { text.append(next) }
            }
            return nil
        }
        while let first = rest.first {
            switch first {
            case " ", "\t", "\n", "\r": rest.removeFirst()
            case "[", "]", "(", ")", ",":
                rest.removeFirst()
                if first != "," { tokens.append(.mark(Character(first))) }
            case "=":
                rest.removeFirst()
                tokens.append(.mark("="))
            case "!", "<", ">":
                rest.removeFirst()
                if rest.first == "=" { rest.removeFirst() }
                tokens.append(.word(String(first)))
            case "'":
                guard let text = quoted() else { return nil }
                tokens.append(.text(text))
            default:
                var word = String.UnicodeScalarView()
                while let next = rest.first, !" \t\n\r[](),=!<>".unicodeScalars.contains(next) || isIndex(rest, word) {
                    if next == "'" {
                        // A key in quotes: `hashes.'SHA-256'`.
                        guard let text = quoted() else { return nil }
                        word.append(contentsOf: text.unicodeScalars)
                    } else {
                        word.append(next)
                        rest.removeFirst()
                    }
                }
                let text = String(word)
                let upper = text.uppercased()
                tokens.append(.word(["IN", "ISSUBSET", "AND", "OR"].contains(upper) ? upper : text))
            }
        }
        return tokens
    }

    /// Whether the bracket here is a list's index, as in `refs[*]` or `refs[0]`, and not an observation's.
    private static func isIndex(_ rest: ArraySlice<Unicode.Scalar>, _ word: String.UnicodeScalarView) -> Bool {
        guard let first = rest.first else { return false }
        if first == "[" { return word.contains(":") && !(word.last == ":") }
        // The closing one: the word holds an open bracket.
        return first == "]" && word.lastIndex(of: "[").map { word[$0...].contains("]") == false } == true
    }
}
