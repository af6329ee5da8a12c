// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import GRDB

/// What can be changed; valid inside the closure that ``StateStore/change(_:)`` calls.
public struct StoreChange {
    let database: Database

    /// What can be looked up, this change included.
    public var view: StoreView { StoreView(database: database) }

    /// Stores an incident's new revision and its link in the hash chain.
    ///
    /// The bodies of revisions that only added counts are let go when a newer one comes; their hashes stay, so the chain
    /// can still be followed and a flood does not fill the disk with copies.
    ///
    /// It must follow on the stored one: another process may have made a revision meanwhile, which is never overwritten.
    public func put(_ incident: StoredIncident, isNotable: Bool) throws {
        let stored = try Int.fetchOne(
            database, sql: "SELECT revision FROM incidents WHERE id = ?", arguments: [incident.id])
        guard (stored ?? 0) == incident.revision - 1 else { throw StoreError.stale(path: "", incident: incident.id) }
        let json = Data(incident.json)
        try database.execute(
            sql: "UPDATE incident_revisions SET json = NULL WHERE incident = ? AND revision = ? AND NOT is_notable",
            arguments: [incident.id, incident.revision - 1])
        try database.execute(
            sql: """
                INSERT INTO incidents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, status = excluded.status,
                severity = excluded.severity, first = excluded.first, last = excluded.last, updated = excluded.updated,
                is_open = excluded.is_open, hash = excluded.hash, json = excluded.json
                """,
            arguments: [
                incident.id, incident.uid, incident.revision, incident.status, incident.severity, incident.first,
                incident.last, incident.updated, incident.actor, incident.isOpen, incident.hash, json,
            ])
        try database.execute(
            sql: "INSERT INTO incident_revisions VALUES (?, ?, ?, ?, ?)",
            arguments: [incident.id, incident.revision, incident.hash, isNotable, json])
        try database.execute(
            sql: "INSERT OR IGNORE INTO incident_entities VALUES (?, ?)", arguments: [incident.actor, incident.id])
    }

    /// Notes that a revision is to be sent out by the service.
    public func announce(_ incident: String, revision: Int) throws {
        try database.execute(
            sql: "INSERT OR IGNORE INTO announcements VALUES (?, ?)", arguments: [incident, revision])
    }

    /// Notes that a revision was sent out.
    public func announced(_ incident: String, revision: Int) throws {
        try database.execute(
            sql: "DELETE FROM announcements WHERE incident = ? AND revision = ?", arguments: [incident, revision])
    }

    /// Lets `incident` take in firings of this fingerprint until a time, in nanoseconds since the epoch.
    public func suppress(_ fingerprint: String, by incident: String, until: Int64) throws {
        try database.execute(
            sql: """
                INSERT INTO suppressions VALUES (?, ?, ?) ON CONFLICT (fingerprint) DO UPDATE SET
                incident = excluded.incident, until = excluded.until
                """, arguments: [fingerprint, incident, until])
    }

    /// Ends a suppression.
    public func unsuppress(_ fingerprint: String) throws {
        try database.execute(sql: "DELETE FROM suppressions WHERE fingerprint = ?", arguments: [fingerprint])
    }

    /// Moves a firing to another incident.
    public func move(firing: String, to incident: String) throws {
        try database.execute(
            sql: "UPDATE firings SET incident = ? WHERE id = ?", arguments: [incident, firing])
    }

    /// Lets an incident be found by a further actor.
    public func add(entity: String, of incident: String) throws {
        try database.execute(
            sql: "INSERT OR IGNORE INTO incident_entities VALUES (?, ?)", arguments: [entity, incident])
    }

    /// Notes that evidence belongs to an incident too.
    public func share(evidence sha256: String, with incident: String) throws {
        try database.execute(
            sql: "INSERT OR IGNORE INTO incident_evidence VALUES (?, ?)", arguments: [incident, sha256])
    }

    /// Stores a firing, or its newer revision.
    public func put(_ firing: StoredFiring) throws {
        try database.execute(
            sql: """
                INSERT INTO firings VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
                revision = excluded.revision, count = excluded.count, finding = excluded.finding
                """,
            arguments: [firing.id, firing.incident, firing.rule, firing.revision, firing.count, Data(firing.finding)])
    }

    /// Stores evidence of an incident; bytes that are there already are kept once.
    public func put(_ evidence: StoredEvidence, of incident: String) throws {
        try database.execute(
            sql: "INSERT OR IGNORE INTO evidence VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [
                evidence.sha256, evidence.kind, Data(evidence.bytes), evidence.received, evidence.collector,
                evidence.peer,
            ])
        try database.execute(
            sql: "INSERT OR IGNORE INTO incident_evidence VALUES (?, ?)", arguments: [incident, evidence.sha256])
    }

    /// Puts a notification in the outbox, once for each output and revision.
    public func enqueue(_ item: OutboxItem) throws {
        try database.execute(
            sql: """
                INSERT OR IGNORE INTO outbox (sink, incident, revision, subject, payload, attempts, next_attempt, error)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                item.sink, item.incident, item.revision, item.subject, Data(item.payload), item.attempts,
                item.nextAttempt,
                item.error,
            ])
    }

    /// Takes a notification out of the outbox and notes how it ended: `delivered`, or why it was given up.
    public func finish(_ item: OutboxItem, at time: Int64, result: String = "delivered") throws {
        try database.execute(sql: "DELETE FROM outbox WHERE sequence = ?", arguments: [item.sequence])
        guard database.changesCount > 0 else { return }
        try database.execute(
            sql: "INSERT INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?)",
            arguments: [item.sequence, item.sink, item.incident, item.revision, time, item.attempts + 1, result])
    }

    /// Notes that delivery failed and when to try again.
    public func postpone(_ item: OutboxItem, until time: Int64, error: String) throws {
        try database.execute(
            sql: "UPDATE outbox SET attempts = attempts + 1, next_attempt = ?, error = ? WHERE sequence = ?",
            arguments: [time, error, item.sequence])
    }

    /// Keeps a value under `name`, in place of the one before.
    public func setCheckpoint(_ name: String, _ value: [UInt8]) throws {
        try execute(
            "INSERT INTO checkpoints VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [name, Data(value)])
    }

    /// Keeps part number `part` of a value that is too large to be held twice, in place of the one before.
    public func setCheckpoint(_ name: String, part: Int, _ value: [UInt8]) throws {
        try execute(
            """
            INSERT INTO checkpoint_parts VALUES (?, ?, ?)
            ON CONFLICT (name, part) DO UPDATE SET value = excluded.value
            """,
            [name, part, Data(value)])
    }

    /// Lets the parts from number `count` on go: the value has that many.
    public func endCheckpoint(_ name: String, parts count: Int) throws {
        try execute("DELETE FROM checkpoint_parts WHERE name = ? AND part >= ?", [name, count])
    }

    /// Checkpoints are written each second: their statements are prepared once.
    private func execute(_ sql: String, _ arguments: StatementArguments) throws {
        try database.cachedStatement(sql: sql).execute(arguments: arguments)
    }
}
