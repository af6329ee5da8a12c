// SPDX-License-Identifier: Apache-2.0

extension Slab {
    /// Appends `value` in decimal.
    @inlinable
    public mutating func append(decimal value: Int64) {
        unsafe append(upTo: Slab.decimalRoom) { room in
            guard let target = room.baseAddress else { return 0 }
            return unsafe Slab.write(decimal: value, at: target)
        }
    }

    /// The room that ``write(decimal:at:)`` needs; what it does not use it may overwrite.
    @inlinable
    public static var decimalRoom: Int { 32 }

    /// Writes `value` in decimal at `target`, and tells how many bytes that were.
    @inlinable
    @inline(__always)
    @unsafe
    public static func write(decimal value: Int64, at target: UnsafeMutableRawPointer) -> Int {
        if value >= 0, value < 10 {
            unsafe target.storeBytes(of: 0x30 + UInt8(truncatingIfNeeded: value), as: UInt8.self)
            return 1
        }
        return unsafe writeLong(decimal: value, at: target)
    }

    @usableFromInline
    @unsafe
    static func writeLong(decimal value: Int64, at target: UnsafeMutableRawPointer) -> Int {
        let sign = value < 0 ? 1 : 0
        if value < 0 { unsafe target.storeBytes(of: 0x2D, as: UInt8.self) }
        var rest = value.magnitude
        // 20 digits end at byte 20; the whole words that are copied from the first digit on end before byte 44.
        var digits: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0)
        return unsafe withUnsafeMutableBytes(of: &digits) { buffer in
            guard let text = buffer.baseAddress else { return 0 }
            var position = 20
            while rest >= 10 {
                let pair = UInt32(truncatingIfNeeded: rest % 100)
                rest /= 100
                // A tenth of what is below 100, without a division; the tens' digit comes first in memory.
                let tens = (pair &* 103) >> 10
                position -= 2
                unsafe text.storeBytes(
                    of: UInt16(truncatingIfNeeded: 0x3030 + tens + (pair &- tens &* 10) << 8).littleEndian,
                    toByteOffset: position, as: UInt16.self)
            }
            // The pairs of a number with an even count of digits leave nothing.
            if rest > 0 || position == 20 {
                position -= 1
                unsafe text.storeBytes(
                    of: 0x30 + UInt8(truncatingIfNeeded: rest), toByteOffset: position, as: UInt8.self)
            }
            // Three words always: cheaper than a copy of unknown length.
            for word in 0..<3 {
                unsafe target.storeBytes(
                    of: text.loadUnaligned(fromByteOffset: position + word * 8, as: UInt64.self),
                    toByteOffset: sign + word * 8, as: UInt64.self)
            }
            return sign + 20 - position
        }
    }

    /// Appends `address` in its usual text form (RFC 5952 for IPv6), as ``IPAddress/description`` has it, and tells
    /// where it is.
    @discardableResult
    public mutating func append(_ address: IPAddress) -> Extent {
        let start = count
        if address.isIPv4 {
            append(quad: UInt32(truncatingIfNeeded: address.low))
        } else {
            append(v6: address)
        }
        return Extent(start..<count)
    }

    private mutating func append(quad: UInt32) {
        append(decimal: Int64(quad >> 24))
        append(byte: 0x2E)
        append(decimal: Int64(quad >> 16 & 255))
        append(byte: 0x2E)
        append(decimal: Int64(quad >> 8 & 255))
        append(byte: 0x2E)
        append(decimal: Int64(quad & 255))
    }

    private mutating func append(v6 address: IPAddress) {
        func group(_ index: Int) -> UInt16 {
            UInt16(truncatingIfNeeded: (index < 4 ? address.high : address.low) >> UInt64(48 - (index & 3) * 16))
        }
        // RFC 5952 section 4.2.3: the longest run of zero groups, the first of equals, is `::`; one group alone is not.
        var best = 8..<8
        var index = 0
        while index < 8 {
            var end = index
            while end < 8, group(end) == 0 { end += 1 }
            if end - index > max(1, best.count) { best = index..<end }
            index = max(end, index + 1)
        }
        index = 0
        while index < 8 {
            if index == best.lowerBound {
                append(byte: 0x3A)
                if best.upperBound == 8 { append(byte: 0x3A) }
                index = best.upperBound
                continue
            }
            if index > 0 { append(byte: 0x3A) }
            if index == 6, best == 0..<6 {
                // inet_ntop(3) writes IPv4-compatible addresses as such.
                append(quad: UInt32(truncatingIfNeeded: address.low))
                return
            }
            append(hexadecimal: group(index))
            index += 1
        }
    }

    private mutating func append(hexadecimal value: UInt16) {
        var shift = 12
        while shift > 0, value >> shift == 0 { shift -= 4 }
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: value >> shift & 15)
            append(byte: digit < 10 ? 0x30 + digit : 0x57 + digit)
            shift -= 4
        }
    }
}
