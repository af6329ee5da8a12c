// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Instruments
internal import Logging
internal import Synchronization

/// What logs, readers and the committer of one journal share.
final class JournalContext: Sendable {
    let settings: JournalSettings
    let registry: Registry
    let logger: Logger
    let bell = Bell()
    /// Whether the journal takes nothing.
    let isFull = Atomic<Bool>(false)
    /// Whether a write has found the disk full since the committer looked.
    let wasRefused = Atomic<Bool>(false)
    let isClosed = Atomic<Bool>(false)
    let syncErrors: Instrument
    let corrupt: Instrument
    let oversize: Instrument
    let full: Instrument
    /// Whether the last append was refused because there was no room.
    let isRefusing = Atomic<Bool>(false)

    init(_ settings: JournalSettings, _ registry: Registry, _ logger: Logger) {
        self.settings = settings
        self.registry = registry
        self.logger = logger
        self.syncErrors = registry.counter(
            "penstock_journal_sync_errors_total", help: "How often fdatasync of a journal segment failed.")
        self.corrupt = registry.dropped(stage: "journal", reason: "corrupt")
        self.full = registry.gauge(
            "penstock_journal_full", help: "1 while the journal takes nothing because its disk is full.")
        self.oversize = registry.dropped(stage: "journal", reason: "oversize")
    }

    func folder(_ log: Int) -> String { Folder.log(log, in: settings.directory) }
}

/// Wakes the committer.
final class Bell: Sendable {
    private let descriptor = penstock_eventfd()
    private let isRung = Atomic<Bool>(false)

    deinit { if descriptor >= 0 { _ = close(descriptor) } }

    /// A system call only when nobody has rung since the committer woke.
    func ring() {
        guard !isRung.exchange(true, ordering: .sequentiallyConsistent) else { return }
        var one: UInt64 = 1
        unsafe _ = write(descriptor, &one, 8)
    }

    /// Waits for a ring or the end of the time. What was asked before a ring is seen after it.
    func wait(_ milliseconds: Int) {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard unsafe Glibc.poll(&poll, 1, Int32(clamping: max(0, milliseconds))) > 0 else { return }
        var count: UInt64 = 0
        unsafe _ = read(descriptor, &count, 8)
        isRung.store(false, ordering: .sequentiallyConsistent)
    }
}
