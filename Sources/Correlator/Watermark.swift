// SPDX-License-Identifier: Apache-2.0

/// How far event time has come: the time before which no more events are waited for.
struct Watermark {
    private struct Partition {
        var highest: Int64
        var lastArrival: Int64
    }

    private var partitions: [Int: Partition] = [:]
    private let bound: Int64
    private let idleTimeout: Int64
    /// The highest event time of any partition.
    private(set) var highest = Int64.min
    /// The watermark; it never goes back.
    private(set) var current = Int64.min

    /// Nanoseconds that an event may come after a younger one, and after which a silent partition is not waited for.
    init(bound: Int64, idleTimeout: Int64) {
        self.bound = bound
        self.idleTimeout = idleTimeout
    }

    /// Takes note of an event time of a partition.
    mutating func observe(_ time: Int64, partition: Int, now: Int64) {
        var known = partitions[partition] ?? Partition(highest: time, lastArrival: now)
        known.highest = max(known.highest, time)
        known.lastArrival = max(known.lastArrival, now)
        partitions[partition] = known
        highest = max(highest, time)
    }

    /// Works the watermark out for the receive clock `now`.
    ///
    /// Idle partitions are left out of the minimum. When all are idle, event time is taken to go on at the speed of the
    /// receive clock from where it stood, so that sources whose clocks are behind keep their place.
    mutating func update(now: Int64) {
        guard !partitions.isEmpty else { return }
        var slowest = Int64.max
        var idle = Int64.min
        for partition in partitions.values {
            let silence = max(0, now &- partition.lastArrival)
            if silence < idleTimeout {
                slowest = min(slowest, partition.highest)
            } else {
                let (sum, over) = partition.highest.addingReportingOverflow(silence)
                idle = max(idle, over ? Int64.max : sum)
            }
        }
        let reached = slowest == Int64.max ? idle : slowest
        let (value, over) = reached.subtractingReportingOverflow(bound)
        current = max(current, over ? Int64.min : value)
    }

    /// Lets the watermark reach `time` at once.
    mutating func raise(to time: Int64) { current = max(current, time) }
}
