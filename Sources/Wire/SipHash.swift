// SPDX-License-Identifier: Apache-2.0

/// SipHash-2-4 (Aumasson and Bernstein, 2012) under a key that never changes: 64 bits that are the same on every run and
/// every machine, at a twentieth of what SHA-256 costs.
///
/// For what is told apart, not for what is vouched for: whoever looks for two values with one hash finds them in 2³²
/// attempts, as with 64 bits of any digest whose key is known.
public struct SipHash {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    /// The bytes that do not make a word yet, the first lowest, and their number.
    private var tail: UInt64 = 0
    private var tailCount: UInt64 = 0
    private var length: UInt64 = 0

    /// The hash of nothing so far; the key is two words, of which the first has the key's first bytes, the first lowest.
    public init(key: (UInt64, UInt64) = (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)) {
        v0 = key.0 ^ 0x736f_6d65_7073_6575
        v1 = key.1 ^ 0x646f_7261_6e64_6f6d
        v2 = key.0 ^ 0x6c79_6765_6e65_7261
        v3 = key.1 ^ 0x7465_6462_7974_6573
    }

    /// The hash of `bytes`.
    public static func hash(_ bytes: RawSpan) -> UInt64 {
        var hash = SipHash()
        hash.add(bytes)
        return hash.finish()
    }

    /// Adds bytes.
    public mutating func add(_ bytes: RawSpan) {
        length &+= UInt64(truncatingIfNeeded: bytes.byteCount)
        let words = bytes.byteCount & ~7
        var start = 0
        while start < words {
            let word = unsafe UInt64(
                littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt64.self))
            start += 8
            guard tailCount > 0 else {
                compress(word)
                continue
            }
            compress(tail | word << (8 &* tailCount))
            tail = word >> (64 &- 8 &* tailCount)
        }
        while start < bytes.byteCount {
            let byte = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt8.self)
            start += 1
            tail |= UInt64(byte) << (8 &* tailCount)
            tailCount &+= 1
            if tailCount == 8 {
                compress(tail)
                (tail, tailCount) = (0, 0)
            }
        }
    }

    /// The 64 bits; nothing may be added afterwards.
    public mutating func finish() -> UInt64 {
        compress(tail | length << 56)
        v2 ^= 0xff
        for _ in 0..<4 { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }

    @inline(__always)
    private mutating func compress(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    @inline(__always)
    private mutating func round() {
        v0 = v0 &+ v1
        v1 = SipHash.rotated(v1, 13) ^ v0
        v0 = SipHash.rotated(v0, 32)
        v2 = v2 &+ v3
        v3 = SipHash.rotated(v3, 16) ^ v2
        v0 = v0 &+ v3
        v3 = SipHash.rotated(v3, 21) ^ v0
        v2 = v2 &+ v1
        v1 = SipHash.rotated(v1, 17) ^ v2
        v2 = SipHash.rotated(v2, 32)
    }

    @inline(__always)
    private static func rotated(_ word: UInt64, _ count: UInt64) -> UInt64 { word << count | word >> (64 &- count) }
}
