// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Finished lines between the thread that formats and the thread that sends, bounded in bytes.
///
/// Blocks change places: one is filled, another is sent. A line costs eight bytes besides itself, and a copy only where
/// lines wait already; an event stream of any rate costs some locks a batch.
final class FeedQueue: Sendable {
    /// Lines one behind the other, framing included.
    struct Block: ~Copyable {
        var bytes = Slab(capacity: 64 * 1024)
        /// The offset behind each line.
        var ends: [Int] = []
        /// Which frames of the journal are done with once so many lines are sent.
        var marks: [Mark] = []

        var isEmpty: Bool { ends.isEmpty && marks.isEmpty }

        mutating func removeAll() {
            bytes.reset()
            ends.removeAll(keepingCapacity: true)
            marks.removeAll(keepingCapacity: true)
        }
    }

    /// A place in a block: when its first `lines` lines are sent, the frames of `log` before `next` are done.
    struct Mark {
        var lines: Int
        var log: Int
        var next: UInt64
    }

    private struct State: ~Copyable {
        var filling = Block()
        /// Bytes of the block that is being sent and not sent yet.
        var sending = 0
        var isClosed = false
        var isStopped = false
        var isAwake = false
    }

    private let monitor = Monitor(State())
    let limit: Int
    private let full: Int

    /// A queue of at most `limit` bytes that counts as full at `full`, or at half of them: the end of a batch that begins
    /// below may reach beyond it.
    init(limit: Int, full: Int = .max) {
        self.limit = max(limit, 64 * 1024)
        self.full = min(full, self.limit / 2)
    }

    /// Takes as many lines of `block` as there is room for, in order.
    ///
    /// - Returns: how many.
    func push(_ block: borrowing Block) -> Int {
        guard let total = block.ends.last else { return 0 }
        let taken = monitor.withLock { state in
            guard !state.isClosed else { return 0 }
            let room = limit - state.filling.bytes.count - state.sending
            let base = state.filling.bytes.count
            var count = block.ends.count
            if total > room { count = block.ends.firstIndex { $0 > room } ?? count }
            guard count > 0 else { return 0 }
            state.filling.bytes.append(block.bytes.bytes.part(0, block.ends[count - 1]))
            for index in 0..<count { state.filling.ends.append(base + block.ends[index]) }
            return count
        }
        if taken > 0 { monitor.wake() }
        return taken
    }

    /// Takes all lines of `block` and its marks, however many wait already: the caller has asked ``isFull`` before. What
    /// is in the block afterwards is done with.
    func pushAll(_ block: inout Block) {
        monitor.withLock { state in
            guard !state.isClosed else { return }
            guard !state.filling.isEmpty else {
                // Whoever sends keeps up: nothing to copy.
                swap(&state.filling, &block)
                return
            }
            let (base, lines) = (state.filling.bytes.count, state.filling.ends.count)
            state.filling.bytes.append(block.bytes.bytes)
            for end in block.ends { state.filling.ends.append(base + end) }
            for var mark in block.marks {
                mark.lines += lines
                state.filling.marks.append(mark)
            }
        }
        monitor.wake()
    }

    /// Waits for lines and exchanges `block`, which is done with, for them.
    ///
    /// - Returns: whether there are lines; false after `close` when none are left, and after `stop`.
    func next(_ block: inout Block) -> Bool {
        monitor.withLock { $0.sending = 0 }
        let isReady = monitor.wait(nanoseconds: -1) { state -> Bool? in
            if state.isStopped { return false }
            if !state.filling.isEmpty { return true }
            return state.isClosed ? false : nil
        }
        guard isReady == true else { return false }
        block.removeAll()
        monitor.withLock { state in
            swap(&state.filling, &block)
            state.sending = block.bytes.count
        }
        return true
    }

    /// Says that `bytes` of the block are sent: room for others.
    func sent(_ bytes: Int) { monitor.withLock { $0.sending -= bytes } }

    /// Takes nothing more; what is there is still handed out.
    func close() {
        monitor.withLock { $0.isClosed = true }
        monitor.wake()
    }

    /// Hands nothing more out.
    ///
    /// - Returns: the lines that were never handed out.
    func stop() -> Int {
        let left = monitor.withLock { state in
            state.isClosed = true
            state.isStopped = true
            return state.filling.ends.count
        }
        monitor.wake()
        return left
    }

    /// Waits until `stop`, or for that time.
    ///
    /// - Returns: whether `stop` was called.
    func pause(_ nanoseconds: Int64) -> Bool {
        monitor.wait(nanoseconds: nanoseconds) { $0.isStopped ? true : nil } ?? false
    }

    /// Whether `stop` was called.
    var isStopped: Bool { monitor.withLock { $0.isStopped } }
    /// Whether a batch that the journal has had better come later.
    var isFull: Bool { bytes >= full }
    /// The bytes that wait.
    var bytes: Int { monitor.withLock { $0.filling.bytes.count + $0.sending } }
}
