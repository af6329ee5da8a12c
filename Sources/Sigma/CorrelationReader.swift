// SPDX-License-Identifier: Apache-2.0
internal import Documents

/// Reads correlation documents once the rules that they may refer to are known.
struct CorrelationReader {
    /// A rule that a correlation refers to.
    struct Referred {
        var id: String
        var name: String?
    }

    /// The most rules that one correlation refers to.
    private static let mostRules = 64

    /// The detections, and the correlations that were read before, by id and name.
    var known: [String: Referred]
    /// The ids and names of all correlations, also those that were refused.
    let correlations: Set<String>

    /// The rule of a document; nil after a complaint.
    func read(_ source: RuleReader.Correlation) -> CorrelationRule? {
        let body = source.body
        let before = body.complaints.errors.count
        body.allow(only: ["type", "rules", "group-by", "timespan", "condition", "aliases", "generate", "field"])
        // `generate` stood at the document's root in early texts of the specification.
        let generate = (body["generate"] ?? source.document["generate"]).map { $0.boolean ?? false } ?? false
        let kind = kind(body)
        var rules = rules(body)
        let aliases = aliases(body["aliases"], rules)
        let groupBy = body["group-by"].map { $0.isNull ? [] : $0.strings } ?? []
        let timespan = timespan(body)
        let refire = refire(source.document["penstock"])
        for alias in aliases.keys where !groupBy.contains(alias) {
            body["aliases"]?.complain("alias '\(alias)' is not in 'group-by'", severity: .warning)
        }
        guard let kind, let timespan, let refire, let condition = condition(body, kind, rules) else { return nil }
        if let sequence = condition.presence?.sequence, kind == .temporalOrdered { rules = sequence.map { rules[$0] } }
        let fields = valueFields(body, kind)
        guard body.complaints.errors.count == before else { return nil }
        func offered(_ name: String) -> CorrelationRule.GroupField {
            CorrelationRule.GroupField(
                name: name,
                fields: rules.map { rule in
                    guard let alias = aliases[name] else { return name }
                    return rule.name.flatMap { alias[$0] } ?? alias[rule.id]
                })
        }
        return CorrelationRule(
            facts: source.facts, kind: kind, rules: rules.map(\.id), group: groupBy.map(offered), timespan: timespan,
            bounds: condition.bounds, presence: kind == .temporal ? condition.presence : nil,
            valueFields: fields.map(offered), percentile: condition.percentile, refire: refire, generate: generate)
    }

    private func kind(_ body: Element) -> CorrelationRule.Kind? {
        guard let element = body.required("type"), let name = element.string else { return nil }
        guard let kind = CorrelationRule.Kind(rawValue: name) else {
            let known = CorrelationRule.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            element.complain("'\(name)' is no correlation type; there are \(known)")
            return nil
        }
        return kind
    }

    private func rules(_ body: Element) -> [Referred] {
        guard let element = body.required("rules") else { return [] }
        let names = element.isSequence ? element.items : [element]
        if names.isEmpty { element.complain("a correlation refers to at least one rule") }
        if names.count > CorrelationReader.mostRules {
            element.complain("a correlation refers to at most \(CorrelationReader.mostRules) rules")
            return []
        }
        var found: [Referred] = []
        for name in names {
            guard let text = name.string else { continue }
            if let rule = known[text] {
                if !found.contains(where: { $0.id == rule.id }) { found.append(rule) }
            } else if correlations.contains(text) {
                name.complain("correlation '\(text)' was refused; what refers to it is not active")
            } else {
                name.complain("there is no rule '\(text)'")
            }
        }
        return found
    }

    private func aliases(_ element: Element?, _ rules: [Referred]) -> [String: [String: String]] {
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
                if !rules.contains(where: { $0.id == reference || $0.name == reference }) {
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

    private func refire(_ element: Element?) -> CorrelationRule.Refire? {
        guard let element else { return .once }
        element.allow(only: ["refire"])
        guard element.isMapping else { return nil }
        guard let member = element["refire"] else { return .once }
        guard let refire = member.scalar.flatMap(CorrelationRule.Refire.init(rawValue:)) else {
            member.complain("refire is once, reset or every")
            return nil
        }
        return refire
    }

    // MARK: Condition

    private struct Condition {
        var bounds: [CorrelationRule.Bound] = []
        var presence: Presence?
        var percentile: Double?
    }

    private func condition(_ body: Element, _ kind: CorrelationRule.Kind, _ rules: [Referred]) -> Condition? {
        let all = CorrelationRule.Bound(comparison: .gte, value: Double(rules.count))
        guard let element = body["condition"], !element.isNull else {
            if kind.isTemporal { return Condition(bounds: [all]) }
            _ = body.required("condition")
            return nil
        }
        if let text = element.scalar, kind.isTemporal { return expression(text, element, kind, rules) }
        var keys = Comparison.allCases.map(\.rawValue)
        if kind.takesField { keys.append("field") }
        if kind == .valuePercentile { keys.append("percentile") }
        element.allow(only: keys)
        var condition = Condition()
        for (key, value) in element.members {
            guard let comparison = key.scalar.flatMap(Comparison.init(rawValue:)), let number = value.double else {
                continue
            }
            condition.bounds.append(.init(comparison: comparison, value: number))
        }
        guard !condition.bounds.isEmpty else {
            element.complain("a condition needs gt, gte, lt, lte, eq or neq")
            return nil
        }
        if kind == .temporalOrdered, condition.bounds != [all] {
            element.complain("temporal_ordered asks for all rules in their order; it takes no other number of rules")
            return nil
        }
        if kind == .valuePercentile {
            guard let number = element["percentile"]?.double, number >= 0, number <= 100 else {
                (element["percentile"] ?? element).complain(
                    "value_percentile needs 'percentile', a number from 0 to 100")
                return nil
            }
            condition.percentile = number
        }
        return condition
    }

    private func expression(
        _ text: String, _ element: Element, _ kind: CorrelationRule.Kind, _ rules: [Referred]
    ) -> Condition? {
        do {
            let presence = try Presence(text) { name in rules.firstIndex { $0.id == name || $0.name == name } }
            if kind == .temporalOrdered, presence.sequence?.count != rules.count {
                element.complain("temporal_ordered takes an expression that names each rule once, joined by 'and'")
                return nil
            }
            let all = CorrelationRule.Bound(comparison: .gte, value: Double(rules.count))
            return Condition(bounds: kind == .temporalOrdered ? [all] : [], presence: presence)
        } catch {
            element.complain("condition '\(text)': \(error.reason)")
            return nil
        }
    }

    /// `field` stands in the condition; early texts had it beside the condition.
    private func valueFields(_ body: Element, _ kind: CorrelationRule.Kind) -> [String] {
        let element = body["condition"].flatMap { $0.isMapping ? $0["field"] : nil } ?? body["field"]
        guard kind.takesField else {
            element?.complain("\(kind.rawValue) takes no 'field'")
            return []
        }
        guard let element, !element.isNull else {
            (body["condition"] ?? body).complain("\(kind.rawValue) needs 'field' in its condition")
            return []
        }
        let names = element.strings
        if names.isEmpty { element.complain("'field' names a field") }
        if names.count > 1, kind != .valueCount { element.complain("\(kind.rawValue) takes one field") }
        return names
    }
}
