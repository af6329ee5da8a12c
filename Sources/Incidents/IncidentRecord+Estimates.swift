// SPDX-License-Identifier: Apache-2.0

/// What follows from a record's detections, assets and timeline: made anew at each change, by nothing but them.
extension IncidentRecord {
    /// Techniques that say control itself is gone.
    private static let lossOfControl: Set<String> = ["T0813", "T0827"]
    /// Techniques that use someone's credentials.
    private static let credentials: Set<String> = ["T0812", "T0859", "T0891", "T0892", "T1078"]
    /// Techniques that read what belongs to the owner.
    private static let theft: Set<String> = ["T0811", "T0845", "T0882", "T0893"]

    /// Brings all estimates up to date; `firing` is what changed it, empty for an analyst.
    mutating func estimate(firing: String, settings: IncidentSettings, knowledge: IncidentKnowledge) {
        mapTechniques(knowledge.catalog)
        estimateImpact()
        estimateSeverity(knowledge.catalog)
        classify(firing)
        deriveClasses()
        describeCISA(settings)
        contacts = settings.contacts.filter { contact in
            contact.zone == "*" || affected.contains { $0.zone == contact.zone }
        }
        let ours = Set(affected.map(\.address))
        var others: [OtherTarget] = []
        for asset in affected where asset.role != "source" {
            for other in knowledge.asset(asset.address)?.alike ?? []
            where !ours.contains(other.address) && !others.contains(where: { $0.address == other.address }) {
                others.append(other)
            }
        }
        otherTargets = Array(others.sorted { $0.address < $1.address }.prefix(64))
        cover(settings.limits, knowledge)
        compareClocks()
        recommended = advice(knowledge)
        summary = paragraph(knowledge.catalog)
    }

    /// Brings up to date what follows from an analyst's words. What the engine saw is not touched: an analyst's program does
    /// not know what the service lost.
    mutating func restate(settings: IncidentSettings, catalog: AttackCatalog, impacts changed: Bool) {
        if changed { estimateSeverity(catalog) }
        describeCISA(settings)
    }

    private var tactics: Set<String> { Set(techniques.map(\.tactic)).subtracting([""]) }
    private var isSafety: Bool { detections.contains(where: \.isSafety) }
    private var writes: Set<String> { Set(affected.compactMap(\.writes)) }

    private mutating func mapTechniques(_ catalog: AttackCatalog) {
        var found: [Technique] = []
        for detection in detections {
            for mapping in detection.techniques {
                if let place = found.firstIndex(where: { $0.id == mapping.technique && $0.tactic == mapping.tactic }) {
                    found[place].first = min(found[place].first, detection.first)
                } else {
                    let name = catalog.techniques[mapping.technique]?.name ?? ""
                    found.append(
                        Technique(id: mapping.technique, name: name, tactic: mapping.tactic, first: detection.first))
                }
            }
        }
        techniques = found.sorted { ($0.first, $0.id, $0.tactic) < ($1.first, $1.id, $1.tactic) }
        var byRule: [String: Set<String>] = [:]
        for detection in detections {
            byRule[detection.name, default: []].formUnion(detection.techniques.map(\.technique))
        }
        for place in timeline.indices {
            timeline[place].techniques = timeline[place].rules.reduce(into: Set()) { $0.formUnion(byRule[$1] ?? []) }
                .sorted()
        }
    }

    private mutating func estimateImpact() {
        guard impact.confirmedBy == nil else { return }
        let steering: Set<String> = ["impair-process-control", "inhibit-response-function", "impact"]
        let looking: Set<String> = ["discovery", "collection"]
        let isSteered = !tactics.isDisjoint(with: steering)
        if isSafety {
            impact.functional = "High"
        } else if isSteered {
            impact.functional = writes == ["refused"] ? "Low" : "Medium"
        } else {
            impact.functional = tactics.isSubset(of: looking) ? "None" : "Low"
        }
        let ids = Set(techniques.map(\.id))
        if isSteered, !writes.isDisjoint(with: ["accepted", "attempted"]) {
            impact.information = "Integrity Loss"
        } else {
            impact.information = ids.isDisjoint(with: IncidentRecord.theft) ? "None" : "Proprietary Breach"
        }
        impact.recoverability = impact.functional == "High" ? "Supplemented" : "Regular"
    }

