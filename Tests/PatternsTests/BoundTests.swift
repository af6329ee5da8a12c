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

    /// In a long text a match begins near the beginning, or where the expression demands it.
    @Test func longTexts() throws {
        let scratch = Pattern.Scratch()
        for length in [5_000, 60_000, 1_000_000] {
            let filling = String(repeating: "x", count: length)
            #expect(try Self.matches("ab?x+y$", "ab\(filling)y", scratch))
            #expect(try Self.matches(#"^\w+y$"#, "\(filling)y", scratch))
            #expect(scratch.takeExhausted() == 0)
        }
        let filling = String(repeating: "x", count: 60_000)
        #expect(try !Self.matches("ab", "\(filling)ab", scratch))
        #expect(scratch.takeExhausted() == 1)
        // Where only the beginning counts, nothing was given up.
        #expect(try !Self.matches("^ab", "\(filling)ab", scratch) && scratch.takeExhausted() == 0)
        let short = String(repeating: "x", count: 5_000)
        #expect(try Self.matches("ab", "\(short)ab", scratch) && scratch.takeExhausted() == 0)
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
