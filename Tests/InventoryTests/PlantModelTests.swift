// SPDX-License-Identifier: Apache-2.0
import Documents
import Inventory
import Testing
import Wire

struct PlantModelTests {
    static func read(_ text: String) -> (plant: PlantModel, told: [String]) {
        let complaints = Complaints()
        let plant = PlantModel.parse(text, file: "p.yaml", complaints: complaints)
        return (plant, complaints.all.map(\.description))
    }

    /// Every fault is told at its place and what is right is kept.
    @Test func faults() {
        let (plant, told) = PlantModelTests.read(
            """
            zonez: []
            zones:
              - {name: a, level: "9", networks: [10.0.0.0/8, nonsense]}
              - {name: a, level: "1", networks: [10.0.0.0/8]}
              - {level: "1", networks: []}
            conduits:
              - {from: a, to: b, services: [tcp/502, sctp/1, tcp/70000, tcp]}
              - {from: a}
            assets:
              - {address: 10.0.0.1, name: plc, criticality: severe}
              - {address: 10.0.0.1}
              - {address: host}
            lists:
              writers: [10.0.0.1, 10.0.0.2]
            process:
              points:
                - {name: Level, device: 10.0.0.1, table: coil, address: 1}
                - {name: level, device: nohost, table: coil, address: 1}
                - {name: level, device: 10.0.0.1, table: coils, address: 1}
                - {name: level, device: 10.0.0.1, table: coil, address: 65536}
                - {name: ok, device: 10.0.0.1, table: coil, address: 1, unit: 256}
                - {name: ok, device: 10.0.0.1, table: coil, address: 2, hihg: 5}
            """)
        let wanted = [
            "1:1: unknown key 'zonez' (did you mean 'zones'?)", "3:22: level must be one of",
            "3:50: 'nonsense' is no network",
            "4:12: zone 'a' is given twice", "4:38: network 10.0.0.0/8 is already in another zone",
            "5:5: zones[2] needs 'name'",
            "7:19: there is no zone 'b'", "7:42: 'sctp/1' is no service", "7:50: 'tcp/70000' is no service",
            "7:61: 'tcp' is no service", "8:5: conduits[1] needs 'to'",
            "10:49: assets[0].criticality must be one of low",
            "11:15: asset 10.0.0.1 is given twice", "12:15: 'host' is no address",
            "17:14: a point's name has lower-case",
            "18:29: 'nohost' is no address", "19:46: process.points[2].table must be one of coil",
            "20:61: process.points[3].address must lie between 0 and 65535",
            "21:67: process.points[4].unit must lie between 0 and 255",
            "22:61: unknown key 'hihg'", "22:14: point 'ok' is given twice",
        ]
        for want in wanted { #expect(told.contains { $0.hasPrefix("p.yaml:" + want) }, "\(want)") }
        #expect(told.count == wanted.count, "\(told.joined(separator: "\n"))")
        #expect(plant.zones.zones.map(\.name) == ["a", "a"] && plant.zones.zones[0].networks.count == 1)
        #expect(plant.lists == ["writers": ["10.0.0.1", "10.0.0.2"]])
        #expect(plant.assets.count == 1 && plant.process.points.map(\.name).suffix(2) == ["ok", "ok"])
    }

    @Test func values() throws {
        let (plant, told) = PlantModelTests.read(
            """
            assets:
              - {address: "::ffff:10.0.0.1", name: plc, role: plc, criticality: high}
              - {address: 10.0.0.2}
            process:
              points:
                - {name: a_1, device: 10.0.0.1, unit: 3, table: input_register, address: 65535, high: -5, opens_inlet_at: 1}
            """)
        #expect(told.isEmpty)
        let asset = try #require(plant.assets[IPAddress(v4: 0x0A00_0001)])
        #expect(asset.name == "plc" && asset.role == "plc" && asset.criticality == "high")
        let other = try #require(plant.assets[IPAddress(v4: 0x0A00_0002)])
        #expect(other.name == "10.0.0.2" && other.role == "unknown" && other.criticality == "medium")
        let point = try #require(plant.process.points.first)
        #expect(
            point.unit == 3 && point.table == .inputRegister && point.address == 65535 && point.high == -5
                && point.opensInletAt == 1)
    }

    @Test func empty() {
        #expect(PlantModelTests.read("").plant.zones.zones.isEmpty)
        let (_, told) = PlantModelTests.read("- 1")
        #expect(told == ["p.yaml:1:1: the document must be a mapping"])
    }
}
