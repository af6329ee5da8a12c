// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Glibc
internal import Instruments
internal import Logging
internal import Wire

/// The files of one input, found by looking at its folder.
final class FileGroup {
    /// Positions of files that are gone are kept that long, in seconds: a copy of one may come back.
    private static let memory: Int64 = 30 * 86_400

    /// What ``open(_:)`` answers when all places are taken; no `errno`.
    static let noPlace: Int32 = -1

    let configuration: FileInputConfiguration
    /// The number that its frames carry.
    let number: UInt16
    let notes: FileNotes
    let instruments: FileInstruments
    let folder: String
    private let pattern: String
    let isPattern: Bool
    private let store: FilePositions?

    private(set) var files: [FileIdentity: FollowedFile] = [:]
    private var byName: [String: FollowedFile] = [:]
    /// Positions of content whose file is not there, or not looked into yet.
    private(set) var remembered: [FilePosition]
    private var looks = 0
    private var opened = 0
    /// The folder's number at the watch.
    var watched: Int32?
    var nextLook: Int64 = 0
    private var isChanged = false
    private var nextWrite: Int64 = 0

    init(
        _ configuration: FileInputConfiguration, number: UInt16, positions: String?, registry: Registry, logger: Logger
    ) throws(ListenerErrors) {
        self.configuration = configuration
        self.number = number
        (folder, pattern) = configuration.parts
        isPattern = FileInputConfiguration.isPattern(pattern)
        notes = FileNotes(configuration.title, registry: registry, logger: logger)
        instruments = FileInstruments(configuration, registry: registry)
        guard let positions else {
            store = nil
            remembered = []
            return
        }
        let store = try FilePositions(folder: positions, name: configuration.name)
        self.store = store
        let kept = try store.load()
        remembered = kept.positions
        isDoubtful = !kept.isComplete
        if let warning = kept.warning { logger.warning("\(configuration.title): \(warning)") }
        if isDoubtful {
            logger.warning(
                """
                \(configuration.title): the last run was cut off; messages that it read after the positions it kept come \
                again, and are counted as possible repeats
                """)
        }
        // From the first message on the positions lag behind.
        do { try store.write(remembered, isComplete: false) } catch {
            notes.trouble(
                .unreadable, store.path, now: Clocks.monotonic,
                "positions are not kept, a restart will repeat: \(error)")
        }
    }

    /// Whether messages of a file that the last run may have read are possibly repeats.
    private(set) var isDoubtful = false

    /// Whether the folder was looked at, at least once.
    var hasLooked: Bool { looks > 0 }

    /// Whether everything that there is was read, in `once` mode.
    var isDone: Bool {
        guard configuration.mode == .once, hasLooked else { return false }
        return files.values.allSatisfy { if case .ended = $0.state { true } else { false } }
    }

    /// The followed file of a name in the folder.
    func file(named name: String) -> FollowedFile? { byName[name] }

    /// Whether a name is one that the input takes.
    func takes(_ name: String) -> Bool {
        isPattern ? fnmatch(pattern, name, FNM_PERIOD) == 0 : name == pattern
    }

    /// Looks at the folder: finds new, renamed and vanished files; those that have something to do come out.
    func look(_ clocks: Clocks) -> [FollowedFile] {
        looks += 1
        byName.removeAll(keepingCapacity: true)
        var due: [FollowedFile] = []
        var fresh: [FollowedFile] = []
        var tooMany = 0
        var unread = 0
        for name in names(clocks) {
            let path = folder == "." && !configuration.path.hasPrefix("./") ? name : joined(name)
            guard let information = regular(path, clocks) else { continue }
            let identity = FileIdentity(information)
            let facts = FollowedFile.Facts(information)
            if let file = files[identity] {
                // Of several names of one file the first is its name.
                guard file.look != looks else { continue }
                file.look = looks
                byName[name] = file
                if file.path != path {
                    file.path = path
                    isChanged = true
                }
                file.goneSince = nil
                if file.facts != facts || !isSettled(file) { due.append(file) }
                if file.facts != facts { file.lastByte = clocks.now }
                file.facts = facts
                if file.format == .plain { unread += max(0, facts.size - file.contentOffset) }
            } else if files.count >= configuration.maxFiles {
                tooMany += 1
            } else {
                let file = FollowedFile(
                    identity, path: path, facts: facts, isEarly: looks == 1, configuration)
                file.look = looks
                file.lastByte = clocks.now
                file.foundAt = clocks.now
                files[identity] = file
                byName[name] = file
                fresh.append(file)
            }
        }
        if tooMany > 0 {
            notes.trouble(
                .limit, configuration.path, now: clocks.now,
                "\(tooMany) files are left out: `maxFiles` is \(configuration.maxFiles)")
        }
        // The oldest first: they are what the younger ones continue.
        fresh.sort {
            ($0.facts.seconds, $0.facts.nanoseconds, $0.path) < ($1.facts.seconds, $1.facts.nanoseconds, $1.path)
        }
        for file in files.values where file.look != looks {
            if file.goneSince == nil { file.goneSince = clocks.now }
            due.append(file)
        }
        instruments.unread.set(Int64(unread))
        instruments.followed.set(Int64(files.count))
        return fresh + due
    }

