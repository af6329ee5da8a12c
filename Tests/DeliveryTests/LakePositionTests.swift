// SPDX-License-Identifier: Apache-2.0
import Delivery
import Events
import Foundation
import Instruments
import Synchronization
import Testing

/// The lake's position in the journal: it never passes an object that is not stored.
@Suite struct LakePositionTests {
    private let registry = Registry()
    private let book = LogBook()

    /// A store that takes what it is allowed to.
    private final class Gate: ObjectStore {
        struct State {
            var allowed = 0
            var keys: [String] = []
            var bytes = 0
        }
        let state = Mutex(State())
        let name = "gate"

        func put(_ key: String, _ content: RawSpan, mode: PutMode) throws(StoreError) {
            let isAllowed = state.withLock { state in
                guard state.allowed > 0 else { return false }
                state.allowed -= 1
                state.keys.append(key)
                state.bytes += content.byteCount
                return true
            }
            if !isAllowed { throw StoreError(.unavailable, "closed") }
        }

        func allow(_ count: Int) { state.withLock { $0.allowed = count } }
        var keys: [String] { state.withLock { $0.keys } }
    }

    private func lake(
        _ gate: Gate, limit: Int = 64 << 20, change: (inout LakeSettings) -> Void = { _ in }
    ) -> (LakeWriter, ObjectUploader) {
        var settings = LakeSettings()
        change(&settings)
        let uploader = ObjectUploader(
            to: gate, limit: limit, retry: .milliseconds(5), registry: registry, log: book.logger())
        let writer = LakeWriter(settings, registry: registry, log: book.logger()) { uploader.submit($0) }
        writer.uploader = uploader
        return (writer, uploader)
    }

    private func dropped(_ reason: String) -> Int { Int(registry.dropped(stage: "lake", reason: reason).current) }

    /// Lets the writer work its position out.
    private var clock: Int64 { Int64(Date().timeIntervalSince1970 * 1e9) }

