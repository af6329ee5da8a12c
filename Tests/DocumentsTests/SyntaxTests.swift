// SPDX-License-Identifier: Apache-2.0
import Documents
import Testing

struct SyntaxTests {
    /// A text that is no YAML gives one complaint with its place, and no documents.
    @Test(arguments: [
        ("a: [1, 2\nb: 3\n", "f.yaml:2:"), ("a: 1\n  b: 2\n", "f.yaml:2:"), ("a: \"open\n", "f.yaml:"),
        ("a: 1\n--- \nb: *gone\n", "f.yaml:3:4: YAML:"), ("\ta: 1\n", "f.yaml:1:"),
        ("a: 1\na: 2\n", "f.yaml:1:1: YAML: key given twice"),
        ("x:\n  k: 1\n  k: 2\n", "f.yaml:2:3: YAML: key given twice"),
        ("a: é\r\nb: é\u{8}\n", "f.yaml:2:5: YAML: control characters are not allowed (U+0008)"),
        ("\u{7F}a: 1\n", "f.yaml:1:1: YAML: control characters are not allowed (U+007F)"),
    ])
    func faults(_ text: String, _ start: String) {
        let complaints = Complaints()
        #expect(Element.documents(text, file: "f.yaml", complaints: complaints).isEmpty)
        #expect(complaints.all.count == 1 && complaints.errors.count == 1)
        let told = complaints.all.first?.description ?? ""
        #expect(told.hasPrefix(start), "\(told)")
    }

    @Test func documents() {
        let complaints = Complaints()
        let all = Element.documents("a: 1\n---\nb: 2\n---\n- 3\n", file: "f.yaml", complaints: complaints)
        #expect(all.count == 3 && all[1]["b"]?.line == 3 && all[1]["b"]?.column == 4 && all[2].isSequence)
        #expect(Element.documents("", file: "f.yaml", complaints: complaints).isEmpty && complaints.all.isEmpty)
    }

    /// Neither depth nor an alias of itself takes the stack or the memory away.
    @Test(arguments: [String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 100_000), "a: &a [*a]"])
    func traps(_ text: String) {
        let complaints = Complaints()
        #expect(Element.documents(text, file: "f.yaml", complaints: complaints).isEmpty)
        #expect(complaints.all.count == 1)
    }

    @Test func tooLarge() {
        let complaints = Complaints()
        #expect(Element.documents("a: 12345678", file: "f.yaml", complaints: complaints, limit: 10).isEmpty)
        #expect(complaints.all.map(\.description) == ["f.yaml: the file is larger than 10 bytes"])
    }

    @Test func severities() {
        let complaints = Complaints()
        Element.documents("a: 1", file: "f.yaml", complaints: complaints).first?["a"]?.complain(
            "odd", severity: .warning)
        complaints.add([Complaint(file: "g", "bad")])
        #expect(complaints.all.map(\.description) == ["f.yaml:1:4: warning: odd", "g: bad"])
        #expect(complaints.errors == [Complaint(file: "g", "bad")])
    }

    /// Mutations of a document end in documents or complaints, never in both nothing and silence.
    @Test func fuzz() {
        let text = Array("a: &x [1, 'two', {b: \"c\\n\"}]\nd: *x\n# end\n---\ne: |\n  text\n".utf8)
        var state: UInt64 = 11
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for _ in 0..<1_500 {
            var mutated = text
            for _ in 0...random(3) {
                mutated[random(mutated.count)] =
                    [0x20, 0x2D, 0x3A, 0x5B, 0x7D, 0x26, 0x2A, 0x22, 0x09, 0x80][random(10)]
            }
            let complaints = Complaints()
            let documents = Element.documents(
                String(decoding: mutated, as: UTF8.self), file: "f.yaml", complaints: complaints)
            for document in documents { document.allow(only: ["a"]) }
            #expect(!documents.isEmpty || complaints.all.count == 1)
            #expect(complaints.all.allSatisfy { !$0.message.isEmpty })
        }
    }
}
