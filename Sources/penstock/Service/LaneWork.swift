// SPDX-License-Identifier: Apache-2.0
internal import Correlator
internal import Events
internal import Journal
internal import Logging
internal import Normalizer
internal import Wire

/// What every lane does with a batch that it has received: journal, normalize, enrich, match, hand on.
struct LaneWork: ~Copyable {
    /// The frames that a lane itself reads again, to close the gap between the journal and what it receives next.
    static let lastStep: UInt64 = 4_096
    /// The frames of a batch that is read again: like one that is received.
    static let mostFrames = 256
    /// How many frames before its rest a segment of an event is looked for.
    private static let segmentReach: UInt64 = 2_048

    private let hub: Hub
    private let lane: Int
    private let log: JournalLog?
    private let outputs: Outputs
    private let names: SourceNames
    private let logger: Logger
    private var pipeline: EventPipeline
    private var generation: Int
    private var counters: LaneCounters
    private var recorder: Recorder
    private var ticket = 0
    private var nextClockLook: Int64 = 0

    /// The work of lane number `lane`, whose frames go to `log`, or nowhere.
    init(
        hub: Hub, lane: Int, log: JournalLog?, outputs: Outputs, sources: [String], uidPrefix: String, stage: String,
        recoveries: [JournalRecovery] = [],
        logger: Logger, names: SourceNames
    ) {
        self.hub = hub
        self.lane = lane
        self.log = log
        self.outputs = outputs
        self.names = names
        self.logger = logger
        recorder = Recorder(hub: hub, lane: lane, log: log, recoveries: recoveries, logger: logger)
        generation = hub.knowledgeGeneration
        pipeline = EventPipeline(
            hub.knowledge, uidPrefix: uidPrefix, messages: MessageCounters(hub.registry, sources: sources))
        counters = LaneCounters(hub.registry, stage: stage)
    }

    /// An empty batch to receive into, under the knowledge of the moment.
    mutating func emptyBatch() -> Batch {
        if hub.knowledgeGeneration != generation {
            generation = hub.knowledgeGeneration
            pipeline.adopt(hub.knowledge)
        }
        return hub.emptyBatch(pipeline.knowledge.mappings.table, lane: lane)
    }

    /// Writes the frames of `batch` to the journal; see ``Recorder``.
    @discardableResult
    mutating func record(_ batch: inout Batch, meanwhile: () -> Void) -> Bool {
        recorder.record(&batch, meanwhile: meanwhile)
    }

    /// Makes events and hits of `batch`, and hands it on.
    mutating func process(_ batch: consuming Batch) {
        if pipeline.holdsSegments { releaseSegments(isLast: false) }
        compareClocks()
        guard !batch.frames.isEmpty else {
            hub.recycle(batch)
            return
        }
        let position = batch.position
        let end = (position?.first ?? 0) + UInt64(batch.frames.count)
        let reports = position.map { hub.matching.isLive($0.log) } ?? true
        var hits: [Hit] = []
        pipeline.watchesClocks = true
        pipeline.process(&batch, matching: reports, names: names, into: &hits)
        pipeline.watchesClocks = false
        pipeline.count(into: &counters, oldest: batch.frames[0].received)
        if reports {
            report(hits)
            if let position { hub.matching.reported(log: position.log, through: end) }
        }
        if batch.rows.isEmpty, position == nil { hub.recycle(batch) } else { hub.deliver(batch) }
    }

    /// Adds what was seen of the senders' clocks, once a second, and tells of those that are off, or right again.
    private mutating func compareClocks() {
        let now = steadyClock()
        guard now >= nextClockLook else { return }
        nextClockLook = now + 1_000_000_000
        let changes = hub.clocks.take(from: &pipeline.clocks, lane: lane) { [names] owner in
            owner.peer?.description ?? owner.listener.flatMap { names.name(of: $0) }
        }
        for change in changes {
            let isBack = change.state == .level
            let text =
                isBack
                ? "clock right again, \(change.estimate.offset / 1_000) ms from its times to their receipt"
                : change.estimate.words
            if isBack {
                logger.notice("sender \(change.sender): \(text)")
            } else {
                logger.warning("sender \(change.sender): \(text)")
            }
            recorder.tell(
                isBack ? "clock_right" : "clock_off", reason: change.state.rawValue,
                "sender \(change.sender): \(text)", sender: change.sender)
        }
    }

    /// Ends the lane's work: what waits for the rest of an event goes out as it is.
    mutating func finish() { if pipeline.holdsSegments { releaseSegments(isLast: true) } }

