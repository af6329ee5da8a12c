// SPDX-License-Identifier: Apache-2.0
internal import Correlator
internal import Events
internal import Journal
internal import Sigma

/// A replay of rules over a journal: lanes make hits of frames, one thread makes firings of them, or compares.
struct ReplayRun {
    let rules: ReplayRules
    let journal: Journal
    let names: SourceNames
    let range: Range<Int64>
    /// The only log, or all.
    let log: Int?
    /// Threads for making events, of all logs together.
    let workers: Int
    let isQuiet: Bool

    private func lanes(
        _ plan: CorrelationPlan, _ rivalPlan: CorrelationPlan?
    ) -> (lanes: [ReplayLane], readers: [JournalReader], total: Int) {
        var (lanes, readers, total): ([ReplayLane], [JournalReader], Int) = ([], [], 0)
        let logs = journal.logs.filter { log == nil || log == $0 }.compactMap { number in
            journal.bounds(of: number).map { (number: number, bounds: $0, frames: Int(clamping: $0.end - $0.first)) }
        }
        for log in logs { total += log.frames }
        for log in logs {
            guard let reader = journal.reader(of: log.number, from: log.bounds.first) else { continue }
            lanes.append(
                ReplayLane(
                    rules, names: names, log: log.number, range: range,
                    workers: ReplayRun.share(of: log.frames, in: total, workers), plan: plan, rivalPlan: rivalPlan))
            readers.append(reader)
        }
        return (lanes, readers, total)
    }

    /// How many of `workers` a log of so many frames gets: most services have one log with nearly all of them.
    static func share(of frames: Int, in total: Int, _ workers: Int) -> Int {
        guard frames < total else { return max(1, workers) }
        return max(1, Int((Double(workers) * Double(frames) / Double(total)).rounded()))
    }

    /// Reads everything, and calls `step` for what was found in the order of receipt; tells what was read.
    private func read(
        _ plan: CorrelationPlan, _ rivalPlan: CorrelationPlan? = nil, _ step: (ReplayMerge.Step) throws -> Void
    ) throws -> ReplayLane.Counts {
        let (lanes, readers, total) = lanes(plan, rivalPlan)
        for (lane, reader) in zip(lanes, readers) { lane.start(reader) }
        var merge = ReplayMerge(lanes)
        var progress = ReplayProgress(total: total, isQuiet: isQuiet)
        func done() -> Int { lanes.reduce(0) { $0 + $1.counts.read } }
        while let next = merge.next({ progress.show(done()) }) {
            try step(next)
            progress.show(done())
        }
        progress.end(done())
        var counts = ReplayLane.Counts()
        for lane in lanes { counts.add(lane.counts) }
        return counts
    }

    /// Prints what the rules find, as JSON lines.
    func list() throws -> ReplayLane.Counts {
        var side = ReplaySide(rules.tried, rules.configuration)
        var output = Output()
        let counts = try read(side.plan) { step in
            for made in side.accept(step.hits, from: step.start, to: step.end) {
                try output.line(made.firing.line.span.bytes)
            }
        }
        for made in side.finish() { try output.line(made.firing.line.span.bytes) }
        try output.flush()
        return counts
    }

    /// Compares what the rules in force and those that are tried find.
    func compare(with tried: RuleSet, limit: Int) throws -> ReplayReport {
        let knowledge = rules.knowledge
        var comparison = ReplayComparison(before: knowledge.ruleSet, after: tried, limit: limit)
        var before = ReplaySide(knowledge.ruleSet, rules.configuration)
        var after = ReplaySide(tried, rules.configuration)
        let counts = try read(before.plan, after.plan) { step in
            // Both hear of every event that either of them matches, so that event time goes on alike for both.
            for (old, new) in zip(step.hits, step.rivals) { comparison.note(old.packed.rules, new.packed.rules) }
            for made in before.accept(step.hits, from: step.start, to: step.end) { comparison.note(made, isNew: false) }
            for made in after.accept(step.rivals, from: step.start, to: step.end) { comparison.note(made, isNew: true) }
        }
        for made in before.finish() { comparison.note(made, isNew: false) }
        for made in after.finish() { comparison.note(made, isNew: true) }
        comparison.finish()
        return ReplayReport(comparison: comparison, counts: counts)
    }
}
