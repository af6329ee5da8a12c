// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import Instruments
public import Logging
internal import Synchronization

/// A segmented, compressed and hash-chained log on disk: what came in, before anything was made of it.
///
/// There is one log a lane, written by that lane alone. Each frame has a number in its log. Consumers keep positions,
/// and begin there again after a crash; so every consumer sees every frame at least once, unless retention had to remove
/// it.
///
/// `append` hands frames to the kernel, which survives the end of the process; a committer thread makes them survive the
/// end of power, and says so through ``JournalLog/durable``. The same thread writes the positions and removes old
/// segments.
public final class Journal: Sendable {
    /// What opening had to mend.
    public let recoveries: [JournalRecovery]
    /// Whether the file of positions was damaged: no consumer has one any more, although each had.
    public let hasLostPositions: Bool
    private let byNumber: [Int: JournalLog]
    private let context: JournalContext
    private let book: Positions
    private let committer: Committer?
    private let lock: Lock?

    /// Opens the logs `0..<logs` for writing, made when they are not there, and all others on disk for reading.
    ///
    /// - Throws: `locked` when another process has the journal open for writing.
    public static func open(
        _ settings: JournalSettings, logs: Int, registry: Registry, logger: Logger
    ) throws(JournalError) -> Journal {
        try Folder.make(settings.directory)
        return try Journal(settings, logs: logs, registry, logger, lock: try Lock(settings.directory))
    }

    /// Opens a journal for reading, whether a service is writing it or not. It shows what is there at this moment;
    /// nothing on disk is changed.
    public static func view(
        _ directory: String, registry: Registry = Registry(), logger: Logger
    ) throws(JournalError) -> Journal {
        try Journal(JournalSettings(directory: directory), logs: 0, registry, logger, lock: nil)
    }

    private init(
        _ settings: JournalSettings, logs: Int, _ registry: Registry, _ logger: Logger, lock: consuming Lock?
    ) throws(JournalError) {
        let context = JournalContext(settings, registry, logger)
        let isWriter = lock != nil
        let (book, problem) = try Positions.load(settings.directory)
        var notes: [JournalRecovery] = []
        hasLostPositions = problem != nil
        if let problem { logger.warning("\(problem)") }
        let numbers = Set(0..<logs).union(try Folder.logs(in: settings.directory))
        var byNumber: [Int: JournalLog] = [:]
        for number in numbers.sorted() {
            let isWritable = isWriter && number < logs
            if isWritable { try Folder.make(context.folder(number)) }
            var recovery = try LogRecovery(log: number, folder: context.folder(number), mends: isWriter)
            notes += recovery.notes
            let log = try recovery.open(isWritable: isWritable, context, limit: settings.segmentLimit(logs: logs))
            byNumber[number] = log
            if isWriter { book.bound(number, by: log.end) }
        }
        // The end of a journal that somebody else is writing may look torn.
        for note in notes { logger.log(level: isWriter ? .warning : .debug, "journal: \(note)") }
        self.recoveries = notes
        self.byNumber = byNumber
        self.context = context
        self.book = book
        self.committer = isWriter ? Committer(context, byNumber.sorted { $0.key < $1.key }.map(\.value), book) : nil
        self.lock = lock
        committer?.start()
    }

    /// The numbers of all logs on disk, whether a lane writes them or not.
    public var logs: [Int] { byNumber.keys.sorted() }

    /// A log by its number.
    public func log(_ number: Int) -> JournalLog? { byNumber[number] }

    /// The numbers of the oldest frame that is kept and of the next one; nil when there is no such log.
    public func bounds(of log: Int) -> (first: UInt64, end: UInt64)? {
        byNumber[log]?.state.withLock { ($0.first, $0.end) }
    }

    /// A reader of a log that begins with the frame `number`; nil when there is no such log.
    public func reader(of log: Int, from number: UInt64) -> JournalReader? {
        byNumber[log].map { JournalReader(of: $0, from: number) }
    }

    /// Whether nothing can be appended: less space is free than the reserve, or a write has found none.
    public var isFull: Bool { context.isFull.load(ordering: .relaxed) }

    // MARK: - Positions

    /// The next frame of `log` that the consumer needs; nil when it has never said so.
    public func position(of consumer: String, log: Int) -> UInt64? { book[consumer, log] }

    /// Says that the consumer needs no frame of `log` below `position` any more. It is on disk within a second.
    public func setPosition(_ position: UInt64, consumer: String, log: Int) { book[consumer, log] = position }

    /// Writes the positions now instead of within a second: before anything is received, so that a consumer that is new
    /// has its beginning on disk.
    public func savePositions() throws(JournalError) { try book.save() }

    /// The names of all consumers that have positions.
    public var consumers: [String] { book.consumers }

    /// Forgets a consumer that exists no longer, so that it holds back nothing.
    public func forget(consumer: String) { book.forget(consumer) }

    /// Makes everything durable, writes the positions and gives the folder free. Nothing can be appended afterwards;
    /// readers go on.
    public func close() {
        guard !context.isClosed.exchange(true, ordering: .sequentiallyConsistent) else { return }
        committer?.stop()
        lock?.release()
    }

    deinit { close() }
}

/// The claim of one process to a folder: flock(2), which ends with the process.
final class Lock: Sendable {
    private let descriptor: Int32
    private let isHeld = Atomic<Bool>(true)

    init(_ directory: String) throws(JournalError) {
        let path = directory + "/lock"
        descriptor = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw JournalError(errno: errno, path: path, doing: "cannot be opened") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            // The deinit closes it: every property has its value, so it runs when an init throws.
            let problem = errno
            guard problem == EWOULDBLOCK else { throw JournalError(errno: problem, path: path, doing: "flock failed") }
            throw JournalError(
                .locked, path: directory, reason: "another process writes this journal; stop it, or give each its own")
        }
    }

    func release() {
        guard isHeld.exchange(false, ordering: .relaxed), descriptor >= 0 else { return }
        // A process that is being started from this one has the descriptor too, until it runs its own program.
        _ = flock(descriptor, LOCK_UN)
        _ = Glibc.close(descriptor)
    }

    deinit { release() }
}
