// SPDX-License-Identifier: Apache-2.0
internal import Delivery
internal import Events
internal import Journal

/// The outputs that keep a position in the journal: the lake and the feeds, and beside them the incidents.
struct Outputs: Sendable {
    /// The journal's name for what the correlator has judged.
    static let incidents = "incidents"

    /// How far each output has come.
    let all: [Progress]

    /// The first frame of a log that some output waits for, or nil; `end` is the log's next number, and only outputs
    /// that are behind by so many frames count.
    func wanted(
        _ matching: Matching, log: Int, end: UInt64, lag: ClosedRange<UInt64> = 0...UInt64.max
    ) -> UInt64? {
        var first: UInt64?
        func consider(_ next: UInt64?) {
            if let next, lag.contains(end &- next) { first = min(first ?? next, next) }
        }
        consider(matching.wanted(log: log, end: end))
        for progress in all { consider(progress.wanted(log: log)) }
        return first
    }

    /// Sets where every output begins: at its position, or where the journal ends when it is new.
    ///
    /// - Parameters:
    ///   - windows: the places that the checkpoint of windows is exact for.
    ///   - keep: called before the journal has these positions on disk: for what else keeps them.
    func begin(
        _ journal: Journal, _ matching: Matching, owned: Range<Int>, windows: [Int: UInt64],
        keep keepElsewhere: () -> Void
    ) throws(JournalError) {
        for log in Set(journal.logs).union(owned) {
            guard let (first, end) = journal.bounds(of: log) else { continue }
            // A new output begins with what comes from now on; one whose position is lost begins anew.
            let unknown = journal.hasLostPositions ? first : end
            for progress in all {
                // What an output has on record itself counts only beside the journal's own word of it.
                let recorded = journal.position(of: progress.name, log: log)
                let known = recorded.map { max($0, progress.remembered(log: log) ?? 0) } ?? unknown
                progress.begin(log: log, at: min(max(known, first), end), end: end)
            }
            let known = windows[log] ?? journal.position(of: Outputs.incidents, log: log) ?? unknown
            let next = min(max(known, first), end)
            matching.begin(log: log, at: next, isLive: next == end && owned.contains(log))
        }
        keepElsewhere()
        // A position that no output has any more would hold old segments, and count as lag.
        keep(in: journal)
        for (log, next) in matching.reached { journal.setPosition(next, consumer: Outputs.incidents, log: log) }
        let names = Set(all.map(\.name) + [Outputs.incidents])
        for consumer in journal.consumers where !names.contains(consumer) { journal.forget(consumer: consumer) }
        try journal.savePositions()
    }

    /// Hands the outputs' positions to the journal, which keeps them.
    func keep(in journal: Journal) {
        for progress in all {
            for (log, next) in progress.safePositions { journal.setPosition(next, consumer: progress.name, log: log) }
        }
    }
}
