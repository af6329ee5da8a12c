// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Sigma
import Testing

/// The whole public rule set, when it has been unpacked: `PENSTOCK_SIGMAHQ` names the folder.
@Suite(
    .enabled(
        if: Cases.sigma != nil && ProcessInfo.processInfo.environment["PENSTOCK_SIGMAHQ"] != nil,
        "set PENSTOCK_SIGMAHQ to the unpacked rule set"))
struct RulesetTests {
    @Test func matrix() throws {
        let folder = ProcessInfo.processInfo.environment["PENSTOCK_SIGMAHQ"] ?? ""
        let complaints = Complaints()
        let clock = ContinuousClock()
        var set = RuleSet.empty
        let loading = clock.measure {
            set = RuleSet.load(paths: [folder], includeRetired: true, complaints: complaints)
        }
        var reasons: [String: Int] = [:]
        for error in complaints.errors { reasons[String(error.message.prefix(24)), default: 0] += 1 }
        print("SigmaHQ: \(set.rules.count) rules in \(loading), \(complaints.errors.count) errors: \(reasons)")
        let lines = Cases.lines("upstream/ruleset-matches.jsonl")
        var scratch = MatchScratch()
        var routes: [LogSources: RuleCandidates] = [:]
        var events: [(document: JSONDocument, candidates: RuleCandidates)] = []
        var wrong: [String] = []
        var matches = 0
        for line in lines {
            let sources = Cases.sources(line["logsource"])
            let candidates = routes[sources] ?? set.candidates(for: sources)
            routes[sources] = candidates
            let document = try JSONDocument(Cases.bytes(line["event"] ?? [:]))
            events.append((document, candidates))
            var hits: [Int] = []
            set.match(document, candidates: candidates, scratch: &scratch, into: &hits)
            // The same as evaluating every rule, of its log source and of all.
            var exhaustive = MatchScratch()
            for some in [candidates, set.allCandidates] {
                var indexed: [Int] = []
                var whole: [Int] = []
                set.match(document, candidates: some, scratch: &scratch, into: &indexed)
                set.match(document, candidates: some.exhaustive, scratch: &exhaustive, into: &whole)
                #expect(indexed == whole, "\(line["id"] ?? "")")
            }
            let found = Set(hits.map { set.rules[$0].id })
            let expected = Set(line["rules_that_match"] as? [String] ?? [])
            matches += expected.count
            if found != expected {
                wrong.append(
                    "\(line["id"] ?? ""): extra \(found.subtracting(expected).sorted()), missing \(expected.subtracting(found).sorted())"
                )
            }
        }
        print(
            "ruleset-matches: \(lines.count - wrong.count) of \(lines.count) events right, \(matches) matches; \(wrong.prefix(20))"
        )
        #expect(wrong.isEmpty)

        _ = scratch.takeEvaluations()
        var count = 0
        let time = clock.measure {
            for _ in 0..<(Int(ProcessInfo.processInfo.environment["PENSTOCK_ROUNDS"] ?? "") ?? 20) {
                for event in events {
                    var hits: [Int] = []
                    set.match(event.document, candidates: event.candidates, scratch: &scratch, into: &hits)
                    count += 1
                }
            }
        }
        let routed = events.reduce(0) { $0 + $1.candidates.count }
        print(
            "routed: \(time / count) an event, \(scratch.takeEvaluations() / count) of \(routed / events.count) rules evaluated"
        )
        let all = set.allCandidates
        let whole = clock.measure {
            for _ in 0..<5 {
                for event in events {
                    var hits: [Int] = []
                    set.match(event.document, candidates: all, scratch: &scratch, into: &hits)
                }
            }
        }
        print(
            "unrouted: \(whole / (5 * events.count)) an event, \(scratch.takeEvaluations() / (5 * events.count)) of \(set.rules.count) rules evaluated"
        )
    }
}
