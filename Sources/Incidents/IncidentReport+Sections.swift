// SPDX-License-Identifier: Apache-2.0

/// What a report says, section by section.
extension IncidentReport {
    typealias Cell = ReportBlock.Cell

    var blocks: [ReportBlock] {
        head + assessment + affected + detections + advice + timeline + evidence + work + outcomes
    }

    private var head: [ReportBlock] {
        let times = record.times
        let criterion = record.declaredBy
        return [
            .heading(1, "Incident \(record.id): \(record.classification.current), \(record.severity.rawValue)"),
            .paragraph(record.summary),
            .facts([
                ("Status", .some(status)), ("Verdict", .some(record.verdict?.caption)), ("Lead", .some(record.lead)),
                ("Urgency", .some(record.urgency)), ("Confidence", .some(record.confidence)),
                ("Phase (SP 800-61r2)", .some(record.phase.current)),
                ("First event, last event", Cell("\(times.started) to \(times.lastEvent ?? times.started)")),
                ("Detected", .time(times.detected)), ("First received", .time(times.firstReceived)),
                ("Last received", .time(times.lastReceived)), ("Resolved", .time(times.resolved)),
                ("Closed", .time(times.closed)), ("Identifier", .code(record.uid)),
                ("Revision", Cell("\(record.revision)")), ("SHA-256 of the record", .code(hash)),
                ("SHA-256 of the one before", .code(record.prevHash ?? "–")), ("Follows", .some(record.basis)),
            ]),
            .paragraph("All times are UTC. Events carry the clock of their source; what was received carries ours."),
            .heading(2, "Criterion that declared it (DE.AE-08)"),
            .facts([
                ("Rule", .code(criterion.name)), ("Rule id", .code(criterion.rule)),
                ("Rule version", .code(criterion.version)), ("Condition", .some(criterion.criterion)),
                ("Group", .list(criterion.group.map { "\($0.field) = \($0.value)" })),
                ("Events when it fired", Cell("\(criterion.count), \(criterion.first) to \(criterion.last)")),
                ("Firing", .code(criterion.firing)), ("Known false positives", .list(criterion.falsePositives)),
            ]),
        ]
    }

    private var status: String {
        let changes = record.times.changes.map { "\($0.to.replacing("_", with: " ")) \($0.time) by \($0.by)" }
        return changes.isEmpty ? record.status.words : "\(record.status.words) (\(changes.joined(separator: "; ")))"
    }

    private var assessment: [ReportBlock] {
        let (inputs, impact, cisa) = (record.severityInputs, record.impact, record.cisa)
        return [
            .heading(2, "Severity: \(record.severity.rawValue)"),
            .table(
                ["Factor", "Value", "From", "To", "Why"],
                record.severitySteps.map {
                    [Cell($0.factor), .some($0.value), Cell($0.from.rawValue), Cell($0.to.rawValue), Cell($0.reason)]
                }),
            .facts([
                ("Asset criticality", .some(inputs.assetCriticality)), ("Stage of activity", .some(inputs.activity)),
                ("Highest rule level", Cell(inputs.ruleLevel.rawValue)),
            ]),
            .heading(2, "Impact (SP 800-61r2 3.2.6)"),
            .facts([
                ("Functional", .some(impact.functional)), ("Information", .some(impact.information)),
                ("Recoverability", .some(impact.recoverability)),
                ("Confirmed by", Cell(impact.confirmedBy ?? "nobody yet: an estimate")),
                (
                    "Classification",
                    Cell("\(record.classification.current); at first sight \(record.classification.first)")
                ),
                ("Classification changed by", .some(record.classification.setBy ?? record.classification.changedBy)),
                ("Fact that changed it", .some(record.classification.changedWhy)),
                ("Classes", record.classification.classes == nil ? Cell("undetermined") : Cell("see below")),
            ]),
            .heading(3, "Classes (ENISA reference incident classification taxonomy)"),
            .table(
                ["Class", "Name", "Derived from"],
                (record.classification.classes ?? []).map { [.code($0.id), Cell($0.name), Cell($0.reason)] }),
            .heading(2, "CISA incident notification"),
            .facts([
                ("Functional impact", .some(cisa.functionalImpact)),
                ("Information impact", .some(cisa.informationImpact)), ("Recoverability", .some(cisa.recoverability)),
                (
                    "Location of observed activity",
                    Cell(cisa.locationLevel.map { "Level \($0): \(cisa.location)" } ?? cisa.location)
                ),
                ("Systems", Cell("\(cisa.systems)")), ("First detected", .time(cisa.firstDetected)),
                ("Attack vector", .some(cisa.vector)), ("Point of contact", .some(cisa.pointOfContact)),
            ]),
        ]
    }

    private var affected: [ReportBlock] {
        var blocks: [ReportBlock] = [
            .heading(2, "Affected assets"),
            .table(
                [
                    "Address", "Asset", "Kind", "Zone", "Purdue", "Criticality", "Role", "Writes", "CISA", "First",
                    "Last",
                ],
                record.affected.map {
                    [
                        .code($0.address), .some($0.asset), .some($0.isSafety ? "\($0.kind ?? "") (safety)" : $0.kind),
                        .some($0.zone), .some($0.level), .some($0.criticality), Cell($0.role), .some($0.writes),
                        .some($0.cisaLocation.map(String.init)), Cell("\($0.first)"), Cell("\($0.last)"),
                    ]
                }),
        ]
        if !record.otherTargets.isEmpty {
            blocks += [
                .heading(3, "Others that may be next (RS.AN-08)"),
                .table(["Address", "Why"], record.otherTargets.map { [.code($0.address), Cell($0.reason)] }),
            ]
        }
        if !record.contacts.isEmpty {
            blocks += [
                .heading(3, "Contacts"),
                .table(
                    ["Zone", "Name", "Reach"], record.contacts.map { [Cell($0.zone), Cell($0.name), Cell($0.reach)] }),
            ]
        }
        return blocks
    }

