// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Inventory
import Testing
import Wire

struct EnricherTests {
    static let text = """
        zones:
          - {name: control, level: "1", networks: [10.1.0.0/16]}
          - {name: office, level: "4", networks: [10.4.0.0/16]}
        conduits:
          - {from: office, to: control, services: [tcp/443, udp/53]}
        process:
          points:
            - {name: level, device: 10.1.0.10, table: holding_register, address: 5, high: 90}
            - {name: inlet, device: 10.1.0.10, unit: 1, table: holding_register, address: 0, opens_inlet_at: 1}
            - {name: pump, device: 10.1.0.10, table: coil, address: 0, opens_inlet_at: 1}
            - {name: other, device: 10.1.0.11, table: holding_register, address: 5}
        """

    /// A plant with its enricher and one batch that takes event after event.
    struct Bench: ~Copyable {
        var enricher: Enricher
        var batch: Batch
        var reader = EventReader()

        init(_ text: String = EnricherTests.text) throws {
            let complaints = Complaints()
            let plant = PlantModel.parse(text, file: "p.yaml", complaints: complaints)
            try #require(complaints.all.isEmpty)
            var builder = FieldTable.Builder()
            builder.add("class_uid")
            let plan = Enricher.Plan(plant, builder: &builder)
            let table = builder.build()
            enricher = plan.finish(table)
            batch = Batch(table: table)
        }

        /// What the enricher added to an event, by path below `unmapped`.
        mutating func enrich(_ json: String) throws -> [String: String] {
            let bytes = Array(json.utf8)
            let outcome = reader.read(bytes.span.bytes, into: &batch)
            try #require(outcome != nil)
            enricher.enrich(&batch)
            var found: [String: String] = [:]
            let row = batch.rows.count - 1
            for entry in batch.entries(of: row).map({ batch.entries[$0] }) {
                let path = batch.table.fields[Int(entry.field)].path
                for part in ["unmapped.zone.", "unmapped.process."] where path.hasPrefix(part) {
                    found[String(path.dropFirst("unmapped.".count))] = batch.text(of: entry)
                }
            }
            return found
        }

        mutating func modbus(
            _ values: String, table: String = "holding_register", address: Int = 0, write: Bool = false,
            status: String? = "accepted", unit: Int? = 1, device: String = "10.1.0.10"
        ) throws -> [String: String] {
            let state = status.map { ",\"status\":\"\($0)\"" } ?? ""
            let number = unit.map { ",\"unit_id\":\($0)" } ?? ""
            return try enrich(
                """
                {"class_uid":4001,"dst_endpoint":{"ip":"\(device)"},"unmapped":{"modbus":{"table":"\(table)",                "address":\(address),"values":\(values),"is_write":\(write)\(state)\(number)}}}
                """)
        }
    }

    static func event(_ source: String, _ destination: String, _ rest: String = "") -> String {
        #"{"class_uid":4001,"src_endpoint":{"ip":"\#(source)"},"dst_endpoint":{"ip":"\#(destination)"\#(rest)}}"#
    }

    @Test func zones() throws {
        var bench = try Bench()
        var found = try bench.enrich(EnricherTests.event("10.4.0.1", "10.1.0.1", #","port":443"#))
        #expect(
            found == [
                "zone.src": "office", "zone.dst": "control", "zone.src_level": "4", "zone.dst_level": "1",
                "zone.conduit": "allowed",
            ])
        found = try bench.enrich(EnricherTests.event("10.1.0.1", "10.4.0.1", #","port":443"#))
        #expect(found["zone.conduit"] == "forbidden")
        found = try bench.enrich(EnricherTests.event("10.1.0.1", "10.1.0.2"))
        #expect(found["zone.conduit"] == "internal")
        found = try bench.enrich(EnricherTests.event("10.4.0.1", "192.0.2.1"))
        #expect(found == ["zone.src": "office", "zone.src_level": "4", "zone.conduit": "unknown"])
        found = try bench.enrich(#"{"class_uid":4001,"dst_endpoint":{"ip":"10.1.0.1"}}"#)
        #expect(found.isEmpty)
        found = try bench.enrich(EnricherTests.event("not an address", "10.1.0.1"))
        #expect(found.isEmpty)
        found = try bench.enrich(
            #"{"class_uid":4001,"src_endpoint":{"ip":"10.4.0.1"},"dst_endpoint":{"ip":"10.1.0.1","port":53},"connection_info":{"protocol_name":"udp"}}"#
        )
        #expect(found["zone.conduit"] == "allowed")
    }

    /// A Detection Finding (2004) has its endpoints in `evidences`.
    @Test func evidences() throws {
        var bench = try Bench()
        let found = try bench.enrich(
            #"{"class_uid":2004,"evidences":[{"src_endpoint":{"ip":"10.4.0.1"},"dst_endpoint":{"ip":"10.1.0.1","port":53},"connection_info":{"protocol_name":"udp"}},{"dst_endpoint":{"ip":"10.4.0.9"}}]}"#
        )
        #expect(found["zone.src"] == "office" && found["zone.dst"] == "control" && found["zone.conduit"] == "allowed")
    }

    /// A read teaches the level; a later event carries the state as it was before that event.
    @Test func levelAndInlet() throws {
        var bench = try Bench()
        var found = try bench.modbus("[0,7,7,7,7,91]")
        #expect(found == ["process.point": "level", "process.value": "91"])
        found = try bench.modbus("[1]", write: true)
        #expect(
            found == [
                "process.point": "inlet", "process.value": "1", "process.opens_inlet": "true",
                "process.state.level": "91", "process.state.level_high": "true", "process.state.inlet": "0",
            ])
        found = try bench.modbus("[90]", address: 5)
        #expect(
            found["process.state.inlet"] == "1" && found["process.state.level"] == "91"
                && found["process.opens_inlet"] == nil)
        found = try bench.modbus("[0]", write: true)
        #expect(found["process.state.level"] == "90" && found["process.state.level_high"] == "false")
        #expect(found["process.opens_inlet"] == "false" && found["process.state.inlet"] == "1")
        found = try bench.modbus("[5]", address: 100, write: true)
        #expect(
            found["process.point"] == nil && found["process.opens_inlet"] == "false"
                && found["process.state.inlet"] == "0")
    }

    /// Of several points that one write touches, the one that opens an inlet is named.
    @Test func writesOfMany() throws {
        var bench = try Bench()
        let found = try bench.modbus("[1,0,0,0,0,50]", write: true)
        #expect(
            found["process.point"] == "inlet" && found["process.value"] == "1" && found["process.opens_inlet"] == "true"
        )
    }

