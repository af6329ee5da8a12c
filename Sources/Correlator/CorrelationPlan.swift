// SPDX-License-Identifier: Apache-2.0
public import Events
public import Sigma
internal import Synchronization
internal import Wire

/// What the rules of a set ask of hits, compiled: immutable, shared by the lanes that prepare hits and the correlator.
public final class CorrelationPlan: Sendable {
    /// Where the hits of a rule go: a unit, with the rule's number among those that the unit refers to.
    struct Route: Sendable {
        var unit: Int
        var referred: Int
    }

    /// One rule that fires: a correlation, or a detection rule that alerts on its own. A class, so that to hand it around
    /// costs one reference.
    final class Unit: Sendable {
        let rule: Firing.Rule
        /// What the ids of its firings begin with: the rule's id and content.
        let digest: SHA256.Digest
        /// The contents that its state is good for: its own and those of the rules it refers to.
        let identity: String
        /// The correlation; nil for a detection rule, whose every event fires or joins the open firing.
        let correlation: CorrelationRule?
        /// The group's fields: their names, and by referred rule the paths at which events have it, of which the first with
        /// a value counts; none where an alias leaves the rule out.
        let group: [(name: String, paths: [[String]])]
        /// The fields whose values are taken, likewise.
        let values: [(name: String, paths: [[String]])]
        let timespan: Int64
        let refire: CorrelationRule.Refire
        let isAbsence: Bool
        /// Whether what fires goes out; other correlations may be all that wants it.
        let standsAlone: Bool
        /// What is counted or compared; nil for a detection rule.
        let kind: CorrelationRule.Kind?
        /// The bounds of the criterion, and its expression.
        let bounds: [CorrelationRule.Bound]
        let presence: Presence?
        /// Whether the criterion stays met whatever else comes.
        let isMonotone: Bool
        /// The greatest number that the criterion names.
        let greatest: Int
        /// The correlations that this one is a step of.
        let chains: [Route]

        init(
            _ correlation: CorrelationRule, identity: String, standsAlone: Bool, chains: [Route], _ ruleSet: RuleSet
        ) {
            func read(_ field: CorrelationRule.GroupField) -> (name: String, paths: [[String]]) {
                // A correlation in a chain offers its own group; a detection's fields are read as the detection reads them.
                (
                    field.name,
                    zip(correlation.rules, field.fields).map { rule, name in
                        name.map { ruleSet.paths(of: $0, in: rule) } ?? []
                    }
                )
            }
            self.identity = identity
            rule = correlation.facts.firingRule(criterion: correlation.criterion)
            digest = ContentHash.beginning(rule)
            self.correlation = correlation
            group = correlation.group.map(read)
            values = correlation.valueFields.map(read)
            timespan = correlation.timespan
            refire = correlation.refire
            isAbsence = correlation.asksForAbsence
            self.standsAlone = standsAlone
            kind = correlation.kind
            bounds = correlation.bounds
            presence = correlation.presence
            isMonotone = correlation.threshold != nil
            greatest = Int(min(10_000_000, max(0, (correlation.bounds.map(\.value).max() ?? 0).rounded(.up))))
            self.chains = chains
        }

        init(_ detection: DetectionRule) {
            let folding = detection.folding
            identity = "\(detection.id) \(detection.facts.contentHash) alone"
            rule = detection.facts.firingRule(criterion: detection.condition)
            digest = ContentHash.beginning(rule)
            correlation = nil
            group = folding.groupBy.map { ($0, [[$0]]) }
            values = []
            timespan = folding.timespan
            refire = .once
            isAbsence = false
            standsAlone = true
            kind = nil
            bounds = []
            presence = nil
            isMonotone = true
            greatest = 0
            chains = []
        }

        /// Whether what was measured meets the criterion.
        func isMet(by measured: Double) -> Bool {
            for bound in bounds where !bound.comparison.holds(measured, bound.value) { return false }
            return true
        }
    }

    private static let made = Atomic<Int>(0)
    /// Tells the plans of a process apart.
    let number = CorrelationPlan.made.add(1, ordering: .relaxed).newValue
    let units: [Unit]
    private let routes: [String: [Route]]

