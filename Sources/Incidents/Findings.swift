// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// Incidents and firings as OCSF events: Incident Finding (2005) and Detection Finding (2004).
struct Findings {
    private static let product = "Penstock"
    /// The most entries of an inner list.
    private static let listLimit = 100

    let settings: IncidentSettings
    let catalog: AttackCatalog

    /// The Detection Finding of a firing in its newest revision; evidence and related events are those of this revision.
    func detection(
        _ firing: Firing, facts: [EventFacts], in record: IncidentRecord, isSuppressed: Bool = false
    ) -> [UInt8] {
        let activity = firing.revision <= 1 ? 1 : 2
        let severity = IncidentSeverity(level: firing.rule.level)
        let steps = record.recommended.filter { $0.part == "contain" }.prefix(5).map(\.text)
        let targets = Set(facts.map(\.target)).subtracting([""]).sorted().prefix(Findings.listLimit)
        return JSONValue.object(
            header(class: 2004, "Detection Finding", activity: activity, time: Moment(firing.last), severity: severity)
                + [
                    ("message", .text(clip("\(firing.rule.name): \(firing.rule.title)", 512))),
                    ("metadata", metadata(uid: "\(firing.id)-\(firing.revision)", incident: record.uid)),
                    ("count", .int(max(1, firing.count))), ("start_time", .milliseconds(Moment(firing.first))),
                    ("end_time", .milliseconds(Moment(firing.last))), ("is_alert", .boolean(true)),
                    ("status_id", .integer(isSuppressed ? 3 : 1)),
                    ("status", .text(isSuppressed ? "Suppressed" : "New")),
                    ("confidence_id", .integer(2)), ("confidence", .text("Medium")),
                    ("finding_info", info(firing, facts)),
                    ("evidences", evidences(firing, facts)),
                    ("resources", targets.isEmpty ? nil : .array(targets.map { resource($0, in: record) })),
                    ("remediation", steps.isEmpty ? nil : .object([("desc", .text(steps.joined(separator: " ")))])),
                    (
                        "unmapped",
                        .object([
                            (
                                "incident",
                                .object([
                                    ("id", .text(record.id)), ("uid", .text(record.uid)),
                                    ("group", .array(firing.pairs.map(Findings.pair))),
                                ])
                            )
                        ])
                    ),
                ]
        ).restated(as: 2004, in: settings.dictionary).bytes
    }

    /// The Incident Finding of a record.
    func incident(_ record: IncidentRecord, hash: String, objectKey: String) -> [UInt8] {
        let news = record.news
        let isClosing = news.contains { $0.kind == "closed" || $0.kind == "merged_into" }
        let activity = record.revision == 1 ? 1 : isClosing ? 3 : 2
        let time = activity == 1 ? record.times.detected : news.map(\.time).max() ?? record.times.changes.last?.time
        let verdict = record.verdict ?? .suspicious
        let person = record.assignee.map { JSONValue.object([("name", .text($0))]) }
        let status = Findings.status(record.status)
        let impact = Findings.impact(record)
        let priority = min(4, max(1, record.severity.rank - 1))
        let highest = record.severityInputs.ruleLevel
        return JSONValue.object(
            header(
                class: 2005, "Incident Finding", activity: activity,
                time: max(time ?? record.times.started, record.times.lastEvent ?? record.times.started),
                severity: record.severity) + [
                    ("message", .text(subject(record))), ("desc", .text(record.summary)),
                    ("metadata", metadata(uid: "\(record.uid)-\(record.revision)", incident: record.uid)),
                    ("count", .int(max(1, record.rules.reduce(0) { $0 + $1.events }))),
                    ("start_time", .milliseconds(record.times.started)),
                    ("end_time", .milliseconds(record.times.lastEvent ?? record.times.started)),
                    ("status_id", .integer(status.id)), ("status", .text(status.caption)),
                    (
                        "confidence_id",
                        .integer(record.confidence == "high" ? 3 : record.confidence == "medium" ? 2 : 1)
                    ),
                    ("confidence", .text(Findings.capitalized(record.confidence))),
                    ("impact_id", impact.map { .integer($0.id) }), ("impact", impact.map { .text($0.caption) }),
                    ("priority_id", .int(priority)),
                    ("priority", .text(["Low", "Medium", "High", "Critical"][priority - 1])),
                    ("verdict_id", .int(verdict.id)), ("verdict", .text(verdict.caption)),
                    ("is_suspected_breach", .boolean(record.impact.information != "None")),
                    ("assignee", person),
                    ("assignee_group", person == nil ? .object([("name", .text(record.lead))]) : nil),
                    ("comment", news.isEmpty || record.revision == 1 ? nil : .text(Findings.words(news))),
                    ("attacks", attacks(record)),
                    ("finding_info_list", .array(record.detections.map { info($0) })),
                    (
                        "vendor_attributes",
                        .object([("severity_id", .int(highest.rank)), ("severity", .text(highest.caption))])
                    ),
                    ("unmapped", .object([("incident", extras(record, hash: hash, objectKey: objectKey))])),
                ]
        ).restated(as: 2005, in: settings.dictionary).bytes
    }

