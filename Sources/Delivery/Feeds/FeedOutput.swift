// SPDX-License-Identifier: Apache-2.0
internal import Glibc
public import Events
public import Instruments
public import Logging
internal import Transport
internal import Wire

/// A feed of lines to one receiver: formats on the caller's thread, sends on its own.
///
/// A receiver that is slow or down costs memory up to the queue's bound. Then the rest of what the journal has comes from
/// there; other lines are shed with `penstock_dropped_total{stage="feed",reason="queue_full"}`, and the log says so at
/// most once a minute. Nobody waits, but for a local file that is being written.
/// Delivery is at least once: what was in flight when a connection broke is sent again. "Sent" means that the kernel
/// took it; plain syslog has no acknowledgement.
public final class FeedOutput: @unchecked Sendable {
    /// The bytes for a local file at which what the journal has is waited with: a file takes them in a millisecond, and more
    /// would only be memory.
    private static let enoughForFile = 512 << 10
    /// How far the feed has come in the journal.
    public let progress: Progress
    private let settings: FeedSettings
    private let queue: FeedQueue
    private let log: Logger

    // The formatting side, for one thread at a time.
    /// Makes CEF or LEEF; nil: a line is the event as OCSF JSON.
    private var formatter: FeedFormatter?
    private var header: SyslogHeader
    private var line = Slab(capacity: 4096)
    private var block = FeedQueue.Block()
    private var shedding = Occasionally()
    private var severityField: FieldID?
    private var table: FieldTable?
    private var thread: OutputThread?
    private var syncThread: OutputThread?
    /// Keeps how far the feed has come in step with what it sends; nil: only the journal does, some times a second.
    private let checkpoint: FeedCheckpoint?
    /// By log: the last event that the file has of a frame that is taken again, because it may have more.
    private var written: [Int: FeedCheckpoint.Place] = [:]
    /// The open file, for the thread that has it written to its disk.
    private let openFile = Monitor<LineFile?>(nil)
    /// Whether that thread is to end.
    private let ending = Monitor(false)
    // The sending side, for its own thread.
    private var nextKeep: Int64 = 0

    /// Whether a wait for room was in vain.
    private var standsStill = false

    private let sentLines: Instrument
    private let sentBytes: Instrument
    private let errors: Instrument
    private let reconnects: Instrument
    private let repeated: Instrument
    private let queued: Instrument
    private let isUp: Instrument
    private let queueFull: Instrument
    private let tooLarge: Instrument
    private let left: Instrument

    /// A feed in `format` whose lines name `version` as the product's; without a format a line is the OCSF JSON.
    public init(
        _ settings: FeedSettings, format: FeedFormat?, version: String, registry: Registry, log: Logger,
        checkpoint: FeedCheckpoint? = nil
    ) {
        self.settings = settings
        self.log = log
        self.checkpoint = checkpoint
        progress = Progress(name: "feed/\(settings.name)")
        if let checkpoint {
            progress.remember(checkpoint.load(file: settings.file))
            written = checkpoint.last
        }
        progress.isBuffered = settings.file != nil
        queue = FeedQueue(limit: settings.queueBytes, full: settings.file == nil ? .max : FeedOutput.enoughForFile)
        if let format { formatter = FeedFormatter(format, version: version) } else { formatter = nil }
        header = settings.header
        let labels: KeyValuePairs<String, String> = ["feed": settings.name]
        sentLines = registry.counter(
            "penstock_feed_lines_total", labels, help: "Lines that a feed's receiver was sent.")
        sentBytes = registry.counter(
            "penstock_feed_bytes_total", labels, help: "Bytes that a feed's receiver was sent.")
        errors = registry.counter("penstock_feed_errors_total", labels, help: "Failures to connect or to send.")
        reconnects = registry.counter(
            "penstock_feed_connections_total", labels, help: "Connections made to a feed's receiver.")
        repeated = registry.counter(
            "penstock_feed_repeated_lines_total", labels,
            help: "Lines sent again because it is not known whether the receiver has them.")
        queued = registry.gauge("penstock_feed_queued_bytes", labels, help: "Bytes that wait for a feed's receiver.")
        isUp = registry.gauge("penstock_feed_up", labels, help: "1 while a feed's receiver takes lines.")
        queueFull = registry.dropped(stage: "feed", reason: "queue_full")
        tooLarge = registry.dropped(stage: "feed", reason: "too_large")
        left = registry.dropped(stage: "feed", reason: "shutdown")
    }

