// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Glibc
internal import Instruments
internal import Wire

extension FileReceiver {
    /// Milliseconds that a file which may be a copy in the making is given to become one.
    private static let copying: Int64 = 2000

    /// Finds out where reading a file begins: by its inode, by its content, or at its beginning.
    func identify(_ file: FollowedFile, _ group: FileGroup) {
        let configuration = group.configuration
        let known = file.position ?? group.recall(file.identity)
        file.position = known
        file.refreshFacts()
        let isWhole = isOnce(group) || file.goneSince != nil
        guard let raw = file.bytes(at: 0, ContentPrint.longest) else {
            file.retryAt = clocks.now + FileNotes.pause
            group.notes.trouble(.unreadable, file.path, now: clocks.now, "it cannot be read")
            if isWhole { end(file, group) }
            return
        }
        guard !raw.isEmpty || isWhole else {
            noteEmpty(file, group)
            return
        }
        let isTold = isWhole || raw.count >= 10
        guard let format = CompressionFormat.of(raw.span.bytes, atEnd: isTold) else { return }
        if let name = CompressionFormat.unsupported(raw.span.bytes) {
            group.notes.trouble(.broken, file.path, now: clocks.now, "it is compressed as \(name), which is not read")
            return end(file, group)
        }
        var position = file.position
        if let empty = position, empty.offset == 0, empty.head.length == 0 {
            file.wasEmpty = true
            position = nil
        }
        let wasEmpty = file.wasEmpty
        // What was there when the service started; of a compressed file nobody knows how much that is.
        if group.isDoubtful, file.isEarly, !file.wasIdentified {
            file.doubtful = format == .plain ? file.facts.size : .max
        }
        file.wasIdentified = true
        file.restart(configuration)
        file.format = format
        if format == .plain {
            file.head = raw
        } else {
            guard readHead(file, isWhole: isWhole || clocks.now - file.lastByte >= Int64(configuration.rotateWait))
            else {
                file.position = known
                return
            }
        }
        if let position {
            if resume(file, group, position) { return }
            group.remember(position)
            if position.offset > 0 {
                group.instruments.truncations.add()
                group.notes.warn(file.path, "other content than before: it is read from its beginning")
            }
        }
        if match(file, group) { return }
        if file.isEarly, !wasEmpty, configuration.from == .end, !isOnce(group) {
            startAtEnd(file, group)
        } else {
            file.state = .reading
        }
    }

    /// Without content a file has no identity beyond its inode.
    private func noteEmpty(_ file: FollowedFile, _ group: FileGroup) {
        file.wasEmpty = true
        if let position = file.position, position.offset > 0 { group.remember(position) }
        file.position = FilePosition(
            identity: file.identity, head: .empty, offset: 0, tail: .empty, rest: .none, wholeSize: -1,
            seen: clocks.received / 1_000_000_000, path: file.path)
        group.change()
    }

    /// The first bytes of a compressed file's content; false when they have not been written yet.
    private func readHead(_ file: FollowedFile, isWhole: Bool) -> Bool {
        var decompressor = Decompressor()
        scratch.reset()
        var offset = 0
        while true {
            guard let source = file.bytes(at: offset, 64 << 10) else { return true }
            let step = decompressor.step(
                source.span.bytes, atEnd: isWhole && source.isEmpty, into: &scratch,
                upTo: ContentPrint.longest - scratch.count)
            offset += step.consumed
            file.head = scratch.bytes.array
            if case .needsInput = step.status {
                // Of skippable frames and headers alone nobody makes megabytes.
                guard source.isEmpty else { continue }
                return isWhole || decompressor.isAtBoundary && !file.head.isEmpty
            }
            return true
        }
    }

