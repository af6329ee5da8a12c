// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Glibc
import Instruments
import Journal
import Synchronization
import Testing
import Wire

@Suite("Journal: positions, retention, durability")
struct KeepingTests {
    private func frames(_ count: Int, _ batch: inout Batch) {
        batch.reset()
        for index in 0..<count {
            batch.append(Random.text(index).span.bytes, received: Int64(index), transport: .udp)
        }
    }

    private func wait(_ seconds: Double = 30, until isTrue: () throws -> Bool) rethrows -> Bool {
        let end = Date(timeIntervalSinceNow: seconds)
        while Date() < end {
            if try isTrue() { return true }
            usleep(5_000)
        }
        return false
    }

    @Test("positions survive, are bounded by the end, and are forgotten")
    func positions() throws {
        let scratch = Scratch()
        var batch = Batch(table: emptyTable)
        var journal = try open(settings(scratch.path), logs: 2)
        frames(20, &batch)
        try journal.log(0)?.append(&batch)
        #expect(journal.position(of: "lake", log: 0) == nil)
        journal.setPosition(7, consumer: "lake", log: 0)
        journal.setPosition(99, consumer: "feed", log: 1)
        // Within a second they are on disk without a close.
        #expect(wait { (try? Journal.view(scratch.path, logger: quiet).position(of: "lake", log: 0)) == 7 })
        journal.close()
        journal = try open(settings(scratch.path), logs: 2)
        #expect(journal.position(of: "lake", log: 0) == 7)
        #expect(journal.position(of: "feed", log: 1) == 0, "there is no frame 99 to have passed")
        #expect(journal.consumers == ["feed", "lake"])
        journal.forget(consumer: "feed")
        journal.close()
        journal = try open(settings(scratch.path), logs: 2)
        #expect(journal.consumers == ["lake"])
        journal.close()
        scratch.write(Array(scratch.bytes(scratch.path + "/positions").dropLast()), scratch.path + "/positions")
        journal = try open(settings(scratch.path), logs: 2)
        #expect(journal.consumers.isEmpty)
        journal.close()
    }

    @Test("a consumer that is forgotten has no lag any more")
    func forgottenLag() throws {
        let scratch = Scratch()
        var batch = Batch(table: emptyTable)
        var journal = try open(settings(scratch.path))
        frames(20, &batch)
        try journal.log(0)?.append(&batch)
        journal.setPosition(5, consumer: "gone", log: 0)
        journal.setPosition(8, consumer: "lake", log: 0)
        journal.close()
        let registry = Registry()
        journal = try open(settings(scratch.path), registry: registry)
        #expect(registry.exposition().contains("penstock_journal_lag_frames{consumer=\"gone\"} 15\n"))
        journal.forget(consumer: "gone")
        #expect(wait { registry.exposition().contains("penstock_journal_lag_frames{consumer=\"gone\"} 0\n") })
        #expect(registry.exposition().contains("penstock_journal_lag_frames{consumer=\"lake\"} 12\n"))
        journal.close()
    }

    @Test("positions that are saved are on disk at once")
    func savedPositions() throws {
        let scratch = Scratch()
        let journal = try open(settings(scratch.path), logs: 2)
        var batch = Batch(table: emptyTable)
        frames(20, &batch)
        try journal.log(1)?.append(&batch)
        journal.setPosition(11, consumer: "feed/siem", log: 1)
        try journal.savePositions()
        #expect(try Journal.view(scratch.path, logger: quiet).position(of: "feed/siem", log: 1) == 11)
        // A folder that takes no file: the caller hears of it, and the next attempt writes them.
        journal.setPosition(12, consumer: "feed/siem", log: 1)
        try FileManager.default.moveItem(atPath: scratch.path, toPath: scratch.path + ".away")
        #expect(throws: JournalError.self) { try journal.savePositions() }
        try FileManager.default.moveItem(atPath: scratch.path + ".away", toPath: scratch.path)
        try journal.savePositions()
        #expect(try Journal.view(scratch.path, logger: quiet).position(of: "feed/siem", log: 1) == 12)
        journal.close()
    }

