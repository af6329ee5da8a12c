// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

extension EventPlan {
    /// What the schema demands of one object of an event; of the whole event when `container` is nil.
    struct Requirement {
        var container: FieldID?
        var required: [FieldID]
        var oneOf: [[FieldID]]
    }

    /// The entries that every such event has.
    static func constants(_ event: MappingDraft.Event, _ table: FieldTable) -> [Entry] {
        var constants = event.constants.compactMap { path, literal in
            table.id(path).map { Entry.literal($0, literal) }
        }
        if let profiles = table.id("metadata.profiles") {
            for (index, name) in event.profiles.enumerated() {
                if let element = Entry.element(index), let text = table.text(name) {
                    constants.append(.constant(profiles, text, element: element))
                }
            }
        }
        return constants
    }

    /// The captures that an event with these lines does not read. The header's own have places in every event.
    static func unread(_ event: MappingDraft.Event, _ draft: MappingDraft, _ lines: [MappingDraft.Line]) -> [SlotID] {
        var reads = Array(repeating: false, count: draft.slots.names.count)
        for slot in lines.flatMap(\.value.sources) + event.activity.sources + (event.severity?.sources ?? []) {
            reads[slot] = true
        }
        for slot in event.time.joined() { reads[slot] = true }
        for slot in event.lists.flatMap({ $0.sources + $0.lines.flatMap(\.value.sources) }) { reads[slot] = true }
        for slot in 0..<Builtins.count { reads[slot] = true }
        // A name that begins with `_` is a helper of the mapping.
        return reads.indices.filter { !reads[$0] && !draft.slots.names[$0].hasPrefix("_") && !draft.slots.isInside[$0] }
    }

    static func conversion(_ target: Target) -> Mapping.Conversion {
        if target.isDigest { return .digest }
        return switch (target.primitive, target.type) {
        case (_, "ip_t"): .address
        case (_, "mac_t"): .mac
        case (_, "port_t"): .port
        case (_, "timestamp_t"): .timestamp
        case (.integer, _), (.long, _): .integer
        case (.float, _): .double
        case (.boolean, _): .boolean
        case (.string, _): .text
        case (.json, _), (nil, _): .any
        }
    }

    /// The objects in which a field lies and that are not in `seen`, outermost first, which are in it then; none below
    /// `unmapped`, of which the schema says nothing.
    private static func containers(of field: FieldID, _ table: FieldTable, _ seen: inout Set<FieldID>) -> [FieldID] {
        var way: [FieldID] = []
        var next = table.parent(of: field)
        // What lies around an object that was seen was seen with it.
        while let id = next, seen.insert(id).inserted {
            way.append(id)
            next = table.parent(of: id)
        }
        if next == nil, let root = way.last, table.fields[Int(root)].name == "unmapped" { return [] }
        return way.reversed()
    }

    /// What the schema demands of every object that the event's lines may make.
    static func requirements(
        _ event: MappingDraft.Event, _ table: FieldTable, _ schema: SchemaView
    ) -> [Requirement] {
        func requirement(_ demands: SchemaView.Demands, _ prefix: String, container: FieldID?) -> Requirement? {
            var required: [FieldID] = []
            for (name, profiles) in demands.required
            where (profiles.isEmpty || profiles.contains { event.profiles.contains($0) })
                && !(container == nil && managed.contains(name))
            {
                required.append(table.id(prefix + name) ?? .max)
            }
            let oneOf = demands.oneOf.map { names in names.compactMap { table.id(prefix + $0) } }
            return required.isEmpty && oneOf.isEmpty
                ? nil : Requirement(container: container, required: required, oneOf: oneOf)
        }
        var checks: [Requirement] = []
        var seen: Set<FieldID> = []
        if let check = requirement(schema.demands(event.eventClass), "", container: nil) { checks.append(check) }
        func add(_ path: String) {
            guard let field = table.id(path) else { return }
            for container in containers(of: field, table, &seen) {
                let check = schema.requirement(container, event.eventClass, event.profiles) {
                    let path = table.fields[Int(container)].path
                    guard let object = schema.find(path, event.eventClass).attribute?.object,
                        let demands = schema.demands(object: object)
                    else { return nil }
                    return requirement(demands, path + ".", container: container)
                }
                if let check { checks.append(check) }
            }
        }
        for line in event.lines { add(line.path) }
        for list in event.lists { add(list.path) }
        for constant in event.constants { add(constant.path) }
        if event.deviceType != nil { add("device.ip") }
        return checks
    }

    /// Attributes of one object, or of the event when `container` is nil, of which the schema takes just one.
    struct Exclusive: Sendable {
        var container: RowShape.Range?
        /// Of ``EventPlan/demands``, in the order of the mapping's lines.
        var members: Run
    }

    /// What stands under construction beside another attribute that excludes it: of several the first line's stays.
    func surplus(_ row: borrowing RowBuilder) -> Demand? {
        for group in exclusive {
            if let container = group.container, !row.has(container) { continue }
            var count = 0
            for index in group.members.range where row.has(demands[index].range) {
                count += 1
                if count > 1 { return demands[index] }
            }
        }
        return nil
    }

    /// The attributes that an event's lines make and of which the schema takes just one (`just_one` of its constraints).
    static func exclusive(
        _ event: MappingDraft.Event, _ table: FieldTable, _ schema: SchemaView
    ) -> [(container: FieldID?, members: [FieldID])] {
        var groups: [(container: FieldID?, members: [FieldID])] = []
        var seen: Set<FieldID> = []
        func add(_ demands: SchemaView.Demands, _ prefix: String, _ container: FieldID?) {
            for names in demands.justOne {
                var members: [String] = []
                for line in event.lines where line.path.hasPrefix(prefix) {
                    let name = String(Substring(line.path.utf8.dropFirst(prefix.utf8.count).prefix { $0 != 0x2E }))
                    if names.contains(name), !members.contains(name) { members.append(name) }
                }
                if members.count > 1 { groups.append((container, members.compactMap { table.id(prefix + $0) })) }
            }
        }
        add(schema.demands(event.eventClass), "", nil)
        for line in event.lines {
            guard let field = table.id(line.path) else { continue }
            for container in containers(of: field, table, &seen) {
                let path = table.fields[Int(container)].path
                guard let object = schema.find(path, event.eventClass).attribute?.object,
                    let demands = schema.demands(object: object)
                else { continue }
                add(demands, path + ".", container)
            }
        }
        return groups
    }

    /// Attributes that the normalizer itself always writes.
    static let managed: Set<String> = [
        "activity_id", "category_uid", "class_uid", "type_uid", "severity_id", "time", "metadata",
    ]
}

extension Entry {
    static func literal(_ field: FieldID, _ literal: Literal, element: UInt32 = 0) -> Entry {
        switch literal {
        case .integer(let value): .integer(field, value, element: element)
        case .double(let value): .double(field, value, element: element)
        case .boolean(let value): .boolean(field, value, element: element)
        case .text(let text): .constant(field, text, element: element)
        }
    }
}
