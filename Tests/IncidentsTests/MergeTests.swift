// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Incidents
import Store
import Testing
import Wire

/// Joining, merging, splitting and suppressing, each with its guards and its trace on both sides.
@Suite struct MergeTests {
    private static let other = "10.7.7.7"

    private func firing(
        _ id: String, _ number: Int, rule: Firing.Rule = Plant.writing, source: String = Plant.attacker,
        target: String = Plant.plc
    ) -> Firing {
        Plant.firing(
            rule, id: id, hits: [Plant.hit(number, second: number, source: source, target: target)], source: source)
    }

    /// Who was reached from one address and acts now belongs to the same incident; so does what comes of it later.
    @Test func lateralMovementIsOneIncident() throws {
        for store in [nil, try StateStore(path: ":memory:")] {
            var settings = IncidentSettings()
            settings.limits.inMemory = 1
            var engine = Plant.engine(store == nil ? IncidentSettings() : settings, store: store)
            let jump = "172.22.0.5"
            let first = try engine.accept([firing("a", 1, rule: Plant.crossing, target: jump)])[0].record
            let apart = try engine.accept([firing("x", 2, source: MergeTests.other, target: "172.21.0.99")])[0].record
            let second = try engine.accept([firing("b", 3, source: jump)])[0].record
            #expect(second.id == first.id && apart.id != first.id)
            #expect(second.joined.map(\.value) == [jump] && second.actor.value == Plant.attacker)
            #expect(second.affected.first { $0.address == jump }?.role == "source and target")
            let third = try engine.accept([firing("c", 4, rule: Plant.scanning, source: jump)])[0].record
            #expect(third.id == first.id && third.rules.count == 3)
            // Before it was hit, an address does not belong to what hit it later.
            let early = try engine.accept([firing("d", 0, source: "172.22.0.6")])[0].record
            #expect(early.id != first.id)
        }
        var settings = IncidentSettings()
        settings.followsTargets = false
        var engine = Plant.engine(settings)
        let ids = try engine.accept([firing("a", 1, target: "172.22.0.5"), firing("b", 3, source: "172.22.0.5")])
        #expect(Set(ids.map(\.record.id)).count == 2)
    }

    /// One account from two addresses is one incident where that is wanted, unless many use it.
    @Test func accountsJoinWhereWanted() throws {
        func hit(_ number: Int, _ source: String, _ account: String) -> Firing {
            var made = firing("f\(number)", number, source: source, target: "172.21.0.\(number)")
            let event = String(decoding: made.hits[0].event, as: UTF8.self)
            made.hits[0].event = Array(event.replacing("operator\(number % 3)", with: account).utf8)
            return made
        }
        for store in [nil, try StateStore(path: ":memory:")] {
            var settings = IncidentSettings()
            settings.joinsAccounts = true
            settings.limits.inMemory = store == nil ? 256 : 1
            var engine = Plant.engine(settings, store: store)
            let records = try [
                hit(1, "10.0.0.1", "eva"), hit(2, "10.0.0.9", "other"), hit(3, "10.0.0.2", "eva"),
                hit(4, "10.0.0.3", "PLANT\\\\Admin"), hit(5, "10.0.0.4", "PLANT\\\\Admin"), hit(6, "10.0.0.5", "hmi1$"),
                hit(7, "10.0.0.6", "hmi1$"),
            ].map { try engine.accept([$0])[0].record }
            #expect(records[2].id == records[0].id && records[2].joined.map(\.why) == ["uses account eva"])
            #expect(Set(records.map(\.id)).count == 6)
        }
        var engine = Plant.engine()
        let apart = try engine.accept([hit(1, "10.0.0.1", "eva"), hit(3, "10.0.0.2", "eva")]).map(\.record.id)
        #expect(Set(apart).count == 2)
    }

    /// An address that several open incidents hit is what many have in common: it joins none, and says so.
    @Test func whatManyHitJoinsNothing() throws {
        var engine = Plant.engine()
        _ = try engine.accept([firing("a", 1), firing("b", 2, source: MergeTests.other)])
        let record = try engine.accept([firing("c", 3, source: Plant.plc, target: "172.21.0.50")])[0].record
        #expect(record.actor.value == Plant.plc && record.joined.isEmpty)
        #expect(record.coverage.guards.contains { $0.contains("2 open incidents") }, "\(record.coverage.guards)")
    }

