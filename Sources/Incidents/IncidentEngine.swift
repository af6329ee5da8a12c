// SPDX-License-Identifier: Apache-2.0
public import Events
public import Store
internal import Wire

/// Why an analyst's change was refused.
public enum IncidentError: Error, Equatable, Sendable {
    /// There is no incident of that id.
    case unknown(id: String)
}

/// Makes incidents of firings: joins those of one actor, keeps the record, chains its revisions, and stores it all.
///
/// One thread owns it. Each firing makes one revision, so where a run of firings is cut into calls leaves no trace. A
/// call changes everything or, when the store throws, nothing: the caller tries the same firings again.
public struct IncidentEngine {
    let settings: IncidentSettings
    let knowledge: IncidentKnowledge
    let store: StateStore?
    let findings: Findings
    private var held: [String: Held] = [:]
    private var turn = 0

    /// An incident in memory.
    struct Held {
        var record: IncidentRecord
        var hash: String
        var turn: Int
    }

    /// What one call has changed so far.
    struct Draft {
        var incidents: [String: Held] = [:]
        var firings: [String: (incident: String, revision: Int, count: Int)] = [:]
        var changes: [IncidentChange] = []
        var stored: [StoredFiring] = []
    }

    /// An engine. Without a store it knows only what it has in memory.
    public init(settings: IncidentSettings = IncidentSettings(), knowledge: IncidentKnowledge, store: StateStore? = nil)
    {
        self.settings = settings
        self.knowledge = knowledge
        self.store = store
        self.findings = Findings(settings: settings, catalog: knowledge.catalog)
    }

    /// Takes firings in: new ones, and revisions of known ones; those taken already are passed over.
    ///
    /// Within a call they are taken by the time of their latest event, so that lanes in any order give one result. The
    /// first to come for an actor without an open incident founds one and fixes its id.
    ///
    /// - Parameter checkpoint: a value to keep in the same transaction, such as the correlator's position.
    /// - Returns: one change for each firing taken, in that order.
    public mutating func accept(
        _ firings: [Firing], checkpoint: (name: String, value: [UInt8])? = nil
    ) throws -> [IncidentChange] {
        var draft = Draft()
        let ordered = firings.sorted {
            ($0.last, $0.first, $0.rule.id, $0.id, $0.revision) < ($1.last, $1.first, $1.rule.id, $1.id, $1.revision)
        }
        for firing in ordered { try take(firing, &draft) }
        try keep(draft, checkpoint)
        return draft.changes
    }

    /// Makes an analyst's change: a new revision with what `edit` did, and estimates brought up to date.
    ///
    /// - Parameters:
    ///   - by: who makes it.
    ///   - time: when, in nanoseconds since the epoch.
    public mutating func revise(
        _ id: String, by: String, at time: Int64, _ edit: (inout IncidentRecord) throws -> Void
    ) throws -> IncidentChange {
        guard let held = try incident(id, Draft()) else { throw IncidentError.unknown(id: id) }
        var record = held.record
        try edit(&record)
        // The chain, the identity and the evidence are not an analyst's to change.
        (record.id, record.uid, record.revision) = (held.record.id, held.record.uid, held.record.revision)
        (record.evidence, record.timeline, record.detections) =
            (held.record.evidence, held.record.timeline, held.record.detections)
        if record.status != held.record.status { record.change(from: held.record.status, by: by, at: Moment(time)) }
        record.estimate(firing: "", settings: settings, knowledge: knowledge)
        var draft = Draft()
        try finish(record, after: held, kind: .updated, isNotable: true, findings: [], evidence: [], &draft)
        try keep(draft, nil)
        guard let change = draft.changes.first else { throw IncidentError.unknown(id: id) }
        return change
    }

    private func take(_ firing: Firing, _ draft: inout Draft) throws {
        let known = try taken(firing.id, draft)
        if let known, known.revision >= firing.revision { return }
        let facts = firing.hits.map(EventFacts.init)
        let actor = actor(of: firing, facts)
        let before: Held?
        if let known {
            before = try incident(known.incident, draft)
        } else {
            before = try open(actor.actor, firing, draft)
        }
        var record = try before?.record ?? found(firing, actor.actor, draft)
        if let guarded = actor.guarded, !record.coverage.guards.contains(guarded) {
            record.coverage.guards = (record.coverage.guards + [guarded]).sorted()
        }
        let old = before?.record
        let evidence = record.absorb(
            firing, facts: facts, known: known?.count, settings: settings, knowledge: knowledge)
        record.estimate(firing: firing.id, settings: settings, knowledge: knowledge)
        if old == nil {
            record.change(from: nil, by: "penstock, rule \(record.declaredBy.name)", at: Moment(firing.time))
        }
        let finding = findings.detection(firing, facts: facts, in: record)
        try finish(
            record, after: before, kind: old == nil ? .created : .updated,
            isNotable: IncidentEngine.isNotable(record, old),
            findings: [finding], evidence: evidence, &draft)
        draft.firings[firing.id] = (record.id, firing.revision, firing.count)
        draft.stored.append(
            StoredFiring(
                id: firing.id, incident: record.id, rule: firing.rule.id, revision: firing.revision,
                count: firing.count,
                finding: finding))
    }

