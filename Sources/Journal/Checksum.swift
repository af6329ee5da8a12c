// SPDX-License-Identifier: Apache-2.0
internal import CLinux

/// CRC-32C (RFC 3720 appendix B.4): by the processor's instruction where it has one, else sixteen bytes a step.
///
/// The same function as `Wire.CRC32C`, which takes a byte a step and would cost more than the compression.
enum Checksum {
    // 16 tables of 256: table k advances a byte by k further bytes (the method of Kounavis and Berry, 2005).
    @safe
    private struct Tables: @unchecked Sendable {
        let base: UnsafePointer<UInt32>

        init() {
            let made = UnsafeMutablePointer<UInt32>.allocate(capacity: 16 * 256)
            for index in 0..<256 {
                unsafe made[index] = (0..<8).reduce(UInt32(index)) { crc, _ in
                    crc & 1 == 1 ? (crc >> 1) ^ 0x82F6_3B78 : crc >> 1
                }
            }
            for index in 256..<16 * 256 {
                let before = unsafe made[index - 256]
                unsafe made[index] = (before >> 8) ^ made[Int(before & 0xFF)]
            }
            unsafe base = UnsafePointer(made)
        }
    }

    private static let tables = Tables()
    private static let hasInstruction = penstock_has_crc32c_parts() != 0
    private static let once = penstock_crc32c_factor(Int(penstock_crc32c_part))
    private static let twice = penstock_crc32c_factor(2 * Int(penstock_crc32c_part))

    static func crc32c(_ bytes: RawSpan, from previous: UInt32 = 0) -> UInt32 {
        if hasInstruction {
            return unsafe bytes.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress else { return previous }
                return unsafe ~penstock_crc32c_parts(
                    ~previous, base.assumingMemoryBound(to: UInt8.self), bytes.count, once, twice)
            }
        }
        return software(bytes, from: previous)
    }

    /// The same without the instruction.
    static func software(_ bytes: RawSpan, from previous: UInt32) -> UInt32 {
        let table = unsafe tables.base
        var crc = ~previous
        var index = 0
        let count = bytes.byteCount
        @inline(__always) func step(_ word: UInt32, _ from: Int) -> UInt32 {
            unsafe table[(from + 3) << 8 | Int(word & 0xFF)] ^ table[(from + 2) << 8 | Int(word >> 8 & 0xFF)]
                ^ table[(from + 1) << 8 | Int(word >> 16 & 0xFF)] ^ table[from << 8 | Int(word >> 24)]
        }
        while count - index >= 16 {
            let a = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt32.self).littleEndian
            let b = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index + 4, as: UInt32.self).littleEndian
            let c = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index + 8, as: UInt32.self).littleEndian
            let d = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index + 12, as: UInt32.self).littleEndian
            crc = step(a ^ crc, 12) ^ step(b, 8) ^ step(c, 4) ^ step(d, 0)
            index += 16
        }
        while index < count {
            let byte = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt8.self)
            crc = unsafe (crc >> 8) ^ table[Int((crc ^ UInt32(byte)) & 0xFF)]
            index += 1
        }
        return ~crc
    }
}
