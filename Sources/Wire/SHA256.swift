// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// SHA-256 (FIPS 180-4), for identities that must be the same on every run; nothing secret passes through it.
///
/// The processor's SHA instructions do the work where it has them.
public enum SHA256 {
    private static let hasInstructions = penstock_has_sha256_pair() != 0

    /// FIPS 180-4 section 4.2.2.
    private static let constants: [64 of UInt32] = [
        0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
        0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
        0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
        0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
        0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
        0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
        0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
        0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
    ]

    /// The 32 bytes of the digest of `bytes`.
    public static func digest(_ bytes: RawSpan) -> [UInt8] {
        var digest = Digest()
        digest.add(bytes)
        digest.finish()
        return digest.bytes
    }

    /// A digest in the making, of what is put together from parts; it takes no memory from the heap.
    public struct Digest: Sendable {
        private var state: [8 of UInt32] = [
            0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
        ]
        /// The last words, of which `used` bytes are in.
        private var block: [16 of UInt32] = .init(repeating: 0)
        private var used = 0
        private var length: UInt64 = 0

        private let isNative: Bool

        /// The digest of nothing so far; a portable one does without the processor's instructions.
        public init(portable: Bool = false) { isNative = !portable && hasInstructions }

        /// Adds one byte.
        public mutating func add(byte: UInt8) {
            block[used >> 2] = block[used >> 2] << 8 | UInt32(byte)
            used += 1
            length &+= 1
            if used == 64 { compress() }
        }

        /// Adds bytes.
        public mutating func add(_ bytes: RawSpan) {
            var start = 0
            while start < bytes.byteCount {
                guard used == 0, bytes.byteCount - start >= 64 else {
                    if used & 3 == 0, bytes.byteCount - start >= 4 {
                        block[used >> 2] = unsafe UInt32(
                            bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt32.self))
                        used += 4
                        length &+= 4
                        start += 4
                        if used == 64 { compress() }
                    } else {
                        add(byte: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt8.self))
                        start += 1
                    }
                    continue
                }
                if isNative {
                    let blocks = (bytes.byteCount - start) / 64
                    compress(bytes.part(start, blocks * 64))
                    start += blocks * 64
                    length &+= UInt64(blocks) * 64
                    continue
                }
                for index in 0..<16 {
                    block[index] = unsafe UInt32(
                        bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: start + index * 4, as: UInt32.self))
                }
                start += 64
                length &+= 64
                compress()
            }
        }

        /// Takes whole blocks in by the processor's instructions.
        private mutating func compress(_ blocks: RawSpan) {
            var words = state
            unsafe blocks.withUnsafeBytes { bytes in
                unsafe withUnsafeMutableBytes(of: &words) { words in
                    guard let from = bytes.baseAddress, let to = words.baseAddress else { return }
                    unsafe penstock_sha256_blocks(
                        to.assumingMemoryBound(to: UInt32.self), from.assumingMemoryBound(to: UInt8.self),
                        bytes.count / 64)
                }
            }
            state = words
        }

        /// Adds a number of 64 bits, the highest first.
        public mutating func add(_ number: UInt64) {
            for shift in stride(from: UInt64(56), through: 0, by: -8) {
                add(byte: UInt8(truncatingIfNeeded: number >> shift))
            }
        }

        /// Ends the message: section 5.1.1, a one bit, zeros, and the length in bits.
        public mutating func finish() {
            let bits = length &* 8
            add(byte: 0x80)
            while used != 56 { add(byte: 0) }
            add(bits)
        }

        /// The first 64 bits, after ``finish()``.
        public var prefix: UInt64 { UInt64(state[0]) << 32 | UInt64(state[1]) }

        /// All 32 bytes in lower-case hex, after ``finish()``.
        public var hex: String {
            unsafe String(unsafeUninitializedCapacity: 64) { text in
                for place in 0..<64 {
                    let nibble = state[place >> 3] >> (28 - UInt32(place & 7) * 4)
                    unsafe text[place] = SHA256.digit(UInt8(truncatingIfNeeded: nibble & 15))
                }
                return 64
            }
        }

        /// All 32 bytes, after ``finish()``.
        public var bytes: [UInt8] {
            var digest: [UInt8] = []
            digest.reserveCapacity(32)
            for index in 0..<8 {
                for shift in stride(from: UInt32(24), through: 0, by: -8) {
                    digest.append(UInt8(truncatingIfNeeded: state[index] >> shift))
                }
            }
            return digest
        }

        /// Section 6.2.2, the schedule kept in the sixteen words that are still needed.
        private mutating func compress() {
            if isNative {
                var bytes = block
                for index in 0..<16 { bytes[index] = bytes[index].bigEndian }
                unsafe withUnsafeBytes(of: &bytes) { unsafe compress(RawSpan(_unsafeBytes: $0)) }
                used = 0
                return
            }
            var (a, b, c, d) = (state[0], state[1], state[2], state[3])
            var (e, f, g, h) = (state[4], state[5], state[6], state[7])
            for index in 0..<64 {
                if index >= 16 {
                    let early = block[(index + 1) & 15]
                    let late = block[(index + 14) & 15]
                    let s0 = rotated(early, 7) ^ rotated(early, 18) ^ early >> 3
                    let s1 = rotated(late, 17) ^ rotated(late, 19) ^ late >> 10
                    block[index & 15] = block[index & 15] &+ s0 &+ block[(index + 9) & 15] &+ s1
                }
                let s1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
                let choice = (e & f) ^ (~e & g)
                let first = h &+ s1 &+ choice &+ constants[index] &+ block[index & 15]
                let s0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
                let majority = (a & b) ^ (a & c) ^ (b & c)
                (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ s0 &+ majority)
            }
            state[0] &+= a
            state[1] &+= b
            state[2] &+= c
            state[3] &+= d
            state[4] &+= e
            state[5] &+= f
            state[6] &+= g
            state[7] &+= h
            used = 0
        }
    }

    /// The digest of `bytes` in lower-case hex.
    public static func hex(_ bytes: RawSpan) -> String { hex(digest(bytes)) }

    /// `digest` in lower-case hex.
    public static func hex(_ digest: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(digest.count * 2)
        for byte in digest {
            text.append(digit(byte >> 4))
            text.append(digit(byte & 15))
        }
        return String(decoding: text, as: UTF8.self)
    }

    fileprivate static func digit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 0x30 + nibble : 0x57 + nibble }

    private static func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 { word >> count | word << (32 - count) }
}
