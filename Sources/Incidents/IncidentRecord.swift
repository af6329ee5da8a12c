// SPDX-License-Identifier: Apache-2.0
internal import FoundationEssentials

/// The incident record: NIST SP 800-61r3 outcomes with the record fields of revision 2, and CISA's block.
///
/// It is the whole state of an incident: the engine can go on from a stored record. The parts that the engine fills are
/// complete without any analyst; the others begin empty. No time in it is "now": all come from events and receipts.
public struct IncidentRecord: Codable, Sendable, Equatable {
    /// What the record follows.
    public var basis = "NIST SP 800-61r3 outcomes with SP 800-61r2 record fields"
    /// The version of this layout.
    public var layout = 2
    /// The short id, such as `INC-3F2A9C1B`.
    public var id: String
    /// The full identifier, 32 hexadecimal digits.
    public var uid: String
    /// 1 at first, one more at each change.
    public var revision: Int
    /// The SHA-256 of the previous revision's canonical JSON; nil in revision 1.
    public var prevHash: String?
    /// Where it stands.
    public var status: IncidentStatus
    /// The phase of SP 800-61r2 section 3, and since when it is in each.
    public var phase: Phase
    /// Who, what, where, when, and how sure, in one paragraph.
    public var summary: String
    /// The criterion that made it an incident (DE.AE-08).
    public var declaredBy: Declaration
    /// What its firings have in common.
    public var actor: Actor
    /// Further actors whose firings belong to it.
    public var joined: [Joined]
    /// The overall estimate.
    public var severity: IncidentSeverity
    /// Why it is that.
    public var severityReasons: [String]
    /// How it came to be that, factor by factor.
    public var severitySteps: [SeverityStep]
    /// What the estimate was made from (RS.MA-02).
    public var severityInputs: SeverityInputs
    /// How soon someone has to act: immediate, high, medium or low.
    public var urgency: String
    /// How sure the engine is: low, medium or high.
    public var confidence: String
    /// The type of incident.
    public var classification: Classification
    /// Impact on function, information and recovery.
    public var impact: Impact
    /// CISA's categories.
    public var cisa: CISABlock
    /// ATT&CK techniques, by their first appearance.
    public var techniques: [Technique]
    /// The firings that it is made of.
    public var detections: [Detection]
    /// Sums by rule, firings beyond the ceiling included.
    public var rules: [RuleTally]
    /// What happened, in the order of the events' own clocks.
    public var timeline: [TimelineEntry]
    /// The devices in it.
    public var affected: [AffectedAsset]
    /// Devices that may be next: same zone, or same make and firmware.
    public var otherTargets: [OtherTarget]
    /// Addresses, accounts, function codes and other marks, drawn from the evidence.
    public var indicators: [Indicator]
    /// The original bytes behind the timeline.
    public var evidence: [EvidenceItem]
    /// Whether the data is evidence still, and so kept from retention.
    public var evidenceHold: EvidenceHold
    /// What to do: contain now, verify, prevent.
    public var recommended: [Recommendation]
    /// What was lost or left out while it was made.
    public var coverage: Coverage
    /// The clocks of those who sent the events.
    public var clocks: [SenderClock]
    /// When it started, was detected, changed and was resolved.
    public var times: Times
    /// Other incidents that have to do with it.
    public var related: [Relation]
    /// Who leads; a group until a person takes it.
    public var lead: String
    /// The person who has it; nil until someone took it.
    public var assignee: String?
    /// What an analyst found it to be; nil while it is open.
    public var verdict: IncidentVerdict?
    /// Whom to reach, by zone.
    public var contacts: [Contact]
    /// What it takes in without opening again, each with its count.
    public var suppressions: [Suppression] = []
    /// The log of all steps: it only grows, and each names the hash of the one before.
    public var actions: [Action] = []
    /// Containment measures (analyst).
    public var containment: [Measure] = []
    /// Recovery steps and checks (analyst).
    public var recovery: [Action] = []
    /// Who was told, by which output.
    public var notified: [Notice] = []
    /// Facts that analysts add.
    public var comments: [Comment] = []
    /// The cause (analyst).
    public var cause: String?
    /// The attack vector (analyst).
    public var vector: String?
    /// Lessons learned (analyst).
    public var afterAction: String?

