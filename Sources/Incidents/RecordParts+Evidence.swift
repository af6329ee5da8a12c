// SPDX-License-Identifier: Apache-2.0

extension IncidentRecord {
    /// One event of the incident.
    public struct TimelineEntry: Codable, Sendable, Equatable {
        /// The event's own time.
        public var time: Moment
        /// The time as the source wrote it, where it was kept.
        public var originalTime: String?
        /// The source's offset from UTC in minutes, where it is known.
        public var offsetMinutes: Int?
        /// The time that it claims, where that lies so far ahead of the receipt that the event was placed there.
        public var claimedTime: Moment?
        /// When it was received.
        public var received: Moment
        /// The event's uid.
        public var eventUid: String
        /// Who acted.
        public var source: String
        /// The asset that it was done to.
        public var asset: String
        /// The zones between them, such as `it_office -> ot_cell`.
        public var zones: String
        /// The names of the rules that it is listed for.
        public var rules: [String]
        /// The techniques of these rules.
        public var techniques: [String]
        /// What happened.
        public var text: String
        /// The SHA-256 of the bytes that it was made of.
        public var evidence: [String]
    }

    /// A device in the incident.
    public struct AffectedAsset: Codable, Sendable, Equatable {
        /// Its address.
        public var address: String
        /// Its asset id or name, where known.
        public var asset: String?
        /// Its zone.
        public var zone: String?
        /// Its Purdue level, such as `1` or `3.5`.
        public var level: String?
        /// How much depends on it.
        public var criticality: String?
        /// What it is: plc, hmi, historian, …
        public var kind: String?
        /// `source`, `target` or `source and target`.
        public var role: String
        /// Whether it controls the process: by level, by kind, or by the control protocol that it answers.
        public var isController: Bool
        /// Whether it is a safety system.
        public var isSafety: Bool
        /// What became of writes to it: refused, attempted (no answer seen) or accepted; nil without one.
        public var writes: String?
        /// CISA's location level, 1 to 7.
        public var cisaLocation: Int?
        /// Its first event in the incident.
        public var first: Moment
        /// Its last event in the incident.
        public var last: Moment
    }

    /// A device that may be next.
    public struct OtherTarget: Codable, Sendable, Equatable {
        /// Its address.
        public var address: String
        /// Why it may be.
        public var reason: String

        /// A device.
        public init(address: String, reason: String) {
            self.address = address
            self.reason = reason
        }
    }

    /// A mark by which the same activity can be found elsewhere.
    public struct Indicator: Codable, Sendable, Equatable {
        /// `address`, `account`, `hash`, `function`, `point` or `mac`.
        public var type: String
        /// The value.
        public var value: String
        /// When it was first seen.
        public var first: Moment
        /// When it was last seen.
        public var last: Moment
    }

    /// Original bytes, and where they are.
    public struct EvidenceItem: Codable, Sendable, Equatable {
        /// Their SHA-256.
        public var sha256: String
        /// What they are: syslog, packet or line.
        public var kind: String
        /// The object that holds them.
        public var object: String
        /// Where they begin in it.
        public var offset: Int
        /// How many they are.
        public var length: Int
        /// The event that was made of them.
        public var eventUid: String
        /// The bytes as text, or in Base64; nil above ``IncidentLimits/rawBytes``.
        public var raw: String?
        /// `text`, `base64`, or `object` when only the object holds them.
        public var encoding: String
        /// When they were received.
        public var collected: Moment
        /// The listener, interface or file that took them.
        public var receiver: String
        /// Who sent them.
        public var peer: String
        /// Where they are stored.
        public var stored: String
        /// Who handled them, in their order (RS.AN-07: integrity and provenance).
        public var custody: [Custody]
    }

    /// One link in the custody of evidence.
    public struct Custody: Codable, Sendable, Equatable {
        /// Who handled it.
        public var by: String
        /// What was done with it.
        public var what: String
        /// When.
        public var time: Moment
    }

    /// Whether data is kept from retention.
    public struct EvidenceHold: Codable, Sendable, Equatable {
        /// Whether it is.
        public var isHeld: Bool
        /// Why.
        public var reason: String
    }

    /// Another incident that has to do with this one.
    public struct Relation: Codable, Sendable, Equatable {
        /// Another incident has what this one had.
        static let mergedInto = "merged into"
        /// It has what the other one had.
        static let mergedFrom = "took in"
        /// It was part of the other one.
        static let splitFrom = "split from"
        /// Part of it became the other one.
        static let splitInto = "split into"
        /// Its id.
        public var id: String
        /// How it is related.
        public var relation: String
    }

    /// Whom to reach.
    public struct Contact: Codable, Sendable, Equatable {
        /// The zone that the contact is for.
        public var zone: String
        /// The person or group.
        public var name: String
        /// A telephone number or address.
        public var reach: String

        /// A contact.
        public init(zone: String, name: String, reach: String) {
            self.zone = zone
            self.name = name
            self.reach = reach
        }
    }

    /// A containment measure.
    public struct Measure: Codable, Sendable, Equatable {
        /// What.
        public var what: String
        /// emergency (hours), temporary (about two weeks) or permanent.
        public var duration: String
        /// By whom.
        public var by: String
        /// When.
        public var time: Moment

        /// A measure.
        public init(what: String, duration: String, by: String, time: Moment) {
            self.what = what
            self.duration = duration
            self.by = by
            self.time = time
        }
    }

    /// Someone was told.
    public struct Notice: Codable, Sendable, Equatable {
        /// Who, by which output.
        public var output: String
        /// When.
        public var time: Moment
        /// How it ended.
        public var result: String

        /// A notice.
        public init(output: String, time: Moment, result: String) {
            self.output = output
            self.time = time
            self.result = result
        }
    }

    /// A fact that an analyst adds.
    public struct Comment: Codable, Sendable, Equatable {
        /// Who.
        public var by: String
        /// When.
        public var time: Moment
        /// The fact.
        public var text: String

        /// A comment.
        public init(by: String, time: Moment, text: String) {
            self.by = by
            self.time = time
            self.text = text
        }
    }
}
