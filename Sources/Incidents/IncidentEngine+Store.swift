// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Store

extension IncidentEngine {
    /// Forgets what is in memory when another process has changed the file.
    mutating func refresh() throws {
        guard let store else { return }
        let version = try store.look { try $0.version() }
        if version != seen { held.removeAll() }
        seen = version
    }

    /// Sends out the revisions that other processes made: `send` gets each, with the newest record as its object.
    ///
    /// One that `send` throws on, and those behind it, come again at the next call.
    public func announce(limit: Int = 64, _ send: (IncidentChange) throws -> Void) throws {
        guard let store else { return }
        for (id, revision) in try store.look({ try $0.announcements(limit: limit) }) {
            let (made, newest) = try store.look { (try $0.record(of: id, revision: revision), try $0.incident(id)) }
            if let made, let newest {
                let record = try IncidentRecord(json: made.json)
                var change = change(
                    record, json: made.json, hash: made.hash, kind: revision == 1 ? .created : .updated,
                    isNotable: true, findings: [], evidence: [])
                change.json = newest.json
                try send(change)
            }
            try store.change { try $0.announced(id, revision: revision) }
        }
    }

    /// The id of the one incident that `text` means: its id, with or without `INC-`, or the beginning of it.
    public func resolve(_ text: String) throws -> String {
        let wanted = text.uppercased()
        let prefix = wanted.hasPrefix("INC-") ? wanted : "INC-" + wanted
        let stored = try store?.look { try $0.incidents(prefix: prefix, limit: 5) }.map(\.id) ?? []
        let found = stored.isEmpty ? held.keys.filter { $0.hasPrefix(prefix) }.sorted() : stored
        if found.contains(prefix) { return prefix }
        guard let only = found.first, prefix.utf8.count > 4 else { throw IncidentError.unknown(id: text) }
        guard found.count == 1 else { throw IncidentError.ambiguous(id: text, found: found) }
        return only
    }

    /// The newest record of an incident.
    public mutating func record(_ id: String) throws -> IncidentRecord {
        try refresh()
        guard let held = try incident(id, Draft()) else { throw IncidentError.unknown(id: id) }
        return held.record
    }

    func incident(_ id: String, _ draft: Draft) throws -> Held? {
        if let found = draft.incidents[id] ?? held[id] { return found }
        guard let row = try store?.look({ try $0.incident(id) }) else { return nil }
        return Held(record: try IncidentRecord(json: row.json), hash: row.hash, turn: turn)
    }

    /// Where a firing went before, and its revision then.
    func taken(_ id: String, _ draft: Draft) throws -> (incident: String, revision: Int, count: Int)? {
        if let found = draft.firings[id] { return found }
        if let store { return try store.look { try $0.firing(id) }.map { ($0.incident, $0.revision, $0.count) } }
        for incident in held.values {
            if let detection = incident.record.detections.first(where: { $0.firing == id }) {
                return (incident.record.id, detection.revision, detection.count)
            }
        }
        return nil
    }

    /// Stores a call's changes in one transaction, then takes them into memory.
    mutating func keep(_ draft: Draft, _ checkpoint: (name: String, value: [UInt8])?) throws {
        if let store, !draft.changes.isEmpty || checkpoint != nil {
            let sinks = settings.sinks
            try store.change { change in
                for made in draft.changes {
                    try change.put(StoredIncident(made), isNotable: made.isNotable)
                    for actor in made.record.joined {
                        try change.add(entity: "\(actor.kind):\(actor.value)", of: made.record.id)
                    }
                    for mark in made.record.indicators
                    where made.isNotable && settings.joinsAccounts && mark.type == "account" {
                        try change.add(entity: "account:\(mark.value)", of: made.record.id)
                    }
                    // What it hit may act next.
                    for asset in made.record.affected where made.isNotable && asset.role != "source" {
                        try change.add(entity: "target:\(asset.address)", of: made.record.id)
                    }
                    if draft.isAnnounced { try change.announce(made.record.id, revision: made.record.revision) }
                    for (sha256, item) in made.evidence {
                        try change.put(
                            StoredEvidence(
                                sha256: sha256, kind: item.kind.rawValue, bytes: item.bytes, received: item.received,
                                collector: item.collector, peer: item.peer), of: made.record.id)
                    }
                }
                for firing in draft.stored { try change.put(firing) }
                for (firing, incident) in draft.moved { try change.move(firing: firing, to: incident) }
                for made in draft.changes where !draft.moved.isEmpty {
                    for item in made.record.evidence { try change.share(evidence: item.sha256, with: made.record.id) }
                }
                for made in draft.changes where made.record.news.contains(where: { $0.kind.hasSuffix("suppressed") }) {
                    for item in made.record.suppressions {
                        try change.suppress(item.fingerprint, by: made.record.id, until: item.until.nanoseconds)
                    }
                }
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
