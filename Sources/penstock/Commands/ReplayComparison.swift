// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Sigma
internal import Wire

/// What two sets of rules find in the same events, rule by rule.
///
/// Firings are the same when rule, group, first and last event are. Both sides tell theirs in about the same order, so
/// only what one side alone has told is kept: as a hash, and as a whole as far as it may be listed.
struct ReplayComparison {
    /// What became of a rule.
    enum Change: String {
        case same, changed, added, removed
    }

    /// A number on both sides, and how many of them only one side has.
    struct Tally {
        var before = 0
        var after = 0
        var new = 0
        var gone = 0
        var differs: Bool { new > 0 || gone > 0 }
    }

    /// One rule.
    struct Rule {
        let facts: RuleFacts
        let isCorrelation: Bool
        var change: Change
        var events = Tally()
        var firings = Tally()
        /// Those that are listed.
        var listed: (new: [ReplayFiring], gone: [ReplayFiring]) = ([], [])

        /// Whether the two sides found different things.
        var differs: Bool { events.differs || firings.differs }
        /// Its name in lists.
        var name: String { facts.name ?? facts.title }
    }

    private struct Key: Hashable {
        var high: UInt64
        var low: UInt64
    }

    private struct Unpaired {
        var rule: Int
        /// How many more the tried rules have; below zero: those in force.
        var excess: Int
    }

    private(set) var rules: [Rule] = []
    /// The most firings of a rule that are listed as new, and as gone.
    let limit: Int
    private var before: [String: Int] = [:]
    private var after: [String: Int] = [:]
    private var unpaired: [Key: Unpaired] = [:]
    private var kept: [Key: ReplayFiring] = [:]
    private var keptCounts: [Int: Int] = [:]

    /// A comparison of the rules in force with others. A rule is known again by its id, else by its name.
    init(before old: RuleSet, after new: RuleSet, limit: Int) {
        self.limit = max(0, limit)
        var names: [String: Int] = [:]
        for (facts, isCorrelation) in ReplayComparison.facts(old) {
            before[facts.id] = rules.count
            if let name = facts.name { names[name] = rules.count }
            rules.append(Rule(facts: facts, isCorrelation: isCorrelation, change: .removed))
        }
        let known = rules.count
        let ids = Set(ReplayComparison.facts(new).map(\.facts.id))
        for (facts, isCorrelation) in ReplayComparison.facts(new) {
            let renamed = facts.name.flatMap { names[$0] }.flatMap { ids.contains(rules[$0].facts.id) ? nil : $0 }
            guard let place = before[facts.id] ?? renamed, place < known else {
                after[facts.id] = rules.count
                rules.append(Rule(facts: facts, isCorrelation: isCorrelation, change: .added))
                continue
            }
            after[facts.id] = place
            let isSame = rules[place].facts.contentHash == facts.contentHash
            rules[place] = Rule(facts: facts, isCorrelation: isCorrelation, change: isSame ? .same : .changed)
        }
    }

    private static func facts(_ set: RuleSet) -> [(facts: RuleFacts, isCorrelation: Bool)] {
        set.rules.map { ($0.facts, false) } + set.correlations.map { ($0.facts, true) }
    }

    /// Whether the two sets find different things.
    var differs: Bool { rules.contains(where: \.differs) }

    /// Notes the rules that matched an event: those in force, and those that are tried.
    mutating func note(_ old: [String], _ new: [String]) {
        let places = (old.compactMap { before[$0] }, new.compactMap { after[$0] })
        for place in places.0 {
            rules[place].events.before += 1
            if !places.1.contains(place) { rules[place].events.gone += 1 }
        }
        for place in places.1 {
            rules[place].events.after += 1
            if !places.0.contains(place) { rules[place].events.new += 1 }
        }
    }

    /// Notes a firing of one side.
    mutating func note(_ firing: ReplayFiring, isNew: Bool) {
        guard let place = isNew ? after[firing.firing.rule.id] : before[firing.firing.rule.id] else { return }
        if isNew { rules[place].firings.after += 1 } else { rules[place].firings.before += 1 }
        let key = ReplayComparison.key(firing, place)
        let step = isNew ? 1 : -1
        let excess = (unpaired[key]?.excess ?? 0) + step
        // Towards a pair, or away from one.
        if abs(excess) < abs(excess - step) {
            if kept.removeValue(forKey: key) != nil { keptCounts[place, default: 0] -= 1 }
        } else if keptCounts[place, default: 0] < 4 * limit {
            // More than are listed, because some may find their pair yet.
            if kept.updateValue(firing, forKey: key) == nil { keptCounts[place, default: 0] += 1 }
        }
        unpaired[key] = excess == 0 ? nil : Unpaired(rule: place, excess: excess)
    }

    private static func key(_ firing: ReplayFiring, _ place: Int) -> Key {
        var slab = Slab(capacity: 256)
        slab.append("\(place) \(firing.firing.first) \(firing.firing.last)")
        for (field, value) in firing.firing.group {
            for text in [field, value] { slab.append(" \(text.utf8.count) \(text)") }
        }
        let digest = SHA256.digest(slab.bytes)
        func word(_ start: Int) -> UInt64 { digest[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) } }
        return Key(high: word(0), low: word(8))
    }

    /// Counts and lists what has found no pair: both sides have told all of theirs.
    mutating func finish() {
        for open in unpaired.values {
            if open.excess > 0 {
                rules[open.rule].firings.new += open.excess
            } else {
                rules[open.rule].firings.gone -= open.excess
            }
        }
        for (key, firing) in kept {
            guard let open = unpaired[key] else { continue }
            if open.excess > 0 {
                rules[open.rule].listed.new.append(firing)
            } else {
                rules[open.rule].listed.gone.append(firing)
            }
        }
        for place in rules.indices {
            rules[place].listed.new = listed(rules[place].listed.new)
            rules[place].listed.gone = listed(rules[place].listed.gone)
        }
        (unpaired, kept) = ([:], [:])
    }

    private func listed(_ firings: [ReplayFiring]) -> [ReplayFiring] {
        let sorted = firings.sorted { a, b in
            (a.firing.first, a.firing.last, ReplayComparison.words(a.firing.group), a.uid)
                < (b.firing.first, b.firing.last, ReplayComparison.words(b.firing.group), b.uid)
        }
        return Array(sorted.prefix(limit))
    }

    /// A group in words.
    static func words(_ group: [(field: String, value: String)]) -> String {
        group.map { "\($0.field)=\($0.value)" }.joined(separator: " ")
    }
}
