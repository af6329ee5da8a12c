// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Incidents
import Store
import Testing

/// What analysts do: orders, their log, and how they get along with a running engine.
@Suite struct OrderTests {
    private static let hour: Int64 = 3_600_000_000_000

    @Test func aLifeFromFirstToLast() throws {
        var engine = Plant.engine()
        let id = try #require(try engine.accept(Plant.attack()).last?.record.id)
        let time = Plant.start + OrderTests.hour
        func order(_ order: IncidentOrder, _ after: Int64) throws -> IncidentRecord {
            try engine.order(order, of: id, by: "ana", at: time + after).record
        }
        var record = try order(.acknowledge, 1)
        #expect(record.status == .inProgress && record.assignee == "ana" && record.lead == "ana")
        record = try order(.assign(to: "Bo Ek"), 2)
        #expect(record.assignee == "Bo Ek" && record.cisa.pointOfContact == "Bo Ek")
        record = try order(.comment("the vendor was on site"), 3)
        record = try order(.move(to: .contained), 4)
        #expect(record.phase.current == "Containment, Eradication and Recovery" && record.times.resolved == nil)
        record = try order(.judge(functional: "Medium", information: nil, recoverability: "Extended"), 5)
        #expect(record.impact.functional == "Medium" && record.cisa.recoverability == "Extended")
        #expect(record.cisa.functionalImpact == "Minimal impact to critical services")
        record = try order(.contain("port closed", duration: "emergency"), 6)
        record = try order(.act("image the laptop", state: "planned", expected: Moment(time + 99)), 7)
        record = try order(.explain(cause: "a lost laptop"), 8)
        record = try order(.trace(vector: "remote access"), 9)
        #expect(record.cisa.vector == "remote access")
        record = try order(.move(to: .resolved), 10)
        #expect(record.times.resolved == Moment(time + 10) && record.times.closed == nil)
        record = try order(.close(.truePositive, reason: "all done"), 11)
        #expect(record.status == .closed && record.verdict == .truePositive && record.verdict?.id == 2)
        #expect(record.times.resolved == Moment(time + 10) && record.times.closed == Moment(time + 11))
        record = try order(.reopen(reason: "it came back"), 12)
        #expect(record.status == .inProgress && record.verdict == nil && record.times.resolved == nil)
        #expect(
            record.actions.map(\.kind) == [
                "opened", "acknowledged", "assigned", "commented", "moved", "judged", "contained", "step", "explained",
                "traced", "moved", "closed", "reopened",
            ])
        #expect(record.actions.map(\.number) == Array(1...13) && record.faultyAction == nil)
        #expect(record.actions.last?.what == "it came back; the verdict was True Positive")
        #expect(record.comments.map(\.text) == ["the vendor was on site", "all done"])
        // What the analyst confirmed is not estimated again.
        let next = try engine.accept([Plant.firing(Plant.writing, id: "more", hits: [Plant.hit(90, second: 90)])])
        #expect(next[0].record.impact.functional == "Medium" && next[0].record.actions.count == 13)
    }

    @Test func whatDoesNotFitIsRefused() throws {
        var engine = Plant.engine()
        let id = try #require(try engine.accept(Plant.attack()).last?.record.id)
        let before = try engine.order(.acknowledge, of: id, by: "ana", at: 1).record
        let refused: [(IncidentOrder, String)] = [
            (.acknowledge, "in progress already"), (.reopen(reason: ""), "it is open"), (.move(to: .closed), "order"),
            (.move(to: .inProgress), "in progress already"), (.comment(""), "1 to 4000 bytes"),
            (.comment("a\u{0}b"), "control"), (.comment(String(repeating: "x", count: 4_001)), "1 to 4000 bytes"),
            (.assign(to: "a\u{1B}[31m"), "control"), (.act("x", state: "maybe", expected: nil), "none of planned"),
            (.contain("x", duration: "forever"), "none of emergency"),
            (.judge(functional: "Huge", information: nil, recoverability: nil), "none of None"),
        ]
        for (order, word) in refused {
            #expect(throws: (any Error).self) { try engine.order(order, of: id, by: "ana", at: 2) }
            do { _ = try engine.order(order, of: id, by: "ana", at: 2) } catch {
                #expect("\(error)".contains(word), "\(error)")
            }
        }
        #expect(throws: IncidentError.unknown(id: "INC-0")) {
            try engine.order(.acknowledge, of: "INC-0", by: "a", at: 0)
        }
        #expect(throws: (any Error).self) { try engine.order(.comment("x"), of: id, by: "", at: 2) }
        let after = try engine.order(.comment("x"), of: id, by: "ana", at: 3).record
        #expect(after.revision == before.revision + 1)
        _ = try engine.order(.close(.benign, reason: ""), of: id, by: "ana", at: 4)
        for order in [IncidentOrder.acknowledge, .assign(to: "b"), .move(to: .contained), .close(.test, reason: "")] {
            #expect(throws: (any Error).self) { try engine.order(order, of: id, by: "ana", at: 5) }
        }
    }

    @Test func tamperingWithOneStepBreaksTheLog() throws {
        var engine = Plant.engine()
        let id = try #require(try engine.accept(Plant.attack()).last?.record.id)
        for number in 0..<4 { _ = try engine.order(.comment("fact \(number)"), of: id, by: "ana", at: Int64(number)) }
        let record = try engine.order(.close(.benign, reason: ""), of: id, by: "ana", at: 9).record
        #expect(record.faultyAction == nil)
        var copy = record
        copy.actions[2].by = "bob"
        #expect(copy.faultyAction == 3)
        copy = record
        copy.actions.remove(at: 1)
        #expect(copy.faultyAction == 2)
        copy = record
        copy.actions.swapAt(3, 4)
        #expect(copy.faultyAction == 4)
        copy = record
        copy.actions[0].time = Moment(0)
        #expect(copy.faultyAction == 1)
        // Nobody takes a step back by an edit either.
        let edited = try engine.revise(id, by: "eve", at: 10) { record in
            record.actions.removeFirst(3)
            record.evidence.removeAll()
            record.rules.removeAll()
        }
        #expect(edited.record.actions == record.actions && edited.record.evidence == record.evidence)
        #expect(edited.record.rules == record.rules)
    }

    /// A firing after the end opens the incident again within the window; one before the end joins it as it is.
    @Test func theReopenWindow() throws {
        func second(_ seconds: Int64) -> Int64 { Plant.start + seconds * 1_000_000_000 }
        func engine(_ window: Int64, _ verdict: IncidentVerdict) throws -> (IncidentEngine, String) {
            var settings = IncidentSettings()
            settings.reopen = window
            var engine = Plant.engine(settings)
            let id = try engine.accept([Plant.firing(Plant.writing, id: "a", hits: [Plant.hit(1, second: 0)])])[0]
                .record.id
            _ = try engine.order(.close(verdict, reason: ""), of: id, by: "ana", at: second(100))
            return (engine, id)
        }
        func fire(_ engine: inout IncidentEngine, _ second: Int) throws -> IncidentRecord {
            try engine.accept([Plant.firing(Plant.crossing, id: "b", hits: [Plant.hit(2, second: second)])])[0].record
        }
        var (one, id) = try engine(60_000_000_000, .benign)
        var record = try fire(&one, 160)
        #expect(record.id == id && record.status == .new && record.verdict == nil)
        #expect(record.actions.last?.kind == "reopened" && record.actions.last?.by.contains("CROSS_ZONE") == true)
        #expect(record.faultyAction == nil)
        (one, id) = try engine(60_000_000_000, .benign)
        record = try fire(&one, 161)
        #expect(record.id != id && record.related.map(\.id) == [id])
        (one, id) = try engine(60_000_000_000, .benign)
        record = try fire(&one, 50)
        #expect(record.id == id && record.status == .closed && record.rules.count == 2)
        (one, id) = try engine(0, .benign)
        record = try fire(&one, 110)
        #expect(record.id != id)
        (one, id) = try engine(60_000_000_000, .falsePositive)
        record = try fire(&one, 110)
        #expect(record.id != id && record.related.map(\.id) == [id])
    }

    /// The service and an analyst's program have the same file open: neither overwrites the other's revisions.
    @Test func theEngineNoticesAnothersRevision() throws {
        let folder = try Place.scratch()
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.path + "/penstock.sqlite"
        let (mine, yours) = (try StateStore(path: path), try StateStore(path: path))
        var settings = IncidentSettings()
        settings.sinks = ["webhook"]
        var service = Plant.engine(settings, store: mine)
        var desk = Plant.engine(settings, store: yours)
        let firings = Plant.attack()
        let id = try service.accept(Array(firings[..<3]))[0].record.id
        let taken = try desk.order(.acknowledge, of: id, by: "ana", at: Plant.start, announced: true)
        #expect(taken.record.revision == 4)
        let grown = try #require(try service.accept([firings[3]]).last)
        #expect(grown.record.revision == 5 && grown.record.assignee == "ana" && grown.record.prevHash == taken.hash)
        _ = try desk.order(.comment("seen"), of: id, by: "ana", at: Plant.start + 1, announced: true)
        let last = try #require(try service.accept(Array(firings[4...])).last)
        #expect(last.record.comments.count == 1)
        let chain = try mine.look { try $0.revisions(of: id) }
        #expect(chain.count == last.record.revision)
        #expect(IncidentChain.fault(chain.map { ($0.revision, $0.hash, $0.json) }) == nil)
        // What the analyst did goes out when the service looks, once, with the newest record as its object.
        var sent: [IncidentChange] = []
        try service.announce { sent.append($0) }
        #expect(sent.map(\.record.revision) == [4, 6] && sent.allSatisfy { $0.json == last.json })
        let events = try sent.map { try JSONDocument($0.incidentFinding) }
        #expect(events.allSatisfy { $0.integer("activity_id") == 2 && $0.text("assignee.name") == "ana" })
        try service.announce { _ in Issue.record("sent twice") }
        // And notifications are on their way already.
        #expect(try mine.look { try $0.due(sink: "webhook", now: 0, limit: 99) }.map(\.revision).contains(6))
    }

    /// A revision that another process makes between the look and the write is not overwritten: the change is made anew.
    @Test func nothingIsOverwritten() throws {
        let folder = try Place.scratch()
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.path + "/penstock.sqlite"
        let (mine, yours) = (try StateStore(path: path), try StateStore(path: path))
        var service = Plant.engine(store: mine)
        var desk = Plant.engine(store: yours)
        let id = try service.accept([Plant.attack()[0]])[0].record.id
        var isFirst = true
        let change = try service.revise(id, by: "one", at: 1) { record in
            if isFirst { _ = try desk.order(.comment("two"), of: id, by: "two", at: 2) }
            isFirst = false
            record.comments.append(.init(by: "one", time: Moment(1), text: "one"))
        }
        #expect(change.record.revision == 3 && change.record.comments.map(\.text) == ["two", "one"])
        let row = try #require(try mine.look { try $0.incident(id) })
        let copy = StoredIncident(
            id: row.id, uid: row.uid, revision: 2, status: row.status, severity: row.severity, first: row.first,
            last: row.last, updated: row.updated, actor: row.actor, isOpen: row.isOpen, hash: row.hash, json: row.json)
        #expect(throws: StoreError.stale(path: path, incident: id)) {
            try mine.change { try $0.put(copy, isNotable: true) }
        }
    }

    /// Records that an earlier version stored, without the lists that came later, are read.
    @Test func olderRecordsAreRead() throws {
        var engine = Plant.engine()
        let change = try #require(try engine.accept([Plant.attack()[0]]).last)
        var object = try #require(
            try JSONSerialization.jsonObject(with: Data(change.json)) as? [String: Any])
        object["layout"] = 1
        for name in ["actions", "joined", "severity_steps", "suppressions", "clocks"] { object[name] = nil }
        let record = try IncidentRecord(json: Array(try JSONSerialization.data(withJSONObject: object)))
        #expect(record.actions.isEmpty && record.id == change.record.id)
    }
}
