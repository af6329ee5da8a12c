// SPDX-License-Identifier: Apache-2.0

/// The pauses between attempts: doubling, with jitter so that many senders do not come back as one.
struct SendPause {
    let first: Int64
    let longest: Int64
    var now: Int64

    init(_ settings: FeedSettings) {
        func nanoseconds(_ duration: Duration) -> Int64 {
            duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000
        }
        first = max(1_000_000, nanoseconds(settings.firstPause))
        longest = max(first, nanoseconds(settings.longestPause))
        now = first
    }

    mutating func next() -> Int64 {
        defer { now = min(now * 2, longest) }
        return Int64.random(in: now / 2...now)
    }

    mutating func reset() { now = first }
}
