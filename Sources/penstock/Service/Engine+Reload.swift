// SPDX-License-Identifier: Apache-2.0
internal import Instruments
internal import Inventory
internal import Synchronization
internal import Wire

extension Engine {
    /// Counts a reload by its outcome.
    func countReload(refused: Bool) {
        hub.registry.counter(
            "penstock_reloads_total", ["outcome": refused ? "refused" : "done"],
            help: "Reloads ordered by SIGHUP, by whether the new configuration was taken or the old one stayed."
        ).add()
    }

    /// Sets the gauges of threat-intelligence lists; those of lists that are gone become 0.
    func setIntelligenceGauges() {
        let registry = hub.registry
        let now = wallClock()
        let lists = hub.knowledge.intelligence.lists
        for list in lists {
            registry.gauge(
                "penstock_intelligence_indicators", ["list": list.name],
                help: "Indicators of a threat-intelligence list in use."
            ).set(Int64(list.indicators))
            registry.gauge(
                "penstock_intelligence_skipped_entries", ["list": list.name],
                help:
                    "Entries of a threat-intelligence list that hold no indicator, or one of a kind that is not looked for."
            ).set(Int64(list.skipped))
            registry.gauge(
                "penstock_intelligence_age_seconds", ["list": list.name],
                help: "Seconds since the file of a threat-intelligence list was last changed."
            ).set(max(0, (now &- list.updated) / 1_000_000_000))
        }
        let gone = intelligenceLists.withLock { known -> Set<String> in
            let names = Set(lists.map(\.name))
            defer { known = names }
            return known.subtracting(names)
        }
        for name in gone {
            for gauge in ["indicators", "skipped_entries", "age_seconds"] {
                registry.gauge("penstock_intelligence_\(gauge)", ["list": name], help: "").set(0)
            }
        }
    }
}
