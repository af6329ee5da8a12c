// SPDX-License-Identifier: Apache-2.0
import Documents
import Testing

/// Values change in place; everything else keeps its bytes, and what cannot be changed safely is refused.
struct TextEditorTests {
    /// The text after replacing the value at a path of members, or nil when that was refused.
    static func replaced(_ text: String, _ path: [String], with value: String?) throws -> String? {
        var editor = try #require(TextEditor(text, file: "f.yaml"))
        let root = try #require(Element.documents(text, file: "f.yaml", complaints: Complaints()).first)
        let element = try #require(path.reduce(root as Element?) { $0?[$1] })
        let place = try #require(editor.find(element))
        guard editor.replace(place, with: value) else { return nil }
        return editor.finish()
    }

    @Test(
        arguments: [
            ("a: 1 # one\nb: 2\n", "2", "a: 2 # one\nb: 2\n"),
            ("a: 'x y'   # q\r\nb: 2\r\n", "it's", "a: 'it''s'   # q\r\nb: 2\r\n"),
            ("a: \"x\\\"y\"\n", "z", "a: \"z\"\n"),
            ("{a: 1, b: 2}", "x, y", "{a: 'x, y', b: 2}"),
            ("{a: 1, b: 2}", "::1", "{a: '::1', b: 2}"),
            ("a: x\n", "null", "a: 'null'\n"),
            ("a: x\n", "", "a: ''\n"),
            ("a: x\n", "l1\nl2\u{7}", "a: \"l1\\nl2\\u0007\"\n"),
            ("a: 'x'\n", "tab\there", "a: \"tab\\there\"\n"),
            ("a: null\n", "5", "a: 5\n"),
            ("a:\nb: 1\n", "5", "a: 5\nb: 1\n"),
            ("é: \"ü\"\na: ä # ö\n", "é", "é: \"ü\"\na: 'é' # ö\n"),
            ("a: x\n", "- y", "a: '- y'\n"),
            ("a: x\n", "-5", "a: -5\n"),
            ("a: x\n", "a # b", "a: 'a # b'\n"),
            ("a: x\n", "trail ", "a: 'trail '\n"),
            ("a: x\n", "😀", "a: '😀'\n"),
        ] as [(String, String?, String)])
    func replacing(_ text: String, _ value: String?, _ wanted: String) throws {
        #expect(try TextEditorTests.replaced(text, ["a"], with: value) == wanted)
    }

    @Test func absence() throws {
        #expect(try TextEditorTests.replaced("{a: 'x', b: 2}", ["a"], with: nil) == "{a: null, b: 2}")
        #expect(try TextEditorTests.replaced("s: {a: 1}", ["s", "a"], with: nil) == "s: {a: null}")
    }

    /// Anchors, aliases, and texts over several lines are for a person to change.
    @Test(arguments: ["a: &x 1\nb: *x\n", "b: &x 1\na: *x\n", "a: one\n  two\n", "a: |\n  text\n", "a: [1]\n"])
    func refused(_ text: String) throws {
        #expect(try TextEditorTests.replaced(text, ["a"], with: "5") == nil)
    }

    @Test(
        arguments: [
            ("- input: 'x' # c\n", "- input: 'x' # c\n  expect:\n    a.b: 1\n    c: 'x: y'\n"),
            (
                "  - note: n\n    input: \"x\"\n",
                "  - note: n\n    input: \"x\"\n    expect:\n      a.b: 1\n      c: 'x: y'\n"
            ),
            ("- {input: 'it''s', note: n}\n", "- {input: 'it''s', expect: {a.b: 1, c: 'x: y'}, note: n}\n"),
            ("- input: x\n  expect: {}\n", "- input: x\n  expect: {a.b: 1, c: 'x: y'}\n"),
            ("- input: x\n  expect:\n- input: y\n", "- input: x\n  expect:\n    a.b: 1\n    c: 'x: y'\n- input: y\n"),
            (
                "- input: |-\n    a\n\n    b\n- 1\n",
                "- input: |-\n    a\n\n    b\n  expect:\n    a.b: 1\n    c: 'x: y'\n- 1\n"
            ),
            ("- input: x\r\n", "- input: x\r\n  expect:\r\n    a.b: 1\r\n    c: 'x: y'\r\n"),
            ("- input: x", "- input: x\n  expect:\n    a.b: 1\n    c: 'x: y'"),
        ] as [(String, String)])
    func inserting(_ text: String, _ wanted: String) throws {
        var editor = try #require(TextEditor(text, file: "f.yaml"))
        let root = try #require(Element.documents(text, file: "f.yaml", complaints: Complaints()).first)
        let first = try #require(root.items.first)
        let item = try #require(editor.find(first))
        let isDone = editor.insert("expect", [("a.b", "1"), ("c", "x: y")], into: item, behind: "input")
        #expect(isDone)
        #expect(editor.finish() == wanted)
    }

    /// Whatever is put in is read back, and what is not touched keeps its bytes; or nothing is changed.
    @Test func fuzz() throws {
        var state: UInt64 = 7
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        let alphabet = Array("ab1 :#,{}[]'\"\\\n\t-?|>&*!%@`~é\u{85}\u{2028}\u{7F}=.".unicodeScalars)
        let texts = [
            "a: 1 # c\nb: {a: x}\n", "{b: 'q', a: \"x\" }", "- 1\n---\na: 'b'\nc:\n  - a\n", "b: é\na: plain text\n",
            "a:\nb:\n",
        ]
        var changed = 0
        for round in 0..<2_000 {
            var value = ""
            for _ in 0..<next(9) { value.unicodeScalars.append(alphabet[next(alphabet.count)]) }
            let text = texts[round % texts.count]
            var editor = try #require(TextEditor(text, file: "f"))
            let root = try #require(
                Element.documents(text, file: "f", complaints: Complaints()).first { $0["a"] != nil })
            let element = try #require(root["a"])
            let place = try #require(editor.find(element))
            guard editor.replace(place, with: value), let new = editor.finish() else { continue }
            changed += 1
            let read = try #require(
                Element.documents(new, file: "f", complaints: Complaints()).first { $0["a"] != nil })
            #expect(read["a"]?.scalar == value && read["a"]?.isNull == false, "\(new)")
        }
        #expect(changed == 2_000)
    }
}
