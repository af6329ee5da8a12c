// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The two clocks of a lane, read once a wake-up.
struct Clocks {
    /// The time of day in nanoseconds since the epoch: when frames were received.
    private(set) var received: Int64 = 0
    /// Milliseconds that only grow: what limits of time are measured with.
    private(set) var now: Int64 = 0

    init() { read() }

    mutating func read() {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        received = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        now = Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Milliseconds that only grow.
    static var monotonic: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Lets other messages arrive.
    static func sleep(microseconds: Int) {
        var time = timespec(tv_sec: microseconds / 1_000_000, tv_nsec: microseconds % 1_000_000 * 1000)
        nanosleep(&time, nil)
    }
}
