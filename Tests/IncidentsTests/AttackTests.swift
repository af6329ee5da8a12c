// SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Incidents
import Testing

@Suite struct AttackTests {
    private func parse() throws -> (AttackCatalog, Playbooks, [String]) {
        let complaints = Complaints()
        let folder = Place.root.appendingPathComponent("mappings/attack")
        let table = try String(contentsOf: folder.appendingPathComponent("ics.yaml"), encoding: .utf8)
        let steps = try String(contentsOf: folder.appendingPathComponent("playbooks.yaml"), encoding: .utf8)
        let catalog = AttackCatalog.parse(text: table, file: "ics.yaml", complaints: complaints)
        let playbooks = Playbooks.parse(text: steps, file: "playbooks.yaml", complaints: complaints)
        return (catalog, playbooks, complaints.all.map(\.description))
    }

    @Test func theFilesAreSound() throws {
        let (catalog, playbooks, complaints) = try parse()
        #expect(complaints == [])
        #expect(catalog.techniques.count == 83 && catalog.tactics.count == 12 && catalog.mitigations.count == 52)
        #expect(catalog.version == "18.1")
        #expect(Set(playbooks.tactics.keys) == Set(catalog.tactics.map(\.shortName)))
        #expect(Set(playbooks.mitigations.keys) == Set(catalog.mitigations.keys).subtracting(["M0816"]))
        for id in ["T0886", "T0855", "T0836", "T0831", "T0846", "T0888", "T0859", "T1110"] {
            #expect(playbooks.techniques[id] != nil, "\(id) has no playbook of its own")
        }
    }

    @Test func everyTechniqueHasAdvice() throws {
        let (catalog, playbooks, _) = try parse()
        var engine = Plant.engine()
        for technique in catalog.techniques.values {
            let advice = playbooks.advice(technique: technique.id, tactics: technique.tactics)
            #expect(!advice.contain.isEmpty && !advice.verify.isEmpty && !advice.prevent.isEmpty, "\(technique.id)")
            let tag = "attack." + technique.id.lowercased()
            let made = try engine.accept([
                Plant.firing(
                    Plant.rule("R_\(technique.id)", "low", [tag]), id: technique.id,
                    hits: [
                        Plant.hit(
                            1, second: 1,
                            source: "10.9.\(technique.id.suffix(2)).\(technique.id.dropFirst(2).prefix(1))")
                    ],
                    source: "10.9.0.\(technique.id)")
            ])
            let record = try #require(made.first?.record)
            #expect(record.techniques.map(\.id) == [technique.id])
            for part in ["contain", "verify", "prevent"] {
                #expect(record.recommended.contains { $0.part == part && !$0.text.isEmpty }, "\(technique.id) \(part)")
            }
            #expect(
                !record.recommended.contains { $0.text.lowercased().contains("reboot") || $0.text.contains("M0816") })
        }
    }

    @Test func unknownTechniquesAreKept() throws {
        var engine = Plant.engine()
        let tags = ["attack.stealth", "attack.t1110.001", "attack.t9999", "cve.2024-1", "attack.g0034"]
        let record = try engine.accept([
            Plant.firing(Plant.rule("R", "low", tags), id: "f", hits: [Plant.hit(1, second: 1)])
        ])[0].record
        #expect(Set(record.techniques.map(\.id)) == ["T1110.001", "T9999"])
        #expect(record.recommended.contains { $0.techniques.contains("T1110.001") && $0.text.contains("lock out") })
    }

    @Test func faultsAreNamed() {
        let complaints = Complaints()
        _ = Playbooks.parse(
            text: """
                techniques:
                  T0855:
                    contain: [Reboot it]
                    verify: ["{who}"]
                    prevnt: [x]
                tactics: {}
                fallback: {contain: [a], verify: [b], prevent: []}
                """, file: "p.yaml", complaints: complaints)
        let all = complaints.all.map(\.description).joined(separator: "\n")
        for word in [
            "never tells anyone to reboot", "no placeholder '{who}'", "prevnt", "needs 'prevent'", "list of steps",
        ] {
            #expect(all.contains(word), "\(word) not in \(all)")
        }
        #expect(complaints.all.allSatisfy { $0.line > 0 })
    }

    @Test(.enabled(if: Place.cases != nil, "shared/cases is not here"))
    func theTableIsGenerated() throws {
        let cases = try #require(Place.cases)
        let script = Place.root.appendingPathComponent("scripts/generate-attack").path
        let answer = try Place.run(["python3", script, cases.appendingPathComponent("attack/ics.json").path])
        let file = Place.root.appendingPathComponent("mappings/attack/ics.yaml")
        #expect(answer.output == (try String(contentsOf: file, encoding: .utf8)), "\(answer.errors)")
    }

    @Test func cisaLocations() {
        func level(_ purdue: String?, _ kind: String? = nil, safety: Bool = false) -> Int? {
            CISALocation(purdue: purdue, kind: kind, isSafety: safety)?.rawValue
        }
        #expect(level(nil) == nil && level("x") == nil && level(nil, "plc", safety: true) == nil)
        #expect(
            level("5") == 1 && level("L4") == 2 && level("4", "directory") == 3 && level("4", "virtualization") == 3)
        #expect(level("4", "network management") == 3 && level("3.5") == 4 && level("Level 3.5", "historian") == 4)
        for kind in ["engineering workstation", "historian", "patch server", "jump host", "configuration server"] {
            #expect(level("3", kind) == 5 && level("2", kind) == 5, "\(kind)")
        }
        #expect(level("4", "domain_controller") == 3 && level("3", "engineering_workstation") == 5)
        #expect(level("2", "jump_host") == 5 && level("3", "patch-server") == 5)
        for kind in [nil, "scada server", "hmi", "plc", "rtu", "ied", "drive"] {
            for purdue in ["3", "2", "1", "0"] { #expect(level(purdue, kind) == 6) }
        }
        #expect(
            level("1", "plc", safety: true) == 7 && level("0", nil, safety: true) == 7
                && level("2", nil, safety: true) == 6)
    }

    /// What the plant file's role says of an asset: a controller, a safety system, or neither.
    @Test(arguments: [
        ("plc", true, false, 6), ("safety_plc", true, true, 7), ("sis", false, true, 7),
        ("burner_management", false, true, 7),
        ("domain_controller", false, false, 6), ("temperature_controller", true, false, 6), ("hmi", false, false, 6),
    ])
    func rolesOfAssets(_ role: String, _ isController: Bool, _ isSafety: Bool, _ location: Int) throws {
        var knowledge = Plant.knowledge
        knowledge.asset = { $0 == "host-7" ? AssetFacts(zone: "z", level: "1.5", kind: role) : nil }
        var engine = IncidentEngine(settings: IncidentSettings(), knowledge: knowledge)
        var hit = Plant.hit(1, second: 1)
        hit.event = Array(#"{"src_endpoint":{"ip":"10.0.0.1"},"dst_endpoint":{"hostname":"host-7"}}"#.utf8)
        let record = try engine.accept([Plant.firing(Plant.crossing, id: "f", hits: [hit])])[0].record
        let asset = try #require(record.affected.first { $0.address == "host-7" })
        #expect(asset.isController == isController && asset.isSafety == isSafety && asset.cisaLocation == location)
    }
}
