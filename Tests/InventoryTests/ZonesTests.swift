// SPDX-License-Identifier: Apache-2.0
import Documents
import Inventory
import Testing
import Wire

struct ZonesTests {
    static let text = """
        zones:
          - {name: control, level: "1", networks: [172.21.0.0/24, "fd21::/64"]}
          - {name: cell, level: "0", networks: [172.21.0.128/25]}
          - {name: gate, level: "3.5", networks: [172.21.0.130, 10.0.0.0/8]}
          - {name: rest, level: "4", networks: [0.0.0.0/0]}
        conduits:
          - {from: control, to: cell, services: [tcp/502, UDP/161]}
          - {from: control, to: cell, services: [tcp/22]}
          - {from: gate, to: control}
        """

    static func zones() throws -> Zones {
        let complaints = Complaints()
        let plant = PlantModel.parse(text, file: "zones.yaml", complaints: complaints)
        try #require(complaints.all.isEmpty)
        return plant.zones
    }

    @Test(
        arguments: [
            ("172.21.0.10", "control"), ("172.21.0.127", "control"), ("172.21.0.128", "cell"), ("172.21.0.129", "cell"),
            ("172.21.0.130", "gate"), ("172.21.0.131", "cell"), ("10.255.0.1", "gate"), ("172.21.1.0", "rest"),
            ("::ffff:172.21.0.130", "gate"), ("fd21::1", "control"), ("fd21:0:0:1::1", nil), ("::1", nil),
        ] as [(String, String?)])
    func longestPrefix(_ address: String, _ name: String?) throws {
        let zones = try ZonesTests.zones()
        let address = try #require(IPAddress(address))
        #expect(zones.zone(of: address).map { zones.zones[$0].name } == name)
    }

    @Test(
        arguments: [
            (0, 0, "tcp", 80, .internal), (0, 1, "tcp", 502, .allowed), (0, 1, "udp", 161, .allowed),
            (0, 1, "tcp", 22, .allowed),
            (0, 1, "udp", 502, .forbidden), (0, 1, "tcp", 503, .forbidden), (1, 0, "tcp", 502, .forbidden),
            (2, 0, "icmp", 0, .allowed),
            (3, 0, "tcp", 502, .forbidden), (nil, 0, "tcp", 502, .unknown), (0, nil, "tcp", 502, .unknown),
            (nil, nil, "tcp", 1, .unknown),
        ] as [(Int?, Int?, String, Int, Zones.Verdict)])
    func verdicts(_ from: Int?, _ to: Int?, _ transport: String, _ port: Int, _ verdict: Zones.Verdict) throws {
        #expect(try ZonesTests.zones().verdict(from: from, to: to, transport: transport, port: port) == verdict)
    }

    @Test func none() {
        #expect(Zones.none.zone(of: IPAddress(v4: 1)) == nil)
        #expect(Zones.none.verdict(from: nil, to: nil, transport: "tcp", port: 1) == .unknown)
    }
}
