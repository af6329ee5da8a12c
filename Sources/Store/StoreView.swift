// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import GRDB

/// What can be looked up; valid inside the closure that ``StateStore/look(_:)`` calls.
public struct StoreView {
    let database: Database

    /// The incident of that id, or nil.
    public func incident(_ id: String) throws -> StoredIncident? {
        try Row.fetchOne(database, sql: "SELECT * FROM incidents WHERE id = ?", arguments: [id]).map(
            StoredIncident.init)
    }

    /// The incidents whose id begins with `prefix`, at most `limit`, by id.
    public func incidents(prefix: String, limit: Int) throws -> [StoredIncident] {
        try Row.fetchAll(
            database, sql: "SELECT * FROM incidents WHERE substr(id, 1, ?) = ? ORDER BY id LIMIT ?",
            arguments: [prefix.count, prefix, limit]
        ).map(StoredIncident.init)
    }

    /// The ids of all incidents.
    public func incidentIDs() throws -> [String] {
        try String.fetchAll(database, sql: "SELECT id FROM incidents ORDER BY id")
    }

    /// A number that changes when another connection has changed the file.
    public func version() throws -> Int64 { try Int64.fetchOne(database, sql: "PRAGMA data_version") ?? 0 }

    /// The revisions that another process made and the service has not sent out yet, oldest first.
    public func announcements(limit: Int) throws -> [(incident: String, revision: Int)] {
        try Row.fetchAll(
            database, sql: "SELECT incident, revision FROM announcements ORDER BY incident, revision LIMIT ?",
            arguments: [limit]
        ).map { ($0["incident"], $0["revision"]) }
    }

    /// The record of one revision; nil when it is not there or was let go.
    public func record(of incident: String, revision: Int) throws -> (hash: String, json: [UInt8])? {
        try Row.fetchOne(
            database,
            sql: "SELECT hash, json FROM incident_revisions WHERE incident = ? AND revision = ? AND json IS NOT NULL",
            arguments: [incident, revision]
        ).map { ($0["hash"], [UInt8]($0["json"] as Data)) }
    }

    /// The incident that suppresses this fingerprint, and until when, in nanoseconds since the epoch; or nil.
    public func suppression(_ fingerprint: String) throws -> (incident: String, until: Int64)? {
        try Row.fetchOne(
            database, sql: "SELECT incident, until FROM suppressions WHERE fingerprint = ?", arguments: [fingerprint]
        ).map { ($0["incident"], $0["until"]) }
    }

