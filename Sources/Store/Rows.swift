// SPDX-License-Identifier: Apache-2.0

/// An incident as it is stored: what lists and look-ups need, beside the record itself.
public struct StoredIncident: Sendable, Equatable {
    /// Its id, such as `INC-3F2A9C1B`.
    public var id: String
    /// The full identifier, 32 hexadecimal digits.
    public var uid: String
    /// The revision of `json`.
    public var revision: Int
    /// Its status.
    public var status: String
    /// Its severity: 1 informational to 5 critical.
    public var severity: Int
    /// Its first event time, in nanoseconds since the epoch.
    public var first: Int64
    /// Its last event time, in nanoseconds since the epoch.
    public var last: Int64
    /// When what changed it last was received, in nanoseconds since the epoch.
    public var updated: Int64
    /// What its firings have in common, such as `address:172.24.0.66`.
    public var actor: String
    /// Whether further firings may join it.
    public var isOpen: Bool
    /// The SHA-256 of `json`, in hex.
    public var hash: String
    /// The record as canonical JSON.
    public var json: [UInt8]

    /// A row.
    public init(
        id: String, uid: String, revision: Int, status: String, severity: Int, first: Int64, last: Int64,
        updated: Int64, actor: String, isOpen: Bool, hash: String, json: [UInt8]
    ) {
        self.id = id
        self.uid = uid
        self.revision = revision
        self.status = status
        self.severity = severity
        self.first = first
        self.last = last
        self.updated = updated
        self.actor = actor
        self.isOpen = isOpen
        self.hash = hash
        self.json = json
    }
}

/// One link of an incident's hash chain.
public struct StoredRevision: Sendable, Equatable {
    /// The revision, from 1.
    public var revision: Int
    /// The SHA-256 of its record, in hex.
    public var hash: String
    /// Its record; nil for a superseded revision that only added counts.
    public var json: [UInt8]?

    /// A link.
    public init(revision: Int, hash: String, json: [UInt8]?) {
        self.revision = revision
        self.hash = hash
        self.json = json
    }
}

/// A firing that an incident has taken in.
public struct StoredFiring: Sendable, Equatable {
    /// The firing's id.
    public var id: String
    /// The incident that took it.
    public var incident: String
    /// The rule's id.
    public var rule: String
    /// The revision taken last.
    public var revision: Int
    /// Its number of events.
    public var count: Int
    /// Its OCSF Detection Finding (class 2004), newest revision.
    public var finding: [UInt8]

    /// A row.
    public init(id: String, incident: String, rule: String, revision: Int, count: Int, finding: [UInt8]) {
        self.id = id
        self.incident = incident
        self.rule = rule
        self.revision = revision
        self.count = count
        self.finding = finding
    }
}

/// The original bytes behind an event of an incident.
public struct StoredEvidence: Sendable, Equatable {
    /// Their SHA-256, in hex: the key.
    public var sha256: String
    /// What they are: syslog, packet or line.
    public var kind: String
    /// The bytes.
    public var bytes: [UInt8]
    /// When they were received, in nanoseconds since the epoch.
    public var received: Int64
    /// The listener, interface or file that took them.
    public var collector: String
    /// The sender's address, or empty.
    public var peer: String

    /// A row.
    public init(sha256: String, kind: String, bytes: [UInt8], received: Int64, collector: String, peer: String) {
        self.sha256 = sha256
        self.kind = kind
        self.bytes = bytes
        self.received = received
        self.collector = collector
        self.peer = peer
    }
}

/// A notification that waits to be delivered; it stays until ``StateStore`` is told of its delivery.
public struct OutboxItem: Sendable, Equatable {
    /// Its number: the order of delivery; 0 until stored.
    public var sequence: Int64
    /// The name of the output.
    public var sink: String
    /// The incident.
    public var incident: String
    /// The incident's revision.
    public var revision: Int
    /// The one-line subject.
    public var subject: String
    /// The body.
    public var payload: [UInt8]
    /// How often delivery has failed.
    public var attempts: Int
    /// Not to be tried before this time, in nanoseconds since the epoch.
    public var nextAttempt: Int64
    /// Why delivery failed last, or empty.
    public var error: String

    /// An item that is due at once.
    public init(
        sequence: Int64 = 0, sink: String, incident: String, revision: Int, subject: String, payload: [UInt8],
        attempts: Int = 0, nextAttempt: Int64 = 0, error: String = ""
    ) {
        self.sequence = sequence
        self.sink = sink
        self.incident = incident
        self.revision = revision
        self.subject = subject
        self.payload = payload
        self.attempts = attempts
        self.nextAttempt = nextAttempt
        self.error = error
    }
}

/// A notification that was delivered, or given up.
public struct StoredDelivery: Sendable, Equatable {
    /// The output.
    public var sink: String
    /// The incident.
    public var incident: String
    /// The incident's revision.
    public var revision: Int
    /// When, in nanoseconds since the epoch.
    public var time: Int64
    /// The number of attempts it took.
    public var attempts: Int
    /// `delivered`, or why it was given up.
    public var result: String

    /// A row.
    public init(sink: String, incident: String, revision: Int, time: Int64, attempts: Int, result: String) {
        self.sink = sink
        self.incident = incident
        self.revision = revision
        self.time = time
        self.attempts = attempts
        self.result = result
    }
}