    @Test func aFullIncidentTakesNoMore() throws {
        var settings = IncidentSettings()
        settings.limits.size = 3
        var engine = Plant.engine(settings)
        let records = try engine.accept((1...7).map { firing("f\($0)", $0) }).map(\.record)
        #expect(Set(records.map(\.id)).count == 3)
        #expect(records[3].coverage.guards.contains { $0.contains("takes in no more") })
        #expect(records[3].related.map(\.id) == [records[0].id])
        // A firing that it has already still grows there.
        var grown = firing("f1", 8)
        (grown.revision, grown.count) = (2, 2)
        #expect(try engine.accept([grown])[0].record.id == records[0].id)
    }

    /// A late event moves a firing: what the incident says of it is what the last revision says.
    @Test func aRevisionMovesAFiring() throws {
        let first = firing("f", 5)
        var second = firing("f", 1)
        (second.revision, second.count, second.last) = (2, 2, first.last)
        var engine = Plant.engine()
        let changes = try engine.accept([first, second])
        #expect(changes.count == 2 && changes.last?.record.timeline.map(\.eventUid) == ["e-1", "e-5"])
        let detection = try #require(changes.last?.record.detections.first)
        #expect(detection.time == Moment(second.time) && detection.first == Moment(second.first))
        var third = firing("f", 3)
        (third.revision, third.count, third.hits) = (3, 3, [])
        let moved = try #require(try engine.accept([third]).last?.record.detections.first)
        #expect(moved.time == Moment(third.time) && moved.first == Moment(third.first) && moved.count == 3)
    }

    @Test func mergingIsRecordedOnBothSides() throws {
        let store = try StateStore(path: ":memory:")
        var engine = Plant.engine(store: store)
        let kept = try #require(try engine.accept(Plant.attack()).last?.record)
        let gone = try #require(
            try engine.accept([
                firing("o1", 50, source: MergeTests.other),
                firing("o2", 51, source: MergeTests.other, target: "172.21.0.77"),
            ]).last?.record)
        _ = try engine.order(.comment("seen"), of: gone.id, by: "bo", at: 1)
        let changes = try engine.merge(gone.id, into: kept.id, reason: "one crew", by: "ana", at: 7)
        #expect(changes.map(\.record.id) == [gone.id, kept.id])
        let (from, to) = (changes[0].record, changes[1].record)
        #expect(from.status == .closed && from.verdict == .duplicate && from.times.closed == Moment(7))
        #expect(from.related.last?.id == kept.id && from.related.last?.relation == "merged into")
        #expect(to.related.last?.id == gone.id && to.related.last?.relation == "took in")
        #expect(from.actions.last?.kind == "merged_into" && to.actions.last?.what == "took in \(gone.id): one crew")
        #expect(from.faultyAction == nil && to.faultyAction == nil)
        #expect(to.timeline.count == kept.timeline.count + 2 && to.evidence.count == kept.evidence.count + 2)
        #expect(to.timeline.map(\.time) == to.timeline.map(\.time).sorted())
        let tally = to.rules.first { $0.name == "UNAUTHORIZED_MODBUS_WRITE" }
        #expect(tally?.detections == 4 && tally?.events == 4)
        #expect(to.affected.contains { $0.address == "172.21.0.77" } && to.joined.map(\.value) == [MergeTests.other])
        #expect(to.recommended.isEmpty == false && to.times.lastEvent == gone.times.lastEvent)
        let closing = try JSONDocument(changes[0].incidentFinding)
        #expect(closing.integer("activity_id") == 3 && closing.text("verdict") == "Duplicate")
        #expect(try store.look { try $0.firings(of: kept.id) }.map(\.id).contains("o1"))
        for change in changes { #expect(try IncidentAudit(change.record.id, in: store).faults == []) }
        // What comes of the merged incident's actor goes on in the other one: news, and growth of known firings.
        let next = try engine.accept([firing("o3", 60, source: MergeTests.other)])[0].record
        #expect(next.id == kept.id)
        var grown = firing("o1", 61, source: MergeTests.other)
        (grown.revision, grown.count) = (2, 2)
        #expect(try engine.accept([grown])[0].record.id == kept.id)
        #expect(throws: (any Error).self) { try engine.merge(gone.id, into: kept.id, reason: "", by: "ana", at: 8) }
        #expect(throws: (any Error).self) { try engine.merge(kept.id, into: kept.id, reason: "", by: "ana", at: 8) }
        #expect(throws: (any Error).self) { try engine.order(.reopen(reason: ""), of: gone.id, by: "ana", at: 8) }
    }

