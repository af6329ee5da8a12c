// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Journal
import Testing
import Wire

@Suite("Journal: verification")
struct VerifierTests {
    private func made() throws -> Scratch {
        let scratch = Scratch(inMemory: true)
        var random = Random(21)
        let journal = try open(settings(scratch.path, segment: 20_000), logs: 2)
        var batch = Batch(table: emptyTable)
        for number in 0..<120 {
            _ = fill(&batch, 10, &random)
            try journal.log(number % 2)?.append(&batch)
        }
        journal.close()
        #expect(scratch.segments(0).count >= 5)
        return scratch
    }

    private func faults(_ scratch: Scratch) throws -> [String] {
        try JournalVerifier.verify(directory: scratch.path).logs.flatMap(\.faults)
    }

    @Test("an untouched journal is sound, closed or living, and its chain does not change")
    func sound() throws {
        let scratch = try made()
        let report = try JournalVerifier.verify(directory: scratch.path)
        #expect(report.isSound && report.logs.map(\.log) == [0, 1])
        #expect(report.logs[0].frames == 600 && report.logs[0].end == 600 && report.logs[0].first == 0)
        #expect(report.logs[0].chain.count == 64 && report.logs[0].chain != report.logs[1].chain)
        let journal = try open(settings(scratch.path), logs: 2)
        #expect(try JournalVerifier.verify(directory: scratch.path) == report)
        var batch = Batch(table: emptyTable)
        put([66], &batch)
        try journal.log(0)?.append(&batch)
        let now = try JournalVerifier.verify(directory: scratch.path)
        #expect(now.isSound && now.logs[0].end == 601 && now.logs[0].chain != report.logs[0].chain)
        journal.close()
    }

    @Test("one changed byte anywhere in a segment is found, in one place")
    func changedByte() throws {
        let scratch = try made()
        let file = scratch.segments(0)[1]
        let intact = scratch.bytes(file)
        var random = Random(4)
        for _ in 0..<150 {
            var bytes = intact
            let place = Int.random(in: 0..<bytes.count, using: &random)
            bytes[place] ^= UInt8.random(in: 1...255, using: &random)
            scratch.write(bytes, file)
            let found = try faults(scratch)
            #expect(found.count == 1 && found[0].hasPrefix(file), "\(place): \(found)")
        }
        scratch.write(intact, file)
        #expect(try faults(scratch).isEmpty)
    }

    @Test("removed and swapped segments are found")
    func segments() throws {
        let scratch = try made()
        let files = scratch.segments(0)
        for gone in [0, 2, files.count - 1] {
            let copy = try scratch.copy()
            try FileManager.default.removeItem(atPath: copy.segments(0)[gone])
            let found = try faults(copy)
            #expect(found.count == 1 && found[0].contains("missing"), "\(gone): \(found)")
        }
        let swapped = try scratch.copy()
        let (one, two) = (swapped.segments(0)[1], swapped.segments(0)[2])
        let (a, b) = (swapped.bytes(one), swapped.bytes(two))
        swapped.write(b, one)
        swapped.write(a, two)
        #expect(try faults(swapped).count >= 2)
        let journal = try open(settings(swapped.path), logs: 2)
        let reader = try #require(journal.reader(of: 0, from: 0))
        let (frames, _) = try readAll(reader)
        #expect(reader.lost > 0 && frames.count + Int(reader.lost) == 600)
        journal.close()
        // Another log's segment of the same name.
        let foreign = try scratch.copy()
        foreign.write(foreign.bytes(foreign.segments(1)[0]), foreign.segments(0)[0])
        #expect(!(try faults(foreign)).isEmpty)
        let mixed = try open(settings(foreign.path), logs: 2)
        let other = try #require(mixed.reader(of: 0, from: 0))
        let (own, _) = try readAll(other)
        #expect(other.lost > 0 && own.count + Int(other.lost) == 600, "\(other.lastFault ?? "")")
        let view = try Journal.view(scratch.path, logger: quiet)
        let (rest, _) = try readAll(try #require(view.reader(of: 0, from: other.lost)))
        #expect(difference(own, rest) == nil)
        mixed.close()
    }

    @Test("a removed tail is found: whole blocks, or a part of one")
    func tail() throws {
        let scratch = try made()
        let file = try #require(scratch.segments(0).last)
        let intact = scratch.bytes(file)
        let before = try JournalVerifier.verify(directory: scratch.path).logs[0].bytes - intact.count
        for length in [0, 10, 60, 61, intact.count / 2, intact.count - 1] {
            scratch.write(Array(intact[..<length]), file)
            #expect(!(try faults(scratch)).isEmpty, "\(length)")
            #expect(try JournalVerifier.verify(directory: scratch.path).logs[0].bytes == before + length)
        }
        scratch.write(intact, file)
        try FileManager.default.removeItem(atPath: scratch.path + "/log-0/anchor")
        #expect(try faults(scratch).count == 1)
    }

    @Test("of more faults than are listed, the number is told")
    func manyFaults() throws {
        let scratch = Scratch(inMemory: true)
        let journal = try open(settings(scratch.path))
        var batch = Batch(table: emptyTable)
        for number in 0..<JournalVerifier.mostFaults + 12 {
            batch.reset()
            put(Array("frame \(number)".utf8), &batch)
            try journal.log(0)?.append(&batch)
        }
        journal.close()
        let file = try #require(scratch.segments().first)
        var bytes = scratch.bytes(file)
        var offset = 60
        while offset < bytes.count {
            let stored = (0..<4).reduce(0) { $0 | Int(bytes[offset + 4 + $1]) << ($1 * 8) }
            bytes[offset + 92] ^= 1
            offset += 92 + stored
        }
        scratch.write(bytes, file)
        let found = try faults(scratch)
        #expect(found.count == JournalVerifier.mostFaults + 1)
        #expect(found.last?.hasSuffix(": 12 more faults") == true, "\(found.last ?? "")")
    }
}