    /// The incidents of one actor whose time lies within `first` to `last`, oldest first.
    public func incidents(actor: String, first: Int64, last: Int64) throws -> [StoredIncident] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT incidents.* FROM incident_entities JOIN incidents ON incidents.id = incident
                WHERE entity = ? AND first <= ? AND last >= ? ORDER BY first, id
                """, arguments: [actor, last, first]
        ).map(StoredIncident.init)
    }

    /// The latest incident of one actor that began no later than `time`, or nil.
    public func latest(actor: String, before time: Int64) throws -> StoredIncident? {
        try Row.fetchOne(
            database,
            sql: """
                SELECT incidents.* FROM incident_entities JOIN incidents ON incidents.id = incident
                WHERE entity = ? AND first <= ? ORDER BY last DESC, id DESC LIMIT 1
                """, arguments: [actor, time]
        ).map(StoredIncident.init)
    }

    /// The newest incidents, latest event first.
    public func incidents(limit: Int) throws -> [StoredIncident] {
        try Row.fetchAll(
            database, sql: "SELECT * FROM incidents ORDER BY last DESC, id LIMIT ?", arguments: [limit]
        ).map(StoredIncident.init)
    }

    /// An incident's hash chain, oldest first.
    public func revisions(of incident: String) throws -> [StoredRevision] {
        try Row.fetchAll(
            database, sql: "SELECT revision, hash, json FROM incident_revisions WHERE incident = ? ORDER BY revision",
            arguments: [incident]
        ).map {
            StoredRevision(revision: $0["revision"], hash: $0["hash"], json: ($0["json"] as Data?).map { [UInt8]($0) })
        }
    }

    /// The firing of that id, or nil.
    public func firing(_ id: String) throws -> StoredFiring? {
        try Row.fetchOne(database, sql: "SELECT * FROM firings WHERE id = ?", arguments: [id]).map(StoredFiring.init)
    }

    /// The firings that an incident took in, by id.
    public func firings(of incident: String) throws -> [StoredFiring] {
        try Row.fetchAll(database, sql: "SELECT * FROM firings WHERE incident = ? ORDER BY id", arguments: [incident])
            .map(StoredFiring.init)
    }

    /// The evidence with that SHA-256, or nil.
    public func evidence(_ sha256: String) throws -> StoredEvidence? {
        try Row.fetchOne(database, sql: "SELECT * FROM evidence WHERE sha256 = ?", arguments: [sha256])
            .map(StoredEvidence.init)
    }

    /// The SHA-256 of all evidence of an incident, sorted.
    public func evidence(of incident: String) throws -> [String] {
        try String.fetchAll(
            database, sql: "SELECT sha256 FROM incident_evidence WHERE incident = ? ORDER BY sha256",
            arguments: [incident])
    }

    /// The notifications of `sink` that are due at `now`, in the order of delivery.
    public func due(sink: String, now: Int64, limit: Int) throws -> [OutboxItem] {
        try Row.fetchAll(
            database,
            sql: "SELECT * FROM outbox WHERE sink = ? AND next_attempt <= ? ORDER BY sequence LIMIT ?",
            arguments: [sink, now, limit]
        ).map(OutboxItem.init)
    }

    /// The number of notifications that wait, by output.
    public func waiting() throws -> [String: Int] {
        let rows = try Row.fetchAll(database, sql: "SELECT sink, count(*) AS waiting FROM outbox GROUP BY sink")
        return Dictionary(rows.map { ($0["sink"] as String, $0["waiting"] as Int) }) { first, _ in first }
    }

    /// The deliveries of an incident's notifications, in their order.
    public func deliveries(of incident: String) throws -> [StoredDelivery] {
        try Row.fetchAll(
            database, sql: "SELECT * FROM deliveries WHERE incident = ? ORDER BY sequence", arguments: [incident]
        ).map {
            StoredDelivery(
                sink: $0["sink"], incident: $0["incident"], revision: $0["revision"], time: $0["time"],
                attempts: $0["attempts"], result: $0["result"])
        }
    }

    /// The value kept under `name`, or nil.
    public func checkpoint(_ name: String) throws -> [UInt8]? {
        try Data.fetchOne(database, sql: "SELECT value FROM checkpoints WHERE name = ?", arguments: [name]).map {
            [UInt8]($0)
        }
    }

    /// How many bytes the parts kept under `name` have in all.
    public func checkpointPartBytes(_ name: String) throws -> Int {
        try Int.fetchOne(
            database, sql: "SELECT coalesce(sum(length(value)), 0) FROM checkpoint_parts WHERE name = ?",
            arguments: [name]) ?? 0
    }

    /// One part of the value kept under `name`, or nil.
    public func checkpoint(_ name: String, part: Int) throws -> [UInt8]? {
        try Data.fetchOne(
            database, sql: "SELECT value FROM checkpoint_parts WHERE name = ? AND part = ?", arguments: [name, part]
        ).map { [UInt8]($0) }
    }
}

extension StoredIncident {
    init(_ row: Row) {
        self.init(
            id: row["id"], uid: row["uid"], revision: row["revision"], status: row["status"], severity: row["severity"],
            first: row["first"], last: row["last"], updated: row["updated"], actor: row["actor"],
            isOpen: row["is_open"],
            hash: row["hash"], json: [UInt8](row["json"] as Data))
    }
}

extension StoredFiring {
    init(_ row: Row) {
        self.init(
            id: row["id"], incident: row["incident"], rule: row["rule"], revision: row["revision"], count: row["count"],
            finding: [UInt8](row["finding"] as Data))
    }
}

extension StoredEvidence {
    init(_ row: Row) {
        self.init(
            sha256: row["sha256"], kind: row["kind"], bytes: [UInt8](row["bytes"] as Data), received: row["received"],
            collector: row["collector"], peer: row["peer"])
    }
}

extension OutboxItem {
    init(_ row: Row) {
        self.init(
            sequence: row["sequence"], sink: row["sink"], incident: row["incident"], revision: row["revision"],
            subject: row["subject"], payload: [UInt8](row["payload"] as Data), attempts: row["attempts"],
            nextAttempt: row["next_attempt"], error: row["error"])
    }
}