    @Test func thePositionWaitsForUnfinishedAndForUnstoredObjects() {
        let gate = Gate()
        let (lake, uploader) = lake(gate) { $0.objectRows = 10 }
        lake.progress.begin(log: 0, at: 100, end: 100)
        lake.progress.begin(log: 1, at: 7, end: 7)
        uploader.start()
        lake.append(Journaled.batch(100..<115), now: 0)
        lake.append(Journaled.batch(7..<9, log: 1, without: [7, 8]), now: 0)
        lake.tick(now: 1)
        // One object of ten on its way, five events in an unfinished one; log 1 had no event at all.
        #expect(eventually { registry.total("penstock_lake_failures_total") > 2 })
        lake.tick(now: 1_000_000_000)
        #expect(lake.progress.positions == [0: 100, 1: 9])
        gate.allow(1)
        #expect(eventually { gate.keys.count == 1 })
        #expect(
            eventually {
                lake.tick(now: clock)
                return lake.progress.positions == [0: 110, 1: 9]
            })
        lake.flush()
        #expect(lake.progress.positions == [0: 110, 1: 9], "finished is not stored")
        gate.allow(1)
        #expect(eventually { gate.keys.count == 2 })
        uploader.stop()
        lake.flush()
        #expect(lake.progress.positions == [0: 115, 1: 9])
        #expect(registry.total("penstock_lake_events_total") == 15)
    }

    /// Objects of two classes of events: the position is that of the oldest event in any of them.
    @Test func oneSlowPartitionHoldsThePosition() {
        let gate = Gate()
        gate.allow(.max)
        let (lake, uploader) = lake(gate) { $0.sources = { _ in [] } }
        lake.progress.begin(log: 0, at: 0, end: 0)
        lake.progress.begin(log: 1, at: 0, end: 0)
        uploader.start()
        lake.append(Journaled.batch(0..<5), now: 0)
        lake.append(Journaled.batch(0..<3, log: 1), now: 0)
        lake.append(Journaled.batch(5..<9), now: 0)
        lake.tick(now: 60_000_000)
        #expect(lake.progress.positions == [0: 0, 1: 0])
        lake.tick(now: 61_000_000_000)
        uploader.stop()
        lake.flush()
        #expect(lake.progress.positions == [0: 9, 1: 3])
    }

    @Test func aBatchIsTakenOnceAndFromItsMiddle() {
        let gate = Gate()
        gate.allow(.max)
        let (lake, uploader) = lake(gate)
        lake.progress.begin(log: 0, at: 15, end: 15)
        uploader.start()
        lake.append(Journaled.batch(10..<20))
        lake.append(Journaled.batch(10..<20))
        lake.append(Journaled.batch(25..<30))
        lake.flush()
        uploader.stop()
        lake.flush()
        #expect(lake.progress.positions == [0: 20] && lake.progress.wanted(log: 0) == 20)
        #expect(registry.total("penstock_lake_events_total") == 5, "each event once")
        #expect(gate.keys.count == 1 && gate.keys[0].contains("/0-15-19-"))
    }

    /// The store is away for long: the lake stops taking, loses nothing that the journal has, and goes on by itself.
    @Test func aStoreThatIsAwayLosesNothingThatTheJournalHas() {
        let gate = Gate()
        let (lake, uploader) = lake(gate, limit: 40_000) {
            $0.objectRows = 50
            $0.compression = .none
        }
        lake.progress.begin(log: 0, at: 0, end: 0)
        uploader.start()
        let end = 3000
        for start in stride(from: 0, to: end, by: 100) {
            lake.append(Journaled.batch(start..<start + 100, padding: 200), now: 0)
        }
        // What is begun is finished although it is more than the store's queue would take of anything else.
        lake.flush()
        #expect(lake.progress.isFull && lake.progress.wanted(log: 0) == nil)
        #expect(lake.progress.positions == [0: 0])
        let taken = Int(lake.progress.next(of: 0) ?? 0)
        #expect(taken > 0 && taken < end)
        #expect(dropped("store_unavailable") == 0)
        gate.allow(.max)
        #expect(
            eventually {
                lake.tick(now: clock)
                while let next = lake.progress.wanted(log: 0) {
                    lake.append(Journaled.batch(Int(next)..<min(Int(next) + 100, end), padding: 200), now: 0)
                }
                lake.flush()
                return lake.progress.positions == [0: UInt64(end)]
            })
        uploader.stop()
        #expect(registry.total("penstock_lake_events_total") == Int64(end))
        // The names of objects say which events are inside: together they are all of them, without a gap.
        let ranges = gate.keys.compactMap { key -> ClosedRange<Int>? in
            let parts = key.split(separator: "/").last?.split(separator: "-") ?? []
            guard parts.count == 4, let first = Int(parts[1]), let last = Int(parts[2]) else { return nil }
            return first...last
        }.sorted { $0.lowerBound < $1.lowerBound }
        #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == end - 1)
        #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound + 1 == $1.lowerBound })
    }

    @Test func aStopThatTheStoreDoesNotWaitForLeavesThePosition() {
        let gate = Gate()
        let (lake, uploader) = lake(gate) { $0.objectRows = 10 }
        lake.progress.begin(log: 0, at: 0, end: 0)
        uploader.start()
        lake.append(Journaled.batch(0..<25), now: 0)
        lake.flush()
        uploader.stop(timeout: .milliseconds(30))
        lake.flush()
        #expect(lake.progress.positions == [0: 0])
        #expect(dropped("shutdown") == 0, "they are in the journal and come again")
        // Even what is finished after the stop.
        lake.append(Journaled.batch(25..<30), now: 0)
        lake.flush()
        #expect(lake.progress.positions == [0: 0])
        #expect(registry.total("penstock_dropped_total") == 0)
    }

    /// What another attempt cannot help is lost, counted, and passed: it must not hold the position for ever.
    @Test func aConflictIsCountedAndPassed() throws {
        let scratch = try Scratch()
        let store = try LocalObjectStore(directory: scratch.path)
        let uploader = ObjectUploader(to: store, registry: registry, log: book.logger())
        var keys: [String] = []
        let lake = LakeWriter(LakeSettings(), registry: registry, log: book.logger()) { object in
            keys.append(object.key)
            _ = try? scratch.place(object.key, "something else")
            uploader.submit(object)
        }
        lake.uploader = uploader
        lake.progress.begin(log: 0, at: 0, end: 0)
        uploader.start()
        lake.append(Journaled.batch(0..<4))
        lake.flush()
        uploader.stop()
        lake.flush()
        #expect(keys.count == 1 && dropped("conflict") == 4)
        #expect(lake.progress.positions == [0: 4])
    }
}

extension Scratch {
    /// A file in folders that are made.
    fileprivate func place(_ key: String, _ content: String) throws -> String {
        let folder = (path + "/" + key as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return try file(key, content)
    }
}
