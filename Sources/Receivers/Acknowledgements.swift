// SPDX-License-Identifier: Apache-2.0
internal import Transport

/// Which RELP connections have messages in the batch that is being worked on, and which wait for the disk.
struct Acknowledgements {
    /// The messages of one connection in one batch.
    struct Turn {
        let slot: Int
        let token: EventLoop.Token
        var messages: Int
        /// The last of them as an index into the batch's frames; later its number in the journal.
        var last: UInt64
    }

    /// Of the batch that is being received.
    private(set) var received: [Turn] = []
    /// Of batches that are in the journal, oldest first.
    private(set) var recorded: [Turn] = []

    /// The messages of ``recorded``.
    private(set) var waiting = 0
    /// Since when nothing was acknowledged although something waits, in monotonic milliseconds.
    private(set) var since: Int64?

    /// Notes a message of a connection, which is the batch's last frame.
    mutating func note(_ slot: Int, _ token: EventLoop.Token, frame: Int) {
        if let last = received.last, last.slot == slot, last.token == token {
            received[received.count - 1].messages += 1
            received[received.count - 1].last = UInt64(frame)
        } else {
            received.append(Turn(slot: slot, token: token, messages: 1, last: UInt64(frame)))
        }
    }

    /// The batch is lost: its senders keep their messages.
    ///
    /// - Returns: the connections that sent it.
    mutating func forget() -> [Turn] {
        defer { received.removeAll(keepingCapacity: true) }
        return received
    }

    /// The batch is in the journal from frame number `first` on.
    ///
    /// - Returns: the number behind the last frame that is to be acknowledged, or nil.
    mutating func record(from first: UInt64, now: Int64) -> UInt64? {
        guard !received.isEmpty else { return nil }
        since = since ?? now
        for var turn in received {
            turn.last += first
            waiting += turn.messages
            recorded.append(turn)
        }
        received.removeAll(keepingCapacity: true)
        return recorded.last.map { $0.last + 1 }
    }

    /// Takes out what is on disk: all frames before `durable`.
    mutating func take(durable: UInt64, now: Int64) -> [Turn] {
        let count = recorded.firstIndex { $0.last >= durable } ?? recorded.count
        guard count > 0 else { return [] }
        let taken = Array(recorded[..<count])
        recorded.removeFirst(count)
        waiting -= taken.reduce(0) { $0 + $1.messages }
        since = recorded.isEmpty ? nil : now
        return taken
    }

    /// Forgets those that `isWanted` denies: while the disk confirms nothing, connections that come and go would add up.
    mutating func prune(_ isWanted: (Turn) -> Bool) {
        recorded.removeAll { !isWanted($0) }
        waiting = recorded.reduce(0) { $0 + $1.messages }
        if recorded.isEmpty { since = nil }
    }
}