    /// The subject of a record's notification.
    func subject(_ record: IncidentRecord) -> String {
        var ids: [String] = []
        for technique in record.techniques where !ids.contains(technique.id) { ids.append(technique.id) }
        return IncidentSubject.text(
            severity: record.severity, id: record.id, detections: record.rules.reduce(0) { $0 + $1.detections },
            techniques: ids)
    }

    private func header(
        class uid: Int, _ name: String, activity: Int, time: Moment, severity: IncidentSeverity
    ) -> [(String, JSONValue?)] {
        let caption = ["Create", "Update", "Close"][activity - 1]
        return [
            ("activity_id", .int(activity)), ("activity_name", .text(caption)), ("category_uid", .integer(2)),
            ("category_name", .text("Findings")), ("class_uid", .int(uid)), ("class_name", .text(name)),
            ("type_uid", .int(uid * 100 + activity)), ("type_name", .text("\(name): \(caption)")),
            ("time", .milliseconds(time)), ("severity_id", .int(severity.rank)), ("severity", .text(severity.caption)),
        ]
    }

    private func metadata(uid: String, incident: String) -> JSONValue {
        .object([
            ("version", .text(settings.dictionary.version)), ("uid", .text(uid)), ("correlation_uid", .text(incident)),
            (
                "product",
                .object([
                    ("name", .text(Findings.product)), ("vendor_name", .text(Findings.product)),
                    ("version", .text(settings.version)),
                ])
            ),
        ])
    }

    private func analytic(_ id: String, _ name: String, version: String? = nil, criterion: String? = nil) -> JSONValue {
        .object([
            ("type_id", .integer(1)), ("type", .text("Rule")), ("uid", .text(clip(id, 256))),
            ("name", .text(clip(name, 256))), ("version", version.map { .text($0) }),
            ("desc", criterion.map { .text(clip($0, 1_024)) }),
        ])
    }

    private func info(_ firing: Firing, _ facts: [EventFacts]) -> JSONValue {
        let techniques = catalog.mapped(firing.rule.tags)
        return .object([
            ("uid", .text(firing.id)), ("title", .text(clip(firing.rule.title, 256))),
            ("desc", firing.rule.description.isEmpty ? nil : .text(clip(firing.rule.description, 2_048))),
            (
                "analytic",
                analytic(
                    firing.rule.id, firing.rule.name, version: firing.rule.contentHash, criterion: firing.rule.criterion
                )
            ),
            (
                "attacks",
                techniques.isEmpty
                    ? nil : .array(techniques.map { attack($0.id, $0.name, tactic: $0.tactic, mitigation: nil) })
            ),
            ("created_time", .milliseconds(Moment(firing.time))), ("modified_time", .milliseconds(Moment(firing.last))),
            ("first_seen_time", .milliseconds(Moment(firing.first))),
            ("last_seen_time", .milliseconds(Moment(firing.last))),
            (
                "related_events",
                facts.isEmpty
                    ? nil
                    : .array(
                        facts.prefix(Findings.listLimit).map {
                            .object([("uid", .text($0.uid)), ("type_uid", $0.typeUID.map { .integer($0) })])
                        })
            ),
            ("related_events_count", .int(max(1, firing.count))),
        ])
    }

    private func info(_ detection: IncidentRecord.Detection) -> JSONValue {
        .object([
            ("uid", .text(detection.firing)), ("title", .text(detection.title)),
            ("analytic", analytic(detection.rule, detection.name)),
            ("created_time", .milliseconds(detection.time)), ("modified_time", .milliseconds(detection.last)),
            ("first_seen_time", .milliseconds(detection.first)), ("last_seen_time", .milliseconds(detection.last)),
            ("related_events_count", .int(max(1, detection.count))),
        ])
    }

    private func attacks(_ record: IncidentRecord) -> JSONValue? {
        guard !record.techniques.isEmpty else { return nil }
        return .array(
            record.techniques.map { technique in
                let mitigation = catalog.techniques[technique.id]?.mitigations.first {
                    $0 != AttackCatalog.noMitigation
                }
                return attack(technique.id, technique.name, tactic: technique.tactic, mitigation: mitigation)
            })
    }

    private func attack(_ id: String, _ name: String, tactic: String, mitigation: String?) -> JSONValue {
        let known = catalog.tactic(tactic)
        return .object([
            ("version", catalog.version.isEmpty ? nil : .text(catalog.version)),
            ("technique", .object([("uid", .text(id)), ("name", name.isEmpty ? nil : .text(name))])),
            (
                "tactic",
                tactic.isEmpty
                    ? nil : .object([("uid", known.map { .text($0.id) }), ("name", .text(known?.name ?? tactic))])
            ),
            (
                "mitigation",
                mitigation.map {
                    .object([("uid", .text($0)), ("name", .text(catalog.mitigations[$0] ?? $0))])
                }
            ),
        ])
    }

