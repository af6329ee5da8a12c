// SPDX-License-Identifier: Apache-2.0

/// The rules of a service or command, compiled: immutable, shared by all lanes.
public final class RuleSet: Sendable {
    /// The detection rules; matches are told as places in this list.
    public let rules: [DetectionRule]
    /// The correlation rules.
    public let correlations: [CorrelationRule]
    /// The filters.
    public let filters: [FilterRule]
    /// The ids of rules that were left out because their status is deprecated or unsupported.
    public let retired: [String]

    let program: Program
    let index: WitnessIndex
    let finder: FieldFinder
    private let places: [String: Int]

    init(
        rules: [DetectionRule], correlations: [CorrelationRule], filters: [FilterRule], retired: [String],
        program builder: ProgramBuilder
    ) {
        self.rules = rules
        self.correlations = correlations
        self.filters = filters
        self.retired = retired
        program = builder.build()
        self.finder = FieldFinder(program)
        self.index = WitnessIndex(builder, roots: rules.map(\.root))
        var places: [String: Int] = [:]
        for (place, rule) in rules.enumerated() {
            if let name = rule.facts.name { places[name] = places[name] ?? place }
        }
        for (place, rule) in rules.enumerated() { places[rule.id] = place }
        self.places = places
    }

    /// A set without rules.
    public static let empty = RuleSet(rules: [], correlations: [], filters: [], retired: [], program: ProgramBuilder())

    /// The place of a detection rule by its id or name.
    public func place(of rule: String) -> Int? { places[rule] }

    /// All fields that detection rules read, as dotted paths, each once.
    public var fields: [String] { Array(program.fields.dropFirst()) }

    /// The rules that look at events of `sources`: worth keeping for each kind of event.
    public func candidates(for sources: LogSources) -> RuleCandidates {
        RuleCandidates(self, rules.indices.filter { rules[$0].logSource.covers(sources) })
    }

    /// All rules, whatever their log source.
    public var allCandidates: RuleCandidates { RuleCandidates(self, Array(rules.indices)) }
}

/// The rules of a set that look at one kind of event.
public struct RuleCandidates: Sendable {
    /// How many rules there are.
    public let count: Int
    let words: [UInt64]
    /// Which slots any of the rules reads; 1 for yes.
    let slots: [UInt8]

    /// No rules.
    public static let none = RuleCandidates(.empty, [])

    init(_ ruleSet: RuleSet, _ places: [Int]) {
        var words = [UInt64](repeating: 0, count: (ruleSet.rules.count + 63) / 64)
        var slots = [UInt8](repeating: 0, count: ruleSet.program.fields.count)
        for place in places {
            words[place >> 6] |= 1 << UInt64(place & 63)
            for slot in ruleSet.rules[place].slots { slots[slot] = 1 }
        }
        self.words = words
        self.slots = slots
        self.count = places.count
    }
}
