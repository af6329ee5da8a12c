// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The first bytes of a segment file; numbers are little-endian.
///
/// ```
///  0 8 bytes "PNSTKJ02"    12 u32 epoch                    24 32 bytes chain
///  8 u32 log               16 u64 number of first frame    56 u32 CRC-32C of bytes 0–55
/// ```
struct SegmentHeader: Equatable, Sendable {
    static let size = 60
    private static let magic: UInt64 = 0x504E_5354_4B4A_3032

    var log: UInt32
    var epoch: UInt32
    var first: UInt64
    /// The chain value that the first block is linked to.
    var chain: ChainValue

    /// The header's bytes.
    var bytes: [UInt8] {
        var writer = FileWriter()
        writer.put(SegmentHeader.magic.byteSwapped)
        writer.put(log)
        writer.put(epoch)
        writer.put(first)
        writer.put(chain)
        return writer.sealed()
    }

    /// The header at the start of `bytes`, or nil.
    static func decode(_ bytes: RawSpan) -> SegmentHeader? {
        do {
            var reader = try ByteReader(sealed: bytes.part(0, size))
            guard try reader.u64() == magic else { return nil }
            return SegmentHeader(
                log: try reader.u32LittleEndian(), epoch: try reader.u32LittleEndian(),
                first: try reader.u64LittleEndian(), chain: try ChainValue(&reader))
        } catch { return nil }
    }
}

/// The bytes of a small file or header, closed by a checksum.
struct FileWriter {
    private var bytes: [UInt8] = []

    mutating func put<Number: FixedWidthInteger>(_ number: Number) {
        for shift in stride(from: 0, to: Number.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> Number(shift)))
        }
    }

    mutating func put(_ chain: ChainValue) {
        for word in [chain.a, chain.b, chain.c, chain.d] { put(word.littleEndian) }
    }

    mutating func put(_ text: String) {
        let utf8 = Array(text.utf8.prefix(Int(UInt16.max)))
        put(UInt16(truncatingIfNeeded: utf8.count))
        bytes += utf8
    }

    /// The bytes and their CRC-32C.
    func sealed() -> [UInt8] {
        var writer = self
        unsafe writer.put(Checksum.crc32c(bytes.span.bytes))
        return writer.bytes
    }
}

extension ByteReader {
    /// A reader of what `FileWriter.sealed` has closed, without the checksum; throws when that does not match.
    @_lifetime(copy bytes)
    init(sealed bytes: RawSpan) throws(WireError) {
        let count = bytes.byteCount - 4
        var tail = try ByteReader(bytes, at: count, count: 4)
        guard try tail.u32LittleEndian() == Checksum.crc32c(bytes.part(0, count)) else { throw .malformed(at: count) }
        self = try ByteReader(bytes, at: 0, count: count)
    }

    @_lifetime(self: copy self)
    mutating func u64LittleEndian() throws(WireError) -> UInt64 { try u64().byteSwapped }
}
