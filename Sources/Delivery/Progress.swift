// SPDX-License-Identifier: Apache-2.0
public import Events
internal import Synchronization

/// How far one output has come in each log of the journal.
///
/// An output takes frames strictly in the order of their numbers. What comes twice (the end of a catch-up meets the
/// beginning of live batches) it passes over, and what comes too early, because the output was full or has just begun,
/// it leaves alone: whoever reads the journal brings it later. Thread-safe; used once a batch.
public final class Progress: Sendable {
    private struct Log {
        /// The next frame to take.
        var next: UInt64
        /// The frames before this one are with the receiver: where a new start goes on.
        var done: UInt64
        /// The frames before this one outlive a loss of power as well.
        var safe: UInt64
        /// The frames before this one have passed by: what of them was not taken is only in the journal.
        var missed: UInt64
    }

    /// By the log's number: an array, because changing a dictionary in place allocates.
    private struct State {
        var logs: [Log?] = []
        var isFull = false
        var isBuffered = false
        /// What the output itself knows of its last run.
        var remembered: [Int: UInt64] = [:]

        subscript(_ log: Int) -> Log? {
            get { logs.indices.contains(log) ? logs[log] : nil }
            set {
                guard log >= 0 else { return }
                while logs.count <= log { logs.append(nil) }
                logs[log] = newValue
            }
        }
    }

    /// The output's name as the journal keeps its positions under.
    public let name: String
    private let state = Mutex(State())

    /// Progress of an output that has begun nowhere.
    public init(name: String) { self.name = name }

    /// Notes how far the output had come by its own record, which may be newer than the journal's.
    public func remember(_ positions: [Int: UInt64]) { state.withLock { $0.remembered = positions } }

    /// How far the output had come by its own record; nil when there is none.
    public func remembered(log: Int) -> UInt64? { state.withLock { $0.remembered[log] } }

    /// Sets where the output begins in a log whose next number is `end`.
    public func begin(log: Int, at next: UInt64, end: UInt64) {
        state.withLock { $0[log] = Log(next: next, done: next, safe: next, missed: end) }
    }

    /// Takes a batch's frames.
    ///
    /// - Returns: the first of the batch's frames that is new to the output, or nil when none is to be taken.
    public func take(_ position: JournalPosition, count: Int) -> Int? {
        state.withLock { state in
            guard var log = state[position.log] else { return nil }
            let end = position.first + UInt64(count)
            guard end > log.next else { return nil }
            guard !state.isFull, position.gap ?? position.first <= log.next else {
                log.missed = max(log.missed, end)
                state[position.log] = log
                return nil
            }
            // What was before the batch and is gone is not waited for.
            let first = log.next > position.first ? Int(log.next - position.first) : 0
            if log.done == log.next, log.next < position.first { log.done = position.first }
            log.next = end
            state[position.log] = log
            return first
        }
    }

    /// Notes that the frames before `next` are with the receiver.
    public func done(log: Int, through next: UInt64) {
        state.withLock { state in
            guard var known = state[log], next > known.done else { return }
            known.done = min(next, known.next)
            state[log] = known
        }
    }

    /// Whether the output takes nothing at the moment.
    public var isFull: Bool {
        get { state.withLock { $0.isFull } }
        set { state.withLock { $0.isFull = newValue } }
    }

    /// The next frame that the output would take of a log.
    public func next(of log: Int) -> UInt64? { state.withLock { $0[log]?.next } }

    /// The frame that the output waits for because it did not take it when it passed by; nil when there is none, or no
    /// room.
    public func wanted(log: Int) -> UInt64? {
        state.withLock { state in
            guard !state.isFull, let known = state[log], known.next < known.missed else { return nil }
            return known.next
        }
    }

    /// Where a new start goes on, by log.
    public var positions: [Int: UInt64] {
        state.withLock { state in
            var positions: [Int: UInt64] = [:]
            for (number, log) in state.logs.enumerated() { if let log { positions[number] = log.done } }
            return positions
        }
    }

    /// Where a new start goes on even after a loss of power: what the journal is told.
    public var safePositions: [Int: UInt64] {
        state.withLock { state in
            var positions: [Int: UInt64] = [:]
            for (number, log) in state.logs.enumerated() {
                if let log { positions[number] = state.isBuffered ? log.safe : log.done }
            }
            return positions
        }
    }

    /// Whether what is done is safe only when ``settle(_:)`` says so: of a file, whose bytes the kernel holds for a while.
    var isBuffered: Bool {
        get { state.withLock { $0.isBuffered } }
        set { state.withLock { $0.isBuffered = newValue } }
    }

    /// Notes that the frames before these positions are on a disk.
    func settle(_ positions: [Int: UInt64]) {
        state.withLock { state in
            for (number, next) in positions {
                guard var log = state[number], next > log.safe else { continue }
                log.safe = min(next, log.done)
                state[number] = log
            }
        }
    }

    /// Calls `body` with each log and where a new start goes on.
    func forEach(_ body: (Int, UInt64) -> Void) {
        state.withLock { state in
            for number in state.logs.indices { if let log = state.logs[number] { body(number, log.done) } }
        }
    }
}
