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
    let names: SourceNames
    let uidPrefix: String
    let log: JournalLog?
    /// What opening the journal had to mend.
    let recoveries: [JournalRecovery]
    let outputs: Outputs
    let logger: Logger

    /// Runs until the hub says stop.
    func run() {
        var work = LaneWork(
            hub: hub, lane: lane, log: log, outputs: outputs, sources: sources, uidPrefix: uidPrefix, stage: "file",
            recoveries: recoveries, logger: logger, names: names)
        work.remember()
        // What the journal did not take at a stop is read again at the next start: positions stand from there on.
        var isSafe = true
        while true {
            work.closeGap()
            let isLast = hub.isStopping
            var batch = work.emptyBatch()
            if isLast { receiver.finish(into: &batch) } else { receiver.poll(into: &batch, timeout: 200) }
            if !work.record(&batch, meanwhile: {}) { isSafe = false }
            work.process(batch)
            if isSafe { receiver.commit() }
            if isLast {
                work.finish()
                return
            }
        }
    }
}
