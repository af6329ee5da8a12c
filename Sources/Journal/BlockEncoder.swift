// SPDX-License-Identifier: Apache-2.0
internal import CLZ4
internal import Events
internal import Wire

/// Makes blocks of a batch's frames. All its memory is made once and used again.
@safe
struct BlockEncoder: ~Copyable {
    /// The content at which a block is closed: below 64 KiB, LZ4 keeps 16-bit positions and stays in the first cache.
    static let fullContent = 60 << 10
    /// The longest frame that is kept whole; what is described beside it fits into the rest of the largest content.
    static let mostFrame = BlockHeader.mostContent - (1 << 20)
    /// Content below this is not worth a hash table of 16 KiB.
    private static let leastCompressed = 128
    /// Higher is faster and larger (lz4.h). Measured on syslog, 1 costs no more than 16: what compression saves in time,
    /// hashing and writing the larger blocks take.
    private static let acceleration: Int32 = 1

    /// The blocks made since `reset`, ready to be written.
    private(set) var blocks = Slab(capacity: 128 << 10)
    /// The number of the next frame.
    private(set) var next: UInt64
    /// The chain value after the last block.
    private(set) var chain: ChainValue
    /// How many bytes of frames were encoded since `reset`.
    private(set) var textBytes = 0
    private let log: UInt16
    private let epoch: UInt32
    private let hash = HashChain()
    private let state: UnsafeMutableRawPointer
    private var content = Slab(capacity: 64 << 10)
    private var described = Slab(capacity: 8 << 10)
    /// The block's number of each origin of the batch; 0 where the block has not named it.
    private var numbers: [UInt16] = []
    private var named: [Int] = []

    init(log: UInt16, epoch: UInt32, next: UInt64, chain: ChainValue) {
        self.log = log
        self.epoch = epoch
        self.next = next
        self.chain = chain
        unsafe state = .allocate(byteCount: Int(LZ4_sizeofState()), alignment: 16)
    }

    deinit { unsafe state.deallocate() }

    /// Forgets the blocks made; what comes next follows `next` and `chain`.
    mutating func reset(next: UInt64, chain: ChainValue) {
        blocks.reset()
        textBytes = 0
        self.next = next
        self.chain = chain
    }

    /// Forgets the bytes of the blocks made, which have been written.
    mutating func clear() { blocks.reset() }

    /// Appends one block of frames from `index` on, and moves `index` to the first one that is not in it.
    ///
    /// - Returns: how many frames were longer than ``mostFrame`` and have been cut.
    mutating func encode(_ batch: borrowing Batch, _ frames: [Frame], from index: inout Int) -> Int {
        content.reset()
        described.reset()
        for origin in named { numbers[origin] = 0 }
        named.removeAll(keepingCapacity: true)
        while numbers.count <= batch.origins.count { numbers.append(0) }
        var context = FrameContext()
        var earliest = Int64.max
        var latest = Int64.min
        var cut = 0
        let start = index
        let last = min(frames.count, start + BlockHeader.mostFrames)
        while index < last {
            let frame = frames[index]
            let whole = batch.slab.bytes(frame.extent)
            let bytes = whole.part(0, BlockEncoder.mostFrame)
            if index > start, content.count + described.count + bytes.byteCount > BlockEncoder.fullContent { break }
            if bytes.byteCount < whole.byteCount { cut += 1 }
            content.append(bytes)
            describe(frame, bytes.byteCount, isCut: bytes.byteCount < whole.byteCount, batch, &context)
            earliest = min(earliest, frame.received)
            latest = max(latest, frame.received)
            index += 1
        }
        textBytes += content.count
        var header = BlockHeader(
            stored: 0, content: 0, text: content.count, frames: index - start, epoch: epoch, first: next,
            earliest: earliest, latest: latest, log: log, method: .raw, checksum: 0, chain: chain)
        BlockEncoder.append(described, to: &content)
        header.content = content.count
        unsafe BlockEncoder.seal(&header, content, into: &blocks, state, hash)
        next = header.end
        chain = header.chain
        return cut
    }