    @Test func splittingIsRecordedOnBothSides() throws {
        let store = try StateStore(path: ":memory:")
        var engine = Plant.engine(store: store)
        let before = try #require(try engine.accept(Plant.attack()).last?.record)
        let changes = try engine.split(before.id, firings: ["f-scan"], reason: "the scanner", by: "ana", at: 9)
        #expect(changes.map(\.kind) == [.created, .updated])
        let (made, rest) = (changes[0].record, changes[1].record)
        #expect(made.id != rest.id && rest.id == before.id && made.revision == 1)
        #expect(made.related.map(\.id) == [rest.id] && made.related[0].relation == "split from")
        #expect(rest.related.last?.id == made.id && rest.related.last?.relation == "split into")
        #expect(made.actions.map(\.kind) == ["split_from"] && rest.actions.last?.kind == "split")
        #expect(made.detections.map(\.firing) == ["f-scan"] && made.rules.map(\.events) == [10])
        #expect(made.timeline.count == 10 && rest.timeline.count == before.timeline.count - 10)
        #expect(made.evidence.count == 10 && rest.evidence.count == before.evidence.count - 10)
        #expect(!rest.affected.contains { $0.address == "172.21.0.20" })
        #expect(made.affected.contains { $0.address == "172.21.0.20" })
        #expect(made.techniques.map(\.id) == ["T0846"] && !rest.techniques.map(\.id).contains("T0846"))
        #expect(made.severity == .high && rest.severity == .critical)
        #expect(try store.look { try $0.firing("f-scan") }?.incident == made.id)
        for change in changes { #expect(try IncidentAudit(change.record.id, in: store).faults == []) }
        // A firing's growth follows it.
        let grown = Plant.firing(
            Plant.scanning, id: "f-scan", revision: 3, hits: [Plant.hit(80, second: 80)], count: 11)
        #expect(try engine.accept([grown])[0].record.id == made.id)
        #expect(throws: (any Error).self) {
            try engine.split(before.id, firings: ["f-nothing"], reason: "", by: "ana", at: 9)
        }
        #expect(throws: (any Error).self) {
            try engine.split(
                rest.id, firings: ["f-cross", "f-write-1", "f-write-2", "f-harm"], reason: "", by: "ana", at: 9)
        }
        #expect(throws: (any Error).self) {
            try engine.split(rest.id, firings: ["f-write"], reason: "", by: "a", at: 9)
        }
    }

    /// What is suppressed is counted where it was judged: no new incident, nobody told, and nothing unseen.
    @Test func suppressionCounts() throws {
        let store = try StateStore(path: ":memory:")
        var settings = IncidentSettings()
        settings.sinks = ["soc"]
        settings.limits.inMemory = 1
        var engine = Plant.engine(settings, store: store)
        let id = try engine.accept([firing("a", 1)])[0].record.id
        let until = Moment(Plant.start + 500_000_000_000)
        #expect(throws: (any Error).self) {
            try engine.order(.suppress(until: until, reason: "planned"), of: id, by: "ana", at: Plant.start)
        }
        _ = try engine.order(.close(.benign, reason: ""), of: id, by: "ana", at: Plant.start + 2_000_000_000)
        _ = try engine.order(
            .suppress(until: until, reason: "planned"), of: id, by: "ana", at: Plant.start + 3_000_000_000)
        let told = try store.look { try $0.due(sink: "soc", now: 0, limit: 99) }.count
        let other = try engine.accept([firing("z", 5, source: MergeTests.other)])[0].record
        #expect(other.id != id)
        let changes = try engine.accept((10..<14).map { firing("s\($0)", $0) })
        #expect(changes.allSatisfy { $0.record.id == id && !$0.isNotable })
        let record = try #require(changes.last?.record)
        #expect(record.status == .closed && record.detections.count == 1)
        #expect(record.suppressions.map(\.detections) == [4] && record.suppressions.map(\.events) == [4])
        #expect(record.suppressions[0].last == Moment(Plant.start + 13_000_000_000))
        let finding = try JSONDocument(try #require(changes.last?.detectionFindings.first))
        #expect(finding.integer("status_id") == 3 && finding.text("status") == "Suppressed")
        var grown = firing("s10", 20)
        (grown.revision, grown.count) = (2, 6)
        #expect(try engine.accept([grown])[0].record.suppressions.map(\.events) == [9])
        #expect(try store.look { try $0.due(sink: "soc", now: 0, limit: 99) }.count == told + 1)
        // Another rule of the same actor is news; so is the same one after the time.
        let news = try engine.accept([firing("n", 30, rule: Plant.crossing)])[0].record
        #expect(news.id == id && news.status == .new)
        let after = try engine.accept([firing("m", 501)])[0].record
        #expect(after.suppressions.map(\.detections) == [4] && after.detections.count == 3)
        #expect(try IncidentAudit(id, in: store).faults == [])
        #expect(try IncidentRecord(json: try after.json()) == after)
    }
}
