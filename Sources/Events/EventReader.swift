// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Reads OCSF JSON events into batches: the way in for `format`, `lake write` and for what the service itself makes.
public struct EventReader: Sendable {
    /// What reading one event left out.
    public struct Outcome: Sendable, Equatable {
        /// Members of the event itself that the table does not have; those of objects are kept beside its fields.
        public var unknown = 0
        /// Array elements beyond ``Entry/elementLimits``, or in more than three arrays.
        public var cut = 0
    }

    private var tape = JSONTape()

    /// A reader.
    public init() {}

    /// Adds every path of a JSON event to a table under construction.
    ///
    /// Free-form objects (`unmapped`, JSON values) and what lies below a third array or an eighth level stay one JSON
    /// value: the limit makes the columns of a lake finite.
    public mutating func collect(_ json: RawSpan, into builder: inout FieldTable.Builder) throws(JSONError) {
        try tape.parse(json)
        var walk = Walk(dictionary: builder.dictionary)
        walk.paths(tape, 0, json, path: "", object: nil, isRoot: true, arrays: 0, depth: 0) { builder.add($0) }
    }

    /// Appends a JSON event to `batch` as a row.
    ///
    /// - Returns: what was left out, or nil when the text is no JSON object with a `class_uid`.
    public mutating func read(
        _ json: RawSpan, frame: Int = -1, mapping: UInt16 = 0, into batch: inout Batch
    ) -> Outcome? {
        do { try tape.parse(json) } catch { return nil }
        guard tape.values[0].kind == .object, let uid = tape.member("class_uid", of: 0, in: json),
            let classUID = json.part(tape.values[uid].extent).decimal.flatMap({ Int32(exactly: $0) })
        else { return nil }
        var time: Int64 = 0
        if let index = tape.member("time", of: 0, in: json) {
            let milliseconds = Int64(json.part(tape.values[index].extent).text) ?? 0
            let (product, over) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
            time = over ? 0 : product
        }
        var outcome = Outcome()
        batch.beginRow(frame: frame, classUID: Int(classUID), time: time, mapping: mapping)
        object(0, json, parent: nil, element: [], batch: &batch, outcome: &outcome)
        batch.endRow()
        return outcome
    }

    private func object(
        _ index: Int, _ json: RawSpan, parent: FieldID?, element: [Int], batch: inout Batch, outcome: inout Outcome
    ) {
        var member = index + 1
        var others = 0
        while member < Int(tape.values[index].next) {
            if let id = field(member, json, parent, batch.table) {
                value(member, json, field: id, element: element, batch: &batch, outcome: &outcome)
            } else if tape.values[member].kind != .null {
                others += 1
            }
            member = Int(tape.values[member].next)
        }
        guard others > 0 else { return }
        guard let parent, let place = EventReader.place(element) else {
            outcome.unknown += others
            return
        }
        let start = batch.slab.count
        member = index + 1
        while member < Int(tape.values[index].next) {
            if tape.values[member].kind != .null, field(member, json, parent, batch.table) == nil {
                if batch.slab.count > start { batch.slab.append(byte: 0x2C) }
                append(member, json, to: &batch.slab)
            }
            member = Int(tape.values[member].next)
        }
        batch.put(.bytes(parent, .members, Extent(start..<batch.slab.count), element: place))
    }

    /// The field of a member, or nil when the table has none; a key with a dot is no path.
    private func field(_ member: Int, _ json: RawSpan, _ parent: FieldID?, _ table: FieldTable) -> FieldID? {
        let name = tape.key(member, in: json)
        guard !name.utf8.contains(0x2E) else { return nil }
        return table.id(parent.map { table.fields[Int($0)].path + "." + name } ?? name)
    }

    /// Appends a member as it stands in the text.
    private func append(_ member: Int, _ json: RawSpan, to slab: inout Slab) {
        let value = tape.values[member]
        slab.append(byte: 0x22)
        slab.append(json.part(value.key))
        slab.append("\":")
        if value.kind == .string { slab.append(byte: 0x22) }
        slab.append(json.part(value.extent))
        if value.kind == .string { slab.append(byte: 0x22) }
    }

