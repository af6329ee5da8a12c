// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Instruments
import Journal
import Testing
import Wire

@Suite("Journal: append and read")
struct RoundTripTests {
    @Test("random batches come back equal, from any start, in any portion")
    func roundTrip() throws {
        let scratch = Scratch()
        var random = Random(7)
        let journal = try open(settings(scratch.path, segment: 300_000), logs: 2)
        defer { journal.close() }
        let log = try #require(journal.log(1))
        var batch = Batch(table: emptyTable)
        var all: [Kept] = []
        for round in 0..<60 {
            let count = round % 9 == 0 ? 1 : Int.random(in: 1...150, using: &random)
            let kept = fill(&batch, count, &random)
            try log.append(&batch)
            #expect(batch.position == JournalPosition(log: 1, first: UInt64(all.count), epoch: log.epoch))
            all += kept
            #expect(log.end == UInt64(all.count))
        }
        #expect(scratch.segments(1).count > 3)
        #expect(journal.bounds(of: 1)?.end == UInt64(all.count))
        for _ in 0..<12 {
            let start = Int.random(in: 0...all.count, using: &random)
            let reader = JournalReader(of: log, from: UInt64(start))
            let most = Int.random(in: 1...500, using: &random)
            let (frames, positions) = try readAll(reader, most: most)
            #expect(difference(frames, all[start...]) == nil, "\(reader.lastFault ?? "")")
            var next = UInt64(start)
            for (position, count) in positions {
                #expect(position.first == next && position.epoch == log.epoch && position.log == 1)
                next += UInt64(count)
            }
            #expect(reader.skipped == 0 && reader.lost == 0)
        }
    }

    @Test("opened again: numbers go on, the epoch counts, old frames keep theirs")
    func reopen() throws {
        let scratch = Scratch()
        var random = Random(8)
        var batch = Batch(table: emptyTable)
        var all: [Kept] = []
        for round in 1...3 {
            let journal = try open(settings(scratch.path))
            let log = try #require(journal.log(0))
            #expect(log.epoch == UInt32(round) && log.end == UInt64(all.count))
            #expect(journal.recoveries.isEmpty)
            all += fill(&batch, 40, &random)
            try log.append(&batch)
            let (frames, positions) = try readAll(JournalReader(of: log, from: 0))
            #expect(difference(frames, all) == nil)
            #expect(positions.map(\.0.epoch) == (1...round).map { UInt32($0) })
            journal.close()
            #expect(log.durable == log.end)
            #expect(throws: JournalError.self) { try log.append(&batch) }
        }
        #expect(try JournalVerifier.verify(directory: scratch.path).isSound)
    }

    @Test("two readers follow a writer")
    func follow() async throws {
        let scratch = Scratch()
        let journal = try open(settings(scratch.path, segment: 50_000))
        defer { journal.close() }
        let log = try #require(journal.log(0))
        let total = 20_000
        let writer = Thread {
            var batch = Batch(table: emptyTable)
            var sent = 0
            while sent < total {
                batch.reset()
                for index in sent..<min(total, sent + 1 + sent % 90) {
                    batch.append(Array("frame \(index)".utf8).span.bytes, received: Int64(index), transport: .udp)
                }
                sent += batch.frames.count
                try? log.append(&batch)
            }
        }
        writer.start()
        let wrong = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    let reader = JournalReader(of: log, from: 0)
                    var batch = Batch(table: emptyTable)
                    var next = 0
                    var wrong = 0
                    let deadline = Date(timeIntervalSinceNow: 20)
                    while next < total, Date() < deadline {
                        batch.reset()
                        guard (try? reader.next(into: &batch, mostFrames: 700)) == true else { continue }
                        for frame in batch.frames {
                            if batch.slab.bytes(frame.extent).text != "frame \(next)" { wrong += 1 }
                            next += 1
                        }
                    }
                    return next == total ? wrong : -1
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(wrong == [0, 0])
    }

    @Test("folders that no journal makes are no logs")
    func otherFolders() throws {
        let scratch = Scratch()
        for name in ["log-007", "log-+1", "log-", "log-65536", "log-3.old", "logs"] {
            try FileManager.default.createDirectory(
                atPath: "\(scratch.path)/\(name)", withIntermediateDirectories: false)
        }
        let journal = try open(settings(scratch.path))
        #expect(journal.logs == [0])
        journal.close()
        let report = try JournalVerifier.verify(directory: scratch.path)
        #expect(report.logs.map(\.log) == [0] && report.isSound)
    }

    @Test("a folder that cannot be made: the error says why")
    func refusedFolder() throws {
        // Read-only or not allowed, whoever asks; not «No such file or directory», which a look for the folder says.
        let error = #expect(throws: JournalError.self) { try open(settings("/sys/penstock-journal/x")) }
        #expect(error?.path == "/sys/penstock-journal" && error?.reason.contains("No such file") == false)
    }

    @Test("a second opener is refused, with the folder's name")
    func locked() throws {
        let scratch = Scratch()
        let journal = try open(settings(scratch.path))
        let error = #expect(throws: JournalError.self) { try open(settings(scratch.path)) }
        #expect(error?.code == .locked && error?.description.contains(scratch.path) == true)
        journal.close()
        try open(settings(scratch.path)).close()
    }
}
