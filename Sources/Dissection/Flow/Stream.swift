// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// A segment kept until the bytes before it arrive.
struct HeldSegment {
    var sequence: UInt32
    var acknowledged: UInt32
    var time: Int64
    /// The captured frame, and where in it the payload is.
    var frame: [UInt8]
    var frameLength: Int
    var payload: Extent
    /// Bytes that the headers announce behind the captured payload.
    var missing: Int

    /// The sequence numbers that it covers.
    var length: Int { Int(payload.length) + missing }
    var end: UInt32 { sequence &+ UInt32(truncatingIfNeeded: length) }
}

/// One direction of a TCP connection: puts segments in order.
///
/// Every byte is delivered once. Of bytes that arrive twice the first copy wins, whatever the later one says. Bytes
/// below or far above the window that were never seen are delivered "detached": they continue nothing, but a message in
/// them is still a message.
struct Stream {
    /// What to do with a segment.
    enum Verdict: Equatable {
        /// Deliver it without its first `skip` bytes.
        case deliver(skip: Int)
        /// Keep it until the bytes before it are there.
        case hold
        /// Deliver it as bytes that stand alone.
        case detached
        /// All of it was seen before.
        case duplicate
    }

    enum Phase {
        case unseen
        /// Joined in the middle: the first segments are kept for a moment, because they may come out of order.
        case joining
        case running
    }

    /// Sequence numbers that were delivered: `[start, end)`.
    private struct Island {
        var start: UInt32
        var end: UInt32

        func contains(_ sequence: UInt32, _ length: Int) -> Bool {
            let offset = Int(Int32(bitPattern: sequence &- start))
            return offset >= 0 && offset + length <= Int(Int32(bitPattern: end &- start))
        }
    }

    /// Segments this far ahead are not waited for.
    static let window = 1 << 20
    /// The longest run of sequence numbers that an island remembers.
    private static let memory: Int32 = 1 << 30
    private static let maxIslands = 8
    /// How many segments, and how long, a stream joined in the middle is held to find its lowest sequence number.
    static let joinSegments = 8
    static let joinTime: Int64 = 250_000_000
    /// How long a hole is waited for: that the receiver acknowledged, and one that it did not.
    static let acknowledgedHoleTime: Int64 = 300_000_000
    static let holeTime: Int64 = 2_000_000_000
    /// Time alone ends no wait: the missing packet may be the very next of a slow flow. So many more must have come.
    static let holePackets = 4
    static let acknowledgedHolePackets = 16

    private(set) var phase = Phase.unseen
    /// The sequence number of the next byte in order.
    private(set) var next: UInt32 = 0
    /// Kept segments by sequence number; they do not overlap.
    private(set) var held: [HeldSegment] = []
    private(set) var heldBytes = 0
    /// When the first of the kept segments arrived.
    private(set) var heldSince: Int64 = 0
    /// Packets of the flow since then.
    var heldPackets = 0
    /// The highest acknowledgement number that this side's peer sent: what it has received.
    var acknowledgedByPeer: UInt32?
    /// The sequence number of the FIN.
    var finish: UInt32?
    /// The initial sequence number of the SYN.
    private(set) var initial: UInt32?
    private var islandStart: UInt32 = 0
    private var islands: [Island] = []
    private var farNext: UInt32?

    // Counters of the flow record.
    var packets = 0
    var bytes = 0
    var gaps = 0
    var gapBytes = 0
    var retransmissions = 0

    /// Whether a SYN or data told where the stream is.
    var isRunning: Bool { phase == .running }
    var hasHeld: Bool { !held.isEmpty }

    /// Whether everything up to the FIN was delivered.
    var isFinished: Bool {
        guard let finish, phase == .running else { return false }
        return Int32(bitPattern: next &- finish) >= 0
    }

    /// Whether `sequence` lies before the next byte in order.
    func hasPassed(_ sequence: UInt32) -> Bool { phase == .running && Int32(bitPattern: next &- sequence) >= 0 }

    /// Starts at the byte after a SYN.
    mutating func synchronize(_ sequence: UInt32) {
        initial = sequence
        start(at: sequence &+ 1)
    }

    private mutating func start(at sequence: UInt32) {
        next = sequence
        islandStart = sequence
        phase = .running
    }

    /// Decides on `length` bytes at `sequence` and, when they are delivered, counts them as seen.
    mutating func accept(_ sequence: UInt32, _ length: Int, time: Int64) -> Verdict {
        switch phase {
        case .unseen:
            phase = .joining
            next = sequence
            return .hold
        case .joining:
            let ahead = Int(Int32(bitPattern: sequence &- next))
            return abs(ahead) > Stream.window ? .detached : .hold
        case .running:
            let ahead = Int(Int32(bitPattern: sequence &- next))
            if ahead == 0 {
                advance(length)
                return .deliver(skip: 0)
            }
            if ahead > 0 { return ahead > Stream.window ? far(sequence, length) : .hold }
            if ahead + length > 0 {
                advance(ahead + length)
                return .deliver(skip: -ahead)
            }
            if ahead < -Stream.window, !wasSeen(sequence, length) { return far(sequence, length) }
            if wasSeen(sequence, length) { return .duplicate }
            remember(Island(start: sequence, end: sequence &+ UInt32(truncatingIfNeeded: length)))
            return .detached
        }
    }

    /// A second segment that continues the first one far away moves the stream there.
    private mutating func far(_ sequence: UInt32, _ length: Int) -> Verdict {
        let end = sequence &+ UInt32(truncatingIfNeeded: length)
        if farNext == sequence {
            jump(to: sequence)
            gaps += 1
            advance(length)
            return .deliver(skip: 0)
        }
        farNext = end
        remember(Island(start: sequence, end: end))
        return .detached
    }

