// SPDX-License-Identifier: Apache-2.0
import Patterns
import Testing

/// What an expression needs is looked for before it is run; that must never cost a match.
struct NeedTests {
    private static let atoms = [
        "abc", "cab", "a", "b+", "c?", "a*", "b{2}", "c{0,2}", "a{1,}", "b+?", "c??", "a*+", "\\.", "\\.?", ".", ".*?",
        "\\s",
        "\\d*", "[abc]", "[^a]+", "[]a]?", "[[:alpha:]]*", "(?:abc|cb)", "(ab)?", "(?<n>bca)", "(?=b)", "(?!a)",
        "(?<=c)",
        "x", "-cab", "\\bab", "{a", "}", "]", "a{b", "(?>ab+)", "(?:a(?:b|[(]c)d?)*",
    ]

    /// Inside a group nothing is looked for: both forms match the same texts.
    @Test func asInsideAGroup() throws {
        var state: UInt64 = 11
        func draw(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        let scratch = Pattern.Scratch(groups: 40)
        var (hits, misses) = (0, 0)
        for _ in 0..<3_000 {
            // A name may be given once.
            var parts = (0..<1 + draw(5)).map { _ in NeedTests.atoms[draw(NeedTests.atoms.count)] }
            if let name = parts.firstIndex(of: "(?<n>bca)") {
                for place in parts.indices where place > name && parts[place] == parts[name] { parts[place] = "bca" }
            }
            let expression = (draw(3) == 0 ? "^" : "") + parts.joined()
            let plain = try Pattern(expression)
            let grouped = try Pattern("(?:\(expression))")
            for _ in 0..<20 {
                let text = (0..<draw(24)).map { _ in Array("aaabbbccc.x-{}] 1".utf8)[draw(17)] }
                let found = plain.matches(text.span.bytes, scratch)
                let wanted = grouped.matches(text.span.bytes, scratch)
                #expect(found == wanted, "\(expression) on \(String(decoding: text, as: UTF8.self))")
                if wanted { hits += 1 } else { misses += 1 }
            }
        }
        #expect(hits > 5_000 && misses > 5_000)
    }

    @Test(arguments: [
        ("(?i)denied by", "DENIED BY"), ("a|bcd", "a"), ("\\Qa.b\\E", "a.b"), ("\\x41BCD", "ABCD"),
        ("(?x) a b c d", "abcd"),
        ("user (?i)root", "user ROOT"), ("(?i:abc)def", "ABCdef"), ("gr\\p{L}n", "grün"), ("(\\w)abc\\1", "xabcx"),
        ("abc(?#comment)def", "abcdef"), ("abc\\Kdef", "abcdef"),
    ]) func whatIsNotPlainMatches(_ expression: String, _ text: String) throws {
        let bytes = Array(text.utf8)
        let found = try Pattern(expression).matches(bytes.span.bytes, Pattern.Scratch())
        #expect(found)
    }
}
