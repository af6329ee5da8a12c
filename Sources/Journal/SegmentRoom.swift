// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Wire

/// The room behind the end of the segment that is being written: zeros that blocks are put over.
///
/// Small blocks are copied into a mapping of it, at a tenth of what a system call costs. That is as safe: the memory is the
/// file's own, so it outlives the process, and fdatasync(2) writes it. Only what the file system has found blocks for is
/// mapped; a store that fails all the same is a copy that fails, and the block is written instead, which tells why.
@safe
struct SegmentRoom: ~Copyable {
    /// A block of that size is written: the system call costs little beside it, and needs no page to be mapped.
    private static let large = 8 << 10
    /// The bytes that are mapped at once: mapping takes longer than a hundred copies, and what is touched counts as the
    /// service's memory.
    private static let window = 1 << 20
    private static let page = Int(sysconf(Int32(_SC_PAGESIZE)))

    /// Up to where the segment has zeros.
    private var zeroed = 0
    /// Up to where its blocks on disk have been found.
    private var allocated = 0
    private var base: UnsafeMutableRawPointer?
    /// The bytes of the segment that are at `base`.
    private var mapped = 0..<0
    private var canMap = penstock_guard_copies() == 0

    init() {}

    deinit { if let base = unsafe base { unsafe munmap(base, mapped.count) } }

    /// Whether the segment is longer than what was written to it.
    var isOpen: Bool { zeroed > 0 }

    /// Writes `bytes` at `offset`, the end of the segment, which becomes no longer than `limit` by reserving.
    ///
    /// - Parameter isFrequent: whether it is one of many writes.
    mutating func write(
        _ bytes: RawSpan, to segment: SegmentFile, at offset: Int, limit: Int, isFrequent: Bool
    ) throws(JournalError) {
        reserve(segment, from: offset, bytes.byteCount, limit)
        if isFrequent, bytes.byteCount < SegmentRoom.large, copy(bytes, segment, offset) { return }
        try segment.write(bytes, at: offset)
    }

    /// Cuts the segment to what counts, so that another one can follow.
    mutating func cut(_ segment: SegmentFile, to size: Int) {
        unmap()
        _ = segment.truncate(to: size)
        zeroed = 0
        allocated = 0
        canMap = penstock_guard_copies() == 0
    }

    private mutating func reserve(_ segment: SegmentFile, from offset: Int, _ count: Int, _ limit: Int) {
        zeroed = max(zeroed, offset)
        // Small segments, and the end of each, are not worth it.
        while zeroed < offset + count, zeroed + SegmentFile.reservation <= limit {
            guard let end = segment.reserve(from: zeroed, for: count, allocated: &allocated) else {
                return cut(segment, to: offset)
            }
            zeroed = end
        }
    }

    private mutating func copy(_ bytes: RawSpan, _ segment: SegmentFile, _ offset: Int) -> Bool {
        let range = offset..<offset + bytes.byteCount
        guard canMap, range.upperBound <= min(zeroed, allocated) else { return false }
        if range.lowerBound < mapped.lowerBound || range.upperBound > mapped.upperBound {
            let start = offset - offset % SegmentRoom.page
            map(segment, start..<min(start + SegmentRoom.window, allocated))
        }
        guard let base = unsafe base, range.upperBound <= mapped.upperBound else { return false }
        let isDone = unsafe bytes.withUnsafeBytes { from in
            guard let source = from.baseAddress else { return true }
            return unsafe penstock_guarded_copy(base + (offset - mapped.lowerBound), source, from.count) == 0
        }
        if !isDone {
            unmap()
            canMap = false
        }
        return isDone
    }

    private mutating func map(_ segment: SegmentFile, _ range: Range<Int>) {
        unmap()
        let made = unsafe mmap(
            nil, range.count, PROT_READ | PROT_WRITE, MAP_SHARED, segment.descriptor, off_t(range.lowerBound))
        guard let made = unsafe made, unsafe made != MAP_FAILED else {
            canMap = false
            return
        }
        unsafe base = made
        mapped = range
    }

    private mutating func unmap() {
        if let base = unsafe base { unsafe munmap(base, mapped.count) }
        unsafe base = nil
        mapped = 0..<0
    }
}
