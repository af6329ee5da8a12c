// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Journal
internal import Logging
internal import Receivers
internal import Wire

/// One lane of syslog: a thread that receives, journals, normalizes, enriches and matches its own batches.
struct SyslogLane: Sendable {
    let hub: Hub
    let receiver: SyslogReceiver
    /// The names of listeners by their number.
    let sources: [String]
    let names: SourceNames
    let uidPrefix: String
    let log: JournalLog?
    /// What opening the journal had to mend.
    let recoveries: [JournalRecovery]
    let outputs: Outputs
    let logger: Logger

    /// Runs until the hub says stop and everything that waited in the sockets was taken in.
    func run() {
        var work = LaneWork(
            hub: hub, lane: receiver.lane, log: log, outputs: outputs, sources: sources, uidPrefix: uidPrefix,
            stage: "lane",
            recoveries: recoveries, logger: logger,
            names: names)
        var end = StopWatch()
        work.remember()
        while true {
            work.closeGap()
            let isLast = hub.isStopping
            var batch = work.emptyBatch()
            let count = receiver.poll(into: &batch, timeout: isLast ? 0 : 200)
            // A sender that never pauses must not hold the stop up.
            let isDone = isLast && (count == 0 || end.isOver)
            if isDone {
                receiver.acknowledgeAll(log)
                receiver.finish(into: &batch)
            }
            work.record(&batch) { receiver.shed() }
            if let through = receiver.recorded(from: log == nil ? 0 : batch.position?.first) {
                _ = log?.wantsDurable(below: through)
            }
            work.process(batch)
            receiver.acknowledge(durable: log?.durable ?? .max)
            if isDone {
                work.finish()
                return
            }
        }
    }
}

extension SyslogReceiver {
    /// Acknowledges what is in the journal before its connections end, so that senders need not repeat it; waits at most a
    /// second for the disk.
    func acknowledgeAll(_ log: JournalLog?) {
        for _ in 0..<100 where hasUnacknowledged {
            if let log { _ = log.wantsDurable(below: log.end) }
            sleepMilliseconds(10)
            acknowledge(durable: log?.durable ?? .max)
        }
    }
}
