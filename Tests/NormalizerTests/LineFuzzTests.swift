// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Normalizer
import Testing
import Wire

/// Hostile lines, with every shipped mapping at work: each is one event, valid, of bounded size and made in bounded time.
@Suite(.serialized) struct LineFuzzTests {
    /// The most bytes of an event: a byte of a line can take six in JSON, and stand in the original text, in the message
    /// and in attributes made of it.
    static func mostBytes(of line: [UInt8]) -> Int { 4_096 + 40 * line.count }

    /// The most processor time for a line of up to 64 KiB.
    static let mostSeconds = 1.0

    /// Events for the validator that shares no code with Penstock's own.
    private struct Sheaf {
        var events: [[UInt8]] = []
        var lines: [[UInt8]] = []
        let schema: String

        /// Validates what is there, where the validator is.
        mutating func check() throws {
            defer {
                events.removeAll()
                lines.removeAll()
            }
            guard Places.cases != nil, !events.isEmpty else { return }
            let (status, told) = try VendorTests.validate(events, schema)
            guard status != 0 else { return }
            for text in told.split(separator: "\n").prefix(10) {
                let number = text.firstMatch(of: /"line": ([0-9]+)/).flatMap { Int($0.1) }
                Issue.record("\(text.prefix(1_000))\n\(number.map { LineFuzzTests.text(lines[$0 - 1]) } ?? "")")
            }
        }
    }

    /// A line as it may stand in a Swift string.
    static func text(_ line: [UInt8]) -> String { String(decoding: line.prefix(2_000), as: UTF8.self).debugDescription }

    @Test(arguments: ["schema.json", "schema-1.1.0.json"])
    func lines(_ schema: String) throws {
        let files = try Places.mappings()
        let mutator = LineMutator(samplesOf: files)
        try #require(mutator.seeds.count >= 500)
        var bench = try Bench(files, of: schema == "schema.json" ? .v1_8_0 : .v1_1_0)
        var sheaf = Sheaf(schema: schema)
        let validator = EventValidator(schema == "schema.json" ? .v1_8_0 : .v1_1_0)
        var tape = JSONTape()
        var rounds = 0
        var (known, slowest, largest) = (0, 0.0, 0.0)
        let transports: [TransportKind] = [.udp, .tcp, .tls, .file]
        for round in FuzzRounds(2_500) {
            var random = Random(UInt64(round))
            let line = mutator.line(&random)
            let transport = transports[round % 4]
            let began = FuzzRounds.processorTime
            let row = bench.take(
                line, transport: line.starts(with: #"{"penstock""#.utf8) ? .service : transport,
                peer: round % 3 == 0 ? IPAddress(v4: 0xC000_0201) : nil, isCut: round % 7 == 0)
            let json = bench.json(row)
            let time = FuzzRounds.processorTime - began
            rounds += 1
            // One event for each line, and its text is in it.
            let (rows, frames) = (bench.batch.rows.count, bench.batch.frames.count)
            #expect(rows == frames && Int(bench.batch.rows[row].frame) == row, "round \(round)")
            do { try tape.parse(json.span.bytes) } catch { Issue.record("round \(round): \(error) \(Self.text(json))") }
            let raw = tape.member("raw_data", of: 0, in: json.span.bytes)
            #expect(raw != nil || line.isEmpty, "round \(round)")
            #expect(json.count <= Self.mostBytes(of: line), "round \(round): \(json.count) bytes, \(Self.text(line))")
            #expect(time < Self.mostSeconds, "round \(round): \(time) s, \(Self.text(line))")
            known += bench.batch.rows[row].mapping > 0 ? 1 : 0
            slowest = max(slowest, time)
            largest = max(largest, Double(json.count) / Double(line.count + 1_000))
            let faults = validator.faults(json)
            #expect(faults.isEmpty, "round \(round): \(faults) \(Self.text(line))")
            if line.count < 4_096, round % 4 == 0 {
                sheaf.events.append(json)
                sheaf.lines.append(line)
            }
            if sheaf.events.count == 20_000 { try sheaf.check() }
            if bench.batch.rows.count == 500 { bench.batch.reset() }
        }
        try sheaf.check()
        #expect(known > rounds / 2)
        let tally = bench.normalizer.takeTally()
        #expect(tally.events.reduce(0, +) == rounds && tally.events.count == bench.set.names.count)
        print("\(rounds) lines, \(known) known, \(tally); slowest \(slowest) s, largest \(largest) × its line")
    }
}
