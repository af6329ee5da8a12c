// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// An attribute that repeats objects, one of each element of a list in a record (`each:`): how they are made.
struct ListPlan: Sendable {
    /// What the schema demands of an object of the list, or of one inside it.
    struct Check: Sendable {
        /// The object's fields, without its own.
        var fields: Range<FieldID>
        var isWhole: Bool
        var required: [Range<FieldID>]
        var oneOf: [[Range<FieldID>]]
        /// Attributes of which just one may be there, in the order of the lines.
        var justOne: [[Range<FieldID>]]
    }

    /// Captures to try, in ``Rulebook/sources``.
    let sources: Run
    /// What stands between the elements of a text; 0: it is one element.
    let split: UInt8
    /// Where the names inside elements begin, and the captures of these names.
    let node: Int
    let slots: [SlotID]
    /// The capture of the element itself; -1 where nothing reads it.
    let itself: SlotID
    /// How many attributes around the list repeat.
    let level: Int
    /// Its places in the event, and the first of them.
    let places: RowShape.Range
    let first: Int32
    let lines: [EventPlan.Line]
    /// By line: the fields of the object around it, itself not included.
    let parents: [Range<FieldID>]
    /// By line: the text beside an enumerated value, and the name beside an address.
    let besides: [(sibling: FieldID?, hostname: FieldID?)]
    /// Captures that no line reads.
    let unread: [SlotID]
    /// What an object may have, in the order of an event.
    let fields: [(field: FieldID, place: Place)]
    let checks: [Check]

    /// Nil when it has no line.
    init?(
        _ list: MappingDraft.ObjectList, _ targets: [Attributes], _ event: MappingDraft.Event, _ shape: RowShape,
        _ table: FieldTable, _ schema: SchemaView, _ book: inout Rulebook
    ) {
        guard let own = table.id(list.path), !targets.isEmpty else { return nil }
        sources = book.add(sources: list.sources)
        (split, node, slots, itself) = (list.split, list.node, list.slots, list.itself)
        level = table.fields[Int(own)].arrayDepth - 1
        places = shape.range(own, table.fields[Int(own)].end)
        first = places.low
        lines = targets.map { EventPlan.Line($0, shape, table, &book) }
        parents = lines.map { line in
            let parent = table.fields[Int(line.field)].parent ?? own
            return parent + 1..<table.fields[Int(parent)].end
        }
        besides = targets.map { ($0.sibling, $0.hostname) }
        let read = Set(targets.flatMap(\.line.value.sources))
        unread = list.slots.filter { !read.contains($0) }
        fields = Set(targets.flatMap { [$0.field, $0.sibling, $0.hostname].compactMap { $0 } }).sorted().map {
            ($0, shape.place($0))
        }
        checks = ListPlan.checks(own, targets, event, table, schema)
    }

    private static func checks(
        _ own: FieldID, _ targets: [Attributes], _ event: MappingDraft.Event, _ table: FieldTable,
        _ schema: SchemaView
    ) -> [Check] {
        var containers: Set<FieldID> = [own]
        for target in targets {
            var next = table.parent(of: target.field)
            while let id = next, id > own, containers.insert(id).inserted { next = table.parent(of: id) }
        }
        func range(_ path: String) -> Range<FieldID>? {
            // What the table lacks nobody makes.
            table.id(path).map { $0..<table.fields[Int($0)].end }
        }
        // The innermost first: an object that goes may be what the one around it needs.
        return containers.sorted(by: >).compactMap { container in
            let path = table.fields[Int(container)].path
            guard let object = schema.find(path, event.eventClass).attribute?.object,
                let demands = schema.demands(object: object)
            else { return nil }
            let required = demands.required.filter { _, profiles in
                profiles.isEmpty || profiles.contains { event.profiles.contains($0) }
            }
            let order = targets.map(\.line.path)
            return Check(
                fields: container + 1..<table.fields[Int(container)].end, isWhole: container == own,
                required: required.map { range(path + "." + $0.name) ?? 0..<0 },
                oneOf: demands.oneOf.map { names in names.compactMap { range(path + "." + $0) } },
                justOne: demands.justOne.map { names in
                    names.filter { name in order.contains { $0.isAt(path + "." + name) } }
                        .sorted { first, second in
                            let places = [first, second].map { name in
                                order.firstIndex { $0.isAt(path + "." + name) } ?? order.count
                            }
                            return places[0] < places[1]
                        }
                        .compactMap { range(path + "." + $0) }
                }.filter { $0.count > 1 })
        }
    }

    /// What has to go from an object because the schema does not take it there; nil when the object is complete.
    func surplus(_ entries: ArraySlice<Entry>) -> (fields: Range<FieldID>, isWhole: Bool)? {
        func has(_ range: Range<FieldID>) -> Bool { entries.contains { range.contains($0.field) } }
        for check in checks where has(check.fields) {
            if !check.required.allSatisfy(has) || !check.oneOf.allSatisfy({ $0.contains(where: has) }) {
                return (check.fields, check.isWhole)
            }
            for names in check.justOne {
                if let second = names.filter(has).dropFirst().first { return (second, false) }
            }
        }
        return nil
    }
}

extension String {
    /// Whether the path is `other` or lies in it.
    func isAt(_ other: String) -> Bool { self == other || hasPrefix(other + ".") }
}

/// The objects of a list under construction: their entries in the order of the objects.
struct StagedObjects {
    private(set) var entries: [Entry] = []
    /// Where the entries of the object under construction begin.
    private(set) var first = 0
    /// The place of the object under construction among all of its list, as of ``Entry/element``; nil between two.
    private(set) var holder: UInt32?
    /// Its lines that have a default.
    var defaults: [(line: Int, literal: Literal)] = []
    /// The captures that went to `unmapped` because their attributes do not take them.
    var kept: [SlotID] = []
    /// The captures of the record among them.
    var outer: [SlotID] = []

    /// What the object under construction has.
    var own: ArraySlice<Entry> { entries[first...] }

    mutating func reset() {
        entries.removeAll(keepingCapacity: true)
        outer.removeAll(keepingCapacity: true)
        holder = nil
    }

    mutating func begin(_ holder: UInt32) {
        self.holder = holder
        first = entries.count
        defaults.removeAll(keepingCapacity: true)
        kept.removeAll(keepingCapacity: true)
    }

    /// Adds a value, unless there is one at its place already.
    mutating func stage(_ entry: Entry) {
        for index in first..<entries.count where entries[index].order == entry.order { return }
        entries.append(entry)
    }

    /// Adds a value of an attribute that repeats, at a place of its own.
    mutating func append(_ entry: Entry) { entries.append(entry) }

    /// Takes back what lies in some fields.
    mutating func remove(_ fields: Range<FieldID>) {
        var kept = first
        for index in first..<entries.count where !fields.contains(entries[index].field) {
            entries[kept] = entries[index]
            kept += 1
        }
        entries.removeLast(entries.count - kept)
    }

    /// Ends the object under construction; its entries stay, or go.
    mutating func end(keeping: Bool) {
        if !keeping { entries.removeLast(entries.count - first) }
        holder = nil
    }
}

extension Entry {
    /// The element number of position `position` in array number `level`, the others 0; nil when it is above its limit.
    static func element(_ position: Int, level: Int) -> UInt32? {
        switch level {
        case 0: Entry.element(position)
        case 1: Entry.element(0, position)
        case 2: Entry.element(0, 0, position)
        default: nil
        }
    }
}
