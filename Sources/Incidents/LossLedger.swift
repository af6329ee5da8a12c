// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// What the service lost, and between which moments: readings of its counters, for the coverage of incidents.
///
/// A counter tells how much was lost, not when. Between two readings lies when; an incident whose events were received in
/// such a span may miss something, so it says so.
public final class LossLedger: Sendable {
    private struct Entry {
        var what: String
        var source: String
        var count: Int
        /// The reading before, and the one that found it.
        var from: Int64
        var to: Int64
    }

    private struct State {
        var totals: [String: Int] = [:]
        var reading: Int64?
        var entries: [Entry] = []
    }

    private let limit: Int
    private let state = Mutex(State())

    /// An empty ledger of at most `limit` spans; beyond, the oldest are joined.
    public init(limit: Int = 4_096) { self.limit = max(16, limit) }

    /// Takes a reading of all counters in, made at `time`, in nanoseconds since the epoch.
    public func read(_ totals: [(what: String, source: String, total: Int)], at time: Int64) {
        state.withLock { state in
            let from = state.reading ?? time
            for counter in totals {
                let key = "\(counter.what)\u{0}\(counter.source)"
                let before = state.totals.updateValue(counter.total, forKey: key) ?? 0
                guard counter.total > before else { continue }
                state.entries.append(
                    Entry(
                        what: counter.what, source: counter.source, count: counter.total - before, from: from, to: time)
                )
            }
            state.reading = time
            while state.entries.count > limit { LossLedger.join(&state.entries) }
        }
    }

    /// What was lost in spans that touch `first` to `last`, by what and source.
    public func between(_ first: Int64, _ last: Int64) -> [CoverageLoss] {
        state.withLock { state in
            var found: [CoverageLoss] = []
            for entry in state.entries where entry.to >= first && entry.from <= last {
                if let place = found.firstIndex(where: { $0.what == entry.what && $0.source == entry.source }) {
                    found[place].count += entry.count
                } else {
                    found.append(CoverageLoss(what: entry.what, count: entry.count, source: entry.source))
                }
            }
            return found.sorted { ($0.what, $0.source) < ($1.what, $1.source) }
        }
    }

    /// Joins neighbours of the older half: their numbers stay, their times get coarser.
    private static func join(_ entries: inout [Entry]) {
        var joined: [Entry] = []
        var places: [String: Int] = [:]
        let half = entries.count / 2
        for (number, entry) in entries.enumerated() {
            let key = "\(entry.what)\u{0}\(entry.source)"
            if number < half, let place = places.removeValue(forKey: key) {
                joined[place].count += entry.count
                joined[place].to = max(joined[place].to, entry.to)
            } else {
                places[key] = joined.count
                joined.append(entry)
            }
        }
        // Counters that each stand once cannot be joined: the oldest go.
        if joined.count == entries.count { joined.removeFirst() }
        entries = joined
    }
}
