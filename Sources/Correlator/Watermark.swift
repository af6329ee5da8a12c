// SPDX-License-Identifier: Apache-2.0

/// How far event time has come: the time before which no more events are waited for.
struct Watermark {
    struct Partition {
        var highest: Int64
        var lastArrival: Int64
        /// Whether nothing has come of it yet.
        var isEmpty: Bool { highest == .min && lastArrival == .min }
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

    /// Takes note of an event time of a partition.
    mutating func observe(_ time: Int64, partition: Int, now: Int64) {
        while partitions.count <= partition { partitions.append(Partition(highest: .min, lastArrival: .min)) }
        partitions[partition].highest = max(partitions[partition].highest, time)
        partitions[partition].lastArrival = max(partitions[partition].lastArrival, now)
        highest = max(highest, time)
    }

    /// Takes all partitions that were heard as heard at `time`.
    mutating func resume(_ time: Int64) {
        for number in partitions.indices where !partitions[number].isEmpty { partitions[number].lastArrival = time }
    }

    /// Works the watermark out for the receive clock `now`.
    ///
    /// Idle partitions are left out of the minimum. When all are idle, event time is taken to go on at the speed of the
    /// receive clock from where it stood, so that sources whose clocks are behind keep their place.
    mutating func update(now: Int64) {
        guard !partitions.isEmpty else { return }
        var slowest = Int64.max
        var idle = Int64.min
        for partition in partitions where !partition.isEmpty {
            let silence = max(0, now &- partition.lastArrival)
            if silence < idleTimeout {
                slowest = min(slowest, partition.highest)
            } else {
                let (sum, over) = partition.highest.addingReportingOverflow(silence)
                idle = max(idle, over ? Int64.max : sum)
            }
        }
        let reached = slowest == Int64.max ? idle : max(slowest, highest.subtractingClamped(holdLimit))
        let (value, over) = reached.subtractingReportingOverflow(bound)
        current = max(current, over ? Int64.min : value)
    }

    /// Lets the watermark reach `time` at once.
    mutating func raise(to time: Int64) { current = max(current, time) }
}
