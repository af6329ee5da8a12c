// SPDX-License-Identifier: Apache-2.0
internal import Instruments
internal import Logging
internal import Synchronization

/// Removes the oldest segments, and watches the space on disk. It belongs to the committer's thread.
struct Retention {
    private let context: JournalContext
    private let logs: [JournalLog]
    private let book: Positions
    private let segments: Instrument
    private let bytes: Instrument
    private let full: Instrument
    private let dropped: Instrument
    private var warned: Int?
    /// The lag of each consumer that was seen.
    private var lags: [String: Instrument] = [:]

    init(_ context: JournalContext, _ logs: [JournalLog], _ book: Positions) {
        self.context = context
        self.logs = logs
        self.book = book
        let registry = context.registry
        segments = registry.gauge("penstock_journal_segments", help: "Journal segments on disk.")
        bytes = registry.gauge("penstock_journal_bytes", help: "Bytes of the journal segments on disk.")
        full = context.full
        dropped = registry.dropped(stage: "journal", reason: "retention")
    }

    private struct Candidate {
        var log: JournalLog
        var segment: Segment
    }

    /// The oldest closed segment of all logs that `isWanted` allows.
    private func oldest(_ isAllowed: (JournalLog, Segment) -> Bool = { _, _ in true }) -> Candidate? {
        var found: Candidate?
        for log in logs {
            let segment = log.state.withLock { state in
                // The one being written stays. Of a log that is only read, the last one may go as well.
                state.segments.count > (state.current == nil ? 0 : 1) ? state.segments.first : nil
            }
            guard let segment, isAllowed(log, segment) else { continue }
            if let best = found, best.segment.changed <= segment.changed { continue }
            found = Candidate(log: log, segment: segment)
        }
        return found
    }

    /// Applies the limits of size, age and free space, then counts what there is.
    mutating func run() {
        var total = logs.reduce(0) { $0 + $1.state.withLock { $0.bytes } }
        while total > context.settings.retainBytes, let next = oldest() {
            total -= next.segment.bytes
            remove(next)
        }
        let age = context.settings.retainAge
        if age > 0 {
            let limit = Folder.now - age
            while let next = oldest({ $1.changed < limit }) { remove(next) }
        }
        watchSpace()
        measure()
    }

    /// Finds out whether there is room; frees what nobody needs when there is not.
    mutating func watchSpace() {
        let refused = context.wasRefused.exchange(false, ordering: .relaxed)
        var isShort = refused && !context.isFull.load(ordering: .relaxed)
        let reserve = UInt64(max(0, context.settings.reserveBytes))
        while isShort || isBelow(reserve) {
            isShort = false
            guard let next = oldest({ isPassed($0, $1) }) else { break }
            remove(next)
        }
        let isFull = isBelow(reserve)
        guard context.isFull.exchange(isFull, ordering: .relaxed) != isFull else { return }
        full.set(isFull ? 1 : 0)
        if isFull {
            context.logger.error(
                "the journal is full: less than \(reserve) bytes are free in \(context.settings.directory)")
        } else {
            context.logger.notice("the journal has room again")
        }
    }

    private func isBelow(_ reserve: UInt64) -> Bool {
        guard let free = Folder.free(context.settings.directory) else { return false }
        return free < reserve
    }

    private func isPassed(_ log: JournalLog, _ segment: Segment) -> Bool {
        book.consumers.allSatisfy { (book[$0, log.number] ?? 0) >= segment.end }
    }

    private mutating func remove(_ candidate: Candidate) {
        let (log, segment) = (candidate.log, candidate.segment)
        for consumer in book.consumers {
            let position = max(book[consumer, log.number] ?? 0, segment.first)
            guard position < segment.end else { continue }
            let count = segment.end - position
            dropped.add(Int(clamping: count))
            if Folder.now - (warned ?? 0) >= 60 {
                warned = Folder.now
                context.logger.warning(
                    """
                    the journal has reached its limit: \(count) frames of log \(log.number) are removed before \
                    \(consumer) has seen them; see penstock_dropped_total{stage="journal",reason="retention"}
                    """)
            }
        }
        log.state.withLock { state in
            guard state.segments.first?.first == segment.first else { return }
            state.segments.removeFirst()
            state.anchorChanged = true
        }
        // The anchor first: a segment that is missing behind its back looks like tampering. Without room for it, last.
        do { try log.saveAnchor() } catch { context.logger.debug("journal: \(error)") }
        Folder.remove(segment.path)
    }

    /// Refreshes the gauges.
    private mutating func measure() {
        var count = 0
        var size = 0
        for log in logs {
            let (number, bytes) = log.state.withLock { ($0.segments.count, $0.bytes) }
            count += number
            size += bytes
        }
        segments.set(Int64(count))
        bytes.set(Int64(size))
        let consumers = Set(book.consumers)
        for consumer in consumers where lags[consumer] == nil {
            lags[consumer] = context.registry.gauge(
                "penstock_journal_lag_frames", ["consumer": consumer],
                help: "Frames in the journal that a consumer has not passed yet.")
        }
        // One that was forgotten waits for nothing.
        for (consumer, gauge) in lags { gauge.set(consumers.contains(consumer) ? lag(of: consumer) : 0) }
    }

    private func lag(of consumer: String) -> Int64 {
        var lag: UInt64 = 0
        for log in logs {
            let (first, end) = log.state.withLock { ($0.first, $0.end) }
            let position = max(book[consumer, log.number] ?? 0, first)
            if position < end { lag &+= end - position }
        }
        return Int64(clamping: lag)
    }
}
