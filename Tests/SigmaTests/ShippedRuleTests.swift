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
        let set = RuleSet.load(
            paths: [folder], placeholders: ["modbus_writers": ["172.22.0.10", "172.23.0.0/24"]], complaints: complaints)
        #expect(complaints.all.isEmpty, "\(complaints.all)")
        return set
    }

    @Test func facts() {
        let set = ShippedRuleTests.load()
        let facts = set.rules.map(\.facts) + set.correlations.map(\.facts)
        #expect(
            Set(facts.compactMap(\.name)) == [
                "CROSS_ZONE_VIOLATION", "UNAUTHORIZED_MODBUS_WRITE", "UNAUTHORIZED_MODBUS_WRITE_ACCEPTED",
                "MODBUS_EXCEPTION", "OT_BRUTE_FORCE_SCAN", "PROCESS_SAFETY_VIOLATION", "SSH_LOGIN_FAILURE",
                "SSH_BRUTE_FORCE", "REVOKED_CERTIFICATE", "SHARED_IDENTITY", "EXPIRING_CERTIFICATE",
                "INTELLIGENCE_MATCH",
            ])
        for fact in facts {
            #expect(!fact.samples.isEmpty && !fact.references.isEmpty && !fact.falsePositives.isEmpty, "\(fact.title)")
            #expect(fact.samples.contains { $0.match } && fact.samples.contains { !$0.match }, "\(fact.title)")
            #expect(fact.contentHash.utf8.count == 64)
        }
        #expect(set.rules.filter { !$0.standsAlone }.map(\.facts.name) == ["MODBUS_EXCEPTION", "SSH_LOGIN_FAILURE"])
        #expect(
            set.correlations.map(\.criterion)
                == Array(repeating: "at least 5 events within 60 s per src_endpoint.ip", count: 2))
    }

    /// Both evaluators pass every sample of a detection rule.
    @Test func samples() throws {
        let set = ShippedRuleTests.load()
        var count = 0
        for rule in set.rules {
            for sample in rule.facts.samples {
                for event in sample.events {
                    count += 1
                    #expect(
                        try Cases.matches(set, event).contains(rule.id) == sample.match,
                        "\(rule.facts.title):\(sample.line)")
                    #expect(
                        try Cases.batchMatches(set, event).contains(rule.id) == sample.match,
                        "\(rule.facts.title):\(sample.line)")
                    // And with every path of the service's table as a field of its own.
                    let paths = set.fields
                    #expect(
                        try Cases.batchMatches(set, event, paths: paths).contains(rule.id) == sample.match,
                        "\(rule.facts.title):\(sample.line)")
                }
            }
        }
        #expect(count >= 25)
    }
}
