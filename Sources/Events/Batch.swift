// SPDX-License-Identifier: Apache-2.0
public import Wire

/// One event of a batch: a run of entries sorted by field.
public struct Row: Sendable {
    /// The frame it was made of, as an index into ``Batch/frames``; -1 when it was made by the service itself.
    public var frame: Int32
    /// The `class_uid`.
    public var classUID: Int32
    /// The event's own time in nanoseconds since the epoch.
    public var time: Int64
    /// Its number in its lane.
    public var sequence: UInt64
    /// The number of the mapping that made it.
    public var mapping: UInt16
    /// Its number, from 1, among the events of its frame; 0 when the frame has one only.
    public var part: UInt16 = 0
    /// Where its entries begin in ``Batch/entries``.
    public var first: Int32
    /// How many entries it has.
    public var count: Int32
    /// A number that only events of one class share which have the same fields in the same order: what was looked for in
    /// one of them is at the same places in all. 0: nobody numbered them.
    public var layout: UInt32 = 0

    /// An event without entries.
    public init(frame: Int, classUID: Int, time: Int64, sequence: UInt64 = 0, mapping: UInt16 = 0, first: Int = 0) {
        self.frame = Int32(truncatingIfNeeded: frame)
        self.classUID = Int32(truncatingIfNeeded: classUID)
        self.time = time
        self.sequence = sequence
        self.mapping = mapping
        self.first = Int32(truncatingIfNeeded: first)
        self.count = 0
    }
}

/// The unit that moves through the service: the frames of one receive, the events made of them, and all their bytes.
///
/// It is owned: handing it to the next stage consumes it. `reset()` empties it for reuse, so that a lane in its steady
/// state allocates nothing.
public struct Batch: ~Copyable, Sendable {
    /// The bytes of frames and events.
    public var slab: Slab
    /// The frames, in the order of receipt.
    public private(set) var frames: [Frame]
    /// The events, in the order of their frames.
    public private(set) var rows: [Row]
    /// The entries of all events.
    public private(set) var entries: [Entry]
    /// The texts of the events that are one of several of their frame, by the number of the event and in this order.
    private var parts: [(row: Int, extent: Extent)] = []
    /// The fields that entries number.
    public private(set) var table: FieldTable
    /// The lane that owns the batch.
    public private(set) var lane: Int
    /// What frames were received through, beyond their peer; ``Frame/origin`` numbers it from 1.
    public private(set) var origins: [Origin]
    /// Where its frames stand in the journal; nil without one.
    public var position: JournalPosition?

    /// An empty batch of `lane`.
    public init(table: FieldTable, lane: Int = 0, capacity: Int = 256 * 1024) {
        self.slab = Slab(capacity: capacity)
        self.frames = []
        self.rows = []
        self.entries = []
        self.table = table
        self.lane = lane
        self.origins = []
    }

    /// Empties the batch, and sets the table that its next events use and the lane that owns it from now on.
    public mutating func reset(table: FieldTable? = nil, lane: Int? = nil) {
        slab.reset()
        frames.removeAll(keepingCapacity: true)
        rows.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
        origins.removeAll(keepingCapacity: true)
        if !parts.isEmpty { parts.removeAll(keepingCapacity: true) }
        position = nil
        if let table { self.table = table }
        if let lane { self.lane = lane }
    }

    /// Appends a frame whose bytes are already in the slab.
    public mutating func append(_ frame: Frame) { frames.append(frame) }

    /// Puts another frame in the place of number `index`: an event that came in several messages, joined.
    public mutating func replace(frame index: Int, with frame: Frame) {
        guard frames.indices.contains(index) else { return }
        frames[index] = frame
    }

    /// Copies `bytes` into the slab and appends them as a frame.
    public mutating func append(
        _ bytes: RawSpan, received: Int64, peer: IPAddress? = nil, peerPort: UInt16 = 0, listener: UInt16 = 0,
        transport: TransportKind, isCut: Bool = false, origin: UInt16 = 0
    ) {
        let extent = slab.append(bytes)
        frames.append(
            Frame(
                extent: extent, received: received, peer: peer, peerPort: peerPort, listener: listener,
                transport: transport, isCut: isCut, origin: origin))
    }

    /// The number that frames refer to `origin` by; equal ones share one. 0, which means none, when there are too many.
    public mutating func number(of origin: Origin) -> UInt16 {
        if let known = origins.lastIndex(of: origin) { return UInt16(known + 1) }
        guard origins.count < Int(UInt16.max) else { return 0 }
        origins.append(origin)
        return UInt16(origins.count)
    }

