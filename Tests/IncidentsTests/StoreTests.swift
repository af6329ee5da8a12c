// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Incidents
import Store
import Testing

@Suite struct StoreTests {
    @Test(arguments: 0...7)
    func anEngineGoesOnFromTheStore(at place: Int) throws {
        let folder = try Place.scratch()
        defer { try? FileManager.default.removeItem(at: folder) }
        var whole = Plant.engine()
        let expected = try whole.accept(Plant.attack())
        let path = folder.path + "/penstock.sqlite"
        let firings = Plant.attack()
        var changes: [IncidentChange] = []
        for part in [firings[..<place], firings[place...]] {
            let store = try StateStore(path: path)
            var engine = Plant.engine(store: store)
            changes += try engine.accept(Array(part), checkpoint: ("correlator", [UInt8(part.endIndex)]))
            #expect(try engine.accept(Array(part)).isEmpty)
            try store.check()
            try store.close()
        }
        #expect(changes.map(\.json) == expected.map(\.json))
        let store = try StateStore(path: path)
        let row = try #require(try store.look { try $0.incidents(limit: 10) }.first)
        #expect(row.json == expected.last?.json && row.hash == expected.last?.hash && row.revision == 7)
        #expect(try store.look { try $0.checkpoint("correlator") } == [7])
        let chain = try store.look { try $0.revisions(of: row.id) }
        #expect(chain.count == 7)
        #expect(IncidentChain.fault(chain.map { ($0.revision, $0.hash, $0.json) }) == nil)
        #expect(
            try store.look { try $0.firings(of: row.id) }.map(\.id) == [
                "f-cross", "f-harm", "f-scan", "f-write-1", "f-write-2",
            ])
    }

    @Test func memoryIsOnlyACache() throws {
        var settings = IncidentSettings()
        settings.limits.inMemory = 1
        let store = try StateStore(path: ":memory:")
        var small = Plant.engine(settings, store: store)
        var large = Plant.engine()
        let firings = (0..<60).map { number in
            let source = "10.0.0.\(number % 7 + 1)"
            return Plant.firing(
                number % 2 == 0 ? Plant.writing : Plant.crossing, id: "f-\(number)",
                hits: [Plant.hit(number, second: number, source: source)], source: source)
        }
        let expected = try large.accept(firings).map(\.json)
        var changes: [IncidentChange] = []
        for firing in firings { changes += try small.accept([firing]) }
        #expect(changes.map(\.json) == expected)
        #expect(Set(changes.map(\.record.id)).count == 7)
    }

    @Test func aFullDiskKeepsNothingAndCanBeTriedAgain() throws {
        let folder = try Place.scratch()
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.path + "/penstock.sqlite"
        let small = try StateStore(path: path, options: .init(maximumBytes: 200_000, isDurable: false))
        var settings = IncidentSettings()
        settings.sinks = ["webhook"]
        var engine = Plant.engine(settings, store: small)
        var taken: [IncidentChange] = []
        var refused: StoreError?
        var next = 0
        func firing(_ number: Int) -> [Firing] {
            [Plant.firing(Plant.writing, id: "f-\(number)", hits: [Plant.hit(number, second: number)])]
        }
        while refused == nil, next < 1_000 {
            do {
                taken += try engine.accept(firing(next), checkpoint: ("at", Array("\(next)".utf8)))
                next += 1
            } catch let error as StoreError { refused = error }
        }
        #expect(refused == .full(path: path))
        #expect("\(try #require(refused))".contains("full"))
        #expect(throws: StoreError.full(path: path)) { try engine.accept(firing(next)) }
        try small.check()
        #expect(try small.look { try $0.checkpoint("at") } == Array("\(next - 1)".utf8))
        #expect(try small.look { try $0.incidents(limit: 9) }.map(\.hash) == [taken.last?.hash])
        try small.close()
        // With room again the same firing makes the revision that it would have made.
        let large = try StateStore(path: path)
        var resumed = Plant.engine(settings, store: large)
        let after = try resumed.accept(firing(next))
        #expect(after[0].record.revision == next + 1)
        #expect(after[0].record.prevHash == taken.last?.hash)
        var whole = Plant.engine()
        var expected: [IncidentChange] = []
        for number in 0...next { expected = try whole.accept(firing(number)) }
        #expect(after[0].json == expected[0].json)
    }

    @Test func theOutboxLosesNothing() throws {
        let folder = try Place.scratch()
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.path + "/penstock.sqlite"
        var settings = IncidentSettings()
        settings.sinks = ["webhook", "sns"]
        let store = try StateStore(path: path)
        var engine = Plant.engine(settings, store: store)
        let changes = try engine.accept(Plant.attack())
        let told = try #require(changes.last { $0.isNotable })
        let due = try store.look { try $0.due(sink: "webhook", now: 0, limit: 10) }
        #expect(due.map(\.revision) == [told.record.revision] && due.map(\.payload) == [told.notification])
        try store.change { try $0.postpone(due[0], until: 500, error: "connection refused") }
        try store.close()
        let again = try StateStore(path: path)
        #expect(try again.look { try $0.due(sink: "webhook", now: 499, limit: 10) }.isEmpty)
        let item = try #require(try again.look { try $0.due(sink: "webhook", now: 500, limit: 10) }.first)
        #expect(item.attempts == 1 && item.error == "connection refused" && item.subject == told.subject)
        #expect(try again.look { try $0.waiting() } == ["webhook": 1, "sns": 1])
        try again.change { try $0.finish(item, at: 600) }
        try again.change { try $0.finish(item, at: 700) }
        let delivered = try again.look { try $0.deliveries(of: item.incident) }
        #expect(
            delivered == [
                StoredDelivery(
                    sink: "webhook", incident: item.incident, revision: item.revision, time: 600, attempts: 2,
                    result: "delivered")
            ])
        #expect(try again.look { try $0.waiting() } == ["sns": 1])
    }

    @Test func countsOnlyRevisionsDoNotPileUp() throws {
        let store = try StateStore(path: ":memory:")
        var engine = Plant.engine(store: store)
        let changes = try engine.accept(
            (1...9).map { Plant.firing(Plant.writing, id: "f-\($0)", hits: [Plant.hit($0, second: $0)]) })
        let chain = try store.look { try $0.revisions(of: changes[0].record.id) }
        #expect(chain.map { $0.json != nil } == [true, true, false, true, false, false, false, true, true])
        #expect(IncidentChain.fault(chain.map { ($0.revision, $0.hash, $0.json) }) == nil)
    }

    @Test func badFilesAreNamed() throws {
        let folder = try Place.scratch()
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.path + "/bad.sqlite"
        try Data(String(repeating: "this is no database. ", count: 500).utf8).write(to: URL(fileURLWithPath: path))
        #expect { _ = try StateStore(path: path) } throws: { "\($0)".contains("damaged") && "\($0)".contains(path) }
        #expect { _ = try StateStore(path: folder.path + "/none/x.sqlite") } throws: {
            "\($0)".contains("cannot be opened")
        }
    }

    /// What the disk has at any moment of a checkpoint in parts, as a crash would leave it, is the one before, whole.
    @Test func aCheckpointIsKeptWholeOrNotAtAll() throws {
        let folder = try Place.scratch()
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.path + "/penstock.sqlite"
        let store = try StateStore(path: path)
        func put(_ change: StoreChange, _ mark: UInt8, _ count: Int) throws {
            try change.setCheckpoint("a", [mark])
            for part in 0..<count {
                try change.setCheckpoint("a", part: part, [UInt8](repeating: mark, count: 1 << 20))
            }
            try change.endCheckpoint("a", parts: count)
        }
        func parts(_ store: StateStore) throws -> [UInt8] {
            try store.look { view in
                var marks: [UInt8] = []
                while let part = try view.checkpoint("a", part: marks.count) {
                    #expect(part.count == 1 << 20 && Set(part).count == 1)
                    marks.append(part[0])
                }
                #expect(try view.checkpointPartBytes("a") == marks.count << 20)
                return marks
            }
        }
        try store.change { try put($0, 1, 5) }
        try store.change { change in
            try put(change, 2, 30)
            // More than SQLite keeps in memory: parts of the change stand in the files.
            for name in ["", "-wal"] {
                try FileManager.default.copyItem(atPath: path + name, toPath: folder.path + "/crashed.sqlite" + name)
            }
        }
        let log = try FileManager.default.attributesOfItem(atPath: folder.path + "/crashed.sqlite-wal")[.size] as? Int
        #expect((log ?? 0) > 20 << 20)
        let crashed = try StateStore(path: folder.path + "/crashed.sqlite")
        #expect(try crashed.look { try $0.checkpoint("a") } == [1])
        #expect(try parts(crashed) == [1, 1, 1, 1, 1])
        #expect(throws: StoreError.self) {
            try store.change { change in
                try put(change, 3, 2)
                throw StoreError.busy(path: "")
            }
        }
        #expect(try parts(store) == [UInt8](repeating: 2, count: 30))
        try store.change { try put($0, 4, 3) }
        #expect(try parts(store) == [4, 4, 4], "parts beyond the last are gone")
    }

    @Test func anotherProcessIsNamed() throws {
        let folder = try Place.scratch()
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.path + "/penstock.sqlite"
        let one = try StateStore(path: path, options: .init(busySeconds: 0.05))
        let two = try StateStore(path: path, options: .init(busySeconds: 0.05))
        try one.change { change in
            try change.setCheckpoint("a", [1])
            #expect(throws: StoreError.busy(path: path)) { try two.change { try $0.setCheckpoint("a", [2]) } }
        }
        #expect(try two.look { try $0.checkpoint("a") } == [1])
    }
}
