// SPDX-License-Identifier: Apache-2.0
import Codecs
import Testing
import Wire

@Suite("Event XML")
struct EventXMLTests {
    /// The tokens as text (`<name`, `@name=value`, `text`, `>name`), and at the end what a fault said.
    func tokens(_ bytes: [UInt8]) -> [String] {
        let span = bytes.span.bytes
        var slab = Slab(capacity: 256)
        func text(_ value: EventXML.Text) -> String {
            let raw = span.part(value.extent)
            guard value.hasEntities else {
                #expect(raw.firstIndex(of: 0x26) == nil || bytes.span.bytes.firstRange(of: "CDATA") != nil)
                return raw.text
            }
            let copy = EventXML.unescape(raw, into: &slab)
            #expect(copy.length <= value.extent.length)
            return slab.bytes(copy).text
        }
        var reader = EventXML(span)
        var result: [String] = []
        do {
            while let token = try reader.next() {
                switch token {
                case .start(let name): result.append("<" + span.part(name).text)
                case .attribute(let name, let value): result.append("@" + span.part(name).text + "=" + text(value))
                case .text(let value): result.append(text(value))
                case .end(let name): result.append(">" + span.part(name).text)
                }
            }
            #expect(reader.depth == 0)
        } catch {
            result.append("\(error)")
        }
        return result
    }

    func tokens(_ text: String) -> [String] { tokens(Array(text.utf8)) }

