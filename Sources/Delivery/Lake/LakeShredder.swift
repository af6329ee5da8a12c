// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Wire

/// Takes the rows of batches apart into the columns of one class (Melnik et al., "Dremel", 2010, section 4).
///
/// Entries come sorted by field in nesting order, which is the order of columns: one pass over them, beside one pass
/// over the children of each object that is there. Inside an array of objects the entries are first put in the order
/// of the elements, by counting; so the whole costs time proportional to the entries and the columns touched.
struct LakeShredder: ~Copyable {
    let schema: LakeSchema
    /// The values that had no column of their kind so far.
    private(set) var misfitCount = 0
    /// The values that not even the misfits column took (more than 64 MiB), so far.
    private(set) var refusedCount = 0

    private var scratch: [Entry] = []
    private var misfits: [Entry] = []
    private var starts: [Int] = []
    private var json = Slab(capacity: 1024)

    init(_ schema: LakeSchema) { self.schema = schema }

    /// Appends event number `row` of `batch` as one row.
    mutating func append(_ row: Int, of batch: borrowing Batch, to writer: inout ParquetWriter) {
        scratch.removeAll(keepingCapacity: true)
        misfits.removeAll(keepingCapacity: true)
        let entries = batch.entries
        var broken: Entry?
        for index in batch.entries(of: row) {
            let entry = entries[index]
            let number = schema.nodeOf[Int(entry.field)]
            guard number >= 0 else {
                misfits.append(entry)
                continue
            }
            let node = schema.nodes[Int(number)]
            if let broken, isSameList(entry, broken) {
                misfits.append(entry)
            } else if fits(entry, node, batch) {
                scratch.append(entry)
            } else {
                misfits.append(entry)
                if node.isList, !node.isGroup { broken = takeBack(entry) }
            }
        }
        let count = scratch.count
        var index = 0
        while index < count {
            let root = schema.nodes[Int(schema.nodeOf[Int(scratch[index].field)])].root
            let end = schema.nodes[root].fields.upperBound
            var stop = index + 1
            while stop < count, scratch[stop].field < end { stop += 1 }
            node(root, index..<stop, 0, batch, &writer)
            index = stop
        }
        if !misfits.isEmpty { appendMisfits(batch, &writer) }
        writer.endRow()
    }

    /// Whether two values are elements of the same list of values.
    private func isSameList(_ entry: Entry, _ other: Entry) -> Bool {
        guard entry.field == other.field else { return false }
        let levels = schema.nodes[Int(schema.nodeOf[Int(entry.field)])].lists - 1
        return Entry.prefix(entry.element, levels: levels) == Entry.prefix(other.element, levels: levels)
    }

    /// Makes all elements of a list misfits, because one is: a list in two halves would have lost its order.
    private mutating func takeBack(_ entry: Entry) -> Entry {
        while let last = scratch.last, isSameList(last, entry) { misfits.append(scratch.removeLast()) }
        return entry
    }

    /// Whether the entry's kind is that of the node's column, so that nothing of the value changes in it.
    private func fits(_ entry: Entry, _ node: LakeSchema.Node, _ batch: borrowing Batch) -> Bool {
        if entry.kind == .emptyArray {
            if node.isList { return entry.field == node.fields.lowerBound }
            return node.type == .json && !node.isGroup
        }
        if node.isGroup { return false }
        // A whole array where elements are expected: the event writer's way, not a column's.
        if node.isList, entry.kind == .json, batch.slab.bytes(entry.extent).byte(at: 0) == 0x5B { return false }
        switch node.type {
        case .string:
            return (entry.kind == .text || entry.kind == .constant) && Int(entry.extent.length) <= LakeShredder.longest
        case .boolean: return entry.kind == .boolean
        case .int32: return whole(entry).map { Int32(exactly: $0) != nil } ?? false
        case .int64, .timestampMillis: return whole(entry) != nil
        case .double:
            return entry.kind == .double
                || entry.kind == .integer && Int64(exactly: Double(entry.integer)) == entry.integer
        case .json:
            switch entry.kind {
            case .text, .constant, .json, .members: return Int(entry.extent.length) <= LakeShredder.longest / 8
            case .integer, .double, .boolean, .emptyArray: return true
            }
        }
    }

    /// The longest text of one value; the writer refuses longer ones.
    private static let longest = 64 << 20

    private func whole(_ entry: Entry) -> Int64? {
        switch entry.kind {
        case .integer: entry.integer
        case .double: Int64(exactly: entry.double)
        default: nil
        }
    }

    // MARK: The tree

    /// One node with the entries of its subtree; there is at least one.
    private mutating func node(
        _ number: Int, _ range: Range<Int>, _ repetition: Int, _ batch: borrowing Batch, _ writer: inout ParquetWriter
    ) {
        let node = schema.nodes[number]
        if node.isList {
            list(number, range, repetition, batch, &writer)
        } else if node.isGroup {
            group(number, range, repetition, batch, &writer)
        } else {
            value(node, range, repetition, batch, &writer)
        }
    }

