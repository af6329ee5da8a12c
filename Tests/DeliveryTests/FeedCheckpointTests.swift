// SPDX-License-Identifier: Apache-2.0
import Delivery
import Foundation
import Instruments
import Testing

/// xorshift64: the same damage each time.
private struct Seeded: RandomNumberGenerator {
    private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}

/// A feed that was killed goes on exactly behind what it has written.
@Suite struct FeedCheckpointTests {
    private static func place(_ uid: String) -> FeedCheckpoint.Place? {
        let parts = uid.split(separator: "/")
        guard parts.count == 3, parts[0] == "s", let log = Int(parts[1]),
            let frame = parts[2].split(separator: "-").dropFirst().first.flatMap({ UInt64($0) })
        else { return nil }
        let part = parts[2].split(separator: "-").dropFirst(2).first.flatMap { UInt16($0) }
        return FeedCheckpoint.Place(log: log, frame: frame, part: part ?? 1)
    }

    private func feed(_ scratch: Scratch, _ path: String) throws -> FeedOutput {
        let checkpoint = try #require(FeedCheckpoint(scratch.path + "/record", position: FeedCheckpointTests.place))
        return FeedOutput(
            FeedSettings(name: "lines", file: path), format: nil, version: "1", registry: Registry(),
            log: LogBook().logger(), checkpoint: checkpoint)
    }

    /// A feed that has written frames 0 to 99 of log 0 and 0 to 9 of log 1.
    private func run(_ scratch: Scratch, _ path: String) throws {
        let feed = try feed(scratch, path)
        for log in 0..<3 { feed.progress.begin(log: log, at: 0, end: 0) }
        feed.keepBeginning()
        feed.start()
        feed.append(Journaled.batch(0..<100))
        feed.append(Journaled.batch(0..<10, log: 1))
        feed.stop()
    }

    private func remembered(_ scratch: Scratch, _ path: String) throws -> [UInt64?] {
        let feed = try feed(scratch, path)
        return (0..<4).map { feed.progress.remembered(log: $0) }
    }

    private func append(_ text: String, _ path: String) throws {
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }

    private func line(_ uid: String, _ more: String = "") -> String {
        #"{"class_uid":0,"time":1,"metadata":{"uid":"\#(uid)"}\#(more)}"# + "\n"
    }

    @Test func itKnowsHowFarItCame() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/out"
        try run(scratch, path)
        #expect(try remembered(scratch, path) == [100, 10, 0, nil])
    }

    @Test func linesBehindTheRecordCount() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/out"
        try run(scratch, path)
        // What a process writes between its last record and its death; the last line is torn.
        try append(line("s/0/1-100") + line("s/1/1-11") + line("s/0/1-102") + "not JSON\n", path)
        // An uid in what somebody sent is none of ours, nor is one of a log that the feed does not have.
        try append(line("s/9/1-7", #","unmapped":{"uid":"s/0/1-9999","metadata":{"uid":"s/1/1-8888"}}"#), path)
        try append(String(line("s/0/1-555").dropLast(3)), path)
        // Nobody knows whether the frames of the last lines have more events: they are taken again, these events are not.
        #expect(try remembered(scratch, path) == [102, 11, 0, nil])
    }

    /// A process that dies amid the events of one frame: what the file has of them is not written again, over several
    /// deaths, and what it lacks is.
    @Test func framesWithSeveralEvents() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/out"
        try run(scratch, path)
        try append(line("s/0/1-100") + line("s/0/1-101") + line("s/0/1-101-2"), path)
        #expect(try remembered(scratch, path) == [101, 10, 0, nil])
        // Nothing of that log is written before the next death.
        let second = try feed(scratch, path)
        for log in 0..<3 { second.progress.begin(log: log, at: second.progress.remembered(log: log) ?? 0, end: 0) }
        second.keepBeginning()
        second.start()
        second.append(Journaled.batch(10..<12, log: 1))
        second.stop()
        #expect(try remembered(scratch, path) == [101, 12, 0, nil])
        let third = try feed(scratch, path)
        third.progress.begin(log: 0, at: 101, end: 0)
        third.start()
        // Another frame 101, of another log, and another frame of this log have nothing to do with it.
        var batch = Journaled.batch(101..<101)
        for (number, parts) in [4, 2].enumerated() {
            batch.append(Array("raw".utf8).span.bytes, received: 1, transport: .udp)
            for part in 1...parts {
                batch.beginRow(frame: number, classUID: 0, time: 1_000_000)
                let text = batch.slab.append(Array("part \(101 + number) \(part)".utf8).span.bytes)
                batch.put(.bytes(try #require(Journaled.table.id("message")), .text, text))
                batch.endRow()
                batch.setPart(UInt16(part), text)
            }
        }
        third.append(batch)
        third.stop()
        let written = try String(contentsOfFile: path, encoding: .utf8)
        let found = written.matches(of: /part (\d+ \d)/).map { String($0.1) }
        #expect(found == ["101 3", "101 4", "102 1", "102 2"])
        #expect(try remembered(scratch, path)[0] == 103)
    }

    @Test func aFileThatIsAnotherOrShorterIsNotBelieved() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/out"
        try run(scratch, path)
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        #expect(try remembered(scratch, path) == [nil, nil, nil, nil])
        try append("", path + ".1")
        try FileManager.default.moveItem(atPath: path + ".1", toPath: path)
        #expect(try remembered(scratch, path) == [100, 10, 0, nil])
        // A loss of power took the end, or logrotate's copytruncate all of it.
        #expect(truncate(path, 100) == 0)
        #expect(try remembered(scratch, path) == [nil, nil, nil, nil])
    }

    @Test func aDamagedRecordIsNone() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/out"
        try run(scratch, path)
        let record = scratch.path + "/record"
        let whole = try Data(contentsOf: URL(filePath: record))
        var random = Seeded()
        for _ in 0..<500 {
            var bytes = [UInt8](whole)
            for _ in 0..<4 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
            try Data(bytes).write(to: URL(filePath: record))
            // Each log is as far as one of the two slots says, or unknown.
            for (log, most) in [(0, UInt64(100)), (1, 10)] {
                let known = try remembered(scratch, path)[log]
                #expect(known.map { $0 <= most } ?? true)
            }
        }
    }

    @Test func positionsForTheJournalWaitForTheDisk() throws {
        let scratch = try Scratch()
        let feed = try feed(scratch, scratch.path + "/out")
        feed.progress.begin(log: 0, at: 0, end: 0)
        feed.start()
        feed.append(Journaled.batch(0..<100))
        #expect(eventually { feed.progress.positions == [0: 100] })
        #expect(eventually { feed.progress.safePositions == [0: 100] })
        feed.stop()
    }

    @Test func feedsThatAreAwayStopTogether() throws {
        let scratch = try Scratch()
        let feeds = (0..<5).map { number in
            FeedOutput(
                FeedSettings(name: "f\(number)", file: scratch.path + "/none/out"), format: nil, version: "1",
                registry: Registry(), log: LogBook().logger())
        }
        for feed in feeds {
            feed.progress.begin(log: 0, at: 0, end: 0)
            feed.start()
            feed.append(Journaled.batch(0..<10))
        }
        let start = Date()
        FeedOutput.stop(feeds, timeout: .milliseconds(1500))
        #expect(Date().timeIntervalSince(start) < 6)
    }
}