    @Test("an event as Windows writes it")
    func event() {
        let text =
            "\u{FEFF}<?xml version=\"1.0\"?>\n<Event xmlns='http://x'>\r\n <System><Provider Name='A &amp; B'/>"
            + "<EventID Qualifiers = \"0\" >4624</EventID></System><EventData><Data Name='User'>o&apos;x</Data>"
            + "<Data>v</Data><Data/></EventData></Event>\n trailing"
        #expect(
            tokens(text) == [
                "<Event", "@xmlns=http://x", "<System", "<Provider", "@Name=A & B", ">Provider", "<EventID",
                "@Qualifiers=0", "4624", ">EventID", ">System", "<EventData", "<Data", "@Name=User", "o'x", ">Data",
                "<Data", "v", ">Data", "<Data", ">Data", ">EventData", ">Event",
            ])
    }

    @Test("the path of a token, and where the record ends")
    func path() throws {
        let bytes = Array("<a><b><c>x</c></b></a><a/>".utf8)
        let span = bytes.span.bytes
        var reader = EventXML(span)
        var deepest: [String] = []
        while let token = try reader.next() {
            if case .text = token {
                deepest = (0..<reader.depth).compactMap { level in reader.name(at: level).map { span.part($0).text } }
                #expect(reader.name(at: 3) == nil && reader.name(at: -1) == nil)
            }
        }
        #expect(deepest == ["a", "b", "c"] && reader.position == 22)
        var second = EventXML(span, Extent(reader.position..<bytes.count))
        #expect(try second.next() == .start(name: Extent(23..<24)))
    }

    @Test(
        "what is passed over, and what stands",
        arguments: [
            ("<a><!-- <b> --> x <?p <c>?></a>", ["<a", " x ", ">a"]),
            ("<a><![CDATA[<b> & ]] >]]></a>", ["<a", "<b> & ]] >", ">a"]), ("<a><![CDATA[]]></a>", ["<a", ">a"]),
            ("<!DOCTYPE a [<!ENTITY x \"]>\"><!-- ' --><?p ]?>]><a>&x;</a>", ["<a", "&x;", ">a"]),
            ("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x1F600;&#10;</a>", ["<a", "<>&\"'A\u{1F600}\n", ">a"]),
            (
                "<a>&amp;lt; & &; &#; &#x; &#0; &#xD800; &#x110000; &#123456789; &nbsp;</a>",
                ["<a", "&lt; & &; &#; &#x; &#0; &#xD800; &#x110000; &#123456789; &nbsp;", ">a"]
            ),
            ("<a x='1'y=\"<>'&#9;\"/>", ["<a", "@x=1", "@y=<>'\t", ">a"]),
            ("<e:a xmlns:e='u'></e:a >", ["<e:a", "@xmlns:e=u", ">e:a"]), ("<a>x]]>y</a>", ["<a", "x]]>y", ">a"]),
        ] as [(String, [String])])
    func tolerance(_ text: String, _ expected: [String]) { #expect(tokens(text) == expected) }

    @Test(
        "faults",
        arguments: [
            ("", .truncated(at: 0)), (" ", .truncated(at: 1)), ("x", .malformed(at: 0)), (" x<a/>", .malformed(at: 1)),
            ("<", .truncated(at: 1)), ("< a/>", .malformed(at: 1)), ("<a", .truncated(at: 2)),
            ("<a>", .truncated(at: 3)), ("<a>x", .truncated(at: 4)), ("<a></b>", .mismatched(at: 3)),
            ("</a>", .mismatched(at: 0)), ("<a><b></a>", .mismatched(at: 6)), ("<a b/>", .malformed(at: 4)),
            ("<a b=c/>", .malformed(at: 5)), ("<a b='c/>", .truncated(at: 9)), ("<a / >", .malformed(at: 4)),
            ("<a><!-- </a>", .truncated(at: 12)), ("<a><![CDATA[</a>", .truncated(at: 16)),
            ("<a><!DOCTYPE a></a>", .malformed(at: 3)), ("<![CDATA[x]]><a/>", .malformed(at: 0)),
            ("<!DOCTYPE a [ [ ]><a/>", .malformed(at: 14)), ("<!DOCTYPE a [<!ENTITY x 'y>", .truncated(at: 27)),
            ("<a></a", .truncated(at: 6)), ("<a></a b>", .malformed(at: 7)),
        ] as [(String, EventXML.Fault)])
    func faults(_ text: String, _ fault: EventXML.Fault) { #expect(tokens(text).last == "\(fault)", "\(text)") }

    @Test("bounds")
    func bounds() {
        func nested(_ depth: Int) -> String {
            String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
        }
        #expect(tokens(nested(EventXML.maximumDepth)).count == EventXML.maximumDepth * 2)
        #expect(tokens(nested(EventXML.maximumDepth + 1)).last == "\(EventXML.Fault.tooDeep(at: 96))")
        let most = EventXML.maximumElements
        #expect(tokens("<r>" + String(repeating: "<a/>", count: most - 1) + "</r>").last == ">r")
        #expect(
            tokens("<r>" + String(repeating: "<a/>", count: most) + "</r>").last
                == "\(EventXML.Fault.tooManyElements(at: 3 + 4 * (most - 1)))")
        let attributes = EventXML.maximumAttributes
        #expect(tokens("<r" + String(repeating: " a=''", count: attributes) + "/>").last == ">r")
        #expect(
            tokens("<r" + String(repeating: " a=''", count: attributes + 1) + "/>").last
                == "\(EventXML.Fault.tooManyAttributes(at: 3 + 5 * attributes))")
    }

    @Test("entities that would grow stay as they are written")
    func laughs() {
        var text = "<!DOCTYPE lolz [<!ENTITY a0 \"lol\">"
        for level in 1...9 {
            text += "<!ENTITY a\(level) \"" + String(repeating: "&a\(level - 1);", count: 10) + "\">"
        }
        #expect(tokens(text + "]><lolz>&a9;</lolz>") == ["<lolz", "&a9;", ">lolz"])
    }

    @Test("what was written is read")
    func joins() {
        var random = SeededGenerator(state: 45)
        let characters: [Character] = ["a", "B", " ", "<", ">", "&", "\"", "'", "é", "\u{1F600}", "]", "\\", ";", "#"]
        func escaped(_ text: String) -> String {
            text.map { character in
                switch character {
                case "<": "&lt;"
                case ">": "&gt;"
                case "&": random.next() % 2 == 0 ? "&amp;" : "&#38;"
                case "\"": "&quot;"
                case "'": random.next() % 2 == 0 ? "&apos;" : "&#x27;"
                default: String(character)
                }
            }.joined()
        }
        for _ in 0..<500 {
            var text = "<r>"
            var expected = ["<r"]
            for index in 0..<(random.next() % 8) {
                let values = (0..<2).map { _ in
                    "x" + String((0..<(random.next() % 40)).map { _ in characters.randomElement(using: &random)! })
                }
                text += "<d n='\(escaped(values[0]))' i=\"\(index)\">\(escaped(values[1]))</d> "
                expected += ["<d", "@n=" + values[0], "@i=\(index)", values[1], ">d"]
            }
            #expect(tokens(text + "</r>") == expected + [">r"])
        }
    }

    @Test("mutated records end, with tokens in order")
    func fuzz() {
        var random = SeededGenerator(state: 46)
        let seed = Array(
            ("<?xml?><!DOCTYPE a [ <!ENTITY b 'c'> ]><a b='c' d=\"e&amp;\"><!-- f --><g>h&#105;</g><j/><![CDATA[k]]>"
                + "</a>").utf8)
        let alphabet = Array("<>/='\"&![]-? ;#a\u{FF}".utf8)
        for _ in 0..<10_000 {
            var bytes = seed
            for _ in 0..<(1 + random.next() % 6) {
                let index = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 3 {
                case 0: bytes[index] = alphabet[Int(random.next() % UInt64(alphabet.count))]
                case 1: bytes.remove(at: index)
                default: bytes.insert(alphabet[Int(random.next() % UInt64(alphabet.count))], at: index)
                }
            }
            #expect(tokens(bytes).count <= bytes.count + 1)
        }
    }
}
