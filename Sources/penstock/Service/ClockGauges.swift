// SPDX-License-Identifier: Apache-2.0
internal import Correlator
internal import Instruments
internal import Synchronization

/// The senders' clocks as gauges: those that are off first, and no more than a bound in all.
final class ClockGauges: Sendable {
    /// The most senders with gauges of their own.
    private static let limit = 200
    /// The most of them whose clocks were never off.
    private static let ordinary = 150
    /// The senders that have them; what is exposed once stays.
    private let shown = Mutex<Set<String>>([])

    /// Sets the gauges to what is known now.
    func set(_ clocks: SenderClocks, _ registry: Registry) {
        let all = clocks.all
        var counts: [ClockEstimate.State: Int64] = [:]
        for sender in all { counts[sender.estimate.state(tolerance: clocks.tolerance), default: 0] += 1 }
        for state in ClockEstimate.State.allCases {
            registry.gauge(
                "penstock_clock_senders", ["state": state.rawValue],
                help: "Senders by what their clocks are taken for: level, ahead, behind, or right and late."
            ).set(counts[state] ?? 0)
        }
        let senders = shown.withLock { shown in
            for sender in all where sender.isOff && shown.count < ClockGauges.limit { shown.insert(sender.sender) }
            for sender in all where shown.count < ClockGauges.ordinary { shown.insert(sender.sender) }
            return shown
        }
        for (sender, estimate, _) in all where senders.contains(sender) {
            registry.gauge(
                "penstock_clock_offset_milliseconds", ["sender": sender],
                help:
                    "The least of receipt less event time of a sender; below zero its clock is ahead. For 200 senders."
            ).set(estimate.offset / 1_000)
            registry.gauge(
                "penstock_clock_delay_milliseconds", ["sender": sender],
                help: "The usual delay of a sender's events beyond their least. For 200 senders."
            ).set(estimate.delay / 1_000)
        }
        for gone in senders.subtracting(all.map(\.sender)) {
            for gauge in ["offset", "delay"] {
                registry.gauge("penstock_clock_\(gauge)_milliseconds", ["sender": gone], help: "").set(0)
            }
        }
    }
}
