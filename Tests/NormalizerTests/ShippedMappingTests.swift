// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Normalizer
import Testing
import Wire

struct ShippedMappingTests {
    @Test func loadAndPassTheirSamples() throws {
        let files = try Places.mappings()
        let complaints = Complaints()
        var builder = FieldTable.Builder()
        let drafts = MappingSet.read(files, builder: &builder, complaints: complaints)
        #expect(complaints.all.isEmpty, "\(complaints.all)")
        #expect(drafts.count == files.count && files.count >= 60)
        let set = MappingSet(drafts, table: builder.build())
        let (passed, failed) = set.runSamples(drafts)
        #expect(failed == 0 && passed >= 500, "\(complaints.all)")
        #expect(Set(set.names).isSuperset(of: ["unknown", "iptables", "openssh", "suricata", "cef", "modbus"]))
        let number = try #require(set.names.firstIndex(of: "openssh"))
        let sources = set.logSources(UInt16(number))
        #expect(
            sources.products.contains("linux") && sources.categories == ["authentication"]
                && sources.services.contains("sshd"))
        #expect(set.name(9_999) == "unknown" && set.logSources(0).products == ["ocsf"])
    }

    /// A sample that does not hold is a complaint at its attribute's place.
    @Test func samplesCanFail() throws {
        let text = try #require(try Places.mappings().first { $0.name == "linux/openssh.yaml" }).text
        let wrong = text.replacing("user.name: admin", with: "user.name: root")
        try #require(wrong != text)
        let complaints = Complaints()
        var builder = FieldTable.Builder()
        let drafts = MappingSet.read([("o.yaml", wrong)], builder: &builder, complaints: complaints)
        let (_, failed) = MappingSet(drafts, table: builder.build()).runSamples(drafts)
        let line = wrong.split(separator: "\n", omittingEmptySubsequences: false).firstIndex {
            $0.contains("user.name: root")
        }
        #expect(failed == 1)
        #expect(complaints.all.map(\.description) == ["o.yaml:\((line ?? 0) + 1):18: user.name is 'admin', not 'root'"])
    }

    /// Fuzzed lines: each is one row, in order, and each row is JSON of its own.
    @Test func fuzz() throws {
        var seeds: [[UInt8]] = []
        for file in try Places.mappings() {
            let complaints = Complaints()
            for sample in Element.documents(file.text, file: file.name, complaints: complaints).first?["samples"]?.items
                ?? []
            {
                if let input = sample["input"]?.string { seeds.append(Array(input.utf8)) }
            }
        }
        seeds.append(Array("CEF:0|V|P|1|100|n|5|src=10.0.0.1 dst=10.0.0.2 spt=x act=deny cs1=a\\=b msg=c d".utf8))
        try #require(seeds.count >= 10)
        var bench = try Bench(try Places.mappings())
        var random = Random(1)
        var known = 0
        for round in 0..<4_000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0..<Int.random(in: 0...4, using: &random) where !bytes.isEmpty {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0...4, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...9, using: &random)))
                case 2: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 30)], at: at)
                case 3:
                    bytes.insert(
                        contentsOf: [[0x5C], [0x22], [0xC3], [0], Array("99999999999999999999".utf8)][
                            Int.random(in: 0...4, using: &random)], at: at)
                default: bytes.removeLast(bytes.count - at)
                }
            }
            let isNotice = seeds[round % seeds.count].starts(with: #"{"penstock""#.utf8)
            let transport: TransportKind = isNotice ? .service : round % 5 == 0 ? .udp : .file
            let row = bench.take(
                bytes, transport: transport, peer: round % 2 == 0 ? IPAddress(v4: 1) : nil, isCut: round % 7 == 0)
            let (rows, frames) = (bench.batch.rows.count, bench.batch.frames.count)
            #expect(rows == frames && Int(bench.batch.rows[row].frame) == row)
            let object = try bench.object(row)
            #expect(object["class_uid"] as? Int == Int(bench.batch.rows[row].classUID))
            #expect(object["raw_data"] != nil || bytes.isEmpty)
            if bench.batch.rows[row].mapping > 0 { known += 1 }
            if round % 500 == 499 { bench.batch.reset() }
        }
        #expect(known > 1_500)
        let tally = bench.normalizer.takeTally()
        #expect(tally.events.reduce(0, +) == 4_000 && tally.events.count == bench.set.names.count)
        #expect(bench.normalizer.takeTally().events.allSatisfy { $0 == 0 })
    }

    /// Random sensor records: one row each.
    @Test func recordFuzz() throws {
        let names = [
            "", "record", "src.ip", "dst.ip", "src.port", "modbus.values", "modbus.is_write", "time", "packet",
            "beyond",
        ]
        var bench = try Bench(
            try Places.mappings(), records: RecordVocabulary(names: names, kind: 1, repeated: [5], octets: [8]))
        var writer = RecordWriter(Slab())
        writer.put(1, "modbus")
        writer.put(2, "10.0.0.1")
        writer.put(3, "10.0.0.2")
        writer.put(4, 502 as Int64)
        for value in [1, 2] as [Int64] { writer.put(5, value) }
        writer.put(6, true)
        writer.put(7, 1_700_000_000_000_000_000 as Int64)
        writer.put(8, "octets")
        writer.put(9, "kept")
        let slab = writer.take()
        let record = slab.bytes.array
        let row = bench.take(record, transport: .sensor)
        let object = try bench.object(row)
        #expect(
            object["class_uid"] as? Int == 4001 && object["time"] as? Int == 1_700_000_000_000
                && object["raw_data"] == nil)
        let unmapped = try bench.unmapped(row)
        #expect(unmapped == #"{"beyond":"kept","modbus":{"is_write":true,"values":[1,2]},"record":"modbus"}"#)
        var random = Random(2)
        for round in 0..<3_000 {
            var bytes = record
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            bytes.removeLast(round % 3 == 0 ? Int.random(in: 0...bytes.count, using: &random) : 0)
            let row = bench.take(bytes, transport: .sensor)
            #expect(row == round + 1)
            _ = try bench.object(row)
        }
    }
}
