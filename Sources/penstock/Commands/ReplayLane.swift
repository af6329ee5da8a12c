// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Correlator
internal import Delivery
internal import Dispatch
internal import Events
internal import Inventory
internal import Journal
internal import Normalizer
internal import Synchronization
internal import Wire

/// One log of the journal: a thread that reads its frames, and workers that make events and hits of them by the stages of
/// a service's lane. What comes out is in the order of the frames and does not depend on the number of workers.
final class ReplayLane: Sendable {
    /// What was counted so far.
    struct Counts {
        /// Frames that were read, of all.
        var read = 0
        /// Frames in the time that was asked for, and events made of them.
        var frames = 0
        var events = 0
        /// When the first and the last of them were received.
        var first = Int64.max
        var last = Int64.min
        /// Frames that cannot be read, and the last place of damage.
        var lost: UInt64 = 0
        var fault: String?
        /// Why reading ended before the log did.
        var failure: String?
    }

    private static let mostFrames = 512
    private let table: FieldTable
    private let log: Int
    private let range: Range<Int64>
    private let watchesProcess: Bool
    private let workers: [ReplayWorker]
    private let state = Mutex(Counts())
    /// The worker of each batch in the order of the log.
    private let turns = Ring<Int>(capacity: 1_024)
    private let recycled: Ring<Batch>
    private let bell = DispatchSemaphore(value: 0)

    /// The lane of log number `log`, of whose frames those received in `range` count. Hits are prepared by `plan` and
    /// `rivalPlan`.
    init(
        _ rules: ReplayRules, names: SourceNames, log: Int, range: Range<Int64>, workers count: Int,
        plan: CorrelationPlan, rivalPlan: CorrelationPlan?
    ) {
        self.log = log
        self.range = range
        table = rules.knowledge.mappings.table
        watchesProcess = !rules.knowledge.plant.process.points.isEmpty
        let recycled = Ring<Batch>(capacity: 2 * count + 2)
        self.recycled = recycled
        let bell = bell
        workers = (0..<max(1, count)).map { _ in
            ReplayWorker(
                rules, names: names, log: log, plan: plan, rivalPlan: rivalPlan, recycled: recycled, bell: bell)
        }
    }

    var counts: Counts { state.withLock { $0 } }

    /// Begins to read.
    func start(_ reader: JournalReader) {
        for worker in workers { worker.start() }
        _ = OutputThread("replay-\(log)") { self.run(reader) }
    }

    /// The next chunk, waiting a moment for it at most; nil when there is none now, or none any more. `turn` is where the
    /// caller stands.
    func next(_ turn: inout Int?) -> ReplayChunk? {
        for isPatient in [true, false] {
            if turn == nil { turn = turns.pop() }
            if let known = turn, let chunk = workers[known].chunks.pop() {
                turn = nil
                state.withLock { $0.events += chunk.events }
                return chunk
            }
            if turn == nil, turns.isDrained { return nil }
            if isPatient { _ = bell.wait(timeout: .now() + .milliseconds(100)) }
        }
        return nil
    }

    /// Whether everything was read and taken.
    var isDone: Bool { turns.isDrained }

    private func run(_ reader: JournalReader) {
        var latest = Int64.min
        var failure: String?
        var isJoining = false
        var next = 0
        do {
            var batch = empty()
            while try reader.next(into: &batch, mostFrames: ReplayLane.mostFrames) {
                var counts = Counts()
                counts.read = batch.frames.count
                if !isJoining { isJoining = ReplayLane.hasSegment(batch) }
                // What is learned on the way is learned by one worker, in order.
                let isOrdered = isJoining || watchesProcess && ReplayLane.mayBeProcess(batch)
                var start = 0
                while let part = part(of: batch, from: start) {
                    start = part.upperBound
                    var work = empty()
                    if part.count == batch.frames.count {
                        swap(&work, &batch)
                    } else {
                        ReplayLane.copy(part, of: batch, to: &work)
                    }
                    let floor = latest
                    for frame in work.frames {
                        counts.first = min(counts.first, frame.received)
                        counts.last = max(counts.last, frame.received)
                    }
                    counts.frames += part.count
                    latest = max(latest, counts.last)
                    hand(ReplayJob(batch: work, floor: floor, isLast: false), to: isOrdered ? 0 : next)
                    next = (next + 1) % workers.count
                }
                state.withLock { $0.add(counts) }
                batch.reset()
            }
        } catch { failure = "\(error)" }
        if isJoining { hand(ReplayJob(batch: empty(), floor: latest, isLast: true), to: 0) }
        var counts = Counts()
        counts.lost = reader.lost
        counts.fault = reader.lastFault
        counts.failure = failure
        state.withLock { $0.add(counts) }
        turns.close()
        for worker in workers { worker.close() }
        bell.signal()
    }

    private func empty() -> Batch {
        guard var batch = recycled.pop() else { return Batch(table: table) }
        batch.reset()
        return batch
    }

    private func hand(_ job: consuming ReplayJob, to worker: Int) {
        while turns.push(worker) != nil { sleepMilliseconds(1) }
        workers[worker].add(job)
    }

    /// Whether an event in several messages begins, or goes on, in a batch.
    private static func hasSegment(_ batch: borrowing Batch) -> Bool {
        for frame in batch.frames where frame.transport != .sensor && frame.transport != .service {
            if batch.slab.bytes(frame.extent).mayBeISESegment { return true }
        }
        return false
    }

    /// Whether values of process points, which later events are told with, may be in a batch: Modbus, by whatever way.
    private static func mayBeProcess(_ batch: borrowing Batch) -> Bool {
        for frame in batch.frames {
            if frame.transport == .sensor { return true }
            let bytes = batch.slab.bytes(frame.extent)
            if bytes.firstRange(of: "odbus") != nil || bytes.firstRange(of: "ODBUS") != nil { return true }
        }
        return false
    }

    /// The next frames in a row that were received in the time asked for.
    private func part(of batch: borrowing Batch, from start: Int) -> Range<Int>? {
        var first = start
        while first < batch.frames.count, !range.contains(batch.frames[first].received) { first += 1 }
        guard first < batch.frames.count else { return nil }
        var end = first + 1
        while end < batch.frames.count, range.contains(batch.frames[end].received) { end += 1 }
        return first..<end
    }

    private static func copy(_ part: Range<Int>, of batch: borrowing Batch, to other: inout Batch) {
        other.position = batch.position.map {
            JournalPosition(log: $0.log, first: $0.first + UInt64(part.lowerBound), epoch: $0.epoch)
        }
        for index in part {
            var frame = batch.frames[index]
            frame.extent = other.slab.append(batch.slab.bytes(frame.extent))
            if let origin = batch.origin(of: frame) { frame.origin = other.number(of: origin) }
            other.append(frame)
        }
    }
}

extension ReplayLane.Counts {
    /// Adds others.
    mutating func add(_ other: ReplayLane.Counts) {
        read += other.read
        frames += other.frames
        events += other.events
        first = min(first, other.first)
        last = max(last, other.last)
        lost += other.lost
        fault = other.fault ?? fault
        failure = other.failure ?? failure
    }
}
