// SPDX-License-Identifier: Apache-2.0

/// Lets a message through at most once in a while, and says how many it held back: a sink that is down for an hour
/// shall be in the log, not fill it.
struct Occasionally {
    private let interval: Int64
    private var next: Int64 = .min
    private var held = 0

    init(seconds: Int64 = 60) { interval = seconds * 1_000_000_000 }

    /// Counts one occasion; when it is time, answers how many were held back since the last answer.
    mutating func pass(now: Int64 = monotonicNow()) -> Int? {
        guard now >= next else {
            held += 1
            return nil
        }
        next = now + interval
        defer { held = 0 }
        return held
    }

    /// Forgets the past, so that the next occasion passes at once.
    mutating func reset() {
        next = .min
        held = 0
    }
}
