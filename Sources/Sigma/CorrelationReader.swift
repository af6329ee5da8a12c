// SPDX-License-Identifier: Apache-2.0
internal import Documents

/// Reads correlation documents once the rules that they may refer to are known.
struct CorrelationReader {
    /// The detection rules by id and name.
    let detections: [String: DetectionRule]
    /// The ids and names of correlations.
    let correlations: Set<String>

    /// The rule of a document; nil after a complaint.
    func read(_ source: RuleReader.Correlation) -> CorrelationRule? {
        let body = source.body
        let before = body.complaints.errors.count
        body.allow(only: ["type", "rules", "group-by", "timespan", "condition", "aliases", "generate"])
        // `generate` stood at the document's root in early texts of the specification.
        let generate = (body["generate"] ?? source.document["generate"]).map { $0.boolean ?? false } ?? false
        let kind = kind(body)
        let rules = rules(body)
        let aliases = aliases(body["aliases"], rules)
        let groupBy = body["group-by"].map { $0.isNull ? [] : $0.strings } ?? []
        let timespan = timespan(body)
        let bounds = bounds(body)
        for alias in aliases.keys where !groupBy.contains(alias) {
            body["aliases"]?.complain("alias '\(alias)' is not in 'group-by'", severity: .warning)
        }
        guard let kind, let timespan, let bounds, body.complaints.errors.count == before else { return nil }
        let group = groupBy.map { name in
            CorrelationRule.GroupField(
                name: name,
                fields: rules.map { rule in
                    guard let alias = aliases[name] else { return name }
                    return rule.facts.name.flatMap { alias[$0] } ?? alias[rule.id]
                })
        }
        return CorrelationRule(
            facts: source.facts, kind: kind, rules: rules.map(\.id), group: group, timespan: timespan, bounds: bounds,
            generate: generate)
    }

    private func kind(_ body: Element) -> CorrelationRule.Kind? {
        guard let element = body.required("type"), let name = element.string else { return nil }
        guard let kind = CorrelationRule.Kind(rawValue: name) else {
            let known = CorrelationRule.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            element.complain("'\(name)' is no correlation type; there are \(known)")
            return nil
        }
        guard kind.isSupported else {
            element.complain("correlation type '\(name)' is not evaluated by this version; the rule is not active")
            return nil
        }
        return kind
    }

    private func rules(_ body: Element) -> [DetectionRule] {
        guard let element = body.required("rules") else { return [] }
        let names = element.isSequence ? element.items : [element]
        if names.isEmpty { element.complain("a correlation refers to at least one rule") }
        var found: [DetectionRule] = []
        for name in names {
            guard let text = name.string else { continue }
            if let rule = detections[text] {
                if !found.contains(where: { $0.id == rule.id }) { found.append(rule) }
            } else if correlations.contains(text) {
                name.complain("'\(text)' is a correlation; chains are not evaluated by this version")
            } else {
                name.complain("there is no rule '\(text)'")
            }
        }
        return found
    }

    private func aliases(_ element: Element?, _ rules: [DetectionRule]) -> [String: [String: String]] {
        guard let element, !element.isNull else { return [:] }
        guard element.isMapping else {
            element.complain("'aliases' must be a mapping of names to {rule: field}")
            return [:]
        }
        var aliases: [String: [String: String]] = [:]
        for (key, value) in element.members {
            guard let name = key.scalar, value.isMapping else {
                value.complain("an alias maps rules to fields")
                continue
            }
            for (rule, field) in value.members {
                guard let reference = rule.scalar, let text = field.string else { continue }
                if !rules.contains(where: { $0.id == reference || $0.facts.name == reference }) {
                    rule.complain("alias '\(name)': '\(reference)' is none of the correlation's rules")
                }
                aliases[name, default: [:]][reference] = text
            }
        }
        return aliases
    }

    private func timespan(_ body: Element) -> Int64? {
        guard let element = body.required("timespan") else { return nil }
        if let text = element.scalar, text.hasSuffix("M") || text.hasSuffix("y") {
            element.complain("months and years have no fixed length; write the timespan in d or w")
            return nil
        }
        guard let text = element.scalar, !text.hasSuffix("ms"), let milliseconds = element.milliseconds,
            milliseconds > 0,
            milliseconds <= 366 * 86_400_000
        else {
            element.complain("a timespan is a number with s, m, h, d or w, up to 366 days")
            return nil
        }
        return milliseconds * 1_000_000
    }

    private func bounds(_ body: Element) -> [CorrelationRule.Bound]? {
        guard let element = body.required("condition") else { return nil }
        element.allow(only: Comparison.allCases.map(\.rawValue))
        var bounds: [CorrelationRule.Bound] = []
        for (key, value) in element.members {
            guard let comparison = key.scalar.flatMap(Comparison.init(rawValue:)), let number = value.double else {
                continue
            }
            bounds.append(.init(comparison: comparison, value: number))
        }
        guard !bounds.isEmpty else {
            element.complain("a condition needs gt, gte, lt, lte, eq or neq")
            return nil
        }
        return bounds
    }
}
