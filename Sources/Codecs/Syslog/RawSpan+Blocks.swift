// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Wire

/// Scans that look at sixteen bytes at a time.
extension RawSpan {
    /// The sixteen bytes at `offset`, which the caller knows to lie inside.
    @inline(always)
    @unsafe
    func block(uncheckedAt offset: Int) -> SIMD16<UInt8> {
        unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: SIMD16<UInt8>.self)
    }

    /// Whether every byte from `start` on is printable ASCII or a blank. What stands in the sixteen bytes before the end
    /// must be that too where `start` lies in them; without sixteen bytes the answer is no.
    @inline(always)
    func isPlain(from start: Int) -> Bool {
        let last = byteCount &- 16
        guard start >= 0, last >= 0 else { return false }
        var most = SIMD16<UInt8>(repeating: 0)
        var offset = start
        while offset <= last &- 48 {
            unsafe most = penstock_block_range(most, block(uncheckedAt: offset))
            unsafe most = penstock_block_range(most, block(uncheckedAt: offset &+ 16))
            unsafe most = penstock_block_range(most, block(uncheckedAt: offset &+ 32))
            unsafe most = penstock_block_range(most, block(uncheckedAt: offset &+ 48))
            offset &+= 64
        }
        while offset < last {
            unsafe most = penstock_block_range(most, block(uncheckedAt: offset))
            offset &+= 16
        }
        unsafe most = penstock_block_range(most, block(uncheckedAt: last))
        return penstock_block_unprintable(most) == 0
    }

    /// Whether every byte from `start` to `end` is printable ASCII or a blank.
    @inline(always)
    func isPlainText(from start: Int, to end: Int) -> Bool {
        guard start >= 0, end <= byteCount, start <= end else { return false }
        let none = SIMD16<UInt8>(repeating: 0)
        guard end >= 16 else {
            var offset = start
            while offset < end, let byte = byte(at: offset), byte &- 0x20 <= 0x5E { offset &+= 1 }
            return offset == end
        }
        let last = end &- 16
        if start > last {
            // The last bytes of a block that begins before them.
            let hits = unsafe penstock_block_unprintable(penstock_block_range(none, block(uncheckedAt: last)))
            return hits &>> UInt32(truncatingIfNeeded: start &- last) == 0
        }
        var most = unsafe penstock_block_range(none, block(uncheckedAt: last))
        var offset = start
        while offset < last {
            unsafe most = penstock_block_range(most, block(uncheckedAt: offset))
            offset &+= 16
        }
        return penstock_block_unprintable(most) == 0
    }
}
