// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Sigma
import Testing

/// The rules that the service ships: they load, say what they are, and pass their own samples.
struct ShippedRuleTests {
    static let folder = Cases.root.appendingPathComponent("mappings/rules").path

    private static func load() -> RuleSet {
        let complaints = Complaints()
        let masters = ["172.22.0.10", "172.23.0.4"]
        let lists = [
            "modbus_writers": masters, "dnp3_masters": masters, "control_masters": masters,
            "engineering_stations": ["172.23.0.4"], "asset_scanners": ["172.23.0.4"], "jump_hosts": ["172.23.0.4"],
        ]
        let set = RuleSet.load(paths: [folder], placeholders: lists, complaints: complaints)
        #expect(complaints.all.isEmpty, "\(complaints.all)")
        return set
    }

    @Test func facts() {
        let set = ShippedRuleTests.load()
        let facts = set.rules.map(\.facts) + set.correlations.map(\.facts)
        let names = facts.compactMap(\.name)
        #expect(names.count == facts.count && Set(names).count == names.count, "every rule has a name of its own")
        #expect(facts.count >= 120)
        #expect(
            Set(names).isSuperset(of: [
                "CROSS_ZONE_VIOLATION", "UNAUTHORIZED_MODBUS_WRITE", "UNAUTHORIZED_MODBUS_WRITE_ACCEPTED",
                "MODBUS_EXCEPTION", "OT_BRUTE_FORCE_SCAN", "PROCESS_SAFETY_VIOLATION", "SSH_LOGIN_FAILURE",
                "SSH_BRUTE_FORCE", "REVOKED_CERTIFICATE", "SHARED_IDENTITY", "EXPIRING_CERTIFICATE",
                "INTELLIGENCE_MATCH", "DNP3_WRITE_UNAUTHORIZED",
            ]))
        for fact in facts {
            #expect(!fact.samples.isEmpty && !fact.references.isEmpty && !fact.falsePositives.isEmpty, "\(fact.title)")
            #expect(fact.samples.contains { $0.match } && fact.samples.contains { !$0.match }, "\(fact.title)")
            #expect(fact.contentHash.utf8.count == 64)
        }
        let scan = set.correlations.first { $0.facts.name == "OT_BRUTE_FORCE_SCAN" }
        #expect(scan?.criterion == "at least 5 events within 60 s per src_endpoint.ip")
    }

    /// Both evaluators pass every sample of a detection rule.
    @Test func samples() throws {
        let set = ShippedRuleTests.load()
        var count = 0
        let events = set.rules.flatMap { $0.facts.samples.flatMap(\.events) }
        let rows = try BatchMatcher(set, events)
        // And with every path of the service's table as a field of its own.
        let wide = try BatchMatcher(set, events, paths: set.fields)
        for rule in set.rules {
            for sample in rule.facts.samples {
                for event in sample.events {
                    count += 1
                    let place = "\(rule.facts.title):\(sample.line)"
                    #expect(try Cases.matches(set, event).contains(rule.id) == sample.match, "\(place)")
                    #expect(try rows.matches(event).contains(rule.id) == sample.match, "\(place)")
                    #expect(try wide.matches(event).contains(rule.id) == sample.match, "\(place)")
                }
            }
        }
        #expect(count >= 25)
    }
}
