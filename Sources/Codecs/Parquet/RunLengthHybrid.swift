// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Parquet's encoding RLE: runs of one repeated value and runs of bit-packed values (Encodings.md).
enum RunLengthHybrid {
    /// The bits that numbers up to `maximum` need.
    static func width(of maximum: Int) -> Int { maximum <= 0 ? 0 : Int.bitWidth - maximum.leadingZeroBitCount }

    /// Appends `values`, each below 2^`width`, as runs.
    ///
    /// A bit-packed run must hold a multiple of eight values unless it is the last, therefore the head of a long
    /// repetition fills up the group before it.
    static func encode<Value: FixedWidthInteger & UnsignedInteger>(_ values: [Value], width: Int, into out: inout Slab)
    {
        let span = values.span
        var packed = 0
        var start = 0
        while start < span.count {
            let value = span[start]
            var end = start + 1
            while end < span.count, span[end] == value { end += 1 }
            let fill = (8 - (start - packed) % 8) % 8
            if end - start - fill >= 8 {
                literal(span, packed..<start + fill, width: width, into: &out)
                out.append(varint: UInt64(end - start - fill) << 1)
                var rest = UInt64(value)
                for _ in 0..<(width + 7) / 8 {
                    out.append(byte: UInt8(truncatingIfNeeded: rest))
                    rest >>= 8
                }
                packed = end
            }
            start = end
        }
        literal(span, packed..<span.count, width: width, into: &out)
    }

    /// Appends `values` bit-packed without a header, which is PLAIN for booleans.
    static func pack(bits values: [UInt32], into out: inout Slab) {
        pack(values.span, 0..<values.count, width: 1, into: &out)
    }

    private static func literal<Value: FixedWidthInteger & UnsignedInteger>(
        _ values: Span<Value>, _ range: Range<Int>, width: Int, into out: inout Slab
    ) {
        guard !range.isEmpty else { return }
        out.append(varint: UInt64((range.count + 7) / 8) << 1 | 1)
        pack(values, range, width: width, into: &out)
    }

    /// The values one after the other from the lowest bit up, filled up with zeros to a multiple of eight values.
    private static func pack<Value: FixedWidthInteger & UnsignedInteger>(
        _ values: Span<Value>, _ range: Range<Int>, width: Int, into out: inout Slab
    ) {
        let end = out.count + (range.count + 7) / 8 * width
        out.reserve(end - out.count)
        var waiting: UInt64 = 0
        var bits = 0
        for index in range {
            waiting |= UInt64(values[index]) << UInt64(bits)
            bits += width
            while bits >= 8 {
                out.append(byte: UInt8(truncatingIfNeeded: waiting))
                waiting >>= 8
                bits -= 8
            }
        }
        if bits > 0 { out.append(byte: UInt8(truncatingIfNeeded: waiting)) }
        while out.count < end { out.append(byte: 0) }
    }
}
