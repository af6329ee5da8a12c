// SPDX-License-Identifier: Apache-2.0
internal import Instruments

extension Correlator {
    /// The bounds and tolerances.
    public struct Options: Sendable {
        /// How long an event is waited for that younger ones may have overtaken, in milliseconds of event time.
        public var outOfOrder: Int64 = 2_000
        /// How much later than that an event may come and still revise what was decided, in milliseconds.
        public var lateness: Int64 = 300_000
        /// How long a source whose events are behind those of others holds up the others, in milliseconds.
        public var holdLimit: Int64 = 300_000
        /// After how long a silent partition is not waited for, in milliseconds.
        public var idleTimeout: Int64 = 1_000
        /// How far ahead of its receipt an event time may be before the receipt is used instead, in milliseconds.
        public var futureTolerance: Int64 = 300_000
        /// The most groups of one rule.
        public var maxGroups = 1_000_000
        /// The most groups of one rule that one source may make.
        public var maxGroupsPerSource = 500_000
        /// The most events of one rule that are kept in short form, of groups that made room for others.
        public var maxDormant = 6_000_000
        /// The most sources that are told apart.
        public var maxSources = 10_000
        /// How many different values of a group are counted exactly, unless the rule asks for more.
        public var exactValues = 1_000
        /// The most events whose evidence one firing carries, over all its revisions.
        public var maxEvidence = 50
        /// The most bytes of hits that all groups hold for evidence; the stalest groups let theirs go first.
        public var maxEvidenceBytes = 128 * 1_048_576
        /// The most events that a window counts.
        public var maxWindow = 10_000
        /// The most firings of a group that late events may still revise.
        public var maxFirings = 256
        /// The most hits that wait.
        public var maxPending = 100_000
        /// After how long a firing that has grown is told again, in milliseconds of event time.
        public var tellInterval: Int64 = 60_000
        /// Whether detection rules alert on their own at all (not in `detect --correlate`).
        public var standalone = true
        /// Whether correlations that are only steps of others fire all the same (in their own unit tests).
        public var stepsFire = false

        /// The defaults.
        public init() {}

        /// For input that ends: everything waits for ``Correlator/finish()``.
        public static let offline: Options = {
            var options = Options()
            options.outOfOrder = Int64.max / 4_000_000
            options.lateness = 0
            options.futureTolerance = Int64.max / 4_000_000
            options.maxPending = Int.max
            options.standalone = false
            return options
        }()
    }

    /// The counters of what its bounds cost.
    struct Lost {
        let late: Instrument
        let groups: Instrument
        let setAside: Instrument
        let evidence: Instrument
        let window: Instrument
        let pending: Instrument
        let unreadable: Instrument
        let valueless: Instrument
        let future: Instrument

        init(_ registry: Registry) {
            func dropped(_ reason: String) -> Instrument { registry.dropped(stage: "correlate", reason: reason) }
            late = dropped("late")
            groups = dropped("group_quota")
            setAside = registry.counter(
                "penstock_correlation_set_aside_groups_total",
                help: "Groups that made room for others and are kept in short form, without evidence.")
            evidence = dropped("evidence_limit")
            window = dropped("window_limit")
            pending = dropped("reorder_full")
            unreadable = dropped("unreadable_event")
            valueless = registry.counter(
                "penstock_correlation_skipped_values_total",
                help: "Events without the field, or without a number in it, that a correlation takes values of.")
            future = registry.counter(
                "penstock_correlation_future_events_total",
                help: "Events whose time lies ahead of their receipt, which is taken instead.")
        }
    }
}
