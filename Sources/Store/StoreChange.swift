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
    public func put(_ incident: StoredIncident, isNotable: Bool) throws {
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
        try database.execute(
            sql: "INSERT INTO checkpoints VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            arguments: [name, Data(value)])
    }
}