    private func evidences(_ firing: Firing, _ facts: [EventFacts]) -> JSONValue? {
        let pairs = Array(zip(firing.hits, facts).prefix(Findings.listLimit))
        guard !pairs.isEmpty else { return nil }
        return .array(
            pairs.map { hit, fact in
                let objects = hit.evidence.prefix(16).map { item -> JSONValue in
                    let sha256 = Digest.sha256(item.bytes)
                    return .object([
                        ("sha256", .text(sha256)), ("object", .text("evidence/" + sha256)), ("offset", .integer(0)),
                        ("length", .int(item.bytes.count)), ("kind", .text(item.kind.rawValue)),
                    ])
                }
                return .object([
                    ("uid", .text(fact.uid)), ("name", .text(fact.text)),
                    ("data", .object([("objects", .array(Array(objects)))])),
                    ("src_endpoint", Findings.endpoint(fact.source, fact.sourcePort, fact.sourceZone)),
                    ("dst_endpoint", Findings.endpoint(fact.target, fact.targetPort, fact.targetZone)),
                ])
            })
    }

    private static func endpoint(_ address: String, _ port: Int64?, _ zone: String?) -> JSONValue? {
        guard !address.isEmpty else { return nil }
        let isIP = IPAddress(address) != nil
        return .object([
            (isIP ? "ip" : "name", .text(address)),
            ("port", port.flatMap { (0...65_535).contains($0) ? .integer($0) : nil }), ("zone", zone.map { .text($0) }),
        ])
    }

    private func resource(_ address: String, in record: IncidentRecord) -> JSONValue {
        let known = record.affected.first { $0.address == address }
        return .object([
            ("uid", .text(address)), ("name", .text(known?.asset ?? address)),
            ("ip", IPAddress(address) == nil ? nil : .text(address)), ("type", known?.kind.map { .text($0) }),
            ("criticality", known?.criticality.map { .text($0) }),
        ])
    }

    /// What Incident Finding has no place for.
    private func extras(_ record: IncidentRecord, hash: String, objectKey: String) -> JSONValue {
        .object([
            ("id", .text(record.id)), ("uid", .text(record.uid)), ("revision", .int(record.revision)),
            ("status", .text(record.status.rawValue)), ("last_action", record.actions.last?.hash.map { .text($0) }),
            ("record", .text(objectKey)), ("record_sha256", .text(hash)),
            ("actor", .text(record.actor.key)), ("declared_by", .text(record.declaredBy.name)),
            ("criterion", .text(clip(record.declaredBy.criterion, 1_024))),
            ("classification", .text(record.classification.current)),
            ("classes", record.classification.classes.map { .texts($0.map(\.id)) }), ("urgency", .text(record.urgency)),
            ("functional_impact", .text(record.impact.functional)),
            ("information_impact", .text(record.impact.information)),
            ("recoverability", .text(record.impact.recoverability)),
            ("cisa_functional_impact", .text(record.cisa.functionalImpact)),
            ("cisa_information_impact", .text(record.cisa.informationImpact)),
            ("cisa_location", .text(record.cisa.location)),
            ("cisa_location_level", record.cisa.locationLevel.map { .int($0) }),
            ("coverage_complete", .boolean(record.coverage.isComplete)),
            ("severity_reasons", .texts(record.severityReasons)),
            (
                "targets",
                .texts(record.affected.filter { $0.role != "source" }.prefix(Findings.listLimit).map(\.address))
            ),
            ("recommended", .texts(record.recommended.filter { $0.part == "contain" }.prefix(10).map(\.text))),
        ])
    }

    /// The steps of a revision in one text.
    private static func words(_ news: [IncidentRecord.Action]) -> String {
        clip(news.map { "\($0.by): \($0.kind): \($0.what)" }.joined(separator: "; "), 4_096)
    }

    private static func pair(_ pair: IncidentRecord.Pair) -> JSONValue {
        .object([("field", .text(pair.field)), ("value", .text(pair.value))])
    }

    private static func capitalized(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

    private static func status(_ status: IncidentStatus) -> (id: Int64, caption: String) {
        switch status {
        case .new: (1, "New")
        case .inProgress, .contained: (2, "In Progress")
        case .forwarded: (3, "On Hold")
        case .resolved, .recovered: (4, "Resolved")
        case .closed, .falsePositive: (5, "Closed")
        }
    }

    private static func impact(_ record: IncidentRecord) -> (id: Int64, caption: String)? {
        switch record.impact.functional {
        case "High": record.detections.contains(where: \.isSafety) ? (4, "Critical") : (3, "High")
        case "Medium": (2, "Medium")
        case "Low": (1, "Low")
        default: nil
        }
    }
}
