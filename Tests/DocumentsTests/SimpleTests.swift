// SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Testing

/// Most documents are read without the full parser, and must come out as it reads them. A document's end mark behind the
/// text makes it one for the full parser, and changes nothing else.
struct SimpleTests {
    /// A document as its parts, places and complaints say it.
    private static func say(_ text: String) -> [String] {
        let complaints = Complaints()
        var said: [String] = []
        func visit(_ element: Element, _ path: String) {
            let place = "\(path) \(element.line):\(element.column)"
            if let scalar = element.scalar {
                said.append("\(place) \(element.isPlain ? "plain" : "") \(scalar)")
            } else {
                said.append("\(place) \(element.isMapping ? "mapping" : "sequence")")
            }
            for (index, item) in element.items.enumerated() { visit(item, "\(path)[\(index)]") }
            for (index, member) in element.members.enumerated() {
                visit(member.key, "\(path)<\(index)>")
                visit(member.value, "\(path).\(member.key.scalar ?? "?")")
            }
        }
        for document in Element.documents(text, file: "f.yaml", complaints: complaints) { visit(document, "") }
        return said + complaints.all.map(\.description)
    }

    /// Whether both read a text, which ends in a line break, alike. Faults are the full parser's only.
    private static func agree(_ text: String) -> Bool {
        let complaints = Complaints()
        if Element.documents(text, file: "f.yaml", complaints: complaints).isEmpty { return true }
        return say(text) == say(text + "...\n")
    }

    private static let texts = [
        "a: 1\nb:\n  - x\n  - 'it''s' # remark\n  - \"q\\\"\\n\\u00e9\"\nc: [1, {d: e, 'f': \"g\"}, -2]\n",
        "a:\n- b: 1\n  c:\n    d: 2\n- - x\n  - y\n-\n- z\ne:\nf: g h\n",
        "a: |\n  one\n   two\n\n  three\n\nb: >-\n  folded\n  text\n\n    more\n  end\nc: |+\n  kept\n\nd: >\n\n  x\n",
        "a: &x {k: v}\nb: *x\nc: &y\n  - 1\nd: [*x, *y]\ne: &z text\nf: *z\n",
        "a: [&x 'q', {b: &y [1]}, *x]\nb: {c: *y, d: &x e, f: *x}\ng: *x\n",
        "a: {b: &x c, d: [*x, &x e, *x ]}\nf: *x\n",
        "a: long plain\n  text over\n\n  lines # end\nb: 'quoted\n  text\n\n  too'\nc: \"and\n  so\"\n",
        "# é\nü: {ä: ö, é: [à]}\nkey: ñ # ç\n\"z é\": x\nflow: [\n  a,\n  b # c\n  , d]\n",
        "- a\n- b: c\n  d: e\n-   f:   g\n    h : i\n- http://x:80/y?z#w\n- a:b\n- {u: http://x/y, n: }\n",
    ]

    @Test(arguments: texts) func agrees(_ text: String) { #expect(Self.agree(text), "\(text)") }

    /// The documents that ship.
    @Test func shipped() throws {
        let root = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "mappings")
        let names = FileManager.default.subpaths(atPath: root.path()) ?? []
        let files = names.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
        #expect(files.count > 20)
        for file in files {
            let text = try String(contentsOf: root.appending(path: file), encoding: .utf8)
            #expect(text.hasSuffix("\n") && Self.agree(text), "\(file)")
        }
    }

    /// Also where a text is broken, or is not as simple as it looks.
    @Test func fuzz() {
        var state: UInt64 = 5
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let letters = Array("  \n\n--::,[]{}&*!|>'\"#?%@`~ax1.é\t\\+=".utf8)
        for round in 0..<(Int(ProcessInfo.processInfo.environment["ROUNDS"] ?? "") ?? 4_000) {
            var text = Array(Self.texts[round % Self.texts.count].utf8)
            for _ in 0...random(3) {
                let place = random(text.count)
                switch random(4) {
                case 0: text[place] = letters[random(letters.count)]
                case 1: text.insert(letters[random(letters.count)], at: place)
                case 2: text.remove(at: place)
                default:
                    let end = min(text.count, place + random(12))
                    text.insert(contentsOf: text[place..<end], at: random(text.count))
                }
            }
            let made = String(decoding: text, as: UTF8.self) + "\n"
            #expect(Self.agree(made), "\(made)")
        }
    }
}
