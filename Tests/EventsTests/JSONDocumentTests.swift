// SPDX-License-Identifier: Apache-2.0
import Events
import Testing

/// Field lookup as Sigma wants it: the literal key, nested objects, and through arrays of objects.
struct JSONDocumentTests {
    let text =
        #"{"a.b":"literal","a":{"b":1,"c":{"d":true}},"list":[{"x":"1"},{"x":"2"},[{"x":"3"}],4],"mixed":["u",null,{"v":5},6],"k\u0065y":"esc","n":null,"a":{"b":"again"}}"#

    @Test(
        arguments: [
            ("a.b", ["literal", "1", "again"]), ("a.c.d", ["true"]), ("a.c", []), ("list.x", ["1", "2"]),
            ("list", ["4"]),
            ("mixed", ["u", "6"]), ("mixed.v", ["5"]), ("key", ["esc"]), ("n", []), ("a.", []), ("", []), (".a", []),
            ("a.b.c", []), ("A.B", []),
        ] as [(String, [String])])
    func texts(_ path: String, _ wanted: [String]) throws {
        let document = try JSONDocument(Array(text.utf8))
        #expect(document.texts(path) == wanted)
        if path != "list", path != "mixed" { #expect(document.text(path) == wanted.first) }
    }

    @Test func numbers() throws {
        let document = try JSONDocument(Array(text.utf8))
        #expect(document.integer("mixed.v") == 5 && document.integer("key") == nil && document.find("a").count == 2)
        #expect(document.text("list") == nil && document.find("n").count == 1)
        #expect(throws: JSONError.truncated) { try JSONDocument(Array("{".utf8)) }
        #expect(try JSONDocument(Array("7".utf8)).find("a").isEmpty)
    }
}