    /// An object that is there: each child has an entry, if only to say that it is absent.
    private mutating func group(
        _ number: Int, _ range: Range<Int>, _ repetition: Int, _ batch: borrowing Batch, _ writer: inout ParquetWriter
    ) {
        let node = schema.nodes[number]
        var index = range.lowerBound
        for place in node.children {
            let number = schema.children[place]
            let child = schema.nodes[number]
            var stop = index
            while stop < range.upperBound, scratch[stop].field < child.fields.upperBound { stop += 1 }
            if stop > index {
                self.node(number, index..<stop, repetition, batch, &writer)
                index = stop
            } else {
                writer.appendNull(to: child.leaves, definition: node.elementDefinition, repetition: repetition)
            }
        }
    }

    /// An array that is there, with or without elements.
    private mutating func list(
        _ number: Int, _ range: Range<Int>, _ repetition: Int, _ batch: borrowing Batch, _ writer: inout ParquetWriter
    ) {
        let node = schema.nodes[number]
        let level = node.lists - 1
        var from = range.lowerBound
        // "No elements" may stand beside elements when two mappings speak; then it is not true.
        while from < range.upperBound, scratch[from].kind == .emptyArray, scratch[from].field == node.fields.lowerBound
        {
            from += 1
        }
        guard from < range.upperBound else {
            writer.appendNull(to: node.leaves, definition: node.definition, repetition: repetition)
            return
        }
        if !node.isGroup, node.fields.count == 1 {
            for index in from..<range.upperBound {
                value(node, index..<index + 1, index == from ? repetition : node.lists, batch, &writer)
            }
            return
        }
        let base = scratch.count
        let last = sort(from..<range.upperBound, level: level)
        let end = scratch.count
        var index = base
        for position in 0...last {
            var stop = index
            while stop < end, Int(Entry.position(scratch[stop].element, level: level)) == position { stop += 1 }
            let mark = position == 0 ? repetition : node.lists
            if node.isGroup {
                group(number, index..<stop, mark, batch, &writer)
            } else {
                value(node, index..<stop, mark, batch, &writer)
            }
            index = stop
        }
        scratch.removeLast(scratch.count - base)
    }

    /// Appends the entries of `range` to the scratch in the order of their positions in array `level`.
    ///
    /// - Returns: the last position.
    private mutating func sort(_ range: Range<Int>, level: Int) -> Int {
        var last = 0
        for index in range { last = max(last, Int(Entry.position(scratch[index].element, level: level))) }
        let base = scratch.count
        scratch.append(contentsOf: scratch[range])
        guard last > 0 else { return 0 }
        starts.removeAll(keepingCapacity: true)
        starts.append(contentsOf: repeatElement(0, count: last + 2))
        for index in range { starts[Int(Entry.position(scratch[index].element, level: level)) + 1] += 1 }
        for position in 1...last + 1 { starts[position] += starts[position - 1] }
        for index in range {
            let position = Int(Entry.position(scratch[index].element, level: level))
            scratch[base + starts[position]] = scratch[index]
            starts[position] += 1
        }
        return last
    }

    // MARK: Values

    private mutating func value(
        _ node: LakeSchema.Node, _ range: Range<Int>, _ repetition: Int, _ batch: borrowing Batch,
        _ writer: inout ParquetWriter
    ) {
        let column = node.leaves.lowerBound
        guard node.type != .json else {
            json.reset()
            LakeJSON.append(scratch[range], of: batch, column: node.fields.lowerBound, to: &json)
            writer.append(bytes: json.bytes, to: column, repetition: repetition)
            return
        }
        let entry = scratch[range.lowerBound]
        switch entry.kind {
        case .text: writer.append(bytes: batch.slab.bytes(entry.extent), to: column, repetition: repetition)
        case .constant:
            let constants = batch.table.constants
            writer.append(bytes: constants.span.bytes.part(entry.extent), to: column, repetition: repetition)
        case .integer where node.type == .double:
            writer.append(double: Double(entry.integer), to: column, repetition: repetition)
        case .integer: writer.append(int: entry.integer, to: column, repetition: repetition)
        case .double where node.type == .double: writer.append(double: entry.double, to: column, repetition: repetition)
        case .double: writer.append(int: Int64(entry.double), to: column, repetition: repetition)
        case .boolean: writer.append(bool: entry.boolean, to: column, repetition: repetition)
        case .json, .members, .emptyArray: break
        }
    }

    private mutating func appendMisfits(_ batch: borrowing Batch, _ writer: inout ParquetWriter) {
        misfitCount += misfits.count
        json.reset()
        LakeJSON.append(event: misfits, of: batch, to: &json)
        if !writer.append(bytes: json.bytes, to: schema.misfitColumn) { refusedCount += misfits.count }
    }
}
