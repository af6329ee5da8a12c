// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// An incident as a STIX 2.1 bundle, with the properties of the Incident Extension Suite 2.0 (draft of 2023-10-10).
///
/// All ids are UUIDs of names (version 5) and all times come from the record, so the same record gives the same bytes.
struct StixBundle {
    private static let incidentCore = "extension-definition--ef765651-680c-498d-9894-99799f2fa126"
    private static let eventCore = "extension-definition--4ca6de00-5b0d-45ef-a1dc-ea7279ea910e"

    private let record: IncidentRecord
    private let hash: String
    private let catalog: AttackCatalog
    private var objects: [JSONValue] = []
    private var ids: [String] = []

    init(_ record: IncidentRecord, hash: String, catalog: AttackCatalog) {
        self.record = record
        self.hash = hash
        self.catalog = catalog
    }

    /// The bundle.
    var bytes: [UInt8] {
        var draft = self
        return draft.build().bytes + [0x0A]
    }

    private mutating func build() -> JSONValue {
        let identity = add(
            "identity", named: "penstock", [("name", .text("Penstock")), ("identity_class", .text("system"))])
        let incident = id("incident", named: "incident")
        let observables = addObservables()
        let patterns = addTechniques()
        let events = addEvents(identity, observables)
        addIndicators(identity, incident)
        addCourses(patterns)
        let infrastructure = addTargets(observables)
        for pattern in patterns.values.sorted() { relate(incident, "related-to", pattern) }
        for place in infrastructure { relate(incident, "impacts", place) }
        let others = ids.filter { !$0.hasPrefix("event--") }
        objects.append(object("incident", incident, identity, core(events: events, others: others)))
        return .object([
            ("type", .text("bundle")),
            ("id", .text("bundle--" + NameUUID.text(Array("\(record.uid) \(hash)".utf8), in: NameUUID.penstock))),
            ("objects", .array(objects)),
        ])
    }

    // MARK: The incident

    private func core(events: [String], others: [String]) -> [(String, JSONValue?)] {
        let recoverability = record.impact.recoverability.lowercased().replacing(" ", with: "-")
        return [
            ("name", .text("\(record.id): \(record.classification.current)")), ("description", .text(record.summary)),
            ("labels", .texts([record.severity.rawValue.lowercased(), record.classification.current])),
            (
                "external_references",
                .array([
                    .object([
                        ("source_name", .text("penstock")), ("external_id", .text(record.id)),
                        ("hashes", .object([("SHA-256", .text(hash))])),
                        ("description", .text("revision \(record.revision) of the record")),
                    ])
                ])
            ),
            (
                "extensions",
                .object([
                    (
                        StixBundle.incidentCore,
                        .object([
                            ("extension_type", .text("property-extension")), ("determination", .text(determination)),
                            ("investigation_status", .text(investigation)),
                            ("criticality", .int((record.severity.rank - 1) * 25)),
                            ("detection_methods", .texts(["automated-tool"])),
                            ("incident_types", .texts([record.classification.current])),
                            ("recoverability", .text(recoverability)),
                            ("event_refs", events.isEmpty ? nil : .texts(events)),
                            ("other_object_refs", .texts(others)),
                        ])
                    )
                ])
            ),
        ]
    }

    private var determination: String {
        switch record.verdict {
        case .falsePositive?: "false-positive"
        case .benign?, .disregard?, .test?: "low-value"
        case .truePositive?, .securityRisk?:
            record.affected.contains { $0.writes == "accepted" } ? "successful-attempt" : "failed-attempt"
        default: "suspected"
        }
    }

    private var investigation: String {
        record.status == .new ? "new" : record.status.isOpen ? "open" : "closed"
    }

    // MARK: What was seen

    /// Addresses, accounts and the like, by our own type and value.
    private mutating func addObservables() -> [String: String] {
        var made: [String: String] = [:]
        for indicator in record.indicators {
            let value = indicator.value
            switch indicator.type {
            case "address":
                guard let address = IPAddress(value) else { continue }
                let type = address.isIPv4 ? "ipv4-addr" : "ipv6-addr"
                made["address \(value)"] = observable(type, [("value", .text(value))])
            case "mac":
                made["mac \(value)"] = observable("mac-addr", [("value", .text(value.lowercased()))])
            case "account":
                made["account \(value)"] = observable("user-account", [("account_login", .text(value))])
            case "hash":
                let name = [32: "MD5", 40: "SHA-1", 64: "SHA-256", 128: "SHA-512"][value.utf8.count]
                guard let name, value.allSatisfy(\.isHexDigit) else { continue }
                made["hash \(value)"] = observable("file", [("hashes", .object([(name, .text(value.lowercased()))]))])
            default: continue
            }
        }
        return made
    }

    /// A cyber-observable object: its id is a UUID of what makes it (STIX 2.1 section 2.9).
    private mutating func observable(_ type: String, _ content: [(String, JSONValue?)]) -> String {
        let id = "\(type)--" + NameUUID.text(JSONValue.object(content).bytes, in: NameUUID.stix)
        guard !ids.contains(id) else { return id }
        ids.append(id)
        objects.append(.object([("type", .text(type)), ("spec_version", .text("2.1")), ("id", .text(id))] + content))
        return id
    }

