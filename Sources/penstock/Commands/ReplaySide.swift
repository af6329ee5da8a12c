// SPDX-License-Identifier: Apache-2.0
internal import Correlator
internal import Events
internal import Instruments
internal import Sigma

/// A firing as it was in the end, with one of its events.
struct ReplayFiring: Sendable {
    /// The firing, without its hits.
    var firing: Firing
    /// The uid of an event of it, and the line that this was made of.
    var uid = ""
    var line: [UInt8] = []
}

/// One set of rules over a replay: a correlator with the bounds and the clock of a service's, and its firings, each of
/// which comes out once when nothing can become of it any more.
struct ReplaySide {
    private struct Open {
        var made: ReplayFiring
        /// Its place in the order of first firings.
        var number: Int
        /// When it was told last, on the clock of receipt.
        var told: Int64
    }

    private var correlator: Correlator
    private var open: [String: Open] = [:]
    private var number = 0
    private var scanAt = ReplaySide.leastScan
    /// How long after its last event a firing of a rule may still change, in nanoseconds.
    private var margins: [String: Int64] = [:]
    private static let leastScan = 1_024
    /// The most bytes of a line that are kept to be shown.
    private static let shownBytes = 1_024

    /// The rules of `ruleSet` under the tolerances of `configuration`.
    init(_ ruleSet: RuleSet, _ configuration: Configuration) {
        var options = Correlator.Options()
        options.outOfOrder = configuration.outOfOrder
        options.lateness = configuration.lateness
        // One event to show; the incidents of a service want more.
        options.maxEvidence = 1
        correlator = Correlator(ruleSet: ruleSet, options: options, registry: Registry())
        let rest = 1_000_000 * (options.outOfOrder + options.lateness + 2 * options.tellInterval)
        for rule in ruleSet.rules { margins[rule.id] = ReplaySide.margin(rule.folding.timespan, rest) }
        for rule in ruleSet.correlations { margins[rule.id] = ReplaySide.margin(rule.timespan, rest) }
    }

    /// What its hits are prepared by.
    var plan: CorrelationPlan { correlator.plan }

    private static func margin(_ timespan: Int64, _ rest: Int64) -> Int64 {
        let (double, over) = timespan.multipliedReportingOverflow(by: 2)
        let (sum, more) = double.addingReportingOverflow(rest)
        return over || more ? .max : sum
    }

    /// Takes the hits of a step of receipt, after the time before it has gone by; tells the firings that are final.
    mutating func accept(_ hits: [PreparedHit], from start: Int64, to end: Int64) -> [ReplayFiring] {
        note(correlator.advance(now: start), start)
        note(correlator.accept(hits, now: end), end)
        guard open.count >= scanAt else { return [] }
        let final = settled(now: end)
        scanAt = max(ReplaySide.leastScan, 2 * open.count)
        return final
    }

    /// Judges what waits, and tells the rest of the firings.
    mutating func finish() -> [ReplayFiring] {
        note(correlator.finish(), .max)
        defer { open = [:] }
        return ReplaySide.inOrder(Array(open.values))
    }

    private mutating func note(_ firings: [Firing], _ now: Int64) {
        for firing in firings {
            var bare = firing
            bare.packedHits = []
            if var known = open[firing.id] {
                known.made.firing = bare
                known.told = now
                open[firing.id] = known
                continue
            }
            var made = ReplayFiring(firing: bare)
            if let hit = firing.packedHits.last?.hit {
                made.uid = hit.uid
                let evidence = hit.evidence.first { $0.kind != .packet }
                made.line = Array((evidence?.bytes ?? []).prefix(ReplaySide.shownBytes))
            }
            open[firing.id] = Open(made: made, number: number, told: now)
            number += 1
        }
    }

    /// Takes out what is final: event time and the clock of receipt have both passed all that could change it. Both,
    /// because the events of a sender whose clock is behind come long after event time has passed them.
    private mutating func settled(now: Int64) -> [ReplayFiring] {
        guard let judged = correlator.judgedThrough else { return [] }
        var final: [String: Open] = [:]
        for (id, known) in open {
            let firing = known.made.firing
            let margin = margins[firing.rule.id] ?? .max
            let (event, over) = max(firing.last, firing.time).addingReportingOverflow(margin)
            let (receipt, more) = known.told.addingReportingOverflow(margin)
            if !over, !more, event <= judged, receipt <= now { final[id] = known }
        }
        for id in final.keys { open[id] = nil }
        return ReplaySide.inOrder(Array(final.values))
    }

    /// By first firing; without those that a late event undid.
    private static func inOrder(_ firings: [Open]) -> [ReplayFiring] {
        firings.sorted { $0.number < $1.number }.map(\.made).filter { !$0.firing.isWithdrawn }
    }
}
