// SPDX-License-Identifier: Apache-2.0
internal import Events

/// What the record says to people: recommended actions and the summary.
extension IncidentRecord {
    /// The most recommended actions.
    private static let adviceLimit = 120

    /// Contain now, verify, prevent, for all techniques; the same step for several techniques is given once.
    func advice(_ knowledge: IncidentKnowledge) -> [Recommendation] {
        let spoken = Set(indicators.filter { $0.type == "protocol" }.map(\.value))
        // The stage nearest to harm comes first: a process in danger is made safe before anything is cut off.
        var ids: [String] = []
        let catalog = knowledge.catalog
        for technique in techniques.sorted(by: { nearer($0, $1, catalog) }) where !ids.contains(technique.id) {
            ids.append(technique.id)
        }
        let entries: [(id: String, advice: Playbooks.Advice)] =
            ids.isEmpty
            ? [("", knowledge.playbooks.fallback)]
            : ids.map { id in
                let tactics = techniques.filter { $0.id == id }.map(\.tactic)
                return (id, knowledge.playbooks.advice(technique: id, tactics: tactics))
            }
        var steps: [Recommendation] = []
        func add(_ part: String, _ text: String, _ ids: [String], mitigation: String? = nil, rule: String? = nil) {
            if let place = steps.firstIndex(where: { $0.part == part && $0.text == text }) {
                steps[place].techniques += ids.filter { !steps[place].techniques.contains($0) }
            } else if steps.count < IncidentRecord.adviceLimit {
                steps.append(
                    Recommendation(part: part, text: text, techniques: ids, mitigation: mitigation, rule: rule))
            }
        }
        let places = fillers
        func filled(_ given: [Response.Step]) -> [String] {
            given.filter { $0.protocols.isEmpty || $0.protocols.contains(where: spoken.contains) }.map { step in
                places.reduce(step.text) { $0.replacing($1.0, with: $1.1) }
            }
        }
        // A rule's own response knows more than the playbook of its technique; the gravest rule speaks first.
        let authored = rules.filter { $0.response != nil }.sorted {
            ($1.level, $0.first, $0.rule) < ($0.level, $1.first, $1.rule)
        }
        let parts: [(String, KeyPath<Playbooks.Advice, [Response.Step]>, KeyPath<Response, [Response.Step]>)] = [
            ("contain", \.contain, \.contain), ("verify", \.verify, \.verify), ("prevent", \.prevent, \.prevent),
        ]
        for (part, ofTechnique, ofRule) in parts {
            for rule in authored {
                let techniques = detections.first { $0.rule == rule.rule }?.techniques.map(\.technique) ?? []
                for text in filled(rule.response?[keyPath: ofRule] ?? []) {
                    add(part, text, techniques, rule: rule.name)
                }
            }
            for (id, advice) in entries {
                for text in filled(advice[keyPath: ofTechnique]) { add(part, text, id.isEmpty ? [] : [id]) }
            }
        }
        for id in ids {
            for mitigation in catalog.techniques[id]?.mitigations ?? [] where mitigation != AttackCatalog.noMitigation {
                let name = catalog.mitigations[mitigation] ?? ""
                let advice = knowledge.playbooks.mitigations[mitigation].map { ": \($0)" } ?? ""
                add("prevent", "\(name) (ATT&CK \(mitigation))\(advice)", [id], mitigation: mitigation)
            }
        }
        return steps
    }

    private func nearer(_ a: Technique, _ b: Technique, _ catalog: AttackCatalog) -> Bool {
        func distance(_ technique: Technique) -> Int {
            technique.tactic.isEmpty || catalog.tactic(technique.tactic) == nil
                ? .max : -catalog.order(technique.tactic)
        }
        return (distance(a), a.first, a.id) < (distance(b), b.first, b.id)
    }

    private var fillers: [(String, String)] {
        let sources = affected.filter { $0.role != "target" }.map(\.address)
        let targets = affected.filter { $0.role != "source" }
        let who = actor.kind == "address" ? actor.value : IncidentRecord.listed(sources, or: "the source")
        let zones = timeline.first { !$0.zones.isEmpty }?.zones
        return [
            ("{actor}", who), ("{targets}", IncidentRecord.listed(targets.map(\.label), or: "the devices it reached")),
            ("{conduit}", zones.map { "the border \($0)" } ?? "the nearest border of its zone"),
        ]
    }

    private static func listed(_ names: [String], or none: String) -> String {
        guard !names.isEmpty else { return none }
        let shown = names.prefix(4).joined(separator: ", ")
        return names.count > 4 ? "\(shown) and \(names.count - 4) more" : shown
    }

    /// Who, what, where, when and how sure.
    func paragraph(_ catalog: AttackCatalog) -> String {
        let source = affected.first { $0.address == actor.value }
        let who = actor.kind == "address" ? (source?.placed ?? actor.value) : "\(actor.kind) \(actor.value)"
        let targets = affected.filter { $0.role != "source" }
        let events = rules.reduce(0) { $0 + $1.events }
        let firings = rules.reduce(0) { $0 + $1.detections }
        let what = rules.sorted { ($0.first, $0.name) < ($1.first, $1.name) }.prefix(12).map {
            "\($0.name) (\($0.level.rawValue), \($0.events) event\($0.events == 1 ? "" : "s"))"
        }
        var text =
            "\(firings) detection\(firings == 1 ? "" : "s") over \(events) event\(events == 1 ? "" : "s") by \(who), "
        text += "from \(times.started) to \(times.lastEvent ?? times.started) by the sources' clocks: "
        text += what.joined(separator: ", ") + (rules.count > 12 ? " and \(rules.count - 12) more rules. " : ". ")
        if !targets.isEmpty { text += "Hit: \(IncidentRecord.listed(targets.map(\.placed), or: "")). " }
        if !techniques.isEmpty {
            let names = techniques.map { $0.name.isEmpty ? $0.id : "\($0.id) \($0.name)" }
            text += "ATT&CK for ICS \(catalog.version): \(IncidentRecord.listed(names, or: "")). "
        }
        text += "Severity \(severity.rawValue): \(severityReasons.joined(separator: "; ")). "
        text += "Declared by \(declaredBy.name): \(declaredBy.criterion). Confidence \(confidence). "
        text += coverage.isComplete ? "Coverage is complete." : "Coverage is incomplete; see there."
        return clip(text, 4_000)
    }
}

extension IncidentRecord.AffectedAsset {
    /// Its name and address.
    var label: String { asset.map { "\($0) (\(address))" } ?? address }

    /// Its name and address with where it stands.
    var placed: String {
        let name = asset.map { "\($0) \(address)" } ?? address
        let place = [zone.map { "zone \($0)" }, level.map { "level \($0)" }].compactMap { $0 }.joined(separator: ", ")
        return place.isEmpty ? name : "\(name) (\(place))"
    }
}
