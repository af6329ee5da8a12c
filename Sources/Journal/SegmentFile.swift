// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Wire

/// An open segment; the descriptor is closed when nobody holds it any more, removed from its folder or not.
final class SegmentFile: Sendable {
    let path: String
    let descriptor: Int32

    private init(_ path: String, _ descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { _ = close(descriptor) }

    enum Mode {
        case read
        case write
        case create
    }

    static func open(_ path: String, _ mode: Mode) throws(JournalError) -> SegmentFile {
        let flags =
            switch mode {
            case .read: O_RDONLY
            case .write: O_RDWR
            case .create: O_RDWR | O_CREAT | O_EXCL
            }
        let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw JournalError(errno: errno, path: path, doing: "cannot be opened") }
        return SegmentFile(path, descriptor)
    }

    /// Size in bytes and time of the last change in seconds since the epoch.
    func status() throws(JournalError) -> (bytes: Int, changed: Int) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw JournalError(errno: errno, path: path, doing: "has no size")
        }
        return (Int(status.st_size), Int(status.st_mtim.tv_sec))
    }

    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: RawSpan, at offset: Int) throws(JournalError) {
        var done = 0
        while done < bytes.byteCount {
            let written = unsafe bytes.withUnsafeBytes { from in
                guard let base = from.baseAddress else { return 0 }
                return unsafe pwrite(descriptor, base + done, from.count - done, off_t(offset + done))
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                throw JournalError(errno: written < 0 ? errno : ENOSPC, path: path, doing: "cannot be written")
            }
            done += written
        }
    }

    /// The most that ``reserve(from:for:allocated:)`` writes at once.
    static let reservation = 256 << 10
    /// What it writes for small blocks: of a folio, the kernel looks at each page with each write.
    private static let smallReservation = 64 << 10
    /// The bytes for which the file system is asked to find blocks at once.
    private static let allocation = 4 << 20
    private static let zeros = [UInt8](repeating: 0, count: reservation)

    /// Writes zeros from `offset` to the next multiple of a power of two, for blocks to be written over; the next of them
    /// have `size` bytes.
    ///
    /// The kernel then keeps those bytes in one large folio, where writes of some kilobytes cost half as much as those
    /// that make the file longer; and fdatasync(2) need not write a new length each time.
    ///
    /// - Parameter allocated: up to where the file system has found blocks.
    /// - Returns: where the zeros end; nil when there is no room for them.
    func reserve(from offset: Int, for size: Int, allocated: inout Int) -> Int? {
        let step = size < 4096 ? SegmentFile.smallReservation : SegmentFile.reservation
        let count = step - offset % step
        if offset + count > allocated {
            // Whether it can is no matter: the write finds out.
            let wanted = SegmentFile.allocation - offset % SegmentFile.allocation
            if penstock_allocate(descriptor, offset, wanted) == 0 { allocated = offset + wanted }
        }
        do {
            try unsafe write(SegmentFile.zeros.span.bytes.extracting(0..<count), at: offset)
            return offset + count
        } catch { return nil }
    }

    /// Lets the kernel use the memory again in which it keeps the bytes of `range`, if they are on disk.
    func release(_ range: Range<Int>) {
        // Only whole folios go: begin with the one that the last call may have left.
        let start = range.lowerBound - range.lowerBound % SegmentFile.reservation
        _ = posix_fadvise(descriptor, off_t(start), off_t(range.upperBound - start), POSIX_FADV_DONTNEED)
    }

    /// Appends up to `count` bytes from `offset` on to `slab`; fewer only at the end of the file.
    func read(into slab: inout Slab, from offset: Int, _ count: Int) throws(JournalError) {
        var done = 0
        while done < count {
            var problem: Int32 = 0
            var got = 0
            let wanted = count - done
            let from = off_t(offset + done)
            _ = unsafe slab.append(upTo: wanted) { room in
                got = unsafe pread(descriptor, room.baseAddress, wanted, from)
                problem = errno
                return max(0, got)
            }
            if got < 0, problem == EINTR { continue }
            guard got >= 0 else { throw JournalError(errno: problem, path: path, doing: "cannot be read") }
            if got == 0 { return }
            done += got
        }
    }

    /// Cuts the file; false when the system refuses.
    func truncate(to bytes: Int) -> Bool { ftruncate(descriptor, off_t(bytes)) == 0 }

    /// Writes what it reads, so that the pages are dirty again; throws when what it reads are not whole blocks.
    func rewrite(from start: Int, to limit: Int) throws(JournalError) {
        var window = FileWindow(self, limit: limit)
        var offset = start
        if offset == 0 {
            try window.load(0, SegmentHeader.size)
            try write(window.bytes(from: 0).part(0, SegmentHeader.size), at: 0)
            offset = SegmentHeader.size
        }
        while offset < limit {
            switch try window.sight(at: offset) {
            case .block(let header):
                try write(window.bytes(from: offset).part(0, header.total), at: offset)
                offset += header.total
            case .end: return
            case .bad: throw JournalError(.corrupt, path: path, reason: "\(offset): the pages are lost")
            }
        }
    }

    /// fdatasync(2): 0, or the `errno`.
    func synchronize() -> Int32 { fdatasync(descriptor) == 0 ? 0 : errno }
}

