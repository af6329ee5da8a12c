// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Instruments
internal import Journal
internal import Logging

/// A lane's way into the journal, and what it does while that takes nothing.
struct Recorder {
    private let hub: Hub
    private let lane: Int
    private let log: JournalLog?
    private let logger: Logger
    private let lost: Instrument
    private let untold: Instrument
    private var nextComplaint: Int64 = 0
    /// What the next batch tells beside its own frames: JSON of `mappings/sources/penstock/audit.yaml`.
    private var notices: [String] = []
    private static let mostNotices = 256

    /// The way of lane number `lane` into `log`, or nowhere; `recoveries` is what opening the journal had to mend of it.
    init(hub: Hub, lane: Int, log: JournalLog?, recoveries: [JournalRecovery] = [], logger: Logger) {
        for recovery in recoveries where recovery.log == lane {
            notices.append(
                Recorder.notice("journal_recovered", recovery.reason, "\(recovery.bytesCut) bytes were cut off"))
        }
        self.hub = hub
        self.lane = lane
        self.log = log
        self.logger = logger
        lost = hub.registry.dropped(stage: "journal", reason: "shutdown")
        untold = hub.registry.dropped(stage: "receive", reason: "notice_limit")
    }

    /// Writes the frames of `batch` to the journal. While that takes nothing, because its disk is full or broken, it is
    /// tried again: `meanwhile` is called between the attempts, for what cannot wait.
    ///
    /// - Returns: false when the frames are lost, because a stop could wait no longer; the batch is empty then.
    @discardableResult
    mutating func record(_ batch: inout Batch, meanwhile: () -> Void) -> Bool {
        guard !batch.frames.isEmpty else { return true }
        tellNotices(&batch)
        guard let log else { return true }
        var attempts = 0
        var since: Int64 = 0
        while true {
            do {
                try log.append(&batch)
                if since > 0 {
                    notices.append(
                        Recorder.notice(
                            "journal_full", "the journal took nothing",
                            "senders that can wait were held back for \((steadyClock() - since) / 1_000_000_000) s"))
                }
                return true
            } catch {
                if since == 0 { since = steadyClock() }
                if steadyClock() >= nextComplaint {
                    nextComplaint = steadyClock() + 60_000_000_000
                    logger.error(
                        "lane \(lane): the journal takes nothing: \(error); senders that can wait do, datagrams are shed"
                    )
                }
                // At a stop the frames in hand get five more seconds.
                attempts += hub.isStopping ? 1 : 0
                if attempts > 100 {
                    lost.add(batch.frames.count)
                    logger.error("lane \(lane): \(batch.frames.count) messages are lost, the journal took nothing")
                    batch.reset()
                    return false
                }
                meanwhile()
                sleepMilliseconds(50)
            }
        }
    }

    /// Tells something of a sender with the next batch.
    mutating func tell(_ event: String, reason: String, _ detail: String, sender: String) {
        guard notices.count < Recorder.mostNotices else { return untold.add() }
        notices.append(Recorder.notice(event, reason, detail, sender: sender))
    }

    private mutating func tellNotices(_ batch: inout Batch) {
        for notice in notices {
            let bytes = Array(notice.utf8)
            batch.append(bytes.span.bytes, received: wallClock(), transport: .service)
        }
        notices.removeAll()
    }

    private static func notice(
        _ event: String, _ reason: String, _ detail: String, sender: String? = nil
    ) -> String {
        func text(_ text: String) -> String { String(decoding: JSONText.escaped(text), as: UTF8.self) }
        let peer = sender.map { #","peer":"\#(text($0))""# } ?? ""
        return
            #"{"penstock":"audit","event":"\#(event)"\#(peer),"reason":"\#(text(reason))","detail":"\#(text(detail))","count":1}"#
    }
}
