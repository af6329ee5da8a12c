// SPDX-License-Identifier: Apache-2.0
import Documents
import Testing

struct ElementTests {
    /// Runs `body` on the first document and gives the complaints as text.
    static func complaints(_ text: String, _ body: (Element) -> Void = { _ in }) -> [String] {
        let complaints = Complaints()
        for root in Element.documents(text, file: "f.yaml", complaints: complaints).prefix(1) { body(root) }
        return complaints.all.map(\.description)
    }

    @Test func unknownKeys() {
        let text = """
            name: x
            matcch: []
            nested:
              - {nam: 1, quite_other_thing: 2, nmae: 3, amne: 4}
            """
        let told = ElementTests.complaints(text) { root in
            root.allow(only: ["name", "match", "nested"])
            root["nested"]?.items.first?.allow(only: ["name"])
        }
        #expect(
            told == [
                "f.yaml:2:1: unknown key 'matcch' (did you mean 'match'?)",
                "f.yaml:4:6: unknown key 'nam' (did you mean 'name'?)",
                "f.yaml:4:14: unknown key 'quite_other_thing'",
                // Two neighbours changed about are one edit.
                "f.yaml:4:36: unknown key 'nmae' (did you mean 'name'?)",
                "f.yaml:4:45: unknown key 'amne'",
            ])
        #expect(Element.hint("a", among: [""]).isEmpty)
    }

    @Test func wrongKinds() {
        let text = """
            port: many
            rate:  1e999
            on: 'yes'
            list: [1, {a: 2}]
            mode: slow
            none: ~
            """
        let told = ElementTests.complaints(text) { root in
            #expect(root["port"]?.integer() == nil)
            #expect(root["rate"]?.double == nil)
            #expect(root["on"]?.boolean == nil)
            #expect(root["list"]?.strings == ["1"])
            let mode: Int? = root["mode"]?.choice(of: ["fast": 1, "safe": 2])
            #expect(mode == nil)
            #expect(root["none"]?.string == nil)
            #expect(root.required("gone") == nil)
            root["list"]?.allow(only: [])
        }
        #expect(
            told == [
                "f.yaml:1:7: port must be a whole number",
                "f.yaml:2:8: rate must be a number",
                "f.yaml:3:5: on must be true or false",
                "f.yaml:4:11: list[1] must be text",
                "f.yaml:5:7: mode must be one of fast, safe",
                "f.yaml:6:7: none must be text",
                "f.yaml:1:1: the document needs 'gone'",
                "f.yaml:4:7: list must be a mapping",
            ])
    }

    @Test func values() {
        let text = """
            count: 1_000
            low: -5
            rate: 0.5
            on: true
            one: single
            quoted: "~"
            folded: >
              a
              b
            base: &b {x: 1}
            again: *b
            """
        let told = ElementTests.complaints(text) { root in
            #expect(root["count"]?.integer(in: 0...1_000) == 1_000 && root["low"]?.integer() == -5)
            #expect(root["low"]?.integer(in: 0...9) == nil)
            #expect(root["rate"]?.double == 0.5 && root["on"]?.boolean == true && root["one"]?.strings == ["single"])
            #expect(
                root["quoted"]?.string == "~" && root["quoted"]?.isPlain == false && root["quoted"]?.isNull == false)
            #expect(root["folded"]?.scalar == "a b\n" && root["again"]?["x"]?.integer() == 1)
            #expect(root["base"]?.path == "base" && root["base"]?["x"]?.path == "base.x" && root["no"] == nil)
            #expect(
                root.members.map(\.key.scalar) == [
                    "count", "low", "rate", "on", "one", "quoted", "folded", "base", "again",
                ])
        }
        #expect(told == ["f.yaml:2:6: low must lie between 0 and 9"])
    }

    @Test(
        arguments: [
            ("500ms", 500), ("0s", 0), ("10s", 10_000), ("5m", 300_000), ("1h", 3_600_000), ("7d", 604_800_000),
            ("2w", 1_209_600_000), ("4294967295w", 4_294_967_295 * 604_800_000), ("10", nil), ("s", nil), ("-1s", nil),
            ("1.5s", nil), ("5 m", nil), ("1y", nil), ("4294967296s", nil), ("99999999999999999999s", nil),
            ("[1s]", nil),
        ] as [(String, Int64?)])
    func durations(_ text: String, _ milliseconds: Int64?) {
        let told = ElementTests.complaints("t:  \(text)") { #expect($0["t"]?.milliseconds == milliseconds) }
        #expect(
            told == (milliseconds == nil ? ["f.yaml:1:5: t must be a duration such as 500ms, 10s, 5m, 1h or 7d"] : []))
    }

    @Test(
        arguments: [
            ("65536", 65_536), ("0", 0), ("64KiB", 65_536), ("16 MiB", 16 << 20), ("2GiB", 2 << 30),
            ("1048576GiB", 1 << 50),
            ("64KB", nil), ("KiB", nil), ("-1", nil), ("1.5MiB", nil), ("1048577GiB", nil), ("1099511627775GiB", nil),
            ("99999999999999999999", nil), ("{a: 1}", nil),
        ] as [(String, Int?)])
    func sizes(_ text: String, _ bytes: Int?) {
        let told = ElementTests.complaints("s: \(text)") { #expect($0["s"]?.byteCount == bytes) }
        #expect(told == (bytes == nil ? ["f.yaml:1:4: s must be a size such as 65536, 64KiB or 16MiB"] : []))
    }

    /// Anchors of one document are none of another's, whatever their names and wherever they stand in memory.
    @Test func anchorsOfManyDocuments() {
        let text = (0..<500).map { "a: &x {n: \($0)}\nb: *x\nc: &y [\($0)]\nd: *y" }.joined(separator: "\n---\n")
        let complaints = Complaints()
        let documents = Element.documents(text, file: "f", complaints: complaints)
        #expect(documents.count == 500 && complaints.all.isEmpty)
        for (number, document) in documents.enumerated() {
            #expect(document["b"]?["n"]?.scalar == "\(number)" && document["a"]?["n"]?.scalar == "\(number)")
            #expect(document["d"]?.items.first?.scalar == "\(number)")
        }
    }
}