    private func wasSeen(_ sequence: UInt32, _ length: Int) -> Bool {
        if Island(start: islandStart, end: next).contains(sequence, length) { return true }
        // What was forgotten counts as seen: a copy is likelier than a late original.
        if islands.count == Stream.maxIslands, let oldest = islands.first,
            Int32(bitPattern: sequence &- oldest.start) < 0
        {
            return true
        }
        return islands.contains { $0.contains(sequence, length) }
    }

    private mutating func remember(_ island: Island) {
        if islands.count == Stream.maxIslands { islands.removeFirst() }
        islands.append(island)
    }

    private mutating func advance(_ length: Int) {
        next &+= UInt32(truncatingIfNeeded: length)
        // A run of 2 GiB would turn the comparison of sequence numbers around: forget its beginning.
        if Int32(bitPattern: next &- islandStart) > Stream.memory || Int32(bitPattern: next &- islandStart) < 0 {
            islandStart = next &- UInt32(Stream.memory / 2)
        }
    }

    private mutating func jump(to sequence: UInt32) {
        if next != islandStart { remember(Island(start: islandStart, end: next)) }
        next = sequence
        islandStart = sequence
    }

    // MARK: Kept segments

    /// Keeps the parts of `segment` that no kept segment covers; the first copy wins.
    mutating func hold(_ segment: HeldSegment) {
        if held.isEmpty {
            heldSince = segment.time
            heldPackets = 0
        }
        if phase == .joining, Int32(bitPattern: segment.sequence &- next) < 0 { next = segment.sequence }
        var rest = segment
        var index = 0
        while index < held.count {
            let other = held[index]
            let before = Int(Int32(bitPattern: other.sequence &- rest.sequence))
            if before > 0 {
                let free = min(before, rest.length)
                insert(rest.prefix(free), at: index)
                index += 1
            }
            // Skip what the kept one covers.
            let covered = Int(Int32(bitPattern: other.end &- rest.sequence))
            if covered >= rest.length { return }
            if covered > 0 { rest.drop(covered) }
            index += 1
        }
        insert(rest, at: held.count)
    }

    private mutating func insert(_ segment: HeldSegment, at index: Int) {
        guard segment.length > 0 else { return }
        heldBytes += segment.frame.count
        held.insert(segment, at: index)
    }

    /// The next kept segment that continues the stream, without what was delivered already.
    mutating func popReady() -> HeldSegment? {
        guard phase == .running else { return nil }
        while let first = held.first, Int32(bitPattern: first.sequence &- next) <= 0 {
            held.removeFirst()
            heldBytes -= first.frame.count
            let covered = Int(Int32(bitPattern: next &- first.sequence))
            guard covered < first.length else { continue }
            var segment = first
            segment.drop(covered)
            // The missing tail is announced by the caller as a gap.
            advance(Int(segment.payload.length))
            return segment
        }
        return nil
    }

    /// Gives up the bytes before the first kept segment; answers how many are lost, or nil when none is kept.
    mutating func skipHole(now: Int64) -> Int? {
        guard let first = held.first else { return nil }
        heldSince = now
        heldPackets = 0
        if phase == .joining {
            start(at: first.sequence)
            return 0
        }
        let lost = Int(first.sequence &- next)
        jump(to: first.sequence)
        gaps += 1
        gapBytes += lost
        return lost
    }

    /// Passes over bytes that the capture announces but does not hold.
    mutating func passOver(_ count: Int) {
        jump(to: next &+ UInt32(truncatingIfNeeded: count))
        gaps += 1
        gapBytes += count
    }

    /// Counts bytes that the capture announced, did not hold, and that were passed over already.
    mutating func noteGap(_ count: Int) {
        gaps += 1
        gapBytes += count
    }

    /// Whether the hole before the kept segments will not be filled any more. `isQuiet` says that a clock, not a
    /// packet, asks: nothing may come for long.
    func isHoleLost(now: Int64, limits: EngineOptions, isQuiet: Bool) -> Bool {
        guard let first = held.first else { return false }
        if held.count >= limits.maxHeldSegments || heldBytes > limits.maxHeldBytesPerStream { return true }
        let age = now &- heldSince
        let hasWaited = isQuiet || heldPackets >= Stream.holePackets
        if phase == .joining {
            return held.count >= Stream.joinSegments || heldPackets >= Stream.acknowledgedHolePackets
                || hasWaited && age >= Stream.joinTime
        }
        // The receiver has the missing bytes: only the capture lost them, or has them out of order by a little.
        if let acknowledgedByPeer, Int32(bitPattern: acknowledgedByPeer &- first.sequence) >= 0 {
            return heldPackets >= Stream.acknowledgedHolePackets || hasWaited && age >= Stream.acknowledgedHoleTime
        }
        return hasWaited && age >= Stream.holeTime
    }

    /// When ``isHoleLost(now:limits:)`` becomes true by time alone.
    var holeDeadline: Int64? {
        guard !held.isEmpty else { return nil }
        return heldSince &+ (phase == .joining ? Stream.joinTime : Stream.holeTime)
    }
}

extension HeldSegment {
    /// The first `count` sequence numbers.
    func prefix(_ count: Int) -> HeldSegment {
        guard count < length else { return self }
        var part = self
        part.payload.length = UInt32(min(count, Int(payload.length)))
        part.missing = max(0, count - Int(payload.length))
        return part
    }

    /// Drops the first `count` sequence numbers.
    mutating func drop(_ count: Int) {
        let captured = min(count, Int(payload.length))
        payload.offset += UInt32(captured)
        payload.length -= UInt32(captured)
        missing = max(0, missing - (count - captured))
        sequence &+= UInt32(truncatingIfNeeded: count)
    }
}
