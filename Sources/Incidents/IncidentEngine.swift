// SPDX-License-Identifier: Apache-2.0
public import Events
public import Store
internal import Wire

/// Why an analyst's change was refused.
public enum IncidentError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no incident of that id.
    case unknown(id: String)
    /// Several incidents have an id that begins so.
    case ambiguous(id: String, found: [String])
    /// As the incident stands, this cannot be done.
    case refused(id: String, reason: String)
    /// What was given cannot be taken.
    case unfit(String)

    /// What was wrong, in one line.
    public var description: String {
        switch self {
        case .unknown(let id): "there is no incident \(id)"
        case .ambiguous(let id, let found): "\(id) may be \(found.joined(separator: " or "))"
        case .refused(let id, let reason): "\(id): \(reason)"
        case .unfit(let reason): reason
        }
    }
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
    var held: [String: Held] = [:]
    var turn = 0
    /// The state of the file that memory is good for.
    var seen: Int64 = -1

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
        /// Whether the service is to send the changes out.
        var isAnnounced = false
        /// Firings that go to another incident.
        var moved: [(firing: String, incident: String)] = []
    }

    /// ATT&CK's names and relations.
    public var catalog: AttackCatalog { knowledge.catalog }

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
    /// They are taken in the order in which the correlator told them, which is that of event time however its calls were
    /// cut. The first to come for an actor without an open incident founds one and fixes its id.
    ///
    /// - Parameter checkpoint: a value to keep in the same transaction, such as the correlator's position.
    /// - Returns: one change for each firing taken, in that order.
    public mutating func accept(
        _ firings: [Firing], checkpoint: (name: String, value: [UInt8])? = nil
    ) throws -> [IncidentChange] {
        return try again { engine in
            var draft = Draft()
            for firing in firings { try engine.take(firing, &draft) }
            try engine.keep(draft, checkpoint)
            return draft.changes
        }
    }

    /// Carries out what an analyst orders: a new revision with its steps in the log.
    ///
    /// - Parameters:
    ///   - by: who orders it.
    ///   - time: when, in nanoseconds since the epoch.
    ///   - announced: whether the service, which is another process, is to send the revision out.
    @discardableResult
    public mutating func order(
        _ order: IncidentOrder, of id: String, by: String, at time: Int64, announced: Bool = false
    ) throws -> IncidentChange {
        try revise(id, by: by, at: time, announced: announced) { record in
            try record.carry(out: order, by: by, at: Moment(time))
        }
    }

    /// Makes an analyst's change: a new revision with what `edit` did, and what follows from it brought up to date.
    ///
    /// - Parameters:
    ///   - by: who makes it.
    ///   - time: when, in nanoseconds since the epoch.
    ///   - announced: whether the service, which is another process, is to send the revision out.
    public mutating func revise(
        _ id: String, by: String, at time: Int64, announced: Bool = false, _ edit: (inout IncidentRecord) throws -> Void
    ) throws -> IncidentChange {
        try again { engine in
            guard let held = try engine.incident(id, Draft()) else { throw IncidentError.unknown(id: id) }
            var record = held.record
            try edit(&record)
            record.protect(held.record)
            if record.status != held.record.status, record.times.changes.count == held.record.times.changes.count {
                record.change(from: held.record.status, by: by, at: Moment(time))
            }
            record.restate(
                settings: engine.settings, catalog: engine.knowledge.catalog,
                impacts: record.impact != held.record.impact)
            var draft = Draft()
            draft.isAnnounced = announced
            try engine.finish(record, after: held, kind: .updated, isNotable: true, findings: [], evidence: [], &draft)
            try engine.keep(draft, nil)
            guard let change = draft.changes.first else { throw IncidentError.unknown(id: id) }
            return change
        }
    }

    /// Tries a change again while another process changes the same incident: its revision is never overwritten.
    mutating func again<Result>(_ body: (inout IncidentEngine) throws -> Result) throws -> Result {
        try refresh()
        for _ in 0..<IncidentEngine.attempts {
            do { return try body(&self) } catch StoreError.stale { held.removeAll() }
        }
        return try body(&self)
    }

    private static let attempts = 16

    private func take(_ firing: Firing, _ draft: inout Draft) throws {
        let known = try taken(firing.id, draft)
        // What a stop had told early is told again, with what has come since; what a late event undid has a revision more.
        if let known, (known.revision, known.count) >= (firing.revision, firing.count) { return }
        let facts = firing.hits.map(EventFacts.init)
        let actor = actor(of: firing, facts)
        if let found = try suppressing(firing, actor.actor, known: known?.incident, draft) {
            try count(firing, facts, in: found, known: known?.count, &draft)
            return
        }
        var before: Held?
        var link: (held: Held, why: String)?
        if let known {
            before = try incident(known.incident, draft)
        } else if let open = try open(actor.actor, firing, draft) {
            before = open
        } else {
            link = try linked(actor.actor, firing, facts, draft)
            before = try link?.held ?? closed(actor.actor, firing, draft)
        }
        var record = try before?.record ?? found(firing, actor.actor, draft)
        if let link {
            record.join(.init(kind: actor.actor.kind, value: actor.actor.value, why: link.why))
        }
        if goesOn(record, after: firing) {
            record.open(
                again: "it goes on", by: "penstock, rule \(clip(firing.rule.name, 96))", at: Moment(firing.seen))
        }
        if let guarded = actor.guarded, !record.coverage.guards.contains(guarded) {
            record.coverage.guards = (record.coverage.guards + [guarded]).sorted()
        }
        for (isSo, note) in [
            (firing.isIncomplete, "events were evicted from windows of rule"),
            (firing.isApproximate, "the number of different values is an estimate in rule"),
            (firing.isWithdrawn, "a late event undid a firing of rule"),
        ] where isSo {
            let text = "\(note) \(clip(firing.rule.name, 96))"
            if !record.coverage.guards.contains(text) {
                record.coverage.guards = (record.coverage.guards + [text]).sorted()
            }
        }
        let old = before?.record
        let evidence = record.absorb(
            firing, facts: facts, known: known?.count, settings: settings, knowledge: knowledge)
        record.estimate(firing: firing.id, settings: settings, knowledge: knowledge)
        if old == nil {
            let by = "penstock, rule \(record.declaredBy.name)"
            record.change(from: nil, by: by, at: Moment(firing.time))
            record.log("opened", record.declaredBy.criterion, by: by, at: Moment(firing.time))
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

    func finish(
        _ revised: IncidentRecord, after before: Held?, kind: IncidentChange.Kind, isNotable: Bool,
        findings made: [[UInt8]],
        evidence: [(sha256: String, evidence: Evidence)], _ draft: inout Draft
    ) throws {
        var record = revised
        record.revision += 1
        record.prevHash = before?.hash
        try record.seal(after: before?.record.actions ?? [])
        let json = try record.json()
        let hash = Digest.sha256(json)
        draft.incidents[record.id] = Held(record: record, hash: hash, turn: turn)
        draft.changes.append(
            change(
                record, json: json, hash: hash, kind: kind, isNotable: isNotable, findings: made, evidence: evidence))
    }

    /// What is delivered of a revision.
    func change(
        _ record: IncidentRecord, json: [UInt8], hash: String, kind: IncidentChange.Kind, isNotable: Bool,
        findings made: [[UInt8]], evidence: [(sha256: String, evidence: Evidence)]
    ) -> IncidentChange {
        let key = "\(settings.prefix)\(record.id).json"
        let subject = findings.subject(record)
        return IncidentChange(
            record: record, kind: kind, isNotable: isNotable, json: json, hash: hash, objectKey: key,
            detectionFindings: made, incidentFinding: findings.incident(record, hash: hash, objectKey: key),
            subject: subject,
            notification: Notification.body(record, kind: kind, subject: subject, hash: hash, objectKey: key),
            evidence: evidence)
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
