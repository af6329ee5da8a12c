// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

extension Mapping {
    /// Numbers a draft's attributes by `table`.
    init(_ draft: MappingDraft, number: Int, table: FieldTable, records: RecordVocabulary) {
        name = draft.name
        self.number = UInt16(number)
        product = draft.product
        logSources = (
            draft.products.union(["ocsf", draft.name]), draft.categories, draft.services.union([draft.name])
        )
        matchers = draft.matchers
        steps = draft.steps
        slots = draft.slots
        builtins = draft.builtins
        rank = draft.rank
        recordSlots = records.names.map { name in draft.slots.names.firstIndex(of: name) }
        events = draft.events.map { Mapping.event($0, draft, table) }
    }

    private static func event(_ event: MappingDraft.Event, _ draft: MappingDraft, _ table: FieldTable) -> Event {
        let dictionary = table.dictionary
        var reads = Array(repeating: false, count: draft.slots.names.count)
        func read(_ rule: ValueRule) { for slot in rule.sources { reads[slot] = true } }
        var lines: [Line] = []
        for line in event.lines {
            guard let field = table.id(line.path) else { continue }
            read(line.value)
            let parent = line.path.split(separator: "." as Character).dropLast().joined(separator: ".")
            let known = line.target.enumeration.map { Set($0.captions.keys.compactMap { Int64($0) }) } ?? []
            let texts =
                line.target.primitive == .string
                ? Set((line.target.enumeration?.captions ?? [:]).keys.map { Array($0.utf8) }) : []
            lines.append(
                Line(
                    field: field, value: line.value, conversion: conversion(line.target),
                    sibling: line.target.sibling.flatMap { table.id(parent.isEmpty ? $0 : parent + "." + $0) },
                    known: known, knownTexts: texts,
                    hostname: line.target.type == "ip_t" ? table.id(parent + ".hostname") : nil))
        }
        read(event.activity)
        if let severity = event.severity { read(severity) }
        for slot in event.time { reads[slot] = true }
        // The header's own captures have places of their own in every event.
        let builtins = draft.builtins
        for slot in [
            builtins.message, builtins.hostname, builtins.appname, builtins.procid, builtins.msgid, builtins.severity,
            builtins.facility, builtins.eventCode, builtins.peer, builtins.peerPort, builtins.transport,
        ] {
            reads[slot] = true
        }
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
        let device: Device? =
            event.deviceType == nil
            ? nil
            : table.id("device.hostname").flatMap { host in
                table.id("device.ip").map { Device(hostname: host, address: $0) }
            }
        return Event(
            when: event.when, classUID: event.eventClass.uid, activity: event.activity,
            knownActivities: Set(
                event.eventClass.shape.attributes["activity_id"]?.enumeration?.captions.keys.compactMap { Int64($0) }
                    ?? []),
            severity: event.severity, time: event.time, lines: lines, constants: constants, reads: reads,
            device: device,
            checks: checks(event, table, dictionary))
    }

    private static func conversion(_ target: Target) -> Conversion {
        switch (target.primitive, target.type) {
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
    private static func checks(
        _ event: MappingDraft.Event, _ table: FieldTable, _ dictionary: OCSFDictionary
    ) -> [Check] {
        func demands(_ shape: OCSFDictionary.Shape, _ prefix: String, container: FieldID?) -> Check? {
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
                ? nil : Check(container: container, required: required, oneOf: oneOf)
        }
        var checks: [Check] = []
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
