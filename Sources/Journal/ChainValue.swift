// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A value of the hash chain: the SHA-256 of the value before and of the block.
struct ChainValue: Hashable, Sendable {
    /// The 32 bytes in memory order.
    var a: UInt64 = 0
    var b: UInt64 = 0
    var c: UInt64 = 0
    var d: UInt64 = 0

    /// What the first block of a log is chained to.
    static let zero = ChainValue()

    /// Sixty-four lower-case hexadecimal digits.
    var hex: String {
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for word in [a, b, c, d] {
            for byte in 0..<8 {
                let value = UInt8(truncatingIfNeeded: word.littleEndian >> UInt64(byte * 8))
                for nibble in [value >> 4, value & 15] { text.append(nibble < 10 ? 0x30 + nibble : 0x57 + nibble) }
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    init() {}

    init(_ reader: inout ByteReader) throws(WireError) {
        // Memory order, whatever the machine's: `u64` reads the most significant byte first.
        a = try reader.u64().bigEndian
        b = try reader.u64().bigEndian
        c = try reader.u64().bigEndian
        d = try reader.u64().bigEndian
    }

    func store(in room: UnsafeMutableRawBufferPointer, at offset: Int) {
        unsafe room.storeBytes(of: a, toByteOffset: offset, as: UInt64.self)
        unsafe room.storeBytes(of: b, toByteOffset: offset + 8, as: UInt64.self)
        unsafe room.storeBytes(of: c, toByteOffset: offset + 16, as: UInt64.self)
        unsafe room.storeBytes(of: d, toByteOffset: offset + 24, as: UInt64.self)
    }
}
