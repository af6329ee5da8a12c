// SPDX-License-Identifier: Apache-2.0

/// One list of threat intelligence as the configuration names it: where indicators come from and what to think of them.
public struct IntelligenceList: Sendable, Equatable {
    /// How a list is written.
    public enum Format: String, Sendable, CaseIterable {
        /// Told by the content.
        case auto
        /// One indicator a line.
        case plain
        /// Separated values, one or more columns of indicators.
        case csv
        /// A bundle of STIX 2.1 objects.
        case stix
    }

    /// How far an indicator is believed, numbered as OCSF's `confidence_id`.
    public enum Confidence: UInt8, Sendable, CaseIterable, Comparable {
        /// Probably not.
        case low = 1
        /// Perhaps.
        case medium
        /// Probably.
        case high

        /// Its name in rules and configurations.
        public var name: String {
            switch self {
            case .low: "low"
            case .medium: "medium"
            case .high: "high"
            }
        }

        /// Whether the first is believed less.
        public static func < (first: Confidence, second: Confidence) -> Bool { first.rawValue < second.rawValue }

        /// STIX 2.1 Appendix A, the scale of None, Low, Med and High: 0, 1–29, 30–69, 70–100.
        init(stix: Int) { self = stix >= 70 ? .high : stix >= 30 ? .medium : .low }
    }

    /// How bad a match is, numbered as OCSF's `severity_id`.
    public enum Severity: UInt8, Sendable, CaseIterable {
        /// Worth knowing.
        case informational = 1
        /// Minor.
        case low
        /// To be looked at.
        case medium
        /// To be looked at soon.
        case high
        /// To be looked at now.
        case critical

        /// Its name in rules and configurations.
        public var name: String {
            switch self {
            case .informational: "informational"
            case .low: "low"
            case .medium: "medium"
            case .high: "high"
            case .critical: "critical"
            }
        }
    }

    /// The list's name in events, rules and metrics.
    public var name: String
    /// The file.
    public var path: String
    /// How it is written.
    public var format: Format
    /// Who publishes it; empty: not told.
    public var source: String
    /// How far indicators are believed that do not say it themselves.
    public var confidence: Confidence
    /// How bad a match is.
    public var severity: Severity
    /// The column of a CSV list that holds the indicators: a name of its header, or a number from 1; nil: by the usual names.
    public var column: String?
    /// Whether a domain stands for all names below it as well.
    public var subdomains: Bool

    /// A list.
    public init(
        name: String, path: String = "", format: Format = .auto, source: String = "", confidence: Confidence = .medium,
        severity: Severity = .medium, column: String? = nil, subdomains: Bool = true
    ) {
        self.name = name
        self.path = path
        self.format = format
        self.source = source
        self.confidence = confidence
        self.severity = severity
        self.column = column
        self.subdomains = subdomains
    }

    /// What lists may take: a feed that went wrong must not take the service with it. Each bound that is reached is a fault.
    public struct Bounds: Sendable {
        /// The bytes of one file, as it is after decompression.
        public var fileBytes = 256 << 20
        /// The indicators of one list.
        public var listIndicators = 1_000_000
        /// The indicators of all lists together.
        public var indicators = 2_000_000
        /// The bytes of a line of a plain or CSV list.
        public var lineBytes = 8 << 10
        /// The bytes of one object of a STIX bundle.
        public var objectBytes = 1 << 20
        /// The lines of one list that are told when they hold no indicator; the rest is counted.
        public var complaints = 10

        /// The bounds of the service.
        public init() {}
    }
}
