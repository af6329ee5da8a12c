// SPDX-License-Identifier: Apache-2.0
internal import Instruments

extension Correlator {
    /// The bounds and tolerances.
    public struct Options: Sendable {
        /// How much later than younger events an event may come, in milliseconds.
        public var lateness: Int64 = 2_000
        /// After how long a silent partition is not waited for, in milliseconds.
        public var idleTimeout: Int64 = 1_000
        /// How far ahead of its receipt an event time may be before the receipt is used instead, in milliseconds.
        public var futureTolerance: Int64 = 300_000
        /// The most groups of one rule.
        public var maxGroups = 20_000
        /// The most groups of one rule that one source may make.
        public var maxGroupsPerSource = 5_000
        /// The most events whose evidence one firing carries, over all its revisions.
        public var maxEvidence = 50
        /// The most events that a window counts.
        public var maxWindow = 10_000
        /// The most hits that wait.
        public var maxPending = 100_000
        /// Whether detection rules alert on their own at all (not in `detect --correlate`).
        public var standalone = true

        /// The defaults.
        public init() {}

        /// For input that ends: everything waits for ``Correlator/finish()``.
        public static let offline: Options = {
            var options = Options()
            options.lateness = Int64.max / 4_000_000
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
        let evidence: Instrument
        let window: Instrument
        let pending: Instrument
        let unreadable: Instrument

        init(_ registry: Registry) {
            func dropped(_ reason: String) -> Instrument { registry.dropped(stage: "correlate", reason: reason) }
            late = dropped("late")
            groups = dropped("group_quota")
            evidence = dropped("evidence_limit")
            window = dropped("window_limit")
            pending = dropped("reorder_full")
            unreadable = dropped("unreadable_event")
        }
    }
}
