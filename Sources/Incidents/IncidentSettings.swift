// SPDX-License-Identifier: Apache-2.0
public import Events
public import Wire

/// How firings become incidents; the defaults suit a plant.
public struct IncidentSettings: Sendable {
    /// An address or network that many share, so that it must not join what it does not cause.
    public struct Stop: Sendable {
        /// The addresses.
        public var network: IPNetwork
        /// What they are: gateway, NAT, scanner.
        public var reason: String

        /// A stop value.
        public init(network: IPNetwork, reason: String) {
            self.network = network
            self.reason = reason
        }
    }

    /// The most event time between two firings of one actor in the same incident, in nanoseconds.
    public var gap: Int64 = 86_400_000_000_000
    /// The most event time after the end of an incident within which its actor's next firing opens it again, in
    /// nanoseconds; 0: it never does, a new incident is linked to it.
    public var reopen: Int64 = 86_400_000_000_000
    /// Addresses that join only firings of the same rule and group.
    public var stops: [Stop] = []
    /// Whether an address that an open incident hit, and that acts now, belongs to that incident.
    public var followsTargets = true
    /// Whether two addresses that use one account belong to one incident.
    public var joinsAccounts = false
    /// Accounts that many use, in lower case: they join nothing.
    public var commonAccounts: Set<String> = [
        "root", "admin", "administrator", "system", "guest", "anonymous", "nobody", "user", "operator", "service",
        "local service", "network service", "localsystem", "unknown", "-",
    ]
    /// Ceilings.
    public var limits = IncidentLimits()
    /// Whom to reach, by zone; zone `*` is for all.
    public var contacts: [IncidentRecord.Contact] = []
    /// The group that has an incident until someone takes it.
    public var assignee = "SOC unassigned"
    /// The names of the outputs that get a notification of each notable change, through the store's outbox.
    public var sinks: [String] = []
    /// The site's name: two sites never give the same id.
    public var site = ""
    /// The key prefix of incident objects.
    public var prefix = "incidents/"
    /// Where the original bytes are kept, for the record.
    public var evidenceStore = "store, lake"
    /// The product's version in OCSF events.
    public var version = "0.1.0"
    /// The schema of OCSF events.
    public var dictionary = OCSFDictionary.v1_8_0

    /// Whether an account joins nothing: a common name, or that of a machine.
    func isCommon(account: String) -> Bool {
        let name = account.split(separator: "\\").last.map(String.init) ?? account
        return name.hasSuffix("$") || commonAccounts.contains(name.lowercased())
    }

    /// The defaults.
    public init() {}
}

/// Ceilings of one incident: what goes beyond is counted in its coverage and stays in the journal.
public struct IncidentLimits: Sendable {
    /// The earliest timeline entries kept for a rule.
    public var firstEntriesPerRule = 24
    /// The latest timeline entries kept for a rule.
    public var lastEntriesPerRule = 8
    /// Firings of one rule that are listed one by one.
    public var detectionsPerRule = 16
    /// Firings that are listed one by one.
    public var detections = 256
    /// Firings after which an incident takes in no more, and the next one begins.
    public var size = 10_000
    /// Further actors of an incident.
    public var actors = 16
    /// Open incidents that may have hit an address that acts now, for it to join one of them.
    public var neighbours = 1
    /// Addresses that a listed firing names.
    public var targetsPerDetection = 32
    /// Devices in the incident.
    public var affected = 256
    /// Indicators.
    public var indicators = 256
    /// Bytes of evidence that stand in the record itself.
    public var rawBytes = 4096
    /// Incidents kept in memory; with a store the others are read back when needed.
    public var inMemory = 256

    /// The defaults.
    public init() {}
}

/// What the plant knows of an address; from the inventory, which stands beside this target.
public struct AssetFacts: Sendable, Equatable {
    /// Its asset id or name.
    public var name: String?
    /// Its zone.
    public var zone: String?
    /// Its Purdue level, such as `1` or `3.5`.
    public var level: String?
    /// How much depends on it: low, medium, high or critical.
    public var criticality: String?
    /// What it is: plc, hmi, historian, engineering workstation, …
    public var kind: String?
    /// Whether it is a safety system.
    public var isSafety: Bool
    /// Others that are like it, with the reason.
    public var alike: [IncidentRecord.OtherTarget]

    /// Facts.
    public init(
        name: String? = nil, zone: String? = nil, level: String? = nil, criticality: String? = nil, kind: String? = nil,
        isSafety: Bool = false, alike: [IncidentRecord.OtherTarget] = []
    ) {
        self.name = name
        self.zone = zone
        self.level = level
        self.criticality = criticality
        self.kind = kind
        self.isSafety = isSafety
        self.alike = alike
    }
}

/// What an incident engine knows besides firings.
public struct IncidentKnowledge: Sendable {
    /// ATT&CK's names and relations.
    public var catalog: AttackCatalog
    /// What to do.
    public var playbooks: Playbooks
    /// What the plant knows of an address.
    public var asset: @Sendable (String) -> AssetFacts?
    /// What the service lost between two receive times, in nanoseconds.
    public var losses: @Sendable (_ first: Int64, _ last: Int64) -> [CoverageLoss]

    /// Knowledge.
    public init(
        catalog: AttackCatalog, playbooks: Playbooks, asset: @escaping @Sendable (String) -> AssetFacts? = { _ in nil },
        losses: @escaping @Sendable (_ first: Int64, _ last: Int64) -> [CoverageLoss] = { _, _ in [] }
    ) {
        self.catalog = catalog
        self.playbooks = playbooks
        self.asset = asset
        self.losses = losses
    }
}

/// A change of an incident, ready to be delivered.
public struct IncidentChange: Sendable {
    /// What happened to it.
    public enum Kind: String, Sendable {
        /// It is new.
        case created
        /// It has a new revision.
        case updated
    }

    /// The record after the change.
    public var record: IncidentRecord
    /// What happened.
    public var kind: Kind
    /// Whether people should hear of it: it is new, or got a new severity, rule, technique, asset or status, or its
    /// detections doubled. The other changes only add counts.
    public var isNotable: Bool
    /// The record as canonical JSON: the content of `incidents/<id>.json`.
    public var json: [UInt8]
    /// The SHA-256 of `json`.
    public var hash: String
    /// The key of the object that holds `json`.
    public var objectKey: String
    /// OCSF Detection Findings (class 2004), one for the firing that made the change; none for an analyst's.
    public var detectionFindings: [[UInt8]]
    /// The OCSF Incident Finding (class 2005).
    public var incidentFinding: [UInt8]
    /// The one-line subject of notifications.
    public var subject: String
    /// The body of notifications as JSON, far below SNS's 262,144 bytes.
    public var notification: [UInt8]
    /// The bytes behind new timeline entries; they are in the store already when the engine has one.
    public var evidence: [(sha256: String, evidence: Evidence)]
}