    /// Rule level, then what each of asset criticality, Purdue level, stage and safety makes of it: one step each.
    private mutating func estimateSeverity(_ catalog: AttackCatalog) {
        let highest = rules.map(\.level).max() ?? .informational
        severity = .informational
        severitySteps = []
        let which = rules.filter { $0.level == highest }.map(\.name)
        step(
            "rule level", highest.rawValue, to: highest,
            "level \(highest.rawValue) of rule \(which.joined(separator: ", "))")
        weighCriticality()
        weighPlace()
        let harmful = Set(detections.filter(\.isSafety).map(\.name)).sorted()
        if !harmful.isEmpty {
            step(
                "safety", harmful.joined(separator: ", "), to: .critical,
                "process safety is touched: \(harmful.joined(separator: ", "))")
        }
        for asset in affected where asset.isController {
            var met: Set<String> = []
            for detection in detections where detection.targets.contains(asset.address) {
                met.formUnion(detection.techniques.map(\.tactic))
            }
            met.remove("")
            if met.count >= 3 {
                let names = met.sorted { (catalog.order($0), $0) < (catalog.order($1), $1) }
                step(
                    "several tactics", asset.address, to: .critical,
                    "\(names.count) tactics against \(asset.address): \(names.joined(separator: ", "))")
            }
        }
        severityReasons = severitySteps.enumerated().filter { $0.offset == 0 || $0.element.isReason }.map(
            \.element.reason)
        switch severity {
        case .critical: urgency = "immediate"
        case .high: urgency = "high"
        case .medium: urgency = "medium"
        case .low, .informational: urgency = "low"
        }
        confidence = rules.count > 1 ? "high" : severity >= .high ? "medium" : "low"
        let order = ["low", "medium", "high", "critical"]
        severityInputs = SeverityInputs(
            assetCriticality: affected.compactMap(\.criticality).max {
                (order.firstIndex(of: $0.lowercased()) ?? -1, $0) < (order.firstIndex(of: $1.lowercased()) ?? -1, $1)
            }, functionalImpact: impact.functional, informationImpact: impact.information, activity: activity,
            ruleLevel: highest, recoverability: impact.recoverability)
    }

    /// How much depends on the devices that it was done to.
    private mutating func weighCriticality() {
        let targets = affected.filter { $0.role != "source" }
        let known = targets.compactMap { $0.criticality?.lowercased() }
        if known.contains("critical") {
            let names = targets.filter { $0.criticality?.lowercased() == "critical" }.map(\.label)
            step(
                "asset criticality", "critical", by: 1,
                "a critical asset is hit: \(names.prefix(4).joined(separator: ", "))")
        } else if !targets.isEmpty, known.count == targets.count, known.allSatisfy({ $0 == "low" }) {
            step("asset criticality", "low", by: -1, "all assets that it hit are of low criticality")
        } else {
            let highest = ["high", "medium", "low"].first(where: known.contains) ?? "unknown"
            step("asset criticality", highest, by: 0, "asset criticality \(highest) leaves it as it is")
        }
    }

    /// Where in the plant, and at which stage of an attack.
    private mutating func weighPlace() {
        let targets = affected.filter { $0.role != "source" }
        let levels = targets.compactMap { $0.level.flatMap(CISALocation.level) }
        let stage = activity
        if let lowest = levels.min(), lowest < 2 || targets.contains(where: \.isSafety) {
            let isFar = stage != "Prepare" && severity < .medium
            let level = targets.first { $0.level.flatMap(CISALocation.level) == lowest }?.level ?? ""
            step(
                "Purdue level", level, to: isFar ? .medium : severity,
                isFar
                    ? "basic control (level \(level)) is reached: at least MEDIUM"
                    : "Purdue level \(level) leaves it as it is")
        } else {
            let level = targets.compactMap(\.level).min() ?? "unknown"
            step("Purdue level", level, to: severity, "Purdue level \(level) leaves it as it is")
        }
        let isDone = stage == "Effect" && targets.contains { $0.isController && $0.writes == "accepted" }
        step(
            "ATT&CK stage", stage, to: isDone && severity < .high ? .high : severity,
            isDone ? "a controller carried the command out: at least HIGH" : "stage \(stage) leaves it as it is")
    }

    private mutating func step(_ factor: String, _ value: String, by steps: Int, _ reason: String) {
        let all = IncidentSeverity.allCases
        let place = min(max(severity.rank - 1 + steps, 0), all.count - 1)
        step(factor, value, to: all[place], reason)
    }

    private mutating func step(_ factor: String, _ value: String, to next: IncidentSeverity, _ reason: String) {
        let isReason = next != severity || factor == "safety" || factor == "several tactics"
        severitySteps.append(
            SeverityStep(factor: factor, value: value, from: severity, to: next, reason: reason, isReason: isReason))
        severity = next
    }

    /// The observed activity in NCISS's words.
    private var activity: String {
        if !tactics.isDisjoint(with: ["impair-process-control", "inhibit-response-function", "impact"]) {
            return "Effect"
        }
        let inside: Set<String> = [
            "execution", "persistence", "privilege-escalation", "evasion", "lateral-movement", "collection",
            "command-and-control",
        ]
        if !tactics.isDisjoint(with: inside) { return "Presence" }
        return tactics.contains("initial-access") ? "Engage" : "Prepare"
    }

