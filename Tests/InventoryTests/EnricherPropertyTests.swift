// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Inventory
import Testing
import Wire

/// What the enricher finds by caches, joined tables and one merge, against plain lookups one by one, on random plants,
/// lists and events.
struct EnricherPropertyTests {
    /// A random plant and lists, asked plainly: every network is tried.
    struct Plain {
        var zones: [(name: String, level: String, networks: [IPNetwork])] = []
        var conduits: [(from: Int, to: Int, services: [String])] = []
        var assets: [(address: IPAddress, name: String)] = []
        var listed: [IPNetwork] = []
        var text = ""

        init(_ numbers: inout SeededNumbers, zones count: Int) {
            var known: Set<IPNetwork> = []
            text = "zones:\n"
            for number in 0..<count {
                var networks: [IPNetwork] = []
                for _ in 0..<Int.random(in: 1...3, using: &numbers) {
                    let network = Plain.network(&numbers)
                    if known.insert(network).inserted { networks.append(network) }
                }
                if networks.isEmpty { networks = [IPNetwork(IPAddress(v4: UInt32(number) << 8), prefix: 32)] }
                let level = ["0", "1", "2", "3", "3.5", "4", "5"][number % 7]
                zones.append(("z\(number)", level, networks))
                let texts = networks.map { "\"\($0)\"" }.joined(separator: ", ")
                text += "  - {name: z\(number), level: \"\(level)\", networks: [\(texts)]}\n"
            }
            text += "conduits:\n"
            for _ in 0..<count * 2 {
                let (from, to) = (
                    Int.random(in: 0..<count, using: &numbers), Int.random(in: 0..<count, using: &numbers)
                )
                let services = (0..<Int.random(in: 0...3, using: &numbers)).map { _ in
                    "\(["tcp", "udp", "icmp"].randomElement(using: &numbers) ?? "")/\(Plain.port(&numbers))"
                }
                conduits.append((from, to, services))
                text += "  - {from: z\(from), to: z\(to), services: [\(services.joined(separator: ", "))]}\n"
            }
            text += "assets:\n"
            for number in 0..<60 {
                let address = Plain.address(&numbers)
                if assets.contains(where: { $0.address == address }) { continue }
                assets.append((address, "a\(number)"))
                text += "  - {address: \"\(address)\", name: a\(number), role: r\(number), criticality: high}\n"
            }
            listed = (0..<80).map { _ in Plain.network(&numbers) }
        }

        /// Few enough that they meet, in all families and sizes.
        static func address(_ numbers: inout SeededNumbers) -> IPAddress {
            let value = numbers.next()
            if value & 7 == 0 { return IPAddress(high: 0x2001_0DB8_0000_0000 | value >> 62, low: value >> 16 & 15) }
            let edges: [UInt32] = [
                0, .max, 0x0A00_0000, 0x0AFF_FFFF, 0x0B00_0000, 0x7F00_0001, 0xE000_0001, 0x0102_0304,
            ]
            if value & 15 == 1 { return IPAddress(v4: edges[Int(value >> 8 & 7)]) }
            let low = UInt32(value >> 16 & 0x3_00FF) | UInt32(value >> 40 & 0x0700)
            return IPAddress(v4: (value & 16 == 0 ? 0x0A00_0000 : 0xAC10_0000) | low)
        }

        static func network(_ numbers: inout SeededNumbers) -> IPNetwork {
            let address = address(&numbers)
            let prefixes = address.isIPv4 ? [8, 12, 16, 20, 23, 24, 28, 31, 32] : [32, 62, 64, 120, 126, 127, 128]
            return IPNetwork(address, prefix: prefixes.randomElement(using: &numbers) ?? 32)
        }

        static func port(_ numbers: inout SeededNumbers) -> Int {
            [22, 53, 443, 502, 102].randomElement(using: &numbers) ?? 0
        }

        func zone(_ address: IPAddress) -> Int? {
            var best: (prefix: Int, zone: Int)?
            for (number, zone) in zones.enumerated() {
                for network in zone.networks where network.contains(address) && network.prefix > best?.prefix ?? -1 {
                    best = (network.prefix, number)
                }
            }
            return best?.zone
        }