/// A part of a segment in memory, moved along the file.
struct FileWindow: ~Copyable {
    private static let size = 256 << 10

    let file: SegmentFile
    /// How much of the file counts; what is behind is being written.
    var limit: Int
    private var buffer: Slab
    private var start = 0

    init(_ file: SegmentFile, limit: Int, buffer: consuming Slab = Slab(capacity: FileWindow.size)) {
        self.file = file
        self.limit = limit
        self.buffer = buffer
        self.buffer.reset()
    }

    /// Gives the memory back, for the next file.
    consuming func take() -> Slab { buffer }

    /// The bytes in memory from `offset` on, after `load`.
    @_lifetime(borrow self)
    func bytes(from offset: Int) -> RawSpan {
        let span = buffer.bytes.part(offset - start, Int.max)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Takes care that `count` bytes from `offset` on are in memory; fewer only at the limit.
    mutating func load(_ offset: Int, _ count: Int) throws(JournalError) {
        let wanted = min(count, limit - offset)
        if offset >= start, offset + wanted <= start + buffer.count { return }
        buffer.reset()
        start = offset
        let count = min(max(wanted, FileWindow.size), max(0, limit - offset))
        try file.read(into: &buffer, from: offset, count)
    }

    /// What stands at `offset`; after a block its header and stored bytes are in memory.
    mutating func sight(at offset: Int) throws(JournalError) -> BlockSight {
        try load(offset, BlockHeader.size)
        let header = BlockHeader.decode(bytes(from: offset).part(0, limit - offset))
        if let header { try load(offset, header.total) }
        let sight = BlockSight(bytes(from: offset).part(0, limit - offset), header)
        if case .bad(_, nil) = sight, try isZero(from: offset) { return .end }
        return sight
    }

    /// Whether nothing but zeros follows: the room that a writer had made for blocks.
    private mutating func isZero(from offset: Int) throws(JournalError) -> Bool {
        var offset = offset
        while offset < limit {
            try load(offset, 1)
            let rest = bytes(from: offset).part(0, limit - offset)
            guard rest.byteCount > 0, rest.isZero else { return false }
            offset += rest.byteCount
        }
        return true
    }

    /// The next whole block behind a damaged place at `offset`, or nil.
    mutating func resume(after offset: Int, _ damaged: BlockHeader?) throws(JournalError) -> (Int, BlockHeader)? {
        if let damaged, case .block(let header) = try sight(at: offset + damaged.total) {
            return (offset + damaged.total, header)
        }
        // Checking the bodies of false headers must not make this quadratic.
        var budget = 4 * (limit - offset) + BlockHeader.mostContent
        var place = offset + 1
        while place < limit, budget > 0 {
            try load(place, BlockHeader.size)
            let (hit, count) = search(from: place)
            guard count >= BlockHeader.size else { return nil }
            guard let hit else {
                place += count - 3
                continue
            }
            place += hit
            switch try sight(at: place) {
            case .block(let header): return (place, header)
            case .bad(_, let header): budget -= header?.total ?? BlockHeader.size
            case .end: return nil
            }
            place += 1
        }
        return nil
    }

    /// Where the magic bytes of a header are in the memory behind `offset`, and how much of it there is.
    private func search(from offset: Int) -> (hit: Int?, count: Int) {
        let rest = bytes(from: offset)
        return (rest.firstRange(of: "PBLK"), rest.byteCount)
    }
}
