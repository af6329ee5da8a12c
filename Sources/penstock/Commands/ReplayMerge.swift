// SPDX-License-Identifier: Apache-2.0
internal import Correlator

/// The hits of several logs in the order in which a service had them, whatever the threads that find them do: in steps of
/// a quarter of a second of receipt, within which the logs follow each other by number.
struct ReplayMerge {
    /// What all logs have in one span of receipt.
    struct Step {
        /// Nanoseconds since the epoch; `end` is not part of it.
        var start: Int64
        var end: Int64
        var hits: [PreparedHit] = []
        /// The same hits when two sets of rules are compared, with what the tried ones say.
        var rivals: [PreparedHit] = []
    }

    private struct Source {
        let lane: ReplayLane
        var chunk = ReplayChunk()
        var place = 0
        var turn: Int?

        /// The moment of the next hit, if it is known.
        var moment: Int64? { place < chunk.moments.count ? chunk.moments[place] : nil }

        /// Goes on to the next chunk, calling `idle` while it waits; false at the end.
        mutating func pull(_ idle: () -> Void) -> Bool {
            while true {
                idle()
                if let next = lane.next(&turn) {
                    chunk = next
                    place = 0
                    return true
                }
                if turn == nil, lane.isDone { return false }
            }
        }

        mutating func take(before end: Int64, into step: inout Step) {
            while let moment, moment < end {
                step.hits.append(chunk.hits[place])
                if place < chunk.rivals.count { step.rivals.append(chunk.rivals[place]) }
                place += 1
            }
        }
    }

    /// One step, in nanoseconds.
    private static let span: Int64 = 250_000_000
    private var sources: [Source]

    init(_ lanes: [ReplayLane]) { sources = lanes.map { Source(lane: $0) } }

    /// The next step in which anything was found; nil at the end. `idle` is called now and then.
    mutating func next(_ idle: () -> Void) -> Step? {
        for index in sources.indices { while sources[index].moment == nil, sources[index].pull(idle) {} }
        guard let earliest = sources.compactMap(\.moment).min() else { return nil }
        // Rounded down, also before 1970.
        let start = earliest - (earliest % ReplayMerge.span + ReplayMerge.span) % ReplayMerge.span
        let (end, over) = start.addingReportingOverflow(ReplayMerge.span)
        var step = Step(start: start, end: over ? .max : end)
        for index in sources.indices {
            sources[index].take(before: step.end, into: &step)
            while sources[index].moment == nil, sources[index].chunk.through < step.end, sources[index].pull(idle) {
                sources[index].take(before: step.end, into: &step)
            }
        }
        return step
    }
}
