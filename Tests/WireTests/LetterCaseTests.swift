// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

struct LetterCaseTests {
    /// As the definition has it: at some place every byte, with ASCII capitals small, is that of the text.
    private func holds(_ text: [UInt8], _ lower: [UInt8]) -> Bool {
        let small = text.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        guard lower.count <= small.count else { return false }
        return (0...small.count - lower.count).contains { Array(small[$0..<$0 + lower.count]) == lower }
    }

    /// Few different bytes, so that texts are often held, with those that differ from letters in one bit.
    @Test func searchesAsTheDefinitionSays() {
        var random = Random(7)
        let bytes: [UInt8] = [0x61, 0x41, 0x62, 0x5B, 0x7B, 0x40, 0x60, 0xC1, 0xE1, 0x20]
        let lowers = bytes.filter { !(0x41...0x5A).contains($0) }
        var hits = 0
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0..<80, using: &random)).map { _ in
                bytes[Int.random(in: 0..<bytes.count, using: &random)]
            }
            let lower = (0..<Int.random(in: 0..<5, using: &random)).map { _ in
                lowers[Int.random(in: 0..<lowers.count, using: &random)]
            }
            let found = text.span.bytes.containsIgnoringCase(lower.span.bytes)
            #expect(found == holds(text, lower))
            if found { hits += 1 }
        }
        #expect(hits > 1_000 && hits < 19_000)
    }

    @Test func lettersOfOtherAlphabetsKeepTheirCase() {
        #expect(contains("Überschuß CEF:0", "cef:") && contains("x", "") && !contains("", "x"))
        #expect(!contains("Überschuß CEF:0", "überschuß") && contains("Überschuß CEF:0", "Überschuß"))
        #expect(equals("TRUE", "true") && !equals("[", "{") && !equals("tru", "true"))
    }

    private func contains(_ text: String, _ lower: String) -> Bool {
        let (text, lower) = (Array(text.utf8), Array(lower.utf8))
        return text.span.bytes.containsIgnoringCase(lower.span.bytes)
    }

    private func equals(_ text: String, _ lower: StaticString) -> Bool {
        let text = Array(text.utf8)
        return text.span.bytes.equalsIgnoringCase(lower)
    }
}
