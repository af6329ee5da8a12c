// SPDX-License-Identifier: Apache-2.0
internal import GRDB

/// The tables, as migrations: one is never changed once released, a new one is added.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 incidents, evidence, outbox, checkpoints") { try $0.execute(sql: first) }
        migrator.registerMigration("2 announcements, suppressions") { try $0.execute(sql: second) }
        migrator.registerMigration("3 checkpoints in parts") { try $0.execute(sql: third) }
        return migrator
    }

    private static let first = """
        CREATE TABLE incidents (
            id TEXT PRIMARY KEY, uid TEXT NOT NULL, revision INTEGER NOT NULL, status TEXT NOT NULL,
            severity INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, updated INTEGER NOT NULL,
            actor TEXT NOT NULL, is_open INTEGER NOT NULL, hash TEXT NOT NULL, json BLOB NOT NULL) STRICT;
        CREATE INDEX incidents_last ON incidents (last);
        CREATE TABLE incident_revisions (
            incident TEXT NOT NULL, revision INTEGER NOT NULL, hash TEXT NOT NULL, is_notable INTEGER NOT NULL,
            json BLOB, PRIMARY KEY (incident, revision)) STRICT;
        CREATE TABLE incident_entities (
            entity TEXT NOT NULL, incident TEXT NOT NULL, PRIMARY KEY (entity, incident)) STRICT, WITHOUT ROWID;
        CREATE INDEX incident_entities_incident ON incident_entities (incident);
        CREATE TABLE firings (
            id TEXT PRIMARY KEY, incident TEXT NOT NULL, rule TEXT NOT NULL, revision INTEGER NOT NULL,
            count INTEGER NOT NULL, finding BLOB NOT NULL) STRICT;
        CREATE INDEX firings_incident ON firings (incident);
        CREATE TABLE evidence (
            sha256 TEXT PRIMARY KEY, kind TEXT NOT NULL, bytes BLOB NOT NULL, received INTEGER NOT NULL,
            collector TEXT NOT NULL, peer TEXT NOT NULL) STRICT;
        CREATE TABLE incident_evidence (
            incident TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (incident, sha256)) STRICT, WITHOUT ROWID;
        CREATE TABLE outbox (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL, incident TEXT NOT NULL,
            revision INTEGER NOT NULL, subject TEXT NOT NULL, payload BLOB NOT NULL, attempts INTEGER NOT NULL,
            next_attempt INTEGER NOT NULL, error TEXT NOT NULL) STRICT;
        CREATE UNIQUE INDEX outbox_once ON outbox (sink, incident, revision);
        CREATE TABLE deliveries (
            sequence INTEGER PRIMARY KEY, sink TEXT NOT NULL, incident TEXT NOT NULL, revision INTEGER NOT NULL,
            time INTEGER NOT NULL, attempts INTEGER NOT NULL, result TEXT NOT NULL) STRICT;
        CREATE INDEX deliveries_incident ON deliveries (incident);
        CREATE TABLE checkpoints (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
        """

    private static let second = """
        CREATE TABLE announcements (
            incident TEXT NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (incident, revision)) STRICT, WITHOUT ROWID;
        CREATE TABLE suppressions (
            fingerprint TEXT PRIMARY KEY, incident TEXT NOT NULL, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        """

    private static let third = """
        CREATE TABLE checkpoint_parts (
            name TEXT NOT NULL, part INTEGER NOT NULL, value BLOB NOT NULL, PRIMARY KEY (name, part)) STRICT;
        """
}
