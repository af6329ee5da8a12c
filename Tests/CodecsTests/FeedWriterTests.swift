// SPDX-License-Identifier: Apache-2.0
import Codecs
import Foundation
import Testing
import Wire

/// Writes one payload of each kind from arbitrary bytes.
enum FeedText {
    static func cef(_ header: [UInt8], _ values: [[UInt8]]) -> [UInt8] {
        var writer = CEFWriter(Slab(capacity: 512))
        writer.begin()
        for field in CEFWriter.HeaderField.allCases { writer.header(field, header.span.bytes) }
        let keys: [StaticString] = ["msg", "cs1", "act"]
        for (key, value) in zip(keys, values) { writer.field(key, value.span.bytes) }
        let extent = writer.finish()
        let slab = writer.take()
        return slab.bytes(extent).array
    }

    static func leef(_ header: [UInt8], _ values: [[UInt8]], isSecond: Bool) -> [UInt8] {
        var writer = LEEFWriter(Slab(capacity: 512))
        writer.begin(isSecond: isSecond)
        for _ in 0..<4 { writer.header(header.span.bytes) }
        if isSecond { writer.delimiter() }
        let keys: [StaticString] = ["msg", "usrName", "url"]
        for (key, value) in zip(keys, values) { writer.field(key, value.span.bytes) }
        writer.add(Array("more".utf8).span.bytes)
        let extent = writer.finish()
        let slab = writer.take()
        return slab.bytes(extent).array
    }

    /// What a value is after repair, as the standards let it be written.
    static func repaired(_ value: [UInt8]) -> String {
        var text = String(decoding: value, as: UTF8.self).replacing("\0", with: " ")
        while text.unicodeScalars.last == " " { text.unicodeScalars.removeLast() }
        return text
    }

    static func random(_ random: inout SeededGenerator, _ count: Int) -> [UInt8] {
        let alphabet = Array("\\|=\n\r\t\0 a=é".utf8) + Array("key=C:\\new".utf8)
        return (0..<count).map { _ in
            random.next() % 5 == 0
                ? UInt8(truncatingIfNeeded: random.next()) : alphabet[Int(random.next() % UInt64(alphabet.count))]
        }
    }
}

@Suite("CEF and LEEF writers")
struct FeedWriterTests {
    @Test("CEF header: escapes, and cuts between characters")
    func header() {
        func text(_ value: String) -> [String] {
            String(decoding: FeedText.cef(Array(value.utf8), []), as: UTF8.self).components(separatedBy: "|")
        }
        #expect(text("a|b")[1] == "a\\" && text("a|b")[2] == "b")
        #expect(text("v\\").joined(separator: "|").hasPrefix("CEF:1|v\\\\|v\\\\|v\\\\|"))
        #expect(text("a=b\r\nc")[1] == "a=b  c")
        let long = text(String(repeating: "é", count: 600))
        #expect(long[1].count == 63 && long[3].count == 31 && long[4].count == 600 && long[5].count == 512)
        let pipes = text(String(repeating: "|", count: 63) + "x").joined(separator: "|")
        #expect(pipes.hasPrefix("CEF:1|" + String(repeating: "\\|", count: 63) + "|"))
    }

