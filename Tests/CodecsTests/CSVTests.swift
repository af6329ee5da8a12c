// SPDX-License-Identifier: Apache-2.0
import Codecs
import Testing
import Wire

@Suite("CSV records")
struct CSVTests {
    /// The fields' texts, unescaped when the reader says so; `…` behind one whose quote never ends.
    func fields(_ bytes: [UInt8], _ style: CSV.Style = .commas) -> [String] {
        let span = bytes.span.bytes
        var slab = Slab(capacity: 256)
        var reader = CSV(span, style: style)
        var result: [String] = []
        while let field = reader.next() {
            let raw = span.part(field.value)
            let text = field.hasEscapes ? slab.bytes(CSV.unescape(raw, style, into: &slab)).text : raw.text
            if !field.hasEscapes, field.isQuoted {
                // Nothing is there to unescape then.
                let copy = CSV.unescape(raw, style, into: &slab)
                #expect(slab.bytes(copy).text == text)
            }
            result.append(field.isUnterminated ? text + "…" : text)
        }
        #expect(reader.next() == nil)
        return result
    }

    @Test(
        "fields",
        arguments: [
            ("", []), ("a", ["a"]), (",", ["", ""]), ("a,b,", ["a", "b", ""]),
            (#"1,"a, b","say ""x""",,2"#, ["1", "a, b", #"say "x""#, "", "2"]),
            ("\"\"\",\"\"\",\"a\"", ["\",\"", "a"]),
            (#"a"b,c "d" e"#, [#"a"b"#, #"c "d" e"#]),
            (#""a"b,c"#, [#""a"b"#, "c"]), (#""a,b"c,d"#, [#""a,b"c"#, "d"]),
            (#"a,"b,c"#, ["a", "b,c…"]), (#"a,"b"",c"#, ["a", #"b",c…"#]), (#"""#, ["…"]),
            (#""""#, [""]), (#""""""#, [#"""#]), ("\"a\r\nb\",c", ["a\r\nb", "c"]),
            (#""C:\",b"#, [#"C:\"#, "b"]), (#" a , "b" "#, [" a ", #" "b" "#]),
        ] as [(String, [String])])
    func table(_ text: String, _ expected: [String]) {
        #expect(fields(Array(text.utf8)) == expected)
    }

    @Test("backslashes, as PAN-OS custom formats write them")
    func backslashes() {
        let style = CSV.Style(hasBackslashes: true)
        #expect(
            fields(Array(#"1,"say \"x\", ok","C:\temp\\",2"#.utf8), style) == ["1", #"say "x", ok"#, #"C:\temp\"#, "2"])
        #expect(fields(Array(#""a\",b"#.utf8), style) == [#"a",b…"#])
        #expect(fields(Array(#"\"a,b"#.utf8), style) == [#"\"a"#, "b"])
        #expect(fields(Array(#""a""b\"c""#.utf8), style) == [#"a"b"c"#])
    }

    @Test("separators")
    func separators() throws {
        #expect(fields(Array("a\t\"b\"\t".utf8), .tabs) == ["a", "\"b\"", ""])
        #expect(fields(Array("a|'b|c'|d".utf8), CSV.Style(separator: 0x7C, quote: 0x27)) == ["a", "b|c", "d"])
        #expect(
            fields(Array(" a ; \"b; c\" ;d e; ".utf8), CSV.Style(separator: 0x3B, trimsBlanks: true))
                == ["a", "b; c", "d e", ""])
        #expect(fields(Array("a  b".utf8), CSV.Style(separator: 0x20, trimsBlanks: true)) == ["a", "", "b"])
        let snare = try #require(CSV.Style(separatorText: "#011", quote: nil))
        #expect(
            fields(Array("host#011MSWinEventLog#0111#011#01#0110#".utf8), snare)
                == ["host", "MSWinEventLog", "1", "#01", "0#"])
        let quoted = try #require(CSV.Style(separatorText: "||"))
        #expect(fields(Array("a|b||\"c||d\"||e|".utf8), quoted) == ["a|b", "c||d", "e|"])
        #expect(CSV.Style(separatorText: "") == nil && CSV.Style(separatorText: "#0110") == nil)
    }

    @Test("a part of a line")
    func part() {
        let bytes = Array("xx a,b yy".utf8)
        let span = bytes.span.bytes
        var reader = CSV(span, Extent(3..<6))
        #expect(reader.next()?.value == Extent(3..<4))
        #expect(reader.next()?.value == Extent(5..<6))
        #expect(reader.next() == nil)
        var outside = CSV(span, Extent(offset: 900, length: 9))
        #expect(outside.next() == nil)
    }

    /// Writes fields as RFC 4180 has it.
    func joined(_ fields: [[UInt8]], _ style: CSV.Style, _ separator: [UInt8], _ random: inout SeededGenerator)
        -> [UInt8]
    {
        var line: [UInt8] = []
        for (index, field) in fields.enumerated() {
            if index > 0 { line += separator }
            let quote: UInt8 = 0x22
            line.append(quote)
            for byte in field {
                if byte == quote || style.hasBackslashes && byte == 0x5C {
                    line.append(style.hasBackslashes && (byte == 0x5C || random.next() % 2 == 0) ? 0x5C : quote)
                }
                line.append(byte)
            }
            line.append(quote)
        }
        return line
    }

    @Test("what was joined is split")
    func joins() throws {
        var random = SeededGenerator(state: 41)
        let alphabet = Array("\",|#01\\ ab\n\tc".utf8)
        for round in 0..<3_000 {
            let hasBackslashes = round % 2 == 0
            let separator = [",", "|", "#011", "\t"][round % 4]
            let style = try #require(CSV.Style(separatorText: separator, hasBackslashes: hasBackslashes))
            let parts = (0...(random.next() % 6)).map { _ in
                (0..<(random.next() % 40)).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] }
            }
            let line = joined(parts, style, Array(separator.utf8), &random)
            #expect(fields(line, style) == parts.map { String(decoding: $0, as: UTF8.self) })
        }
    }

    @Test("random bytes: every byte is in a field or beside one, in order")
    func fuzz() throws {
        var random = SeededGenerator(state: 42)
        let alphabet = Array("\",,\\# 01a\t\u{FF}".utf8)
        let styles = [
            .commas, .tabs, CSV.Style(hasBackslashes: true, trimsBlanks: true),
            try #require(CSV.Style(separatorText: "#01", trimsBlanks: true)),
        ]
        for round in 0..<8_000 {
            let bytes = (0..<(random.next() % 90)).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] }
            let span = bytes.span.bytes
            var reader = CSV(span, style: styles[round % styles.count])
            var end: UInt32 = 0
            var count = 0
            while let field = reader.next() {
                #expect(field.value.offset >= end && field.value.end <= UInt32(bytes.count))
                end = field.value.end
                count += 1
            }
            #expect(count <= bytes.count + 1 && (count > 0) == !bytes.isEmpty)
        }
    }
}
