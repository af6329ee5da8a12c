// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The fixed part in front of a block; numbers are little-endian.
///
/// ```
///  0 u32 magic "PBLK"      20 u32 epoch                     48 u16 log     56 32 bytes chain
///  4 u32 stored bytes      24 u64 number of first frame     50 u8 method   88 u32 CRC-32C of bytes 0–87
///  8 u32 content bytes     32 i64 earliest receive time     51 u8 0        92 the stored bytes
/// 12 u32 of it, frames'    40 i64 latest receive time       52 u32 CRC-32C of the stored bytes
/// 16 u32 frames
/// ```
///
/// The header has a checksum of its own, so that a damaged body still says which frames it held and where it ends.
/// The chain covers bytes 0–55 and the stored bytes; see ``HashChain``.
struct BlockHeader: Equatable, Sendable {
    static let size = 92
    static let hashed = 56
    static let magic: UInt32 = 0x4B4C_4250
    /// The most that a block holds after decompression: no header can make a reader allocate more.
    static let mostContent = 16 << 20
    static let mostFrames = 1 << 16

    enum Method: UInt8, Sendable {
        case raw
        case lz4
    }

    var stored: Int
    var content: Int
    /// How many bytes of the content are the frames' own; what follows describes the frames.
    var text: Int
    var frames: Int
    var epoch: UInt32
    var first: UInt64
    var earliest: Int64
    var latest: Int64
    var log: UInt16
    var method: Method
    var checksum: UInt32
    var chain: ChainValue

    /// The number after the last frame.
    var end: UInt64 { first &+ UInt64(frames) }
    /// Header and stored bytes.
    var total: Int { BlockHeader.size + stored }

    /// Writes everything but the chain and the header's checksum.
    func store(in room: UnsafeMutableRawBufferPointer) {
        unsafe room.storeBytes(of: BlockHeader.magic.littleEndian, as: UInt32.self)
        unsafe room.storeBytes(of: UInt32(stored).littleEndian, toByteOffset: 4, as: UInt32.self)
        unsafe room.storeBytes(of: UInt32(content).littleEndian, toByteOffset: 8, as: UInt32.self)
        unsafe room.storeBytes(of: UInt32(text).littleEndian, toByteOffset: 12, as: UInt32.self)
        unsafe room.storeBytes(of: UInt32(frames).littleEndian, toByteOffset: 16, as: UInt32.self)
        unsafe room.storeBytes(of: epoch.littleEndian, toByteOffset: 20, as: UInt32.self)
        unsafe room.storeBytes(of: first.littleEndian, toByteOffset: 24, as: UInt64.self)
        unsafe room.storeBytes(of: earliest.littleEndian, toByteOffset: 32, as: Int64.self)
        unsafe room.storeBytes(of: latest.littleEndian, toByteOffset: 40, as: Int64.self)
        unsafe room.storeBytes(of: log.littleEndian, toByteOffset: 48, as: UInt16.self)
        unsafe room.storeBytes(of: UInt16(method.rawValue).littleEndian, toByteOffset: 50, as: UInt16.self)
        unsafe room.storeBytes(of: checksum.littleEndian, toByteOffset: 52, as: UInt32.self)
    }

    /// Writes the chain value and the header's checksum.
    func seal(_ room: UnsafeMutableRawBufferPointer) {
        unsafe chain.store(in: room, at: 56)
        let sum = unsafe Checksum.crc32c(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: room[0..<88])))
        unsafe room.storeBytes(of: sum.littleEndian, toByteOffset: 88, as: UInt32.self)
    }

    /// The header at the start of `bytes`; nil when there is none, or one that no writer makes.
    static func decode(_ bytes: RawSpan) -> BlockHeader? {
        guard bytes.byteCount >= size else { return nil }
        do {
            var reader = ByteReader(bytes)
            guard try reader.u32LittleEndian() == magic else { return nil }
            var tail = try ByteReader(bytes, at: 88, count: 4)
            guard try tail.u32LittleEndian() == Checksum.crc32c(bytes.part(0, 88)) else { return nil }
            let stored = Int(try reader.u32LittleEndian())
            let content = Int(try reader.u32LittleEndian())
            let text = Int(try reader.u32LittleEndian())
            let frames = Int(try reader.u32LittleEndian())
            let epoch = try reader.u32LittleEndian()
            let first = try reader.u64LittleEndian()
            let earliest = Int64(bitPattern: try reader.u64LittleEndian())
            let latest = Int64(bitPattern: try reader.u64LittleEndian())
            let log = try reader.u16LittleEndian()
            let method = Method(rawValue: try reader.u8())
            let zero = try reader.u8()
            let checksum = try reader.u32LittleEndian()
            let chain = try ChainValue(&reader)
            guard let method, zero == 0, content <= mostContent, stored <= content, text <= content,
                method == .lz4 || stored == content, frames > 0, frames <= mostFrames,
                first <= UInt64.max - UInt64(frames)
            else { return nil }
            return BlockHeader(
                stored: stored, content: content, text: text, frames: frames, epoch: epoch, first: first,
                earliest: earliest, latest: latest, log: log, method: method, checksum: checksum, chain: chain)
        } catch { return nil }
    }
}

/// What stands at a place of a segment.
enum BlockSight: Equatable {
    /// A block whose checksums are right.
    case block(BlockHeader)
    /// Nothing more.
    case end
    /// Something else; the header is there when only the body is damaged.
    case bad(BlockFault, BlockHeader?)
}

extension RawSpan {
    /// Whether all bytes are zero.
    var isZero: Bool {
        for index in 0..<byteCount where byte(at: index) != 0 { return false }
        return true
    }
}

/// What is wrong with a block.
enum BlockFault: String {
    case torn = "the block is cut off"
    case header = "there is no block header, or its checksum is wrong"
    case body = "the checksum of the block is wrong"
    case content = "the content of the block cannot be decoded"
}

extension BlockSight {
    /// What stands at the start of `bytes`, which are the rest of a segment.
    init(_ bytes: RawSpan) { self.init(bytes, BlockHeader.decode(bytes)) }

    /// The same when the header has been decoded already.
    init(_ bytes: RawSpan, _ header: BlockHeader?) {
        guard bytes.byteCount > 0 else {
            self = .end
            return
        }
        guard let header else {
            self = .bad(bytes.byteCount < BlockHeader.size ? .torn : .header, nil)
            return
        }
        let body = bytes.part(BlockHeader.size, header.stored)
        guard body.byteCount == header.stored else {
            self = .bad(.torn, header)
            return
        }
        self = Checksum.crc32c(body) == header.checksum ? .block(header) : .bad(.body, header)
    }
}