    private func finish(
        _ revised: IncidentRecord, after before: Held?, kind: IncidentChange.Kind, isNotable: Bool,
        findings made: [[UInt8]],
        evidence: [(sha256: String, evidence: Evidence)], _ draft: inout Draft
    ) throws {
        var record = revised
        record.revision += 1
        record.prevHash = before?.hash
        let json = try record.json()
        let hash = Digest.sha256(json)
        let key = "\(settings.prefix)\(record.id).json"
        let subject = findings.subject(record)
        draft.incidents[record.id] = Held(record: record, hash: hash, turn: turn)
        draft.changes.append(
            IncidentChange(
                record: record, kind: kind, isNotable: isNotable, json: json, hash: hash, objectKey: key,
                detectionFindings: made, incidentFinding: findings.incident(record, hash: hash, objectKey: key),
                subject: subject,
                notification: Notification.body(record, kind: kind, subject: subject, hash: hash, objectKey: key),
                evidence: evidence))
    }

    /// Whether people should hear of a change, not only the lake.
    private static func isNotable(_ record: IncidentRecord, _ old: IncidentRecord?) -> Bool {
        guard let old else { return true }
        let count = record.rules.reduce(0) { $0 + $1.detections }
        let before = old.rules.reduce(0) { $0 + $1.detections }
        return record.severity != old.severity || record.status != old.status || record.rules.count != old.rules.count
            || record.techniques.count != old.techniques.count || record.affected.count != old.affected.count
            || (count != before && count & (count - 1) == 0)
    }
}

extension IncidentEngine {
    /// The open incident that a new firing of `actor` joins: within the gap, the one that began first.
    private func open(_ actor: IncidentRecord.Actor, _ firing: Firing, _ draft: Draft) throws -> Held? {
        let from = IncidentEngine.sum(firing.first, -settings.gap)
        let to = IncidentEngine.sum(firing.last, settings.gap)
        func joins(_ record: IncidentRecord) -> Bool {
            record.actor == actor && record.status.isOpen && record.times.started.nanoseconds <= to
                && (record.times.lastEvent ?? record.times.started).nanoseconds >= from
        }
        var found = held.filter { draft.incidents[$0.key] == nil && joins($0.value.record) }
        for (id, incident) in draft.incidents where joins(incident.record) { found[id] = incident }
        let stored = try store?.look { try $0.incidents(actor: actor.key, first: from, last: to) } ?? []
        for row in stored where row.isOpen && draft.incidents[row.id] == nil && held[row.id] == nil {
            found[row.id] = Held(record: try IncidentRecord(json: row.json), hash: row.hash, turn: turn)
        }
        return found.values.min { ($0.record.times.started, $0.record.id) < ($1.record.times.started, $1.record.id) }
    }

    /// A new record; its id depends on the founding firing and never on when anything was received.
    private func found(_ firing: Firing, _ actor: IncidentRecord.Actor, _ draft: Draft) throws -> IncidentRecord {
        // Lanes finish in any order, so the first firing to come may be another one on another run. What never differs is
        // whom the incident is about and the day on which it began; a second one on that day gets the next number.
        let day = firing.first / 86_400_000_000_000
        var number = 0
        var uid = ""
        var id = ""
        repeat {
            let digest = Digest.sha256(
                parts: ["penstock incident", settings.site, actor.kind, actor.value, "\(day)", "\(number)"])
            uid = String(digest.prefix(32))
            id = "INC-" + digest.prefix(8).uppercased()
            number += 1
        } while try incident(id, draft) != nil
        let declared = IncidentRecord.Declaration(
            rule: firing.rule.id, name: clip(firing.rule.name, 128), version: firing.rule.contentHash,
            criterion: clip(firing.rule.criterion, 1_024), firing: firing.id, group: firing.pairs, count: firing.count,
            first: Moment(firing.first), last: Moment(firing.last),
            falsePositives: firing.rule.falsePositives.prefix(16).map { clip($0, 256) })
        var record = IncidentRecord(
            id: id, uid: uid, founder: declared, actor: actor, started: Moment(firing.first), lead: settings.assignee)
        if let earlier = try latest(actor, before: firing.first, draft), earlier != id {
            record.related = [IncidentRecord.Relation(id: earlier, relation: "earlier incident of the same actor")]
        }
        return record
    }

    private func latest(_ actor: IncidentRecord.Actor, before time: Int64, _ draft: Draft) throws -> String? {
        let inMemory = held.values.map(\.record) + draft.incidents.values.map(\.record)
        var all = inMemory.filter { $0.actor == actor && $0.times.started.nanoseconds <= time }
            .map { (last: ($0.times.lastEvent ?? $0.times.started).nanoseconds, id: $0.id) }
        if let row = try store?.look({ try $0.latest(actor: actor.key, before: time) }) {
            all.append((row.last, row.id))
        }
        return all.max { ($0.last, $0.id) < ($1.last, $1.id) }?.id
    }

