// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Glibc
internal import Wire

extension FileReceiver {
    /// One file's turn: it is opened, identified or read, as far as a turn goes.
    ///
    /// - Returns: whether it has more to do at once.
    func turn(_ file: FollowedFile, _ group: FileGroup, _ batch: inout Batch) -> Bool {
        heldBytes -= file.held.count
        let more = advance(file, group, &batch)
        heldBytes += file.held.count
        release()
        return more
    }

    private func advance(_ file: FollowedFile, _ group: FileGroup, _ batch: inout Batch) -> Bool {
        guard group.files[file.identity] === file else { return false }
        switch file.state {
        case .ended:
            if file.goneSince != nil {
                group.remove(file, clocks)
            } else if group.configuration.mode == .tail, file.facts.size != file.endSize {
                // Something was appended to what seemed complete: it goes on where it ended.
                file.position = file.currentPosition(seconds: clocks.received / 1_000_000_000)
                file.state = .fresh
                return true
            }
            return false
        case .shadow(let other, let generation):
            if file.goneSince != nil {
                group.remove(file, clocks)
                return false
            }
            let isOver = group.files[other.identity] !== other || other.generation != generation
            let isRead = file.isProvisional && other.isIdle
            guard isOver || isRead || file.facts.size != file.endSize || isEnded(other) else {
                if isOnce(group) { end(file, group) }
                return false
            }
            file.state = .fresh
            return true
        case .fresh:
            guard clocks.now >= file.retryAt, open(file, group) else { return false }
            identify(file, group)
            if case .fresh = file.state { return false }
            return true
        case .comparing(let comparison):
            guard open(file, group), admit(file, group) else { return false }
            return compare(file, group, comparison)
        case .reading:
            guard clocks.now >= file.retryAt, open(file, group) else {
                // Gone, and closed because it had nothing more: then that was its end.
                if file.goneSince != nil, !file.isOpen {
                    finishFrames(file, group, &batch)
                    lose(file, group)
                }
                return false
            }
            guard !file.isCompressed || admit(file, group) else { return false }
            return read(file, group, &batch)
        }
    }

    private func isEnded(_ file: FollowedFile) -> Bool { if case .ended = file.state { true } else { false } }

    func isOnce(_ group: FileGroup) -> Bool { group.configuration.mode == .once }

    /// Nothing more is expected of a file.
    func end(_ file: FollowedFile, _ group: FileGroup) {
        file.refreshFacts()
        file.endSize = file.facts.size
        file.state = .ended
        file.isDirty = true
        group.change()
        group.close(file)
        if file.goneSince != nil { group.remove(file, clocks) }
    }

    // MARK: - Places

    /// Opens a file, or says why it cannot be.
    private func open(_ file: FollowedFile, _ group: FileGroup) -> Bool {
        let status = group.open(file)
        switch status {
        case 0: return true
        case ENOENT, ESTALE:
            // The name is another file's by now, or nobody's: the next look tells.
            if isOnce(group) {
                group.notes.trouble(.unreadable, file.path, now: clocks.now, "it went while files were read")
                end(file, group)
            } else if file.goneSince != nil {
                if case .fresh = file.state { lose(file, group) }
            } else {
                group.nextLook = min(group.nextLook, clocks.now + 20)
            }
        case FileGroup.noPlace where isOnce(group):
            enqueue(file, group)
        case FileGroup.noPlace:
            // No later place would help: its name is gone.
            if file.goneSince != nil, case .fresh = file.state { lose(file, group) }
        default:
            file.retryAt = clocks.now + FileNotes.pause
            group.notes.trouble(.unreadable, file.path, now: clocks.now, String(cString: strerror(status)))
            if isOnce(group) { end(file, group) }
        }
        return false
    }

    /// Forgets a file that is gone and closed; what it had unread is told.
    private func lose(_ file: FollowedFile, _ group: FileGroup) {
        if !file.isCompressed, file.facts.size > file.sourceOffset {
            group.notes.trouble(.unreadable, file.path, now: clocks.now, "it went before all of it was read")
        }
        group.remove(file, clocks)
    }

    /// Whether a compressed file may be read now, or has to wait for others: their windows take memory.
    private func admit(_ file: FollowedFile, _ group: FileGroup) -> Bool {
        if decompressing.contains(where: { $0 === file }) { return true }
        guard decompressing.count < FileReceiver.mostDecompressors else {
            if !file.isWaiting { waiting.append((file, group)) }
            file.isWaiting = true
            return false
        }
        decompressing.append(file)
        return true
    }

    /// Gives the places of compressed files that need them no longer to those that wait.
    private func release() {
        guard !decompressing.isEmpty else { return }
        decompressing.removeAll { file in
            switch file.state {
            case .comparing, .reading: return !file.isOpen
            case .fresh, .shadow, .ended: return true
            }
        }
        while decompressing.count < FileReceiver.mostDecompressors, !waiting.isEmpty {
            let (file, group) = waiting.removeFirst()
            file.isWaiting = false
            enqueue(file, group)
            if case .ended = file.state { continue }
            break
        }
    }
}
