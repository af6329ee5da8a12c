// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Glibc
internal import Instruments
internal import Wire

extension FileReceiver {
    /// The bytes of an unfinished message up to which it is cheaper to copy them in front of what follows.
    private static let small = 4096
    /// The bytes of unfinished messages that are kept; above, those of uncompressed files are read again instead.
    private static let mostHeld = 8 << 20
    /// From <unistd.h>, which shows it only with _GNU_SOURCE: the next offset behind a hole.
    private static let seekData: Int32 = 3

    /// How a turn of reading ended.
    private enum Turn {
        case more
        /// There is no more now.
        case drained
        /// There will be no more.
        case finished
        case broken(String)
        /// The file has other content than what was read of it.
        case replaced
    }

    /// Reads one turn of a file and appends the messages that are whole; whether there is more at once.
    func read(_ file: FollowedFile, _ group: FileGroup, _ batch: inout Batch) -> Bool {
        let start = batch.slab.count
        let (first, begun) = (batch.frames.count, file.frameOffset)
        let isLong = file.held.count > FileReceiver.small
        if !isLong { batch.slab.append(file.held.span.bytes) }
        let before = batch.slab.count
        var turn = file.isCompressed ? decompress(file, group, &batch.slab) : fill(file, group, &batch.slab)
        let count = batch.slab.count - before
        if !file.isCompressed, isReplaced(file) { turn = .replaced }
        if case .replaced = turn {
            batch.slab.truncate(to: start)
            replace(file, group, &batch)
            return true
        }
        if count > 0 {
            file.lastByte = clocks.now
            file.contentOffset += count
            file.isDirty = true
            group.change()
            if isLong {
                batch.slab.bytes.part(before, count).withUnsafeBytes { file.held.append(contentsOf: $0) }
                batch.slab.truncate(to: start)
                splitHeld(file, group, &batch, atEnd: false)
            } else {
                splitRead(file, group, &batch, start: start, count: count)
            }
        } else {
            batch.slab.truncate(to: start)
        }
        if begun < file.doubtful { group.instruments.repeats.add(batch.frames.count - first) }
        return conclude(turn, file, group, &batch)
    }

    private func conclude(_ turn: Turn, _ file: FollowedFile, _ group: FileGroup, _ batch: inout Batch) -> Bool {
        file.isIdle = false
        switch turn {
        case .more, .replaced: return true
        case .drained:
            file.isIdle = !file.isCompressed
            if heldBytes + file.held.count > FileReceiver.mostHeld, !file.isCompressed {
                file.sourceOffset -= file.held.count
                file.contentOffset -= file.held.count
                file.held = []
            }
            let isOver = clocks.now - file.lastByte >= Int64(group.configuration.rotateWait)
            guard isOnce(group) || (file.goneSince != nil && isOver) else { return false }
        case .finished: break
        case .broken(let reason):
            group.notes.trouble(.broken, file.path, now: clocks.now, "\(reason); what came before is delivered")
        }
        finishFrames(file, group, &batch)
        end(file, group)
        return false
    }

    // MARK: - Bytes

    private func fill(_ file: FollowedFile, _ group: FileGroup, _ slab: inout Slab) -> Turn {
        var turn = Turn.more
        // What may be repeats is read apart from what cannot be, so that their count is right.
        let left = file.doubtful - file.contentOffset
        _ = slab.append(upTo: left > 0 ? min(limits.turn, left) : limits.turn) { room in
            while true {
                let count = pread(file.descriptor, room.baseAddress, room.count, file.sourceOffset)
                if count < 0, errno == EINTR { continue }
                if count < 0 {
                    turn = .drained
                    file.retryAt = clocks.now + FileNotes.pause
                    let reason = String(cString: strerror(errno))
                    group.notes.trouble(.unreadable, file.path, now: clocks.now, reason)
                    return 0
                }
                if count < room.count { turn = .drained }
                file.sourceOffset += count
                return count
            }
        }
        return turn
    }

    /// Whether the content that was read is no longer there: the file was truncated, or written anew.
    ///
    /// Asked after each read, so that what was read is known to continue what was read before.
    private func isReplaced(_ file: FollowedFile) -> Bool {
        guard let now = file.bytes(at: 0, ContentPrint.longest) else { return false }
        guard now.starts(with: file.head) else { return true }
        if now.count > file.head.count {
            file.head = now
            file.isDirty = true
        }
        guard file.isIdle || file.head.count < ContentPrint.longest else { return false }
        file.refreshFacts()
        return file.facts.size < file.sourceOffset
    }

