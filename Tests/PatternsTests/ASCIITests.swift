// SPDX-License-Identifier: Apache-2.0
import Patterns
import Testing

/// A text of ASCII alone is matched byte by byte, with the same answer and the same groups as character by character.
@Suite struct ASCIITests {
    /// Constructs that look at characters: types, classes, either case, boundaries, looking back, numbers of characters.
    static let expressions = [
        #"(\w+)[-:](\d+)"#, #"(?i)(K|s)[^a-z]+(\S*)"#, #"\b(\W+)\b"#, #"(?<=a|bc)(.)(?!x)"#, #"^(.{2,5}?)(\s)"#,
        #"(\x{e9}?)(a)"#, #"([^\x{e9}]+)$"#, #"(\p{Lu})(\P{L}*)"#, #"(?s)(.*)(b)"#, #"([[:alpha:]]+)([[:^space:]]*)"#,
        #"(\h+)(\v|\R|z)"#, #"([^\W_]+)(\D)$"#, #"(a|b)++(\S?)"#, #"(?m)^(\w)(.*)$"#, #"(?:\x{212a}|q)(K)"#,
        #"(\x{17f})"#,
        #"(?i)(\x{17f})"#, #"(?i)(\x{212a})"#, #"(\N)(\X)"#, #"\Q.\E(x?)"#, #"(?i)k(?=s|z)(?<=ak|sk)"#,
    ]

    /// The groups of a match, or nil.
    private func groups(_ pattern: Pattern, _ text: [UInt8]) -> [Range<Int>?]? {
        let scratch = Pattern.Scratch()
        guard pattern.matches(text.span.bytes, scratch) else { return nil }
        return (0...pattern.groupCount).map { pattern.range(of: $0, scratch) }
    }

    @Test(arguments: expressions, [[], .caseless, .multiline, .dotAll] as [Pattern.Options])
    func agreement(_ expression: String, _ options: Pattern.Options) throws {
        let pattern = try Pattern(expression, options: options)
        // Names a character beyond ASCII, and means the same.
        let other = try Pattern(expression + "(?:é){0}", options: options)
        let letters = Array("aAbBkKsSxz09_-:. \t\n\r[é".utf8.prefix { $0 < 0x80 })
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        var found = 0
        for round in 0..<3_000 {
            var text: [UInt8] = []
            // Lengths around the blocks that are looked at in one piece.
            for _ in 0..<(round % 90) {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text.append(letters[Int(state >> 33) % letters.count])
            }
            let expected = groups(other, text)
            #expect(groups(pattern, text) == expected, "\(String(decoding: text, as: UTF8.self))")
            if expected != nil { found += 1 }
        }
        #expect(found > 0 || expression.contains("17f") || expression.contains("212a") || expression.contains("Q"))
    }

    /// One character beyond ASCII, wherever it stands, makes the text one of characters.
    @Test func beyond() throws {
        let pattern = try Pattern("^a*(.)a*$")
        for count in 0..<150 {
            for place in stride(from: 0, to: count, by: 7) {
                let text = Array(
                    (String(repeating: "a", count: place) + "é" + String(repeating: "a", count: count)).utf8)
                #expect(groups(pattern, text)?[1] == place..<(place + 2))
            }
        }
    }
}
