// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Incidents
import Testing

/// The classes of ENISA's reference taxonomy, and what is said of the senders' clocks.
@Suite struct ClassTests {
    private static func last(_ firings: [Firing]) throws -> IncidentRecord {
        var engine = Plant.engine()
        return try #require(try engine.accept(firings).last?.record)
    }

    private static func object(_ json: [UInt8]) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any])
    }

    @Test func classesFollowFromTactics() throws {
        let record = try ClassTests.last(Plant.attack())
        let classes = try #require(record.classification.classes)
        #expect(classes.map(\.id) == ["information-content-security", "intrusions", "information-gathering"])
        #expect(classes.map(\.name) == ["Information Content Security", "Intrusions", "Information Gathering"])
        #expect(
            classes[0].reason
                == "T0836 Modify Parameter (impair-process-control) of PROCESS_SAFETY_VIOLATION; "
                + "T0855 Unauthorized Command Message (impair-process-control) of UNAUTHORIZED_MODBUS_WRITE")
        #expect(classes[1].reason == "T0886 Remote Services (lateral-movement) of CROSS_ZONE_VIOLATION")
        #expect(record.classification.changedWhy == "PROCESS_SAFETY_VIOLATION fired: process safety is touched")
    }

    @Test func theOrderOfFiringsDoesNotMatter() throws {
        let wanted = try ClassTests.last(Plant.attack()).classification.classes
        var dice = Dice(state: 4)
        for _ in 0..<20 {
            // Revisions of one firing keep their order.
            var firings = Plant.attack()
            firings.removeAll { $0.revision > 1 }
            let mixed = firings.shuffled(using: &dice) + Plant.attack().filter { $0.revision > 1 }
            #expect(try ClassTests.last(mixed).classification.classes == wanted)
        }
    }

    @Test func noTacticIsUndetermined() throws {
        let record = try ClassTests.last([
            Plant.firing(Plant.rule("ODD", "low", []), id: "a", hits: [Plant.hit(1, second: 1)])
        ])
        #expect(record.classification.classes == nil)
        #expect(record.classification.current == "undetermined")
        #expect(
            try ClassTests.object(try record.json())["classification"] as? [String: String] == [
                "current": "undetermined", "first": "undetermined",
            ])
    }

    @Test(arguments: [
        (["attack.t0883", "attack.initial-access"], "vulnerable"), (["attack.t0814"], "availability"),
        (["attack.t1110.003", "attack.credential-access"], "intrusion-attempts"), (["attack.t0865"], "fraud"),
        (["attack.t0885"], "malicious-code"), (["attack.t0801"], "information-content-security"),
        (["attack.discovery"], "information-gathering"), (["cve.2021-44228"], "intrusion-attempts"),
        (["attack.t0859", "attack.persistence"], "intrusions"),
    ])
    func aClassOfItsOwn(_ tags: [String], _ wanted: String) throws {
        let record = try ClassTests.last([
            Plant.firing(Plant.rule("ONE", "low", tags), id: "a", hits: [Plant.hit(1, second: 1)])
        ])
        #expect(record.classification.classes?.map(\.id) == [wanted])
    }

    /// More than three apply: the gravest three stay.
    @Test func threeAtMost() throws {
        let tags = [
            "attack.lateral-movement", "attack.t0814", "attack.t0886", "attack.t0846", "attack.t0855", "attack.t0865",
        ]
        let record = try ClassTests.last([
            Plant.firing(Plant.rule("ALL", "low", tags), id: "a", hits: [Plant.hit(1, second: 1)])
        ])
        #expect(
            record.classification.classes?.map(\.id) == ["availability", "information-content-security", "intrusions"])
    }

    @Test func whatWasRefusedWasTried() throws {
        var hit = Plant.hit(1, second: 1)
        hit.event = Array(
            String(decoding: hit.event, as: UTF8.self).replacing(
                "\"status\":\"success\"", with: "\"status\":\"exception\""
            )
            .replacing("\"status_id\":1", with: "\"status_id\":2").utf8)
        let record = try ClassTests.last([Plant.firing(Plant.writing, id: "a", hits: [hit])])
        #expect(record.affected.compactMap(\.writes) == ["refused"])
        #expect(record.classification.classes?.map(\.id) == ["intrusion-attempts"])
    }

    @Test func anAnalystSetsThem() throws {
        var engine = Plant.engine()
        let made = try #require(try engine.accept([Plant.attack()[0]]).last)
        let set = try engine.order(.classify("Malicious Code, fraud"), of: made.record.id, by: "ana", at: Plant.start)
        #expect(set.record.classification.classes?.map(\.id) == ["malicious-code", "fraud"])
        #expect(set.record.classification.classes?.map(\.setBy) == ["ana", "ana"])
        let after = try #require(try engine.accept(Array(Plant.attack().dropFirst())).last)
        #expect(after.record.classification.classes?.map(\.id) == ["malicious-code", "fraud"])
        #expect(after.record.classification.current == "Malicious Code, fraud")
        // Other words are the type alone.
        let words = try engine.order(.classify("ransomware, fraud"), of: made.record.id, by: "ana", at: Plant.start)
        #expect(words.record.classification.classes?.map(\.id) == ["malicious-code", "fraud"])
        #expect(words.record.classification.current == "ransomware, fraud")
    }

    /// A record that was stored before there were classes: it is read, and its bytes and so its hash stay what they were.
    @Test func recordsWithoutClassesKeepTheirHash() throws {
        let json = try ClassTests.last(Plant.attack()).json()
        var object = try ClassTests.object(json)
        var classification = try #require(object["classification"] as? [String: Any])
        classification["classes"] = nil
        classification["changed_why"] = nil
        object["classification"] = classification
        let old = [UInt8](
            try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes]))
        #expect(old.count < json.count)
        let record = try IncidentRecord(json: old)
        #expect(record.classification.classes == nil && record.classification.changedWhy == nil)
        #expect(try record.json() == old)
    }

    @Test func findingsAndReportsTellThem() throws {
        var engine = Plant.engine()
        let change = try #require(try engine.accept(Plant.attack()).last)
        let finding = String(decoding: change.incidentFinding, as: UTF8.self)
        #expect(
            finding.contains(
                #""classes":["information-content-security","intrusions","information-gathering"]"#))
        for format in [IncidentReport.Format.markdown, .html] {
            let report = IncidentReport(change.record, hash: change.hash, deliveries: [], catalog: Plant.catalog)
            let text = String(decoding: try report.bytes(format), as: UTF8.self)
            #expect(text.contains("Information Content Security") && text.contains("process safety is touched"))
        }
    }

    // MARK: Clocks

    /// An event that was placed at its receipt shows what it claimed.
    @Test func eventsFromTheFutureAreMarked() throws {
        var hit = Plant.hit(1, second: 1, delay: 0)
        let claimed = hit.time / 1_000_000 + 7_200_000
        hit.event = Array(
            String(decoding: hit.event, as: UTF8.self).replacing(
                "\"unmapped\":{", with: "\"unmapped\":{\"penstock\":{\"claimed_time\":\(claimed)},"
            ).utf8)
        let record = try ClassTests.last([Plant.firing(Plant.crossing, id: "a", hits: [hit])])
        #expect(record.timeline.map(\.claimedTime) == [Moment(claimed * 1_000_000)])
        #expect(record.clocks.map(\.heldEvents) == [1])
        #expect(record.clocks.map(\.leastLag) == [-7_200_000])
    }
}
