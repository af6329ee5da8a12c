// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Joins the long events that Cisco ISE splits over several messages
/// (`… CISE_Passed_Authentications 0000000487 3 0 text`: message id, how many, which one from 0).
///
/// One joiner belongs to one lane, which asks `mayBeISESegment` of each message first, because that is not generic and
/// costs a few instructions. ``take(_:from:at:_:)`` is called once a message; what it holds comes out of ``next()``
/// later, joined in order: when the set is complete, or as what came of it after ``Limits/age``, when the limits are
/// reached, when the sender begins a new set under the same id, or at ``flush()``. Nothing that was held is ever left
/// out, but for segments that came twice with the same bytes.
public struct SegmentJoiner<Context: Sendable>: Sendable {
    /// What is held at most.
    public struct Limits: Sendable {
        /// Open sets.
        public var sets = 1_024
        /// Bytes of all open sets.
        public var bytes = 4 << 20
        /// Segments of one set; a message that claims more is passed on as it is.
        public var segments = 99
        /// Nanoseconds from the first segment's receipt until a set is given out as it is.
        public var age: Int64 = 5_000_000_000

        /// The defaults.
        public init() {}
    }

    /// A joined event.
    public struct Joined: Sendable {
        /// The first segment as it came, with the texts of the others behind it.
        public var bytes: [UInt8]
        /// How many segments are missing; 0 in a complete event.
        public var missing: Int
        /// When the first segment to arrive was received.
        public var received: Int64
        /// What the caller gave with the first segment to arrive.
        public var context: Context
    }

    /// What became of the segments.
    public struct Counts: Sendable {
        /// Segments held.
        public var segments = 0
        /// Complete events.
        public var joined = 0
        /// Sets given out incomplete because of their age.
        public var expired = 0
        /// Sets given out incomplete because there were too many, or too many bytes.
        public var evicted = 0
        /// Sets given out incomplete because their sender used the id again, with another total or another text.
        public var superseded = 0
        /// Segments left out because the same bytes were there.
        public var repeated = 0
        /// Segments passed on as they are: the total or the index is impossible, or beyond the limit.
        public var refused = 0
    }

    /// What is held at most.
    public let limits: Limits
    /// What became of the segments so far.
    public private(set) var counts = Counts()
    /// Bytes held.
    public private(set) var heldBytes = 0

    private struct Key: Hashable {
        var peer: IPAddress?
        /// Host, category and message id, as they stand in the message.
        var name: [UInt8]
    }

    private struct Part {
        var index: Int
        var bytes: [UInt8]
        /// Where the text begins.
        var text: Int
    }

    private struct Open {
        var total: Int
        var received: Int64
        var context: Context
        /// By index.
        var parts: [Part]
        var bytes: Int
    }

    private var open: [Key: Open] = [:]
    /// The keys in the order of their first segments; those no longer open are passed over.
    private var order: [(key: Key, received: Int64)] = []
    private var ready: [Joined] = []

    /// A joiner that holds nothing.
    public init(_ limits: Limits = Limits()) { self.limits = limits }

    /// How many sets are open.
    public var openSets: Int { open.count }
    /// Whether nothing is held and nothing waits to be taken out.
    public var isEmpty: Bool { open.isEmpty && ready.isEmpty }

    /// Takes a message, if it is a segment.
    ///
    /// - Returns: whether it is held; a message that is not held is the caller's to pass on. ``next()`` may have something
    ///   to give in both cases.
    public mutating func take(_ message: RawSpan, from peer: IPAddress?, at received: Int64, _ context: Context) -> Bool
    {
        guard message.mayBeISESegment, let segment = Segment(message) else { return false }
        return hold(segment, message, peer, received, context)
    }

    /// The next event that is ready, in the order in which they became so.
    public mutating func next() -> Joined? { ready.isEmpty ? nil : ready.removeFirst() }

    /// Gives out the sets whose first segment came too long ago; `now` is in the same clock as the times of receipt.
    public mutating func expire(now: Int64) {
        while let first = order.first {
            guard let set = open[first.key], set.received == first.received else {
                order.removeFirst()
                continue
            }
            // A clock that was set back must not keep sets for longer.
            let age = now.subtractingReportingOverflow(set.received)
            guard age.overflow || age.partialValue >= limits.age || age.partialValue < -limits.age else { return }
            counts.expired += 1
            release(first.key)
        }
    }

    /// Gives out everything that is held.
    public mutating func flush() {
        for entry in order where open[entry.key]?.received == entry.received {
            counts.expired += 1
            release(entry.key)
        }
        order.removeAll()
    }

