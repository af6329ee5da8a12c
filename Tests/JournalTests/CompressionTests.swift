// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Journal
import Testing
import Wire

/// The writer makes LZ4 blocks itself; readers decode them with the library, which refuses what the format does not allow.
@Suite("Journal: compression")
struct CompressionTests {
    private func options(_ scratch: Scratch, _ compression: JournalSettings.Compression) -> JournalSettings {
        var options = settings(scratch.path)
        options.compression = compression
        return options
    }

    /// The methods of a log's blocks and how many bytes are stored for how much content.
    private func blocks(_ scratch: Scratch) -> (methods: [UInt8], stored: Int, content: Int) {
        var found: (methods: [UInt8], stored: Int, content: Int) = ([], 0, 0)
        for file in scratch.segments() {
            let bytes = scratch.bytes(file)
            func number(_ offset: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << ($1 * 8) } }
            var offset = 60
            while offset + 92 <= bytes.count {
                found.methods.append(bytes[offset + 50])
                found.stored += number(offset + 4)
                found.content += number(offset + 8)
                offset += 92 + number(offset + 4)
            }
        }
        return found
    }

    /// Text that repeats itself in one of many ways: runs, periods, far and near matches, long literals.
    private func text(_ random: inout Random) -> [UInt8] {
        let count = [0, 1, 511, 512, 513, 551, 552, 700, 5_000, 70_000].randomElement(using: &random) ?? 0
        let alphabet = [Array("a ".utf8), Array("ab,".utf8), Array("0123456789 -\"".utf8), Array(0...255)]
        let letters = alphabet.randomElement(using: &random) ?? []
        var bytes: [UInt8] = []
        while bytes.count < count {
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes += [UInt8](repeating: letters[0], count: Int.random(in: 1...600, using: &random))
            case 1: bytes += [UInt8](repeating: 0x20, count: Int.random(in: 1...300, using: &random))
            case 2: bytes += random.bytes(Int.random(in: 1...600, using: &random))
            case 3 where !bytes.isEmpty:
                let start = Int.random(in: 0..<bytes.count, using: &random)
                bytes += bytes[start..<min(bytes.count, start + Int.random(in: 1...900, using: &random))]
            case 4 where !bytes.isEmpty:
                // A match that overlaps itself.
                let period = bytes.suffix(Int.random(in: 1...20, using: &random))
                for _ in 0..<Int.random(in: 1...40, using: &random) { bytes += period }
            default:
                for _ in 0..<Int.random(in: 1...60, using: &random) {
                    bytes.append(letters.randomElement(using: &random) ?? 0)
                }
            }
        }
        return Array(bytes.prefix(count))
    }

    @Test("any content comes back equal", arguments: JournalSettings.Compression.allCases)
    func roundTrip(compression: JournalSettings.Compression) throws {
        let scratch = Scratch(inMemory: true)
        var random = Random(41)
        let journal = try open(options(scratch, compression))
        let log = try #require(journal.log(0))
        var batch = Batch(table: emptyTable)
        var all: [[UInt8]] = []
        for round in 0..<250 {
            batch.reset()
            for _ in 0..<(round % 7 == 0 ? 40 : 1) {
                all.append(text(&random))
                put(all[all.count - 1], &batch)
            }
            try log.append(&batch)
        }
        let reader = JournalReader(of: log, from: 0)
        let frames = try readAll(reader).frames.map(\.bytes)
        #expect(frames.count == all.count && reader.lost == 0, "\(reader.lastFault ?? "")")
        #expect(zip(frames, all).allSatisfy { $0 == $1 })
        journal.close()
        #expect(try JournalVerifier.verify(directory: scratch.path).isSound)
        #expect(blocks(scratch).methods.contains(1) == (compression != .never))
    }

    @Test("lines that repeat each other take less than a quarter; of 16 MiB as well")
    func saves() throws {
        let scratch = Scratch()
        let journal = try open(options(scratch, .adaptive))
        var batch = Batch(table: emptyTable)
        let lines = (0..<800).map {
            "date=2026-03-05 time=14:03:22 devname=\"fw-1\" type=\"traffic\" level=\"notice\" srcport=\($0) action=\"accept\""
        }
        for line in lines { put(Array(line.utf8), &batch) }
        try journal.log(0)?.append(&batch)
        batch.reset()
        put(Array(Array(repeating: lines.joined(separator: "\n"), count: 180).joined().utf8), &batch)
        try journal.log(0)?.append(&batch)
        journal.close()
        let found = blocks(scratch)
        #expect(found.methods.allSatisfy { $0 == 1 } && found.stored * 4 < found.content)
        #expect(found.content > 14 << 20)
    }

    @Test("under load, what saves little is stored as it is; in small batches it is not")
    func adaptive() throws {
        var random = Random(43)
        let lines = (0..<20_000).map { _ in Array(ThroughputTests.line(&random).utf8) }
        func methods(
            _ size: Int, _ compression: JournalSettings.Compression, of batches: Int = .max
        ) throws -> [UInt8] {
            let scratch = Scratch()
            let journal = try open(options(scratch, compression))
            var batch = Batch(table: emptyTable)
            for start in stride(from: 0, to: lines.count, by: size).prefix(batches) {
                batch.reset()
                for line in lines[start..<min(lines.count, start + size)] { put(line, &batch) }
                try journal.log(0)?.append(&batch)
            }
            journal.close()
            return blocks(scratch).methods
        }
        let loaded = try methods(500, .adaptive)
        #expect(loaded.count > 70 && loaded[0] == 1)
        #expect(loaded.dropFirst().prefix(63).allSatisfy { $0 == 0 } && loaded[64] == 1, "it is tried again")
        // 20 lines are 5 KB; some 26 such batches are more than comes while there is time.
        let small = try methods(20, .adaptive, of: 5)
        #expect(small.count == 5 && small.allSatisfy { $0 == 1 })
        #expect(try methods(20, .adaptive).contains(0), "many small batches are load as well")
        #expect(try methods(500, .always).allSatisfy { $0 == 1 })
    }
}
