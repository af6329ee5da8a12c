// SPDX-License-Identifier: Apache-2.0
public import Events

extension IncidentRecord {
    /// A phase of SP 800-61r2 section 3.
    public struct Phase: Codable, Sendable, Equatable {
        /// Detection and Analysis.
        public static let analysis = "Detection and Analysis"
        /// The phase it is in.
        public var current: String
        /// Since when it is in each.
        public var changes: [Change]
    }

    /// A change with its time.
    public struct Change: Codable, Sendable, Equatable {
        /// What it became.
        public var to: String
        /// When.
        public var time: Moment
        /// Who changed it.
        public var by: String

        /// A change.
        public init(to: String, time: Moment, by: String) {
            self.to = to
            self.time = time
            self.by = by
        }
    }

    /// The criterion that declared the incident, with the values that met it.
    public struct Declaration: Codable, Sendable, Equatable {
        /// The rule's id.
        public var rule: String
        /// The rule's name.
        public var name: String
        /// The SHA-256 of the rule's content: its version.
        public var version: String
        /// The condition with threshold and window, in words.
        public var criterion: String
        /// The firing.
        public var firing: String
        /// The values that the rule grouped by.
        public var group: [Pair]
        /// The number of events when it fired.
        public var count: Int
        /// The first of them.
        public var first: Moment
        /// The last of them.
        public var last: Moment
        /// The false positives that the rule's author knew.
        public var falsePositives: [String]
    }

    /// A name and a value.
    public struct Pair: Codable, Sendable, Equatable {
        /// The name.
        public var field: String
        /// The value.
        public var value: String
    }

    /// What the firings of an incident have in common.
    public struct Actor: Codable, Sendable, Equatable {
        /// `address`, the field that the rules grouped by, or `rule`.
        public var kind: String
        /// The address or value.
        public var value: String

        var key: String { "\(kind):\(value)" }
    }

    /// What the first estimate of severity was made from.
    public struct SeverityInputs: Codable, Sendable, Equatable {
        /// The highest criticality of an affected asset, where known.
        public var assetCriticality: String?
        /// The functional impact.
        public var functionalImpact = "None"
        /// The information impact.
        public var informationImpact = "None"
        /// The stage of activity in NCISS's words: Prepare, Engage, Presence or Effect.
        public var activity = "Prepare"
        /// The highest level of its rules.
        public var ruleLevel = IncidentSeverity.informational
        /// The recoverability.
        public var recoverability = "Regular"
    }

    /// An actor that belongs to the incident besides its first.
    public struct Joined: Codable, Sendable, Equatable {
        /// Its kind.
        public var kind: String
        /// The address or value.
        public var value: String
        /// Why it belongs to it.
        public var why: String
    }

    /// Firings of one fingerprint (rule, actor and group) that an analyst does not want to hear of again: they are counted.
    public struct Suppression: Codable, Sendable, Equatable {
        /// The SHA-256 over rule, actor and group.
        public var fingerprint: String
        /// The rule's id.
        public var rule: String
        /// The rule's name.
        public var name: String
        /// The values that the rule grouped by.
        public var group: [Pair]
        /// Until when, in event time.
        public var until: Moment
        /// Who wanted it.
        public var by: String
        /// Why.
        public var reason: String
        /// The firings that were taken in.
        public var detections: Int
        /// Their events.
        public var events: Int
        /// The latest of them.
        public var last: Moment?
    }

    /// How far the clock of a sender was from ours while the incident ran (SP 800-61r2 3.2.4: clocks must agree).
    public struct SenderClock: Codable, Sendable, Equatable {
        /// The sender's address; the receiver's name where there is none.
        public var sender: String
        /// The events that it was seen by.
        public var events: Int
        /// The least of receive time less event time, in milliseconds: delay and skew; below zero its clock was ahead.
        public var leastLag: Int
        /// The most.
        public var mostLag: Int
        /// The events that claimed a time so far ahead of their receipt that they were placed at it.
        public var heldEvents: Int?
    }

    /// What one factor made of the severity.
    public struct SeverityStep: Codable, Sendable, Equatable {
        /// rule level, asset criticality, Purdue level, ATT&CK stage, safety or several tactics.
        public var factor: String
        /// Its value here.
        public var value: String
        /// The severity before.
        public var from: IncidentSeverity
        /// The severity after.
        public var to: IncidentSeverity
        /// Why, in words.
        public var reason: String
        /// Whether it is a reason for what came out.
        public var isReason: Bool
    }

    /// The type of incident, at first sight and now.
    public struct Classification: Codable, Sendable, Equatable {
        /// At first sight.
        public var first: String
        /// Now.
        public var current: String
        /// The firing that changed it.
        public var changedBy: String?
        /// The fact that changed it, in words: the rule that fired, with its techniques.
        public var changedWhy: String?
        /// The analyst who set it; the engine then leaves it alone.
        public var setBy: String?
        /// Up to three classes of ENISA's reference taxonomy, the gravest first; nil: undetermined.
        public var classes: [ClassEntry]?
    }

