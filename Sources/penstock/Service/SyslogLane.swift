// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Instruments
internal import Normalizer
internal import Receivers
internal import Wire

/// One lane of syslog: a thread that receives, normalizes, enriches and matches its own batches.
struct SyslogLane: Sendable {
    let hub: Hub
    let receiver: SyslogReceiver
    let listeners: [String]
    let uidPrefix: String

    /// Runs until the hub says stop and everything that waited in the sockets was taken in.
    func run() {
        var pipeline = EventPipeline(hub.knowledge, uidPrefix: uidPrefix)
        var generation = hub.knowledgeGeneration
        var counters = LaneCounters(hub.registry, stage: "lane")
        while true {
            if hub.knowledgeGeneration != generation {
                generation = hub.knowledgeGeneration
                pipeline.adopt(hub.knowledge)
            }
            let isLast = hub.isStopping
            var batch = hub.emptyBatch(pipeline.knowledge.mappings.table, lane: receiver.lane)
            let count = receiver.poll(into: &batch, timeout: isLast ? 0 : 200)
            if isLast, count == 0 { receiver.finish(into: &batch) }
            let isDone = isLast && count == 0
            work(&pipeline, &batch, &counters)
            if batch.rows.isEmpty { _ = hub.recycled.push(batch) } else { hub.deliver(batch) }
            if isDone { return }
        }
    }

    private func work(_ pipeline: inout EventPipeline, _ batch: inout Batch, _ counters: inout LaneCounters) {
        guard !batch.frames.isEmpty else { return }
        var hits: [Hit] = []
        pipeline.process(
            &batch,
            collector: { frame in
                Int(frame.listener) < listeners.count ? listeners[Int(frame.listener)] : "listener"
            }, into: &hits)
        counters.add(pipeline.takeTally(), pipeline.knowledge, oldest: batch.frames[0].received)
        if !hits.isEmpty { hub.report(HitBatch(lane: receiver.lane, hits: hits)) }
    }
}