    @Test("retention by size removes the oldest, counts what consumers had not seen, and readers go on")
    func retention() throws {
        let scratch = Scratch()
        let registry = Registry()
        let journal = try open(settings(scratch.path, segment: 8_000, retain: 60_000), registry: registry)
        let log = try #require(journal.log(0))
        var batch = Batch(table: emptyTable)
        frames(40, &batch)
        try log.append(&batch)
        // A reader that is inside the first segment keeps it, whatever happens to the file.
        let holder = JournalReader(of: log, from: 0)
        var read = Batch(table: emptyTable)
        #expect(try holder.next(into: &read, mostFrames: 10))
        journal.setPosition(10, consumer: "slow", log: 0)
        for _ in 0..<60 {
            frames(40, &batch)
            try log.append(&batch)
        }
        #expect(wait { log.first > 0 && !FileManager.default.fileExists(atPath: "\(scratch.path)/log-0/\(zero).seg") })
        #expect(wait { scratch.segments().reduce(0) { $0 + scratch.bytes($1).count } <= 60_000 })
        let first = log.first
        #expect(registry.total("penstock_dropped_total") == Int64(first) - 10)
        let late = JournalReader(of: log, from: 5)
        let (rest, _) = try readAll(late)
        #expect(late.skipped == first - 5 && late.lost == 0 && rest.count == Int(log.end - first))
        read.reset()
        #expect(try holder.next(into: &read) && read.position?.first == 10)
        let (after, _) = try readAll(holder)
        #expect(holder.lost == 0 && read.frames.count + after.count + Int(holder.skipped) + 10 == Int(log.end))
        #expect(wait { registry.exposition().contains("penstock_journal_lag_frames{consumer=\"slow\"}") })
        journal.close()
        #expect(try JournalVerifier.verify(directory: scratch.path).isSound)
        let again = try open(settings(scratch.path))
        #expect(again.recoveries.isEmpty && again.log(0)?.first == first)
        again.close()
    }
    private let zero = String(repeating: "0", count: 20)

