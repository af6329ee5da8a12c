// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

extension RawSpan {
    /// The byte at `index`, or nil outside the span.
    @inlinable
    public func byte(at index: Int) -> UInt8? {
        guard index >= 0, index < byteCount else { return nil }
        return unsafe unsafeLoadUnaligned(fromByteOffset: index, as: UInt8.self)
    }

    /// The part `[start, start + count)` cut to what lies inside the span: never traps.
    @_lifetime(copy self)
    @inlinable
    public func part(_ start: Int, _ count: Int) -> RawSpan {
        let from = Swift.min(Swift.max(start, 0), byteCount)
        let length = Swift.min(Swift.max(count, 0), byteCount - from)
        return extracting(from..<from + length)
    }

    /// The part that `extent` names, cut to what lies inside the span.
    @_lifetime(copy self)
    @inlinable
    public func part(_ extent: Extent) -> RawSpan { part(Int(extent.offset), Int(extent.length)) }

    /// The offset of the first `value` at or after `start`, found with memchr(3).
    public func firstIndex(of value: UInt8, from start: Int = 0) -> Int? {
        guard start >= 0, start < byteCount else { return nil }
        return unsafe withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress,
                let hit = unsafe memchr(base + start, Int32(value), bytes.count - start)
            else { return nil }
            return unsafe UnsafeRawPointer(hit) - base
        }
    }

    /// The offset of the last `value`, found with memrchr(3).
    public func lastIndex(of value: UInt8) -> Int? {
        unsafe withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress,
                let hit = unsafe penstock_memrchr(base, Int32(value), bytes.count)
            else { return nil }
            return unsafe hit - base
        }
    }

    /// The longest needles that are looked for sixteen places at a time: in texts made to be slow, each place costs as much
    /// as the needle is long, which memmem(3) avoids.
    private static let shortNeedle = 64

    /// The offset of the first occurrence of `needle` at or after `start`.
    public func firstRange(of needle: RawSpan, from start: Int = 0) -> Int? {
        guard start >= 0, start <= byteCount else { return nil }
        if needle.byteCount <= RawSpan.shortNeedle {
            guard let first = needle.byte(at: 0) else { return start < byteCount ? start : nil }
            return needle.byteCount == 1
                ? firstIndex(of: first, from: start) : firstRange(ofShort: needle, from: start)
        }
        return unsafe withUnsafeBytes { bytes in
            unsafe needle.withUnsafeBytes { wanted in
                guard let base = bytes.baseAddress, let small = wanted.baseAddress else { return nil }
                guard let hit = unsafe penstock_memmem(base + start, bytes.count - start, small, wanted.count) else {
                    return nil
                }
                return unsafe hit - base
            }
        }
    }

    /// The same for two bytes and more: only where the first and the last of them stand all are compared. memmem(3)
    /// makes a table of the needle at every call.
    private func firstRange(ofShort needle: RawSpan, from start: Int) -> Int? {
        let last = byteCount &- needle.byteCount
        guard start <= last, let head = needle.byte(at: 0), let tail = needle.byte(at: needle.byteCount &- 1)
        else { return nil }
        typealias Block = SIMD16<UInt8>
        let (heads, tails) = (Block(repeating: head), Block(repeating: tail))
        var place = start
        while last &- start >= 15 {
            // The last sixteen places overlap with those before them.
            place = Swift.min(place, last &- 15)
            let begins = unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: place, as: Block.self)
            let ends = unsafe unsafeLoadUnaligned(
                fromUncheckedByteOffset: place &+ needle.byteCount &- 1, as: Block.self)
            let both = (begins .== heads) .& (ends .== tails)
            var hits = unsafe penstock_block_bits(unsafeBitCast(both, to: Block.self))
            while hits != 0 {
                let found = place &+ hits.trailingZeroBitCount
                if part(found, needle.byteCount).equals(needle) { return found }
                hits &= hits &- 1
            }
            if place == last &- 15 { return nil }
            place &+= 16
        }
        while place <= last {
            if byte(at: place) == head, part(place, needle.byteCount).equals(needle) { return place }
            place &+= 1
        }
        return nil
    }

    /// The offset of the first occurrence of the UTF-8 of `needle` at or after `start`.
    public func firstRange(of needle: StaticString, from start: Int = 0) -> Int? {
        let bytes = unsafe RawSpan(_unsafeStart: needle.utf8Start, byteCount: needle.utf8CodeUnitCount)
        return firstRange(of: bytes, from: start)
    }

    /// Whether the bytes at `offset` are those of `text`.
    @inlinable
    public func hasBytes(_ text: StaticString, at offset: Int = 0) -> Bool {
        let count = text.utf8CodeUnitCount
        guard offset >= 0, byteCount - offset >= count else { return false }
        for index in 0..<count
        where unsafe unsafeLoadUnaligned(fromByteOffset: offset + index, as: UInt8.self) != text.utf8Start[index] {
            return false
        }
        return true
    }

    /// Whether two spans hold the same bytes.
    @inlinable
    public func equals(_ other: RawSpan) -> Bool {
        byteCount == other.byteCount && hasBytes(of: other)
    }

    /// Whether the bytes of a span of the same length are the same: in words, of which the last two overlap.
    @usableFromInline
    func hasBytes(of other: RawSpan) -> Bool {
        let count = byteCount
        precondition(count == other.byteCount, "spans of one length")
        @inline(__always)
        func differ<Word: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _ word: Word.Type) -> Bool {
            unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: word)
                != other.unsafeLoadUnaligned(fromByteOffset: offset, as: word)
        }
        if count >= 8 {
            var offset = 0
            while offset &+ 8 < count {
                if differ(offset, UInt64.self) { return false }
                offset &+= 8
            }
            return !differ(count &- 8, UInt64.self)
        }
        if count >= 4 { return !differ(0, UInt32.self) && !differ(count &- 4, UInt32.self) }
        for offset in 0..<count where differ(offset, UInt8.self) { return false }
        return true
    }

    /// Whether the span holds exactly the UTF-8 of `text`.
    @inlinable
    public func equals(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { unsafe equals(RawSpan(_unsafeBytes: UnsafeRawBufferPointer($0))) }
    }

    /// The bytes as text, invalid UTF-8 repaired with U+FFFD.
    public var text: String { unsafe withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) } }

    /// The bytes as an array.
    public var array: [UInt8] { unsafe withUnsafeBytes { unsafe [UInt8]($0) } }

    /// The bytes read as an unsigned decimal number, or nil when they are not one or it does not fit.
    @inlinable
    public var decimal: UInt64? {
        guard byteCount > 0, byteCount <= 20 else { return nil }
        var value: UInt64 = 0
        for index in 0..<byteCount {
            let digit = unsafe unsafeLoadUnaligned(fromByteOffset: index, as: UInt8.self) &- 0x30
            guard digit <= 9 else { return nil }
            let (product, over) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            guard !over, !carry else { return nil }
            value = sum
        }
        return value
    }

    /// Whether the bytes are well-formed UTF-8 (Unicode 15, table 3-7). Allocates nothing.
    public var isValidUTF8: Bool {
        unsafe withUnsafeBytes { bytes in
            var index = 0
            while true {
                // Most text is ASCII: eight bytes at a time first.
                while index + 8 <= bytes.count,
                    unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
                {
                    index += 8
                }
                while index < bytes.count, unsafe bytes[index] < 0x80 { index += 1 }
                guard index < bytes.count else { return true }
                let length = unsafe RawSpan.sequenceLength(bytes, at: index)
                guard length > 0 else { return false }
                index += length
            }
        }
    }

    /// The length of the well-formed sequence of several bytes that begins at `start`, or 0.
    private static func sequenceLength(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Int {
        func continues(_ offset: Int, _ low: UInt8 = 0x80, _ high: UInt8 = 0xBF) -> Bool {
            guard start + offset < bytes.count else { return false }
            let byte = unsafe bytes[start + offset]
            return byte >= low && byte <= high
        }
        switch unsafe bytes[start] {
        case 0xC2...0xDF: return continues(1) ? 2 : 0
        case 0xE0: return continues(1, 0xA0) && continues(2) ? 3 : 0
        case 0xED: return continues(1, 0x80, 0x9F) && continues(2) ? 3 : 0
        case 0xE1...0xEF: return continues(1) && continues(2) ? 3 : 0
        case 0xF0: return continues(1, 0x90) && continues(2) && continues(3) ? 4 : 0
        case 0xF1...0xF3: return continues(1) && continues(2) && continues(3) ? 4 : 0
        case 0xF4: return continues(1, 0x80, 0x8F) && continues(2) && continues(3) ? 4 : 0
        default: return 0
        }
    }
}
