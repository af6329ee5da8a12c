// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Testing
import Wire

struct RoundTripTests {
    /// Reads events with a table of their own and writes them again; nil when one is not read.
    static func pass(_ texts: [String], _ table: FieldTable? = nil) throws -> (texts: [String], unknown: Int, cut: Int)?
    {
        var reader = EventReader()
        var builder = FieldTable.Builder()
        for text in texts { try reader.collect(Array(text.utf8).span.bytes, into: &builder) }
        var batch = Batch(table: table ?? builder.build())
        var (unknown, cut) = (0, 0)
        for text in texts {
            guard let outcome = reader.read(Array(text.utf8).span.bytes, into: &batch) else { return nil }
            (unknown, cut) = (unknown + outcome.unknown, cut + outcome.cut)
        }
        return (
            (0..<texts.count).map { row in
                var slab = Slab()
                EventWriter.append(row, of: batch, to: &slab)
                return slab.bytes.text
            }, unknown, cut
        )
    }

    static func object(_ text: String) throws -> NSDictionary {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary)
    }

    @Test(arguments: [
        #"{"class_uid":4001,"time":1700000000123,"message":"a\"\\\n\u0001é","is_alert":true,"count":-9223372036854775808}"#,
        #"{"class_uid":2004,"confidence_score":7,"risk_score":0,"evidences":[{"src_endpoint":{"ip":"1.2.3.4","port":1}},{"dst_endpoint":{"ip":"::1"}}]}"#,
        #"{"class_uid":2004,"evidences":[],"metadata":{"profiles":["a","b"],"labels":[]}}"#,
        #"{"class_uid":2004,"evidences":[{},{"src_endpoint":{"ip":"1.2.3.4"}}]}"#,
        // three arrays: attacks inside finding_info's related events, observables inside them
        #"{"class_uid":2004,"finding_info":{"related_events":[{"uid":"1","attacks":[{"tactics":[{"uid":"T1","name":"x"},{"uid":"T2"}]},{"tactics":[]}]},{"uid":"2","attacks":[{"tactics":[{"uid":"T3"}],"version":"v"}]}]}}"#,
        #"{"class_uid":0,"unmapped":{"a":{"b":[1,2.5,null,"x"]},"c":[],"d":{}}}"#,
        #"{"class_uid":4001,"nowhere":{"x":[[1],[2,[3]]]},"also":3.25}"#,
        #"{"class_uid":3002,"user":{"name":"x","groups":[{"name":"g","privileges":["p","q"]},{"privileges":[]}]}}"#,
    ])
    func roundTrip(_ text: String) throws {
        let (texts, unknown, cut) = try #require(try RoundTripTests.pass([text]))
        #expect(try RoundTripTests.object(texts[0]) == RoundTripTests.object(text), "\(texts[0])")
        #expect(unknown == 0 && cut == 0)
    }

    /// Events of different shapes share one table.
    @Test func shared() throws {
        let texts = [
            #"{"class_uid":4001,"src_endpoint":{"ip":"1.1.1.1"}}"#,
            #"{"class_uid":3002,"user":{"name":"u"},"src_endpoint":{"port":5}}"#,
        ]
        let written = try #require(try RoundTripTests.pass(texts)).texts
        for (one, other) in zip(texts, written) {
            #expect(try RoundTripTests.object(one) == RoundTripTests.object(other))
        }
    }

    /// Members that the table does not have: beside an object's fields they are kept, at the root they are counted.
    @Test func unknownMembers() throws {
        var builder = FieldTable.Builder()
        for path in ["class_uid", "src_endpoint.ip", "evidences.src_endpoint.ip", "unmapped.known"] {
            builder.add(path)
        }
        let text =
            #"{"class_uid":4001,"gone":1,"src_endpoint":{"x":[1,"é"],"ip":"1.1.1.1","y\u0022":{}},"evidences":[{"src_endpoint":{"z":"t"}}],"unmapped":{"known":1,"other":2}}"#
        let (texts, unknown, cut) = try #require(try RoundTripTests.pass([text], builder.build()))
        #expect(unknown == 1 && cut == 0)
        let wanted = text.replacingOccurrences(of: #""gone":1,"#, with: "")
        #expect(try RoundTripTests.object(texts[0]) == RoundTripTests.object(wanted), "\(texts[0])")
    }

    @Test func longArrays() throws {
        let values = (0..<4_200).map { "\"\($0)\"" }.joined(separator: ",")
        let (texts, unknown, cut) = try #require(
            try RoundTripTests.pass([#"{"class_uid":0,"metadata":{"labels":[\#(values)]}}"#]))
        let labels = (try RoundTripTests.object(texts[0])["metadata"] as? NSDictionary)?["labels"] as? [String]
        #expect(labels?.count == 4_096 && labels?.last == "4095" && unknown == 0 && cut == 104)
    }

    @Test(arguments: [
        "", "[]", "7", "{}", #"{"class_uid":"x"}"#, #"{"class_uid":-1}"#, #"{"class_uid":99999999999}"#,
        #"{"class_uid":1"#,
    ])
    func refused(_ text: String) {
        var reader = EventReader()
        var batch = Batch(table: FieldTable.Builder().build())
        let outcome = reader.read(Array(text.utf8).span.bytes, into: &batch)
        let rows = batch.rows.count
        #expect(outcome == nil && rows == 0)
    }

    @Test func facts() throws {
        var reader = EventReader()
        var builder = FieldTable.Builder()
        let bytes = Array(#"{"class_uid":4001,"time":9300000000000000,"src_endpoint":{"ip":"1.1.1.1"}}"#.utf8)
        try reader.collect(bytes.span.bytes, into: &builder)
        builder.add("user.name")
        var batch = Batch(table: builder.build())
        let outcome = reader.read(bytes.span.bytes, frame: 5, mapping: 2, into: &batch)
        #expect(outcome != nil && batch.rows[0].time == 0 && batch.rows[0].frame == 5 && batch.rows[0].mapping == 2)
        var slab = Slab()
        let endpoint = try #require(batch.table.id("src_endpoint"))
        let isWritten = EventWriter.append(container: endpoint, row: 0, of: batch, to: &slab)
        #expect(isWritten && slab.bytes.text == #"{"ip":"1.1.1.1"}"#)
        let user = try #require(batch.table.id("user"))
        let isOther = EventWriter.append(container: user, row: 0, of: batch, to: &slab)
        #expect(!isOther)
    }

    /// JSON values with invalid UTF-8 inside are repaired when they are written.
    @Test func invalidUTF8() throws {
        var builder = FieldTable.Builder()
        builder.add("unmapped.a")
        var batch = Batch(table: builder.build())
        let (unmapped, a) = (try #require(batch.table.id("unmapped")), try #require(batch.table.id("unmapped.a")))
        batch.beginRow(frame: -1, classUID: 0, time: 0)
        let json: [UInt8] = Array("[\"x".utf8) + [0xE9] + Array("\"]".utf8)
        let members: [UInt8] = Array("\"b\":\"".utf8) + [0xFF, 0xC3] + Array("\"".utf8)
        batch.put(.bytes(a, .json, batch.slab.append(json.span.bytes)))
        batch.put(.bytes(unmapped, .members, batch.slab.append(members.span.bytes)))
        batch.endRow()
        var slab = Slab()
        EventWriter.append(0, of: batch, to: &slab)
        let text = try #require(String(validating: slab.bytes.array, as: UTF8.self))
        #expect(text == "{\"unmapped\":{\"b\":\"\u{FFFD}\u{FFFD}\",\"a\":[\"x\u{FFFD}\"]}}")
    }

    /// Mutated events are read or refused; what is read is written as JSON.
    @Test func fuzz() throws {
        let text = Array(
            #"{"class_uid":2004,"evidences":[{"src_endpoint":{"ip":"1.2.3.4","x":[{}]}},[3],7],"metadata":{"profiles":["a",{"b":1}],"product":{"name":"é"}},"time":1}"#
                .utf8)
        var random = Random(4)
        var reader = EventReader()
        var builder = FieldTable.Builder()
        try reader.collect(text.span.bytes, into: &builder)
        let table = builder.build()
        var read = 0
        for _ in 0..<4_000 {
            var bytes = text
            for _ in 0..<2 {
                bytes.swapAt(
                    Int.random(in: 0..<bytes.count, using: &random), Int.random(in: 0..<bytes.count, using: &random))
            }
            if Bool.random(using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            var batch = Batch(table: table, capacity: 1024)
            guard reader.read(bytes.span.bytes, into: &batch) != nil else { continue }
            read += 1
            var slab = Slab()
            EventWriter.append(0, of: batch, to: &slab)
            let isJSON = (try? JSONSerialization.jsonObject(with: Data(slab.bytes.array))) != nil
            #expect(isJSON, "\(slab.bytes.text)")
        }
        #expect(read > 100)
    }
}
