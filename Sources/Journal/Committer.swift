// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Instruments
internal import Logging
internal import Synchronization

/// The thread that makes what lanes append durable, writes positions and anchors, and removes old segments.
///
/// Lanes never wait for it: an fdatasync(2) takes milliseconds, or seconds on a busy disk.
final class Committer: @unchecked Sendable {
    private let context: JournalContext
    private let logs: [JournalLog]
    private let book: Positions
    private var retention: Retention
    private let isStopping = Atomic<Bool>(false)
    private var thread = pthread_t()
    private let commits: Instrument
    private let slowest: Instrument
    private var complaints: [String: Int] = [:]

    init(_ context: JournalContext, _ logs: [JournalLog], _ book: Positions) {
        self.context = context
        self.logs = logs
        self.book = book
        self.retention = Retention(context, logs, book)
        let registry = context.registry
        commits = registry.counter(
            "penstock_journal_commits_total", help: "How often journal segments were made durable.")
        slowest = registry.gauge(
            "penstock_journal_commit_max_milliseconds", help: "The longest that one commit has taken.")
        retention.run()
    }

    func start() {
        let status = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                let committer = unsafe Unmanaged<Committer>.fromOpaque(context).takeRetainedValue()
                unsafe penstock_name_thread("journal")
                committer.run()
                return nil
            }, unsafe Unmanaged.passRetained(self).toOpaque())
        precondition(status == 0, "no thread can be started: \(JournalError.text(status))")
    }

    /// Ends the thread after a last commit.
    func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        context.bell.ring()
        _ = pthread_join(thread, nil)
    }

    private func run() {
        let interval = max(1, context.settings.commitInterval)
        var tick = Folder.milliseconds + interval
        var second = Folder.milliseconds + 1000
        while true {
            context.bell.wait(min(tick, second) - Folder.milliseconds)
            let last = isStopping.load(ordering: .sequentiallyConsistent)
            let now = Folder.milliseconds
            if last { for log in logs { log.finish() } }
            let isDue = now >= tick || last
            for log in logs where isDue || log.isUrgent { commit(log) }
            if isDue { tick = now + interval }
            if now >= second || last || context.wasRefused.load(ordering: .relaxed) { retention.run() }
            if now >= second || last {
                save()
                second = now + 1000
            } else if isDue {
                retention.watchSpace()
            }
            if last { return }
        }
    }

    private func commit(_ log: JournalLog) {
        let start = Folder.milliseconds
        do { guard try log.commit() else { return } } catch { return complain(error) }
        commits.add()
        slowest.raise(to: Int64(Folder.milliseconds - start))
    }

    /// Writes what is small and changes often, once a second.
    private func save() {
        do {
            try book.save()
        } catch { complain(error) }
        for log in logs {
            do { try log.saveAnchor() } catch { complain(error) }
        }
    }

    /// The same trouble comes back each second: say it once a minute.
    private func complain(_ error: JournalError) {
        let now = Folder.milliseconds
        if let last = complaints[error.path], now - last < 60_000 { return }
        if complaints.count > 100 { complaints.removeAll() }
        complaints[error.path] = now
        context.logger.error("journal: \(error)")
    }
}
