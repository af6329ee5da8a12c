// SPDX-License-Identifier: Apache-2.0
public import Events
internal import Instruments
internal import Logging
internal import Synchronization
internal import Wire

/// Follows one log from a number on, while it is being written or not.
///
/// It sees every batch that `append` has returned for. One thread at a time may use it, any thread; readers do not
/// disturb each other or the writer. A damaged place is passed over: its frames are counted in ``lost`` and as dropped
/// at stage `journal` for reason `corrupt`.
public final class JournalReader: @unchecked Sendable {
    /// The log.
    public let log: JournalLog
    /// The number of the next frame.
    public private(set) var next: UInt64
    /// How many frames were passed over because retention had removed them.
    public private(set) var skipped: UInt64 = 0
    /// How many frames were passed over because their blocks are damaged or missing.
    public private(set) var lost: UInt64 = 0
    /// The last damage that was found, as `path: offset: what`; nil when there was none.
    public private(set) var lastFault: String?

    /// The number after the last frame that was given out.
    private var given: UInt64
    private static let mostBytes = 1 << 20
    private var window: FileWindow?
    /// The segment that the window shows, as far as it is known.
    private var segment: Segment?
    private var offset = 0
    private var block: BlockHeader?
    private var cursor: FrameCursor?
    private var content = Slab(capacity: 64 << 10)
    /// The number in the batch of each origin of the block; 0 where it has none yet.
    private var origins: [UInt16] = []

    /// A reader of `log` that begins with the frame `number`.
    public init(of log: JournalLog, from number: UInt64) {
        self.log = log
        self.next = number
        self.given = number
    }

    /// Puts the next frames into an empty batch and sets its position: at most `mostFrames`, about 1 MiB, and no more
    /// than stand one after the other with the same epoch. The position says where a gap in front of them begins.
    ///
    /// - Returns: false when there is nothing more for now.
    public func next(into batch: inout Batch, mostFrames: Int = 4096) throws(JournalError) -> Bool {
        precondition(batch.frames.isEmpty, "frames are read into an empty batch")
        let start = batch.slab.count
        origins.removeAll(keepingCapacity: true)
        while batch.frames.count < mostFrames, batch.slab.count - start < JournalReader.mostBytes {
            do {
                if cursor == nil, try !find() { break }
            } catch {
                // What was read is given out first; the next call meets the error again.
                if batch.frames.isEmpty { throw error }
                break
            }
            guard let block else { break }
            if let position = batch.position, !batch.frames.isEmpty {
                guard position.epoch == block.epoch, position.first + UInt64(batch.frames.count) == next else { break }
            } else {
                batch.position = JournalPosition(log: log.number, first: next, epoch: block.epoch)
                if given < next { batch.position?.gap = given }
            }
            take(block, into: &batch, mostFrames)
        }
        guard let position = batch.position, !batch.frames.isEmpty else {
            batch.position = nil
            return false
        }
        // Not `next`: that may be behind the gap which ended the batch.
        given = position.first + UInt64(batch.frames.count)
        return true
    }

    /// Moves frames of the block at hand into the batch.
    private func take(_ block: BlockHeader, into batch: inout Batch, _ mostFrames: Int) {
        do {
            while batch.frames.count < mostFrames {
                guard var frame = try cursor?.next(content.bytes) else {
                    cursor = nil
                    origins.removeAll(keepingCapacity: true)
                    return
                }
                frame.extent = batch.slab.append(content.bytes(frame.extent))
                if frame.origin != 0 { frame.origin = origin(frame.origin, in: &batch) }
                batch.append(frame)
                next += 1
            }
        } catch {
            cursor = nil
            origins.removeAll(keepingCapacity: true)
            lastFault = "\(segment?.path ?? ""): \(offset - block.total): \(BlockFault.content.rawValue)"
            lose(to: block.end)
        }
    }

    private func origin(_ number: UInt16, in batch: inout Batch) -> UInt16 {
        let index = Int(number) - 1
        while origins.count <= index { origins.append(0) }
        if origins[index] == 0, let known = cursor?.origins, index < known.count {
            origins[index] = batch.number(of: known[index])
        }
        return origins[index]
    }