    /// The three impacts of SP 800-61r2 section 3.2.6.
    public struct Impact: Codable, Sendable, Equatable {
        /// None, Low, Medium or High.
        public var functional = "None"
        /// None, Privacy Breach, Proprietary Breach or Integrity Loss.
        public var information = "None"
        /// Regular, Supplemented, Extended or Not Recoverable.
        public var recoverability = "Regular"
        /// The analyst who confirmed or corrected the engine's estimate; the engine then leaves it alone.
        public var confirmedBy: String?
    }

    /// CISA's categories (Federal Incident Notification Guidelines).
    public struct CISABlock: Codable, Sendable, Equatable {
        /// The functional impact.
        public var functionalImpact = "No impact"
        /// The information impact.
        public var informationImpact = "No impact"
        /// The recoverability.
        public var recoverability = "Regular"
        /// The level of the location of observed activity, 1 to 7; nil when no affected asset has a zone.
        public var locationLevel: Int?
        /// Its name, or `unknown`.
        public var location = "unknown"
        /// The number of systems affected.
        public var systems = 0
        /// The attack vector, when an analyst knows it.
        public var vector: String?
        /// Whom to call.
        public var pointOfContact = ""
        /// When it was first detected.
        public var firstDetected: Moment?
    }

    /// An ATT&CK technique in one tactic.
    public struct Technique: Codable, Sendable, Equatable {
        /// Its id.
        public var id: String
        /// Its name; empty when the catalogue does not have it.
        public var name: String
        /// The short name of the tactic.
        public var tactic: String
        /// The event time of its first detection.
        public var first: Moment
    }

    /// A firing of a rule.
    public struct Detection: Codable, Sendable, Equatable {
        /// The rule's id.
        public var rule: String
        /// The rule's name.
        public var name: String
        /// The rule's title.
        public var title: String
        /// The rule's level.
        public var level: IncidentSeverity
        /// The firing's id.
        public var firing: String
        /// The firing's revision.
        public var revision: Int
        /// The number of its events.
        public var count: Int
        /// Events that the correlator counted and did not keep.
        public var omitted: Int
        /// The event time at which it fired.
        public var time: Moment
        /// Its first event.
        public var first: Moment
        /// Its last event.
        public var last: Moment
        /// The values that the rule grouped by.
        public var group: [Pair]
        /// The techniques that the rule's tags name.
        public var techniques: [Mapping]
        /// The addresses that it hit; at most ``IncidentLimits/targetsPerDetection``.
        public var targets: [String]
        /// The rule's tags.
        public var tags: [String]
        /// Whether the rule says that safety of process or people is touched.
        public var isSafety: Bool
    }

    /// A technique with the tactic that it counts for.
    public struct Mapping: Codable, Sendable, Equatable {
        /// The technique's id.
        public var technique: String
        /// The short name of the tactic.
        public var tactic: String
    }

    /// What a rule added up to.
    public struct RuleTally: Codable, Sendable, Equatable {
        /// The rule's id.
        public var rule: String
        /// The rule's name.
        public var name: String
        /// The rule's level.
        public var level: IncidentSeverity
        /// Its firings.
        public var detections: Int
        /// Its events.
        public var events: Int
        /// Its first event.
        public var first: Moment
        /// Its last event.
        public var last: Moment
        /// What its author says to do, as it was when it fired last.
        public var response: Response?
    }

    /// Advice for the people who respond.
    public struct Recommendation: Codable, Sendable, Equatable {
        /// `contain`, `verify` or `prevent`.
        public var part: String
        /// What to do.
        public var text: String
        /// The techniques that it is for.
        public var techniques: [String]
        /// The ATT&CK mitigation that it names.
        public var mitigation: String?
        /// The name of the rule whose response it is of; nil for a playbook's.
        public var rule: String?
    }

    /// What was lost or left out.
    public struct Coverage: Codable, Sendable, Equatable {
        /// Whether nothing is known to be missing.
        public var isComplete = true
        /// What the service lost while the incident ran.
        public var losses: [CoverageLoss] = []
        /// What ceilings kept out of the record; it is in the journal.
        public var cuts: [CoverageLoss] = []
        /// What guards of grouping did.
        public var guards: [String] = []
    }

    /// The times of the incident.
    public struct Times: Codable, Sendable, Equatable {
        /// Its first event.
        public var started: Moment
        /// Its last event.
        public var lastEvent: Moment?
        /// The event time at which the first rule fired.
        public var detected: Moment?
        /// When the first of its events was received.
        public var firstReceived: Moment?
        /// When the latest of its events was received.
        public var lastReceived: Moment?
        /// When it was reported.
        public var reported: Moment?
        /// When it was resolved.
        public var resolved: Moment?
        /// When it was closed.
        public var closed: Moment?
        /// The changes of its status.
        public var changes: [Change] = []

        init(started: Moment) { self.started = started }
    }
}

/// Something that was lost or left out, with its number.
public struct CoverageLoss: Codable, Sendable, Equatable {
    /// What: `udp_kernel_drops`, `timeline_entries`.
    public var what: String
    /// How many.
    public var count: Int
    /// Of which rule or source; empty for all.
    public var source: String

    /// A loss.
    public init(what: String, count: Int, source: String = "") {
        self.what = what
        self.count = count
        self.source = source
    }
}
