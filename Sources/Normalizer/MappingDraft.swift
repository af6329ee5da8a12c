// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Documents
internal import Events
internal import Patterns

/// A mapping as read from its file: paths and captures are known, field numbers not yet.
struct MappingDraft {
    struct Line {
        var path: String
        var value: ValueRule
        var target: Target
    }

    struct Event {
        var when: Condition
        var eventClass: OCSFDictionary.EventClass
        var activity: ValueRule
        var severity: ValueRule?
        var time: [SlotID]
        var profiles: [String]
        var lines: [Line]
        var deviceType: Int?
        var constants: [(path: String, literal: Literal)]
    }

    /// A parse step; the capture that it takes apart, or nil for the message.
    struct Step {
        enum Kind {
            case json
            case keyValue(KeyValue.Style)
            case regex([Alternative])
            case cef
            case record
        }
        var kind: Kind
        var source: SlotID?
        var isOptional: Bool
    }

    /// One expression of a `regex` step.
    struct Alternative {
        var pattern: Pattern
        var groups: [(number: Int, slot: SlotID)]
        var sets: [(slot: SlotID, text: [UInt8])]
    }

    var name: String
    var product: String
    var products: Set<String>
    var categories: Set<String>
    var services: Set<String>
    var matchers: [Mapping.Matcher]
    var steps: [Step]
    var events: [Event]
    var slots: SlotTree
    var builtins: Builtins
    var rank: Int
    var samples: [MappingSample]

    /// Reads one mapping document; faults are complained about, and nil is returned when nothing can be made of it.
    static func read(_ root: Element, builder: inout FieldTable.Builder) -> MappingDraft? {
        root.allow(only: [
            "name", "title", "description", "references", "product", "logsource", "match", "parse", "events", "samples",
            "rank",
        ])
        guard let name = root.required("name")?.string else { return nil }
        var slots = SlotTree()
        let builtins = Builtins(&slots)
        root["product"]?.allow(only: ["name", "vendor_name", "version"])
        let product = root["product"]?["name"]?.string ?? name
        root["logsource"]?.allow(only: ["product", "category", "service"])
        var draft = MappingDraft(
            name: name, product: product, products: Set(root["logsource"]?["product"]?.strings ?? []),
            categories: Set(root["logsource"]?["category"]?.strings ?? []),
            services: Set(root["logsource"]?["service"]?.strings ?? []), matchers: [], steps: [], events: [],
            slots: slots, builtins: builtins, rank: root["rank"]?.integer(in: 0...1000) ?? 100, samples: [])
        for item in root.required("match")?.items ?? [] { draft.readMatcher(item) }
        for item in root["parse"]?.items ?? [] { draft.readStep(item) }
        for item in root.required("events")?.items ?? [] {
            draft.readEvent(item, root["product"], builder: &builder)
        }
        if draft.events.isEmpty { root.complain("a mapping needs at least one event") }
        draft.samples = (root["samples"]?.items ?? []).compactMap { MappingSample($0) }
        return draft
    }

    private mutating func readMatcher(_ item: Element) {
        item.allow(only: ["program", "no_program", "contains", "startswith", "regex", "record", "cef", "notice"])
        var matcher = Mapping.Matcher()
        matcher.programs = item["program"]?.strings.map { Array($0.lowercased().utf8) } ?? []
        matcher.needsNoProgram = item["no_program"]?.boolean ?? false
        matcher.contains = item["contains"]?.strings.map { Array($0.utf8) } ?? []
        matcher.starts = item["startswith"]?.strings.map { Array($0.utf8) } ?? []
        matcher.record = item["record"]?.string.map { Array($0.utf8) }
        matcher.notice = item["notice"]?.string.map { Array($0.utf8) }
        matcher.isCEF = item["cef"]?.boolean ?? false
        if let regex = item["regex"], let text = regex.string {
            do { matcher.pattern = try Pattern(text) } catch { regex.complain("regular expression: \(error)") }
        }
        if item.members.isEmpty { item.complain("an empty match takes every record; give at least one test") }
        matchers.append(matcher)
    }