    /// What a frame was received through, beyond its peer; nil when there is nothing to tell.
    public func origin(of frame: Frame) -> Origin? {
        frame.origin > 0 && Int(frame.origin) <= origins.count ? origins[Int(frame.origin) - 1] : nil
    }

    /// Says that the last event was made of one part of its frame, number `number` (from 1), whose text is at `extent`.
    public mutating func setPart(_ number: UInt16, _ extent: Extent) {
        guard let last = rows.indices.last, rows[last].part == 0, number > 0 else { return }
        rows[last].part = number
        parts.append((last, extent))
    }

    /// Where the text stands that event number `row` was made of: its frame, or its part of the frame. Nil for an event of
    /// the service itself.
    public func source(of row: Int) -> Extent? {
        guard rows.indices.contains(row) else { return nil }
        let frame = Int(rows[row].frame)
        guard rows[row].part > 0 else { return frames.indices.contains(frame) ? frames[frame].extent : nil }
        var (low, high) = (0, parts.count)
        while low < high {
            let middle = (low + high) / 2
            if parts[middle].row < row { low = middle + 1 } else { high = middle }
        }
        return low < parts.count && parts[low].row == row ? parts[low].extent : nil
    }

    /// Begins an event; `put` adds to it until `endRow`.
    public mutating func beginRow(frame: Int, classUID: Int, time: Int64, mapping: UInt16 = 0) {
        rows.append(
            Row(frame: frame, classUID: classUID, time: time, mapping: mapping, first: entries.count))
    }

    /// Adds a value to the event begun last.
    @inlinable
    public mutating func put(_ entry: Entry) { append(entry) }

    @usableFromInline
    mutating func append(_ entry: Entry) { entries.append(entry) }

    /// Appends an event whose entries are all there: in the order of ``Entry/order``, no two at one place.
    public mutating func append(_ row: Row, entries sorted: UnsafeBufferPointer<Entry>) {
        var row = row
        row.first = Int32(entries.count)
        row.count = Int32(sorted.count)
        rows.append(row)
        entries.append(contentsOf: sorted)
    }

    /// Ends the event begun last: sorts its entries and drops all but the first of equal places. What was ended before
    /// and added to is sorted already up to there.
    public mutating func endRow(sequence: UInt64 = 0) {
        guard let last = rows.indices.last else { return }
        let first = Int(rows[last].first)
        let sorted = Int(rows[last].count)
        let kept = entries.withUnsafeMutableBufferPointer { entries in
            Batch.sort(UnsafeMutableBufferPointer(rebasing: entries[first...]), from: sorted)
        }
        entries.removeLast(entries.count - first - kept)
        rows[last].count = Int32(kept)
        rows[last].sequence = sequence
        rows[last].layout = 0
    }

    /// Sorts entries (they nearly are), of which the first `sorted` need none, and drops all but the first of equals.
    ///
    /// - Returns: how many are left.
    private static func sort(_ entries: UnsafeMutableBufferPointer<Entry>, from sorted: Int) -> Int {
        var hasEquals = false
        var moves = 0
        var index = max(1, sorted)
        while index < entries.count {
            if moves > 32 * entries.count {
                // The elements of several long arrays: each would move past all of another's.
                let all = entries.enumerated().sorted {
                    ($0.element.order, $0.offset) < ($1.element.order, $1.offset)
                }
                for (place, item) in all.enumerated() { entries[place] = item.element }
                hasEquals = true
                break
            }
            let moving = entries[index]
            let order = moving.order
            var place = index
            while place > 0, entries[place - 1].order > order {
                entries[place] = entries[place - 1]
                place -= 1
            }
            if place > 0, entries[place - 1].order == order { hasEquals = true }
            entries[place] = moving
            moves += index - place
            index += 1
        }
        guard hasEquals else { return entries.count }
        var kept = 0
        for index in entries.indices where index == 0 || entries[index].order != entries[kept - 1].order {
            entries[kept] = entries[index]
            kept += 1
        }
        return kept
    }

    /// Adds entries, which must be in the order of ``Entry/order`` with no two at one place, to the last event, which has
    /// been ended, and ends it again with what was put since: what it has at a place stands. Where nothing was put this is
    /// one merge from behind, so each entry moves at most once, and none where all that is added comes last.
    public mutating func endRow(adding added: UnsafeBufferPointer<Entry>) {
        guard let last = rows.indices.last else { return }
        let first = Int(rows[last].first)
        let count = Int(rows[last].count)
        guard entries.count == first + count else {
            entries.append(contentsOf: added)
            return endRow(sequence: rows[last].sequence)
        }
        guard !added.isEmpty else { return }
        let isBehind = count == 0 || entries[first + count - 1].order < added[0].order
        entries.append(contentsOf: added)
        var kept = count + added.count
        if !isBehind {
            let dropped = entries.withUnsafeMutableBufferPointer { entries in
                Batch.merge(added, into: UnsafeMutableBufferPointer(rebasing: entries[first...]), sorted: count)
            }
            if dropped > 0 { entries.removeLast(dropped) }
            kept -= dropped
        }
        rows[last].count = Int32(kept)
        rows[last].layout = 0
    }