    private mutating func describe(
        _ frame: Frame, _ length: Int, isCut: Bool, _ batch: borrowing Batch, _ context: inout FrameContext
    ) {
        var flags: UInt8 = frame.isCut || isCut ? FrameFlags.cut : 0
        if frame.peer != context.peer { flags |= FrameFlags.peer }
        if frame.peerPort != context.peerPort { flags |= FrameFlags.port }
        if frame.listener != context.listener || frame.transport != context.transport { flags |= FrameFlags.listener }
        let origin = Int(frame.origin) <= batch.origins.count ? Int(frame.origin) : 0
        let known = numbers[origin]
        if origin != 0, known == 0 {
            flags |= FrameFlags.newOrigin
        } else if known != context.origin {
            flags |= FrameFlags.origin
        }
        described.reserve(64)
        described.append(byte: flags)
        described.append(varint: UInt64(length))
        let step = frame.received &- context.received
        described.append(varint: UInt64(bitPattern: step << 1 ^ step >> 63))
        if flags & FrameFlags.peer != 0 { described.append(address: frame.peer) }
        if flags & FrameFlags.port != 0 { described.append(u16: frame.peerPort) }
        if flags & FrameFlags.listener != 0 {
            described.append(u16: frame.listener)
            described.append(byte: frame.transport.rawValue)
        }
        if flags & FrameFlags.origin != 0 { described.append(varint: UInt64(known)) }
        if flags & FrameFlags.newOrigin != 0 {
            let origins = batch.origins[origin - 1]
            described.append(text: origins.subject)
            described.append(text: origins.fingerprint)
            described.append(text: origins.path)
            described.append(address: origins.proxy)
            named.append(origin)
            numbers[origin] = UInt16(named.count)
        }
        context.received = frame.received
        context.peer = frame.peer
        context.peerPort = frame.peerPort
        context.listener = frame.listener
        context.transport = frame.transport
        context.origin = numbers[origin]
    }

    /// Compresses the content behind the header's place, links the chain and writes the header.
    private static func seal(
        _ header: inout BlockHeader, _ content: borrowing Slab, into blocks: inout Slab,
        _ state: UnsafeMutableRawPointer, _ hash: HashChain
    ) {
        let room = BlockHeader.size + Int(LZ4_compressBound(Int32(content.count)))
        let content = content.bytes
        _ = unsafe blocks.append(upTo: room) { room in
            let body = unsafe UnsafeMutableRawBufferPointer(rebasing: room[BlockHeader.size...])
            header.stored = unsafe compress(content, body, state)
            header.method = .lz4
            if header.stored <= 0 || header.stored >= content.byteCount {
                unsafe content.withUnsafeBytes { unsafe body.copyMemory(from: $0) }
                header.stored = content.byteCount
                header.method = .raw
            }
            let stored = unsafe RawSpan(
                _unsafeBytes: UnsafeRawBufferPointer(rebasing: body[0..<header.stored]))
            header.checksum = Checksum.crc32c(stored)
            unsafe header.store(in: room)
            let head = unsafe RawSpan(
                _unsafeBytes: UnsafeRawBufferPointer(rebasing: room[0..<BlockHeader.hashed]))
            header.chain = hash.link(header.chain, head, stored)
            unsafe header.seal(room)
            return header.total
        }
    }

    private static func append(_ part: borrowing Slab, to whole: inout Slab) { whole.append(part.bytes) }

    private static func compress(
        _ content: RawSpan, _ room: UnsafeMutableRawBufferPointer, _ state: UnsafeMutableRawPointer
    ) -> Int {
        guard content.byteCount >= BlockEncoder.leastCompressed else { return 0 }
        return unsafe content.withUnsafeBytes { source in
            guard let from = unsafe source.baseAddress?.assumingMemoryBound(to: CChar.self),
                let to = unsafe room.baseAddress?.assumingMemoryBound(to: CChar.self)
            else { return 0 }
            return unsafe Int(
                LZ4_compress_fast_extState(
                    state, from, to, Int32(source.count), Int32(room.count), BlockEncoder.acceleration))
        }
    }
}

/// Takes the content out of a block.
enum BlockContent {
    /// Puts the content of a block whose stored bytes are `body` into `content`; false when it cannot be decoded.
    static func decode(_ header: BlockHeader, _ body: RawSpan, into content: inout Slab) -> Bool {
        content.reset()
        guard header.method == .lz4 else {
            content.append(body)
            return true
        }
        var size = -1
        _ = unsafe content.append(upTo: header.content) { room in
            size = unsafe body.withUnsafeBytes { source in
                guard let from = unsafe source.baseAddress?.assumingMemoryBound(to: CChar.self),
                    let to = unsafe room.baseAddress?.assumingMemoryBound(to: CChar.self)
                else { return -1 }
                return unsafe Int(LZ4_decompress_safe(from, to, Int32(source.count), Int32(room.count)))
            }
            return max(0, size)
        }
        return size == header.content
    }
}
