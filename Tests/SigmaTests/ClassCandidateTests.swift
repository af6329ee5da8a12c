// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Sigma
import Testing

/// Rules that demand a class are no candidates for events of another; no rule that can match is left out.
struct ClassCandidateTests {
    private static let rules = """
        title: one
        id: one
        logsource: {product: ocsf}
        detection: {a: {class_uid: [4001, 2004]}, b: {x: 1}, condition: a and b}
        ---
        title: other
        id: other
        logsource: {product: ocsf}
        detection: {a: {class_uid: 4001}, b: {x: 1}, condition: a or b}
        ---
        title: none
        id: none
        logsource: {product: ocsf}
        detection: {a: {class_uid: 4001}, b: {x: 1}, condition: b and not a}
        ---
        title: range
        id: range
        logsource: {product: ocsf}
        detection: {a: {class_uid|gte: 4000}, b: {x: 1}, condition: a and b}
        ---
        title: elsewhere
        id: elsewhere
        logsource: {product: other}
        detection: {a: {class_uid: 4001}, condition: a}
        """

    @Test func classes() throws {
        let complaints = Complaints()
        let set = RuleSet.parse(
            files: [("r.yml", ClassCandidateTests.rules)], placeholders: [:], complaints: complaints)
        #expect(complaints.errors.isEmpty, "\(complaints.all)")
        let sources = LogSources(products: ["ocsf"])
        for uid in [0, 2004, 4001, 4002] {
            let all = set.candidates(for: sources)
            let chosen = set.candidates(for: sources, classUID: uid)
            #expect(all.count == 4)
            #expect(chosen.count == [0: 2, 2004: 3, 4001: 3, 4002: 3][uid], "\(uid): \(chosen.count)")
            for x in [0, 1] {
                let event = try JSONDocument(Array(#"{"class_uid":\#(uid),"x":\#(x)}"#.utf8))
                var scratch = MatchScratch()
                var found: [Int] = []
                var wanted: [Int] = []
                set.match(event, candidates: all, scratch: &scratch, into: &wanted)
                set.match(event, candidates: chosen, scratch: &scratch, into: &found)
                #expect(found == wanted, "\(uid), \(x)")
            }
        }
    }
}
