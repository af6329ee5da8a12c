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

    /// Where fields of rules stand in events, and which events answer which log source.
    let taxonomy: Taxonomy
    let program: Program
    /// What the rules wait for.
    let witnesses: WitnessList
    /// Of all rules.
    let index: WitnessIndex
    let selections = RuleSelections()
    let targets: SlotTargets
    let finder: FieldFinder
    let routes: [Route]
    /// The places of rules by log source: there are few log sources.
    let groups: [(logSource: LogSource, places: [Int])]
    private let places: [String: Int]

    init(
        rules: [DetectionRule], correlations: [CorrelationRule], filters: [FilterRule], retired: [String],
        taxonomy: Taxonomy = .none, routes: [Route] = [], program builder: ProgramBuilder
    ) {
        self.rules = rules
        self.correlations = correlations
        self.filters = filters
        self.retired = retired
        self.taxonomy = taxonomy
        self.routes = routes
        program = builder.build()
        self.targets = SlotTargets(program.fields)
        self.finder = FieldFinder(targets)
        witnesses = WitnessList(builder, roots: rules.map(\.root))
        index = WitnessIndex(
            witnesses, rules: Array(repeating: .max, count: (rules.count + 63) / 64),
            items: Array(repeating: 1, count: builder.items.count))
        self.groups = Dictionary(grouping: rules.indices) { rules[$0].logSource }.map { ($0.key, $0.value) }
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
    public var fields: [String] { targets.paths }

    /// The dotted paths at which `field`, in the words of the rule with this id or name, stands in events.
    public func paths(of field: String, in rule: String) -> [String] {
        guard let place = place(of: rule) else { return [field] }
        return taxonomy.scope(of: rules[place].logSource).source(field).paths.map(\.path)
    }
}