    private mutating func readStep(_ item: Element) {
        item.allow(only: ["json", "kv", "regex", "cef", "record", "optional"])
        let isOptional = item["optional"]?.boolean ?? false
        func source(_ element: Element?) -> SlotID? { element?["from"]?.string.map { slots.slot($0) } }
        if let json = item["json"] {
            if json.isMapping { json.allow(only: ["from"]) }
            steps.append(Step(kind: .json, source: source(json), isOptional: isOptional))
        } else if let pairs = item["kv"] {
            if pairs.isMapping { pairs.allow(only: ["from", "separator", "assign", "quote"]) }
            func byte(_ key: String, _ fallback: UInt8) -> UInt8 {
                guard let element = pairs[key], let text = element.string else { return fallback }
                guard text.utf8.count == 1, let first = text.utf8.first else {
                    element.complain("\(key) must be one ASCII character")
                    return fallback
                }
                return first
            }
            let style = KeyValue.Style(
                separators: [byte("separator", 0x20)], assign: byte("assign", 0x3D), quote: byte("quote", 0x22))
            steps.append(Step(kind: .keyValue(style), source: source(pairs), isOptional: isOptional))
        } else if let regex = item["regex"] {
            regex.allow(only: ["from", "any"])
            var alternatives: [Alternative] = []
            for entry in regex.required("any")?.items ?? [] {
                if entry.isMapping { entry.allow(only: ["pattern", "set"]) }
                let element = entry.isMapping ? entry.required("pattern") : entry
                guard let element, let text = element.string else { continue }
                do {
                    let pattern = try Pattern(text)
                    var sets: [(slot: SlotID, text: [UInt8])] = []
                    for (key, value) in entry["set"]?.members ?? [] {
                        if let name = key.scalar, let text = value.string {
                            sets.append((slots.slot(name), Array(text.utf8)))
                        }
                    }
                    let groups = pattern.groups.map { (number: $0.number, slot: slots.slot($0.name)) }
                    alternatives.append(.init(pattern: pattern, groups: groups, sets: sets))
                } catch { element.complain("regular expression: \(error)") }
            }
            steps.append(Step(kind: .regex(alternatives), source: source(regex), isOptional: isOptional))
        } else if item["cef"] != nil {
            steps.append(Step(kind: .cef, source: nil, isOptional: isOptional))
        } else if item["record"] != nil {
            steps.append(Step(kind: .record, source: nil, isOptional: isOptional))
        } else {
            item.complain("a parse step is one of json, kv, regex, cef, record")
        }
    }

