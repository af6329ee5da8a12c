// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The share of the time that a lane's thread was at work, by the processor time it has used.
struct LaneLoad {
    private var lastWork: Int64 = 0
    private var lastTime: Int64 = 0

    /// The share since the last question; to be asked from the lane's own thread.
    mutating func share(now: Int64) -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        let work = Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        defer {
            lastWork = work
            lastTime = now
        }
        guard lastTime > 0, now > lastTime else { return 0 }
        return min(1, Double(work - lastWork) / Double(now - lastTime))
    }
}
