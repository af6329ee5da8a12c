// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Testing
import Wire

/// The one-pass writer against another JSON reader, for every shape of event that it takes or hands on.
struct FlatWriterTests {
    private static let paths = [
        "activity_id", "class_uid", "message", "metadata.labels", "metadata.product.name", "metadata.product.version",
        "metadata.uid", "metadata.version", "src_endpoint.ip", "src_endpoint.port", "observables.name",
        "observables.value", "unmapped.a.b.c", "unmapped.a.b.d", "unmapped.a.e", "unmapped.z", "time",
    ]

    /// What was put comes back, whichever fields an event has.
    @Test func randomEvents() throws {
        var builder = FieldTable.Builder()
        for path in FlatWriterTests.paths { builder.add(path) }
        let constant = builder.constant("con\"stant")
        let table = builder.build()
        var random = Random(11)
        var batch = Batch(table: table)
        for round in 0..<3_000 {
            batch.reset()
            batch.beginRow(frame: -1, classUID: 0, time: 0)
            var wanted: [String: String] = [:]
            for path in FlatWriterTests.paths.shuffled(using: &random) where Bool.random(using: &random) {
                let id = try #require(table.id(path))
                switch path {
                case "metadata.labels":
                    let count = Int.random(in: 1...3, using: &random)
                    for index in 0..<count {
                        batch.put(
                            .bytes(
                                id, .text, batch.slab.append("l\(index)"), element: try #require(Entry.element(index))))
                        wanted["\(path).\(index)"] = "l\(index)"
                    }
                case let path where path.hasPrefix("observables."):
                    guard round % 3 == 0 else { continue }
                    batch.put(.bytes(id, .text, batch.slab.append("o"), element: 0))
                    wanted[path.replacing("observables.", with: "observables.0.")] = "o"
                default:
                    switch Int.random(in: 0...5, using: &random) {
                    case 0:
                        let number =
                            Int64.random(in: .min ... .max, using: &random)
                            >> Int64.random(
                                in: 0...63, using: &random)
                        batch.put(.integer(id, number))
                        wanted[path] = String(number)
                    case 1:
                        batch.put(.constant(id, constant))
                        wanted[path] = "con\"stant"
                    case 2:
                        batch.put(.bytes(id, .json, batch.slab.append("\"j\u{E9}\"")))
                        wanted[path] = "j\u{E9}"
                    case 3:
                        batch.put(.boolean(id, true))
                        wanted[path] = "1"
                    default:
                        let text = FlatWriterTests.text(&random)
                        batch.put(.bytes(id, .text, batch.slab.append(text)))
                        wanted[path] = text
                    }
                }
            }
            if round % 2 == 0 {
                let unmapped = try #require(table.id("unmapped"))
                batch.put(.bytes(unmapped, .members, batch.slab.append("\"m\":{\"n\":7}")))
                wanted["unmapped.m.n"] = "7"
            }
            batch.endRow()
            var slab = Slab(capacity: 256)
            EventWriter.append(0, of: batch, to: &slab)
            let object = try JSONSerialization.jsonObject(with: Data(slab.bytes.array))
            var found: [String: String] = [:]
            FlatWriterTests.collect(object, "", &found)
            #expect(found == wanted, "\(slab.bytes.text)")
        }
    }

    /// Texts that hold each other, as the original text holds the message, of any bytes and beyond any room made at once:
    /// each is written as it is alone.
    @Test func textsInTexts() throws {
        var builder = FieldTable.Builder()
        for path in FlatWriterTests.paths { builder.add(path) }
        let table = builder.build()
        let paths = ["message", "metadata.uid", "src_endpoint.ip", "unmapped.a.b.c", "unmapped.z"]
        var random = Random(12)
        var batch = Batch(table: table)
        let pieces: [[UInt8]] =
            ["plain text ", "\"", "\\", "\n", "\u{E9}", "\u{1F600}", "\u{1}"].map { Array($0.utf8) } + [
                [0xC3], [0xF0, 0x9F], [0x80], [0xFF],
            ]
        for round in 0..<2_000 {
            batch.reset()
            batch.beginRow(frame: -1, classUID: 0, time: 0)
            var bytes: [UInt8] = []
            let few = Bool.random(using: &random) ? 1 : pieces.count
            for _ in 0..<(round % 10 == 0 ? 2_000 : 40) { bytes += pieces[Int.random(in: 0..<few, using: &random)] }
            let whole = batch.slab.append(bytes.span.bytes)
            var wanted: [String: String] = [:]
            for path in paths {
                let start = Int.random(in: 0...bytes.count / 3, using: &random)
                let end = Int.random(in: bytes.count / 2...bytes.count, using: &random)
                let part = Extent(start..<end).shifted(by: whole.offset)
                batch.put(.bytes(try #require(table.id(path)), .text, part))
                var alone = Slab(capacity: 256)
                JSONText.append(bytes[start..<end].span.bytes, to: &alone)
                wanted[path] = alone.bytes.text
            }
            batch.endRow()
            var slab = Slab(capacity: 256)
            EventWriter.append(0, of: batch, to: &slab)
            let a = wanted["unmapped.a.b.c"] ?? "", z = wanted["unmapped.z"] ?? ""
            let expected =
                "{\"message\":\(wanted["message"] ?? ""),\"metadata\":{\"uid\":\(wanted["metadata.uid"] ?? "")},"
                + "\"src_endpoint\":{\"ip\":\(wanted["src_endpoint.ip"] ?? "")},"
                + "\"unmapped\":{\"a\":{\"b\":{\"c\":\(a)}},\"z\":\(z)}}"
            #expect(slab.bytes.text == expected, "round \(round)")
        }
    }

    private static func text(_ random: inout Random) -> String {
        let letters = ["a", "b", " ", "\"", "\\", "\n", "\t", "\u{1}", "\u{1F}", "\u{E9}", "\u{1F600}", "\u{7F}", "/"]
        // Most are clean, as texts are.
        let few = Bool.random(using: &random) ? 3 : letters.count
        return (0..<Int.random(in: 0...70, using: &random)).map { _ in letters[Int.random(in: 0..<few, using: &random)]
        }
        .joined()
    }

    private static func collect(_ value: Any, _ path: String, _ found: inout [String: String]) {
        switch value {
        case let object as [String: Any]:
            for (key, value) in object { collect(value, path.isEmpty ? key : path + "." + key, &found) }
        case let array as [Any]:
            for (index, value) in array.enumerated() { collect(value, "\(path).\(index)", &found) }
        case let text as String: found[path] = text
        case let number as NSNumber: found[path] = number.stringValue
        default: found[path] = "?"
        }
    }

    /// Every byte at every place of texts up to 50 bytes, beside each other and alone.
    @Test func everyByteEverywhere() {
        for length in 0...50 {
            for place in 0..<length {
                for byte in UInt8.min...UInt8.max {
                    var bytes = [UInt8](repeating: 0x61, count: length)
                    bytes[place] = byte
                    var slab = Slab(capacity: 256)
                    let valid = JSONText.append(bytes.span.bytes, to: &slab)
                    let expected: [UInt8] =
                        switch byte {
                        case 0x22, 0x5C: [0x5C, byte]
                        case 0x0A: Array("\\n".utf8)
                        case 0x0D: Array("\\r".utf8)
                        case 0x09: Array("\\t".utf8)
                        case 0..<0x10: Array("\\u000\(String(byte, radix: 16))".utf8)
                        case 0x10..<0x20: Array("\\u00\(String(byte, radix: 16))".utf8)
                        case 0x80...: Array("\u{FFFD}".utf8)
                        default: [byte]
                        }
                    let a = [UInt8](repeating: 0x61, count: place)
                    let b = [UInt8](repeating: 0x61, count: length - place - 1)
                    if slab.bytes.array != [0x22] + a + expected + b + [0x22] || valid != (byte < 0x80) {
                        Issue.record("byte \(byte) at \(place) of \(length): \(slab.bytes.text)")
                    }
                }
            }
        }
    }

    /// Events that are added to after they were ended stay sorted, and the first of equals stands.
    @Test func endedTwice() throws {
        var builder = FieldTable.Builder()
        for path in FlatWriterTests.paths { builder.add(path) }
        let table = builder.build()
        var batch = Batch(table: table)
        let first = try #require(table.id("activity_id"))
        let middle = try #require(table.id("message"))
        let last = try #require(table.id("unmapped.z"))
        batch.beginRow(frame: -1, classUID: 0, time: 0)
        batch.put(.integer(last, 1))
        batch.put(.integer(middle, 2))
        batch.endRow(sequence: 5)
        batch.put(.integer(last, 9))
        batch.put(.integer(first, 3))
        batch.put(.integer(middle, 9))
        batch.endRow(sequence: 6)
        #expect(batch.entries.map(\.integer) == [3, 2, 1] && batch.rows[0].count == 3 && batch.rows[0].sequence == 6)
    }
}
