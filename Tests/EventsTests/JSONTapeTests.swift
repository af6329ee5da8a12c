// SPDX-License-Identifier: Apache-2.0
import Events
import Testing
import Wire

struct JSONTapeTests {
    static func parse(_ text: String) -> JSONError? { parse(Array(text.utf8)) }

    static func parse(_ bytes: [UInt8]) -> JSONError? {
        var tape = JSONTape()
        do throws(JSONError) { try tape.parse(bytes.span.bytes) } catch { return error }
        return nil
    }

    @Test(arguments: [
        "{}", "[]", " [ ] ", "0", "-0", "1.5e+10", "1E5", "true", "false", "null", "\"\"", "{\"a\":1,\"a\":2}",
        "[1, [2, {\"b\": [ ]}], \"\\u00e9\\uD83D\\ude00\\/\"]", "\"\u{7F}\u{E9}\"", "\t\r\n{\"a\"\n:\t[]}\n",
        "-123456789012345678901234567890.5",
    ])
    func valid(_ text: String) { #expect(JSONTapeTests.parse(text) == nil) }

    @Test(
        arguments: [
            ("", .truncated), ("  ", .truncated), ("{", .truncated), ("[1,", .truncated), ("\"a", .truncated),
            ("\"a\\", .truncated),
            ("\"a\\\"", .truncated), ("\"\\u00", .truncated), ("{\"a\"", .truncated), ("{\"a\":", .truncated),
            ("[1", .truncated),
            ("[1,]", .unexpected(at: 3)), ("{\"a\":1,}", .unexpected(at: 7)), ("{a:1}", .unexpected(at: 1)),
            ("[1 2]", .unexpected(at: 3)),
            ("{\"a\" 1}", .unexpected(at: 5)), ("1 2", .unexpected(at: 2)), ("01", .unexpected(at: 0)),
            ("-", .unexpected(at: 1)),
            ("1.", .unexpected(at: 2)), (".5", .unexpected(at: 0)), ("1e", .unexpected(at: 2)),
            ("1e+", .unexpected(at: 3)),
            ("+1", .unexpected(at: 0)), ("tru", .unexpected(at: 0)), ("nulL", .unexpected(at: 0)),
            ("NaN", .unexpected(at: 0)),
            ("'a'", .unexpected(at: 0)), ("\"\n\"", .unexpected(at: 1)), ("\"\\x41\"", .unexpected(at: 2)),
            ("\"\\\n\"", .unexpected(at: 2)),
            ("\"\\u12g4\"", .unexpected(at: 5)), ("]", .unexpected(at: 0)), ("[}", .unexpected(at: 1)),
            ("\u{FEFF}1", .unexpected(at: 0)),
        ] as [(String, JSONError)])
    func invalid(_ text: String, _ error: JSONError) { #expect(JSONTapeTests.parse(text) == error) }

    @Test func depthLimit() {
        let limit = JSONTape.depthLimit
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(JSONTapeTests.parse(nested(limit)) == nil)
        #expect(JSONTapeTests.parse(nested(limit + 1)) == .tooDeep(at: limit))
        #expect(JSONTapeTests.parse(String(repeating: "{\"a\":", count: 1_000_000)) == .tooDeep(at: limit * 5))
    }

    @Test func countLimit() {
        func zeros(_ count: Int) -> String { "[" + String(repeating: "0,", count: count - 1) + "0]" }
        #expect(JSONTapeTests.parse(zeros(JSONTape.valueLimit - 1)) == nil)
        #expect(JSONTapeTests.parse(zeros(JSONTape.valueLimit)) == .tooMany(at: 2 * JSONTape.valueLimit - 1))
    }

    @Test func numberLimit() {
        let most = String(repeating: "9", count: JSONTape.numberLimit)
        #expect(JSONTapeTests.parse("[\(most)]") == nil)
        for longer in ["9\(most)", "-\(most)", "0.\(most)", "1e\(most)"] {
            #expect(JSONTapeTests.parse("[1,\(longer)]") == .tooLong(at: 3), "\(longer.prefix(3))")
        }
    }

    /// Any byte at any place of strings of any length: strings are looked at sixteen bytes at a time.
    @Test func strings() {
        for length in 1...40 {
            for place in 0..<length {
                for byte in [0x00, 0x1F, 0x20, 0x21, 0x22, 0x23, 0x5B, 0x5C, 0x5D, 0x7E, 0x7F, 0x80, 0xFF] as [UInt8] {
                    var text = [UInt8](repeating: 0x61, count: length + 2)
                    (text[0], text[length + 1], text[place + 1]) = (0x22, 0x22, byte)
                    let error: JSONError? =
                        switch byte {
                        case 0..<0x20: .unexpected(at: place + 1)
                        // The string ends there, and something follows.
                        case 0x22: .unexpected(at: place + 2)
                        case 0x5C: place + 1 == length ? .truncated : .unexpected(at: place + 2)
                        default: nil
                        }
                    #expect(JSONTapeTests.parse(text) == error, "byte \(byte) at \(place) of \(length)")
                }
            }
            var text = [UInt8](repeating: 0x61, count: length)
            text[0] = 0x22
            #expect(JSONTapeTests.parse(text) == .truncated)
        }
    }

    @Test func values() throws {
        let bytes = Array(#"{"a":[1,{"b":"x\ty"}],"k\u0065y":-2.5,"c":true,"d":null}"#.utf8)
        var tape = JSONTape()
        try tape.parse(bytes.span.bytes)
        #expect(tape.values.map(\.kind) == [.object, .array, .number, .object, .string, .number, .yes, .null])
        #expect(tape.values.map { Int($0.next) } == [8, 5, 3, 5, 5, 6, 7, 8])
        let array = tape.member("a", of: 0, in: bytes.span.bytes)
        let b = tape.member("b", of: 3, in: bytes.span.bytes)
        #expect(array == 1 && b == 4)
        #expect(tape.text(4, in: bytes.span.bytes) == "x\ty" && tape.text(5, in: bytes.span.bytes) == "-2.5")
        #expect(tape.key(5, in: bytes.span.bytes) == "key" && tape.values[5].isKeyEscaped)
        // Escaped keys are compared as written, other kinds have no members.
        let escaped = tape.member("key", of: 0, in: bytes.span.bytes)
        let none = tape.member("a", of: 1, in: bytes.span.bytes)
        #expect(escaped == nil && none == nil)
        try tape.parse(Array("7".utf8).span.bytes)
        #expect(tape.values.count == 1)
    }

    /// Mutated texts parse or throw; what parses has a sound tape.
    @Test func fuzz() {
        let text = Array(#"{"class_uid":4001,"a":[1.5e3,-0,{"b":"\u00e9\n"},[]],"c":{"d":true,"e":null}} "#.utf8)
        var random = Random(1)
        var tape = JSONTape()
        var parsed = 0
        for _ in 0..<30_000 {
            var bytes = text
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0...3, using: &random) {
                case 0: bytes.remove(at: at)
                case 1: bytes.insert(text[Int.random(in: 0..<text.count, using: &random)], at: at)
                case 2: bytes[at] = UInt8.random(in: 0...255, using: &random)
                default: bytes.swapAt(at, Int.random(in: 0..<bytes.count, using: &random))
                }
            }
            do throws(JSONError) { try tape.parse(bytes.span.bytes) } catch { continue }
            parsed += 1
            let isSound = tape.values.enumerated().allSatisfy { number, value in
                Int(value.next) > number && Int(value.next) <= tape.values.count
                    && Int(value.extent.end) <= bytes.count && Int(value.key.end) <= bytes.count
            }
            #expect(isSound)
        }
        #expect(parsed > 1_000)
    }
}
