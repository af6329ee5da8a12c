// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Writes events of a batch as OCSF JSON, in one pass over their sorted entries.
public enum EventWriter {
    /// Appends event number `row` as one JSON object, without a line feed.
    public static func append(_ row: Int, of batch: borrowing Batch, to slab: inout Slab) {
        if appendFlat(row, of: batch, to: &slab) { return }
        slab.append(byte: 0x7B)
        var isFirst = true
        members(batch.entries(of: row), .all, of: batch, depth: 0, arrays: 0, isFirst: &isFirst, to: &slab)
        slab.append(byte: 0x7D)
    }

    /// Appends what lies inside container `field` of event number `row` as one JSON object, or nothing when it is
    /// empty there.
    ///
    /// - Returns: whether something was written.
    @discardableResult
    public static func append(container field: FieldID, row: Int, of batch: borrowing Batch, to slab: inout Slab)
        -> Bool
    {
        let end = batch.table.fields[Int(field)].end
        let all = batch.entries(of: row)
        var low = all.lowerBound
        while low < all.upperBound, batch.entries[low].field < field { low += 1 }
        var high = low
        while high < all.upperBound, batch.entries[high].field < end { high += 1 }
        guard low < high else { return false }
        content(low..<high, .all, container: field, of: batch, to: &slab)
        return true
    }

    /// Which entries of a range count: those at one position of the arrays around them. Entries are in the order of their
    /// fields, so what one object of an array has is not a run of them.
    private struct Selection {
        var mask: UInt32
        var element: UInt32

        static let all = Selection(mask: 0, element: 0)

        func takes(_ entry: Entry) -> Bool { entry.element & mask == element }

        /// Of the entries, those at a position of array number `level` too.
        func at(_ position: UInt32, level: Int) -> Selection {
            let shift: UInt32 = level == 0 ? 20 : level == 1 ? 10 : 0
            let bits: UInt32 = level == 0 ? 0xFFF : 0x3FF
            return Selection(mask: mask | bits << shift, element: element | position << shift)
        }
    }

    /// The members of one object: `range` holds entries whose fields lie below it, `depth` levels deep.
    private static func members(
        _ range: Range<Int>, _ selection: Selection, of batch: borrowing Batch, depth: Int, arrays: Int,
        isFirst: inout Bool, to slab: inout Slab
    ) {
        var index = range.lowerBound
        while index < range.upperBound {
            let entry = batch.entries[index]
            guard selection.takes(entry) else {
                index += 1
                continue
            }
            // The field at this depth that the entry is, or lies in.
            var id = entry.field
            while batch.table.fields[Int(id)].depth > depth, let parent = batch.table.fields[Int(id)].parent {
                id = parent
            }
            let isArray = batch.table.fields[Int(id)].isArray
            let isContainer = batch.table.fields[Int(id)].isContainer
            let limit = batch.table.fields[Int(id)].end
            var stop = index + 1
            var count = 1
            while stop < range.upperBound, batch.entries[stop].field < limit {
                if selection.takes(batch.entries[stop]) { count += 1 }
                stop += 1
            }
            if !isFirst { slab.append(byte: 0x2C) }
            isFirst = false
            let key = batch.table.fields[Int(id)].key
            slab.append(key.span.bytes)
            if entry.kind == .emptyArray, entry.field == id {
                slab.append("[]")
            } else if isArray, arrays < 3,
                !(entry.field == id && entry.kind == .json && count == 1 && isWhole(entry, batch))
            {
                elements(
                    index..<stop, selection, field: id, isContainer: isContainer, of: batch, arrays: arrays, to: &slab)
            } else if isContainer {
                content(index..<stop, selection, container: id, of: batch, arrays: arrays, to: &slab)
            } else {
                value(entry, of: batch, to: &slab)
            }
            index = stop
        }
    }

    /// Whether a JSON entry on an array field is the whole array, not one element of it.
    private static func isWhole(_ entry: Entry, _ batch: borrowing Batch) -> Bool {
        batch.slab.bytes(entry.extent).byte(at: 0) == 0x5B
    }

