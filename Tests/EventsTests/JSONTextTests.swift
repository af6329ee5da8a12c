// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Testing
import Wire

struct JSONTextTests {
    static func escaped(_ bytes: [UInt8]) -> (text: [UInt8], isValid: Bool) {
        var slab = Slab()
        let valid = JSONText.append(bytes.span.bytes, to: &slab)
        return (slab.bytes.array, valid)
    }

    static func unescaped(_ text: String) -> String {
        var slab = Slab()
        slab.append("before")
        let bytes = Array(text.utf8)
        let extent = JSONText.appendUnescaped(bytes.span.bytes, to: &slab)
        return slab.bytes(extent).text
    }

    @Test func escapes() {
        #expect(
            String(
                decoding: JSONTextTests.escaped(Array("a\"\\\n\r\t\u{0}\u{1F}\u{7F}/\u{E9}".utf8)).text, as: UTF8.self)
                == #""a\"\\\n\r\t\u0000\u001f"# + "\u{7F}/\u{E9}\"")
        #expect(String(decoding: JSONText.escaped("a\"b"), as: UTF8.self) == #"a\"b"#)
    }

    @Test(arguments: [
        (#"\u00e9\u20AC"#, "\u{E9}\u{20AC}"), (#"\ud83d\ude00"#, "\u{1F600}"), (#"\ud83d"#, "\u{FFFD}"),
        (#"\ude00x"#, "\u{FFFD}x"),
        (#"\ud83d\u0041"#, "\u{FFFD}A"), (#"\b\f\/\"\\"#, "\u{8}\u{C}/\"\\"), (#"\q"#, #"\q"#), (#"\u12"#, #"\u12"#),
        ("end\\", "end\\"),
    ])
    func unescapes(_ text: String, _ plain: String) { #expect(JSONTextTests.unescaped(text) == plain) }

    /// Valid text comes back; invalid UTF-8 comes back repaired, and what is written is JSON to another parser.
    @Test func roundTrip() throws {
        var random = Random(2)
        for round in 0..<5_000 {
            var bytes = Array("text \u{E9}\u{20AC}\u{1F600}\"\\\u{1}".utf8)
            for _ in 0..<(round % 5) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let (json, isValid) = JSONTextTests.escaped(bytes)
            #expect(isValid == (String(validating: bytes, as: UTF8.self) != nil))
            let inside = String(decoding: json.dropFirst().dropLast(), as: UTF8.self)
            #expect(String(validating: json, as: UTF8.self) != nil)
            if isValid { #expect(JSONTextTests.unescaped(inside) == String(decoding: bytes, as: UTF8.self)) }
            if round % 50 == 1 {
                let other = try JSONSerialization.jsonObject(with: Data(json), options: .fragmentsAllowed) as? String
                #expect(other == JSONTextTests.unescaped(inside))
            }
        }
    }

    @Test(
        arguments: [[0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF8], [0xE2, 0x82], [0x80]]
            as [[UInt8]])
    func illFormed(_ bytes: [UInt8]) {
        let (text, isValid) = JSONTextTests.escaped([0x61] + bytes + [0x62])
        let repaired = String(decoding: text, as: UTF8.self)
        #expect(!isValid && repaired.hasPrefix("\"a\u{FFFD}") && repaired.hasSuffix("\u{FFFD}b\""))
    }
}
