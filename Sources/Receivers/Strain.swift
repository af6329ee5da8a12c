// SPDX-License-Identifier: Apache-2.0

/// What a lane knows of its own overload: since when it has had no pause, and what becomes of its backlog meanwhile.
///
/// A hiccup of the machine fills a socket as an overload does. What tells them apart is what comes after it: a lane that
/// takes more than what arrives catches up, and sharing would then cost order and processor time for nothing.
struct Strain {
    /// Milliseconds between two looks at the backlog, and without a pause before the first one.
    private static let look: Int64 = 12
    /// Milliseconds without a pause after which a lane is overloaded although its socket holds little.
    private static let limit: Int64 = 150
    /// The share of the receive buffer that may be full until then.
    private static let full = 0.25
    /// The share from which on nothing is waited for: the next hiccup would lose datagrams.
    private static let brim = 0.85
    /// Milliseconds that catching up may take.
    private static let recovery = 1000.0

    /// When the lane last had nothing to do; before its first poll it had no work to miss.
    private var pause: Int64?
    private var last: (time: Int64, backlog: Double)?

    /// Notes that the lane has nothing to do.
    mutating func rest(now: Int64) {
        pause = now
        last = nil
    }

    /// Whether a lane that has work again needs another one; `backlog` is the share of the receive buffer that is full.
    mutating func isOverloaded(now: Int64, backlog: () -> Double) -> Bool {
        guard let pause else {
            self.pause = now
            return false
        }
        guard now - (last?.time ?? pause) >= Strain.look else { return false }
        let share = backlog()
        let before = last
        last = (now, share)
        if share >= Strain.brim { return true }
        guard let before else { return false }
        let lessPerMillisecond = (before.backlog - share) / Double(now - before.time)
        // As fast as that, and it is empty soon.
        if lessPerMillisecond * Strain.recovery > share { return false }
        return share >= Strain.full || now - pause >= Strain.limit
    }
}