    private mutating func classify(_ firing: String) {
        guard classification.setBy == nil else { return }
        let type: String
        if isSafety {
            type = "process safety violation"
        } else {
            switch activity {
            case "Effect": type = "unauthorized control"
            case "Presence", "Engage": type = "intrusion"
            default: type = tactics.isEmpty ? "undetermined" : "reconnaissance"
            }
        }
        if revision == 0 {
            classification = Classification(first: type, current: type)
        } else if classification.current != type {
            classification.current = type
            if !firing.isEmpty {
                classification.changedBy = firing
                classification.changedWhy = fact(of: firing)
            }
        }
    }

    private mutating func describeCISA(_ settings: IncidentSettings) {
        let ids = Set(techniques.map(\.id))
        if !ids.isDisjoint(with: IncidentRecord.lossOfControl) {
            cisa.functionalImpact = "Denial of critical services / loss of control"
        } else {
            switch impact.functional {
            case "High": cisa.functionalImpact = "Significant impact to critical services"
            case "Medium": cisa.functionalImpact = "Minimal impact to critical services"
            case "Low": cisa.functionalImpact = "Minimal impact to non-critical services"
            default: cisa.functionalImpact = tactics.isEmpty ? "No impact" : "No impact to services"
            }
        }
        switch impact.information {
        case "Integrity Loss":
            cisa.informationImpact =
                writes.contains("accepted") ? "Critical systems data breach" : "Suspected but not identified"
        case "Proprietary Breach": cisa.informationImpact = "Proprietary information breach"
        case "Privacy Breach": cisa.informationImpact = "Privacy data breach"
        default:
            cisa.informationImpact =
                ids.isDisjoint(with: IncidentRecord.credentials) ? "No impact" : "Suspected but not identified"
        }
        cisa.recoverability = impact.recoverability
        let location = affected.compactMap(\.cisaLocation).max().flatMap(CISALocation.init(rawValue:))
        cisa.locationLevel = location?.rawValue
        cisa.location = location?.name ?? "unknown"
        cisa.systems = affected.count { $0.role != "source" }
        cisa.vector = vector
        cisa.pointOfContact = contacts.first?.name ?? lead
        cisa.firstDetected = times.detected
    }

    private mutating func compareClocks() {
        let senders = Dictionary(evidence.map { ($0.eventUid, $0.peer.isEmpty ? $0.receiver : $0.peer) }) { first, _ in
            first
        }
        var found: [String: SenderClock] = [:]
        for entry in timeline {
            guard let sender = senders[entry.eventUid], !sender.isEmpty else { continue }
            let (lag, over) = entry.received.nanoseconds.subtractingReportingOverflow(
                (entry.claimedTime ?? entry.time).nanoseconds)
            guard !over else { continue }
            let milliseconds = Int(lag / 1_000_000)
            var clock =
                found[sender] ?? SenderClock(sender: sender, events: 0, leastLag: milliseconds, mostLag: milliseconds)
            clock.events += 1
            if entry.claimedTime != nil { clock.heldEvents = (clock.heldEvents ?? 0) + 1 }
            clock.leastLag = min(clock.leastLag, milliseconds)
            clock.mostLag = max(clock.mostLag, milliseconds)
            found[sender] = clock
        }
        clocks = found.values.sorted { $0.sender < $1.sender }
    }

    private mutating func cover(_ limits: IncidentLimits, _ knowledge: IncidentKnowledge) {
        coverage.cuts.removeAll { ["timeline_entries", "events_not_kept", "detections"].contains($0.what) }
        for rule in rules {
            let listed = timeline.count { $0.rules.contains(rule.name) }
            if rule.events > listed, listed >= limits.firstEntriesPerRule + limits.lastEntriesPerRule {
                coverage.add(CoverageLoss(what: "timeline_entries", count: rule.events - listed, source: rule.name))
            }
            let shown = detections.count { $0.rule == rule.rule }
            if rule.detections > shown {
                coverage.add(CoverageLoss(what: "detections", count: rule.detections - shown, source: rule.name))
            }
        }
        for detection in detections where detection.omitted > 0 {
            coverage.add(CoverageLoss(what: "events_not_kept", count: detection.omitted, source: detection.name))
        }
        if let first = times.firstReceived, let last = times.lastReceived {
            coverage.losses = knowledge.losses(first.nanoseconds, last.nanoseconds).filter { $0.count > 0 }
                .sorted { ($0.what, $0.source) < ($1.what, $1.source) }
        }
        coverage.isComplete = coverage.losses.isEmpty && coverage.cuts.isEmpty
    }
}