    @Test("CEF extension")
    func fields() {
        let values = [#"C:\new\table foo=bar"#, "a\r\nb \0", "  "].map { Array($0.utf8) }
        let text = String(decoding: FeedText.cef(Array("h".utf8), values), as: UTF8.self)
        #expect(text == #"CEF:1|h|h|h|h|h|h|msg=C:\\new\\table foo\=bar cs1=a\r\nb"#)
    }

    @Test("what is written, the own readers read")
    func roundTrip() throws {
        var random = SeededGenerator(state: 47)
        for _ in 0..<3_000 {
            let header = FeedText.random(&random, 12)
            let values = (0..<3).map { _ in FeedText.random(&random, Int(random.next() % 30)) }
            let fields = try #require(PayloadText.cef(FeedText.cef(header, values)))
            for (key, value) in zip(["msg", "cs1", "act"], values) {
                let wanted = FeedText.repaired(value)
                #expect(Array((fields[key] ?? "").unicodeScalars) == Array(wanted.unicodeScalars), "\(value)")
            }
            #expect(fields.count <= 10)
        }
    }

    /// The checker is written apart from the writer: split on pipes, then tabs, then the first `=`.
    @Test("LEEF never splits a value")
    func leef() throws {
        var random = SeededGenerator(state: 11)
        for round in 0..<3_000 {
            let isSecond = round % 2 == 0
            let values = (0..<3).map { _ in FeedText.random(&random, 1 + Int(random.next() % 30)) }
            let bytes = FeedText.leef(FeedText.random(&random, 12), values, isSecond: isSecond)
            #expect(!bytes.contains(0x0A) && !bytes.contains(0x0D) && !bytes.contains(0))
            let text = String(decoding: bytes, as: UTF8.self)
            let parts = text.unicodeScalars.split(
                separator: "|", maxSplits: isSecond ? 6 : 5, omittingEmptySubsequences: false)
            #expect(String(parts[0]) == (isSecond ? "LEEF:2.0" : "LEEF:1.0"))
            let attributes = try #require(parts.last).split(separator: "\t", omittingEmptySubsequences: false)
            let keys = attributes.map { String($0.prefix { $0 != "=" }) }
            #expect(keys == ["msg", "usrName", "url"], "\(text)")
            #expect(text.hasSuffix(",more"))
        }
    }
}

/// The interpreter that has `cefp`: `PENSTOCK_PYTHON`, or `python3`.
private let cefPython: String? = {
    let named = ProcessInfo.processInfo.environment["PENSTOCK_PYTHON"].map { [$0] } ?? []
    return (named + ["python3"]).first { SyslogCases.python(["-c", "import cefp"], executable: $0)?.status == 0 }
}()

/// The CEF that is written, read by an independent parser (`pip install cefp`).
@Suite("CEF oracle", .enabled(if: cefPython != nil, "the Python package cefp is not here"))
struct CEFOracleTests {
    @Test("cefp reads what was meant")
    func oracle() throws {
        var random = SeededGenerator(state: 94)
        var lines: [[String: Any]] = []
        for _ in 0..<2_000 {
            let header = FeedText.random(&random, 12)
            let values = (0..<3).map { _ in FeedText.random(&random, Int(random.next() % 30)) }
            var extension_: [String: String] = [:]
            for (key, value) in zip(["msg", "cs1", "act"], values) where !FeedText.repaired(value).isEmpty {
                extension_[key] = FeedText.repaired(value)
            }
            let scalars = String(decoding: header, as: UTF8.self).unicodeScalars.map {
                $0.value < 0x20 || $0.value == 0x7F ? " " : $0
            }
            lines.append([
                "cef": String(decoding: FeedText.cef(header, values), as: UTF8.self), "extension": extension_,
                "vendor": String(String.UnicodeScalarView(scalars)),
            ])
        }
        let file = FileManager.default.temporaryDirectory.appending(path: "penstock-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        try JSONSerialization.data(withJSONObject: lines).write(to: file)
        let script = """
            import cefp, json, sys
            bad = 0
            for line in json.load(open(sys.argv[1])):
                got = cefp.parse(line["cef"])
                want = line["extension"]
                # cefp answers {} or {"": ""} for an empty extension
                seen = {k: v for k, v in got["extension"].items() if k}
                if seen != want or got["device"]["vendor"] != line["vendor"]:
                    bad += 1
                    print(repr(line), repr(got))
            sys.exit(1 if bad else 0)
            """
        let python = try #require(cefPython)
        let result = try #require(SyslogCases.python(["-c", script, file.path], executable: python))
        #expect(result.status == 0, "\(result.output.prefix(2_000))")
    }
}