    /// The plan of a rule set.
    ///
    /// - Parameters:
    ///   - standalone: whether detection rules alert on their own at all (not in `detect --correlate`).
    ///   - stepsFire: whether correlations that are only steps of others fire as well.
    public init(_ ruleSet: RuleSet, standalone: Bool = true, stepsFire: Bool = false) {
        var routes: [String: [Route]] = [:]
        var places: [String: Int] = [:]
        var identities: [String] = []
        var chains = [[Route]](repeating: [], count: ruleSet.correlations.count)
        // Each correlation stands behind those that it refers to.
        for (number, correlation) in ruleSet.correlations.enumerated() {
            var bases: [String] = []
            for (referred, rule) in correlation.rules.enumerated() {
                if let inner = places[rule] {
                    chains[inner].append(Route(unit: number, referred: referred))
                    bases.append(identities[inner])
                } else {
                    routes[rule, default: []].append(Route(unit: number, referred: referred))
                    bases += ruleSet.place(of: rule).map { [ruleSet.rules[$0].facts.contentHash] } ?? []
                }
            }
            places[correlation.id] = number
            identities.append(([correlation.id, correlation.facts.contentHash] + bases).joined(separator: " "))
        }
        var units = ruleSet.correlations.enumerated().map { number, correlation in
            Unit(
                correlation, identity: identities[number], standsAlone: correlation.standsAlone || stepsFire,
                chains: chains[number], ruleSet)
        }
        for rule in ruleSet.rules where standalone && rule.standsAlone {
            routes[rule.id, default: []].append(Route(unit: units.count, referred: 0))
            units.append(Unit(rule))
        }
        self.units = units
        self.routes = routes
    }

    /// Takes out of a hit what its rules' units need; what no unit takes has no keys.
    public func prepare(_ hit: Hit) -> PreparedHit {
        var wanted: [Route] = []
        for rule in hit.rules { if let known = routes[rule] { wanted += known } }
        var keys: [HitKey] = []
        var document: JSONDocument?
        var isUnreadable = false
        if !wanted.isEmpty {
            do {
                let event = try JSONDocument(hit.event)
                keys = wanted.compactMap { route in units[route.unit].key(route) { Unit.text($0, event) } }
                document = event
            } catch { isUnreadable = true }
        }
        return PreparedHit(hit, keys: keys, document, isUnreadable: isUnreadable, plan: number)
    }
}

extension CorrelationPlan.Unit {
    /// The key of an event that matched referred rule number `route.referred`, whose fields `text` tells; nil when it
    /// takes no part.
    ///
    /// A correlation leaves out events without a group field. A detection rule must not lose an alert over that: there
    /// the group has the fields that the event has.
    func key(_ route: CorrelationPlan.Route, _ text: (String) -> String?) -> HitKey? {
        var key: [UInt8] = []
        for member in group {
            let value = CorrelationPlan.Unit.first(member.paths[min(route.referred, member.paths.count - 1)], text)
            if value == nil, correlation != nil { return nil }
            GroupKey.append(value, to: &key)
        }
        return HitKey(unit: route.unit, referred: route.referred, group: key, value: value(route.referred, text))
    }

    private static func first(_ paths: [String], _ text: (String) -> String?) -> String? {
        for path in paths { if let value = text(path) { return value } }
        return nil
    }

    /// The value of an event as 64 bits; a tuple only when all of its fields are there.
    private func value(_ referred: Int, _ text: (String) -> String?) -> UInt64? {
        guard !values.isEmpty else { return nil }
        var tuple: [UInt8] = []
        for member in values {
            let paths = member.paths[min(referred, member.paths.count - 1)]
            guard let value = CorrelationPlan.Unit.first(paths, text) else { return nil }
            if correlation?.kind != .valueCount { return Double(value).flatMap { $0.isFinite ? $0.bitPattern : nil } }
            GroupKey.append(value, to: &tuple)
        }
        return ContentHash.fold(tuple.span.bytes)
    }

    /// The text of a field. A Detection Finding (OCSF 2004) has its endpoints in `evidences`.
    fileprivate static func text(_ field: String, _ document: JSONDocument) -> String? {
        if let text = document.text(field) { return text }
        return field.hasPrefix("src_endpoint.") || field.hasPrefix("dst_endpoint.")
            ? document.text("evidences." + field) : nil
    }
}