    private mutating func readEvent(_ item: Element, _ product: Element?, builder: inout FieldTable.Builder) {
        item.allow(only: ["when", "class", "activity_id", "severity_id", "time", "profiles", "device_type_id", "map"])
        let dictionary = OCSFDictionary.v1_8_0
        guard let element = item.required("class"), let className = element.string else { return }
        guard let found = dictionary.eventClass(className) else {
            element.complain("OCSF \(dictionary.version) has no class '\(className)'")
            return
        }
        var profiles = item["profiles"]?.strings ?? []
        for name in profiles where !dictionary.profiles.contains(name) {
            item["profiles"]?.complain("OCSF \(dictionary.version) has no profile '\(name)'")
        }
        func target(_ path: String) -> Target {
            let attribute = MappingDraft.attribute(path, found, dictionary)
            return Target(
                path: path, primitive: attribute?.primitive, type: attribute?.type,
                isArray: attribute?.isArray ?? false,
                isContainer: attribute?.object != nil, enumeration: attribute?.enumeration, sibling: attribute?.sibling)
        }
        func rule(_ element: Element, _ path: String) -> ValueRule {
            // A bare number or caption stands for a fixed value.
            if !element.isMapping, let literal = ValueRule.literal(element, target(path), &builder) {
                return ValueRule(fallback: literal)
            }
            return ValueRule.read(element, for: target(path), slots: &slots, builder: &builder)
        }
        let when = item["when"].map { Condition.read($0, slots: &slots) } ?? .always
        let activity = item.required("activity_id").map { rule($0, "activity_id") } ?? ValueRule(fallback: .integer(0))
        let severity = item["severity_id"].map { rule($0, "severity_id") }
        let time = item["time"]?.strings.map { slots.slot($0) } ?? []
        let deviceType = item["device_type_id"]?.integer(in: 0...99)
        if deviceType != nil, found.shape.attributes["device"]?.profiles.contains("host") == true,
            !profiles.contains("host")
        {
            profiles.append("host")
        }
        var lines: [Line] = []
        for (key, value) in item["map"]?.members ?? [] {
            guard let path = key.scalar else { continue }
            if let fault = MappingDraft.fault(path, found, dictionary, profiles) {
                key.complain(fault)
                continue
            }
            guard builder.add(path) else {
                key.complain("the mappings use more than \(FieldTable.limit) attributes")
                continue
            }
            let target = target(path)
            lines.append(
                Line(
                    path: path, value: ValueRule.read(value, for: target, slots: &slots, builder: &builder),
                    target: target))
        }
        var constants: [(path: String, literal: Literal)] = [
            ("class_uid", .integer(Int64(found.uid))), ("category_uid", .integer(Int64(found.category))),
            ("metadata.version", .text(builder.constant(dictionary.version))),
            ("metadata.product.name", .text(builder.constant(self.product))),
        ]
        if let vendor = product?["vendor_name"]?.string {
            constants.append(("metadata.product.vendor_name", .text(builder.constant(vendor))))
        }
        if let version = product?["version"]?.string {
            constants.append(("metadata.product.version", .text(builder.constant(version))))
        }
        if let deviceType { constants.append(("device.type_id", .integer(Int64(deviceType)))) }
        for (path, _) in constants { builder.add(path) }
        events.append(
            Event(
                when: when, eventClass: found, activity: activity, severity: severity, time: time,
                profiles: profiles.sorted(), lines: lines, deviceType: deviceType, constants: constants))
    }

    /// The attribute of `path` as the class sees it.
    static func attribute(
        _ path: String, _ found: OCSFDictionary.EventClass, _ dictionary: OCSFDictionary
    ) -> OCSFDictionary.Attribute? {
        var parts = path.split(separator: "." as Character).map { String($0) }
        guard !parts.isEmpty, var attribute = found.shape.attributes[parts.removeFirst()] else { return nil }
        for part in parts {
            guard let object = attribute.object, object != "object",
                let next = dictionary.objects[object]?.attributes[part]
            else { return nil }
            attribute = next
        }
        return attribute
    }

    /// Why `path` cannot be mapped in the class, or nil.
    static func fault(
        _ path: String, _ found: OCSFDictionary.EventClass, _ dictionary: OCSFDictionary, _ profiles: [String]
    ) -> String? {
        if path == "unmapped" || path.hasPrefix("unmapped.") { return nil }
        let managed = [
            "activity_id", "category_uid", "class_uid", "type_uid", "severity_id", "time", "metadata.version",
        ]
        if managed.contains(path) { return "'\(path)' is not mapped here: it has a key of its own or is computed" }
        let parts = path.split(separator: "." as Character).map { String($0) }
        var shape = found.shape
        for (index, part) in parts.enumerated() {
            guard let attribute = shape.attributes[part] else {
                return "\(shape.name) of OCSF \(dictionary.version) has no attribute '\(part)'"
            }
            if !attribute.profiles.isEmpty, attribute.profiles.allSatisfy({ !profiles.contains($0) }) {
                let names = attribute.profiles.joined(separator: " or ")
                return "'\(part)' needs the profile \(names): name it under 'profiles'"
            }
            if index + 1 < parts.count {
                guard let object = attribute.object else { return "'\(part)' is no object" }
                if object == "object" { return nil }
                guard let next = dictionary.objects[object] else { return "'\(part)' is no object" }
                shape = next
            } else if attribute.object != nil, attribute.object != "object", !attribute.isArray {
                return "'\(path)' is an object; map its attributes"
            }
        }
        return nil
    }
}
