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

    /// Whether bytes are ASCII.
    static func isASCII(_ bytes: RawSpan) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var (index, all) = (0, UInt64(0))
            while index &+ 8 <= bytes.count {
                all |= bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                index &+= 8
            }
            while index < bytes.count {
                all |= UInt64(bytes[index])
                index &+= 1
            }
            return all & 0x8080_8080_8080_8080 == 0
        }
    }

    /// Whether bytes are ASCII, and whether any of them (if they are) is an upper-case letter.
    static func look(_ bytes: RawSpan) -> (isASCII: Bool, hasUpper: Bool) {
        bytes.withUnsafeBytes { bytes in
            var (index, all, upper) = (0, UInt64(0), UInt64(0))
            while index &+ 8 <= bytes.count {
                let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                all |= word
                upper |= uppers(word)
                index &+= 8
            }
            while index < bytes.count {
                all |= UInt64(bytes[index])
                upper |= uppers(UInt64(bytes[index]))
                index &+= 1
            }
            return (all & 0x8080_8080_8080_8080 == 0, upper != 0)
        }
    }

    /// 0x80 in each byte that is an upper-case letter of ASCII.
    @inline(__always)
    private static func uppers(_ word: UInt64) -> UInt64 {
        let low = word & 0x7F7F_7F7F_7F7F_7F7F
        let fromA = low &+ 0x3F3F_3F3F_3F3F_3F3F
        let beyondZ = low &+ 0x2525_2525_2525_2525
        return (fromA ^ beyondZ) & ~word & 0x8080_8080_8080_8080
    }

    /// Appends the folded form of ASCII to `slab`.
    static func append(ascii bytes: RawSpan, to slab: inout Slab) {
        _ = slab.append(upTo: bytes.byteCount) { room in
            bytes.withUnsafeBytes { bytes in
                var index = 0
                while index &+ 8 <= bytes.count {
                    let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                    room.storeBytes(of: word | uppers(word) >> 2, toByteOffset: index, as: UInt64.self)
                    index &+= 8
                }
                while index < bytes.count {
                    let byte = bytes[index]
                    room[index] = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
                    index &+= 1
                }
                return bytes.count
            }
        }
    }

    /// Appends the folded form of valid UTF-8 to `slab`.
    static func append(_ bytes: RawSpan, to slab: inout Slab) {
        // A folded scalar is at most half as long again.
        _ = slab.append(upTo: bytes.byteCount * 2) { room in
            bytes.withUnsafeBytes { bytes in
                var (index, end) = (0, 0)
                while index < bytes.count {
                    if index &+ 8 <= bytes.count {
                        let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                        if word & 0x8080_8080_8080_8080 == 0 {
                            room.storeBytes(of: word | uppers(word) >> 2, toByteOffset: end, as: UInt64.self)
                            index &+= 8
                            end &+= 8
                            continue
                        }
                    }
                    let byte = bytes[index]
                    if byte < 0x80 {
                        room[end] = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
                        index &+= 1
                        end &+= 1
                        continue
                    }
                    let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
                    var value = UInt32(byte) & (0x7F >> UInt32(length))
                    for place in index &+ 1..<min(index &+ length, bytes.count) {
                        value = value << 6 | UInt32(bytes[place]) & 0x3F
                    }
                    let folded = fold(Unicode.Scalar(value) ?? "\u{FFFD}")
                    for unit in UTF8.encode(folded) ?? UTF8.encodedReplacementCharacter {
                        room[end] = unit
                        end &+= 1
                    }
                    index &+= length
                }
                return end
            }
        }
    }

    /// The folded form of a text.
    static func fold(_ text: String) -> [UInt8] {
        var folded = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { folded.append(fold(scalar)) }
        return Array(String(folded).utf8)
    }
}
