// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Sigma
import Testing

/// The shared cases; skipped, and said so, where they are not.
@Suite(.enabled(if: Cases.sigma != nil, "the shared cases are not there"))
struct AuthoredCaseTests {
    /// Every sentence of the specification that has a case, judged by both evaluators.
    @Test func detections() throws {
        let cases = Cases.lines("authored/detection.jsonl")
        #expect(cases.count == 146)
        for line in cases {
            let id = line["id"] as? String ?? "?"
            let rule: [String: Any] = [
                "title": id, "logsource": ["product": "test"], "detection": line["detection"] ?? [:],
            ]
            let complaints = Complaints()
            let text = String(decoding: Cases.bytes(rule), as: UTF8.self).replacing("\\/", with: "/")
            var placeholders: [String: [String]] = [:]
            for (name, value) in line["placeholders"] as? [String: Any] ?? [:] {
                placeholders[name] = value as? [String] ?? [value as? String ?? ""]
            }
            let set = RuleSet.parse(text: text, file: id, placeholders: placeholders, complaints: complaints)
            if line["expect"] as? String == "reject" {
                #expect(set.rules.isEmpty, "\(id) must be refused")
                #expect(complaints.errors.allSatisfy { $0.line > 0 && $0.column > 0 }, "\(id)")
                continue
            }
            let expected = line["expect"] as? Bool
            #expect(complaints.errors.isEmpty, "\(id): \(complaints.all)")
            let event = line["event"] ?? [:]
            let found = try Cases.matches(set, Cases.bytes(event))
            #expect(found.isEmpty == (expected == false), "\(id)")
        }
    }

    /// Labelled events for rules of the public set, each alone with its rule.
    @Test(arguments: ["upstream/cases.jsonl", "upstream/made.jsonl"])
    func upstream(_ name: String) throws {
        let folder = try #require(Cases.sigma).appendingPathComponent("upstream/rules")
        var right = 0
        var wrong: [String] = []
        let cases = Cases.lines(name)
        for line in cases {
            let id = line["id"] as? String ?? "?"
            let complaints = Complaints()
            let file = folder.appendingPathComponent("\(line["rule"] as? String ?? "").yml").path
            let set = RuleSet.load(paths: [file], includeRetired: true, complaints: complaints)
            #expect(complaints.errors.isEmpty, "\(complaints.errors)")
            let candidates = set.candidates(for: Cases.sources(line["logsource"]))
            let found = try Cases.matches(set, Cases.bytes(line["event"] ?? [:]), candidates)
            if !found.isEmpty == (line["expect"] as? Bool) { right += 1 } else { wrong.append(id) }
        }
        print("\(name): \(right) of \(cases.count) right; wrong: \(wrong.prefix(40))")
        #expect(wrong.isEmpty)
    }

    @Test func otherEngines() throws {
        var right = 0
        var wrong: [String] = []
        let cases = Cases.lines("upstream/other-engines.jsonl")
        for line in cases {
            let id = line["id"] as? String ?? "?"
            let complaints = Complaints()
            var placeholders: [String: [String]] = [:]
            for (name, value) in line["placeholders"] as? [String: Any] ?? [:] {
                placeholders[name] = value as? [String] ?? [value as? String ?? ""]
            }
            let set = RuleSet.parse(
                text: line["rule_yaml"] as? String ?? "", file: id, placeholders: placeholders, complaints: complaints)
            #expect(complaints.errors.isEmpty, "\(complaints.errors)")
            let found = try Cases.matches(set, Cases.bytes(line["event"] ?? [:]))
            if !found.isEmpty == (line["expect"] as? Bool) { right += 1 } else { wrong.append(id) }
        }
        print("other-engines: \(right) of \(cases.count) right; wrong: \(wrong)")
        #expect(wrong.isEmpty)
    }
}
