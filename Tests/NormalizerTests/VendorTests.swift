// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Normalizer
import Testing
import Wire

/// Lines of real products from the shared cases, judged by the schema's own rules and by another normalizer's answers.
@Suite(.enabled(if: Places.cases != nil, "the shared cases are not here"))
struct VendorTests {
    static func lines(_ path: String) throws -> [[String: Any]] {
        let cases = try #require(Places.cases)
        let text = try String(contentsOf: cases.appendingPathComponent("vendor/" + path), encoding: .utf8)
        return try text.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    /// Runs the validator of the shared cases over events, one a line: its exit status and what it says.
    static func validate(
        _ events: [[UInt8]], _ schema: String = "schema.json"
    ) throws -> (status: Int32, told: String) {
        let cases = try #require(Places.cases)
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("penstock-\(UUID().uuidString).ndjson")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(events.joined(separator: [0x0A])).write(to: file)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let folder = cases.appendingPathComponent("ocsf")
        process.arguments = [
            "python3", folder.appendingPathComponent("validate.py").path, "--schema",
            folder.appendingPathComponent(schema).path,
        ]
        process.standardInput = try FileHandle(forReadingFrom: file)
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let told = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: told, as: UTF8.self))
    }

    @Test(arguments: [
        ("netfilter_iptables/input.jsonl", "iptables", 5), ("suricata/input.jsonl", "suricata", 9),
        ("suricata/ocsf-input.jsonl", "suricata", 67), ("openssh/input.jsonl", "openssh", 31),
    ])
    func recognisedAndValid(_ path: String, _ mapping: String, _ count: Int) throws {
        var bench = try Bench(try Places.mappings())
        var missed: [String] = []
        for line in try VendorTests.lines(path) {
            let raw = try #require(line["raw"] as? String)
            let row = bench.take(raw)
            if bench.set.name(bench.batch.rows[row].mapping) != mapping { missed.append(raw) }
        }
        let rows = bench.batch.rows.count
        #expect(rows == count && missed.isEmpty, "\(missed)")
        let tally = bench.normalizer.takeTally()
        #expect(tally.invalid == 0 && tally.unreadable == 0)
        let (status, told) = try VendorTests.validate((0..<rows).map { bench.json($0) })
        #expect(status == 0, "\(told)")
        #expect(told.contains("\(count)"), "\(told)")
    }

    /// Every fuzzed event is valid OCSF too.
    @Test func fuzzedLinesAreValid() throws {
        var bench = try Bench(try Places.mappings())
        var random = Random(3)
        let paths = [
            "netfilter_iptables/input.jsonl", "suricata/input.jsonl", "suricata/ocsf-input.jsonl",
            "openssh/input.jsonl",
        ]
        let seeds = try paths.flatMap { try VendorTests.lines($0) }.compactMap {
            ($0["raw"] as? String).map { Array($0.utf8) }
        }
        let noise = Array("\"\\{}[]:,= 09aZ\u{0}-".utf8) + [0xFF, 0xC3]
        for seed in seeds {
            for _ in 0..<40 {
                var bytes = seed
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let at = Int.random(in: 0..<bytes.count, using: &random)
                    if Bool.random(using: &random) {
                        bytes[at] = noise[Int.random(in: 0..<noise.count, using: &random)]
                    } else {
                        bytes.remove(at: at)
                    }
                }
                bench.take(bytes)
            }
        }
        let rows = bench.batch.rows.count
        #expect(rows == seeds.count * 40)
        let (status, told) = try VendorTests.validate((0..<rows).map { bench.json($0) })
        #expect(status == 0, "\(told.prefix(2_000))")
    }

    /// Addresses and ports agree with those of another normalizer (ECS `source` and `destination`).
    @Test func agreement() throws {
        var agreed = 0
        var disagreed: [String] = []
        for folder in ["netfilter_iptables", "suricata", "openssh"] {
            var bench = try Bench(try Places.mappings())
            let expected = try VendorTests.lines(folder + "/expected.jsonl")
            for (line, answer) in zip(try VendorTests.lines(folder + "/input.jsonl"), expected) {
                try #require(line["id"] as? String == answer["id"] as? String)
                let found = try bench.object(bench.take(try #require(line["raw"] as? String)))
                let holder = (found["evidences"] as? [[String: Any]])?.first ?? found
                let fields = answer["fields"] as? [String: Any] ?? [:]
                for (theirs, ours) in [("source", "src_endpoint"), ("destination", "dst_endpoint")] {
                    let wanted = fields[theirs] as? [String: Any] ?? [:]
                    let given = holder[ours] as? [String: Any] ?? [:]
                    for key in ["ip", "port"] {
                        guard let value = wanted[key] else { continue }
                        if let mine = given[key], "\(mine)" == "\(value)" {
                            agreed += 1
                        } else {
                            disagreed.append(
                                "\(answer["id"] ?? "") \(theirs).\(key) \(value), not \(given[key] ?? "nothing")")
                        }
                    }
                }
            }
        }
        print("agreement with ECS: \(agreed) of \(agreed + disagreed.count); \(disagreed)")
        #expect(agreed >= 90)
        #expect(Double(agreed) >= 0.9 * Double(agreed + disagreed.count), "\(disagreed)")
    }
}
