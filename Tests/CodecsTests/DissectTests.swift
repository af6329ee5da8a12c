// SPDX-License-Identifier: Apache-2.0
import Codecs
import Testing
import Wire

@Suite("Dissect")
struct DissectTests {
    func cut(_ pattern: String, _ line: String) throws -> [String]? {
        let pattern = try Dissect.Pattern(pattern)
        let bytes = Array(line.utf8)
        let span = bytes.span.bytes
        var fields: [Extent] = Array(repeating: Extent(5..<9), count: 3)
        guard pattern.match(span, into: &fields) else { return nil }
        #expect(fields.count == pattern.names.count)
        return zip(pattern.names, fields).map { $0 + "→" + span.part($1).text }
    }

    @Test(
        "lines",
        arguments: [
            ("%{a}", "all of it", ["a→all of it"]), ("%{a} %{b}", "one two three", ["a→one", "b→two three"]),
            ("%{a} %{b}", "one", nil), ("%{a} %{b}", " one", ["a→", "b→one"]),
            ("<%{pri}>%{rest}", "<14>x", ["pri→14", "rest→x"]), ("<%{pri}>%{rest}", "x<14>x", nil),
            ("%{} %{?who} %{c}", "a b c", ["c→c"]),
            ("%{a->} %{b}", "one     two", ["a→one", "b→two"]), ("%{a} %{b}", "one  two", ["a→one", "b→ two"]),
            ("%{a->}, %{b}", "one, , ,two", ["a→one", "b→,two"]), ("%{->} %{b}", "x   y", ["b→y"]),
            ("%{?skip->} %{b}", "x   y", ["b→y"]), ("[%{a}]", "[x] more", ["a→x"]), ("[%{a}]", "[x", nil),
            (
                "%{[src][ip]}:%{@port} -> %{dst.ip}", "1.2.3.4:5 -> 6.7.8.9",
                ["[src][ip]→1.2.3.4", "@port→5", "dst.ip→6.7.8.9"]
            ),
            ("100% %{a}%", "100% x%", ["a→x"]), ("%{a} %{b}", "", nil), ("%{a}", "", ["a→"]),
            ("%{ip} – %{b}", "1 – ä", ["ip→1", "b→ä"]),
        ] as [(String, String, [String]?)])
    func lines(_ pattern: String, _ line: String, _ expected: [String]?) throws {
        #expect(try cut(pattern, line) == expected)
    }

    @Test(
        "mistakes",
        arguments: [
            ("", .noField, 0), ("text", .noField, 0), ("%{a", .unclosedField, 0), ("x %{a} %{b", .unclosedField, 7),
            ("%{a}%{b}", .adjacentFields, 4), ("%{a} %{a}", .repeatedName, 7), ("%{a} %{+b}", .unsupportedModifier, 7),
            ("%{&b}", .unsupportedModifier, 2), ("%{*b}", .unsupportedModifier, 2), ("%{a b}", .badName, 3),
            ("%{a%{b}", .badName, 3), ("%{a->x}", .badName, 4),
        ] as [(String, Dissect.Problem.Reason, Int)])
    func mistakes(_ pattern: String, _ reason: Dissect.Problem.Reason, _ offset: Int) {
        do {
            _ = try Dissect.Pattern(pattern)
            Issue.record("\(pattern) was compiled")
        } catch {
            #expect(error.reason == reason && error.offset == offset, "\(pattern): \(error)")
            #expect(error.description.hasPrefix("offset \(offset): "))
        }
    }

    @Test("as many fields as are allowed, and one more")
    func bounds() throws {
        let most = Dissect.Pattern.maximumFields
        let pattern = (0..<most).map { "%{f\($0)}" }.joined(separator: " ")
        #expect(try Dissect.Pattern(pattern).names.count == most)
        #expect(throws: Dissect.Problem.self) { try Dissect.Pattern(pattern + " %{more}") }
    }

    @Test("a part of a line")
    func part() throws {
        let bytes = Array("xx a-b yy".utf8)
        let span = bytes.span.bytes
        let pattern = try Dissect.Pattern("%{a}-%{b}")
        var fields: [Extent] = []
        #expect(pattern.match(span, Extent(3..<6), into: &fields))
        #expect(fields == [Extent(3..<4), Extent(5..<6)])
        #expect(!pattern.match(span, Extent(5..<9), into: &fields))
        #expect(!pattern.match(span, Extent(offset: 900, length: 9), into: &fields))
    }

    @Test("what was joined is split")
    func joins() throws {
        var random = SeededGenerator(state: 43)
        let texts = [" ", "::", " - ", "] [", "|", "\t", " port ", "é"]
        for _ in 0..<2_000 {
            var pattern = ""
            var line = ""
            var values: [String] = []
            for index in 0...Int(random.next() % 8) {
                if index > 0 || random.next() % 2 == 0 {
                    let text = texts[Int(random.next() % UInt64(texts.count))]
                    pattern += text
                    line += text
                }
                // Of other characters than the texts.
                let value = String((0..<(random.next() % 30)).map { _ in "abcXYZ019.".randomElement(using: &random)! })
                pattern += "%{f\(index)}"
                line += value
                values.append("f\(index)→" + value)
            }
            #expect(try cut(pattern, line) == values, "\(pattern): \(line)")
        }
    }

    @Test("random patterns and lines")
    func fuzz() {
        var random = SeededGenerator(state: 44)
        let parts = ["%{", "}", "a", "b", "->", "?", "+", " ", "%", "|", "c d"]
        var compiled = 0
        for _ in 0..<20_000 {
            let text = (0..<(random.next() % 12)).map { _ in parts[Int(random.next() % UInt64(parts.count))] }.joined()
            do {
                let pattern = try Dissect.Pattern(text)
                compiled += 1
                let bytes = (0..<(random.next() % 30)).map { _ in Array("a b|%c".utf8)[Int(random.next() % 6)] }
                var fields: [Extent] = []
                if pattern.match(bytes.span.bytes, into: &fields) {
                    for (field, next) in zip(fields, fields.dropFirst()) { #expect(field.end <= next.offset) }
                    #expect(fields.allSatisfy { $0.end <= UInt32(bytes.count) })
                }
            } catch {
                #expect(error.offset >= 0 && error.offset <= text.utf8.count)
            }
        }
        #expect(compiled > 100)
    }
}
