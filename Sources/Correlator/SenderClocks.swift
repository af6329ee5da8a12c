// SPDX-License-Identifier: Apache-2.0
public import Instruments
internal import Synchronization

/// The clocks of all senders, put together from what the lanes have found, and which of them are off.
public final class SenderClocks: Sendable {
    /// A sender whose clock has passed the tolerance, or is back.
    public struct Change: Sendable, Equatable {
        /// The sender's address; the name of the listener or file where there is none.
        public var sender: String
        /// What its clock is taken for from here on: level, ahead or behind.
        public var state: ClockEstimate.State
        /// The estimate.
        public var estimate: ClockEstimate
    }

    private struct Sender {
        var parts: [(lane: Int, estimate: ClockEstimate)]
        /// What was told of it.
        var told = ClockEstimate.State.level

        var estimate: ClockEstimate {
            parts.dropFirst().reduce(parts[0].estimate) { $0.merged(with: $1.estimate) }
        }
        var lastReceived: Int64 { parts.reduce(.min) { max($0, $1.estimate.lastReceived) } }
    }

    /// The most senders.
    public static let limit = 10_000
    /// How far a clock may be off before it is told, in microseconds.
    public let tolerance: Int64
    private let senders = Mutex<[String: Sender]>([:])
    private let evicted: Instrument

    /// Nobody's clocks; `tolerance` in milliseconds.
    public init(tolerance: Int64, registry: Registry) {
        self.tolerance = tolerance.multipliedClamped(by: 1_000)
        evicted = registry.counter(
            "penstock_clock_evictions_total",
            help: "Senders whose clocks are no longer watched, because there are too many: they made room for others.")
    }

    /// Takes what the table of a lane has found since the last call.
    ///
    /// - Parameter name: the name of a sender; nil: its clock is of no interest.
    /// - Returns: the senders whose clocks passed the tolerance, or came back below three quarters of it; each once.
    public func take(
        from table: inout ClockTable, lane: Int, name: (ClockOwner) -> String?
    ) -> [Change] {
        var found: [(String, ClockEstimate)] = []
        table.takeChanged { owner, estimate in
            if let name = name(owner) { found.append((name, estimate)) }
        }
        evicted.add(table.takeEvicted())
        guard !found.isEmpty else { return [] }
        return senders.withLock { senders in
            var changes: [Change] = []
            for (name, estimate) in found {
                if senders[name] == nil { makeRoom(&senders) }
                var sender = senders[name] ?? Sender(parts: [])
                if let place = sender.parts.firstIndex(where: { $0.lane == lane }) {
                    sender.parts[place].estimate = estimate
                } else {
                    sender.parts.append((lane, estimate))
                }
                let merged = sender.estimate
                if let state = change(sender.told, merged) {
                    sender.told = state
                    changes.append(Change(sender: name, state: state, estimate: merged))
                }
                senders[name] = sender
            }
            return changes.sorted { $0.sender < $1.sender }
        }
    }

    /// What is to be told of a clock after `told`, or nil.
    private func change(_ told: ClockEstimate.State, _ estimate: ClockEstimate) -> ClockEstimate.State? {
        let state = estimate.state(tolerance: tolerance)
        if state == .ahead || state == .behind { return state == told ? nil : state }
        guard told != .level, state == .level, abs(estimate.offset) <= tolerance / 4 * 3 else { return nil }
        return .level
    }

    /// A tenth goes at a time, the longest silent, so that the search is paid for by many.
    private func makeRoom(_ senders: inout [String: Sender]) {
        guard senders.count >= SenderClocks.limit else { return }
        let oldest = senders.map { ($0.value.lastReceived, $0.key) }.sorted { $0 < $1 }
        for (_, name) in oldest.prefix(SenderClocks.limit / 10) { senders[name] = nil }
        evicted.add(SenderClocks.limit / 10)
    }

    /// The estimate of a sender's clock, where there is one, and what it is taken for.
    public func estimate(of sender: String) -> (estimate: ClockEstimate, state: ClockEstimate.State)? {
        guard let estimate = senders.withLock({ $0[sender]?.estimate }) else { return nil }
        return (estimate, estimate.state(tolerance: tolerance))
    }

    /// All senders by name, with whether their clocks were told to be off.
    public var all: [(sender: String, estimate: ClockEstimate, isOff: Bool)] {
        senders.withLock { $0.map { ($0.key, $0.value.estimate, $0.value.told != .level) } }
            .sorted { $0.sender < $1.sender }
    }

    /// One line for each sender whose clock is off, the worst first: `sender 192.0.2.7: clock 73 s ahead`.
    public func remarks(limit: Int = 20) -> [String] {
        let off = all.filter(\.isOff).sorted {
            (abs($1.estimate.offset), $0.sender) < (abs($0.estimate.offset), $1.sender)
        }
        var lines = off.prefix(limit).map { "sender \($0.sender): \($0.estimate.words)" }
        if off.count > limit { lines.append("and \(off.count - limit) more senders whose clocks are off") }
        return lines
    }
}
