// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import COpenSSL
internal import Wire

/// Links blocks: the next chain value is SHA-256(value before ‖ the hashed part of the header ‖ the body).
///
/// The body is the stored bytes when they are fewer than ``least``. Else it is SHA-256(first part) ‖ SHA-256(second part)
/// ‖ the rest, where both parts are as many times 64 bytes as go into half of the stored bytes: two texts at once are
/// hashed in little more time than one. The header has the length, so that one text has one form only.
enum HashChain {
    /// The stored bytes from which on they are hashed in two parts.
    static let least = 1024
    private static let hasPair = penstock_has_sha256_pair() != 0

    /// The value after a block.
    static func link(_ previous: ChainValue, _ head: RawSpan, _ body: RawSpan) -> ChainValue {
        guard body.byteCount >= least else { return hash(previous, head, body) }
        let blocks = body.byteCount / 128
        let rest = body.part(blocks * 128, Int.max)
        // Both digests, and fewer than 128 bytes behind them.
        return unsafe withUnsafeTemporaryAllocation(byteCount: 64 + 128, alignment: 16) { room in
            unsafe body.withUnsafeBytes { bytes in
                guard let one = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    let digests = unsafe room.baseAddress?.assumingMemoryBound(to: UInt8.self)
                else { return }
                if hasPair {
                    unsafe penstock_sha256_pair(one, one + blocks * 64, blocks, digests)
                } else {
                    // libcrypto, by the function that takes three parts.
                    unsafe penstock_sha256_link(one, nil, 0, one + 32, blocks * 64 - 32, digests)
                    unsafe penstock_sha256_link(
                        one + blocks * 64, nil, 0, one + blocks * 64 + 32, blocks * 64 - 32, digests + 32)
                }
            }
            unsafe rest.withUnsafeBytes { rest in
                unsafe UnsafeMutableRawBufferPointer(rebasing: room[64...]).copyMemory(from: rest)
            }
            return unsafe hash(
                previous, head,
                RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: room[0..<64 + rest.byteCount])))
        }
    }

    private static func hash(_ previous: ChainValue, _ head: RawSpan, _ body: RawSpan) -> ChainValue {
        var previous = previous
        var next = ChainValue()
        unsafe withUnsafeBytes(of: &previous) { previous in
            unsafe head.withUnsafeBytes { head in
                unsafe body.withUnsafeBytes { body in
                    unsafe withUnsafeMutableBytes(of: &next) { next in
                        guard let from = previous.baseAddress, let room = next.baseAddress else { return }
                        unsafe penstock_sha256_link(
                            from.assumingMemoryBound(to: UInt8.self),
                            head.baseAddress?.assumingMemoryBound(to: UInt8.self), head.count,
                            body.baseAddress?.assumingMemoryBound(to: UInt8.self), body.count,
                            room.assumingMemoryBound(to: UInt8.self))
                    }
                }
            }
        }
        return next
    }
}