    /// The feed's name.
    public var name: String { settings.name }

    /// Starts sending.
    public func start() {
        guard thread == nil else { return }
        thread = OutputThread("feed-\(settings.name)") { [self] in run() }
        guard settings.file != nil else { return }
        syncThread = OutputThread("sync-\(settings.name)") { [self] in
            // Not on the queue, where each batch would wake it.
            while ending.wait(nanoseconds: 1_000_000_000, until: { $0 ? true : nil }) == nil { settle() }
        }
    }

    /// Keeps on record where the feed begins, before the journal does.
    public func keepBeginning() { checkpoint?.begin(progress) }

    /// Formats the events of `batch` and queues the lines; waits for nothing but a local file, and for that 50 ms.
    ///
    /// Of a batch that the journal has, nothing is lost when the queue is full: it is left alone, and comes again from
    /// the journal when there is room.
    public func append(_ batch: borrowing Batch) {
        var from = 0
        if let position = batch.position {
            progress.isFull = isFull()
            let first = progress.take(position, count: batch.frames.count)
            // Whoever sends has looked before it was set when the queue is empty by now, and will not look again.
            if progress.isFull, !queue.isFull { progress.isFull = false }
            guard let first else { return }
            from = first
        }
        if table !== batch.table {
            table = batch.table
            severityField = batch.table.id("severity_id")
        }
        block.removeAll()
        let isBare = isBare
        let hasSeverity = header.form != .none || settings.minimumSeverity > 0
        let rows = batch.rows
        for index in rows.indices where rows[index].frame >= from || rows[index].frame < 0 {
            let row = rows[index]
            if !written.isEmpty, isWritten(row, batch.position) { continue }
            guard settings.classes.isEmpty || settings.classes.contains(row.classUID) else { continue }
            var severity: Int64 = 0
            if hasSeverity, let severityField, let entry = batch.find(severityField, in: index),
                entry.kind == .integer
            {
                severity = entry.integer
            }
            guard settings.minimumSeverity <= 0 || severity >= settings.minimumSeverity else { continue }
            if isBare {
                EventWriter.append(index, of: batch, to: &block.bytes)
                block.bytes.append(byte: 0x0A)
                block.ends.append(block.bytes.count)
                continue
            }
            line.reset()
            header.append(severity: severity, time: row.time == 0 ? wallNow() : row.time, to: &line)
            if formatter == nil {
                EventWriter.append(index, of: batch, to: &line)
            } else {
                formatter?.append(index, of: batch, to: &line)
            }
            put()
        }
        if let position = batch.position {
            let end = position.first + UInt64(batch.frames.count)
            if let last = written[position.log], last.frame < end { written[position.log] = nil }
            block.marks.append(.init(lines: block.ends.count, log: position.log, next: end))
            queue.pushAll(&block)
            queued.set(Int64(queue.bytes))
            return
        }
        let taken = queue.push(block)
        queued.set(Int64(queue.bytes))
        let shed = block.ends.count - taken
        guard shed > 0 else { return }
        queueFull.add(shed)
        if let held = shedding.pass() {
            log.error(
                "feed \(settings.name) sheds lines: its queue is full, the receiver takes too little",
                metadata: ["lines": "\(shed)", "limit": "\(settings.queueBytes)", "times_not_logged": "\(held)"])
        }
    }

    /// Whether the file that a killed process left has the event.
    private func isWritten(_ row: Row, _ position: JournalPosition?) -> Bool {
        guard let position, row.frame >= 0, let last = written[position.log] else { return false }
        return position.first + UInt64(row.frame) == last.frame && max(row.part, 1) <= last.part
    }

    /// Whether the queue has no room. A local file that is being written makes room in a moment, and waiting for it costs
    /// less than reading the journal again; one that stands still, or a receiver far away, is not waited for.
    private func isFull() -> Bool {
        guard queue.isFull else {
            standsStill = false
            return false
        }
        guard case .file = settings.carrier, !standsStill else { return true }
        for _ in 0..<50 {
            usleep(1_000)
            if !queue.isFull { return false }
        }
        standsStill = true
        return true
    }

