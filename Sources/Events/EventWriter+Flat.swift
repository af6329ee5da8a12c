// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension EventWriter {
    /// Appends event number `row` as one JSON object in one pass over its entries: what stands between two values (ends
    /// of objects, a comma, keys) comes out of the table's ``PathTexts``.
    ///
    /// - Returns: false, with the slab as it was, when the event has objects in arrays, which this pass cannot write.
    static func appendFlat(_ row: Int, of batch: borrowing Batch, to slab: inout Slab) -> Bool {
        let start = slab.count
        let range = batch.entries(of: row)
        // One look at the table and its arrays for all entries: each is a reference to count.
        let table = batch.table
        let done = batch.entries.withUnsafeBufferPointer { entries in
            table.paths.paths.withUnsafeBufferPointer { paths in
                table.paths.levels.withUnsafeBufferPointer { levels in
                    table.paths.text.withUnsafeBytes { text in
                        table.constants.withUnsafeBytes { constants in
                            var writer = FlatWriter(
                                paths: paths, head: table.paths.longest + 2 * FlatWriter.long + 64, levels: levels,
                                text: text, constants: constants)
                            return writer.append(
                                UnsafeBufferPointer(rebasing: entries[range]), batch.slab, to: &slab)
                        }
                    }
                }
            }
        }
        if !done { slab.truncate(to: start) }
        return done
    }
}

/// The pass over one event. It writes through a pointer, with room for a window of entries made beforehand, and leaves
/// that loop only for what few events have.
private struct FlatWriter {
    /// Why the loop was left.
    private enum Stop {
        /// The event is over, or the room too small for the next entry.
        case end
        /// The entry's head is written, its value is not.
        case value
        /// So many bytes of the entry's text are written, after its quote.
        case text(Int)
        /// The event is not flat.
        case refused
    }

    /// The room that is made at once: most events take less.
    private static let room = 8192
    /// From how many bytes on a text is remembered, since a later one may hold it: the original text has the message in it.
    static let long = 64

    let paths: UnsafeBufferPointer<PathTexts.Path>
    /// The most bytes of an entry that is no long text, with all that stands before it.
    let head: Int
    let levels: UnsafeBufferPointer<PathTexts.Level>
    let text: UnsafeRawBufferPointer
    let constants: UnsafeRawBufferPointer
    /// The entry at which the loop goes on.
    private var index = 0
    /// How many objects are open below the event's own.
    private var open = 0
    /// The container of the last value.
    private var parent = PathTexts.none
    private var last = PathTexts.none
    private var isInList = false

    init(
        paths: UnsafeBufferPointer<PathTexts.Path>, head: Int, levels: UnsafeBufferPointer<PathTexts.Level>,
        text: UnsafeRawBufferPointer, constants: UnsafeRawBufferPointer
    ) {
        self.paths = paths
        self.head = head
        self.levels = levels
        self.text = text
        self.constants = constants
    }

    mutating func append(_ entries: UnsafeBufferPointer<Entry>, _ bytes: borrowing Slab, to slab: inout Slab) -> Bool {
        slab.append(byte: 0x7B)
        while index < entries.count {
            var stop = Stop.end
            let source = bytes.bytes
            slab.append(upTo: FlatWriter.room + head) { room in
                source.withUnsafeBytes { run(entries, $0, room, &stop) }
            }
            switch stop {
            case .end: break
            case .refused: return false
            case .value:
                let entry = entries[index]
                if paths[Int(entry.field)].form == .container {
                    // Members that stand on an object come first, then its fields.
                    slab.append(byte: 0x7B)
                    slab.append(repairing: bytes.bytes(entry.extent))
                    open += 1
                } else {
                    EventWriter.rare(entry, bytes, to: &slab)
                }
                index += 1
            case .text(let read):
                let entry = entries[index]
                let source = entry.kind == .text ? source : RawSpan(_unsafeBytes: constants)
                JSONText.appendEscaped(source.part(entry.extent), from: read, to: &slab)
                slab.append(byte: 0x22)
                index += 1
            }
        }
        if isInList { slab.append(byte: 0x5D) }
        while open >= 0 {
            slab.append(byte: 0x7D)
            open -= 1
        }
        return true
    }

    /// The last long text that was written whole, and where it stands.
    private struct Known {
        var extent: Extent
        var written: UnsafeRawBufferPointer
    }

