// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Sigma

/// The rules of one set over the events of a lane: those worth a look by mapping and class, and what they match.
struct RowMatcher: ~Copyable {
    /// The rules.
    let ruleSet: RuleSet
    /// Counts for whoever reads them.
    var scratch = MatchScratch()
    /// The places of the rules that the last event matched.
    private(set) var matched: [Int] = []
    private let rules: BoundRules
    /// Few pairs, so a look through them beats hashing.
    private var candidates: [(key: UInt64, rules: RuleCandidates)] = []
    private var lastCandidates = 0

    init(_ rules: BoundRules, of ruleSet: RuleSet) {
        self.rules = rules
        self.ruleSet = ruleSet
    }

    /// The ids of the rules that the last event matched.
    var ids: [String] { matched.map { ruleSet.rules[$0].id } }

    /// Whether any rule matches the event in `row`, whose mapping `knowledge` knows.
    mutating func match(_ row: Int, of batch: borrowing Batch, _ knowledge: Knowledge) -> Bool {
        matched.removeAll(keepingCapacity: true)
        let place = place(of: batch.rows[row], knowledge)
        guard candidates[place].rules.count > 0 else { return false }
        rules.match(row, of: batch, candidates: candidates[place].rules, scratch: &scratch, into: &matched)
        return !matched.isEmpty
    }

    /// Where the candidates for events of a row's mapping and class are.
    private mutating func place(of row: Row, _ knowledge: Knowledge) -> Int {
        let key = UInt64(row.mapping) << 32 | UInt64(UInt32(bitPattern: row.classUID))
        if lastCandidates < candidates.count, candidates[lastCandidates].key == key { return lastCandidates }
        if let known = candidates.firstIndex(where: { $0.key == key }) {
            lastCandidates = known
            return known
        }
        let sources = knowledge.logSources(mapping: row.mapping, classUID: Int(row.classUID))
        candidates.append((key, ruleSet.candidates(for: sources, classUID: Int(row.classUID))))
        lastCandidates = candidates.count - 1
        return lastCandidates
    }
}
