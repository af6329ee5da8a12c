// SPDX-License-Identifier: Apache-2.0
public import Events
internal import Glibc
public import Instruments
public import Logging
internal import Transport
internal import Wire

/// Reads the messages of files: follows them as they grow and are rotated, or reads what is there once.
///
/// One thread polls it. After the frames of a poll are safe (in the journal, or delivered when there is none), the owner
/// calls ``commit()``; only then may their positions reach the disk. So nothing is lost by a kill at any moment; what was
/// polled since the last write of positions comes again: half a second's as a rule, more on a slow disk. The next run
/// counts what it may have repeated (`penstock_file_possible_repeats_total`).
///
/// Sendable so that it can be handed to its thread. Only ``wake()`` may be called from another one.
public final class FileReceiver: @unchecked Sendable {
    /// Milliseconds between two looks at one folder, however often names change in it.
    private static let shortestLook: Int64 = 20
    /// Compressed files that are read at a time: a zstd window takes up to 128 MiB.
    static let mostDecompressors = 2

    let limits: ReceiveLimits
    var clocks = Clocks()
    var scratch = Slab(capacity: 64 << 10)
    private let loop: EventLoop
    private let watch: FolderWatch?
    let groups: [FileGroup]
    private var queue: [(file: FollowedFile, group: FileGroup)] = []
    private var head = 0
    private var ready: [EventLoop.Event] = []
    /// Whether frames were polled whose owner has not committed them yet.
    private var isUncommitted = false
    private var isFinished = false
    /// Compressed files that are being read, and those that wait for them.
    var decompressing: [FollowedFile] = []
    var waiting: [(file: FollowedFile, group: FileGroup)] = []
    /// The bytes of unfinished messages of all files.
    var heldBytes = 0
    private var messages: [Int]
    private var bytes: [Int]

    /// Opens file inputs. Files are found and opened by polling; one that cannot be read is a warning and a count.
    ///
    /// - Parameters:
    ///   - firstNumber: the listener number that the frames of the first input carry; the next ones count on.
    ///   - positions: the folder that positions are kept in, one file an input; nil: they are not kept.
    /// - Throws: everything that is wrong with the configurations, or why positions cannot be kept.
    public static func open(
        _ configurations: [FileInputConfiguration], firstNumber: UInt16 = 0, positions: String?,
        limits: ReceiveLimits = ReceiveLimits(), registry: Registry, logger: Logger
    ) throws(ListenerErrors) -> FileReceiver {
        var complaints = FileInputConfiguration.complaints(about: configurations)
        if configurations.count > Int(UInt16.max) - Int(firstNumber) {
            complaints.append("\(configurations.count) file inputs are too many")
        }
        guard complaints.isEmpty else { throw ListenerErrors(complaints) }
        var groups: [FileGroup] = []
        for (index, configuration) in configurations.enumerated() {
            do {
                groups.append(
                    try FileGroup(
                        configuration, number: firstNumber + UInt16(index), positions: positions, registry: registry,
                        logger: logger))
            } catch {
                complaints += error.complaints
            }
        }
        guard complaints.isEmpty else { throw ListenerErrors(complaints) }
        return try FileReceiver(groups, limits, logger)
    }

    private init(_ groups: [FileGroup], _ limits: ReceiveLimits, _ logger: Logger) throws(ListenerErrors) {
        self.groups = groups
        self.limits = limits
        messages = Array(repeating: 0, count: groups.count)
        bytes = messages
        watch = FolderWatch()
        do {
            loop = try EventLoop()
            if let watch { _ = try loop.add(watch.raw, tag: 0, .readable) }
        } catch { throw ListenerErrors(["file inputs: \(error)"]) }
        if watch == nil {
            logger.warning(
                "file inputs: no inotify (fs.inotify.max_user_instances?); folders are looked at by the clock")
        }
    }

    /// Whether every input is `once` and read to its end.
    public var isDone: Bool { groups.allSatisfy(\.isDone) }

    /// Ends a running or the next poll early; from any thread.
    public func wake() { loop.waker.wake() }

