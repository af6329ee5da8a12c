// SPDX-License-Identifier: Apache-2.0
public import Events
internal import Instruments
internal import Logging
internal import Synchronization
internal import Wire

/// One log of the journal: a sequence of numbered frames that one thread appends to and any number of readers follow.
///
/// Everything but ``append(_:)`` may be called from any thread.
public final class JournalLog: @unchecked Sendable {
    /// The number of the log: that of its lane.
    public let number: Int
    /// How often the log has been opened for writing; part of every position written from now on.
    public let epoch: UInt32
    /// Whether batches can be appended to it.
    public let isWritable: Bool
    let context: JournalContext
    let state: Mutex<LogState>
    private let published: Atomic<UInt64>
    private let synchronized: Atomic<UInt64>
    private let wanted = Atomic<UInt64>(0)
    private let committed = Atomic<UInt64>(0)
    private let isDamaged = Atomic<Bool>(false)
    private let isAppending = Atomic<Bool>(false)
    private let listener = Mutex<(@Sendable () -> Void)?>(nil)
    // Below: the writer's own, guarded by `isAppending`.
    private var encoder: BlockEncoder
    private var file: SegmentFile?
    /// How many of the segment's bytes count.
    private var filled: Int
    private var room = SegmentRoom()
    private var pace = Pace()
    private let segmentLimit: Int
    /// The committer's own: up to where the kernel was told that it may use its memory again.
    private var released: (segment: UInt64, offset: Int) = (0, 0)
    private let frames: Instrument
    private let bytes: Instrument
    private let stored: Instrument
    /// The bytes of blocks at which they are written, while a batch has more.
    private static let mostPending = 256 << 10
    /// The bytes at the end of a log that are left in the kernel's memory, for those who follow it.
    private static let kept = 16 << 20

    init(_ number: Int, _ epoch: UInt32, isWritable: Bool, _ state: LogState, _ context: JournalContext, limit: Int) {
        self.number = number
        self.epoch = epoch
        self.isWritable = isWritable
        self.context = context
        self.published = Atomic(state.end)
        self.synchronized = Atomic(state.durable.end)
        self.file = state.current
        self.filled = state.segments.last?.bytes ?? 0
        self.encoder = BlockEncoder(
            log: UInt16(truncatingIfNeeded: number), epoch: epoch, next: state.end, chain: state.chain,
            context.settings.compression)
        self.segmentLimit = limit
        self.state = Mutex(state)
        let registry = context.registry
        let label = String(number)
        frames = registry.counter(
            "penstock_journal_appended_frames_total", ["log": label], help: "Frames appended to the journal.")
        bytes = registry.counter(
            "penstock_journal_appended_bytes_total", ["log": label],
            help: "Bytes of the frames appended to the journal.")
        stored = registry.counter(
            "penstock_journal_stored_bytes_total", ["log": label],
            help: "Bytes written to journal segments, compressed and with headers.")
    }

    /// The number that the next frame gets.
    public var end: UInt64 { published.load(ordering: .acquiring) }

    /// The frames below this number survive a power failure.
    public var durable: UInt64 { synchronized.load(ordering: .sequentiallyConsistent) }

    /// The oldest number that is kept.
    public var first: UInt64 { state.withLock { $0.first } }

    /// What the committer calls, on its own thread, when frames have become durable that were asked for by
    /// ``wantsDurable(below:)``. It must return quickly.
    public var onDurable: (@Sendable () -> Void)? {
        get { listener.withLock { $0 } }
        set { listener.withLock { $0 = newValue } }
    }

    /// Asks for the frames below `number` to be made durable at once rather than with the next interval; requests that
    /// come while the disk is busy share one fdatasync(2).
    ///
    /// - Returns: true when they are durable already; else ``onDurable`` is called.
    public func wantsDurable(below number: UInt64) -> Bool {
        guard durable < number else { return true }
        wanted.max(number, ordering: .sequentiallyConsistent)
        context.bell.ring()
        // The committer may have passed between the look and the request, and then it calls nobody.
        return durable >= number
    }

