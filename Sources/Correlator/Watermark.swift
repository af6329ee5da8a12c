// SPDX-License-Identifier: Apache-2.0

/// How far event time has come: the time before which no more events are waited for.
struct Watermark {
    struct Partition {
        var highest: Int64
        var lastArrival: Int64
        /// How late its events come at least.
        var lag = Lag()
        /// Whether nothing has come of it yet.
        var isEmpty: Bool { highest == .min && lastArrival == .min }
    }

    /// The least of receipt less event time of a partition, in nanoseconds: in this minute of receipts and in the two before.
    struct Lag {
        private static let span: Int64 = 60_000_000_000
        /// How far minutes may differ and the clock still be what is wrong: what was held up and comes at once catches up.
        private static let tolerance: Int64 = 10_000_000_000
        private var started = Int64.min
        private var least = Int64.max
        private var last: Int64?
        private var earlier: Int64?

        mutating func observe(_ time: Int64, received: Int64) {
            let lag = received.subtractingClamped(time)
            if started == .min || UInt64(bitPattern: received &- started) >= UInt64(Lag.span) {
                if started != .min { (earlier, last) = (last, least) }
                started = received
                least = lag
            } else {
                least = min(least, lag)
            }
        }

        /// The least of all; nil before the first event.
        var known: Int64? { started == .min ? nil : min(least, last ?? .max, earlier ?? .max) }

        /// The least of two whole minutes that agree, where this one agrees as well so far: the clock is behind then. Else nil.
        var steady: Int64? {
            guard let last, let earlier else { return nil }
            let lowest = min(last, earlier)
            guard max(last, earlier).subtractingClamped(lowest) <= Lag.tolerance,
                lowest.subtractingClamped(least) <= Lag.tolerance
            else { return nil }
            return min(least, lowest)
        }
    }

    /// By number.
    var partitions: [Partition] = []
    private let bound: Int64
    private let idleTimeout: Int64
    private let holdLimit: Int64
    /// The highest event time of any partition.
    var highest = Int64.min
    /// The watermark; it never goes back.
    var current = Int64.min

    /// Nanoseconds that an event may come after a younger one, after which a silent partition is not waited for, and that
    /// a partition whose clock is behind may hold up the others.
    init(bound: Int64, idleTimeout: Int64, holdLimit: Int64) {
        self.bound = bound
        self.idleTimeout = idleTimeout
        self.holdLimit = holdLimit
    }

    /// Takes note of an event time of a partition, and of its receipt; 0: unknown.
    ///
    /// An event that is received before its time says only that events have come up to the receipt: a clock that is ahead
    /// must not end the wait for others, nor let a silence be over before it is.
    mutating func observe(_ time: Int64, partition: Int, received: Int64, now: Int64) {
        while partitions.count <= partition { partitions.append(Partition(highest: .min, lastArrival: .min)) }
        let reached = received > 0 ? min(time, received) : time
        partitions[partition].highest = max(partitions[partition].highest, reached)
        if received > 0 { partitions[partition].lag.observe(time, received: received) }
        partitions[partition].lastArrival = max(partitions[partition].lastArrival, now)
        highest = max(highest, time)
    }

    /// Takes all partitions that were heard as heard at `time`.
    mutating func resume(_ time: Int64) {
        for number in partitions.indices where !partitions[number].isEmpty { partitions[number].lastArrival = time }
    }

    /// Works the watermark out for the receive clock `now`.
    ///
    /// Idle partitions are left out of the minimum, and those whose clocks are far behind the others'. When all are idle,
    /// event time is taken to go on at the speed of the receive clock from where it stood, so that sources whose clocks are
    /// behind keep their place.
    mutating func update(now: Int64) {
        guard !partitions.isEmpty else { return }
        // What counts is how far behind the others a clock is: all of them may be behind ours.
        let best = partitions.reduce(Int64.max) { min($0, $1.lag.known ?? .max) }
        var slowest = Int64.max
        var idle = Int64.min
        // A clock that is far behind never catches up: who has one is waited for only while there is nobody else.
        var behind = Int64.max
        var behindIdle = Int64.min
        for partition in partitions where !partition.isEmpty {
            let silence = max(0, now &- partition.lastArrival)
            let isBehind = partition.lag.steady.map { $0.subtractingClamped(best) > holdLimit } ?? false
            if silence < idleTimeout {
                if isBehind {
                    behind = min(behind, partition.highest)
                } else {
                    slowest = min(slowest, partition.highest)
                }
            } else {
                let (sum, over) = partition.highest.addingReportingOverflow(silence)
                let reached = over ? Int64.max : sum
                if isBehind { behindIdle = max(behindIdle, reached) } else { idle = max(idle, reached) }
            }
        }
        if slowest == .max, idle == .min { (slowest, idle) = (behind, behindIdle) }
        let reached = slowest == Int64.max ? idle : max(slowest, highest.subtractingClamped(holdLimit))
        let (value, over) = reached.subtractingReportingOverflow(bound)
        current = max(current, over ? Int64.min : value)
    }

    /// Lets the watermark reach `time` at once.
    mutating func raise(to time: Int64) { current = max(current, time) }
}