    private var detections: [ReportBlock] {
        [
            .heading(2, "Detections"),
            .table(
                ["Rule", "Level", "Detections", "Events", "First", "Last"],
                record.rules.map {
                    [
                        .code($0.name), Cell($0.level.rawValue), Cell("\($0.detections)"), Cell("\($0.events)"),
                        Cell("\($0.first)"), Cell("\($0.last)"),
                    ]
                }),
            .table(
                ["Fired", "Rule", "Title", "Events", "Group", "Targets", "Firing"],
                record.detections.map { detection in
                    [
                        Cell("\(detection.time)"), .code(detection.name), Cell(detection.title),
                        Cell("\(detection.count)"),
                        .list(detection.group.map { "\($0.field) = \($0.value)" }), .list(detection.targets),
                        .code(String(detection.firing.prefix(16))),
                    ]
                }),
            .heading(2, "Techniques (ATT&CK for ICS \(catalog.version))"),
            .table(
                ["Technique", "Name", "Tactic", "First"],
                record.techniques.map {
                    [
                        technique($0.id), .some($0.name), .some(catalog.tactic($0.tactic)?.name ?? $0.tactic),
                        Cell("\($0.first)"),
                    ]
                }),
            .heading(2, "Indicators"),
            .table(
                ["Type", "Value", "First", "Last"],
                record.indicators.map { [Cell($0.type), .code($0.value), Cell("\($0.first)"), Cell("\($0.last)")] }),
        ]
    }

    /// A link only for what the catalogue has: an id of a rule's tag is text from outside.
    private func technique(_ id: String) -> Cell {
        catalog.techniques[id] == nil ? .code(id) : .link(id, "https://attack.mitre.org/techniques/\(id)/")
    }

    private var advice: [ReportBlock] {
        var blocks: [ReportBlock] = [.heading(2, "Recommended actions")]
        for (part, title) in [
            ("contain", "Contain now"), ("verify", "Verify on the device"), ("prevent", "Prevent"),
        ] {
            let steps = record.recommended.filter { $0.part == part }
            blocks.append(.heading(3, title))
            blocks.append(
                .checklist(
                    steps.map { step in
                        let of = [step.rule].compactMap { $0 } + step.techniques
                        var cell = Cell(of.isEmpty ? step.text : "\(step.text) (\(of.joined(separator: ", ")))")
                        // Only what the catalogue has is a link: a record may come from elsewhere.
                        if let id = step.mitigation, catalog.mitigations[id] != nil {
                            cell.link = "https://attack.mitre.org/mitigations/\(id)/"
                        }
                        return cell
                    }))
        }
        return blocks
    }

    private var timeline: [ReportBlock] {
        [
            .heading(2, "Timeline (RS.AN-03)"),
            .table(
                ["Time of the source", "Received", "From", "To", "Zones", "What", "Rules", "Techniques", "Evidence"],
                record.timeline.map { entry in
                    let zone = entry.offsetMinutes.map { ", offset \($0) min" } ?? ""
                    let written = entry.originalTime.map { " (written \($0)\(zone))" } ?? ""
                    return [
                        Cell("\(entry.time)\(written)"), Cell("\(entry.received)"), .some(entry.source),
                        .some(entry.asset), .some(entry.zones), Cell(entry.text), .list(entry.rules),
                        .list(entry.techniques), .list(entry.evidence.map { String($0.prefix(16)) }),
                    ]
                }),
        ]
    }

    private var evidence: [ReportBlock] {
        [
            .heading(3, "Clocks of the senders"),
            .table(
                [
                    "Sender", "Events", "Received after its own time, at least (ms)", "At most (ms)",
                    "Ahead of receipt, placed there",
                ],
                record.clocks.map {
                    [
                        .code($0.sender), Cell("\($0.events)"), Cell("\($0.leastLag)"), Cell("\($0.mostLag)"),
                        Cell("\($0.heldEvents ?? 0)"),
                    ]
                }),
            .heading(2, "Evidence (RS.AN-07)"),
            .paragraph(
                "\(record.evidenceHold.isHeld ? "Held" : "Not held"): \(record.evidenceHold.reason). The SHA-256 is of the "
                    + "bytes at offset and length of the object."),
            .table(
                ["SHA-256", "Kind", "Object", "Offset", "Length", "Event", "Received", "Receiver", "Peer", "Stored"],
                record.evidence.map {
                    [
                        .code($0.sha256), Cell($0.kind), .code($0.object), Cell("\($0.offset)"), Cell("\($0.length)"),
                        .code($0.eventUid), Cell("\($0.collected)"), Cell($0.receiver), .some($0.peer),
                        .some($0.stored),
                    ]
                }),
            .heading(3, "Custody"),
            .table(
                ["SHA-256", "When", "By", "What"],
                record.evidence.flatMap { item in
                    item.custody.map {
                        [.code(String(item.sha256.prefix(16))), Cell("\($0.time)"), Cell($0.by), Cell($0.what)]
                    }
                }),
        ]
    }
}
