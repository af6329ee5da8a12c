// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// The JSON text of single values and of parts of events, for columns that hold JSON.
enum LakeJSON {
    /// Appends what `entries` say about free-form field `column` at one place: the value, or an object of members.
    static func append(_ entries: ArraySlice<Entry>, of batch: borrowing Batch, column: FieldID, to slab: inout Slab) {
        guard let first = entries.first else {
            // An element without anything in it.
            slab.append("{}")
            return
        }
        if entries.count == 1, first.field == column, first.kind != .members {
            append(first, of: batch, to: &slab)
            return
        }
        let part = copy(entries, of: batch)
        if !EventWriter.append(container: column, row: 0, of: part, to: &slab) { slab.append("{}") }
    }

    /// Appends `entries` as an event of their own.
    static func append(event entries: [Entry], of batch: borrowing Batch, to slab: inout Slab) {
        let part = copy(entries[...], of: batch)
        EventWriter.append(0, of: part, to: &slab)
    }

    private static func append(_ entry: Entry, of batch: borrowing Batch, to slab: inout Slab) {
        switch entry.kind {
        case .integer: slab.append(decimal: entry.integer)
        case .double: slab.append(entry.double.isFinite ? String(entry.double) : "null")
        case .boolean: slab.append(entry.boolean ? "true" : "false")
        case .text: JSONText.append(batch.slab.bytes(entry.extent), to: &slab)
        case .constant:
            let constants = batch.table.constants
            JSONText.append(constants.span.bytes.part(entry.extent), to: &slab)
        case .json: slab.append(batch.slab.bytes(entry.extent))
        case .members:
            slab.append(byte: 0x7B)
            slab.append(batch.slab.bytes(entry.extent))
            slab.append(byte: 0x7D)
        case .emptyArray: slab.append("[]")
        }
    }

    private static func copy(_ entries: ArraySlice<Entry>, of batch: borrowing Batch) -> Batch {
        var part = Batch(table: batch.table, capacity: 1024)
        part.beginRow(frame: -1, classUID: 0, time: 0)
        for entry in entries {
            switch entry.kind {
            case .text, .json, .members:
                let extent = part.slab.append(batch.slab.bytes(entry.extent))
                part.put(.bytes(entry.field, entry.kind, extent, element: entry.element))
            case .integer, .double, .boolean, .constant, .emptyArray: part.put(entry)
            }
        }
        part.endRow()
        return part
    }
}
