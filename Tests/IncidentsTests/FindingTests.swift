// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Incidents
import Testing
import Wire

@Suite struct FindingTests {
    /// Events of all shapes: the attack, an analyst's close, and events with next to nothing in them.
    private func events(_ dictionary: OCSFDictionary = .v1_8_0) throws -> [[UInt8]] {
        var knowledge = Plant.knowledge
        knowledge.asset = { address in
            address == Plant.plc
                ? AssetFacts(
                    name: "plc-1", criticality: "high", kind: "plc",
                    alike: [.init(address: "172.21.0.99", reason: "same firmware")]) : nil
        }
        var settings = IncidentSettings()
        settings.dictionary = dictionary
        var engine = IncidentEngine(settings: settings, knowledge: knowledge)
        var changes = try engine.accept(Plant.attack())
        #expect(changes.last?.record.otherTargets.map(\.address) == ["172.21.0.99"])
        var bare = Plant.hit(70, second: 70)
        bare.event = Array("{}".utf8)
        bare.evidence = []
        var named = Plant.hit(71, second: 71, source: "host-7", target: "gate-2")
        named.evidence.append(contentsOf: named.evidence)
        changes += try engine.accept([
            Plant.firing(Plant.rule("BARE", "informational", []), id: "bare", hits: [bare], source: nil),
            Plant.firing(
                Plant.rule("NAMED", "odd", ["attack.t1110", "attack.credential-access"]), id: "n", hits: [named],
                source: "host-7"),
            Plant.firing(Plant.rule("EMPTY", "low", ["attack.t9999"]), id: "empty", hits: [], count: 0, source: ""),
        ])
        let id = changes[0].record.id
        changes.append(try engine.order(.acknowledge, of: id, by: "ana", at: Plant.start + 1))
        changes.append(try engine.order(.close(.truePositive, reason: "done"), of: id, by: "ana", at: Plant.start + 2))
        changes.append(try engine.order(.comment("one more word"), of: id, by: "ana", at: Plant.start + 3))
        return changes.flatMap { $0.detectionFindings + [$0.incidentFinding] }
    }

    @Test(
        .enabled(if: Place.cases != nil, "shared/cases is not here"),
        arguments: [("1.8.0", "schema.json"), ("1.1.0", "schema-1.1.0.json")])
    func validateAgainstTheSchema(_ version: String, _ schema: String) throws {
        let folder = try #require(Place.cases).appendingPathComponent("ocsf")
        let events = try events(#require(OCSFDictionary.of(version: version)))
        #expect(events.count == 23)
        let input: [UInt8] = Array(events.joined(separator: [0x0A]))
        let answer = try Place.run(
            [
                "python3", folder.appendingPathComponent("validate.py").path, "--warnings", "--schema",
                folder.appendingPathComponent(schema).path,
            ], input: input)
        #expect(answer.status == 0 && answer.output.isEmpty, "\(answer.output)")
        #expect(answer.errors.contains("\"valid\": \(events.count), \"invalid\": 0"), "\(answer.errors)")
    }

    /// What an older version has no attribute for stands below `unmapped`: each value of the newer one is still there.
    @Test func olderVersionsLoseNothing() throws {
        func scalars(_ events: [[UInt8]]) throws -> [[String]] {
            try events.map { event in
                let document = try JSONDocument(event)
                let bytes = document.bytes.span.bytes
                return document.tape.values.indices.filter {
                    [.string, .number, .yes, .no].contains(document.tape.values[$0].kind)
                }.map { document.tape.text($0, in: bytes) }.filter { $0 != "1.8.0" && $0 != "1.1.0" }.sorted()
            }
        }
        let older = try events(.v1_1_0)
        #expect(try scalars(older) == scalars(events()))
        let documents = try older.map { try JSONDocument($0) }
        #expect(documents.allSatisfy { $0.text("metadata.version") == "1.1.0" && $0.text("is_alert") == nil })
        #expect(documents.contains { $0.text("unmapped.is_alert") == "true" })
        #expect(documents.contains { $0.text("unmapped.evidences.uid") != nil && $0.text("evidences.uid") == nil })
    }

    @Test func everyPathIsInTheFields() throws {
        var builder = FieldTable.Builder()
        for field in IncidentEngine.fields { builder.add(field) }
        let table = builder.build()
        #expect(table.fields.count > IncidentEngine.fields.count / 2)
        #expect(Set(IncidentEngine.fields).count == IncidentEngine.fields.count)
        var reader = EventReader()
        var batch = Batch(table: table)
        var used: Set<String> = []
        for event in try events() {
            let outcome = try #require(reader.read(event.span.bytes, into: &batch))
            #expect(outcome.unknown == 0 && outcome.cut == 0, "\(String(decoding: event, as: UTF8.self))")
        }
        for row in batch.rows.indices {
            for entry in batch.entries(of: row) { used.insert(table.fields[Int(batch.entries[entry].field)].path) }
        }
        #expect(Set(IncidentEngine.fields).subtracting(used).sorted() == [])
    }

    @Test func activitiesFollowRevisions() throws {
        let documents = try events().map { try JSONDocument($0) }
        let detections = documents.filter { $0.integer("class_uid") == 2004 }
        let incidents = documents.filter { $0.integer("class_uid") == 2005 }
        #expect(detections.map { $0.integer("activity_id") } == [1, 1, 2, 1, 1, 1, 2, 1, 1, 1])
        #expect(incidents.map { $0.integer("activity_id") } == [1, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 3, 2])
        #expect(incidents.suffix(3).map { $0.integer("verdict_id") } == [4, 2, 2])
        #expect(incidents.suffix(3).map { $0.text("comment") != nil } == [true, true, true])
        #expect(detections[1].text("finding_info.uid") == detections[2].text("finding_info.uid"))
        #expect(Set(incidents.map { $0.text("metadata.uid") ?? "" }).count == incidents.count)
        #expect(
            incidents[6].texts("finding_info_list.uid") == ["f-cross", "f-scan", "f-write-1", "f-write-2", "f-harm"])
        #expect(incidents.dropLast(3).allSatisfy { $0.text("assignee_group.name") == "SOC unassigned" })
        #expect(incidents.suffix(3).allSatisfy { $0.text("assignee.name") == "ana" })
        #expect(detections.allSatisfy { $0.text("unmapped.incident.id")?.hasPrefix("INC-") == true })
    }

    @Test func notificationsAreSmallAndComplete() throws {
        var engine = Plant.engine()
        let hits = (0..<300).map {
            Plant.hit(
                $0, second: $0, target: "172.21.\($0 / 250).\($0 % 250)", message: String(repeating: "x", count: 3_000))
        }
        var rule = Plant.writing
        rule.title = String(repeating: "é", count: 100_000)
        rule.criterion = rule.title
        rule.description = rule.title
        rule.tags = (0..<200).map { "attack.t\(1_000 + $0)" }
        let change = try engine.accept([Plant.firing(rule, id: "f", hits: hits)])[0]
        #expect(change.notification.count < 262_144)
        let body = try JSONDocument(change.notification)
        #expect(body.text("object_key") == "incidents/\(change.record.id).json")
        #expect(body.text("record_sha256") == change.hash && body.text("subject") == change.subject)
        #expect(change.subject.utf16.count < 100)
    }
}
