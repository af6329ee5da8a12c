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
        for slot in 0..<Builtins.count { reads[slot] = true }
        // A name that begins with `_` is a helper of the mapping.
        return reads.indices.filter { !reads[$0] && !draft.slots.names[$0].hasPrefix("_") }
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

    /// What the schema demands of every object that the event's lines may make.
    static func requirements(_ event: MappingDraft.Event, _ table: FieldTable) -> [Requirement] {
        let dictionary = table.dictionary
        func demands(_ shape: OCSFDictionary.Shape, _ prefix: String, container: FieldID?) -> Requirement? {
            var required: [FieldID] = []
            for attribute in shape.attributes.values.sorted(by: { $0.name < $1.name })
            where attribute.requirement == .required
                && (attribute.profiles.isEmpty || attribute.profiles.contains { event.profiles.contains($0) })
                && !(container == nil && managed.contains(attribute.name))
            {
                if let field = table.id(prefix + attribute.name) {
                    required.append(field)
                } else {
                    required.append(.max)
                }
            }
            let oneOf = shape.constraints.map { constraint -> [FieldID] in
                switch constraint {
                case .atLeastOne(let names), .justOne(let names): names.compactMap { table.id(prefix + $0) }
                }
            }
            return required.isEmpty && oneOf.isEmpty
                ? nil : Requirement(container: container, required: required, oneOf: oneOf)
        }
        var checks: [Requirement] = []
        var seen: Set<String> = []
        if let check = demands(event.eventClass.shape, "", container: nil) { checks.append(check) }
        let paths =
            event.lines.map(\.path) + event.constants.map(\.path) + (event.deviceType == nil ? [] : ["device.ip"])
        for path in paths {
            let parts = path.split(separator: "." as Character).map { String($0) }
            guard parts.count > 1, parts[0] != "unmapped" else { continue }
            for length in 1..<parts.count {
                let prefix = parts.prefix(length).joined(separator: ".")
                guard seen.insert(prefix).inserted, let container = table.id(prefix),
                    let object = MappingDraft.attribute(prefix, event.eventClass, dictionary)?.object,
                    let shape = dictionary.objects[object],
                    let check = demands(shape, prefix + ".", container: container)
                else { continue }
                checks.append(check)
            }
        }
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
        _ event: MappingDraft.Event, _ table: FieldTable
    ) -> [(container: FieldID?, members: [FieldID])] {
        var groups: [(container: FieldID?, members: [FieldID])] = []
        var seen: Set<String> = []
        func add(_ shape: OCSFDictionary.Shape, _ prefix: String, _ container: FieldID?) {
            for case .justOne(let names) in shape.constraints {
                var members: [String] = []
                for path in event.lines.map(\.path) where path.hasPrefix(prefix) {
                    let name = String(path.dropFirst(prefix.count).prefix { $0 != "." })
                    if names.contains(name), !members.contains(name) { members.append(name) }
                }
                if members.count > 1 { groups.append((container, members.compactMap { table.id(prefix + $0) })) }
            }
        }
        add(event.eventClass.shape, "", nil)
        for path in event.lines.map(\.path) {
            let parts = path.split(separator: "." as Character).map { String($0) }
            for length in 1..<max(1, parts.count) where parts[0] != "unmapped" {
                let prefix = parts.prefix(length).joined(separator: ".")
                guard seen.insert(prefix).inserted, let container = table.id(prefix),
                    let object = MappingDraft.attribute(prefix, event.eventClass, table.dictionary)?.object,
                    let shape = table.dictionary.objects[object]
                else { continue }
                add(shape, prefix + ".", container)
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
