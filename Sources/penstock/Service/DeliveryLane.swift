// SPDX-License-Identifier: Apache-2.0
internal import Delivery
internal import Events
internal import Instruments
internal import Journal
internal import Logging
internal import Wire

/// The thread behind the ring of finished batches: it hands each batch to the lake and to every feed.
///
/// Feeds only format and queue, and finished objects of the lake go to their own thread, so that a slow receiver or disk
/// never slows another output.
struct DeliveryLane: @unchecked Sendable {
    let hub: Hub
    let lake: LakeWriter?
    let feeds: [FeedOutput]
    let outputs: Outputs
    let journal: Journal?

    /// Runs until the ring is closed and empty, then flushes the lake.
    func run() {
        let lag = hub.registry.gauge(
            "penstock_stage_lag_milliseconds", ["stage": "deliver"],
            help: "Time from receipt to the end of a stage, of the newest batch.")
        let waiting = hub.registry.gauge(
            "penstock_ring_batches", ["ring": "delivery"], help: "Batches that wait between two stages.")
        var nextKeep: Int64 = 0
        while true {
            guard let batch = hub.finished.pop() else {
                if hub.finished.isDrained { break }
                hub.awaitFinished(milliseconds: 250)
                tick(&nextKeep)
                continue
            }
            lake?.append(batch)
            for feed in feeds { feed.append(batch) }
            if let frame = batch.frames.first { lag.set(max(0, (wallClock() &- frame.received) / 1_000_000)) }
            waiting.set(Int64(hub.finished.count))
            hub.noteTaken()
            hub.recycle(batch)
            tick(&nextKeep)
        }
        lake?.flush()
    }

    /// Brings the lake's position up to date once its last objects are stored.
    func settle() { lake?.flush() }

    /// What is due now and then: objects of the lake that are old enough, and the outputs' positions.
    private func tick(_ nextKeep: inout Int64) {
        lake?.tick()
        guard let journal else { return }
        let now = steadyClock()
        guard now >= nextKeep else { return }
        nextKeep = now + 500_000_000
        outputs.keep(in: journal)
    }
}
