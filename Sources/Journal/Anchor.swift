// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The small file of each log that says where the log begins and how far it was on disk: what verification compares the
/// segments with, and where recovery begins to look.
struct Anchor: Equatable, Sendable {
    private static let magic: UInt64 = 0x504E_5354_4B41_3031

    /// A place between two blocks.
    struct Place: Equatable, Sendable {
        /// The number of the next frame.
        var end: UInt64
        /// The chain value before it.
        var chain: ChainValue
        /// The first number of the segment; its file has that name.
        var segment: UInt64
        /// The offset in the segment.
        var offset: Int
    }

    var log: UInt32
    /// How often the log has been opened for writing.
    var epoch: UInt32
    /// The first number of the oldest segment that is kept.
    var first: UInt64
    /// The chain value that the oldest segment begins with.
    var firstChain: ChainValue
    /// Up to where everything is on disk.
    var durable: Place

    /// Its file in the folder of a log.
    static func path(in folder: String) -> String { folder + "/anchor" }

    var bytes: [UInt8] {
        var writer = FileWriter()
        writer.put(Anchor.magic.byteSwapped)
        writer.put(log)
        writer.put(epoch)
        writer.put(first)
        writer.put(firstChain)
        writer.put(durable.end)
        writer.put(durable.chain)
        writer.put(durable.segment)
        writer.put(UInt64(durable.offset))
        return writer.sealed()
    }

    static func decode(_ bytes: RawSpan) -> Anchor? {
        do {
            var reader = try ByteReader(sealed: bytes)
            guard try reader.u64() == magic else { return nil }
            let log = try reader.u32LittleEndian()
            let epoch = try reader.u32LittleEndian()
            let first = try reader.u64LittleEndian()
            let firstChain = try ChainValue(&reader)
            let end = try reader.u64LittleEndian()
            let chain = try ChainValue(&reader)
            let segment = try reader.u64LittleEndian()
            guard let offset = Int(exactly: try reader.u64LittleEndian()), reader.isAtEnd, first <= end else {
                return nil
            }
            return Anchor(
                log: log, epoch: epoch, first: first, firstChain: firstChain,
                durable: Place(end: end, chain: chain, segment: segment, offset: offset))
        } catch { return nil }
    }
}
