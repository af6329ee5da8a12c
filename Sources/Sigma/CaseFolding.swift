// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Simple (one-to-one) case folding of Unicode scalars, on both sides of every comparison without case.
enum CaseFolding {
    /// The folded form of `scalar`.
    ///
    /// Lower case of upper case joins what CaseFolding.txt joins (final sigma, long s, micro sign); the dotless i stays
    /// apart as it does there.
    static func fold(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        if scalar.value < 0x80 {
            return scalar.value >= 0x41 && scalar.value <= 0x5A ? Unicode.Scalar(UInt8(scalar.value) | 0x20) : scalar
        }
        if scalar.value < 0x1_0000 { return Unicode.Scalar(plane[Int(scalar.value)]) ?? scalar }
        return mapped(scalar)
    }

    private static func mapped(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        if scalar.value == 0x131 { return scalar }
        func single(_ text: String, _ other: Unicode.Scalar) -> Unicode.Scalar {
            var scalars = text.unicodeScalars.makeIterator()
            guard let first = scalars.next(), scalars.next() == nil else { return other }
            return first
        }
        let upper = single(scalar.properties.uppercaseMapping, scalar)
        return single(upper.properties.lowercaseMapping, upper == scalar ? scalar : upper)
    }

    /// The basic multilingual plane as a table: made once, at the first text that is not ASCII.
    private static let plane: [UInt16] = (0..<0x1_0000).map { value in
        guard let scalar = Unicode.Scalar(UInt16(value)) else { return UInt16(value) }
        return UInt16(exactly: mapped(scalar).value) ?? UInt16(value)
    }

    /// Appends the folded form of valid UTF-8 to `slab`.
    static func append(_ bytes: RawSpan, to slab: inout Slab) {
        var index = 0
        while let byte = bytes.byte(at: index) {
            if byte < 0x80 {
                slab.append(byte: byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte)
                index += 1
                continue
            }
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
            var value = UInt32(byte) & (0x7F >> UInt32(length))
            for offset in 1..<length { value = value << 6 | UInt32(bytes.byte(at: index + offset) ?? 0) & 0x3F }
            let folded = fold(Unicode.Scalar(value) ?? "\u{FFFD}")
            for unit in UTF8.encode(folded) ?? UTF8.encodedReplacementCharacter { slab.append(byte: unit) }
            index += length
        }
    }

    /// The folded form of a text.
    static func fold(_ text: String) -> [UInt8] {
        var folded = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { folded.append(fold(scalar)) }
        return Array(String(folded).utf8)
    }
}