    private func value(
        _ index: Int, _ json: RawSpan, field id: FieldID, element: [Int], batch: inout Batch, outcome: inout Outcome
    ) {
        let item = tape.values[index]
        let isArray = batch.table.fields[Int(id)].isArray
        let hasChildren = batch.table.fields[Int(id)].end > id + 1
        if item.kind == .array, isArray {
            guard item.next > Int32(index + 1) else {
                if let place = EventReader.place(element) { batch.put(.emptyArray(id, element: place)) }
                return
            }
            guard element.count < 3 else {
                // An entry numbers the elements of three arrays: what lies in a fourth stays one JSON value.
                single(index, json, id, false, element, &batch, &outcome)
                return
            }
            var position = 0
            var child = index + 1
            while child < Int(item.next) {
                single(child, json, id, hasChildren, element + [position], &batch, &outcome)
                position += 1
                child = Int(tape.values[child].next)
            }
        } else {
            let place = isArray && element.count < 3 ? element + [0] : element
            single(index, json, id, hasChildren, place, &batch, &outcome)
        }
    }

    private func single(
        _ index: Int, _ json: RawSpan, _ id: FieldID, _ hasChildren: Bool, _ element: [Int], _ batch: inout Batch,
        _ outcome: inout Outcome
    ) {
        let item = tape.values[index]
        guard let place = EventReader.place(element) else {
            outcome.cut += 1
            return
        }
        let bytes = json.part(item.extent)
        switch item.kind {
        case .object where hasChildren:
            object(index, json, parent: id, element: element, batch: &batch, outcome: &outcome)
        case .object, .array:
            batch.put(.bytes(id, .json, batch.slab.append(bytes), element: place))
        case .string:
            let extent = item.isEscaped ? JSONText.appendUnescaped(bytes, to: &batch.slab) : batch.slab.append(bytes)
            batch.put(.bytes(id, .text, extent, element: place))
        case .number:
            if let whole = Int64(bytes.text) {
                batch.put(.integer(id, whole, element: place))
            } else {
                batch.put(.double(id, Double(bytes.text) ?? 0, element: place))
            }
        case .yes: batch.put(.boolean(id, true, element: place))
        case .no: batch.put(.boolean(id, false, element: place))
        case .null: break
        }
    }

    private static func place(_ element: [Int]) -> UInt32? {
        switch element.count {
        case 0: 0
        case 1: Entry.element(element[0])
        case 2: Entry.element(element[0], element[1])
        case 3: Entry.element(element[0], element[1], element[2])
        default: nil
        }
    }

    /// Walks a tape beside the dictionary and names the paths that get fields of their own.
    private struct Walk {
        let dictionary: OCSFDictionary

        mutating func paths(
            _ tape: JSONTape, _ index: Int, _ json: RawSpan, path: String, object: String?, isRoot: Bool, arrays: Int,
            depth: Int, add: (String) -> Void
        ) {
            guard tape.values[index].kind == .object else { return }
            var member = index + 1
            while member < Int(tape.values[index].next) {
                let name = tape.key(member, in: json)
                let attribute =
                    isRoot ? dictionary.roots[name] : object.flatMap { dictionary.objects[$0]?.attributes[name] }
                let full = path.isEmpty ? name : path + "." + name
                if !name.contains("."), !name.isEmpty {
                    add(full)
                    let inside = arrays + (attribute?.isArray == true ? 1 : 0)
                    if let type = attribute?.object, type != "object", inside <= 3, depth < 7 {
                        if tape.values[member].kind == .array {
                            var child = member + 1
                            while child < Int(tape.values[member].next) {
                                paths(
                                    tape, child, json, path: full, object: type, isRoot: false, arrays: inside,
                                    depth: depth + 1, add: add)
                                child = Int(tape.values[child].next)
                            }
                        } else {
                            paths(
                                tape, member, json, path: full, object: type, isRoot: false, arrays: inside,
                                depth: depth + 1, add: add)
                        }
                    }
                }
                member = Int(tape.values[member].next)
            }
        }
    }
}
