// SPDX-License-Identifier: Apache-2.0
internal import Instruments
internal import Synchronization
internal import Transport

/// Decides how many lanes share the datagrams of a port.
///
/// Waking four threads for a trickle costs four times as much as waking one, and one thread cannot take a flood. So
/// one lane has all datagrams as long as it keeps up, or catches up (``Strain``); else the next one joins, and when the
/// lanes together are idle enough, the last one leaves. The kernel hands each datagram to one of the active lanes at
/// random, so that one heavy sender is shared out as well; a port that events in several messages come to is shared out by
/// sender instead.
final class Spreader: Sendable {
    /// Sockets of one port, one a lane; the group's program is set through the first one.
    final class Group: @unchecked Sendable {
        // setsockopt(2) is safe from any thread while the socket lives, which it does as long as its lane.
        let first: UDPSocket
        let mode: ListenerConfiguration.Spread
        let listener: UInt16
        init(_ first: UDPSocket, _ mode: ListenerConfiguration.Spread, listener: UInt16) {
            self.first = first
            self.mode = mode
            self.listener = listener
        }
    }

    private struct State {
        var groups: [Group] = []
        var active = 1
        var busy: [Double]
        var lastChange: Int64 = 0
        /// The listeners whose senders stay at one lane each, and until when.
        var kept: [UInt16: Int64] = [:]
    }

    /// Milliseconds between two changes.
    private static let patience: Int64 = 12
    /// Of the lanes that would be left, the share that the work may take when the last one leaves.
    private static let calmLoad = 0.7
    /// Milliseconds of calm before a lane leaves.
    private static let calm: Int64 = 3_000
    /// Milliseconds that a port's senders stay at one lane each after the last event in several messages.
    private static let memory: Int64 = 600_000
    private let lanes: Int
    private let gauge: Instrument
    private let keptGauge: Instrument
    private let state: Mutex<State>

    init(lanes: Int, registry: Registry) {
        self.lanes = lanes
        gauge = registry.gauge("penstock_datagram_lanes", help: "Lanes that share the datagrams of adaptive listeners.")
        gauge.set(1)
        keptGauge = registry.gauge(
            "penstock_sender_spread_listeners",
            help: "Adaptive listeners that keep each sender at one lane, because events in several messages come.")
        state = Mutex(State(busy: Array(repeating: 0, count: lanes)))
    }

    /// Whether there is anything to spread.
    var isShared: Bool { lanes > 1 }

    /// Takes a port's sockets under its rule.
    ///
    /// - Returns: whether the kernel lets a program choose; else it chooses by sender.
    func add(_ group: Group) -> Bool {
        guard lanes > 1 else { return true }
        return state.withLock { state in
            let applied = apply(group, state)
            if applied { state.groups.append(group) }
            return applied
        }
    }

    /// A lane is overloaded: more of them share from now on.
    func addLanes(now: Int64) {
        state.withLock { state in
            guard state.active < lanes, now - state.lastChange >= Spreader.patience else { return }
            change(&state, to: min(lanes, state.active * 2), now)
        }
    }

    /// A lane was at work for that share of the time since its last report.
    func report(lane: Int, busy: Double, now: Int64) {
        guard lanes > 1 else { return }
        state.withLock { state in
            guard lane < state.busy.count else { return }
            state.busy[lane] = busy
            forget(&state, now)
            guard state.active > 1, now - state.lastChange >= Spreader.calm else { return }
            let sum = state.busy[..<state.active].reduce(0, +)
            if sum < Spreader.calmLoad * Double(state.active - 1) { change(&state, to: state.active - 1, now) }
        }
    }

    /// Events that come in several messages (Cisco ISE) reach a listener's port. Only one lane's joiner can put one
    /// together, so from now on the kernel's hash keeps each sender at one lane; one sender's load is then one lane's.
    func keepSenders(of listener: UInt16, now: Int64) {
        guard lanes > 1 else { return }
        state.withLock { state in
            let isNew = state.kept.updateValue(now + Spreader.memory, forKey: listener) == nil
            if isNew { spreadAgain(&state) }
        }
    }

    private func forget(_ state: inout State, _ now: Int64) {
        guard state.kept.contains(where: { $0.value <= now }) else { return }
        state.kept = state.kept.filter { $0.value > now }
        spreadAgain(&state)
    }

    private func spreadAgain(_ state: inout State) {
        keptGauge.set(Int64(state.kept.count))
        for group in state.groups where group.mode == .adaptive { _ = apply(group, state) }
    }

    private func change(_ state: inout State, to active: Int, _ now: Int64) {
        state.active = active
        state.lastChange = now
        gauge.set(Int64(active))
        for group in state.groups where group.mode == .adaptive { _ = apply(group, state) }
    }

    private func apply(_ group: Group, _ state: State) -> Bool {
        do {
            switch group.mode {
            case .sender: break
            case .random: try group.first.spread(.random(sockets: lanes))
            case .adaptive where state.active == 1: try group.first.spread(.single)
            case .adaptive where state.kept[group.listener] != nil: try group.first.spread(.kernel)
            case .adaptive: try group.first.spread(.random(sockets: state.active))
            }
            return true
        } catch { return false }
    }
}
