// SPDX-License-Identifier: Apache-2.0

/// The CRC-32 of zlib and gzip (RFC 1952 section 8), which a Parquet page header carries; eight bytes at a time.
enum CRC32 {
    /// Eight tables of 256: entry n of table k is the checksum of byte n followed by k zero bytes.
    private static let tables: [UInt32] = {
        var tables: [UInt32] = []
        for index in 0..<256 as Range<UInt32> {
            var crc = index
            for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1 }
            tables.append(crc)
        }
        for position in 256..<8 * 256 {
            let previous = tables[position - 256]
            tables.append((previous >> 8) ^ tables[Int(previous & 0xFF)])
        }
        return tables
    }()

    /// The checksum of `bytes`.
    static func checksum(_ bytes: RawSpan) -> UInt32 {
        let table = tables.span
        func entry(_ number: Int, _ word: UInt64, _ shift: UInt64) -> UInt32 {
            table[number &* 256 &+ Int((word >> shift) & 0xFF)]
        }
        var crc = ~UInt32(0)
        var offset = 0
        while offset + 8 <= bytes.byteCount {
            let raw = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let word = UInt64(littleEndian: raw) ^ UInt64(crc)
            crc =
                entry(7, word, 0) ^ entry(6, word, 8) ^ entry(5, word, 16) ^ entry(4, word, 24)
                ^ entry(3, word, 32) ^ entry(2, word, 40) ^ entry(1, word, 48) ^ entry(0, word, 56)
            offset += 8
        }
        while offset < bytes.byteCount {
            let byte = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
            crc = (crc >> 8) ^ table[Int((crc ^ UInt32(byte)) & 0xFF)]
            offset += 1
        }
        return ~crc
    }
}