    /// Inserts entries, in the order of ``Entry/order``, at number `place` of the last event, which has been ended: there
    /// they must stand by their order. Where they do not, or something was put since, they are added in the usual way.
    public mutating func insert(_ added: UnsafeBufferPointer<Entry>, at place: Int) {
        guard let last = rows.indices.last, let lowest = added.first, let highest = added.last else { return }
        let start = Int(rows[last].first)
        let count = Int(rows[last].count)
        guard entries.count == start + count, place >= 0, place <= count,
            place == 0 || entries[start + place - 1].order < lowest.order,
            place == count || highest.order < entries[start + place].order
        else { return endRow(adding: added) }
        // Room for them first; what they are is written below.
        entries.append(contentsOf: added)
        if place < count {
            entries.withUnsafeMutableBufferPointer { entries in
                guard let base = entries.baseAddress, let source = added.baseAddress else { return }
                let free = base + start + place
                (free + added.count).update(from: free, count: count - place)
                free.update(from: source, count: added.count)
            }
        }
        rows[last].count += Int32(added.count)
        rows[last].layout = 0
    }

    /// Merges `added` into the first `sorted` of `entries`, behind which is room for them.
    ///
    /// - Returns: how many were dropped because their place is taken.
    private static func merge(
        _ added: UnsafeBufferPointer<Entry>, into entries: UnsafeMutableBufferPointer<Entry>, sorted: Int
    ) -> Int {
        var old = sorted
        var free = entries.count
        var next = added.count
        var dropped = 0
        while next > 0 {
            let entry = added[next - 1]
            let order = entry.order
            while old > 0, entries[old - 1].order > order {
                free -= 1
                old -= 1
                entries[free] = entries[old]
            }
            next -= 1
            if old > 0, entries[old - 1].order == order {
                dropped += 1
            } else {
                free -= 1
                entries[free] = entry
            }
        }
        // The places kept for what was dropped are between what stayed and what moved.
        if dropped > 0 {
            for index in free..<entries.count { entries[index - dropped] = entries[index] }
        }
        return dropped
    }

    /// Puts a value of the same field and position in the place of entry number `index`.
    public mutating func replace(_ entry: Entry, at index: Int) {
        guard entries.indices.contains(index), entries[index].order == entry.order else { return }
        entries[index] = entry
    }

    /// The entries of event number `row`.
    @inlinable
    public func entries(of row: Int) -> Range<Int> {
        Int(rows[row].first)..<Int(rows[row].first) + Int(rows[row].count)
    }

    /// The first entry of `field` in event number `row`, or nil.
    @inlinable
    public func find(_ field: FieldID, in row: Int) -> Entry? {
        var low = Int(rows[row].first)
        let end = low + Int(rows[row].count)
        var high = end
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].field < field { low = middle + 1 } else { high = middle }
        }
        return low < end && entries[low].field == field ? entries[low] : nil
    }

    /// Calls `body` with the bytes of a text, constant, JSON or members entry.
    public func withBytes<Result>(of entry: Entry, _ body: (RawSpan) -> Result) -> Result {
        switch entry.kind {
        case .constant:
            let range = entry.extent.range
            let constants = table.constants
            guard range.upperBound <= constants.count else { return body(RawSpan()) }
            return body(constants.span.bytes.extracting(range))
        case .text, .json, .members: return body(slab.bytes(entry.extent))
        case .integer, .double, .boolean, .emptyArray: return body(RawSpan())
        }
    }

    /// The text of an entry: its bytes, or its number or truth value in JSON's notation.
    public func text(of entry: Entry) -> String {
        switch entry.kind {
        case .integer: String(entry.integer)
        case .double: String(entry.double)
        case .boolean: entry.boolean ? "true" : "false"
        case .emptyArray: "[]"
        case .text, .constant, .json, .members: withBytes(of: entry) { $0.text }
        }
    }

    /// The text of the first entry of a path in event number `row`, or nil: for the few places that are not hot.
    public func text(_ path: String, in row: Int) -> String? {
        table.id(path).flatMap { find($0, in: row) }.map { text(of: $0) }
    }

    /// The whole number of the first entry of a path in event number `row`, or nil.
    public func integer(_ path: String, in row: Int) -> Int64? {
        table.id(path).flatMap { find($0, in: row) }.flatMap { $0.kind == .integer ? $0.integer : nil }
    }
}
