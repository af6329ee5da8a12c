// SPDX-License-Identifier: Apache-2.0

/// SplitMix64: the same seed gives the same plant, packet for packet.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A client's port, from Linux's default range.
    mutating func port() -> UInt16 { UInt16.random(in: 32_768...60_999, using: &self) }

    /// A wait between `low` and `high` microseconds, in nanoseconds.
    mutating func microseconds(_ low: Int64, _ high: Int64) -> Int64 {
        Int64.random(in: low...high, using: &self) * 1_000
    }
}
