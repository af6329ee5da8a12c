// SPDX-License-Identifier: Apache-2.0
import Foundation
import Patterns
import Testing

/// What an expression may do with a text from outside.
@Suite struct BoundTests {
    private static func matches(_ expression: String, _ text: String, _ scratch: borrowing Pattern.Scratch) throws
        -> Bool
    {
        let bytes = Array(text.utf8)
        return try Pattern(expression).matches(bytes.span.bytes, scratch)
    }

    @Test func exhaustionIsCounted() throws {
        let scratch = Pattern.Scratch()
        #expect(try !Self.matches("^(a+)+$", String(repeating: "a", count: 60) + "b", scratch))
        #expect(scratch.exhausted == 1 && scratch.takeExhausted() == 1 && scratch.takeExhausted() == 0)
        #expect(try Self.matches("^(a+)+b", String(repeating: "a", count: 60) + "b", scratch))
        #expect(try !Self.matches("c", "ab", scratch) && scratch.exhausted == 0)
    }

    /// A long text is searched to its end, in steps that begin with whole characters.
    @Test(arguments: ["x", "é", "€", "\u{1F3ED}"])
    func longTexts(_ letter: String) throws {
        let scratch = Pattern.Scratch()
        for length in [1_500, 5_000, 60_000] {
            let filling = String(repeating: letter, count: length / letter.utf8.count)
            #expect(try Self.matches("ab?\(letter)+y$", "ab\(filling)y", scratch))
            #expect(try Self.matches(#"^\D+y$"#, "\(filling)y", scratch))
            #expect(try Self.matches("(?<=\(letter))ab", "\(filling)ab", scratch))
            #expect(try Self.matches("(?<!y)ab$", "\(filling)ab", scratch))
            #expect(try !Self.matches("^ab", "\(filling)ab", scratch))
            #expect(try !Self.matches("ab", "\(filling)a", scratch))
            #expect(scratch.takeExhausted() == 0)
        }
        let range = try Pattern("a(b)").first(in: String(repeating: letter, count: 20_000) + "ab")
        #expect(range == 20_000 * letter.utf8.count..<20_000 * letter.utf8.count + 2)
    }

    /// No text makes it read where there is none, whatever its bytes.
    @Test func bytesThatAreNoText() throws {
        let scratch = Pattern.Scratch()
        for byte: UInt8 in [0x80, 0xBF, 0xC3, 0xE2, 0xF0, 0xFF, 0x00] {
            for count in [2_900, 10_000, 60_000] {
                let bytes = Array(repeating: byte, count: count) + Array("ab".utf8)
                #expect(try Pattern("ab").matches(bytes.span.bytes, scratch))
                #expect(try !Pattern("[b]a").matches(bytes.span.bytes, scratch))
            }
        }
    }

    /// Expressions that look at a text again from each of its places, and from each of what they found there. What the
    /// compiler demands of a text at once is in it.
    @Test(arguments: [
        #"\S+\(\d+\) %%"#, #"(?:(?<component>\w+)\[[^\]]*\]: )?\S+\(\d+\) (?<number>\d+) %% (?<text>.*)$"#,
        #"^.*?(?<src>[\d.]+|[\da-f:.]+)/(?<sport>\d+)->"#, #"x.*x.*[yz]"#, #"(x+x+)+[yz]"#, #"(?:x|x)*[yz]"#,
        #"(?=(x+))\1*[yz]"#,
    ])
    func time(_ expression: String) throws {
        let scratch = Pattern.Scratch()
        for (piece, length) in [("x", 65_536), ("1", 65_536), ("1/", 65_536), (" x", 65_536), ("x", 2_000)] {
            let text = String(repeating: piece, count: length / piece.count) + "(1) %% 1->"
            let began = Self.processorTime
            _ = try Self.matches(expression, text, scratch)
            let time = Self.processorTime - began
            #expect(time < 0.5, "\(time) s for \(length) × \(piece)")
        }
    }

    private static var processorTime: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

extension Pattern {
    /// Where the first match in a text stands.
    fileprivate func first(in text: String) -> Range<Int>? {
        let scratch = Pattern.Scratch()
        let bytes = Array(text.utf8)
        return matches(bytes.span.bytes, scratch) ? range(of: 0, scratch) : nil
    }
}
