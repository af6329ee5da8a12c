// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Testing

/// What a normalizer remembers of the order of keys makes it faster and nothing else.
@Suite("Order of keys")
struct KeyOrderTests {
    /// Two mappings, so that what is remembered of one must not be taken for the other's.
    static let files = ["a", "b"].map { name in
        (
            name: name + ".yaml",
            text: StepTests.mapping(
                "  - kv: {strip: [x_]}\n    when: {syslog.message: {contains: 'x_'}}\n"
                    + "  - kv: true\n    when: {src: {exists: false}}",
                "src_endpoint.ip: src\ndst_endpoint.ip: dst\nsrc_endpoint.port: spt\nmessage: msg\n"
                    + "dst_endpoint.name: a.long.key.of.more.than.sixteen.bytes\nsrc_endpoint.hostname: host.name"
            )
            .replacing("name: demo", with: "name: \(name)").replacing("regex: '.'", with: "startswith: '(\(name)) '")
        )
    }

    static func line(_ random: inout Random) -> String {
        let keys = [
            "src", "dst", "spt", "msg", "host.name", "a.long.key.of.more.than.sixteen.bytes", "other", "x_dst",
            "x_x_dst",
            "syslog.message",
        ]
        let values = ["192.0.2.1", "\"192.0.2.2\"", "7", "\"a \\\"b\\\"\"", "\"two words\"", ""]
        let pairs = (0..<Int.random(in: 1...14, using: &random)).map { _ in
            let key = keys.randomElement(using: &random) ?? "src"
            let value = values.randomElement(using: &random) ?? ""
            return Int.random(in: 0..<8, using: &random) == 0 ? key : key + "=" + value
        }
        return (Bool.random(using: &random) ? "(a) " : "(b) ") + pairs.joined(separator: " ")
    }

    @Test("events are those of a normalizer that has seen nothing before") func same() throws {
        var random = Random(7)
        var used = try Bench(Self.files)
        func event(_ bench: inout Bench, _ line: String) throws -> String {
            let text = String(decoding: bench.json(bench.take(line)), as: UTF8.self)
            return text.replacing(/"uid":"t-\d+"/, with: "")
        }
        var taken = 0
        for _ in 0..<400 {
            let line = Self.line(&random)
            var fresh = try Bench(Self.files)
            let expected = try event(&fresh, line)
            #expect(try event(&used, line) == expected, "\(line)")
            #expect(try event(&used, line) == expected, "\(line)")
            taken += expected.contains("\"class_uid\":0") ? 0 : 1
        }
        #expect(taken > 100)
    }
}
