// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Patterns
import Synchronization
import Testing

/// Machine code is made when an expression is asked first, which may be by several threads at once.
struct FirstMatchTests {
    @Test func threads() throws {
        for round in 0..<200 {
            let pattern = try Pattern(#"^(?<a>\w+)-(?<b>\d+)(?:x|yy|z{2,9})*\#(round)$"#)
            let text = Array("word-17yyx\(round)".utf8)
            let right = Atomic(0)
            DispatchQueue.concurrentPerform(iterations: 8) { _ in
                let scratch = Pattern.Scratch()
                if pattern.matches(text.span.bytes, scratch), pattern.range(of: 2, scratch) == 5..<7 {
                    right.add(1, ordering: .relaxed)
                }
            }
            #expect(right.load(ordering: .relaxed) == 8)
        }
    }

    /// The first text has the same bounds as all others.
    @Test func bounds() throws {
        let scratch = Pattern.Scratch()
        let text = Array(String(repeating: "a", count: 60).utf8) + [0x62]
        let pattern = try Pattern("^(a+)+$")
        #expect(!pattern.matches(text.span.bytes, scratch) && scratch.takeExhausted() == 1)
        #expect(!pattern.matches(text.span.bytes, scratch) && scratch.takeExhausted() == 1)
        let empty: [UInt8] = []
        #expect(try Pattern("^$").matches(empty.span.bytes, scratch))
    }
}