    /// Writes the `count` bytes of a long text, if there is room for them; nil: there is none, and the slow way makes what
    /// it needs.
    @inline(never)
    private func long(
        _ entry: Entry, _ count: Int, _ source: UnsafeRawBufferPointer, _ start: UnsafeMutableRawPointer,
        _ limit: UnsafeMutableRawPointer, _ known: inout Known?, _ stop: inout Stop
    ) -> UnsafeMutableRawPointer? {
        guard let base = source.baseAddress, limit - start >= 2 * count else {
            stop = .text(0)
            return nil
        }
        let extent = entry.extent
        var out = start
        var read = 0
        if let known, entry.kind == .text, known.extent.offset >= extent.offset, known.extent.end <= extent.end,
            let text = known.written.baseAddress
        {
            // What stands before the known text, and that text as it was written.
            let before = Int(known.extent.offset - extent.offset)
            let done = JSONText.copyEscaped(base + Int(extent.offset), before, to: out)
            out += done.written
            read = done.read
            if read == before {
                out.copyMemory(from: text, byteCount: known.written.count)
                out += known.written.count
                read += Int(known.extent.length)
            }
        }
        let isWhole = read == 0
        let begin = out
        let done = JSONText.copyEscaped(base + Int(extent.offset) + read, count - read, to: out)
        out += done.written
        if read + done.read < count {
            stop = .text(read + done.read)
        } else if isWhole, entry.kind == .text {
            known = Known(extent: extent, written: UnsafeRawBufferPointer(start: begin, count: done.written))
        }
        return out
    }

    /// Writes entries into `room` as long as they fit and tells how many bytes that were.
    private mutating func run(
        _ entries: UnsafeBufferPointer<Entry>, _ bytes: UnsafeRawBufferPointer, _ room: UnsafeMutableRawBufferPointer,
        _ stop: inout Stop
    ) -> Int {
        guard let keys = text.baseAddress, let target = room.baseAddress else { return 0 }
        let end = entries.count
        // Behind it there is room for what stands before a value, and for a number.
        let limit = target + (room.count - head)
        var out = target
        var known: Known?
        // In registers while the loop runs.
        var (index, open, parent, last, isInList) = (self.index, self.open, self.parent, self.last, self.isInList)
        defer { (self.index, self.open, self.parent, self.last, self.isInList) = (index, open, parent, last, isInList) }
        while index < end {
            let entry = entries[index]
            guard Int(entry.field) < paths.count else {
                stop = .refused
                return 0
            }
            // The first entry of a room finds it empty.
            if out > limit { return out - target }
            let path = paths[Int(entry.field)]
            if entry.field == last {
                // Another element of a list; what else stands at one place with others goes the other way.
                guard isInList, entry.kind != .emptyArray, entry.kind != .json else {
                    stop = .refused
                    return 0
                }
                out.storeBytes(of: 0x2C, as: UInt8.self)
                out += 1
            } else {
                if isInList {
                    out.storeBytes(of: 0x5D, as: UInt8.self)
                    out += 1
                    isInList = false
                }
                var from = Int(path.key)
                var length = Int(path.length)
                let level = Int(path.first)
                let depth = Int(path.depth)
                var shared = depth
                if open != depth || path.parent != parent {
                    // The containers that the last value and this one have in common stay open.
                    let limit = min(open, depth)
                    shared = 0
                    while shared < limit, last >= levels[level + shared].low, last < levels[level + shared].high {
                        shared += 1
                    }
                    // Eight at once: the room for a head has slack.
                    var ends = open &- shared
                    while ends > 0 {
                        out.storeBytes(of: 0x7D7D_7D7D_7D7D_7D7D, as: UInt64.self)
                        out += min(ends, 8)
                        ends &-= 8
                    }
                    open = depth
                    parent = path.parent
                }
                if last != PathTexts.none {
                    out.storeBytes(of: 0x2C, as: UInt8.self)
                    out += 1
                }
                let key = Int(levels[level + shared].key)
                length -= key - from
                from = key
                // Keys in whole blocks: their text ends in a block of zeros.
                var offset = 0
                repeat {
                    out.storeBytes(
                        of: keys.loadUnaligned(fromByteOffset: from + offset, as: SIMD16<UInt8>.self),
                        toByteOffset: offset, as: SIMD16<UInt8>.self)
                    offset += 16
                } while offset < length
                out += length
                last = entry.field
                if path.form != .value {
                    guard path.form == .list, entry.kind != .emptyArray, entry.kind != .json else {
                        let isObject = path.form == .container && entry.kind == .members && !entry.extent.isEmpty
                        stop = isObject ? .value : .refused
                        return isObject ? out - target : 0
                    }
                    out.storeBytes(of: 0x5B, as: UInt8.self)
                    out += 1
                    isInList = true
                }
            }
            switch entry.kind {
            case .integer: out += Slab.write(decimal: entry.integer, at: out)
            case .text, .constant:
                let source = entry.kind == .text ? bytes : constants
                let extent = entry.extent
                var count = Int(extent.length)
                if Int(extent.offset) &+ count > source.count { count = max(0, source.count &- Int(extent.offset)) }
                out.storeBytes(of: 0x22, as: UInt8.self)
                out += 1
                if count >= FlatWriter.long {
                    guard let end = long(entry, count, source, out, limit, &known, &stop) else { return out - target }
                    out = end
                    if case .text = stop { return out - target }
                } else if let base = source.baseAddress, count > 0 {
                    let done = JSONText.copyEscaped(base + Int(extent.offset), count, to: out)
                    out += done.written
                    guard done.read == count else {
                        stop = .text(done.read)
                        return out - target
                    }
                }
                out.storeBytes(of: 0x22, as: UInt8.self)
                out += 1
            default:
                stop = .value
                return out - target
            }
            index += 1
        }
        return out - target
    }
}
