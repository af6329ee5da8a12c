// SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Inventory
import Testing
import Wire

/// Zones and asset files that somebody has spoilt: each is told about at its place, and what is left of it can be asked.
/// `PENSTOCK_FUZZ_SECONDS_EACH` makes the test go on for so long.
@Suite struct PlantFuzzTests {
    static let text = """
        zones:
          - {name: control, level: "1", networks: [172.21.0.0/24, "fd21::/64"]}
          - {name: cell, level: "0", networks: [172.21.0.128/25]}
          - name: rest
            level: "4"
            networks: [0.0.0.0/0]
        conduits:
          - {from: control, to: cell, services: [tcp/502, UDP/161]}
          - {from: rest, to: control}
        assets:
          - {address: 172.21.0.10, name: hmi, role: hmi, criticality: high}
          - {address: "fd21::7", name: plc, criticality: critical}
        lists:
          modbus_writers: [172.21.0.10, 172.21.0.11]
        process:
          points:
            - {name: level, device: 172.21.0.130, unit: 1, table: holding_register, address: 7, high: 900}
        """

    static let values = [
        "", "~", "[]", "{}", "-1", "99999999999999999999", "1e9", "172.21.0.0/33", "172.21.0.300", "::/129",
        "::ffff:10.0.0.1/96",
        "fe80::1%eth0", "tcp/65536", "tcp/-1", "tcp/", "/", "'3.5'", "*a", "&a [*a]", "[[[[]]]]", "{a: {b: c}}",
        "\"\\u0000\"",
        "é\u{1F600}", "|\n  text", "control", "cell",
    ]

    @Test func spoiltFiles() {
        let lines = Self.text.split(separator: "\n")
        let seconds = ProcessInfo.processInfo.environment["PENSTOCK_FUZZ_SECONDS_EACH"].flatMap { Int($0) }
        let end = ContinuousClock.now + .seconds(seconds ?? 60)
        var (round, taken) = (0, 0)
        while seconds == nil ? round < 2_000 : ContinuousClock.now < end {
            var numbers = SeededNumbers(state: UInt64(round))
            round += 1
            var text = lines
            for _ in 0..<Int.random(in: 1...4, using: &numbers) where !text.isEmpty {
                let at = Int.random(in: 0..<text.count, using: &numbers)
                switch Int.random(in: 0..<7, using: &numbers) {
                case 0: text.remove(at: at)
                case 1: text.insert(text[at], at: Int.random(in: 0...text.count, using: &numbers))
                case 2: text[at] = text[at].first == " " ? text[at].dropFirst(2) : "  " + text[at]
                case 3:
                    guard let colon = text[at].firstIndex(of: ":") else { continue }
                    text[at] = text[at][...colon] + " " + (Self.values.randomElement(using: &numbers) ?? "")
                case 4:
                    // A value within braces.
                    let places = text[at].indices.filter {
                        text[at][$0] == ":" || text[at][$0] == "[" || text[at][$0] == ","
                    }
                    guard let place = places.randomElement(using: &numbers) else { continue }
                    let after = text[at][place...].dropFirst().firstIndex { ",]}".contains($0) } ?? text[at].endIndex
                    text[at] =
                        text[at][...place] + " " + (Self.values.randomElement(using: &numbers) ?? "")
                        + text[at][after...]
                case 5:
                    var bytes = Array(text[at].utf8)
                    guard !bytes.isEmpty else { continue }
                    bytes[Int.random(in: 0..<bytes.count, using: &numbers)] =
                        Array(" :-[]{}'\"#&*!|>,./0".utf8).randomElement(using: &numbers) ?? 0x20
                    text[at] = Substring(String(decoding: bytes, as: UTF8.self))
                default:
                    text.insert(
                        contentsOf: repeatElement(text[at], count: Int.random(in: 1...50, using: &numbers)), at: at)
                }
            }
            let complaints = Complaints()
            let plant = PlantModel.parse(text.joined(separator: "\n"), file: "p.yaml", complaints: complaints)
            #expect(
                complaints.all.allSatisfy { !$0.message.isEmpty && $0.message.utf8.count < 4_096 }, "round \(round - 1)"
            )
            taken += complaints.errors.isEmpty ? 1 : 0
            let zones = plant.zones
            for address in ["172.21.0.10", "172.21.0.200", "fd21::1", "10.0.0.1", "::"] {
                guard let address = IPAddress(address) else { continue }
                let zone = zones.zone(of: address)
                #expect(zone.map { zones.zones.indices.contains($0) } ?? true, "round \(round - 1)")
                let verdict = zones.verdict(from: zone, to: 0, transport: "tcp", port: 502)
                #expect(zone != nil || verdict == .unknown, "round \(round - 1)")
            }
        }
        #expect(taken > round / 50 && taken < round, "\(taken) of \(round)")
    }
}