    private func incident(_ id: String, _ draft: Draft) throws -> Held? {
        if let found = draft.incidents[id] ?? held[id] { return found }
        guard let row = try store?.look({ try $0.incident(id) }) else { return nil }
        return Held(record: try IncidentRecord(json: row.json), hash: row.hash, turn: turn)
    }

    /// Where a firing went before, and its revision then.
    private func taken(_ id: String, _ draft: Draft) throws -> (incident: String, revision: Int, count: Int)? {
        if let found = draft.firings[id] { return found }
        if let store { return try store.look { try $0.firing(id) }.map { ($0.incident, $0.revision, $0.count) } }
        for incident in held.values {
            if let detection = incident.record.detections.first(where: { $0.firing == id }) {
                return (incident.record.id, detection.revision, detection.count)
            }
        }
        return nil
    }

    /// What a firing's incident is of: the address that acted, unless a guard says that it is not one actor.
    private func actor(of firing: Firing, _ facts: [EventFacts]) -> (actor: IncidentRecord.Actor, guarded: String?) {
        let named = firing.group.first { $0.field == "src_endpoint.ip" }?.value
        let seen = Set(facts.map(\.source)).subtracting([""])
        let address = named ?? (seen.count == 1 ? seen.first : nil)
        let group = firing.pairs.map { "\($0.field)=\($0.value)" }.joined(separator: " ")
        if let address, !address.isEmpty {
            guard let ip = IPAddress(address) else { return (.init(kind: "address", value: clip(address, 256)), nil) }
            if let reason = stop(ip) {
                let scope = "\(firing.rule.id) \(group.isEmpty ? ip.description : group)"
                return (
                    .init(kind: "rule", value: clip(scope, 512)),
                    "\(ip) is shared (\(reason)): only firings of the same rule and group are joined"
                )
            }
            return (.init(kind: "address", value: ip.description), nil)
        }
        if let first = firing.pairs.first { return (.init(kind: first.field, value: first.value), nil) }
        return (.init(kind: "rule", value: clip(firing.rule.id, 256)), nil)
    }

    private func stop(_ address: IPAddress) -> String? {
        if address.isIPv4, address.low == 0 || address.low == 0xFFFF_FFFF { return "unspecified or broadcast" }
        if !address.isIPv4, address.high == 0, address.low == 0 { return "unspecified" }
        return settings.stops.first { $0.network.contains(address) }?.reason
    }

    /// Stores a call's changes in one transaction, then takes them into memory.
    private mutating func keep(_ draft: Draft, _ checkpoint: (name: String, value: [UInt8])?) throws {
        if let store, !draft.changes.isEmpty || checkpoint != nil {
            let sinks = settings.sinks
            try store.change { change in
                for made in draft.changes {
                    try change.put(StoredIncident(made), isNotable: made.isNotable)
                    for (sha256, item) in made.evidence {
                        try change.put(
                            StoredEvidence(
                                sha256: sha256, kind: item.kind.rawValue, bytes: item.bytes, received: item.received,
                                collector: item.collector, peer: item.peer), of: made.record.id)
                    }
                }
                for firing in draft.stored { try change.put(firing) }
                // Of several notable changes in one call only the last is told: it contains the others.
                var told: Set<String> = []
                let latest = draft.changes.reversed().filter { $0.isNotable && told.insert($0.record.id).inserted }
                for made in latest.reversed() {
                    for sink in sinks {
                        try change.enqueue(
                            OutboxItem(
                                sink: sink, incident: made.record.id, revision: made.record.revision,
                                subject: made.subject,
                                payload: made.notification))
                    }
                }
                if let checkpoint { try change.setCheckpoint(checkpoint.name, checkpoint.value) }
            }
        }
        for (id, incident) in draft.incidents {
            held[id] = incident
            held[id]?.turn = turn
        }
        turn += 1
        while held.count > max(1, settings.limits.inMemory),
            let oldest = held.min(by: { ($0.value.turn, $0.key) < ($1.value.turn, $1.key) })
        {
            held[oldest.key] = nil
        }
    }

    private static func sum(_ a: Int64, _ b: Int64) -> Int64 {
        let (sum, over) = a.addingReportingOverflow(b)
        return over ? (b < 0 ? .min : .max) : sum
    }
}

extension StoredIncident {
    fileprivate init(_ change: IncidentChange) {
        let record = change.record
        self.init(
            id: record.id, uid: record.uid, revision: record.revision, status: record.status.rawValue,
            severity: record.severity.rank, first: record.times.started.nanoseconds,
            last: (record.times.lastEvent ?? record.times.started).nanoseconds,
            updated: (record.times.lastReceived ?? record.times.started).nanoseconds, actor: record.actor.key,
            isOpen: record.status.isOpen, hash: change.hash, json: change.json)
    }
}