    /// Waits for something to read, for at most `milliseconds` (-1: without end), and appends it to `batch`.
    ///
    /// It may return earlier with nothing: whenever it is time to look at the folders.
    ///
    /// - Returns: the number of frames appended.
    @discardableResult
    public func poll(into batch: inout Batch, timeout milliseconds: Int) -> Int {
        let first = batch.frames.count
        guard !isFinished else { return 0 }
        clocks.read()
        if !isUncommitted { persist(isLast: false) }
        wait(head < queue.count ? 0 : milliseconds)
        for group in groups where clocks.now >= group.nextLook { look(group) }
        let mostFrames = first + limits.frames
        let mostBytes = batch.slab.count + limits.bytes
        // Each file has one turn a round; the bound is for turns that bring nothing.
        var turns = 4096
        while head < queue.count, turns > 0, batch.frames.count < mostFrames, batch.slab.count < mostBytes {
            turns -= 1
            let (file, group) = queue[head]
            head += 1
            file.isQueued = false
            if turn(file, group, &batch) { enqueue(file, group) }
            if head > 1024, head * 2 > queue.count {
                queue.removeFirst(head)
                head = 0
            }
        }
        if head == queue.count {
            queue.removeAll(keepingCapacity: true)
            head = 0
        }
        let count = batch.frames.count - first
        if count > 0 { isUncommitted = true }
        flush()
        return count
    }

    /// What was polled so far is safe: its positions may be kept.
    public func commit() {
        isUncommitted = false
        clocks.read()
        persist(isLast: isFinished)
    }

    /// Ends reading. A last message without its end is left to the next run; nothing is appended to `batch`. The owner's
    /// next ``commit()`` writes the positions whatever their age.
    public func finish(into batch: inout Batch) {
        isFinished = true
        for group in groups {
            for file in group.files.values { group.close(file) }
        }
        queue.removeAll()
        head = 0
        flush()
    }

    private func persist(isLast: Bool) {
        for group in groups { group.persist(clocks, isLast: isLast) }
    }

    func enqueue(_ file: FollowedFile, _ group: FileGroup) {
        guard !file.isQueued else { return }
        file.isQueued = true
        queue.append((file, group))
    }

    /// Counts a frame; the shared instruments are added to once a poll.
    func count(_ group: FileGroup, bytes length: Int) {
        let index = Int(group.number - groups[0].number)
        messages[index] += 1
        bytes[index] += length
    }

    private func flush() {
        for (index, group) in groups.enumerated() {
            group.instruments.messages.add(messages[index])
            group.instruments.bytes.add(bytes[index])
            messages[index] = 0
            bytes[index] = 0
        }
    }

    private func wait(_ milliseconds: Int) {
        ready.removeAll(keepingCapacity: true)
        var woken = loop.wait(milliseconds: 0, into: &ready)
        if ready.isEmpty, !woken, milliseconds != 0 {
            let next = groups.reduce(Int64.max) { min($0, $1.nextLook) }
            let longest = Int(clamping: max(next - clocks.now, 0))
            woken = loop.wait(milliseconds: milliseconds < 0 ? longest : min(milliseconds, longest), into: &ready)
            if limits.coalescing > 0, !ready.isEmpty, !woken { Clocks.sleep(microseconds: limits.coalescing) }
        }
        clocks.read()
        guard !ready.isEmpty else { return }
        watch?.drain { folder, change in
            for group in groups where folder == -1 || group.watched == folder {
                guard case .modified(let name) = change, let file = group.file(named: name) else {
                    if case .modified(let name) = change, !group.takes(name) { continue }
                    group.nextLook = min(group.nextLook, clocks.now + FileReceiver.shortestLook)
                    continue
                }
                // What has ended, or is a copy, is looked at by the clock only.
                switch file.state {
                case .reading, .fresh: enqueue(file, group)
                case .comparing, .shadow, .ended: break
                }
            }
        }
    }

    private func look(_ group: FileGroup) {
        guard group.configuration.mode == .tail || !group.hasLooked else {
            group.nextLook = clocks.now + Int64(group.configuration.pollInterval)
            // Nothing is looked for any more, but what waits for another file or a free place has its turn.
            for file in group.files.values { enqueue(file, group) }
            return
        }
        // Before the look: what changes during it is reported.
        group.watched = group.configuration.mode == .tail ? watch?.add(group.folder) : nil
        for file in group.look(clocks) { enqueue(file, group) }
        group.nextLook = clocks.now + Int64(group.configuration.pollInterval)
    }
}
