// SPDX-License-Identifier: Apache-2.0

/// The needles of two or three bytes by the pair of bytes that they begin with, without hashing: a bit per pair, and behind
/// it the run of the pair's needles, found by counting the bits before it.
struct ShortNeedles: Sendable {
    private struct Run: Sendable {
        var first: Int32
        var count: Int32
        /// A bit for each slot of its needles, see ``WitnessIndex/bit(_:)``.
        var slots: UInt64
    }

    private var bits = [UInt64](repeating: 0, count: 1_024)
    /// By word of ``bits``: how many pairs stand before it.
    private var before = [UInt16](repeating: 0, count: 1_024)
    private var runs: [Run] = []

    /// Adds needle number `needle`, which begins with `pair`: pairs and needles come in ascending order.
    mutating func add(_ pair: UInt16, needle: Int, slot: UInt64) {
        let (word, bit) = (Int(pair >> 6), UInt64(1) << UInt64(pair & 63))
        if bits[word] & bit == 0 {
            bits[word] |= bit
            runs.append(Run(first: Int32(needle), count: 0, slots: 0))
        }
        runs[runs.count - 1].count += 1
        runs[runs.count - 1].slots |= slot
    }

    /// Counts the pairs, after the last was added, and tells the bits.
    mutating func finish() -> [UInt64] {
        var count = 0
        for word in bits.indices {
            before[word] = UInt16(count)
            count += bits[word].nonzeroBitCount
        }
        return bits
    }

    /// The needles that begin with `pair`, whose bit in `word` is set, unless none of them is of one of `slots`.
    @inline(__always)
    func needles(of pair: UInt16, _ word: UInt64, slots: UInt64) -> Range<Int> {
        let lower = word & (1 &<< UInt64(pair & 63) &- 1)
        let run = runs[Int(before[Int(pair >> 6)]) &+ lower.nonzeroBitCount]
        guard run.slots & slots != 0 else { return 0..<0 }
        return Int(run.first)..<Int(run.first &+ run.count)
    }
}