    /// Records all frames of a batch and sets its position. When it returns, the frames survive the end of the process.
    ///
    /// Only one thread may call it. A frame of more than 15 MiB is cut in the journal, and counted.
    ///
    /// - Throws: the reason why nothing of the batch was recorded; later calls may succeed.
    public func append(_ batch: inout Batch) throws(JournalError) {
        guard !isAppending.exchange(true, ordering: .acquiring) else {
            // Else it is the end of the journal, which cuts the segment to what was written.
            precondition(
                context.isClosed.load(ordering: .sequentiallyConsistent), "two threads append to log \(number)")
            throw JournalError(.closed, path: context.folder(number), reason: "the journal is closed")
        }
        defer { isAppending.store(false, ordering: .releasing) }
        guard isWritable else {
            throw JournalError(.readOnly, path: context.folder(number), reason: "the log is open for reading only")
        }
        guard !context.isClosed.load(ordering: .relaxed) else {
            throw JournalError(.closed, path: context.folder(number), reason: "the journal is closed")
        }
        let frames = batch.frames
        guard !frames.isEmpty else { return }
        guard !context.isFull.load(ordering: .relaxed) else {
            refuse()
            throw JournalError(
                .full, path: context.settings.directory,
                reason: "less space is free than the reserve of \(context.settings.reserveBytes) bytes")
        }
        do {
            try record(batch, frames)
        } catch {
            if error.code == .full {
                context.wasRefused.store(true, ordering: .relaxed)
                context.bell.ring()
                refuse()
            }
            throw error
        }
        if context.isRefusing.load(ordering: .relaxed) {
            context.isRefusing.store(false, ordering: .relaxed)
            context.full.set(0)
        }
        batch.position = JournalPosition(log: number, first: encoder.next - UInt64(frames.count), epoch: epoch)
    }

    private func refuse() {
        context.isRefusing.store(true, ordering: .relaxed)
        context.full.set(1)
    }

    private func record(_ batch: borrowing Batch, _ frames: [Frame]) throws(JournalError) {
        let (next, chain) = (encoder.next, encoder.chain)
        encoder.reset(next: next, chain: chain)
        pace.note(batch.slab.count, commit: committed.load(ordering: .relaxed))
        let segment = if let file, filled < segmentLimit { file } else { try begin(next, chain) }
        let base = filled
        var size = base
        var index = 0
        var cut = 0
        do {
            while index < frames.count {
                cut += encoder.encode(batch, frames, from: &index, isBusy: pace.isBusy)
                guard index == frames.count || encoder.blocks.count >= JournalLog.mostPending else { continue }
                try room.write(
                    encoder.blocks.bytes, to: segment, at: size, limit: segmentLimit, isFrequent: pace.isFrequent)
                size += encoder.blocks.count
                encoder.clear()
            }
        } catch {
            // Whatever a cut write left is behind the bytes that count; without this, the next write covers it.
            room.cut(segment, to: base)
            encoder.reset(next: next, chain: chain)
            throw error
        }
        filled = size
        let bytes = size - base
        let waiting = state.withLock { state in
            state.segments[state.segments.count - 1].bytes = size
            state.segments[state.segments.count - 1].end = encoder.next
            state.end = encoder.next
            state.chain = encoder.chain
            state.written &+= UInt64(bytes)
            return state.written &- committed.load(ordering: .relaxed)
        }
        published.store(encoder.next, ordering: .releasing)
        if waiting >= UInt64(max(0, context.settings.commitBytes)), !isDamaged.load(ordering: .relaxed) {
            context.bell.ring()
        }
        self.frames.add(frames.count)
        self.bytes.add(encoder.textBytes)
        stored.add(bytes)
        context.oversize.add(cut)
    }

    /// Begins a segment with the frame `next`.
    private func begin(_ next: UInt64, _ chain: ChainValue) throws(JournalError) -> SegmentFile {
        if let file { room.cut(file, to: filled) }
        let path = "\(context.folder(number))/\(Segment.name(next))"
        let made = try SegmentFile.open(path, .create)
        let header = SegmentHeader(log: UInt32(truncatingIfNeeded: number), epoch: epoch, first: next, chain: chain)
        do {
            try unsafe made.write(header.bytes.span.bytes, at: 0)
        } catch {
            Folder.remove(path)
            throw error
        }
        state.withLock { state in
            if let old = state.current { state.unsynced.append(old) }
            if !state.segments.isEmpty { state.segments[state.segments.count - 1].changed = Folder.now }
            state.segments.append(
                Segment(
                    path: path, first: next, end: next, bytes: SegmentHeader.size, chain: chain, changed: Folder.now))
            state.current = made
            state.folderChanged = true
        }
        file = made
        filled = SegmentHeader.size
        return made
    }

