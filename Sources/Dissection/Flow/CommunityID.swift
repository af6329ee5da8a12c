// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The Community ID of a flow, version 1, seed 0: the same text that Zeek and Suricata give it.
enum CommunityID {
    /// `1:` and the base 64 of the SHA-1 of seed, endpoints in order, protocol and ports.
    static func text(_ key: FlowKey) -> String {
        // The key is ordered by address, then port, as the specification asks.
        var message: [UInt8] = [0, 0]
        append(key.first, to: &message)
        append(key.second, to: &message)
        message += [key.transport, 0]
        message += [UInt8(key.firstPort >> 8), UInt8(key.firstPort & 0xFF)]
        message += [UInt8(key.secondPort >> 8), UInt8(key.secondPort & 0xFF)]
        return "1:" + base64(SHA1.digest(message))
    }

    private static func append(_ address: IPAddress, to message: inout [UInt8]) {
        if address.isIPv4 {
            for shift in stride(from: UInt64(24), through: 0, by: -8) {
                message.append(UInt8(truncatingIfNeeded: address.low >> shift))
            }
        } else {
            for half in [address.high, address.low] {
                for shift in stride(from: UInt64(56), through: 0, by: -8) {
                    message.append(UInt8(truncatingIfNeeded: half >> shift))
                }
            }
        }
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let count = min(3, bytes.count - index)
            var group: UInt32 = 0
            for place in 0..<3 { group = group << 8 | (place < count ? UInt32(bytes[index + place]) : 0) }
            for place in 0..<4 {
                text.append(place <= count ? letters[Int(group >> UInt32(18 - place * 6) & 63)] : 0x3D)
            }
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// SHA-1 (FIPS 180-4), for names only: Community IDs are defined with it.
enum SHA1 {
    static func digest(_ message: [UInt8]) -> [UInt8] {
        var state: (UInt32, UInt32, UInt32, UInt32, UInt32) = (
            0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0
        )
        var padded = message + [0x80]
        while padded.count % 64 != 56 { padded.append(0) }
        let bits = UInt64(message.count) * 8
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            padded.append(UInt8(truncatingIfNeeded: bits >> shift))
        }
        var words = [UInt32](repeating: 0, count: 80)
        for block in stride(from: 0, to: padded.count, by: 64) {
            for index in 0..<16 {
                words[index] = (0..<4).reduce(0) { $0 << 8 | UInt32(padded[block + index * 4 + $1]) }
            }
            for index in 16..<80 {
                words[index] = rotate(
                    words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1)
            }
            var (a, b, c, d, e) = state
            for index in 0..<80 {
                let mix: UInt32
                let constant: UInt32
                switch index {
                case ..<20: (mix, constant) = (b & c | ~b & d, 0x5A82_7999)
                case ..<40: (mix, constant) = (b ^ c ^ d, 0x6ED9_EBA1)
                case ..<60: (mix, constant) = (b & c | b & d | c & d, 0x8F1B_BCDC)
                default: (mix, constant) = (b ^ c ^ d, 0xCA62_C1D6)
                }
                let next = rotate(a, 5) &+ mix &+ e &+ constant &+ words[index]
                (e, d, c, b, a) = (d, c, rotate(b, 30), a, next)
            }
            state = (state.0 &+ a, state.1 &+ b, state.2 &+ c, state.3 &+ d, state.4 &+ e)
        }
        return [state.0, state.1, state.2, state.3, state.4].flatMap { word in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
        }
    }

    private static func rotate(_ value: UInt32, _ count: UInt32) -> UInt32 { value << count | value >> (32 - count) }
}
