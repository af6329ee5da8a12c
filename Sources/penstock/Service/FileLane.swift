// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Journal
internal import Logging
internal import Receivers
internal import Wire

/// The lane of files: a thread that reads lines, journals, normalizes, enriches and matches its own batches.
struct FileLane: Sendable {
    let hub: Hub
    let receiver: FileReceiver
    let lane: Int
    /// The names of listeners and file inputs by their number.
    let sources: [String]
    let uidPrefix: String
    let log: JournalLog?
    let outputs: Outputs
    let logger: Logger

    /// Runs until the hub says stop.
    func run() {
        let names = sources
        var work = LaneWork(
            hub: hub, lane: lane, log: log, outputs: outputs, sources: names, uidPrefix: uidPrefix, stage: "file",
            logger: logger, collector: { Int($0.listener) < names.count ? names[Int($0.listener)] : "file" })
        work.remember()
        while true {
            work.closeGap()
            let isLast = hub.isStopping
            var batch = work.emptyBatch()
            if isLast { receiver.finish(into: &batch) } else { receiver.poll(into: &batch, timeout: 200) }
            work.record(&batch) {}
            // A batch that the journal did not take at a stop has no position: the files are read again from there.
            let isSafe = log == nil || batch.position != nil || batch.frames.isEmpty
            work.process(batch)
            if isSafe { receiver.commit() }
            if isLast {
                work.finish()
                return
            }
        }
    }
}
