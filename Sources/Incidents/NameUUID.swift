// SPDX-License-Identifier: Apache-2.0

/// UUIDs of names (RFC 9562 version 5): the same name always has the same one.
enum NameUUID {
    /// The namespace that STIX 2.1 section 2.9 sets for the ids of cyber-observable objects.
    static let stix: [UInt8] = [
        0x00, 0xAB, 0xED, 0xB4, 0xAA, 0x42, 0x46, 0x6C, 0x9C, 0x01, 0xFE, 0xD2, 0x33, 0x15, 0xA9, 0xB7,
    ]
    /// Our own, for all else; STIX forbids its namespace there.
    static let penstock: [UInt8] = [
        0x2C, 0x8E, 0x61, 0x0B, 0x5F, 0x0D, 0x4D, 0x0A, 0x9B, 0x57, 0x3E, 0x4C, 0x7A, 0x10, 0x6B, 0xD9,
    ]

    /// The UUID of a name in a namespace.
    static func text(_ name: [UInt8], in namespace: [UInt8]) -> String {
        var bytes = Array(sha1(namespace + name).prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x50
        bytes[8] = bytes[8] & 0x3F | 0x80
        var text = ""
        let digits = Array("0123456789abcdef")
        for (place, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(place) { text.append("-") }
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return text
    }

    /// SHA-1 (FIPS 180-4), which version 5 is defined by; it protects nothing here.
    private static func sha1(_ message: [UInt8]) -> [UInt8] {
        var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
        var padded = message + [0x80]
        padded += [UInt8](repeating: 0, count: (120 - padded.count % 64) % 64)
        let bits = UInt64(message.count) &* 8
        padded += (0..<8).map { UInt8(truncatingIfNeeded: bits >> UInt64(56 - 8 * $0)) }
        for start in stride(from: 0, to: padded.count, by: 64) {
            var words = (0..<16).map { word in
                (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(padded[start + word * 4 + $1]) }
            }
            for place in 16..<80 {
                words.append(
                    rotated(words[place - 3] ^ words[place - 8] ^ words[place - 14] ^ words[place - 16], by: 1))
            }
            var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
            for place in 0..<80 {
                let mixed: (UInt32, UInt32) =
                    switch place {
                    case ..<20: ((b & c) | (~b & d), 0x5A82_7999)
                    case ..<40: (b ^ c ^ d, 0x6ED9_EBA1)
                    case ..<60: ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC)
                    default: (b ^ c ^ d, 0xCA62_C1D6)
                    }
                let next = rotated(a, by: 5) &+ mixed.0 &+ e &+ mixed.1 &+ words[place]
                (e, d, c, b, a) = (d, c, rotated(b, by: 30), a, next)
            }
            for (place, value) in [a, b, c, d, e].enumerated() { state[place] &+= value }
        }
        return state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(24 - 8 * $0)) } }
    }

    private static func rotated(_ word: UInt32, by count: UInt32) -> UInt32 { word << count | word >> (32 - count) }
}
