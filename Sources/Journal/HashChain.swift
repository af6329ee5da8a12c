// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// Links blocks: the next chain value is SHA-256(value before ‖ the hashed part of the header ‖ the stored bytes).
///
/// libcrypto uses the processor's SHA instructions.
struct HashChain {
    /// The value after a block.
    func link(_ previous: ChainValue, _ head: RawSpan, _ body: RawSpan) -> ChainValue {
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
