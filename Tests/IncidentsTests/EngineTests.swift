// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Incidents
import Store
import Testing
import Wire

@Suite struct EngineTests {
    @Test func oneAttackIsOneIncident() throws {
        var engine = Plant.engine()
        let changes = try engine.accept(Plant.attack())
        #expect(changes.count == 7)
        #expect(Set(changes.map(\.record.id)).count == 1)
        #expect(changes.map(\.kind) == [.created] + Array(repeating: .updated, count: 6))
        #expect(changes.map(\.record.revision) == Array(1...7))
        let record = try #require(changes.last?.record)
        #expect(record.id.hasPrefix("INC-") && record.id.count == 12)
        #expect(record.uid.count == 32)
        #expect(record.detections.count == 5)
        #expect(record.severity == .critical)
        #expect(record.severityReasons.contains { $0.contains("process safety") })
        #expect(record.severityReasons.contains { $0.contains("3 tactics against \(Plant.plc)") })
        #expect(record.actor.value == Plant.attacker)
        #expect(record.timeline.count == 16)
        #expect(record.timeline.map(\.time) == record.timeline.map(\.time).sorted())
        #expect(
            record.timeline.first { $0.eventUid == "e-31" }?.rules == [
                "PROCESS_SAFETY_VIOLATION", "UNAUTHORIZED_MODBUS_WRITE",
            ])
        #expect(record.rules.first { $0.name == "OT_BRUTE_FORCE_SCAN" }?.events == 10)
        #expect(record.impact.functional == "High")
        #expect(record.impact.information == "Integrity Loss")
        #expect(record.cisa.locationLevel == 6)
        #expect(record.affected.first { $0.address == Plant.attacker }?.role == "source")
        #expect(record.affected.first { $0.address == Plant.attacker }?.cisaLocation == 2)
        #expect(record.indicators.contains { $0.type == "account" && $0.value == "operator1" })
        #expect(record.indicators.contains { $0.type == "function" && $0.value == "modbus 43" })
        #expect(record.coverage.isComplete)
        #expect(record.clocks.map(\.sender) == [Plant.attacker] && record.clocks[0].events == 16)
        #expect(record.clocks[0].leastLag == 250 && record.clocks[0].mostLag == 250)
        #expect(
            record.severitySteps.map(\.factor) == [
                "rule level", "asset criticality", "Purdue level", "ATT&CK stage", "safety", "several tactics",
            ])
        #expect(record.classification.first == "intrusion")
        #expect(record.classification.current == "process safety violation")
        #expect(record.classification.changedBy == "f-harm")
        #expect(Set(record.recommended.map(\.part)) == ["contain", "verify", "prevent"])
        #expect(record.recommended.contains { $0.text.contains("502") && $0.text.contains(Plant.plc) })
        #expect(!record.recommended.contains { $0.text.contains("{") || $0.text.contains("2404") })
        #expect(record.summary.contains(Plant.attacker) && record.summary.contains("CROSS_ZONE_VIOLATION"))
        #expect(record.prevHash == changes[5].hash)
        #expect(
            changes.last?.subject
                == "[CRITICAL] OT Incident \(record.id) – 5 Detection(s) | Techniques: T0886, T0846, T0855, T0836")
    }

    @Test func sameInputGivesSameBytes() throws {
        var one = Plant.engine()
        var two = Plant.engine()
        let first = try one.accept(Plant.attack())
        let second = try two.accept(Plant.attack())
        #expect(first.map(\.json) == second.map(\.json))
        #expect(first.map(\.incidentFinding) == second.map(\.incidentFinding))
        #expect(first.map(\.detectionFindings) == second.map(\.detectionFindings))
    }

    @Test(arguments: 0...7)
    func aCutAnywhereLeavesNoTrace(at place: Int) throws {
        var whole = Plant.engine()
        let expected = try whole.accept(Plant.attack())
        var cut = Plant.engine()
        let firings = Plant.attack()
        let changes = try cut.accept(Array(firings[..<place])) + cut.accept(Array(firings[place...]))
        #expect(changes.map(\.json) == expected.map(\.json))
        #expect(changes.map(\.hash) == expected.map(\.hash))
    }

    /// Whoever is told first founds the incident, however the calls are cut.
    @Test func oneCallOrManyGiveOneResult() throws {
        var dice = Dice(state: 7)
        for _ in 0..<20 {
            let shuffled = Plant.attack().shuffled(using: &dice)
            let order = shuffled.filter { $0.revision == 1 } + shuffled.filter { $0.revision == 2 }
            var (one, many) = (Plant.engine(), Plant.engine())
            let expected = try order.flatMap { try many.accept([$0]) }.map(\.json)
            #expect(try one.accept(order).map(\.json) == expected)
        }
    }

    @Test func callsInAnyOrderListTheSame() throws {
        var whole = Plant.engine()
        let expected = try #require(try whole.accept(Plant.attack()).last?.record)
        var dice = Dice(state: 11)
        for _ in 0..<20 {
            var engine = Plant.engine()
            // Revisions of one firing keep their order; all else may come as it likes.
            let order = Plant.attack().shuffled(using: &dice)
            var last: IncidentRecord?
            for firing in order.filter({ $0.revision == 1 }) + order.filter({ $0.revision == 2 }) {
                last = try engine.accept([firing]).last?.record
            }
            let record = try #require(last)
            #expect(record.timeline == expected.timeline)
            #expect(record.evidence == expected.evidence)
            #expect(record.affected == expected.affected)
            #expect(record.indicators == expected.indicators)
            #expect(record.rules == expected.rules)
            #expect(record.detections == expected.detections)
            #expect(record.techniques == expected.techniques)
            #expect(record.recommended == expected.recommended)
            #expect(record.severity == expected.severity)
        }
    }

    @Test func receiveTimesDoNotMakeTheId() throws {
        var one = Plant.engine()
        var two = Plant.engine()
        let first = try #require(try one.accept(Plant.attack()).last?.record)
        let second = try #require(try two.accept(Plant.attack(delay: 90_000)).last?.record)
        #expect(first.id == second.id && first.uid == second.uid)
        #expect(first.times.firstReceived != second.times.firstReceived)
    }

    @Test func aReplayChangesNothing() throws {
        var engine = Plant.engine()
        _ = try engine.accept(Plant.attack())
        #expect(try engine.accept(Plant.attack()).isEmpty)
    }

    @Test func theGapEndsAnIncident() throws {
        var settings = IncidentSettings()
        settings.gap = 3_600_000_000_000
        var engine = Plant.engine(settings)
        let first = try engine.accept([Plant.firing(Plant.writing, id: "a", hits: [Plant.hit(1, second: 0)])])
        let within = try engine.accept([Plant.firing(Plant.writing, id: "b", hits: [Plant.hit(2, second: 3_600)])])
        let beyond = try engine.accept([Plant.firing(Plant.writing, id: "c", hits: [Plant.hit(3, second: 7_201)])])
        #expect(within[0].record.id == first[0].record.id)
        #expect(beyond[0].record.id != first[0].record.id)
        #expect(beyond[0].record.related.map(\.id) == [first[0].record.id])
    }

    @Test func actorsStayApartAndStopValuesDoNotJoin() throws {
        var engine = Plant.engine()
        let apart = try engine.accept([
            Plant.firing(Plant.writing, id: "a", hits: [Plant.hit(1, second: 0)]),
            Plant.firing(
                Plant.writing, id: "b", hits: [Plant.hit(2, second: 1, source: "10.0.0.9")], source: "10.0.0.9"),
        ])
        #expect(Set(apart.map(\.record.id)).count == 2)
        var settings = IncidentSettings()
        settings.stops = [.init(network: try #require(IPNetwork("172.24.0.0/24")), reason: "NAT")]
        var guarded = Plant.engine(settings)
        let changes = try guarded.accept([
            Plant.firing(Plant.writing, id: "a", hits: [Plant.hit(1, second: 0)]),
            Plant.firing(Plant.crossing, id: "b", hits: [Plant.hit(2, second: 1)]),
            Plant.firing(Plant.writing, id: "c", hits: [Plant.hit(3, second: 2)]),
        ])
        #expect(Set(changes.map(\.record.id)).count == 2)
        #expect(changes[0].record.id == changes[2].record.id)
        #expect(changes[0].record.coverage.guards.first?.contains("NAT") == true)
    }

    @Test func anActorWithoutAGroupIsTakenFromTheEvents() throws {
        var engine = Plant.engine()
        let changes = try engine.accept([
            Plant.firing(Plant.writing, id: "a", hits: [Plant.hit(1, second: 0)], source: nil),
            Plant.firing(Plant.crossing, id: "b", hits: [Plant.hit(2, second: 1)]),
        ])
        #expect(Set(changes.map(\.record.id)).count == 1)
    }

    @Test func aFloodIsCountedNotSilent() throws {
        var settings = IncidentSettings()
        settings.limits.affected = 20
        settings.limits.detectionsPerRule = 8
        var knowledge = Plant.knowledge
        knowledge.losses = { first, last in
            [CoverageLoss(what: "udp_kernel_drops", count: last > first ? 12 : 0, source: "udp-514")]
        }
        var engine = IncidentEngine(settings: settings, knowledge: knowledge)
        let firings = (0..<100).map { number in
            Plant.firing(
                Plant.writing, id: "f-\(number)",
                hits: [Plant.hit(number, second: number, target: "172.21.1.\(number)")],
                omitted: number == 0 ? 5 : 0)
        }
        let record = try #require(try engine.accept(firings).last?.record)
        #expect(record.timeline.count == 32)
        #expect(record.timeline.first?.eventUid == "e-0" && record.timeline.last?.eventUid == "e-99")
        #expect(record.rules.first?.detections == 100 && record.rules.first?.events == 100)
        #expect(record.detections.count == 8)
        #expect(record.affected.count == 20)
        #expect(!record.coverage.isComplete)
        #expect(record.coverage.losses == [CoverageLoss(what: "udp_kernel_drops", count: 12, source: "udp-514")])
        let cuts = Set(record.coverage.cuts.map(\.what))
        #expect(cuts == ["timeline_entries", "detections", "events_not_kept", "events_of_further_assets"])
        #expect(record.coverage.cuts.first { $0.what == "timeline_entries" }?.count == 68)
        #expect(record.evidence.count == 32)
    }

    @Test func onlyNotableChangesAreTold() throws {
        var engine = Plant.engine()
        let firings = (1...9).map { Plant.firing(Plant.writing, id: "f-\($0)", hits: [Plant.hit($0, second: $0)]) }
        let changes = try engine.accept(firings)
        #expect(changes.map(\.isNotable) == [true, true, false, true, false, false, false, true, false])
    }

    @Test func anAnalystsChangeIsARevision() throws {
        var engine = Plant.engine()
        let made = try #require(try engine.accept(Plant.attack()).last)
        let closed = try engine.revise(made.record.id, by: "ana", at: Plant.start + 1) { record in
            record.status = .falsePositive
            record.comments.append(.init(by: "ana", time: Moment(Plant.start + 1), text: "planned work"))
            record.evidence = []
        }
        #expect(closed.record.revision == made.record.revision + 1)
        #expect(closed.record.prevHash == made.hash)
        #expect(closed.record.evidence == made.record.evidence)
        #expect(closed.record.phase.current == "Post-Incident Activity")
        #expect(
            closed.record.times.changes.last == .init(to: "false_positive", time: Moment(Plant.start + 1), by: "ana"))
        let next = try engine.accept([Plant.firing(Plant.writing, id: "later", hits: [Plant.hit(90, second: 90)])])
        #expect(next[0].record.id != made.record.id)
        #expect(next[0].record.related.map(\.id) == [made.record.id])
        #expect(throws: IncidentError.unknown(id: "INC-0")) { try engine.revise("INC-0", by: "x", at: 0) { _ in } }
    }

    @Test func recordsSurviveTheirJSON() throws {
        var engine = Plant.engine()
        let change = try #require(try engine.accept(Plant.attack()).last)
        let read = try IncidentRecord(json: change.json)
        #expect(read == change.record)
        #expect(try read.json() == change.json)
    }

    /// Random bytes in place of events, and random values in them: nothing traps, and each still makes an incident.
    @Test func hostileEventsMakeIncidents() throws {
        var dice = Dice(state: 3)
        var engine = Plant.engine()
        for round in 0..<200 {
            var hit = Plant.hit(round, second: round, message: round % 3 == 0 ? "\u{202E}\\u0000\\ud800 é" : "")
            for _ in 0..<(round % 40) where !hit.event.isEmpty {
                hit.event[Int.random(in: 0..<hit.event.count, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
            }
            if round % 5 == 0 { hit.event.removeLast(Int.random(in: 0...hit.event.count, using: &dice)) }
            hit.time = round % 7 == 0 ? (round % 2 == 0 ? .max : .min) : hit.time
            let change = try #require(
                try engine.accept([
                    Plant.firing(
                        Plant.writing, id: "f-\(round)", hits: [hit], source: round % 2 == 0 ? "10.1.1.1" : nil)
                ]).first)
            #expect(try IncidentRecord(json: change.json) == change.record)
            #expect((try? JSONDocument(change.incidentFinding)) != nil)
        }
    }

    /// Each factor of severity is one step; the steps end at the severity.
    @Test(arguments: [
        ("low", "accepted", "1", nil, IncidentSeverity.high), ("low", "exception", "1", nil, .medium),
        ("low", "accepted", "3", nil, .high), ("low", "exception", "3", nil, .low),
        ("medium", "exception", "3", "critical", .high), ("medium", "exception", "3", "low", .low),
        ("medium", "accepted", "1", "critical", .high), ("high", "accepted", "1", "critical", .critical),
        ("informational", "exception", "4", "low", .informational),
        ("critical", "exception", "4", "critical", .critical),
    ])
    func severityStepByStep(
        _ level: String, _ status: String, _ purdue: String, _ criticality: String?, _ wanted: IncidentSeverity
    ) throws {
        var hit = Plant.hit(1, second: 1)
        let event = String(decoding: hit.event, as: UTF8.self)
            .replacing(#""status":"success""#, with: #""status":"\#(status == "accepted" ? "success" : status)""#)
            .replacing(#""dst_level":"1""#, with: #""dst_level":"\#(purdue)""#)
        hit.event = Array(event.utf8)
        var knowledge = Plant.knowledge
        knowledge.asset = { $0 == Plant.plc ? AssetFacts(criticality: criticality) : nil }
        var engine = IncidentEngine(settings: IncidentSettings(), knowledge: knowledge)
        let rule = Plant.rule("W", level, ["attack.impair-process-control", "attack.t0855"])
        let record = try engine.accept([Plant.firing(rule, id: "f", hits: [hit])])[0].record
        #expect(record.severity == wanted, "\(record.severitySteps)")
        #expect(record.severitySteps.last?.to == wanted && record.severitySteps.first?.from == .informational)
        for (step, next) in zip(record.severitySteps, record.severitySteps.dropFirst()) {
            #expect(step.to == next.from)
        }
        #expect(record.severitySteps.allSatisfy { !$0.reason.isEmpty && !$0.value.isEmpty })
        #expect(record.severityReasons.count >= 1 && record.severityReasons[0].hasPrefix("level "))
    }
}
