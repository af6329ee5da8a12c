// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Journal
internal import Logging
internal import Wire

/// The thread that reads the journal for outputs that are behind: after a start, or after their receiver was slow.
///
/// It brings them close to the end of a log. The last step is the lane's own: only who writes a log knows where it ends.
struct CatchUp: Sendable {
    let hub: Hub
    let outputs: Outputs
    let journal: Journal
    /// The logs that lanes write.
    let owned: Range<Int>
    let uidPrefix: @Sendable (Int) -> String
    let names: SourceNames
    let logger: Logger

    /// Runs until the hub says stop.
    func run() {
        var works: [Int: Box] = [:]
        while !hub.isStopping {
            var isIdle = true
            for log in journal.logs where !hub.isStopping {
                guard let end = journal.bounds(of: log)?.end else { continue }
                let least = owned.contains(log) ? LaneWork.lastStep + 1 : 0
                guard let first = outputs.wanted(hub.matching, log: log, end: end, lag: least...UInt64.max) else {
                    continue
                }
                if works[log] == nil {
                    works[log] = Box(
                        LaneWork(
                            hub: hub, lane: log, log: nil, outputs: outputs, sources: [], uidPrefix: uidPrefix(log),
                            stage: "catch_up", logger: logger, names: names))
                }
                if works[log]?.step(self, log, first) == true { isIdle = false }
            }
            if isIdle { sleepMilliseconds(100) }
        }
    }

    /// One log's work with its reader.
    private final class Box {
        private var work: LaneWork
        private var reader: JournalReader?
        private var next: UInt64 = 0

        init(_ work: consuming LaneWork) { self.work = work }

        func step(_ catchUp: CatchUp, _ log: Int, _ first: UInt64) -> Bool {
            if reader == nil || next != first {
                let oldest = catchUp.journal.bounds(of: log)?.first ?? 0
                work.begin(at: first, first: oldest) { catchUp.journal.reader(of: log, from: $0) }
                reader = catchUp.journal.reader(of: log, from: first)
            }
            guard let reader else { return false }
            let matches = catchUp.hub.matching.wanted(log: log, end: .max) != nil
            guard work.readOne(reader, matching: matches) else {
                self.reader = nil
                return false
            }
            next = reader.next
            // The outputs take a batch when its turn in the ring comes; what they want next is known then.
            let ticket = catchUp.hub.deliveryTicket
            while !catchUp.hub.isStopping, !catchUp.hub.hasTaken(ticket) { sleepMilliseconds(1) }
            return true
        }
    }
}