    @Test("retention by age removes closed segments only")
    func age() throws {
        let scratch = Scratch()
        var options = settings(scratch.path, segment: 4_096)
        var journal = try open(options)
        var batch = Batch(table: emptyTable)
        for _ in 0..<6 {
            frames(60, &batch)
            try journal.log(0)?.append(&batch)
        }
        journal.close()
        let count = scratch.segments().count
        #expect(count > 2)
        for file in scratch.segments() {
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: -500)], ofItemAtPath: file)
        }
        options.retainAge = 1_000
        journal = try open(options)
        #expect(scratch.segments().count == count)
        journal.close()
        options.retainAge = 100
        journal = try open(options)
        #expect(scratch.segments().count == 1)
        #expect(journal.log(0)?.end == 360)
        journal.close()
        #expect(try JournalVerifier.verify(directory: scratch.path).isSound)
    }

    @Test("frames become durable with the interval, and at once when asked")
    func durable() throws {
        let scratch = Scratch()
        var options = settings(scratch.path)
        options.commitInterval = 60_000
        let journal = try open(options)
        let log = try #require(journal.log(0))
        let counter = CallCounter()
        log.onDurable = { counter.calls.add(1, ordering: .relaxed) }
        var batch = Batch(table: emptyTable)
        frames(5, &batch)
        try log.append(&batch)
        usleep(100_000)
        #expect(log.durable == 0 && counter.calls.load(ordering: .relaxed) == 0)
        #expect(!log.wantsDurable(below: 5))
        // Half of the interval.
        #expect(wait { counter.calls.load(ordering: .relaxed) == 1 })
        #expect(log.durable == 5 && log.wantsDurable(below: 5))
        journal.close()
    }

    @Test("a folder that cannot be opened delays durability, and does not end it")
    func folderAway() throws {
        let scratch = Scratch()
        var options = settings(scratch.path)
        options.commitInterval = 60_000
        let journal = try open(options)
        let log = try #require(journal.log(0))
        var batch = Batch(table: emptyTable)
        frames(5, &batch)
        // A new segment, whose name is to be made durable.
        try log.append(&batch)
        let (folder, away) = (scratch.path + "/log-0", scratch.path + "/away")
        try FileManager.default.moveItem(atPath: folder, toPath: away)
        #expect(!log.wantsDurable(below: 5))
        // The committer tries once a second.
        #expect(!wait(1.5) { log.durable > 0 })
        try FileManager.default.moveItem(atPath: away, toPath: folder)
        #expect(wait { log.durable == 5 })
        journal.close()
        #expect(try JournalVerifier.verify(directory: scratch.path).isSound)
    }

    @Test("less space than the reserve: nothing is recorded, and the error says full")
    func reserve() throws {
        let scratch = Scratch()
        var options = settings(scratch.path)
        options.reserveBytes = Int.max
        let registry = Registry()
        let journal = try Journal.open(options, logs: 1, registry: registry, logger: quiet)
        var batch = Batch(table: emptyTable)
        frames(5, &batch)
        let log = try #require(journal.log(0))
        let error = #expect(throws: JournalError.self) { try log.append(&batch) }
        #expect(error?.code == .full && journal.isFull && log.end == 0 && batch.position == nil)
        #expect(registry.total("penstock_journal_full") == 1)
        journal.close()
    }

    @Test(
        "a disk that is really full: cut writes are taken back, passed segments are freed, nothing is corrupt",
        .enabled(if: getuid() == 0, "mounting a file system needs root"))
    func fullDisk() throws {
        let scratch = Scratch()
        let mounted = run("/bin/mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", scratch.path)
        guard mounted else {
            withKnownIssue("this host mounts no tmpfs") { Issue.record("mount failed") }
            return
        }
        defer { _ = run("/bin/umount", scratch.path) }
        let registry = Registry()
        let journal = try open(settings(scratch.path, segment: 40_000), registry: registry)
        let log = try #require(journal.log(0))
        journal.setPosition(0, consumer: "lake", log: 0)
        #expect(registry.total("penstock_journal_full") == 0)
        var batch = Batch(table: emptyTable)
        var refused = 0
        for _ in 0..<2_000 where refused < 20 {
            frames(64, &batch)
            do { try log.append(&batch) } catch {
                #expect(error.code == .full)
                refused += 1
            }
        }
        #expect(refused == 20)
        #expect(registry.total("penstock_journal_full") == 1, "said with the first append that is refused")
        let end = log.end
        let (kept, _) = try readAll(JournalReader(of: log, from: 0))
        #expect(kept.count == Int(end) && end > 64)
        // Once the consumer has passed everything, the committer makes room.
        journal.setPosition(end, consumer: "lake", log: 0)
        let goesOn = wait {
            usleep(20_000)
            frames(64, &batch)
            return (try? log.append(&batch)) != nil
        }
        #expect(goesOn && log.first > 0)
        #expect(registry.total("penstock_journal_full") == 0, "and taken back with the first that is not")
        journal.close()
        let again = try open(settings(scratch.path, segment: 40_000))
        let (rest, _) = try readAll(JournalReader(of: try #require(again.log(0)), from: 0))
        #expect(rest.count == Int(again.log(0)?.end ?? 0) - Int(again.log(0)?.first ?? 0))
        again.close()
        #expect(try JournalVerifier.verify(directory: scratch.path).logs.flatMap(\.faults) == [])
    }

    private func run(_ program: String, _ arguments: String...) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}

final class CallCounter: Sendable {
    let calls = Atomic<Int>(0)
}

extension Random {
    /// Text that does not compress to nothing.
    static func text(_ seed: Int) -> [UInt8] {
        var random = Random(UInt64(seed))
        return random.bytes(60) + Array("of frame \(seed)".utf8)
    }
}
