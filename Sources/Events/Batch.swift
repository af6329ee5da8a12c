// SPDX-License-Identifier: Apache-2.0
public import Wire

/// How a frame came in.
public enum TransportKind: UInt8, Sendable, CaseIterable {
    /// A UDP datagram.
    case udp
    /// A frame of a TCP stream.
    case tcp
    /// A frame of a TLS stream.
    case tls
    /// A sensor record from a live interface or a capture file.
    case sensor
    /// A line of a file or of standard input.
    case file

    /// The name used in metrics and events.
    public var name: String {
        switch self {
        case .udp: "udp"
        case .tcp: "tcp"
        case .tls: "tls"
        case .sensor: "sensor"
        case .file: "file"
        }
    }
}

/// One message or sensor record as it came in, before anything was made of it.
public struct Frame: Sendable {
    /// Its bytes in the slab.
    public var extent: Extent
    /// When it was received, in nanoseconds since the epoch. Of a sensor record: the packet's own time.
    public var received: Int64
    /// Who sent it; nil for files.
    public var peer: IPAddress?
    /// The sender's port, 0 when unknown.
    public var peerPort: UInt16
    /// The number of the listener or source in the configuration.
    public var listener: UInt16
    /// How it came in.
    public var transport: TransportKind
    /// Whether it was cut to the size limit, or by the end of its connection.
    public var isCut: Bool

    /// A frame.
    public init(
        extent: Extent, received: Int64, peer: IPAddress? = nil, peerPort: UInt16 = 0, listener: UInt16 = 0,
        transport: TransportKind, isCut: Bool = false
    ) {
        self.extent = extent
        self.received = received
        self.peer = peer
        self.peerPort = peerPort
        self.listener = listener
        self.transport = transport
        self.isCut = isCut
    }
}

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
    /// Where its entries begin in ``Batch/entries``.
    public var first: Int32
    /// How many entries it has.
    public var count: Int32
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
    /// The fields that entries number.
    public private(set) var table: FieldTable
    /// The lane that owns the batch.
    public private(set) var lane: Int

    /// An empty batch of `lane`.
    public init(table: FieldTable, lane: Int = 0, capacity: Int = 256 * 1024) {
        self.slab = Slab(capacity: capacity)
        self.frames = []
        self.rows = []
        self.entries = []
        self.table = table
        self.lane = lane
    }

    /// Empties the batch, and sets the table that its next events use and the lane that owns it from now on.
    public mutating func reset(table: FieldTable? = nil, lane: Int? = nil) {
        slab.reset()
        frames.removeAll(keepingCapacity: true)
        rows.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
        if let table { self.table = table }
        if let lane { self.lane = lane }
    }

    /// Appends a frame whose bytes are already in the slab.
    public mutating func append(_ frame: Frame) { frames.append(frame) }

    /// Copies `bytes` into the slab and appends them as a frame.
    public mutating func append(
        _ bytes: RawSpan, received: Int64, peer: IPAddress? = nil, peerPort: UInt16 = 0, listener: UInt16 = 0,
        transport: TransportKind, isCut: Bool = false
    ) {
        let extent = slab.append(bytes)
        frames.append(
            Frame(
                extent: extent, received: received, peer: peer, peerPort: peerPort, listener: listener,
                transport: transport, isCut: isCut))
    }

    /// Begins an event; `put` adds to it until `endRow`.
    public mutating func beginRow(frame: Int, classUID: Int, time: Int64, mapping: UInt16 = 0) {
        rows.append(
            Row(
                frame: Int32(frame), classUID: Int32(classUID), time: time, sequence: 0, mapping: mapping,
                first: Int32(entries.count), count: 0))
    }

    /// Adds a value to the event begun last.
    @inlinable
    public mutating func put(_ entry: Entry) { append(entry) }

    @usableFromInline
    mutating func append(_ entry: Entry) { entries.append(entry) }

    /// Ends the event begun last: sorts its entries (they nearly are) and drops all but the first of equal places.
    public mutating func endRow(sequence: UInt64 = 0) {
        guard let last = rows.indices.last else { return }
        let first = Int(rows[last].first)
        var index = first + 1
        while index < entries.count {
            let moving = entries[index]
            var place = index
            while place > first, entries[place - 1].order > moving.order {
                entries[place] = entries[place - 1]
                place -= 1
            }
            entries[place] = moving
            index += 1
        }
        var kept = first
        for index in first..<entries.count where index == first || entries[index].order != entries[kept - 1].order {
            entries[kept] = entries[index]
            kept += 1
        }
        entries.removeLast(entries.count - kept)
        rows[last].count = Int32(kept - first)
        rows[last].sequence = sequence
    }

    /// Takes back the event begun last.
    public mutating func abandonRow() {
        guard let last = rows.popLast() else { return }
        entries.removeLast(entries.count - Int(last.first))
    }

    /// Sets the class of the event begun last.
    public mutating func setClass(_ uid: Int) {
        guard !rows.isEmpty else { return }
        rows[rows.count - 1].classUID = Int32(uid)
    }

    /// Sets the time of the event begun last.
    public mutating func setTime(_ time: Int64) {
        guard !rows.isEmpty else { return }
        rows[rows.count - 1].time = time
    }

    /// The entries of event number `row`.
    @inlinable
    public func entries(of row: Int) -> Range<Int> {
        Int(rows[row].first)..<Int(rows[row].first) + Int(rows[row].count)
    }

    /// The first entry of `field` in event number `row`, or nil.
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