    private mutating func hold(
        _ segment: Segment, _ message: RawSpan, _ peer: IPAddress?, _ received: Int64, _ context: Context
    ) -> Bool {
        guard segment.total > 1 else { return false }
        guard segment.total <= limits.segments, segment.index < segment.total, message.byteCount <= limits.bytes else {
            counts.refused += 1
            return false
        }
        let key = Key(peer: peer, name: message.part(segment.name).array)
        let part = Part(
            index: segment.index, bytes: message.part(0, SyslogParser.trimmedCount(message)).array, text: segment.text)
        counts.segments += 1
        if let set = open[key] {
            let twin = set.parts.first { $0.index == part.index }
            if set.total == segment.total, let twin, twin.bytes[twin.text...] == part.bytes[part.text...] {
                counts.repeated += 1
                return true
            }
            if set.total != segment.total || twin != nil {
                counts.superseded += 1
                release(key)
            }
        }
        var set =
            open.removeValue(forKey: key)
            ?? Open(total: segment.total, received: received, context: context, parts: [], bytes: 0)
        if set.parts.isEmpty { order.append((key, received)) }
        let place = set.parts.firstIndex { $0.index > part.index } ?? set.parts.count
        set.parts.insert(part, at: place)
        set.bytes += part.bytes.count
        heldBytes += part.bytes.count
        let isComplete = set.parts.count == set.total
        open[key] = set
        if isComplete {
            counts.joined += 1
            release(key)
        }
        while open.count > limits.sets || heldBytes > limits.bytes, let first = order.first {
            order.removeFirst()
            guard open[first.key]?.received == first.received else { continue }
            counts.evicted += 1
            release(first.key)
        }
        // Keys that are done are passed over here too, so that the order stays as short as what it orders.
        if order.count > limits.sets &* 2 { order.removeAll { open[$0.key]?.received != $0.received } }
        return true
    }

    private mutating func release(_ key: Key) {
        guard let set = open.removeValue(forKey: key) else { return }
        heldBytes -= set.bytes
        var bytes: [UInt8] = []
        bytes.reserveCapacity(set.bytes)
        for part in set.parts { bytes += bytes.isEmpty ? part.bytes[...] : part.bytes[part.text...] }
        ready.append(
            Joined(
                bytes: bytes, missing: set.total - set.parts.count, received: set.received, context: set.context))
    }
}

/// Where the parts of an ISE segment stand.
struct Segment {
    /// Host, category and message id.
    var name: Extent
    var total: Int
    var index: Int
    /// Where the text begins.
    var text: Int

    /// Reads `<PRI>`, one or two BSD headers, and `CISE_<category> <ten digits> <total> <index> `.
    init?(_ bytes: RawSpan) {
        guard let close = bytes.part(0, 6).firstIndex(of: 0x3E) else { return nil }
        var position = close + 1
        for _ in 0..<2 {
            guard let time = SyslogTimestamp.read(bytes, at: position), bytes.byte(at: time.end) == 0x20 else {
                return nil
            }
            let host = bytes.endOfBlanks(from: time.end)
            position = bytes.endOfWord(from: host) + 1
            guard bytes.hasBytes("CISE_", at: position) else { continue }
            let id = bytes.endOfWord(from: position) + 1
            let total = id + 11
            let index = bytes.endOfWord(from: total) + 1
            let end = bytes.endOfWord(from: index)
            guard bytes.part(id, 10).decimal != nil, bytes.byte(at: id + 10) == 0x20,
                let count = bytes.part(total, index - 1 - total).decimal, count <= 99_999,
                let number = bytes.part(index, end - index).decimal, number <= 99_999
            else { return nil }
            name = Extent(host..<id + 10)
            self.total = Int(count)
            self.index = Int(number)
            text = min(end + 1, bytes.byteCount)
            return
        }
        return nil
    }
}

extension RawSpan {
    /// Whether behind `<PRI>` and a BSD timestamp a host and `CISE_` may stand, or a host and a second header: a few
    /// instructions for nearly every message that is something else.
    public var mayBeISESegment: Bool {
        guard let head = word(at: 0), head & 0xFF == 0x3C else { return false }
        // `<d>` to `<ddd>`, then the first letter of a month.
        let length = head & 0xFF_0000 == 0x3E_0000 ? 3 : head & 0xFF00_0000 == 0x3E00_0000 ? 4 : 5
        let month = UInt8(truncatingIfNeeded: head &>> UInt64(truncatingIfNeeded: length &* 8))
        return month &- 0x41 <= 25 && hasSegmentName(length)
    }

    /// Whether `CISE_` stands where one or two headers end that begin at `start`.
    @inline(never)
    private func hasSegmentName(_ start: Int) -> Bool {
        // `Mar  5 14:` or `Mar 5 14:`
        let isPadded = byte(at: start &+ 9) == 0x3A
        guard byte(at: start &+ 3) == 0x20, isPadded || byte(at: start &+ 8) == 0x3A else { return false }
        let end = endOfWord(from: start &+ (isPadded ? 16 : 15))
        if byte(at: end &+ 4) == 0x20 { return part(end, 320).firstRange(of: "CISE_") != nil }
        return byte(at: end &+ 1) == 0x43 && hasBytes("CISE_", at: end &+ 1)
    }
}
