// SPDX-License-Identifier: Apache-2.0
public import Events
public import Wire

/// Whose clock it is: the peer that sent it, or what it came in by where there is no peer, as for the watermark.
public struct ClockOwner: Sendable, Equatable {
    let high: UInt64
    let low: UInt64
    /// 0: nobody; 4 and 6: a peer; 1: a listener or file input.
    let kind: UInt32

    static let nobody = ClockOwner(high: 0, low: 0, kind: 0)

    init(high: UInt64, low: UInt64, kind: UInt32) {
        self.high = high
        self.low = low
        self.kind = kind
    }

    init(_ frame: Frame) {
        if let peer = frame.peer {
            self.init(high: peer.high, low: peer.low, kind: peer.isIPv4 ? 4 : 6)
        } else {
            self.init(high: 0, low: UInt64(frame.listener), kind: 1)
        }
    }

    /// The peer's address.
    public var peer: IPAddress? {
        switch kind {
        case 4: IPAddress(v4: UInt32(truncatingIfNeeded: low))
        case 6: IPAddress(high: high, low: low)
        default: nil
        }
    }

    /// The number of the listener or file input, where there is no peer.
    public var listener: Int? { kind == 1 ? Int(low) : nil }
}

/// The clocks of the senders that one lane hears. Its size is fixed; nothing is allocated for an event.
///
/// A sender has its place in one of 512 sets of eight. One more than eight takes the place of another that is not known
/// well yet, so that a flood of made-up addresses pushes out its own; one that is known goes only after an hour of silence.
public struct ClockTable: Sendable {
    private struct Place: Sendable {
        var owner = ClockOwner.nobody
        var isChanged = false
        var estimator = ClockEstimator()
    }

    private static let sets = 512
    private static let ways = 8
    /// Nanoseconds of silence after which a known sender makes room.
    private static let silence: Int64 = 3_600_000_000_000
    /// Microseconds beyond which a difference is no clock's: a century.
    private static let limit: Int64 = 3_155_760_000_000_000

    private var places: [Place]
    private var last = 0
    /// Senders that made room for others, or got none.
    public private(set) var evicted = 0

    /// An empty table.
    public init() { places = Array(repeating: Place(), count: ClockTable.sets * ClockTable.ways) }

    /// Takes the time that the event of `frame` claims, in nanoseconds since the epoch; one that is exactly that of the
    /// receipt is no claim. Packets and the service's own notices carry our clock and say nothing.
    @inline(__always)
    public mutating func observe(_ frame: Frame, claimed: Int64) {
        guard claimed != frame.received, frame.transport != .sensor, frame.transport != .service else { return }
        let (difference, over) = frame.received.subtractingReportingOverflow(claimed)
        guard !over else { return }
        observe(ClockOwner(frame), difference / 1_000, received: frame.received)
    }

    mutating func observe(_ owner: ClockOwner, _ difference: Int64, received: Int64) {
        guard abs(difference) <= ClockTable.limit else { return }
        if places[last].owner != owner {
            guard let found = place(of: owner, received) else { return }
            last = found
        }
        places[last].isChanged = true
        places[last].estimator.observe(difference, received: received)
    }

    private mutating func place(of owner: ClockOwner, _ received: Int64) -> Int? {
        let mixed = (owner.low &+ UInt64(owner.kind)) &* 0xD6E8_FEB8_6659_FD93 ^ owner.high &* 0x9E37_79B9_7F4A_7C15
        let first = Int(truncatingIfNeeded: mixed >> 55) * ClockTable.ways
        var victim = -1
        for place in first..<first + ClockTable.ways {
            if places[place].owner == owner { return place }
            if places[place].owner.kind == 0 {
                places[place].owner = owner
                return place
            }
            let isKept =
                places[place].estimator.isEstablished
                && received &- places[place].estimator.lastReceived < ClockTable.silence
            if !isKept,
                victim < 0 || places[place].estimator.lastReceived < places[victim].estimator.lastReceived
            {
                victim = place
            }
        }
        evicted += 1
        guard victim >= 0 else { return nil }
        places[victim] = Place(owner: owner)
        return victim
    }

    /// Hands out the estimates that changed since the last call.
    mutating func takeChanged(_ take: (ClockOwner, ClockEstimate) -> Void) {
        for place in places.indices where places[place].isChanged {
            places[place].isChanged = false
            if let estimate = places[place].estimator.estimate { take(places[place].owner, estimate) }
        }
    }

    /// The number of senders that made room since the last call.
    mutating func takeEvicted() -> Int {
        defer { evicted = 0 }
        return evicted
    }
}
