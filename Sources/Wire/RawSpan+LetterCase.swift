// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// Comparing without regard to the case of ASCII letters, with texts whose letters are small.
extension RawSpan {
    /// Whether the bytes equal those of `lower` (ASCII lower case), ASCII letters in either case.
    public func equalsIgnoringCase(_ lower: RawSpan) -> Bool {
        guard byteCount == lower.byteCount else { return false }
        // Mostly the letters are in the same case.
        if equals(lower) { return true }
        for index in 0..<byteCount where RawSpan.lowered(byte(at: index)) != lower.byte(at: index) { return false }
        return true
    }

    /// Whether the bytes equal `lower` (ASCII lower case), ASCII letters in either case.
    public func equalsIgnoringCase(_ lower: StaticString) -> Bool {
        unsafe equalsIgnoringCase(RawSpan(_unsafeStart: lower.utf8Start, byteCount: lower.utf8CodeUnitCount))
    }

    /// Whether the bytes hold those of `lower` (ASCII lower case), ASCII letters in either case.
    ///
    /// Sixteen places at a time: only where the first and the last byte of `lower` stand all of it is compared.
    public func containsIgnoringCase(_ lower: RawSpan) -> Bool {
        let length = lower.byteCount
        guard let first = lower.byte(at: 0), let last = lower.byte(at: length &- 1) else { return true }
        let end = byteCount &- length
        guard end >= 0 else { return false }
        typealias Block = SIMD16<UInt8>
        let (firstFold, lastFold) = (
            Block(repeating: RawSpan.caseBit(first)), Block(repeating: RawSpan.caseBit(last))
        )
        let (firstMark, lastMark) = (Block(repeating: first), Block(repeating: last))
        var start = 0
        // Of sixteen places the last ends fifteen behind the first.
        while start &+ 15 <= end {
            let begins = unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: start, as: Block.self)
            let ends = unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: start &+ length &- 1, as: Block.self)
            let both = ((begins | firstFold) .== firstMark) .& ((ends | lastFold) .== lastMark)
            var hits = unsafe penstock_block_bits(unsafeBitCast(both, to: Block.self))
            while hits != 0 {
                if part(start &+ hits.trailingZeroBitCount, length).equalsIgnoringCase(lower) { return true }
                hits &= hits &- 1
            }
            start &+= 16
        }
        while start <= end {
            if RawSpan.lowered(byte(at: start)) == first, part(start, length).equalsIgnoringCase(lower) { return true }
            start &+= 1
        }
        return false
    }

    /// The bit in which the two cases of a small letter differ; none for other bytes.
    private static func caseBit(_ byte: UInt8) -> UInt8 { byte >= 0x61 && byte <= 0x7A ? 0x20 : 0 }

    private static func lowered(_ byte: UInt8?) -> UInt8? {
        guard let byte else { return nil }
        return byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }
}