    /// One event of the extension a rule, with what was observed.
    private mutating func addEvents(_ identity: String, _ observables: [String: String]) -> [String] {
        record.rules.map { rule in
            let seen = record.timeline.filter { $0.rules.contains(rule.name) }
            let refs = Set(seen.flatMap { [$0.source, $0.asset] }.compactMap { observables["address \($0)"] }).sorted()
            if !refs.isEmpty {
                _ = add(
                    "observed-data", named: rule.rule, by: identity,
                    [
                        ("first_observed", time(rule.first)), ("last_observed", time(rule.last)),
                        ("number_observed", .int(min(max(1, rule.events), 999_999_999))), ("object_refs", .texts(refs)),
                    ])
            }
            return add(
                "event", named: rule.rule, by: identity,
                [
                    ("status", .text("occurred")), ("name", .text(rule.name)),
                    ("description", .text("\(rule.detections) detections over \(rule.events) events")),
                    ("start_time", time(rule.first)), ("end_time", time(rule.last)),
                    (
                        "extensions",
                        .object([(StixBundle.eventCore, .object([("extension_type", .text("new-sdo"))]))])
                    ),
                ])
        }
    }

    private mutating func addTechniques() -> [String: String] {
        var made: [String: String] = [:]
        for id in Set(record.techniques.map(\.id)).sorted() {
            let tactics = record.techniques.filter { $0.id == id }.map(\.tactic).filter { !$0.isEmpty }
            let name = catalog.techniques[id]?.name ?? id
            made[id] = add(
                "attack-pattern", named: id,
                [
                    ("name", .text(name)),
                    (
                        "kill_chain_phases",
                        tactics.isEmpty
                            ? nil
                            : .array(
                                tactics.map {
                                    .object([
                                        ("kill_chain_name", .text("mitre-ics-attack")), ("phase_name", .text($0)),
                                    ])
                                })
                    ), ("external_references", reference(id, "techniques", isKnown: catalog.techniques[id] != nil)),
                ])
        }
        return made
    }

    private func reference(_ id: String, _ kind: String, isKnown: Bool) -> JSONValue {
        .array([
            .object([
                ("source_name", .text("mitre-attack")), ("external_id", .text(id)),
                ("url", isKnown ? .text("https://attack.mitre.org/\(kind)/\(id)/") : nil),
            ])
        ])
    }

    /// The addresses that acted, as indicators by which others can look for them.
    private mutating func addIndicators(_ identity: String, _ incident: String) {
        for asset in record.affected where asset.role == "source" {
            guard let address = IPAddress(asset.address) else { continue }
            let type = address.isIPv4 ? "ipv4-addr" : "ipv6-addr"
            let indicator = add(
                "indicator", named: asset.address, by: identity,
                [
                    ("name", .text("source of \(record.id)")), ("indicator_types", .texts(["anomalous-activity"])),
                    ("pattern", .text("[\(type):value = '\(address)']")), ("pattern_type", .text("stix")),
                    ("valid_from", time(asset.first)),
                ])
            relate(indicator, "detected", incident)
        }
    }

    private mutating func addCourses(_ patterns: [String: String]) {
        for step in record.recommended {
            guard let id = step.mitigation else { continue }
            let course = add(
                "course-of-action", named: id,
                [
                    ("name", .text(catalog.mitigations[id] ?? id)),
                    ("external_references", reference(id, "mitigations", isKnown: catalog.mitigations[id] != nil)),
                ])
            for technique in step.techniques.compactMap({ patterns[$0] }) { relate(course, "mitigates", technique) }
        }
    }

    private mutating func addTargets(_ observables: [String: String]) -> [String] {
        record.affected.filter { $0.role != "source" }.map { asset in
            let place = [asset.zone.map { "zone \($0)" }, asset.level.map { "Purdue level \($0)" }].compactMap { $0 }
            let made = add(
                "infrastructure", named: asset.address,
                [
                    ("name", .text(asset.label)),
                    ("description", place.isEmpty ? nil : .text(place.joined(separator: ", "))),
                    ("infrastructure_types", .texts([asset.isController ? "control-system" : "unknown"])),
                ])
            if let address = observables["address \(asset.address)"] { relate(made, "consists-of", address) }
            return made
        }
    }

    // MARK: Objects

    private func time(_ moment: Moment) -> JSONValue {
        .text(RFC3339.text(moment.milliseconds * 1_000_000, digits: 3))
    }

    private func id(_ type: String, named name: String) -> String {
        "\(type)--" + NameUUID.text(Array("\(record.uid) \(type) \(name)".utf8), in: NameUUID.penstock)
    }

    private func object(
        _ type: String, _ id: String, _ creator: String?, _ content: [(String, JSONValue?)]
    ) -> JSONValue {
        let changed = record.times.changes.last?.time ?? record.times.started
        let modified = max(changed, record.times.lastEvent ?? changed, record.actions.last?.time ?? changed)
        return .object(
            [
                ("type", .text(type)), ("spec_version", .text("2.1")), ("id", .text(id)),
                ("created_by_ref", creator.map { .text($0) }), ("created", time(record.times.started)),
                ("modified", time(max(modified, record.times.started))),
            ] + content)
    }

    /// Adds a domain object, once.
    private mutating func add(
        _ type: String, named name: String, by creator: String? = nil, _ content: [(String, JSONValue?)]
    ) -> String {
        let id = id(type, named: name)
        guard !ids.contains(id) else { return id }
        ids.append(id)
        objects.append(object(type, id, creator, content))
        return id
    }

    private mutating func relate(_ source: String, _ relation: String, _ target: String) {
        _ = add(
            "relationship", named: "\(source) \(relation) \(target)",
            [("relationship_type", .text(relation)), ("source_ref", .text(source)), ("target_ref", .text(target))])
    }
}