    /// Whether a line is the event and a line feed, nothing else: it is then written where it is sent from.
    private var isBare: Bool {
        if case .udp = settings.carrier { return false }
        return formatter == nil && header.form == .none && settings.framing == .lineFeed
    }

    private func put() {
        if case .udp = settings.carrier {
            block.bytes.append(line.bytes)
        } else {
            switch settings.framing {
            case .octetCounting:
                block.bytes.append(decimal: Int64(line.count))
                block.bytes.append(byte: 0x20)
                block.bytes.append(line.bytes)
            case .lineFeed:
                block.bytes.append(line.bytes)
                block.bytes.append(byte: 0x0A)
            }
        }
        block.ends.append(block.bytes.count)
    }

    /// Sends what waits, for at most `timeout`, then ends the thread; what is left is counted.
    public func stop(timeout: Duration = .seconds(5)) { FeedOutput.stop([self], timeout: timeout) }

    /// Stops feeds together: several whose receivers are away take no longer than one.
    public static func stop(_ feeds: [FeedOutput], timeout: Duration = .seconds(5)) {
        for feed in feeds { feed.queue.close() }
        let nanoseconds = timeout.components.seconds * 1_000_000_000 + timeout.components.attoseconds / 1_000_000_000
        let end = monotonicNow() + nanoseconds
        for feed in feeds { while feed.queue.bytes > 0, monotonicNow() < end, feed.thread != nil { usleep(5_000) } }
        let rest = feeds.map { $0.queue.stop() }
        for (feed, rest) in zip(feeds, rest) {
            feed.thread?.join()
            feed.thread = nil
            feed.ending.withLock { $0 = true }
            feed.ending.wake()
            feed.syncThread?.join()
            feed.syncThread = nil
            feed.settle()
            feed.leave(rest)
        }
    }

    // MARK: The sending side

    private enum Connection {
        case datagrams(DatagramSender)
        case stream(StreamClient)
        case file(LineFile)
    }

    private func connect() throws(TransportError) -> Connection {
        switch settings.carrier {
        case .udp: return .datagrams(try DatagramSender(to: settings.host, port: settings.port))
        case .tcp:
            return .stream(
                try StreamClient.connect(to: settings.host, port: settings.port, timeout: settings.connectTimeout))
        case .file(let path):
            let file = try LineFile(path)
            openFile.withLock { $0 = file }
            return .file(file)
        case .tls(let context, let serverName):
            return .stream(
                try StreamClient.connect(
                    to: settings.host, port: settings.port, tls: context, serverName: serverName,
                    timeout: settings.connectTimeout))
        }
    }

    private func run() {
        var sending = FeedQueue.Block()
        var connection: Connection?
        var pause = SendPause(settings)
        var complaint = Occasionally()
        while queue.next(&sending) {
            var done = 0
            var marks = 0
            if pass(sending, &marks, done), let connection { keep(sending, marks, done, connection, isLast: false) }
            while done < sending.ends.count {
                if queue.isStopped {
                    leave(sending.ends.count - done)
                    return
                }
                var attempted = 0
                do {
                    let open: Connection
                    if let connection { open = connection } else { open = try connect() }
                    if connection == nil { up(open, &complaint) }
                    connection = open
                    done += try send(sending, from: done, over: open, &attempted)
                    if pass(sending, &marks, done) {
                        keep(sending, marks, done, open, isLast: done == sending.ends.count)
                    }
                    pause.reset()
                } catch {
                    errors.add()
                    repeated.add(attempted)
                    isUp.set(0)
                    connection = nil
                    if let held = complaint.pass() {
                        log.error(
                            "feed \(settings.name): \(error.description); the lines wait and the attempt is repeated",
                            metadata: ["attempts_not_logged": "\(held)", "queued_bytes": "\(queue.bytes)"])
                    }
                    if queue.pause(pause.next()) {
                        leave(sending.ends.count - done)
                        return
                    }
                }
            }
        }
    }

