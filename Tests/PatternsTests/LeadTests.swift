// SPDX-License-Identifier: Apache-2.0
import Patterns
import Testing

/// A match is not started when the text does not begin as every match does. What an expression finds must not depend on
/// that: each is compared with itself in a group, which has no such beginning.
@Suite struct LeadTests {
    private static let expressions = [
        #"^Accepted (?<method>\S+) for"#, #"^\s*Accepted \S+"#, #"^\s*+Failed (?:a|b)"#, #"^\s*?ab"#, #"^\s* ab"#,
        #"^abc?d"#, #"^abc*"#, #"^abc{0,1}"#, #"^ab{2}c"#, #"^ab+c"#, #"^a"#, #"^\[a\]b"#, #"^\.\*\+"#, #"^a|^b"#,
        #"^ab|cd"#, #"^ab(?:c|d)"#, #"^ab[|]c"#, #"^ab[]|]c"#, #"^ab[^]|]c"#, #"^ab[[:alpha:]|]c"#, #"^ab\|c"#,
        #"^ab\Q|\Ec"#, #"^(?x)a b"#, #"^a(?x: b | c )"#, #"^a(?i)B"#, #"^(?i)ab"#, #"^ab(?#|)c"#, #"^ab$"#, #"^$"#,
        #"^"#,
        #"^abcdefghij"#, #"^abcdefgh"#, #"^\d+ab"#, #"^é|b"#, #"^aé?b"#, #"^\x41b"#, #"^ab(?=c)"#, #"^ab|"#,
        #"^(?:ab|cd)e"#, #"^ab.c"#, #"^ab(c(d|e)|f)g"#, #"^\s*\s*ab"#, #"^a\|b|c"#, #"ab"#, #"^ab[\]|]c"#,
    ]

    private static let pieces = [
        "a", "b", "c", "d", "ab", "abc", "abcdefgh", "ij", " ", "\t", "\n", "\u{0B}", "|", "]", "[a]b", ".*+", "é",
        "\u{A0}", "B",
        "A", "1", "Accepted x for", "Failed a", "e", "g", "\\", "", "abcde",
    ]

    private static func found(_ pattern: Pattern, _ text: [UInt8]) -> [Range<Int>?] {
        let scratch = Pattern.Scratch()
        guard pattern.matches(text.span.bytes, scratch) else { return [] }
        return (0...pattern.groupCount).map { pattern.range(of: $0, scratch) }
    }

    @Test func matchesAreThoseOfTheExpression() throws {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        func random(_ below: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % below
        }
        var matched = 0
        for expression in LeadTests.expressions {
            let pattern = try Pattern(expression)
            let reference = try Pattern("(?:\(expression))")
            for _ in 0..<2_000 {
                var text = (0..<random(5)).flatMap { _ in Array(LeadTests.pieces[random(LeadTests.pieces.count)].utf8) }
                if random(20) == 0 { text.append(0xFF) }
                let wanted = LeadTests.found(reference, text)
                #expect(
                    LeadTests.found(pattern, text) == wanted,
                    "\(expression) on \(String(decoding: text, as: UTF8.self))")
                matched += wanted.isEmpty ? 0 : 1
            }
        }
        #expect(matched > 5_000)
    }

    @Test func optionsThatChangeTheBeginning() throws {
        let scratch = Pattern.Scratch()
        #expect(try Pattern("^ab", options: .caseless).matches(Array("AB".utf8).span.bytes, scratch))
        #expect(try Pattern("^ab", options: .multiline).matches(Array("x\nab".utf8).span.bytes, scratch))
        #expect(try !Pattern("^ab").matches(Array("x\nab".utf8).span.bytes, scratch))
        #expect(try Pattern("^").matches([UInt8]().span.bytes, scratch))
    }
}