    /// A container: members that stand on the container itself come first, then its fields. The first entry of `range`
    /// counts.
    private static func content(
        _ range: Range<Int>, _ selection: Selection, container id: FieldID, of batch: borrowing Batch,
        arrays: Int? = nil, to slab: inout Slab
    ) {
        let entry = batch.entries[range.lowerBound]
        if entry.field == id, entry.kind != .members {
            // A value where the schema has an object: what was read is written.
            value(entry, of: batch, to: &slab)
            return
        }
        let field = batch.table.fields[Int(id)]
        slab.append(byte: 0x7B)
        var isFirst = true
        var start = range.lowerBound
        while start < range.upperBound, batch.entries[start].field == id {
            let entry = batch.entries[start]
            if entry.kind == .members, entry.extent.length > 0, selection.takes(entry) {
                if !isFirst { slab.append(byte: 0x2C) }
                isFirst = false
                slab.append(repairing: batch.slab.bytes(entry.extent))
            }
            start += 1
        }
        members(
            start..<range.upperBound, selection, of: batch, depth: field.depth + 1, arrays: arrays ?? field.arrayDepth,
            isFirst: &isFirst, to: &slab)
        slab.append(byte: 0x7D)
    }

    /// An array: the entries of `range` are regrouped by their position in it.
    private static func elements(
        _ range: Range<Int>, _ selection: Selection, field id: FieldID, isContainer: Bool, of batch: borrowing Batch,
        arrays: Int, to slab: inout Slab
    ) {
        slab.append(byte: 0x5B)
        var isFirst = true
        if !isContainer {
            for index in range where selection.takes(batch.entries[index]) {
                if !isFirst { slab.append(byte: 0x2C) }
                isFirst = false
                value(batch.entries[index], of: batch, to: &slab)
            }
        } else {
            var last: UInt32 = 0
            for index in range where selection.takes(batch.entries[index]) {
                last = max(last, Entry.position(batch.entries[index].element, level: arrays))
            }
            for position in 0...last {
                if position > 0 { slab.append(byte: 0x2C) }
                object(range, selection.at(position, level: arrays), of: id, level: arrays, of: batch, to: &slab)
            }
        }
        slab.append(byte: 0x5D)
    }

    /// One object of an array.
    private static func object(
        _ range: Range<Int>, _ selection: Selection, of id: FieldID, level: Int, of batch: borrowing Batch,
        to slab: inout Slab
    ) {
        var start = range.lowerBound
        while start < range.upperBound, !selection.takes(batch.entries[start]) { start += 1 }
        if start == range.upperBound {
            slab.append("{}")
        } else {
            content(start..<range.upperBound, selection, container: id, of: batch, arrays: level + 1, to: &slab)
        }
    }

    private static func value(_ entry: Entry, of batch: borrowing Batch, to slab: inout Slab) {
        switch entry.kind {
        case .integer: slab.append(decimal: entry.integer)
        case .text: JSONText.append(batch.slab.bytes(entry.extent), to: &slab)
        case .constant:
            let range = entry.extent.range
            let constants = batch.table.constants
            if range.upperBound <= constants.count {
                JSONText.append(constants.span.bytes.extracting(range), to: &slab)
            }
        case .double, .boolean, .json, .members, .emptyArray: rare(entry, batch.slab, to: &slab)
        }
    }

    /// The kinds of value that few events have.
    static func rare(_ entry: Entry, _ bytes: borrowing Slab, to slab: inout Slab) {
        switch entry.kind {
        case .double: slab.append(entry.double.isFinite ? String(entry.double) : "null")
        case .boolean: slab.append(entry.boolean ? "true" : "false")
        case .json: slab.append(repairing: bytes.bytes(entry.extent))
        case .members:
            slab.append(byte: 0x7B)
            slab.append(repairing: bytes.bytes(entry.extent))
            slab.append(byte: 0x7D)
        case .emptyArray: slab.append("[]")
        case .integer, .text, .constant: break
        }
    }
}

extension Slab {
    /// Copies JSON as it stands; JSON from outside may hold invalid UTF-8, inside its strings only, which becomes U+FFFD.
    mutating func append(repairing json: RawSpan) {
        if json.isValidUTF8 { append(json) } else { append(json.text) }
    }
}
