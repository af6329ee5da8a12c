// SPDX-License-Identifier: Apache-2.0
import Codecs
import Delivery
import Events
import Foundation
import Instruments
import Testing
import Wire

@Suite struct LakeWriterTests {
    private let registry = Registry()
    private let book = LogBook()

    private final class Objects {
        var all: [LakeObject] = []
        var keys: [String] { all.map(\.key) }
        var rows: Int { all.reduce(0) { $0 + $1.rows } }
    }

    private func writer(_ objects: Objects, change: (inout LakeSettings) -> Void = { _ in }) -> LakeWriter {
        var settings = LakeSettings()
        change(&settings)
        return LakeWriter(settings, registry: registry, log: book.logger()) { objects.all.append($0) }
    }

    private func event(_ number: Int, uid: Int = 4001, time: Int64 = 1_767_323_045_678, product: String = "FW")
        -> String
    {
        #"{"class_uid":\#(uid),"time":\#(time),"metadata":{"uid":"e\#(number)","product":{"name":"\#(product)"}},"message":"\#(number)"}"#
    }

    @Test func oneObjectForEachClassDayAndSource() throws {
        let objects = Objects()
        let lake = writer(objects)
        let day: Int64 = 86_400_000
        lake.append(
            try batch([
                event(1), event(2, uid: 3002), event(3, time: 1_767_323_045_678 - day),
                event(4, product: "Ünknown/../x"),
                event(5, product: ""), event(6, time: -1), event(7, time: 0), event(8),
                #"{"class_uid":77777,"time":1767323045678}"#,
            ]))
        #expect(objects.all.isEmpty)
        lake.flush()
        let places = objects.keys.map { $0.split(separator: "/").dropLast().joined(separator: "/") }.sorted()
        #expect(
            places == [
                "authentication/date=2026-01-02/source=fw", "class_77777/date=2026-01-02/source=unknown",
                "network_activity/date=1969-12-31/source=fw", "network_activity/date=1970-01-01/source=fw",
                "network_activity/date=2026-01-01/source=fw", "network_activity/date=2026-01-02/source=_nknown_x",
                "network_activity/date=2026-01-02/source=fw", "network_activity/date=2026-01-02/source=unknown",
            ])
        #expect(objects.rows == 9)
        #expect(registry.total("penstock_lake_events_total") == 9)
    }

    @Test func mappingsNameTheirSource() throws {
        let objects = Objects()
        let lake = writer(objects) { $0.sources = { _ in ["", "Cisco ASA"] } }
        var builder = FieldTable.Builder()
        var reader = EventReader()
        try reader.collect(Array(event(1).utf8).span.bytes, into: &builder)
        var events = Batch(table: builder.build(), lane: 3)
        for (number, mapping) in [(1, 0), (2, 1), (3, 1), (4, 9)] as [(Int, UInt16)] {
            events.append(Array("raw".utf8).span.bytes, received: 0, transport: .udp)
            #expect(
                reader.read(Array(event(number).utf8).span.bytes, frame: number - 1, mapping: mapping, into: &events)
                    != nil)
        }
        lake.append(events)
        lake.flush()
        #expect(objects.all.map(\.rows).sorted() == [2, 2])
        #expect(objects.keys.contains { $0.contains("/source=cisco_asa/3-") })
        #expect(objects.keys.contains { $0.contains("/source=fw/3-") })
    }

    @Test func ageSizeAndCountFinishObjects() throws {
        let objects = Objects()
        let lake = writer(objects) {
            $0.objectAge = 1_000
            $0.objectRows = 100
        }
        lake.append(try batch([event(1)]), now: 0)
        lake.tick(now: 900_000_000)
        #expect(objects.all.isEmpty)
        lake.tick(now: 1_000_000_000)
        #expect(objects.all.count == 1)
        lake.append(try batch((0..<250).map { event($0) }), now: 2_000_000_000)
        #expect(objects.all.map(\.rows) == [1, 100, 100])
        lake.flush()
        #expect(objects.all.map(\.rows) == [1, 100, 100, 50])
        lake.flush()
        #expect(objects.all.count == 4)
    }

    @Test func memoryAndOpenObjectsAreBounded() throws {
        let objects = Objects()
        let lake = writer(objects) { $0.openObjects = 5 }
        // Invented dates, one a day for a year.
        lake.append(try batch((0..<365).map { event($0, time: Int64($0) * 86_400_000) }))
        #expect(objects.all.count == 360)
        lake.flush()
        #expect(objects.rows == 365)

        let large = Objects()
        let small = writer(large) { $0.bufferBytes = 1 << 20 }
        var generator = SystemRandomNumberGenerator()
        for number in 0..<60 {
            let noise = (0..<200).map { _ in String(UInt64.random(in: 0 ... .max, using: &generator), radix: 36) }
                .joined()
            small.append(
                try batch(
                    (0..<20).map {
                        event(number * 20 + $0).replacing("\"message\":\"", with: "\"message\":\"\(noise)\($0)")
                    }))
        }
        #expect(large.all.count >= 2, "3 MB of noise do not fit into 1 MiB")
        small.flush()
        #expect(large.rows == 1200)
    }

    @Test func otherFieldsMakeOtherObjects() throws {
        let objects = Objects()
        let lake = writer(objects)
        lake.append(try batch([event(1)]))
        lake.append(
            try batch([#"{"class_uid":4001,"time":1767323045678,"app_name":"a","metadata":{"product":{"name":"FW"}}}"#])
        )
        #expect(objects.all.count == 1)
        lake.flush()
        #expect(objects.all.count == 2)
        #expect(Set(objects.keys).count == 2)
    }

    @Test func theSameEventsMakeTheSameObject() throws {
        let objects = Objects()
        for _ in 0..<2 {
            let lake = writer(objects)
            lake.append(try batch((0..<50).map { event($0) }, lane: 2))
            lake.flush()
        }
        #expect(objects.keys.count == 2)
        #expect(objects.keys[0] == objects.keys[1])
        #expect(objects.keys[0].contains("/2-0-0-"))
    }

    @Test func everyObjectOfAClassHasTheCoreColumns() throws {
        let few = try LakeSchema(classUID: 2004, table: FieldTable.Builder().build())
        var builder = FieldTable.Builder()
        for path in [
            "message", "finding_info.title", "finding_info.related_events.uid", "vulnerabilities.cve.uid", "no.such",
        ] {
            builder.add(path)
        }
        let more = try LakeSchema(classUID: 2004, table: builder.build())
        func columns(_ schema: LakeSchema) -> [String: ParquetType] {
            .init(uniqueKeysWithValues: schema.parquet.leaves.map { ($0.dottedPath, $0.type) })
        }
        let core = columns(few)
        #expect(core.allSatisfy { columns(more)[$0.key] == $0.value })
        #expect(
            Set(columns(more).keys).subtracting(core.keys) == [
                "finding_info.related_events.list.element.uid", "vulnerabilities.list.element.cve.uid",
            ])
        for (path, type) in [
            ("time", .int64), ("severity_id", .int32), ("unmapped", .json), ("misfits", .json), ("raw_data", .string),
            ("metadata.product.name", .string), ("finding_info.attacks.list.element.technique.uid", .string),
            ("metadata.labels.list.element", .string), ("is_alert", .boolean),
        ] as [(String, ParquetType)] { #expect(core[path] == type, "\(path)") }
        #expect(core["src_endpoint.ip"] == nil, "the class has no such attribute")
        #expect(
            columns(try LakeSchema(classUID: 4001, table: FieldTable.Builder().build()))["src_endpoint.port"] == .int32)
    }

    @Test func everyClassHasASchema() throws {
        let table = FieldTable.Builder().build()
        for uid in OCSFDictionary.v1_8_0.classes.keys {
            #expect(try LakeSchema(classUID: uid, table: table).parquet.leaves.count > 20)
        }
    }
}