    /// Finds the block that holds `next`, or the first one after it; false at the end.
    private func find() throws(JournalError) -> Bool {
        while next < log.end {
            if segment == nil, try !open() { continue }
            guard var segment else { return false }
            if offset >= segment.bytes || next >= segment.end { segment = refresh(segment) }
            guard next < segment.end, var window = window.take() else {
                closeSegment()
                continue
            }
            window.limit = segment.bytes
            // After an error the segment is opened anew.
            self.segment = nil
            let sight = try look(&window, below: segment.end)
            self.window = consume window
            self.segment = segment
            switch sight {
            case .found: return true
            case .passed: continue
            case .nothing: pass(segment)
            }
        }
        return false
    }

    private enum Look {
        case found
        case passed
        case nothing
    }

    /// Looks at the block at hand, or for the next one when it is damaged.
    private func look(_ window: inout FileWindow, below end: UInt64) throws(JournalError) -> Look {
        switch try window.sight(at: offset) {
        case .block(let header):
            let at = offset
            offset += header.total
            guard header.end > next else { return .passed }
            guard header.end <= end, header.log == UInt16(truncatingIfNeeded: log.number) else {
                lastFault = "\(window.file.path): \(at): the block belongs to another segment"
                return .passed
            }
            let body = window.bytes(from: at + BlockHeader.size).part(0, header.stored)
            return enter(header, body, window.file.path, at) ? .found : .passed
        case .bad(let problem, let damaged):
            lastFault = "\(window.file.path): \(offset): \(problem.rawValue)"
            guard let (place, _) = try window.resume(after: offset, damaged) else { return .nothing }
            offset = place
            return .passed
        case .end: return .nothing
        }
    }

    /// Decodes a block and passes over its frames below `next`; false when it cannot be used.
    private func enter(_ header: BlockHeader, _ body: RawSpan, _ path: String, _ at: Int) -> Bool {
        if header.first > next { lose(to: header.first) }
        do {
            guard BlockContent.decode(header, body, into: &content) else { throw WireError.malformed(at: 0) }
            var cursor = FrameCursor(header)
            while cursor.number < next { guard try cursor.next(content.bytes) != nil else { break } }
            self.cursor = cursor
            block = header
            return true
        } catch {
            lastFault = "\(path): \(at): \(BlockFault.content.rawValue)"
            lose(to: header.end)
            return false
        }
    }

    /// Opens the segment that holds `next`, or the first one after it; false when the state has changed meanwhile.
    private func open() throws(JournalError) -> Bool {
        let (found, first, end) = log.state.withLock { ($0.segment(for: next), $0.first, $0.end) }
        if next < first {
            skipped += first - next
            next = first
        }
        guard let found else {
            // Frames that were on disk and whose segment is gone.
            if next < end { lose(to: end) }
            return false
        }
        if found.first > next { lose(to: found.first) }
        let file: SegmentFile
        do {
            file = try SegmentFile.open(found.path, .read)
        } catch {
            // Removed by retention: look again. Removed by somebody else: pass over it.
            guard log.state.withLock({ $0.status(of: found.first) }) != nil else { return false }
            lastFault = "\(found.path): 0: \(error.reason)"
            lose(to: found.end)
            return false
        }
        window = FileWindow(file, limit: found.bytes)
        segment = found
        offset = SegmentHeader.size
        return true
    }

    /// What is known of the segment by now; of one that was removed meanwhile, all that is in the file.
    private func refresh(_ old: Segment) -> Segment {
        var now = old
        if let known = log.state.withLock({ $0.status(of: old.first) }) {
            now = known
        } else if let bytes = try? window?.file.status().bytes {
            now.bytes = bytes
            now.end = log.first
        }
        segment = now
        return now
    }

    /// Gives up the rest of a segment.
    private func pass(_ segment: Segment) {
        if log.state.withLock({ $0.status(of: segment.first) }) != nil { lose(to: segment.end) }
        closeSegment()
    }

    private func closeSegment() {
        window = nil
        segment = nil
    }

    private func lose(to number: UInt64) {
        guard number > next else { return }
        lost += number - next
        log.context.corrupt.add(Int(clamping: number - next))
        log.context.logger.error(
            "frames \(next) to \(number - 1) of log \(log.number) are lost: \(lastFault ?? "no segment has them")")
        next = number
    }
}