    /// Notes the frames that are done with once `lines` lines of the block are sent.
    ///
    /// - Returns: whether there were any.
    private func pass(_ block: borrowing FeedQueue.Block, _ passed: inout Int, _ lines: Int) -> Bool {
        let before = passed
        while passed < block.marks.count, block.marks[passed].lines <= lines {
            progress.done(log: block.marks[passed].log, through: block.marks[passed].next)
            passed += 1
        }
        if progress.isFull, !queue.isFull { progress.isFull = false }
        return passed > before
    }

    /// Puts on record how far the feed has come: with each piece of a file, and a few hundred times a second of others.
    private func keep(
        _ block: borrowing FeedQueue.Block, _ passed: Int, _ lines: Int, _ connection: Connection, isLast: Bool
    ) {
        guard let checkpoint, passed > 0 else { return }
        guard case .file(let file) = connection else {
            let now = monotonicNow()
            guard isLast || now >= nextKeep else { return }
            nextKeep = now + 5_000_000
            checkpoint.save(progress, nil)
            return
        }
        // Lines of the batch that is not through yet stand behind the place that the positions are true for.
        func end(_ line: Int) -> Int { line == 0 ? 0 : block.ends[line - 1] }
        checkpoint.save(progress, file.end, unmarked: end(lines) - end(block.marks[passed - 1].lines))
    }

    /// Has the file written to its disk, so that no position is ahead of it after a loss of power.
    private func settle() {
        let positions = progress.positions
        guard positions != progress.safePositions else { return }
        let file = openFile.withLock { $0 }
        if file?.synchronize() != false { progress.settle(positions) }
    }

    private func leave(_ lines: Int) {
        guard lines > 0 else { return }
        guard progress.positions.isEmpty else {
            log.notice(
                "feed \(settings.name) stopped with \(lines) lines unsent; the next start takes them from the journal")
            return
        }
        left.add(lines)
        log.error("feed \(settings.name) stopped with \(lines) lines unsent")
    }

    private func up(_ connection: Connection, _ complaint: inout Occasionally) {
        reconnects.add()
        isUp.set(1)
        complaint.reset()
        switch connection {
        case .datagrams(let sender): log.info("feed \(settings.name) sends datagrams to \(sender.peer)")
        case .file(let file): log.info("feed \(settings.name) writes to \(file.path)")
        case .stream(let client):
            log.info(
                "feed \(settings.name) is connected to \(client.peer)",
                metadata: ["tls": "\(client.tlsVersion ?? "no")"])
        }
    }

    /// Sends a datagram, or as many lines as make a piece of about 64 KiB: after a failure the piece goes out again.
    ///
    /// - Returns: the number of lines that are done with.
    private func send(
        _ block: borrowing FeedQueue.Block, from first: Int, over connection: Connection, _ attempted: inout Int
    ) throws(TransportError) -> Int {
        let start = first == 0 ? 0 : block.ends[first - 1]
        var last = first
        switch connection {
        case .datagrams(let sender):
            let bytes = block.bytes.bytes.part(start, block.ends[first] - start)
            // RFC 768: 65,535 with the headers of UDP (8) and IPv4 (20).
            guard bytes.byteCount <= 65_507 else {
                tooLarge.add()
                log.error(
                    "feed \(settings.name): a line of \(bytes.byteCount) bytes is no datagram and is lost; use TCP")
                queue.sent(bytes.byteCount)
                return 1
            }
            try sender.send(bytes)
        case .file(let file):
            while last + 1 < block.ends.count, block.ends[last + 1] - start <= 4 << 20 { last += 1 }
            // A regular file takes back what it could not take whole.
            attempted = file.end == nil ? last + 1 - first : 0
            try file.write(block.bytes.bytes.part(start, block.ends[last] - start)) { !queue.isStopped }
        case .stream(let client):
            while last + 1 < block.ends.count, block.ends[last + 1] - start <= 64 * 1024 { last += 1 }
            attempted = last + 1 - first
            try client.send(block.bytes.bytes.part(start, block.ends[last] - start), timeout: settings.sendTimeout)
        }
        let bytes = block.ends[last] - start
        sentLines.add(last + 1 - first)
        sentBytes.add(bytes)
        queue.sent(bytes)
        queued.set(Int64(queue.bytes))
        return last + 1 - first
    }
}