    // MARK: - The committer's side

    /// Whether a commit cannot wait for the interval.
    var isUrgent: Bool {
        guard !isDamaged.load(ordering: .relaxed), end > durable else { return false }
        if wanted.load(ordering: .sequentiallyConsistent) > durable { return true }
        let written = state.withLock { $0.written }
        return written &- committed.load(ordering: .relaxed) >= UInt64(max(0, context.settings.commitBytes))
    }

    /// Makes everything appended so far durable. True when something became so.
    ///
    /// - Throws: when there is no descriptor for the folder; nothing is lost by that, and the next call may succeed.
    func commit() throws(JournalError) -> Bool {
        guard isWritable, end > durable, !isDamaged.load(ordering: .relaxed) else { return false }
        let (now, place) = state.withLock { ($0, $0.place) }
        let folder = now.folderChanged ? try SegmentFile.open(context.folder(number), .read) : nil
        do {
            if let folder { try Folder.synchronize(folder) }
            for file in now.unsynced { try synchronize(file, from: now.durable, to: nil) }
            if let file = now.current { try synchronize(file, from: now.durable, to: place) }
        } catch {
            isDamaged.store(true, ordering: .relaxed)
            context.logger.critical(
                "what is appended to log \(number) is not safe from a power failure until the service is restarted: \(error)"
            )
            return false
        }
        state.withLock { state in
            state.unsynced.removeFirst(now.unsynced.count)
            if now.folderChanged, state.current === now.current { state.folderChanged = false }
            state.durable = place
            state.anchorChanged = true
        }
        release(now, place)
        committed.store(now.written, ordering: .relaxed)
        let before = synchronized.exchange(place.end, ordering: .sequentiallyConsistent)
        if wanted.load(ordering: .sequentiallyConsistent) > before { onDurable?() }
        return true
    }

    /// Leaves in memory only what readers are likely to want: memory that the journal gives back is what it is given for
    /// its next frames, at a quarter of the cost of memory that nobody has used yet.
    private func release(_ state: LogState, _ place: Anchor.Place) {
        if place.segment != released.segment {
            for file in state.unsynced { if let bytes = try? file.status().bytes { file.release(0..<bytes) } }
            released = (place.segment, 0)
        }
        let end = place.offset - JournalLog.kept
        guard end - released.offset >= JournalLog.kept / 4 else { return }
        state.current?.release(released.offset..<end)
        released.offset = end
    }

    /// Cuts the segment to what was written, at the end of the journal.
    func finish() {
        guard isWritable, !isAppending.exchange(true, ordering: .acquiring) else { return }
        defer { isAppending.store(false, ordering: .releasing) }
        if let file, room.isOpen { room.cut(file, to: filled) }
    }

    /// fdatasync(2) of a segment. After an error the kernel has forgotten which pages are not on disk: they are read,
    /// checked and written anew, once.
    private func synchronize(
        _ file: SegmentFile, from durable: Anchor.Place, to place: Anchor.Place?
    ) throws(JournalError) {
        let problem = file.synchronize()
        guard problem != 0 else { return }
        let failure = JournalError(errno: problem, path: file.path, doing: "fdatasync failed")
        context.syncErrors.add()
        context.logger.error("\(failure); writing the pages again")
        let limit =
            if let place { place.offset } else { try file.status().bytes }
        let start = file.path.hasSuffix(Segment.name(durable.segment)) ? durable.offset : 0
        try file.rewrite(from: start, to: limit)
        guard file.synchronize() == 0 else { throw failure }
    }

    /// Writes the anchor's file when something has changed.
    func saveAnchor() throws(JournalError) {
        let state = state.withLock { state -> LogState? in
            defer { state.anchorChanged = false }
            return state.anchorChanged ? state : nil
        }
        guard let state else { return }
        let anchor = Anchor(
            log: UInt32(truncatingIfNeeded: number), epoch: epoch, first: min(state.first, state.durable.end),
            firstChain: state.firstChain, durable: state.durable)
        let folder = context.folder(number)
        do {
            try Folder.replace(Anchor.path(in: folder), with: anchor.bytes, in: folder)
        } catch {
            self.state.withLock { $0.anchorChanged = true }
            throw error
        }
    }
}