    private func replace(_ file: FollowedFile, _ group: FileGroup, _ batch: inout Batch) {
        finishFrames(file, group, &batch)
        file.isDirty = true
        if let position = file.currentPosition(seconds: clocks.received / 1_000_000_000) { group.remember(position) }
        file.generation += 1
        file.shared = 0
        file.doubtful = 0
        file.isIdle = false
        file.restart(group.configuration)
        file.position = nil
        group.instruments.truncations.add()
        group.notes.warn(file.path, "it was truncated or written anew, and is read from its beginning")
    }

    private func decompress(_ file: FollowedFile, _ group: FileGroup, _ slab: inout Slab) -> Turn {
        if file.decompressor == nil {
            // From the beginning: the content up to the position is skipped.
            file.skipTo = max(file.skipTo, file.frameOffset)
            file.decompressor = Decompressor()
            file.sourceOffset = 0
            file.contentOffset = 0
            file.held = []
            file.tail.reset()
        }
        let limit = slab.count + limits.turn
        let isStale = clocks.now - file.lastByte >= Int64(group.configuration.rotateWait)
        let isWhole = isOnce(group) || isStale
        while slab.count < limit {
            guard let source = file.bytes(at: file.sourceOffset, 64 << 10) else { return .broken("it cannot be read") }
            guard
                let step = file.decompressor?.step(
                    source.span.bytes, atEnd: source.isEmpty && isWhole, into: &slab, upTo: limit - slab.count)
            else { return .drained }
            file.sourceOffset += step.consumed
            switch step.status {
            case .needsRoom: return .more
            case .ended: return .finished
            case .failed(let failure): return .broken(failure.description)
            case .needsInput where source.isEmpty:
                return file.decompressor?.isAtBoundary == true && file.sourceOffset > 0 ? .finished : .drained
            case .needsInput: break
            }
        }
        return .more
    }

    // MARK: - Messages

    /// Cuts what was read into the slab, behind what was held, into messages that stay where they lie.
    private func splitRead(
        _ file: FollowedFile, _ group: FileGroup, _ batch: inout Batch, start: Int, count: Int
    ) {
        var from = start
        let begun = file.contentOffset - count
        if begun < file.skipTo { from += min(count, file.skipTo - begun) }
        let first = batch.frames.count
        let origin = batch.number(of: Origin(path: file.path))
        while let step = next(file, in: batch.slab.bytes, from: from, start: start, atEnd: false) {
            if let frame = step.frame { append(frame, frame.extent, file, group, origin, &batch) }
            from = step.end
        }
        let whole = batch.slab.count
        file.tail.push(batch.slab.bytes.part(start, from - start))
        file.held.removeAll(keepingCapacity: whole - from > 0)
        batch.slab.bytes.part(from, whole - from).withUnsafeBytes { file.held.append(contentsOf: $0) }
        // What is skipped, such as the rest of an endless line, takes no memory.
        batch.slab.truncate(to: batch.frames.count > first ? from : start)
        if batch.frames.count == first, whole == from, count >= limits.turn, !file.isCompressed { jump(file) }
    }

    /// Passes over a hole, which reads as NUL bytes.
    private func jump(_ file: FollowedFile) {
        guard file.isBetweenFrames, file.tail.bytes.allSatisfy({ $0 == 0 }) else { return }
        let data = lseek(file.descriptor, file.sourceOffset, FileReceiver.seekData)
        guard data > file.sourceOffset else { return }
        file.sourceOffset = data
        file.contentOffset = data
    }

    /// Delivers the beginning of a message that will not end, and forgets it.
    func finishFrames(_ file: FollowedFile, _ group: FileGroup, _ batch: inout Batch) {
        guard !file.held.isEmpty else { return }
        splitHeld(file, group, &batch, atEnd: true)
        file.tail.push(file.held.span.bytes)
        file.held = []
        file.isDirty = true
    }

