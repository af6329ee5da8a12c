// SPDX-License-Identifier: Apache-2.0
internal import Correlator
internal import Dispatch
internal import Events
internal import Instruments
internal import Synchronization
internal import Wire

/// What the threads of the service share: the rings between them, the knowledge of the moment, and the order to stop.
/// The rings are short: a batch is up to some megabytes, and what waits in them is the service's memory under load.
final class Hub: Sendable {
    /// Finished batches on their way to delivery.
    let finished = Ring<Batch>(capacity: 4)
    /// Emptied batches on their way back to the lanes.
    let recycled = Ring<Batch>(capacity: 6)
    /// Hits on their way to the correlator, those of a batch of frames together.
    let hits = Ring<[PreparedHit]>(capacity: 4)
    /// Told at each push to a ring, so that its reader sleeps while there is nothing to do.
    private let finishedBell = DispatchSemaphore(value: 0)
    private let hitsBell = DispatchSemaphore(value: 0)
    /// All counters and gauges.
    let registry: Registry
    /// How far hits have been reported, by log of the journal.
    let matching = Matching()
    /// The clocks of the senders.
    let clocks: SenderClocks
    private let current: Mutex<Knowledge>
    private let generation = Atomic<Int>(1)
    private let stopping = Atomic<Bool>(false)
    private let deliveries = Atomic<Int>(0)
    private let taken = Atomic<Int>(0)
    private let reports = Atomic<Int>(0)
    private let reported = Atomic<Int>(0)

    /// A hub; senders' clocks may be off by `clockTolerance` milliseconds.
    init(_ knowledge: Knowledge, clockTolerance: Int64, registry: Registry) {
        clocks = SenderClocks(tolerance: clockTolerance, registry: registry)
        current = Mutex(knowledge)
        self.registry = registry
    }

    /// The knowledge of the moment; lanes ask once a batch.
    var knowledge: Knowledge { current.withLock { $0 } }

    /// A number that changes when the knowledge does.
    var knowledgeGeneration: Int { generation.load(ordering: .acquiring) }

    /// Publishes new knowledge.
    func publish(_ knowledge: Knowledge) {
        current.withLock { $0 = knowledge }
        generation.add(1, ordering: .releasing)
    }

    /// Whether lanes are to take in what waits and end.
    var isStopping: Bool { stopping.load(ordering: .acquiring) }

    /// Orders lanes to end.
    func stop() { stopping.store(true, ordering: .releasing) }

    /// An empty batch for `lane`, from the recycled ones when there is one.
    func emptyBatch(_ table: FieldTable, lane: Int) -> Batch {
        if var batch = recycled.pop() {
            batch.reset(table: table, lane: lane)
            return batch
        }
        return Batch(table: table, lane: lane)
    }

    /// Takes a batch back for another round; one that a burst has made large is given up.
    func recycle(_ batch: consuming Batch) {
        if batch.slab.capacity <= 4 << 20 { _ = recycled.push(batch) }
    }

    /// Hands a batch to delivery; waits while the ring is full, which is the back-pressure that stops receiving.
    func deliver(_ batch: consuming Batch) {
        deliveries.add(1, ordering: .relaxed)
        var pending: Batch? = consume batch
        while let waiting = pending.take() {
            pending = finished.push(waiting)
            if pending != nil { sleepMilliseconds(1) }
        }
        finishedBell.signal()
    }

    /// A ticket for everything delivered so far; see ``hasTaken(_:)``.
    var deliveryTicket: Int { deliveries.load(ordering: .relaxed) }

    /// Whether outputs have been offered everything that was delivered before the ticket was drawn.
    func hasTaken(_ ticket: Int) -> Bool { taken.load(ordering: .acquiring) >= ticket }

    /// Notes that a batch has been offered to the outputs.
    func noteTaken() { taken.add(1, ordering: .releasing) }

    /// Hands hits to the correlator; waits while the ring is full. Lanes have their turns in the order of coming: one that
    /// is passed over again and again would fall behind the others in event time.
    func report(_ hits: [PreparedHit]) {
        let turn = reports.add(1, ordering: .relaxed).oldValue
        while reported.load(ordering: .acquiring) != turn { sleepMilliseconds(1) }
        var pending: [PreparedHit]? = hits
        while let waiting = pending.take() {
            pending = self.hits.push(waiting)
            if pending != nil { sleepMilliseconds(1) }
        }
        reported.add(1, ordering: .releasing)
        hitsBell.signal()
    }

    /// Waits until a batch was finished, at most so long.
    func awaitFinished(milliseconds: Int) { _ = finishedBell.wait(timeout: .now() + .milliseconds(milliseconds)) }

    /// Waits until hits were reported, at most so long.
    func awaitHits(milliseconds: Int) { _ = hitsBell.wait(timeout: .now() + .milliseconds(milliseconds)) }

    /// No more hits will come: their reader may end.
    func closeHits() {
        hits.close()
        hitsBell.signal()
    }

    /// No more finished batches will come: their reader may end.
    func closeFinished() {
        finished.close()
        finishedBell.signal()
    }
}
