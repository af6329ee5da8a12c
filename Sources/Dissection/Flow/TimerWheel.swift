// SPDX-License-Identifier: Apache-2.0

/// Deadlines of flows in packet time: 64 buckets of 250 ms. A flow has at most one entry; one due later is put again.
struct TimerWheel {
    /// A flow by its slot and the number of times that the slot was given out.
    struct Entry {
        var slot: Int32
        var generation: UInt32
    }

    private static let buckets = 64
    private static let shift: Int64 = 250_000_000

    private var wheel = [[Entry]](repeating: [], count: buckets)
    private var tick: Int64 = .min
    private(set) var count = 0

    /// The longest wait; later deadlines come early and are put again.
    static let horizon: Int64 = shift * Int64(buckets - 2)

    /// Notes that `entry` is due at `deadline`.
    mutating func schedule(_ entry: Entry, deadline: Int64, now: Int64) {
        if tick == .min { tick = now / TimerWheel.shift }
        // Rounded up, so that the deadline has passed when the bucket is due.
        let due = deadline / TimerWheel.shift + 1
        let bucket = min(max(due, tick + 1), tick + Int64(TimerWheel.buckets - 1))
        wheel[Int(bucket.magnitude % UInt64(TimerWheel.buckets))].append(entry)
        count += 1
    }

    /// Whether ``take(now:)`` has something to look at.
    func isDue(_ now: Int64) -> Bool { count > 0 && now / TimerWheel.shift > tick }

    /// Moves on to `now` and returns the entries that are due.
    mutating func take(now: Int64) -> [Entry] {
        let target = now / TimerWheel.shift
        guard tick != .min, target > tick else {
            return []
        }
        var due: [Entry] = []
        var step = max(tick + 1, target - Int64(TimerWheel.buckets))
        while step <= target {
            let bucket = Int(step.magnitude % UInt64(TimerWheel.buckets))
            if !wheel[bucket].isEmpty {
                due.append(contentsOf: wheel[bucket])
                wheel[bucket].removeAll(keepingCapacity: true)
            }
            step += 1
        }
        tick = target
        count -= due.count
        return due
    }

    /// Starts over at an earlier time (the capture's clock was set back): returns all entries.
    mutating func restart(now: Int64) -> [Entry] {
        var all: [Entry] = []
        for bucket in wheel.indices {
            all.append(contentsOf: wheel[bucket])
            wheel[bucket].removeAll()
        }
        count = 0
        tick = now / TimerWheel.shift
        return all
    }
}
