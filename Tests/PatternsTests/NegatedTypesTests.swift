// SPDX-License-Identifier: Apache-2.0
import Patterns
import Testing

/// `\D`, `\S` and `\W` take characters beyond ASCII, however the matcher works.
@Suite struct NegatedTypesTests {
    private static func matches(_ expression: String, _ text: String) throws -> Bool {
        let bytes = Array(text.utf8)
        return try Pattern(expression).matches(bytes.span.bytes, Pattern.Scratch())
    }

    @Test(arguments: ["é", "€", "\u{1F3ED}", "z", "\u{FFFD}"])
    func beyondASCII(_ letter: String) throws {
        for type in [#"\S"#, #"\D"#] {
            for rest in ["$", "y?$", "+$", "{1,3}$", "*?$", "++$"] {
                #expect(try Self.matches("^\(type)\(rest)", letter), "\(type)\(rest)")
                #expect(try Self.matches("^(?:\(type))\(rest)", letter), "(\(type))\(rest)")
            }
            #expect(try Self.matches("user=(\(type)+) ", "user=J\(letter)rgen from"))
        }
        #expect(try Self.matches(#"^\W$"#, letter) == (letter != "z"))
    }

    /// What each of them means is the same in and out of classes, and what looks like one stays what it is.
    @Test func meaning() throws {
        #expect(try !Self.matches(#"^\S$"#, " ") && !Self.matches(#"^\D$"#, "7") && !Self.matches(#"^\W$"#, "w"))
        #expect(try Self.matches(#"^[\S]$"#, "é") && !Self.matches(#"^[^\S]$"#, "é"))
        #expect(
            try Self.matches(#"^[]\S]$"#, "]") && Self.matches(#"^[^]\S]$"#, " ") && Self.matches(#"^[\]\S]x$"#, "éx"))
        #expect(try Self.matches(#"^[[:digit:]\D]$"#, "é") && Self.matches(#"^[[:digit:]]\D$"#, "7é"))
        #expect(try Self.matches(#"^[[:]\D$"#, "[é") && Self.matches(#"^[:[]\D$"#, "[é"))
        #expect(try Self.matches(#"^\Q\S\E$"#, #"\S"#) && Self.matches(#"^[\Q]\S\E]$"#, "S"))
        #expect(
            try Self.matches(#"^\\S$"#, #"\S"#) && !Self.matches(#"^\\S$"#, "é") && Self.matches(#"^\\\S$"#, #"\é"#))
        #expect(try Self.matches(#"^\cS\S$"#, "\u{13}é"))
    }

    @Test func faultsAreToldAsWritten() {
        #expect { try Pattern(#"\S\S(a"#) } throws: { ($0 as? Pattern.Failure)?.offset == 6 }
    }
}
