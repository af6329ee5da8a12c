// SPDX-License-Identifier: Apache-2.0
public import Documents

/// A log source that events answer when they meet a condition.
struct Route: Sendable {
    /// What rules ask for.
    let logSource: LogSource
    /// The products of mappings whose events may answer it; empty for any.
    let from: Set<String>
    /// The condition; nil when all events of these mappings answer it.
    let root: Int32?
    /// The slots that the condition reads.
    let slots: [Int]

    /// Whether events of `sources` may answer it.
    func isOpen(to sources: LogSources) -> Bool {
        guard !from.isEmpty, from.isDisjoint(with: sources.products) else { return true }
        // What no mapping made may be of any product.
        return root != nil && sources.products == ["ocsf"]
    }
}

/// The rules of a set that look at one kind of event.
public struct RuleCandidates: Sendable {
    /// Rules that look at an event which meets a condition.
    struct Branch: Sendable {
        let root: Int32
        let words: [UInt64]
    }

    /// Tells candidates apart.
    final class Mark: Sendable {}

    /// How many rules there are.
    public let count: Int
    let mark = Mark()
    /// One bit per rule that looks at every event.
    let words: [UInt64]
    let branches: [Branch]
    /// Which slots any of the rules reads; 1 for yes.
    let slots: [UInt8]
    /// Which slots the conditions of branches read; 1 for yes.
    let routing: [UInt8]
    /// Whether every rule is evaluated in full, instead of those that the index finds.
    private(set) var isExhaustive = false

    /// The same rules, each of them evaluated in full for each event: what the index is compared with.
    public var exhaustive: RuleCandidates {
        var copy = self
        copy.isExhaustive = true
        return copy
    }

    /// No rules.
    public static let none = RuleCandidates(.empty, [])

    init(_ ruleSet: RuleSet, _ places: [Int], _ routed: [(route: Route, places: [Int])] = []) {
        var slots = [UInt8](repeating: 0, count: ruleSet.program.fields.count)
        var routing = slots
        func words(_ places: [Int]) -> [UInt64] {
            var words = [UInt64](repeating: 0, count: (ruleSet.rules.count + 63) / 64)
            for place in places {
                words[place >> 6] |= 1 << UInt64(place & 63)
                for slot in ruleSet.rules[place].slots { slots[slot] = 1 }
            }
            return words
        }
        self.words = words(places)
        var branches: [Branch] = []
        for found in routed {
            guard let root = found.route.root else { continue }
            branches.append(Branch(root: root, words: words(found.places)))
            for slot in found.route.slots { (slots[slot], routing[slot]) = (1, 1) }
        }
        self.branches = branches
        self.slots = slots
        self.routing = routing
        self.count = Set(routed.flatMap(\.places)).union(places).count
    }
}

extension RuleSet {
    /// The rules that look at events of `sources`: worth keeping for each kind of event.
    public func candidates(for sources: LogSources) -> RuleCandidates { candidates(for: sources) { _ in nil } }

    /// All rules, whatever their log source.
    public var allCandidates: RuleCandidates { RuleCandidates(self, Array(rules.indices)) }

    /// The rules that look at events of `sources`; `verdict` says of a condition what is known of all of them.
    func candidates(for sources: LogSources, _ verdict: (Int32) -> Bool?) -> RuleCandidates {
        func possible(_ places: [Int]) -> [Int] { places.filter { verdict(rules[$0].root) != false } }
        var always: Set<Int> = []
        var open: [(logSource: LogSource, places: [Int])] = []
        for group in groups {
            if group.logSource.covers(sources) {
                always.formUnion(possible(group.places))
            } else {
                open.append(group)
            }
        }
        var routed: [(route: Route, places: [Int])] = []
        for route in routes where route.isOpen(to: sources) {
            let known = route.root.map { verdict($0) } ?? true
            guard known != false else { continue }
            let found = open.filter { $0.logSource.covers(sources, with: route.logSource) }.flatMap {
                possible($0.places)
            }
            if known == true { always.formUnion(found) } else if !found.isEmpty { routed.append((route, found)) }
        }
        let rest = routed.compactMap { branch in
            let places = branch.places.filter { !always.contains($0) }
            return places.isEmpty ? nil : (route: branch.route, places: places)
        }
        return RuleCandidates(self, always.sorted(), rest)
    }

    /// The rules whose log source no event can answer, of any of `sources` or as the tables say: they never match.
    public func unreachable(from sources: [LogSources]) -> [DetectionRule] {
        let open = routes.filter { route in sources.contains { route.isOpen(to: $0) } }
        return groups.filter { group in
            !sources.contains { source in
                group.logSource.covers(source)
                    || open.contains { $0.isOpen(to: source) && group.logSource.covers(source, with: $0.logSource) }
            }
        }.flatMap(\.places).sorted().map { rules[$0] }
    }

    /// Warns of the rules that no event of `sources` can reach.
    public func review(from sources: [LogSources], complaints: Complaints) {
        for rule in unreachable(from: sources) {
            let keys = [
                ("product", rule.logSource.product), ("category", rule.logSource.category),
                ("service", rule.logSource.service),
            ]
            let asked = keys.compactMap { key, value in value.map { "\(key) \($0)" } }.joined(separator: ", ")
            complaints.add(
                Complaint(
                    file: rule.facts.file, line: rule.facts.line, column: 1,
                    "no source reaches rule '\(rule.facts.title)' (\(asked))", severity: .warning))
        }
    }
}
