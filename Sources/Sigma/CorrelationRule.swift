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

        /// Whether this version evaluates it; rules of the others are refused at load.
        public var isSupported: Bool { self == .eventCount }
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
    /// The ids of the detection rules it refers to.
    public let rules: [String]
    /// The fields whose values make a group; empty for one global group.
    public let group: [GroupField]
    /// The window, in nanoseconds.
    public let timespan: Int64
    /// The bounds of the condition, all of which must hold.
    public let bounds: [Bound]
    /// Whether the referred rules alert on their own as well.
    public let generate: Bool

    /// Whether `count` meets the condition.
    public func isMet(by count: Double) -> Bool { bounds.allSatisfy { $0.comparison.holds(count, $0.value) } }

    /// Whether the condition asks for absence: few or no events, so that a full window must be over first.
    public var asksForAbsence: Bool {
        isMet(by: 0) && bounds.allSatisfy { [.lt, .lte, .eq].contains($0.comparison) }
    }

    /// The criterion in words.
    public var criterion: String {
        let words: [Comparison: String] = [
            .lt: "fewer than", .lte: "at most", .gt: "more than", .gte: "at least", .eq: "exactly", .neq: "other than",
        ]
        let counts = bounds.map { "\(words[$0.comparison] ?? "") \(NumberText.text($0.value))" }.joined(
            separator: " and ")
        let by = group.isEmpty ? "" : " per " + group.map(\.name).joined(separator: " and ")
        return "\(counts) events within \(CorrelationRule.words(timespan))\(by)"
    }

    /// A span of nanoseconds in words, such as `60 s`.
    public static func words(_ nanoseconds: Int64) -> String {
        let milliseconds = nanoseconds / 1_000_000
        return milliseconds % 1_000 == 0 ? "\(milliseconds / 1_000) s" : "\(milliseconds) ms"
    }
}
