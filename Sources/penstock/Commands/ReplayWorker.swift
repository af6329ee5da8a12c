// SPDX-License-Identifier: Apache-2.0
internal import Correlator
internal import Delivery
internal import Dispatch
internal import Events
internal import Instruments
internal import Normalizer
internal import Sigma
internal import Synchronization
internal import Wire

/// What a batch of a log's frames came to.
struct ReplayChunk: Sendable {
    /// The hits in the order of their frames.
    var hits: [PreparedHit] = []
    /// The same hits when two sets of rules are compared, with what the tried ones say.
    var rivals: [PreparedHit] = []
    /// When the hits count as received: with the log's latest frame, so that it never goes back.
    var moments: [Int64] = []
    /// What the moments of the next chunk will not be before.
    var through = Int64.min
    /// Events made.
    var events = 0
}

/// A batch of frames on its way to a worker.
struct ReplayJob: ~Copyable, Sendable {
    var batch: Batch
    /// When the latest frame before it was received.
    var floor: Int64
    /// Whether what waits for the rest of an event is to go out as it is.
    var isLast: Bool
}

/// The stages of a lane on a thread of its own: frames in, prepared hits out, in order.
final class ReplayWorker: Sendable {
    /// What is to be done.
    let jobs = Ring<ReplayJob>(capacity: 4)
    /// What it came to.
    let chunks = Ring<ReplayChunk>(capacity: 8)
    private let jobBell = DispatchSemaphore(value: 0)
    private let bell: DispatchSemaphore
    private let recycled: Ring<Batch>
    private let rules: ReplayRules
    private let names: SourceNames
    private let uidPrefix: String
    private let plan: CorrelationPlan
    private let rivalPlan: CorrelationPlan?

    /// A worker for frames of log number `log`. Hits are prepared by `plan` and `rivalPlan`; emptied batches go to
    /// `recycled`, and `bell` is told of each chunk.
    init(
        _ rules: ReplayRules, names: SourceNames, log: Int, plan: CorrelationPlan, rivalPlan: CorrelationPlan?,
        recycled: Ring<Batch>, bell: DispatchSemaphore
    ) {
        self.rules = rules
        self.names = names
        self.plan = plan
        self.rivalPlan = rivalPlan
        self.recycled = recycled
        self.bell = bell
        uidPrefix = "\(rules.configuration.site)/\(log)/"
    }

    /// Begins to work.
    func start() { _ = OutputThread("replay-work") { self.run() } }

    /// Hands a job over; waits while there are enough.
    func add(_ job: consuming ReplayJob) {
        var pending: ReplayJob? = consume job
        while let waiting = pending.take() {
            pending = jobs.push(waiting)
            if pending != nil { sleepMilliseconds(1) }
        }
        jobBell.signal()
    }

    /// No more jobs will come.
    func close() {
        jobs.close()
        jobBell.signal()
    }

    private func run() {
        let knowledge = rules.knowledge
        let rival = rules.rival.map { RowMatcher(BoundRules($0, table: knowledge.mappings.table), of: $0) }
        var pipeline = EventPipeline(
            knowledge, uidPrefix: uidPrefix, messages: MessageCounters(Registry(), sources: []), rival: rival)
        while !jobs.isDrained {
            guard var job = jobs.pop() else {
                jobBell.wait()
                continue
            }
            var chunk = ReplayChunk()
            chunk.through = job.floor
            var hits: [Hit] = []
            if pipeline.holdsSegments {
                var batch = recycled.pop() ?? Batch(table: knowledge.mappings.table)
                batch.reset()
                let now = job.isLast ? .max : job.batch.frames.first?.received ?? job.floor
                pipeline.release(&batch, now: now, isLast: job.isLast, names: names, into: &hits)
                chunk.events += batch.rows.count
                _ = recycled.push(batch)
            }
            pipeline.process(&job.batch, names: names, into: &hits)
            chunk.events += job.batch.rows.count
            pipeline.forgetCounts()
            add(hits, pipeline.takeRivalRules(), to: &chunk)
            for frame in job.batch.frames { chunk.through = max(chunk.through, frame.received) }
            _ = recycled.push(job.batch)
            push(chunk)
        }
        chunks.close()
        bell.signal()
    }

    private func add(_ hits: [Hit], _ rivalRules: [[String]], to chunk: inout ReplayChunk) {
        for (index, var hit) in hits.enumerated() {
            chunk.through = max(chunk.through, hit.received)
            chunk.moments.append(chunk.through)
            // Each frame is read once here, in chunks that are taken one by one.
            hit.position = nil
            chunk.hits.append(plan.prepare(hit))
            guard let rivalPlan, index < rivalRules.count else { continue }
            hit.rules = rivalRules[index]
            chunk.rivals.append(rivalPlan.prepare(hit))
        }
    }

    private func push(_ chunk: consuming ReplayChunk) {
        var pending: ReplayChunk? = chunk
        while let waiting = pending.take() {
            pending = chunks.push(waiting)
            if pending != nil { sleepMilliseconds(1) }
        }
        bell.signal()
    }
}