        func verdict(_ from: Int?, _ to: Int?, _ service: String) -> String {
            guard let from, let to else { return "unknown" }
            if from == to { return "internal" }
            let allowed = conduits.contains {
                $0.from == from && $0.to == to && ($0.services.isEmpty || $0.services.contains(service))
            }
            return allowed ? "allowed" : "forbidden"
        }

        func indicator(_ address: IPAddress) -> String? {
            listed.filter { $0.contains(address) }.max { $0.prefix < $1.prefix }.map {
                $0.prefix == ($0.address.isIPv4 ? 32 : 128) ? "\($0.address)" : "\($0)"
            }
        }
    }

    @Test(arguments: [1, 2, 7, 40, 200])
    func agreesWithPlainLookups(_ zones: Int) throws {
        var numbers = SeededNumbers(state: UInt64(zones))
        let plain = Plain(&numbers, zones: zones)
        let complaints = Complaints()
        let plant = PlantModel.parse(plain.text, file: "p", complaints: complaints)
        try #require(complaints.errors.isEmpty, "\(complaints.all)")
        let listed = plain.listed.map { $0.prefix == ($0.address.isIPv4 ? 32 : 128) ? "\($0.address)" : "\($0)" }
        let known = intelligence([(list("l"), listed.joined(separator: "\n"))]).known
        var builder = FieldTable.Builder()
        for path in ["class_uid", "time", "unmapped.b", "unmapped.asset.dst_role", "unmapped.m", "url.path"] {
            builder.add(path)
        }
        let plan = Enricher.Plan(plant, intelligence: known, builder: &builder)
        let table = builder.build()
        var enricher = plan.finish(table)
        var batch = Batch(table: table)
        var reader = EventReader()
        var counted = 0
        var layouts: [[Int]: UInt32] = [:]
        for round in 0..<4000 {
            if round % 64 == 0 { batch.reset() }
            let (source, destination) = (Plain.address(&numbers), Plain.address(&numbers))
            let (port, transport) = (
                Plain.port(&numbers), ["tcp", "udp", "other"].randomElement(using: &numbers) ?? ""
            )
            let ends =
                #""src_endpoint":{"ip":"\#(source)"},"dst_endpoint":{"ip":"\#(destination)","port":\#(port)},"connection_info":{"protocol_name":"\#(transport)"\#(round % 3 == 0 ? #","direction_id":0"# : "")}"#
            let isFinding = round % 5 == 0
            // Something before, between and behind what is added; one that stands at an added place.
            let taken = round % 7 == 0 ? #","asset":{"dst_role":"mine"}"# : ""
            let text =
                #"{"class_uid":\#(isFinding ? 2004 : 4001),"time":0,\#(isFinding ? #""evidences":[{\#(ends)}]"# : ends),"unmapped":{"b":1,"m":2\#(taken)},"url":{"path":"/"}}"#
            let bytes = Array(text.utf8)
            try #require(reader.read(bytes.span.bytes, into: &batch) != nil)
            let made = batch.rows[batch.rows.count - 1]
            let before = batch.entries(of: batch.rows.count - 1).map { batch.entries[$0] }
            enricher.enrich(&batch)
            let row = batch.rows.count - 1
            let entries = batch.entries(of: row).map { batch.entries[$0] }
            #expect(zip(entries, entries.dropFirst()).allSatisfy { $0.order < $1.order })
            // The same event with the number of its layout; numbers that share a place push each other out.
            var numbered = Row(
                frame: -1, classUID: Int(made.classUID), time: made.time, sequence: made.sequence)
            let key = [Int(made.classUID)] + before.map { Int($0.order) }
            numbered.layout = layouts[key] ?? UInt32(layouts.count / 2 + 1 + layouts.count % 2 * 512)
            layouts[key] = numbered.layout
            before.withUnsafeBufferPointer { batch.append(numbered, entries: $0) }
            enricher.enrich(&batch)
            let again = batch.entries(of: row + 1).map { batch.entries[$0] }
            try #require(again.map(\.order) == entries.map(\.order), "\(text)")
            for (one, other) in zip(entries, again) {
                #expect(one.kind == other.kind && batch.text(of: one) == batch.text(of: other), "\(text)")
            }
            let (from, to) = (plain.zone(source), plain.zone(destination))
            let (sourceAsset, destinationAsset) = (
                plain.assets.first { $0.address == source }, plain.assets.first { $0.address == destination }
            )
            let role = destinationAsset.map { "r" + $0.name.dropFirst() }
            let direction = batch.integer(
                (isFinding ? "evidences." : "") + "connection_info.direction_id", in: row)
            if from != nil, to != nil, source != destination, round % 3 == 0 { #expect(direction == 3, "\(text)") }
            for (path, wanted) in [
                ("zone.src", from.map { plain.zones[$0].name }), ("zone.src_level", from.map { plain.zones[$0].level }),
                ("zone.dst", to.map { plain.zones[$0].name }), ("zone.dst_level", to.map { plain.zones[$0].level }),
                ("zone.conduit", plain.verdict(from, to, "\(transport)/\(port)")),
                ("asset.src", sourceAsset?.name), ("asset.dst", destinationAsset?.name),
                ("asset.dst_role", round % 7 == 0 ? "mine" : role), ("b", "1"), ("m", "2"),
            ] {
                #expect(batch.text("unmapped." + path, in: row) == wanted, "\(path) of \(text)")
            }
            let found = [source, destination].compactMap { plain.indicator($0) }
            let told = batch.text("unmapped.intelligence.indicator", in: row)
            #expect(found.isEmpty ? told == nil : told.map { found.contains($0) } == true, "\(text)")
            counted += 2 * found.count
        }
        #expect(enricher.takeMatches() == (counted == 0 ? [] : [counted]))
    }

    /// Texts that look like addresses: each means the same at the first look and from the cache.
    @Test func oddAddresses() throws {
        let plant = PlantModel.parse(
            "zones: [{name: all, level: \"1\", networks: [0.0.0.0/0, \"::/0\"]}]", file: "p", complaints: Complaints())
        var builder = FieldTable.Builder()
        builder.add("class_uid")
        let plan = Enricher.Plan(plant, builder: &builder)
        let table = builder.build()
        var enricher = plan.finish(table)
        var batch = Batch(table: table)
        var numbers = SeededNumbers(state: 3)
        let seeds = [
            "1.2.3.4", "10.20.30.40", "255.255.255.255", "010.1.1.1", "::1", "::ffff:1.2.3.4", "2001:db8::1", "1.2.3",
        ]
        for round in 0..<6000 {
            var text = Array((seeds.randomElement(using: &numbers) ?? "").utf8)
            for _ in 0..<Int.random(in: 0...2, using: &numbers) {
                let place = Int.random(in: 0..<text.count, using: &numbers)
                switch numbers.next() % 3 {
                case 0: text[place] = Array("0123456789.:af/ \u{0}".utf8).randomElement(using: &numbers) ?? 0
                case 1: text.insert(Array("0129.:".utf8).randomElement(using: &numbers) ?? 0, at: place)
                default: if text.count > 1 { text.remove(at: place) }
                }
            }
            batch.reset()
            for _ in 0..<2 {
                batch.beginRow(frame: -1, classUID: 0, time: 0)
                for path in ["src_endpoint.ip", "dst_endpoint.ip"] {
                    batch.put(
                        .bytes(try #require(table.id(path)), .text, batch.slab.append(text.span.bytes)))
                }
                batch.endRow()
                enricher.enrich(&batch)
                let conduit = batch.text("unmapped.zone.conduit", in: batch.rows.count - 1)
                let wanted = IPAddress(text.span.bytes) == nil ? nil : "internal"
                #expect(conduit == wanted, "round \(round): \(String(decoding: text, as: UTF8.self))")
            }
        }
    }
}