    private func splitHeld(_ file: FollowedFile, _ group: FileGroup, _ batch: inout Batch, atEnd: Bool) {
        var from = 0
        let origin = batch.number(of: Origin(path: file.path))
        while let step = next(file, in: file.held.span.bytes, from: from, start: 0, atEnd: atEnd) {
            if let frame = step.frame {
                let extent = batch.slab.append(file.held.span.bytes.part(frame.extent))
                append(frame, extent, file, group, origin, &batch)
            }
            from = step.end
        }
        file.tail.push(file.held.span.bytes.part(0, from))
        if from == file.held.count { file.held = [] } else { file.held.removeFirst(from) }
    }

    /// One frame or one skip, and where to go on; nil when nothing is whole.
    private func next(
        _ file: FollowedFile, in bytes: RawSpan, from: Int, start: Int, atEnd: Bool
    ) -> (frame: FrameSplitter.Frame?, end: Int)? {
        guard from < bytes.byteCount else { return nil }
        if file.restIsOurs { return (nil, skipRest(file, bytes, from)) }
        let mode = file.splitter.mode
        if file.isBetweenFrames, mode == .lf || mode == .auto, bytes.byte(at: from) == 0 {
            var end = from + 1
            while bytes.byte(at: end) == 0 { end += 1 }
            return (nil, end)
        }
        switch file.splitter.next(in: bytes, from: from, atEnd: atEnd) {
        case .needMore: return nil
        case .skip(let end):
            guard end > from else { return nil }
            switch file.rest {
            case .none: break
            case .line: if isTrailer(bytes.byte(at: end - 1), mode) { file.rest = .none }
            case .bytes(let left): file.rest = left > end - from ? .bytes(left - (end - from)) : .none
            }
            return (nil, end)
        case .frame(let frame):
            guard frame.consumedTo > from else { return nil }
            let length = Int(frame.extent.length)
            let isOpen = frame.consumedTo == Int(frame.extent.end)
            let isCounted = frame.marks.contains(.octetCounted)
            let hasMore = isCounted ? frame.originalLength > length : isOpen
            file.rest = .none
            if frame.marks.contains(.truncated), hasMore {
                file.rest = isCounted ? .bytes(frame.originalLength - length) : .line
            }
            let isPiece = frame.marks.contains(.piece) && hasMore
            file.isBetweenFrames = !isPiece
            if isPiece, isCounted {
                // The next piece has no count of its own: a restart begins with the first one.
                if file.safe == nil {
                    var tail = file.tail
                    tail.push(bytes.part(start, from - start))
                    file.safe = (file.contentOffset - (bytes.byteCount - from), tail)
                }
            } else {
                file.safe = nil
            }
            return (frame, frame.consumedTo)
        }
    }

    private func isTrailer(_ byte: UInt8?, _ mode: FrameSplitter.Mode) -> Bool {
        switch mode {
        case .nul: byte == 0x00
        case .auto: byte == 0x0A || byte == 0x00
        default: byte == 0x0A
        }
    }

    /// Skips what an earlier run has left of a message; the offset behind it.
    private func skipRest(_ file: FollowedFile, _ bytes: RawSpan, _ from: Int) -> Int {
        switch file.rest {
        case .none: break
        case .bytes(let left):
            let count = min(left, bytes.byteCount - from)
            file.rest = count < left ? .bytes(left - count) : .none
            file.restIsOurs = count < left
            return from + count
        case .line:
            var end = from
            while end < bytes.byteCount {
                end += 1
                guard isTrailer(bytes.byte(at: end - 1), file.splitter.mode) else { continue }
                file.rest = .none
                break
            }
            file.restIsOurs = file.rest != .none
            return end
        }
        file.restIsOurs = false
        return from
    }

    private func append(
        _ frame: FrameSplitter.Frame, _ extent: Extent, _ file: FollowedFile, _ group: FileGroup, _ origin: UInt16,
        _ batch: inout Batch
    ) {
        batch.append(
            Frame(
                extent: extent, received: clocks.received, listener: group.number, transport: .file,
                isCut: !frame.marks.isDisjoint(with: [.truncated, .cutByClose]), origin: origin))
        count(group, bytes: Int(extent.length))
        guard !frame.marks.subtracting(.octetCounted).isEmpty else { return }
        group.instruments.count(frame.marks)
        if frame.marks.contains(.truncated) {
            group.notes.oversize(
                file.path, length: frame.originalLength, limit: group.configuration.maxMessageBytes, now: clocks.now)
        }
    }
}