    /// Whether nothing is to be done for a file that has not changed.
    private func isSettled(_ file: FollowedFile) -> Bool {
        switch file.state {
        case .ended: true
        case .reading: file.facts.size == file.sourceOffset && !file.isCompressed
        case .fresh, .comparing, .shadow: false
        }
    }

    private func joined(_ name: String) -> String { folder.hasSuffix("/") ? folder + name : folder + "/" + name }

    /// The names to look at.
    private func names(_ clocks: Clocks) -> [String] {
        guard isPattern else { return [pattern] }
        guard let directory = opendir(folder) else {
            notes.trouble(.unreadable, folder, now: clocks.now, String(cString: strerror(errno)))
            return []
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { raw in
                    guard fnmatch(pattern, raw, FNM_PERIOD) == 0 else { return }
                    if let name = String(validatingCString: raw) {
                        names.append(name)
                    } else {
                        notes.trouble(
                            .refused, String(cString: raw), now: clocks.now, "its name is not UTF-8; rename it")
                    }
                }
            }
        }
        return names.sorted()
    }

    /// What the file system says of a path that is a file and may be read as one.
    private func regular(_ path: String, _ clocks: Clocks) -> stat? {
        var information = stat()
        let follows = !isPattern || configuration.followSymlinks
        guard (follows ? stat(path, &information) : lstat(path, &information)) == 0 else {
            // A name that has just gone is nothing to talk of, and a file to come may be waited for.
            if errno != ENOENT || configuration.mode == .once {
                notes.trouble(.unreadable, path, now: clocks.now, String(cString: strerror(errno)))
            } else if !isPattern, looks == 1 {
                notes.say(path, "not there yet; it is read when it appears")
            }
            return nil
        }
        switch information.st_mode & S_IFMT {
        case S_IFREG: return information
        // A pattern such as `*` meets folders; they are not meant.
        case S_IFDIR where isPattern: return nil
        case S_IFDIR:
            notes.trouble(.refused, path, now: clocks.now, "a folder; its files are `\(path)/*`")
        case S_IFLNK:
            notes.trouble(.refused, path, now: clocks.now, "a symbolic link; `followSymlinks` takes those too")
        case S_IFIFO:
            notes.trouble(.refused, path, now: clocks.now, "a named pipe, which keeps no position; use a listener")
        default:
            notes.trouble(.refused, path, now: clocks.now, "no regular file")
        }
        return nil
    }

    /// Forgets a file that is gone and read; what its content was is remembered.
    func remove(_ file: FollowedFile, _ clocks: Clocks) {
        if let position = file.currentPosition(seconds: clocks.received / 1_000_000_000) { remember(position) }
        close(file)
        file.state = .ended
        files[file.identity] = nil
    }

    /// Opens a file, or an idle one's place is taken for it.
    ///
    /// - Returns: 0, or the `errno`; ``noPlace`` when all places are taken by files that have something to read.
    func open(_ file: FollowedFile) -> Int32 {
        guard !file.isOpen else { return 0 }
        if opened >= configuration.maxOpenFiles {
            var idle: FollowedFile?
            for other in files.values where other.isOpen && other.isIdle && other.goneSince == nil {
                if other.lastByte < idle?.lastByte ?? .max { idle = other }
            }
            guard let idle else { return FileGroup.noPlace }
            close(idle)
        }
        let status = file.open(followingLinks: !isPattern || configuration.followSymlinks)
        if status == 0 { opened += 1 }
        instruments.open.set(Int64(opened))
        return status
    }

    func close(_ file: FollowedFile) {
        if file.isOpen { opened -= 1 }
        file.close()
        instruments.open.set(Int64(opened))
    }

    func remember(_ position: FilePosition) {
        // Nothing was read: nothing can be a copy of it.
        guard position.offset != 0 else { return }
        isChanged = true
        remembered.append(position)
        if remembered.count > configuration.maxFiles {
            remembered.removeFirst(remembered.count - configuration.maxFiles)
        }
    }

    /// The remembered position of an inode, which is then remembered no longer.
    func recall(_ identity: FileIdentity) -> FilePosition? {
        guard let index = remembered.lastIndex(where: { $0.identity == identity }) else { return nil }
        return remembered.remove(at: index)
    }

    func forget(_ position: FilePosition) { remembered.removeAll { $0 == position } }

    /// Notes that a position is another than the one on disk.
    func change() { isChanged = true }

    /// Writes the positions when they have changed and it is time, or in any case when they are the last ones.
    func persist(_ clocks: Clocks, isLast: Bool) {
        guard let store, isLast || (isChanged && clocks.now >= nextWrite) else { return }
        let seconds = clocks.received / 1_000_000_000
        remembered.removeAll { $0.seen < seconds - FileGroup.memory }
        var positions = remembered
        for file in files.values {
            if let position = file.currentPosition(seconds: seconds) { positions.append(position) }
        }
        let begun = Clocks()
        do {
            try store.write(positions, isComplete: isLast)
            isChanged = false
        } catch {
            notes.trouble(
                .unreadable, store.path, now: clocks.now, "positions are not kept, a restart will repeat: \(error)")
        }
        // A slow disk is asked less often: at most a twentieth of the time goes into it.
        nextWrite = clocks.now + max(500, (Clocks().now - begun.now) * 20)
    }
}
