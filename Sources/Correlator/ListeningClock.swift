// SPDX-License-Identifier: Apache-2.0

/// The clock by which a correlator finds senders silent, in nanoseconds since the epoch: it only goes on while its thread
/// listens.
///
/// While the thread was busy or the process was halted, what senders sent waits in front of it. So each step counts for a
/// short time at most, however long it took, and a sender is found silent only after several steps that brought nothing
/// of it.
public struct ListeningClock: Sendable {
    /// The most that a step counts for that brought hits.
    private static let mostBusy: Int64 = 50_000_000
    /// The most that a step counts for that brought none.
    private static let mostIdle: Int64 = 250_000_000

    /// The time.
    public private(set) var now: Int64
    private var last: Int64

    /// A clock that begins at the wall clock's `now`, by a clock that is never set, which shows `steady`.
    public init(now: Int64, steady: Int64) {
        self.now = now
        last = steady
    }

    /// Goes on after a step that ended when the steady clock showed `steady`, and that brought hits or not.
    public mutating func step(steady: Int64, hits: Bool) {
        now += min(max(0, steady - last), hits ? ListeningClock.mostBusy : ListeningClock.mostIdle)
        last = steady
    }
}
