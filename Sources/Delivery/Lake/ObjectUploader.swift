// SPDX-License-Identifier: Apache-2.0
public import Instruments
public import Logging

/// Stores finished objects on a thread of its own, and holds them while the store cannot take them.
///
/// A store that is full or away costs memory up to a bound, then objects, each counted with its events; it never costs
/// another output anything. The fault is in the log at once, then once a minute, and so is its end.
public final class ObjectUploader: Sendable {
    private struct State {
        var waiting: [LakeObject] = []
        var head = 0
        var bytes = 0
        var isClosed = false
        var isStopped = false
        /// The lowest frame of each log of the journal in objects that were not stored and come again from there.
        var comesAgain: [Int: UInt64] = [:]
    }

    private let store: any ObjectStore
    private let limit: Int
    private let retry: Duration
    private let log: Logger
    private let monitor = Monitor(State())
    private let objects: Instrument
    private let bytes: Instrument
    private let failures: Instrument
    private let pending: Instrument
    private let dropped: Instrument
    private let conflicts: Instrument
    private let badKeys: Instrument
    private let left: Instrument
    private let thread = Monitor<OutputThread?>(nil)

    /// An uploader to `store` that holds at most `limit` bytes; an attempt that failed is repeated after `retry`.
    public init(
        to store: any ObjectStore, limit: Int = 64 << 20, retry: Duration = .seconds(2), registry: Registry, log: Logger
    ) {
        self.store = store
        self.limit = limit
        self.retry = retry
        self.log = log
        objects = registry.counter("penstock_lake_objects_total", help: "Objects stored in the lake.")
        bytes = registry.counter("penstock_lake_bytes_total", help: "Bytes of objects stored in the lake.")
        failures = registry.counter("penstock_lake_failures_total", help: "Attempts to store an object that failed.")
        pending = registry.gauge(
            "penstock_lake_pending_bytes", help: "Bytes of finished objects that wait for the store.")
        dropped = registry.dropped(stage: "lake", reason: "store_unavailable")
        conflicts = registry.dropped(stage: "lake", reason: "conflict")
        badKeys = registry.dropped(stage: "lake", reason: "key")
        left = registry.dropped(stage: "lake", reason: "shutdown")
    }

    /// Starts the thread.
    public func start() {
        thread.withLock { $0 = $0 ?? OutputThread("lake-store") { [self] in run() } }
    }

    /// Takes `object`, or counts its events as dropped when too much waits already. Events that the journal has are
    /// always taken: whoever makes objects of them asks ``hasRoom`` before, so that only what is begun comes on top.
    ///
    /// - Returns: whether it was taken.
    @discardableResult
    public func submit(_ object: LakeObject) -> Bool {
        let taken = monitor.withLock { state in
            // One object may always wait, however large.
            let hasPlace = state.bytes == 0 || !object.starts.isEmpty || state.bytes + object.byteCount <= limit
            guard !state.isClosed, hasPlace else {
                state.comesAgain.merge(object.starts) { min($0, $1) }
                return false
            }
            state.waiting.append(object)
            state.bytes += object.byteCount
            pending.set(Int64(state.bytes))
            return true
        }
        if taken {
            monitor.wake()
        } else {
            leave(object, dropped, "the store takes nothing and \(limit) bytes wait already")
        }
        return taken
    }

    /// Stops after storing what waits, but not later than `timeout`; what is left then is counted.
    public func stop(timeout: Duration = .seconds(10)) {
        monitor.withLock { $0.isClosed = true }
        monitor.wake()
        let nanoseconds = timeout.components.seconds * 1_000_000_000 + timeout.components.attoseconds / 1_000_000_000
        _ = monitor.wait(nanoseconds: nanoseconds) { $0.head == $0.waiting.count ? true : nil }
        monitor.withLock { $0.isStopped = true }
        monitor.wake()
        thread.withLock { $0.take() }?.join()
        let rest = monitor.withLock { state in
            defer {
                state.waiting.removeAll()
                state.head = 0
            }
            let rest = Array(state.waiting[state.head...])
            for object in rest { state.comesAgain.merge(object.starts) { min($0, $1) } }
            return rest
        }
        guard !rest.isEmpty else { return }
        for object in rest { leave(object, left, "the service stopped before the store took it") }
        let missing = rest.filter { $0.starts.isEmpty }
        guard !missing.isEmpty else { return }
        let events = missing.reduce(0) { $0 + $1.rows }
        log.error("the lake in \(store.name) misses \(events) events in \(missing.count) objects that it did not take")
    }

    /// Whether half of the room is free: what is finished from now on will find a place.
    var hasRoom: Bool { monitor.withLock { $0.bytes < limit / 2 } }

    /// The lowest frame of each log of the journal in objects that are not stored yet.
    var starts: [Int: UInt64] {
        monitor.withLock { state in
            var lowest = state.comesAgain
            for object in state.waiting[state.head...] { lowest.merge(object.starts) { min($0, $1) } }
            return lowest
        }
    }

    /// Gives up an object that was not tried to the end: its events are lost when the journal does not have them.
    private func leave(_ object: LakeObject, _ counter: Instrument, _ reason: String) {
        guard !object.starts.isEmpty else {
            lose(object, counter, reason)
            return
        }
        log.notice("\(object.rows) events of \(object.key) come again from the journal: \(reason)")
    }

    private func lose(_ object: LakeObject, _ counter: Instrument, _ reason: String) {
        counter.add(max(1, object.rows))
        log.error(
            "lost \(object.key) with \(object.rows) events: \(reason)", metadata: ["bytes": "\(object.byteCount)"])
    }

    private func run() {
        var complaint = Occasionally()
        var failing: Int64?
        while true {
            let next: LakeObject?? = monitor.wait(nanoseconds: -1) { state -> LakeObject?? in
                if state.isStopped { return .some(nil) }
                if state.head < state.waiting.count { return .some(state.waiting[state.head]) }
                return state.isClosed ? .some(nil) : nil
            }
            guard case .some(.some(let object)) = next else { return }
            do {
                try object.put(into: store)
                objects.add()
                bytes.add(object.byteCount)
                if let since = failing {
                    log.notice("\(store.name) takes objects again after \((monotonicNow() - since) / 1_000_000_000) s")
                    failing = nil
                    complaint.reset()
                }
                finish(object)
            } catch {
                failures.add()
                guard error.code != .conflict, error.code != .key else {
                    // Another attempt would end the same way.
                    lose(object, error.code == .key ? badKeys : conflicts, error.description)
                    finish(object)
                    continue
                }
                if failing == nil { failing = monotonicNow() }
                if let held = complaint.pass() {
                    log.error(
                        "cannot store \(object.key): \(error.description); events wait in memory for the next attempt",
                        metadata: ["attempts_not_logged": "\(held)", "pending_bytes": "\(pending.current)"])
                }
                let pause = retry.components.seconds * 1_000_000_000 + retry.components.attoseconds / 1_000_000_000
                _ = monitor.wait(nanoseconds: pause) { $0.isStopped ? true : nil }
            }
        }
    }

    private func finish(_ object: LakeObject) {
        monitor.withLock { state in
            state.head += 1
            state.bytes -= object.byteCount
            if state.head == state.waiting.count || state.head > 256 {
                state.waiting.removeFirst(state.head)
                state.head = 0
            }
            pending.set(Int64(state.bytes))
        }
        monitor.wake()
    }
}
