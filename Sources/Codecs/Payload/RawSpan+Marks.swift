// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Wire

/// A byte in each lane of a block, to compare sixteen bytes of a line with at once.
typealias Mark = SIMD16<UInt8>

/// Up to 64 bytes of a line, and in which of them a byte stands: a bit each, the first one lowest.
///
/// A field's end is a shift and a count of zeros then; a loop over bytes costs five times as much.
struct ByteWindow {
    private let blocks: (SIMD16<UInt8>, SIMD16<UInt8>, SIMD16<UInt8>, SIMD16<UInt8>)
    /// A bit for each byte that lies inside the line.
    let inside: UInt64

    /// The bytes from `start` on; behind the end there are none.
    @inline(__always)
    init(_ bytes: RawSpan, at start: Int) {
        let count = bytes.byteCount &- start
        if start >= 0, count >= 64 {
            blocks = (
                bytes.unchecked(start), bytes.unchecked(start &+ 16), bytes.unchecked(start &+ 32),
                bytes.unchecked(start &+ 48)
            )
            inside = UInt64.max
        } else {
            blocks = (
                bytes.padded(at: start), bytes.padded(at: start &+ 16), bytes.padded(at: start &+ 32),
                bytes.padded(at: start &+ 48)
            )
            inside = count <= 0 ? 0 : UInt64.max &>> UInt64(truncatingIfNeeded: 64 &- count)
        }
    }

    /// Where `mark` stands.
    @inline(__always)
    func bits(of mark: Mark) -> UInt64 {
        ((blocks.0 .== mark).bits | (blocks.1 .== mark).bits &<< 16 | (blocks.2 .== mark).bits &<< 32
            | (blocks.3 .== mark).bits &<< 48) & inside
    }

    /// Where one of two marks stands.
    @inline(__always)
    func bits(of one: Mark, _ two: Mark) -> UInt64 {
        (((blocks.0 .== one) .| (blocks.0 .== two)).bits | ((blocks.1 .== one) .| (blocks.1 .== two)).bits &<< 16
            | ((blocks.2 .== one) .| (blocks.2 .== two)).bits &<< 32
            | ((blocks.3 .== one) .| (blocks.3 .== two)).bits &<< 48) & inside
    }

    /// Where a blank, a control or a backslash stands.
    @inline(__always)
    var oddBits: UInt64 {
        (blocks.0.odd.bits | blocks.1.odd.bits &<< 16 | blocks.2.odd.bits &<< 32 | blocks.3.odd.bits &<< 48) & inside
    }
}

extension RawSpan {
    /// The byte at `index`, or -1 outside: a number is compared in one step, an optional in two.
    @inlinable
    @inline(__always)
    func peek(_ index: Int) -> Int {
        guard UInt(bitPattern: index) < UInt(bitPattern: byteCount) else { return -1 }
        return unsafe Int(unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt8.self))
    }

    /// Sixteen bytes at `offset`, or nil when they do not lie inside.
    @inline(__always)
    func block(at offset: Int) -> SIMD16<UInt8>? {
        guard offset >= 0, byteCount &- offset >= 16 else { return nil }
        return unchecked(offset)
    }

    /// Sixteen bytes at `offset`: the caller has seen that they lie inside.
    @inline(__always)
    fileprivate func unchecked(_ offset: Int) -> SIMD16<UInt8> {
        unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: SIMD16<UInt8>.self)
    }

    /// The sixteen bytes at `offset`, zeros where the line has none.
    @inline(never)
    fileprivate func padded(at offset: Int) -> SIMD16<UInt8> {
        if let block = block(at: offset) { return block }
        let words = SIMD2<UInt64>(word(at: offset) ?? rest(at: offset), word(at: offset &+ 8) ?? rest(at: offset &+ 8))
        return unsafe unsafeBitCast(words, to: SIMD16<UInt8>.self)
    }

    /// The offset of the first of two bytes at or after `start`, or the end.
    func end(_ one: UInt8, _ two: UInt8, from start: Int) -> Int {
        let (first, second) = (Mark(repeating: one), Mark(repeating: two))
        var position = start
        while let block = block(at: position) {
            let hits = ((block .== first) .| (block .== second)).bits
            if hits != 0 { return position &+ hits.trailingZeroBitCount }
            position &+= 16
        }
        while let byte = byte(at: position), byte != one, byte != two { position &+= 1 }
        return Swift.max(start, position)
    }
}

extension SIMD16<UInt8> {
    @inline(__always)
    fileprivate var odd: SIMDMask<SIMD16<Int8>> {
        (self .<= SIMD16(repeating: 0x20)) .| (self .== SIMD16(repeating: 0x5C))
    }
}

extension SIMDMask where Storage == SIMD16<Int8> {
    /// A bit for each lane, the first one lowest.
    @inline(__always)
    var bits: UInt64 {
        unsafe UInt64(truncatingIfNeeded: penstock_block_bits(unsafeBitCast(self, to: SIMD16<UInt8>.self)))
    }
}
