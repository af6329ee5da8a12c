// SPDX-License-Identifier: Apache-2.0
import Delivery
import Events
import Foundation
import Instruments
import Testing

/// A feed over batches that the journal has: nothing is lost, and the position says what was sent.
@Suite struct FeedJournalTests {
    private let registry = Registry()
    private let book = LogBook()

    private func feed(_ path: String, queue: Int = 16 << 20) -> FeedOutput {
        var settings = FeedSettings(name: "lines", file: path)
        settings.queueBytes = queue
        settings.firstPause = .milliseconds(10)
        settings.longestPause = .milliseconds(20)
        return FeedOutput(settings, format: nil, version: "1", registry: registry, log: book.logger())
    }

    private func content(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    @Test func linesAreTheEventsAndPositionsFollowThem() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/events.jsonl"
        let feed = feed(path)
        feed.progress.begin(log: 0, at: 0, end: 0)
        feed.start()
        feed.append(Journaled.batch(0..<100))
        #expect(eventually { feed.progress.positions == [0: 100] })
        let lines = content(path).split(separator: "\n")
        #expect(lines.count == 100)
        let first = try #require(
            try JSONSerialization.jsonObject(with: Data((lines.first ?? "").utf8)) as? [String: Any])
        #expect(first["message"] as? String == "line 0")
        // Frames that made no event are passed as well: nothing waits for them at the next start.
        feed.append(Journaled.batch(100..<110, without: Set(100..<110)))
        #expect(eventually { feed.progress.positions == [0: 110] })
        feed.stop()
        #expect(registry.total("penstock_feed_lines_total") == 100)
        #expect(registry.total("penstock_dropped_total") == 0)
    }

    @Test func theRestOfABatchIsTakenFromItsMiddle() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/events.jsonl"
        let feed = feed(path)
        feed.progress.begin(log: 0, at: 15, end: 15)
        feed.start()
        // The end of a catch-up meets the beginning of live batches.
        feed.append(Journaled.batch(10..<20, without: [16]))
        feed.append(Journaled.batch(12..<18))
        feed.append(Journaled.batch(18..<25))
        feed.append(Journaled.batch(0..<5, log: 1))
        feed.stop()
        #expect(Journaled.numbers(content(path)) == [15, 17, 18, 19] + Array(20..<25))
        #expect(feed.progress.positions == [0: 25])
    }

    @Test func aBatchThatComesTooEarlyIsLeftToTheJournal() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/events.jsonl"
        let feed = feed(path)
        feed.progress.begin(log: 0, at: 0, end: 10)
        feed.start()
        feed.append(Journaled.batch(10..<20))
        #expect(feed.progress.wanted(log: 0) == 0)
        feed.append(Journaled.batch(0..<10))
        #expect(feed.progress.wanted(log: 0) == 10)
        feed.append(Journaled.batch(10..<20))
        // What retention took away is no reason to wait.
        feed.append(Journaled.batch(30..<35, gap: 20))
        feed.stop()
        #expect(Journaled.numbers(content(path)) == Array(0..<20) + Array(30..<35))
        #expect(feed.progress.positions == [0: 35])
    }

    /// The receiver is away: the queue fills up, then batches pass by; when it is back, whoever reads the journal brings
    /// them, and every event is there once and in order.
    @Test func aReceiverThatIsAwayLosesNothing() throws {
        let scratch = try Scratch()
        let folder = scratch.path + "/later"
        let path = folder + "/events.jsonl"
        let feed = feed(path, queue: 64 << 10)
        feed.progress.begin(log: 0, at: 0, end: 0)
        feed.start()
        let size = 50
        let batches = 60
        for number in 0..<batches { feed.append(Journaled.batch(number * size..<(number + 1) * size, padding: 100)) }
        #expect(eventually { registry.total("penstock_feed_errors_total") > 2 })
        #expect(feed.progress.positions == [0: 0], "nothing was sent")
        let taken = try #require(feed.progress.next(of: 0))
        #expect(taken > 0 && taken < UInt64(batches * size))
        #expect(feed.progress.isFull && feed.progress.wanted(log: 0) == nil)
        #expect(registry.gauge("penstock_feed_queued_bytes", ["feed": "lines"], help: "").current < 128 << 10)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        #expect(eventually { feed.progress.positions == [0: taken] })
        // Without another batch: that there is room again must not wait for one.
        #expect(eventually { feed.progress.wanted(log: 0) == taken })
        let end = UInt64(batches * size)
        #expect(
            eventually {
                // What the catch-up does.
                while let next = feed.progress.wanted(log: 0) {
                    feed.append(Journaled.batch(Int(next)..<min(Int(next) + 70, Int(end)), padding: 100))
                }
                return feed.progress.positions == [0: end]
            })
        feed.stop()
        #expect(Journaled.numbers(content(path)) == Array(0..<batches * size))
        #expect(registry.dropped(stage: "feed", reason: "queue_full").current == 0)
    }

    @Test func aStopWithTheReceiverAwayLeavesThePositionWhereItWas() throws {
        let scratch = try Scratch()
        let feed = feed(scratch.path + "/none/events.jsonl")
        feed.progress.begin(log: 0, at: 40, end: 40)
        feed.start()
        feed.append(Journaled.batch(40..<50))
        #expect(eventually { registry.total("penstock_feed_errors_total") > 0 })
        feed.stop(timeout: .milliseconds(50))
        #expect(feed.progress.positions == [0: 40])
        feed.append(Journaled.batch(50..<60))
        #expect(feed.progress.positions == [0: 40], "what comes after the end is not sent either")
    }

    @Test func batchesWithoutAJournalAreShedAsBefore() throws {
        let scratch = try Scratch()
        let feed = feed(scratch.path + "/none/events.jsonl", queue: 64 << 10)
        feed.start()
        for number in 0..<20 {
            var batch = Journaled.batch(number * 50..<(number + 1) * 50, padding: 100)
            batch.position = nil
            feed.append(batch)
        }
        feed.stop(timeout: .milliseconds(20))
        let shed = registry.dropped(stage: "feed", reason: "queue_full").current
        #expect(shed > 0 && shed + registry.dropped(stage: "feed", reason: "shutdown").current == 1000)
    }
}