    /// Reads a record from its JSON.
    public init(json: [UInt8]) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(IncidentRecord.self, from: Data(json))
    }

    /// The canonical JSON: keys sorted, no blanks, so that `jq -cjS . FILE | sha256sum` gives the hash of the chain.
    public func json() throws -> [UInt8] {
        try CanonicalJSON.bytes(of: self)
    }

    init(id: String, uid: String, founder: Declaration, actor: Actor, started: Moment, lead: String) {
        self.id = id
        self.uid = uid
        self.revision = 0
        self.status = .new
        self.phase = Phase(current: Phase.analysis, changes: [])
        self.summary = ""
        self.declaredBy = founder
        self.actor = actor
        self.joined = []
        self.severity = .informational
        self.severityReasons = []
        self.severitySteps = []
        self.severityInputs = SeverityInputs()
        self.urgency = "low"
        self.confidence = "low"
        self.classification = Classification(first: "undetermined", current: "undetermined")
        self.impact = Impact()
        self.cisa = CISABlock()
        self.techniques = []
        self.detections = []
        self.rules = []
        self.timeline = []
        self.affected = []
        self.otherTargets = []
        self.indicators = []
        self.evidence = []
        self.evidenceHold = EvidenceHold(isHeld: true, reason: "the incident is open")
        self.recommended = []
        self.coverage = Coverage()
        self.clocks = []
        self.times = Times(started: started)
        self.related = []
        self.lead = lead
        self.contacts = []
    }

    /// Notes a change of status, and of phase where it brings one.
    mutating func change(from before: IncidentStatus?, by: String, at time: Moment) {
        times.changes.append(Change(to: status.rawValue, time: time, by: by))
        if before?.phase != status.phase {
            phase.current = status.phase
            phase.changes.append(Change(to: status.phase, time: time, by: by))
        }
        if !status.isOpen, times.resolved == nil { times.resolved = time }
        times.closed = status == .closed || status == .falsePositive ? time : nil
        if status.isOpen { times.resolved = nil }
    }
}

/// Where an incident stands.
public enum IncidentStatus: String, Codable, Sendable, CaseIterable {
    /// Nobody has taken it.
    case new
    /// Someone works on it.
    case inProgress = "in_progress"
    /// Handed to another team.
    case forwarded
    /// The damage does not spread.
    case contained
    /// The cause is removed.
    case resolved
    /// Everything runs as before.
    case recovered
    /// Done.
    case closed
    /// There was nothing.
    case falsePositive = "false_positive"

    /// The phase of SP 800-61r2 section 3 that goes with it.
    var phase: String {
        switch self {
        case .new, .inProgress, .forwarded: IncidentRecord.Phase.analysis
        case .contained, .resolved: "Containment, Eradication and Recovery"
        case .recovered, .closed, .falsePositive: "Post-Incident Activity"
        }
    }

    /// Whether later detections join it.
    public var isOpen: Bool {
        switch self {
        case .new, .inProgress, .forwarded, .contained: true
        case .resolved, .recovered, .closed, .falsePositive: false
        }
    }
}

/// How bad an incident is, by Sigma's levels.
public enum IncidentSeverity: String, Codable, Sendable, CaseIterable, Comparable {
    /// Worth knowing.
    case informational = "INFORMATIONAL"
    /// Worth a look in time.
    case low = "LOW"
    /// Worth a look today.
    case medium = "MEDIUM"
    /// Needs a person now.
    case high = "HIGH"
    /// The process or people may come to harm.
    case critical = "CRITICAL"

    /// 1 for informational to 5 for critical: OCSF's `severity_id`.
    public var rank: Int { (IncidentSeverity.allCases.firstIndex(of: self) ?? 0) + 1 }
    /// OCSF's caption.
    var caption: String { rawValue.prefix(1) + rawValue.dropFirst().lowercased() }

    /// The severity of a rule's level; medium when it has none that Sigma knows.
    public init(level: String) { self = IncidentSeverity(rawValue: level.uppercased()) ?? .medium }

    /// By rank.
    public static func < (a: IncidentSeverity, b: IncidentSeverity) -> Bool { a.rank < b.rank }
}
