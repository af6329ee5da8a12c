// SPDX-License-Identifier: Apache-2.0
public import Events

/// An event, or a run of events, with what a rule is to say about it: a rule's own unit test.
public struct RuleSample: Sendable {
    /// The events as JSON.
    public let events: [[UInt8]]
    /// Whether the rule is to match (a detection) or to fire (a correlation).
    public let match: Bool
    /// The line of the sample in the rule's file.
    public let line: Int
}

/// What every rule states about itself.
public struct RuleFacts: Sendable {
    /// Its id, or its name or title when it has none: what hits and firings are labelled with.
    public let id: String
    /// Its name, or nil.
    public let name: String?
    /// Its title.
    public let title: String
    /// Its description, or empty.
    public let description: String
    /// informational, low, medium, high or critical; medium when the rule states none.
    public let level: String
    /// stable, test, experimental, deprecated or unsupported; empty when the rule states none.
    public let status: String
    /// Its tags in lower case.
    public let tags: [String]
    /// Its known false positives.
    public let falsePositives: [String]
    /// Its references.
    public let references: [String]
    /// The SHA-256 of the rule's content in hex; layout, comments, samples and response are not content.
    public let contentHash: String
    /// Its own unit tests.
    public let samples: [RuleSample]
    /// Where it stands.
    public let file: String
    /// The line its document begins on.
    public let line: Int
    /// Members that Sigma does not define, as JSON.
    public let custom: [String: [UInt8]]
    /// What to do when it fires.
    public let response: Response

    /// The facts that a firing carries on.
    public func firingRule(criterion: String) -> Firing.Rule {
        Firing.Rule(
            id: id, name: name ?? title, title: title, description: description, level: level, tags: tags,
            contentHash: contentHash, criterion: criterion, falsePositives: falsePositives,
            response: response)
    }
}

/// How the repeated hits of a rule that alerts on its own become one firing: the custom section `penstock:`.
public struct Folding: Sendable, Equatable {
    /// The fields whose values must be equal.
    public var groupBy: [String]
    /// The span that one firing covers, in nanoseconds.
    public var timespan: Int64

    /// One firing an hour for a pair of addresses.
    public static let standard = Folding(
        groupBy: ["src_endpoint.ip", "dst_endpoint.ip"], timespan: 3_600_000_000_000)
}

/// A compiled detection rule.
public struct DetectionRule: Sendable {
    /// What it states about itself.
    public let facts: RuleFacts
    /// Its id, or its name or title when it has none.
    public var id: String { facts.id }
    /// The events it looks at.
    public let logSource: LogSource
    /// The fields it reads, as dotted paths.
    public let fields: [String]
    /// Whether it searches the whole event for keywords.
    public let hasKeywords: Bool
    /// The condition in the rule's own words.
    public let condition: String
    /// How its hits are folded when it alerts on its own.
    public let folding: Folding
    /// Whether its matches alert on their own: not when correlations refer to it, unless one of them says `generate`.
    public internal(set) var standsAlone = true

    let root: Int32
    /// The slots that it and its filters read.
    var slots: [Int]
    /// The filters that apply to it: their roots and their places in ``RuleSet/filters``.
    var filters: [(root: Int32, number: Int)] = []
}

/// A filter: matches of the rules it names are suppressed when it matches too.
public struct FilterRule: Sendable {
    /// Its id, or its title when it has none.
    public let id: String
    /// Its title.
    public let title: String
    let logSource: LogSource
}
