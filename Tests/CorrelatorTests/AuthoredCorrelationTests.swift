// SPDX-License-Identifier: Apache-2.0
import Correlator
import Documents
import Events
import Foundation
import Instruments
import Sigma
import Testing

/// The shared correlation cases; skipped where they are not there.
@Suite(.enabled(if: Support.cases != nil, "the shared cases are not there"))
struct AuthoredCorrelationTests {
    @Test func cases() throws {
        let url = try #require(Support.cases).appendingPathComponent("authored/correlation.jsonl")
        let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n").compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
        #expect(lines.count == 28)
        var judged = 0
        for line in lines {
            let id = line["id"] as? String ?? "?"
            let documents = line["documents"] as? [[String: Any]] ?? []
            let complaints = Complaints()
            let set = RuleSet.parse(
                text: try documents.map { try text($0) }.joined(separator: "\n---\n"), file: id, complaints: complaints)
            #expect(complaints.errors.isEmpty, "\(id): \(complaints.all)")
            judged += 1
            let events = line["events"] as? [[String: Any]] ?? []
            let order = line["arrival_order"] as? [Int] ?? Array(events.indices)
            for delivery in [order, order.reversed(), Array(events.indices)] {
                let hits = try delivery.compactMap { try hit(events[$0], set) }
                let firings = Support.run(set, hits)
                var first: [String: Int64] = [:]
                for firing in firings where first[key(firing.group)] == nil { first[key(firing.group)] = firing.time }
                var expected: [String: Int64] = [:]
                for firing in line["expect_first_firing"] as? [[String: Any]] ?? [] {
                    let group = (firing["group"] as? [String: String] ?? [:]).map { (field: $0.key, value: $0.value) }
                    expected[key(group)] = Firing.nanoseconds(seconds: firing["time"] as? Double ?? -1)
                }
                #expect(first == expected, "\(id)")
            }
        }
        #expect(judged == 28)
    }

    private func text(_ object: Any) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self).replacing("\\/", with: "/")
    }

    private func key(_ group: [(field: String, value: String)]) -> String {
        group.map { "\($0.field)=\($0.value)" }.sorted().joined(separator: ";")
    }

    private func hit(_ event: [String: Any], _ set: RuleSet) throws -> Hit? {
        let bytes = Array(try text(event).utf8)
        var scratch = MatchScratch()
        var matches: [Int] = []
        set.match(try JSONDocument(bytes), candidates: set.allCandidates, scratch: &scratch, into: &matches)
        guard !matches.isEmpty, let time = event["_time"] as? Double,
            let nanoseconds = Firing.nanoseconds(seconds: time)
        else {
            return nil
        }
        return Hit(
            rules: matches.map { set.rules[$0].id }, uid: "", time: nanoseconds, received: 0, event: bytes, evidence: []
        )
    }
}