    private mutating func releaseSegments(isLast: Bool) {
        var batch = hub.emptyBatch(pipeline.knowledge.mappings.table, lane: lane)
        var hits: [Hit] = []
        pipeline.release(&batch, now: wallClock(), isLast: isLast, names: names, into: &hits)
        report(hits)
        if batch.rows.isEmpty { hub.recycle(batch) } else { hub.deliver(batch) }
    }

    /// Hands hits to the correlator, with what it needs of them already taken out: lanes are many, it is one.
    private mutating func report(_ hits: [Hit]) {
        guard !hits.isEmpty else { return }
        hub.report(hits.map(pipeline.knowledge.correlation.prepare))
    }

    /// Finds the segments whose events were not complete when the service ended without a stop: among the last frames of
    /// the lane's log.
    mutating func remember() {
        guard let log else { return }
        remember(before: log.end, first: log.first) { JournalReader(of: log, from: $0) }
    }

    /// Begins to read a log again at frame `start`: with the segments before it whose events are completed behind it, and no
    /// others.
    mutating func begin(at start: UInt64, first: UInt64, _ reader: (UInt64) -> JournalReader?) {
        pipeline.forgetSegments()
        remember(before: start, first: first, reader)
    }

    private mutating func remember(before end: UInt64, first: UInt64, _ reader: (UInt64) -> JournalReader?) {
        let start = max(first, end > LaneWork.segmentReach ? end - LaneWork.segmentReach : 0)
        guard start < end, let reader = reader(start) else { return }
        while reader.next < end {
            var batch = emptyBatch()
            let most = min(LaneWork.mostFrames, Int(end - reader.next))
            let isMore = (try? reader.next(into: &batch, mostFrames: most)) ?? false
            if isMore { pipeline.remember(batch) }
            hub.recycle(batch)
            if !isMore { return }
        }
    }

    /// Brings outputs that lag behind the lane's own log by little up to its end, where the lane's next batch begins.
    mutating func closeGap() {
        guard let log else { return }
        // What was read again last time is on its way to the outputs: what they lack is known when they have it.
        guard hub.hasTaken(ticket) else { return }
        let end = log.end
        if let first = outputs.wanted(hub.matching, log: lane, end: end, lag: 0...LaneWork.lastStep) {
            let matches = !hub.matching.isLive(lane)
            pipeline.setAside()
            begin(at: first, first: log.first) { JournalReader(of: log, from: $0) }
            let reader = JournalReader(of: log, from: first)
            while readOne(reader, matching: matches) {}
            pipeline.takeUp()
            ticket = hub.deliveryTicket
        }
        if !hub.matching.isLive(lane), hub.matching.wanted(log: lane, end: end) == nil { hub.matching.goLive(lane) }
    }

    /// Reads the next frames of the journal and hands them on as if they had just been received.
    ///
    /// - Returns: whether there were any.
    mutating func readOne(_ reader: JournalReader, matching: Bool) -> Bool {
        var batch = emptyBatch()
        do {
            guard try reader.next(into: &batch, mostFrames: LaneWork.mostFrames) else {
                hub.recycle(batch)
                return false
            }
        } catch {
            logger.error("journal: \(error)")
            hub.recycle(batch)
            return false
        }
        guard let position = batch.position else {
            hub.recycle(batch)
            return false
        }
        let end = position.first + UInt64(batch.frames.count)
        var hits: [Hit] = []
        if matching, pipeline.holdsSegments { releaseOld(before: batch.frames[0].received, into: &hits) }
        pipeline.process(&batch, matching: matching, names: names, into: &hits)
        pipeline.forgetCounts()
        // What begins behind the place that matching has come to is read for an output that is ahead of it; it has its turn.
        let next = hub.matching.next(of: position.log)
        if matching, position.first <= next {
            hits.removeAll { !$0.isOutOfTurn && ($0.position?.first ?? 0) < next }
            report(hits)
            if end > next { hub.matching.reported(log: position.log, through: end) }
        }
        hub.deliver(batch)
        return true
    }

    /// Takes the hits of segments that had waited long enough for the rest of their event when a frame came that is read
    /// again. The events themselves went out without a place in the journal, and do not come again.
    private mutating func releaseOld(before received: Int64, into hits: inout [Hit]) {
        var batch = hub.emptyBatch(pipeline.knowledge.mappings.table, lane: lane)
        pipeline.release(&batch, now: received, isLast: false, names: names, into: &hits)
        hub.recycle(batch)
    }
}
