// SPDX-License-Identifier: Apache-2.0
internal import CLZ4
internal import Events
internal import Wire

/// Makes blocks of a batch's frames. All its memory is made once and used again.
@safe
struct BlockEncoder: ~Copyable {
    /// The content at which a block is closed: what is farther back than 64 KiB, LZ4 cannot refer to.
    static let fullContent = 60 << 10
    /// The longest frame that is kept whole; what is described beside it fits into the rest of the largest content.
    static let mostFrame = BlockHeader.mostContent - (1 << 20)
    /// Frames of that many bytes in one batch say that the processor is short, not the disk.
    private static let load = 8 << 10
    /// Compressing costs what hashing and writing twice the content do: it pays when a third is left.
    private static let worth = 3
    /// How many blocks go uncompressed before it is tried again.
    private static let pause = 63

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
    private let compression: JournalSettings.Compression
    private var compressor = TextCompressor()
    private var packed = Slab(capacity: 64 << 10)
    private var described = Slab(capacity: 8 << 10)
    /// How many blocks are still to go uncompressed under load.
    private var paused = 0
    /// The block's number of each origin of the batch; 0 where the block has not named it.
    private var numbers: [UInt16] = []
    private var named: [Int] = []

    init(log: UInt16, epoch: UInt32, next: UInt64, chain: ChainValue, _ compression: JournalSettings.Compression) {
        self.log = log
        self.epoch = epoch
        self.next = next
        self.chain = chain
        self.compression = compression
    }

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
    /// - Parameter isBusy: whether the batch is one of many.
    /// - Returns: how many frames were longer than ``mostFrame`` and have been cut.
    mutating func encode(
        _ batch: borrowing Batch, _ frames: [Frame], from index: inout Int, isBusy: Bool
    ) -> Int {
        described.reset()
        for origin in named { numbers[origin] = 0 }
        named.removeAll(keepingCapacity: true)
        while numbers.count <= batch.origins.count { numbers.append(0) }
        var context = FrameContext()
        var earliest = Int64.max
        var latest = Int64.min
        var cut = 0
        let start = index
        let place = blocks.count
        // The content is put where it will be written from; the header's place is left free.
        _ = unsafe blocks.append(upTo: BlockHeader.size) { _ in BlockHeader.size }
        let before = blocks.count
        let last = min(frames.count, start + BlockHeader.mostFrames)
        while index < last {
            let frame = frames[index]
            let whole = batch.slab.bytes(frame.extent)
            let bytes = whole.part(0, BlockEncoder.mostFrame)
            let size = blocks.count - before + described.count + bytes.byteCount
            if index > start, size > BlockEncoder.fullContent { break }
            if bytes.byteCount < whole.byteCount { cut += 1 }
            blocks.append(bytes)
            describe(frame, bytes.byteCount, isCut: bytes.byteCount < whole.byteCount, batch, &context)
            earliest = min(earliest, frame.received)
            latest = max(latest, frame.received)
            index += 1
        }
        let text = blocks.count - before
        textBytes += text
        BlockEncoder.append(described, to: &blocks)
        var header = BlockHeader(
            stored: 0, content: blocks.count - before, text: text, frames: index - start, epoch: epoch, first: next,
            earliest: earliest, latest: latest, log: log, method: .raw, checksum: 0, chain: chain)
        header.stored = header.content
        if isWorthTrying(isBusy: isBusy || batch.slab.count >= BlockEncoder.load) { compress(&header, at: before) }
        seal(&header, at: place)
        next = header.end
        chain = header.chain
        return cut
    }

    private mutating func isWorthTrying(isBusy: Bool) -> Bool {
        switch compression {
        case .always: return true
        case .never: return false
        case .adaptive:
            guard isBusy, paused > 0 else { return true }
            paused -= 1
            return false
        }
    }

    /// Puts the compressed content in the place of the content, if that is shorter.
    private mutating func compress(_ header: inout BlockHeader, at before: Int) {
        BlockEncoder.compress(blocks, from: before, with: &compressor, into: &packed)
        if header.content >= TextCompressor.least {
            paused = packed.count * BlockEncoder.worth > header.content ? BlockEncoder.pause : 0
        }
        guard packed.count > 0, packed.count < header.content else { return }
        header.stored = packed.count
        header.method = .lz4
        blocks.truncate(to: before)
        BlockEncoder.append(packed, to: &blocks)
    }

    private static func append(_ part: borrowing Slab, to whole: inout Slab) { whole.append(part.bytes) }

    private static func compress(
        _ content: borrowing Slab, from start: Int, with compressor: inout TextCompressor, into packed: inout Slab
    ) {
        packed.reset()
        let content = content.bytes.part(start, Int.max)
        _ = unsafe packed.append(upTo: TextCompressor.bound(content.byteCount)) { room in
            unsafe compressor.compress(content, into: room)
        }
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
        let step = frame.received &- context.received
        described.append(flags, UInt64(length), UInt64(bitPattern: step << 1 ^ step >> 63))
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

    /// Links the chain and writes the header in front of the stored bytes.
    private mutating func seal(_ header: inout BlockHeader, at place: Int) {
        blocks.truncate(to: place)
        // What truncate(to:) leaves behind is still there: it becomes the room again.
        _ = unsafe blocks.append(upTo: header.total) { room in
            let stored = unsafe RawSpan(
                _unsafeBytes: UnsafeRawBufferPointer(rebasing: room[BlockHeader.size..<header.total]))
            header.checksum = Checksum.crc32c(stored)
            unsafe header.store(in: room)
            let head = unsafe RawSpan(
                _unsafeBytes: UnsafeRawBufferPointer(rebasing: room[0..<BlockHeader.hashed]))
            header.chain = HashChain.link(header.chain, head, stored)
            unsafe header.seal(room)
            return header.total
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