    /// Goes on at a position of an earlier run, when the file still has the content that was read.
    private func resume(_ file: FollowedFile, _ group: FileGroup, _ position: FilePosition) -> Bool {
        guard file.head.count >= position.head.length,
            ContentPrint(Array(file.head.prefix(position.head.length))) == position.head
        else { return false }
        if position.offset < 0 || (position.wholeSize >= 0 && position.wholeSize == file.facts.size) {
            file.position = position
            file.isDirty = false
            file.endSize = file.facts.size
            file.state = .ended
            group.close(file)
            return true
        }
        guard file.isCompressed || hasTail(file, position.tail, at: position.offset) else { return false }
        start(file, group, at: position.offset, rest: position.rest)
        return true
    }

    private func hasTail(_ file: FollowedFile, _ tail: ContentPrint, at offset: Int) -> Bool {
        guard file.facts.size >= offset, let bytes = file.bytes(at: offset - tail.length, tail.length) else {
            return false
        }
        return ContentPrint(bytes) == tail
    }

    /// Begins to read behind the first `offset` bytes of the content.
    private func start(_ file: FollowedFile, _ group: FileGroup, at offset: Int, rest: FilePosition.Rest) {
        file.resume(rest, group.configuration)
        file.isDirty = true
        file.state = .reading
        group.change()
        guard !file.isCompressed else {
            file.skipTo = offset
            return
        }
        file.sourceOffset = offset
        file.contentOffset = offset
        let count = min(offset, ContentPrint.longest)
        file.tail.reset(to: file.bytes(at: offset - count, count) ?? [])
    }

    /// The end of the last whole message: what is written from now on is read.
    private func startAtEnd(_ file: FollowedFile, _ group: FileGroup) {
        let size = file.facts.size
        guard !file.isCompressed else {
            file.endSize = size
            file.state = .ended
            file.isDirty = false
            file.position = FilePosition(
                identity: file.identity, head: ContentPrint(file.head), offset: -1, tail: .empty, rest: .none,
                wholeSize: size, seen: clocks.received / 1_000_000_000, path: file.path)
            group.change()
            return group.close(file)
        }
        let count = min(size, group.configuration.maxMessageBytes + 2)
        let last = file.bytes(at: size - count, count) ?? []
        let trailer: UInt8 = group.configuration.framing == .nul ? 0x00 : 0x0A
        let isCounted = group.configuration.framing == .octetCounting
        let found = isCounted ? nil : last.span.bytes.lastIndex(of: trailer)
        let end = found.map { size - count + $0 + 1 } ?? (isCounted || count < size ? size : 0)
        start(file, group, at: end, rest: .none)
    }

    // MARK: - Copies

    /// Finds the file or the position that has the same content, and goes on from there.
    ///
    /// An uncompressed file is taken for a copy only with 256 equal first bytes, and equal bytes in front of the position:
    /// short files of several programs may well begin alike.
    private func match(_ file: FollowedFile, _ group: FileGroup) -> Bool {
        let others = group.files.values.filter { other in
            guard other !== file, !other.head.isEmpty else { return false }
            switch other.state {
            case .reading: break
            case .ended where other.frameOffset > 0: break
            case .fresh, .comparing, .shadow, .ended: return false
            }
            return isCandidate(file, other.head.count) && file.head.starts(with: other.head)
        }
        var prints: [Int: ContentPrint] = [:]
        let past = group.remembered.filter { position in
            let length = position.head.length
            guard isCandidate(file, length) else { return false }
            let print = prints[length] ?? ContentPrint(Array(file.head.prefix(length)))
            prints[length] = print
            return print == position.head
        }
        guard !others.isEmpty || !past.isEmpty || file.shared > 0 else { return false }
        return file.isCompressed ? matchLater(file, group, others, past) : matchPlain(file, group, others, past)
    }

    private func isCandidate(_ file: FollowedFile, _ length: Int) -> Bool {
        length > 0 && length <= file.head.count && (file.isCompressed || length == ContentPrint.longest)
    }

