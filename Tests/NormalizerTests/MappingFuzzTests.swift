// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Normalizer
import Testing
import Wire

/// Mapping files that somebody has spoilt: each is refused with a place, or works, and then makes valid events.
@Suite(.serialized) struct MappingFuzzTests {
    /// The most processor time for reading, compiling and reviewing one file.
    static let mostSeconds = 3.0

    /// Values that are not what a key wants.
    private static let values = [
        "", "~", "[]", "{}", "[[]]", "[{}]", "0", "-1", "99999999999999999999", "1e999", ".nan", "true", "'x'",
        "\"\\u0000\"",
        "*a", "&a b", "[1, a, {b: c}]", "{value: 1}", "{from: a, table: {}}", "{from: [], default: x}", "{cases: []}",
        "{cases: [{when: {}, value: 1}], default: 2}", "{from: a, split: ''}", "{from: a, scale: 0}",
        "{from: a, scale: 1e308}",
        "'('", "'(?<a>(?<b>x*)*)*'", "'(?R)'", "'[[:foo:]]'", "'\\C'", "'(?<src>.)(?<src>.)'", "'(a{1,1000}){1,1000}'",
        "'%{a}%{b}'", "'%{'", "'%{a->}%{?b}%{&c}%{*c}'", "[{json: true}, {each: a}]", "{not: {not: {exists: false}}}",
        "{regex: '('}",
        "base_event", "network_activity", "syslog.message", "unmapped", "unmapped.x", "metadata.uid", "raw_data",
        "class_uid", "a.b.c.d.e.f.g", "..", "_", "Other", "Unknown", "|\n    text", "é\u{1F600}",
    ]

    private let files: [(name: String, text: String)]
    private let lines: [[Substring]]

    init() throws {
        files = try Places.mappings()
        lines = files.map { $0.text.split(separator: "\n", omittingEmptySubsequences: false) }
    }

    private func mutated(_ random: inout Random) -> String {
        // Short files are compiled in a moment, and hold every construct.
        let number = Int.random(in: 0..<files.count, using: &random)
        var text = lines[number]
        for _ in 0..<Int.random(in: 1...4, using: &random) where !text.isEmpty {
            // What stands above the samples, mostly.
            let samples = text.firstIndex { $0.hasPrefix("samples:") } ?? text.count
            let at = Int.random(
                in: 0..<max(1, Int.random(in: 0...9, using: &random) == 0 ? text.count : samples), using: &random)
            let line = text[at]
            switch Int.random(in: 0..<11, using: &random) {
            case 0: text.remove(at: at)
            case 1: text.insert(line, at: Int.random(in: 0...text.count, using: &random))
            case 2: text[at] = line.first == " " ? line.dropFirst(2) : "  " + line
            case 3, 4, 5:
                guard let colon = line.firstIndex(of: ":") else { continue }
                text[at] = line[...colon] + " " + (Self.values.randomElement(using: &random) ?? "")
            case 6:
                let other = lines.randomElement(using: &random) ?? []
                if let donor = other.randomElement(using: &random) { text.insert(donor, at: at) }
            case 7:
                guard let donor = lines.randomElement(using: &random)?.randomElement(using: &random),
                    let colon = line.firstIndex(of: ":"), let other = donor.firstIndex(of: ":")
                else { continue }
                text[at] = line[...colon] + donor[donor.index(after: other)...]
            case 8:
                guard let donor = lines.randomElement(using: &random)?.randomElement(using: &random),
                    let colon = line.firstIndex(of: ":"), let other = donor.firstIndex(of: ":")
                else { continue }
                text[at] = donor[..<other] + line[colon...]
            case 9:
                var bytes = Array(line.utf8)
                guard !bytes.isEmpty else { continue }
                bytes[Int.random(in: 0..<bytes.count, using: &random)] =
                    Array(" :-[]{}'\"#&*!|>%@`,?\t\\0a".utf8).randomElement(using: &random) ?? 0x20
                text[at] = Substring(String(decoding: bytes, as: UTF8.self))
            default:
                text.insert(contentsOf: repeatElement(line, count: Int.random(in: 1...300, using: &random)), at: at)
            }
        }
        return text.joined(separator: "\n")
    }

    @Test func spoiltFiles() throws {
        var rounds = 0
        var (taken, slowest) = (0, 0.0)
        var events: [[UInt8]] = []
        var origins: [Int] = []
        func check() throws(any Error) {
            defer {
                events.removeAll()
                origins.removeAll()
            }
            guard Places.cases != nil, !events.isEmpty else { return }
            let (status, told) = try VendorTests.validate(events)
            guard status != 0 else { return }
            for text in told.split(separator: "\n").prefix(10) {
                let number = text.firstMatch(of: /"line": ([0-9]+)/).flatMap { Int($0.1) }
                Issue.record("round \(number.map { origins[$0 - 1] } ?? -1): \(text.prefix(1_500))")
            }
        }
        let seeds = LineMutator(samplesOf: files)
        let validator = EventValidator(.v1_8_0)
        for round in FuzzRounds(120) {
            rounds += 1
            var random = Random(UInt64(round))
            let text = mutated(&random)
            let began = FuzzRounds.processorTime
            let complaints = Complaints()
            var builder = FieldTable.Builder()
            let drafts = MappingSet.read([("m.yaml", text)], builder: &builder, complaints: complaints)
            #expect(drafts.count > 0 || !complaints.all.isEmpty || text.allSatisfy(\.isWhitespace), "round \(round)")
            for complaint in complaints.all {
                #expect(
                    !complaint.message.isEmpty && complaint.message.utf8.count < 20_000, "round \(round): \(complaint)")
            }
            let isFaulty = !complaints.errors.isEmpty
            // `check` compiles what it has complained about as well, to tell everything at once.
            let set = MappingSet(drafts, table: builder.build())
            set.review(drafts)
            let time = FuzzRounds.processorTime - began
            #expect(time < Self.mostSeconds, "round \(round): \(time) s")
            slowest = max(slowest, time)
            guard !isFaulty else { continue }
            taken += 1
            _ = set.sampleOutcomes(drafts)

            // Its own samples, as they were and mutated, and lines of others.
            var normalizer = Normalizer(set)
            var batch = Batch(table: set.table)
            let mutator = LineMutator(samplesOf: [("m.yaml", text)])
            for number in 0..<min(40, 10 + 2 * mutator.seeds.count) {
                let line =
                    number < mutator.seeds.count
                    ? mutator.seeds[number] : (mutator.seeds.isEmpty ? seeds : mutator).line(&random, longOnes: .max)
                batch.append(line.span.bytes, received: Bench.received, transport: .file)
                let first = batch.rows.count
                normalizer.normalize(frame: number, of: &batch)
                while normalizer.next(of: &batch) {}
                let rows = batch.rows.count
                #expect(rows > first, "round \(round): \(LineFuzzTests.text(line))")
                for row in first..<rows {
                    var slab = Slab()
                    EventWriter.append(row, of: batch, to: &slab)
                    let json = slab.bytes.array
                    let faults = validator.faults(json)
                    #expect(faults.isEmpty, "round \(round): \(faults) \(LineFuzzTests.text(line))")
                    guard number % 4 == 0 else { continue }
                    events.append(json)
                    origins.append(round)
                }
            }
            if events.count >= 10_000 { try check() }
        }
        try check()
        #expect(taken > rounds / 20 && taken < rounds)
        print("\(rounds) mapping files, \(taken) of them taken; slowest \(slowest) s")
    }
}
