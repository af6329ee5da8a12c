// SPDX-License-Identifier: Apache-2.0
import Codecs
import Foundation
import Testing
import Wire

/// What a reader finds, as strings.
enum PayloadText {
    static func cef(_ bytes: [UInt8], separator: UInt8 = 0x20) -> [String: String]? {
        let span = bytes.span.bytes
        guard let header = CEF(span) else { return nil }
        var slab = Slab(capacity: 256)
        func text(_ extent: Extent) -> String { slab.bytes(CEF.unescapeHeader(span.part(extent), into: &slab)).text }
        var result = [
            "cef_version": text(header.version), "device_vendor": text(header.vendor),
            "device_product": text(header.product), "device_version": text(header.deviceVersion),
            "device_event_class_id": text(header.classID), "event_name": text(header.name),
            "agent_severity": text(header.severity),
        ]
        var pairs = header.pairs(of: span, separator: separator)
        while let (key, value) = pairs.next() {
            result[span.part(key).text] = slab.bytes(CEF.unescapeValue(span.part(value), into: &slab)).text
        }
        return result
    }

    static func leef(_ bytes: [UInt8], delimiter: UInt8? = nil) -> [String: String]? {
        let span = bytes.span.bytes
        guard let header = LEEF(span) else { return nil }
        var result = [
            "leef_version": span.part(header.version).text, "vendor_name": span.part(header.vendor).text,
            "product_name": span.part(header.product).text, "product_version": span.part(header.productVersion).text,
            "event_id": span.part(header.eventID).text,
        ]
        var pairs = header.pairs(of: span, delimiter: delimiter)
        while let pair = pairs.next() { result[span.part(pair.key).text] = span.part(pair.value).text }
        return result
    }

    static func keyValue(_ text: String, _ style: KeyValue.Style = .blanks) -> [String] {
        let bytes = Array(text.utf8)
        let span = bytes.span.bytes
        var slab = Slab(capacity: 256)
        var result: [String] = []
        var pairs = KeyValue(span, style: style)
        while let pair = pairs.next() {
            let raw = span.part(pair.value)
            let value = pair.isQuoted ? slab.bytes(KeyValue.unescape(raw, into: &slab)).text : raw.text
            result.append(pair.isFlag ? span.part(pair.key).text : span.part(pair.key).text + "→" + value)
        }
        return result
    }
}

@Suite("Payload readers")
struct PayloadTests {
    @Test("CEF inside a message, with escapes")
    func cef() throws {
        let line =
            #"<14>Mar 5 10:00:00 h CEF: 0|a\|b|c\\|1.0|id=1|x = y|5|msg=a\=b c  src=1.2.3.4 path=C:\new\\table "#
            + #"act=x\ny cs1Label=The Name k="#
        let fields = try #require(PayloadText.cef(Array(line.utf8)))
        #expect(fields["device_vendor"] == "a|b" && fields["device_product"] == "c\\")
        #expect(fields["device_event_class_id"] == "id=1" && fields["event_name"] == "x = y")
        #expect(fields["msg"] == "a=b c " && fields["src"] == "1.2.3.4")
        #expect(fields["act"] == "x\ny" && fields["cs1Label"] == "The Name" && fields["k"] == "")
        #expect(PayloadText.cef(Array("CEF:0|a|b|c|d|e|5".utf8))?["agent_severity"] == "5")
        for text in ["", "CEF:", "CEF:0|a|b", "CEF:x|a|b|c|d|e|5|", "XCEF:0|a|b|c|d|e|5|"] {
            #expect(PayloadText.cef(Array(text.utf8)) == nil, "\(text)")
        }
    }

    @Test("LEEF delimiters")
    func leef() throws {
        #expect(PayloadText.leef(Array("LEEF:2.0|v|p|1|e|x5E|a=1^b=2 3".utf8))?["b"] == "2 3")
        #expect(PayloadText.leef(Array("h LEEF:1.0|v|p|1|e|a=1\tb=x|y".utf8))?["b"] == "x|y")
        #expect(PayloadText.leef(Array("LEEF:1.0|v|p|1".utf8)) == nil)
    }

    @Test("key-value text")
    func keyValue() {
        #expect(
            PayloadText.keyValue("[12.5] IN=eth0 OUT= SRC=10.0.0.1 LEN=60 DF PROTO=TCP SYN")
                == ["[12.5]", "IN→eth0", "OUT→", "SRC→10.0.0.1", "LEN→60", "DF", "PROTO→TCP", "SYN"])
        #expect(
            PayloadText.keyValue(#"date=2026-03-05 msg="a \"b\" = c" path="C:\" x="" y="open"#)
                == ["date→2026-03-05", "msg→a \"b\" = c", "path→C:\\", "x→", "y→\"open"])
        #expect(
            PayloadText.keyValue(#"action:"Drop"; flags:"411908"; src: "10.0.0.1"; "#, .semicolons)
                == ["action→Drop", "flags→411908", "src→10.0.0.1"])
        #expect(PayloadText.keyValue("a=1, b=2 3,c", .commas) == ["a→1", "b→2 3", "c"])
        #expect(PayloadText.keyValue("  ") == [])
    }

    @Test("random bytes end every walk")
    func fuzz() {
        var random = SeededGenerator(state: 27)
        let alphabet = Array("=|\\ \t\"ab:;CEFL0,\n\u{FF}".utf8)
        for _ in 0..<4_000 {
            let body = (0..<(random.next() % 60)).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] }
            for prefix in ["", "CEF:0|a|b|c|d|e|5|", "LEEF:2.0|a|b|c|d|", "CEF:"] {
                let bytes = Array(prefix.utf8) + body
                let cef = PayloadText.cef(bytes)
                let leef = PayloadText.leef(bytes)
                #expect(cef?.count ?? 0 <= 80 && leef?.count ?? 0 <= 80)
                #expect(PayloadText.keyValue(String(decoding: bytes, as: UTF8.self)).count <= 240)
            }
        }
    }
}

@Suite("Payload vectors", .enabled(if: SyslogCases.folder != nil, "shared/cases is not here"))
struct PayloadVectorTests {
    /// The flat expectation of a vector; `nil` when it is to be refused.
    func expectation(_ vector: [String: Any]) -> [String: String]? {
        guard var expect = vector["expect"] as? [String: Any] else { return nil }
        for (key, value) in expect["extensions"] as? [String: Any] ?? [:] { expect[key] = value }
        expect["extensions"] = nil
        // The peer's name for what ours keeps as a byte.
        expect["leef_delimiter"] = nil
        return expect.compactMapValues { $0 as? String }
    }

    func separator(_ vector: [String: Any]) -> UInt8? {
        ((vector["mode"] as? [String: Any])?["pair_separator"] as? String)?.utf8.first
    }

    @Test("CEF")
    func cef() throws {
        for vector in try SyslogCases.load("cef-axosyslog.jsonl") {
            var fields = PayloadText.cef(SyslogCases.input(vector), separator: separator(vector) ?? 0x20)
            // The peer joins wrapped lines before it parses.
            fields = fields?.mapValues { $0.replacing("\n", with: " ") }
            #expect(fields == expectation(vector), "\(vector["id"] ?? "")")
        }
    }

    @Test("LEEF")
    func leef() throws {
        for vector in try SyslogCases.load("leef-axosyslog.jsonl") {
            let fields = PayloadText.leef(SyslogCases.input(vector), delimiter: separator(vector))
            #expect(fields == expectation(vector), "\(vector["id"] ?? "")")
        }
    }
}