    private func matchPlain(
        _ file: FollowedFile, _ group: FileGroup, _ others: [FollowedFile], _ past: [FilePosition]
    ) -> Bool {
        let size = file.facts.size
        var isGrowing = false
        for other in others {
            let offset = other.frameOffset
            let count = other.tail.bytes.count
            if size >= offset {
                guard file.bytes(at: offset - count, count) == other.tail.bytes else { continue }
                other.refreshFacts()
                // More than the other has: no copy of it any more, but what they share was read.
                let isMore = other.format == .plain && other.isIdle && size > other.facts.size
                file.shared = max(file.shared, offset)
                if case .reading = other.state, !isMore { return shadow(file, group, other) }
                return take(file, group, offset, other.rest)
            }
            guard other.format == .plain, other.isOpen else { continue }
            let last = min(size, ContentPrint.longest)
            if let mine = file.bytes(at: size - last, last), mine == other.bytes(at: size - last, last) {
                file.shared = max(file.shared, size)
                return shadow(file, group, other)
            }
        }
        for position in past.sorted(by: { $0.offset > $1.offset }) where position.offset > 0 {
            if size < position.offset {
                isGrowing = true
            } else if hasTail(file, position.tail, at: position.offset) {
                group.forget(position)
                return take(file, group, position.offset, position.rest)
            }
        }
        // The other file went on after it was copied, and is gone: what the copy has was read.
        if file.shared > 0 { return take(file, group, min(file.shared, size), .none) }
        // It may be a copy that is not complete yet.
        guard isGrowing, !isOnce(group), clocks.now - file.foundAt < FileReceiver.copying else { return false }
        file.state = .fresh
        return true
    }

    private func matchLater(
        _ file: FollowedFile, _ group: FileGroup, _ others: [FollowedFile], _ past: [FilePosition]
    ) -> Bool {
        if past.contains(where: { $0.offset < 0 }) {
            group.instruments.copies.add()
            end(file, group)
            return true
        }
        if others.contains(where: { if case .reading = $0.state { $0.isCompressed } else { false } }) {
            // What that file has is known when it has been read.
            file.state = .fresh
            if isOnce(group) { enqueue(file, group) }
            return true
        }
        let candidates =
            others.map { ContentComparison.Candidate(offset: $0.frameOffset, tail: $0.tail.print, file: $0) }
            + past.map { ContentComparison.Candidate(offset: $0.offset, tail: $0.tail, file: nil) }
        file.state = .comparing(ContentComparison(candidates))
        return true
    }

    /// One piece of a comparison; whether there is more to do at once.
    func compare(_ file: FollowedFile, _ group: FileGroup, _ comparison: ContentComparison) -> Bool {
        file.refreshFacts()
        let isStale = clocks.now - file.lastByte >= Int64(group.configuration.rotateWait)
        let atEnd = isOnce(group) || file.goneSince != nil || isStale
        switch comparison.step(file, atEnd: atEnd, &scratch, piece: 64 << 10) {
        case .undecided: return true
        case .waiting: return false
        case .different:
            // The other file went on after it was copied, and is gone: what the copy has was read.
            if file.shared > 0 { return take(file, group, file.shared, .none) }
            file.state = .reading
        case .part(let length, let tail):
            file.contentOffset = length
            file.tail = tail
            group.instruments.copies.add()
            end(file, group)
            return false
        case .same(let candidate):
            file.shared = max(file.shared, candidate.offset)
            if let other = candidate.file, case .reading = other.state { return !shadow(file, group, other) }
            let rest = candidate.file?.rest ?? group.remembered.last { $0.tail == candidate.tail }?.rest ?? .none
            return take(file, group, candidate.offset, rest)
        }
        return true
    }

    private func shadow(_ file: FollowedFile, _ group: FileGroup, _ other: FollowedFile) -> Bool {
        file.endSize = file.facts.size
        file.state = .shadow(of: other, generation: other.generation)
        file.isProvisional = !other.isIdle
        file.position = nil
        group.close(file)
        return true
    }

    private func take(_ file: FollowedFile, _ group: FileGroup, _ offset: Int, _ rest: FilePosition.Rest) -> Bool {
        group.instruments.copies.add()
        start(file, group, at: offset, rest: rest)
        return true
    }
}