    @Test(arguments: ["exception", "no_response", nil] as [String?])
    func refusedWrites(_ status: String?) throws {
        var bench = try Bench()
        _ = try bench.modbus("[0]")
        var found = try bench.modbus("[1]", write: true, status: status)
        #expect(found["process.opens_inlet"] == "true" && found["process.state.inlet"] == "0")
        found = try bench.modbus("[9]", address: 50)
        #expect(found["process.state.inlet"] == "0")
    }

    @Test func unitsTablesDevices() throws {
        var bench = try Bench()
        var found = try bench.modbus("[1]", write: true, unit: 2)
        #expect(found["process.point"] == nil && found["process.opens_inlet"] == "false")
        found = try bench.modbus("[true]", table: "coil", write: true, unit: nil)
        #expect(
            found["process.point"] == "pump" && found["process.value"] == "1" && found["process.opens_inlet"] == "true")
        found = try bench.modbus("[1]", table: "input_register", write: false)
        #expect(found == ["process.state.pump": "1"])
        found = try bench.modbus("[7]", address: 5, device: "10.1.0.11")
        #expect(found == ["process.point": "other", "process.value": "7"])
        found = try bench.modbus("[1]", write: true, device: "10.1.0.12")
        #expect(found.isEmpty)
    }

    @Test func inheritance() throws {
        var bench = try Bench()
        _ = try bench.modbus("[88]", address: 5)
        var next = try Bench(EnricherTests.text.replacing("high: 90", with: "high: 80"))
        next.enricher.inherit(from: bench.enricher)
        var found = try next.modbus("[1]", address: 50)
        #expect(found.isEmpty)
        next = try Bench(EnricherTests.text.replacing("10.4.0.0/16", with: "10.5.0.0/16"))
        next.enricher.inherit(from: bench.enricher)
        found = try next.modbus("[1]", address: 50)
        #expect(found == ["process.state.level": "88", "process.state.level_high": "false"])
    }

    /// Numbers from outside that no Modbus has neither trap nor touch a point.
    @Test(arguments: ["-9223372036854775808", "9223372036854775807", "-1", "65536", "\"x\"", "1.5"])
    func oddAddresses(_ address: String) throws {
        var bench = try Bench()
        let found = try bench.enrich(
            #"{"class_uid":4001,"dst_endpoint":{"ip":"10.1.0.10","port":9223372036854775807},"src_endpoint":{"ip":"10.4.0.1"},"unmapped":{"modbus":{"table":"holding_register","address":\#(address),"values":[1,1,1,1,1,1],"is_write":true,"status":"accepted"}}}"#
        )
        #expect(found["process.point"] == nil && found["zone.conduit"] == "forbidden")
    }

    @Test func sequenceStays() throws {
        var bench = try Bench()
        bench.batch.beginRow(frame: -1, classUID: 0, time: 0)
        for path in ["src_endpoint.ip", "dst_endpoint.ip"] {
            bench.batch.put(
                .bytes(try #require(bench.batch.table.id(path)), .text, bench.batch.slab.append("10.1.0.1")))
        }
        bench.batch.endRow(sequence: 77)
        bench.enricher.enrich(&bench.batch)
        let (sequence, conduit) = (bench.batch.rows[0].sequence, bench.batch.text("unmapped.zone.conduit", in: 0))
        #expect(sequence == 77 && conduit == "internal")
    }
}
