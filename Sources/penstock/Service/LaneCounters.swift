// SPDX-License-Identifier: Apache-2.0
internal import Instruments
internal import Inventory
internal import Normalizer
internal import Sigma

/// The counters of one lane; flushed once a batch.
struct LaneCounters {
    private let registry: Registry
    private var events: [String: Instrument] = [:]
    private let unreadable: Instrument
    private let invalid: Instrument
    private let misfits: Instrument
    private let cut: Instrument
    private let unwanted: Instrument
    private let exhausted: (normalize: Instrument, match: Instrument)
    private let wide: Instrument
    private let lag: Instrument
    private let repeatedSegments: Instrument
    private let joinedEvents: Instrument
    private let incompleteEvents: Instrument

    init(_ registry: Registry, stage: String) {
        self.registry = registry
        unreadable = registry.counter(
            "penstock_normalize_unreadable_total",
            help: "Records that their mapping could not take apart; they went out as Base Events.")
        invalid = registry.counter(
            "penstock_normalize_invalid_total",
            help: "Events that did not meet the schema; they went out as Base Events.")
        misfits = registry.counter(
            "penstock_normalize_misfits_total",
            help: "Values that did not fit their attribute; they stayed in unmapped.")
        cut = registry.counter(
            "penstock_normalize_cut_total",
            help: "Records with more pairs, fields, elements or levels than a mapping's step takes.")
        unwanted = registry.dropped(stage: "normalize", reason: "mapping")
        func exhausted(_ stage: String) -> Instrument {
            registry.counter(
                "penstock_regex_exhausted_total", ["stage": stage],
                help: "Texts on which a regular expression was given up after too many steps; they did not match.")
        }
        self.exhausted = (exhausted("normalize"), exhausted("match"))
        wide = registry.counter(
            "penstock_wide_matches_total",
            help: "Events matched through the index of all rules: too many log sources to have one each.")
        repeatedSegments = registry.dropped(stage: "join", reason: "repeated_segment")
        joinedEvents = registry.counter(
            "penstock_joined_events_total", ["outcome": "complete"],
            help: "Events put together from several messages (Cisco ISE), by whether all of them came.")
        incompleteEvents = registry.counter(
            "penstock_joined_events_total", ["outcome": "incomplete"],
            help: "Events put together from several messages (Cisco ISE), by whether all of them came.")
        lag = registry.gauge(
            "penstock_stage_lag_milliseconds", ["stage": stage],
            help: "Time from receipt to the end of a stage, of the newest batch.")
    }

    /// Adds what was joined of events that came in several messages.
    func add(joined: Int, incomplete: Int, repeated: Int) {
        joinedEvents.add(joined)
        incompleteEvents.add(incomplete)
        repeatedSegments.add(repeated)
    }

    /// Adds a batch's matches with threat intelligence, in the order of its lists.
    func add(intelligence matches: [Int], _ known: ThreatIntelligence) {
        for (list, count) in zip(known.lists, matches) where count > 0 {
            registry.counter(
                "penstock_intelligence_matches_total", ["list": list.name],
                help: "Values of events that an indicator of a threat-intelligence list was found for."
            ).add(count)
        }
    }

    /// Adds what was counted while rules looked at events.
    func add(_ scratch: inout MatchScratch, _ rules: RuleSet) {
        exhausted.match.add(scratch.takeExhausted())
        wide.add(scratch.takeWide())
        guard scratch.hasSuppressed else { return }
        for (filter, count) in zip(rules.filters, scratch.takeSuppressed()) where count > 0 {
            registry.counter(
                "penstock_suppressed_matches_total", ["filter": filter.id],
                help: "Matches of rules that a filter suppressed."
            ).add(count)
        }
    }

    /// Adds a batch's tally; `oldest` is when its first frame was received.
    mutating func add(_ tally: Normalizer.Tally, _ knowledge: Knowledge, oldest: Int64) {
        for (number, count) in tally.events.enumerated() where count > 0 {
            let name = knowledge.mappings.name(UInt16(number))
            let counter =
                events[name]
                ?? registry.counter(
                    "penstock_events_total", ["mapping": name], help: "Events made, by mapping.")
            events[name] = counter
            counter.add(count)
        }
        unreadable.add(tally.unreadable)
        invalid.add(tally.invalid)
        misfits.add(tally.misfits)
        cut.add(tally.cut)
        for (number, count) in tally.dropped {
            unwanted.add(count)
            registry.counter(
                "penstock_unwanted_records_total", ["mapping": knowledge.mappings.name(UInt16(number))],
                help: "Records that their mapping drops, by mapping."
            ).add(count)
        }
        exhausted.normalize.add(tally.exhausted)
        lag.set(max(0, (wallClock() &- oldest) / 1_000_000))
    }
}
