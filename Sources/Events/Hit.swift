// SPDX-License-Identifier: Apache-2.0

/// The original bytes behind an event: what an investigator needs to check our reading.
public struct Evidence: Sendable, Equatable {
    /// What the bytes are.
    public enum Kind: String, Sendable, Codable {
        /// A syslog message as received, framing removed.
        case syslog
        /// A link-layer frame as captured.
        case packet
        /// A line of a file.
        case line
    }

    /// What the bytes are.
    public var kind: Kind
    /// The bytes.
    public var bytes: [UInt8]
    /// When they were received, in nanoseconds since the epoch.
    public var received: Int64
    /// The listener, interface or file that took them.
    public var collector: String
    /// The sender's address, or empty.
    public var peer: String

    /// Evidence.
    public init(kind: Kind, bytes: [UInt8], received: Int64, collector: String, peer: String) {
        self.kind = kind
        self.bytes = bytes
        self.received = received
        self.collector = collector
        self.peer = peer
    }
}

/// An event that at least one rule matched, on its way from a lane to the correlator. Few events get here.
public struct Hit: Sendable {
    /// The ids of the detection rules that matched.
    public var rules: [String]
    /// The event's uid: the value of its `metadata.uid`.
    public var uid: String
    /// The event's own time in nanoseconds since the epoch.
    public var time: Int64
    /// When it was received, in nanoseconds since the epoch.
    public var received: Int64
    /// The event as OCSF JSON.
    public var event: [UInt8]
    /// The bytes it was made of.
    public var evidence: [Evidence]
    /// Where the frame stands in the journal that the event was made at, its last one; nil without a journal.
    public var position: JournalPosition?
    /// Whether it was made of messages that waited in vain for the rest of their event: at no frame's turn. Its position is
    /// that of the first of them, and hits of later frames may have come before it.
    public var isOutOfTurn = false

    /// A hit.
    public init(
        rules: [String], uid: String, time: Int64, received: Int64, event: [UInt8], evidence: [Evidence],
        position: JournalPosition? = nil
    ) {
        self.rules = rules
        self.uid = uid
        self.time = time
        self.received = received
        self.event = event
        self.evidence = evidence
        self.position = position
    }
}

/// What the correlator says: a rule fired for a group, or a firing that is open grew.
public struct Firing: Sendable {
    /// The rule's facts that findings and incidents carry on.
    public struct Rule: Sendable, Equatable {
        /// Its id, or its name when it has none.
        public var id: String
        /// Its name (`CROSS_ZONE_VIOLATION`), or its title when it has none.
        public var name: String
        /// Its title.
        public var title: String
        /// Its description.
        public var description: String
        /// Its level: informational, low, medium, high or critical.
        public var level: String
        /// Its tags in lower case, such as `attack.t0886`.
        public var tags: [String]
        /// The SHA-256 of the rule's content, in hex.
        public var contentHash: String
        /// The criterion in words: the condition with its threshold and window.
        public var criterion: String
        /// Known false positives.
        public var falsePositives: [String]
        /// What its author says to do.
        public var response: Response

        /// A rule's facts.
        public init(
            id: String, name: String, title: String, description: String, level: String, tags: [String],
            contentHash: String, criterion: String, falsePositives: [String],
            response: Response = Response()
        ) {
            self.id = id
            self.name = name
            self.title = title
            self.description = description
            self.level = level
            self.tags = tags
            self.contentHash = contentHash
            self.criterion = criterion
            self.falsePositives = falsePositives
            self.response = response
        }
    }

    /// Its id: SHA-256 over rule, content hash, group and first event, in hex; kept by revisions.
    public var id: String
    /// 1 at first, one more at each growth.
    public var revision: Int
    /// The rule.
    public var rule: Rule
    /// The group's fields and values, in the order of the rule.
    public var group: [(field: String, value: String)]
    /// The event time at which it fired, in nanoseconds.
    public var time: Int64
    /// The earliest event time in it.
    public var first: Int64
    /// The latest event time in it.
    public var last: Int64
    /// The number of events in it.
    public var count: Int
    /// The events new in this revision, oldest first; bounded by the correlator.
    public var packedHits: [PackedHit]
    /// Events that belong to it and are not in `hits` of any revision because of a bound.
    public var omitted: Int
    /// Whether its number of different values is an estimate.
    public var isApproximate = false
    /// Whether a bound took events of its group that may have belonged to it.
    public var isIncomplete = false
    /// Whether a late event undid it: it counts no events any more.
    public var isWithdrawn = false

    /// A firing.
    public init(
        id: String, revision: Int, rule: Rule, group: [(field: String, value: String)], time: Int64, first: Int64,
        last: Int64, count: Int, hits: [Hit], omitted: Int = 0
    ) {
        self.id = id
        self.revision = revision
        self.rule = rule
        self.group = group
        self.time = time
        self.first = first
        self.last = last
        self.count = count
        packedHits = hits.map { PackedHit($0) }
        self.omitted = omitted
    }

    /// The events new in this revision, oldest first. Each reading unpacks them.
    public var hits: [Hit] {
        get { packedHits.map(\.hit) }
        set { packedHits = newValue.map { PackedHit($0) } }
    }
}
