// SPDX-License-Identifier: Apache-2.0

/// A compiled correlation rule.
public struct CorrelationRule: Sendable {
    /// What is counted or compared.
    public enum Kind: String, Sendable, CaseIterable {
        /// The number of events.
        case eventCount = "event_count"
        /// The number of distinct values of a field.
        case valueCount = "value_count"
        /// All rules occur.
        case temporal
        /// All rules occur in their order.
        case temporalOrdered = "temporal_ordered"
        /// The sum of a field.
        case valueSum = "value_sum"
        /// The mean of a field.
        case valueAverage = "value_avg"
        /// A percentile of a field.
        case valuePercentile = "value_percentile"
        /// The median of a field.
        case valueMedian = "value_median"

        /// Whether values of a field are taken.
        public var takesField: Bool {
            switch self {
            case .eventCount, .temporal, .temporalOrdered: false
            case .valueCount, .valueSum, .valueAverage, .valuePercentile, .valueMedian: true
            }
        }
        /// Whether it asks which rules occur.
        public var isTemporal: Bool { self == .temporal || self == .temporalOrdered }
    }

    /// When a group fires again whose criterion goes on being met: the custom member `refire` of `penstock`.
    public enum Refire: String, Sendable, CaseIterable {
        /// Once a window: what comes within a timespan of a firing adds to it.
        case once
        /// A firing empties the window, so that the next needs all of its events anew.
        case reset
        /// At each event that meets the criterion.
        case every
    }

    /// One bound of the condition.
    public struct Bound: Sendable, Equatable {
        /// The comparison.
        public let comparison: Comparison
        /// The number compared with.
        public let value: Double
    }

    /// One field of the group, with the field that each rule offers for it.
    public struct GroupField: Sendable {
        /// Its name in the group: the field, or the alias.
        public let name: String
        /// The field by place in ``CorrelationRule/rules``; nil where an alias leaves a rule out.
        public let fields: [String?]
    }

    /// What it states about itself.
    public let facts: RuleFacts
    /// Its id, or its name or title when it has none.
    public var id: String { facts.id }
    /// What is counted.
    public let kind: Kind
    /// The ids of the rules it refers to: detections, or correlations (a chain).
    public let rules: [String]
    /// The fields whose values make a group; empty for one global group.
    public let group: [GroupField]
    /// The window, in nanoseconds.
    public let timespan: Int64
    /// The bounds of the condition, all of which must hold; of the temporal types on the number of different rules.
    public let bounds: [Bound]
    /// The condition of a temporal rule as an expression over the rules; nil when it is a number or missing.
    public let presence: Presence?
    /// The fields whose values are counted or reckoned with; more than one are counted as tuples.
    public let valueFields: [ValueField]
    /// The percentile (0 to 100) of ``Kind/valuePercentile``.
    public let percentile: Double?
    /// When it fires again.
    public let refire: Refire
    /// Whether the referred rules alert on their own as well.
    public let generate: Bool
    /// Whether its firings go out: not when another correlation refers to it, unless that says `generate`.
    public internal(set) var standsAlone = true

    /// A field whose values are taken, with the field that each rule offers for it.
    public typealias ValueField = GroupField

    /// Whether `count` meets the condition.
    public func isMet(by count: Double) -> Bool { bounds.allSatisfy { $0.comparison.holds(count, $0.value) } }

    /// Whether the condition asks for absence: few or no events, so that a full window must be over first.
    public var asksForAbsence: Bool {
        (kind == .eventCount || kind == .valueCount) && isMet(by: 0)
            && bounds.allSatisfy { [.lt, .lte, .eq].contains($0.comparison) }
    }

    /// The count from which on the criterion is met whatever else comes; nil when more events may end it.
    public var threshold: Double? {
        guard kind == .eventCount || kind == .valueCount || (kind == .temporal && presence == nil),
            bounds.allSatisfy({ $0.comparison == .gt || $0.comparison == .gte })
        else { return nil }
        return bounds.map { $0.comparison == .gt ? $0.value.rounded(.down) + 1 : $0.value.rounded(.up) }.max()
    }

    /// The criterion in words.
    public var criterion: String {
        let words: [Comparison: String] = [
            .lt: "fewer than", .lte: "at most", .gt: "more than", .gte: "at least", .eq: "exactly", .neq: "other than",
        ]
        let counts = bounds.map { "\(words[$0.comparison] ?? "") \(NumberText.text($0.value))" }.joined(
            separator: " and ")
        let field = valueFields.map(\.name).joined(separator: ", ")
        let what =
            switch kind {
            case .eventCount: "\(counts) events"
            case .valueCount: "\(counts) different values of \(field)"
            case .temporal: presence.map { "\($0.words)" } ?? "\(counts) of \(rules.count) rules"
            case .temporalOrdered: "all \(rules.count) rules in their order"
            case .valueSum: "a sum of \(field) of \(counts)"
            case .valueAverage: "a mean of \(field) of \(counts)"
            case .valuePercentile: "percentile \(NumberText.text(percentile ?? 0)) of \(field) of \(counts)"
            case .valueMedian: "a median of \(field) of \(counts)"
            }
        let by = group.isEmpty ? "" : " per " + group.map(\.name).joined(separator: " and ")
        return "\(what) within \(CorrelationRule.words(timespan))\(by)"
    }

    /// A span of nanoseconds in words, such as `60 s`.
    public static func words(_ nanoseconds: Int64) -> String {
        let milliseconds = nanoseconds / 1_000_000
        return milliseconds % 1_000 == 0 ? "\(milliseconds / 1_000) s" : "\(milliseconds) ms"
    }
}
