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
        /// Captures to try; several at once are joined with blanks (`[date, time]`).
        var time: [[SlotID]]
        /// How each of them is read.
        var timeOrders: [LogTime.Order]
        var profiles: [String]
        var lines: [Line]
        /// Attributes that repeat objects, one of each element of a list.
        var lists: [ObjectList] = []
        var deviceType: Int?
        var constants: [(path: String, literal: Literal)]
        /// Whether such records become no event.
        var isDropped = false
        /// Only in an older version of the schema: what stands for an object that it demands and the record does not have.
        var fillers: [Filler] = []
        /// Attributes whose values the event has again among its observables.
        var observables: [String] = []
    }

    /// A value for an object that would be missing.
    struct Filler {
        var object: String
        var path: String
        var literal: Literal
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
    /// Texts by which the product says that there is no value.
    var absent: [[UInt8]] = []
    /// The order of day and month in the product's dates in figures.
    var dateOrder = ValueRule.Transform.none
    /// The document, and the places of ``matchers`` in it; none when nobody looks at the text again (``forgetText()``).
    var root: Element?
    var matcherPlaces: [Element] = []
    /// The events as they are written, whatever version of the schema ``events`` are in, with their places.
    var written: [(event: Event, item: Element)] = []

    /// Reads one mapping document; faults are complained about, and nil is returned when nothing can be made of it.
    static func read(_ root: Element, _ schema: SchemaView, builder: inout FieldTable.Builder) -> MappingDraft? {
        root.allow(only: [
            "name", "title", "description", "references", "product", "logsource", "match", "parse", "absent", "common",
            "events", "samples", "rank", "date_order",
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
            slots: slots, builtins: builtins, rank: root["rank"]?.integer(in: 0...1000) ?? 100, samples: [], root: root)
        for item in root.required("match")?.items ?? [] { draft.readMatcher(item) }
        for item in root["parse"]?.items ?? [] { draft.readStep(item) }
        draft.dateOrder = root["date_order"].flatMap { ValueRule.Transform(order: $0) } ?? .none
        draft.absent = root["absent"]?.strings.map { Array($0.utf8) } ?? []
        let common = root["common"]
        common?.allow(only: ["time", "device_type_id", "profiles", "severity_id", "observables", "map"])
        var used: Set<String> = []
        let items = root.required("events")?.items ?? []
        for item in items {
            draft.readEvent(item, common, root["product"], &used, schema, builder: &builder)
        }
        for (key, _) in common?["map"]?.members ?? [] where !used.contains(key.scalar ?? "") {
            key.complain("no event of this mapping has the attribute '\(key.scalar ?? "")'")
        }
        MappingDraft.review(observables: common, used)
        if items.isEmpty { root.complain("a mapping needs at least one event") }
        draft.samples = (root["samples"]?.items ?? []).compactMap { MappingSample($0) }
        return draft
    }

    /// Lets go of the text, which is many times as large as what was read from it: such a draft can be compiled, but has
    /// no samples to run and cannot be reviewed.
    mutating func forgetText() {
        root = nil
        (samples, matcherPlaces, written) = ([], [], [])
    }

    private mutating func readEvent(
        _ item: Element, _ common: Element?, _ product: Element?, _ used: inout Set<String>, _ schema: SchemaView,
        builder: inout FieldTable.Builder
    ) {
        if item["drop"] != nil { return readDropped(item) }
        item.allow(only: [
            "when", "class", "activity_id", "severity_id", "time", "profiles", "device_type_id", "observables", "map",
        ])
        let dictionary = schema.dictionary
        guard let element = item.required("class"), let className = element.string else { return }
        guard let found = dictionary.eventClass(className) else {
            let hint = Element.hint(className, among: dictionary.classes.values.lazy.map(\.shape.name))
            element.complain("OCSF \(dictionary.version) has no class '\(className)'\(hint)")
            return
        }
        let profileList = item["profiles"] ?? common?["profiles"]
        var profiles = profileList?.strings ?? []
        for name in profiles where !dictionary.profiles.contains(name) {
            let hint = Element.hint(name, among: dictionary.profiles)
            profileList?.complain("OCSF \(dictionary.version) has no profile '\(name)'\(hint)")
        }
        // A common profile is one for the classes that know it.
        if item["profiles"] == nil {
            profiles.removeAll { !schema.profiles(of: found).contains($0) }
        }
        func target(_ path: String, _ known: SchemaView.Found? = nil) -> Target {
            let attribute = (known ?? schema.find(path, found)).attribute
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
        let severity = (item["severity_id"] ?? common?["severity_id"]).map { rule($0, "severity_id") }
        let time = (item["time"] ?? common?["time"]).map { readTime($0, dateOrder.order) } ?? []
        let deviceType = (item["device_type_id"] ?? common?["device_type_id"])?.integer(in: 0...99)
        if deviceType != nil, found.shape.attributes["device"]?.profiles.contains("host") == true,
            !profiles.contains("host")
        {
            profiles.append("host")
        }
        var lines: [Line] = []
        var lists: [ObjectList] = []
        let own = item["map"]?.members ?? []
        let paths = Set(own.compactMap(\.key.scalar))
        let shared = (common?["map"]?.members ?? []).filter { key, value in
            // What the class has no place for is meant for another event.
            guard let path = key.scalar,
                schema.find(path, found).isMappable(profiles)
                    || MappingDraft.isList(value) && MappingDraft.repeats(path, found, schema, profiles)
            else { return false }
            used.insert(path)
            return !paths.contains(path)
        }
        for (key, value) in own + shared {
            guard let path = key.scalar else { continue }
            if MappingDraft.isList(value) {
                readList(key, value, found, profiles, schema, &builder).map { lists.append($0) }
                continue
            }
            let attribute = schema.find(path, found)
            guard attribute.isMappable(profiles) else {
                MappingDraft.fault(path, found, dictionary, profiles).map { key.complain($0) }
                continue
            }
            guard builder.add(path) else {
                key.complain("the mappings use more than \(FieldTable.limit) attributes")
                continue
            }
            let target = target(path, attribute)
            var rule = ValueRule.read(value, for: target, slots: &slots, builder: &builder)
            if target.type == "timestamp_t", rule.transform == .none { rule.transform = dateOrder }
            lines.append(Line(path: path, value: rule, target: target))
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
        var event = Event(
            when: when, eventClass: found, activity: activity, severity: severity, time: time.map(\.slots),
            timeOrders: time.map(\.order), profiles: profiles.sorted(), lines: lines, deviceType: deviceType,
            constants: constants)
        event.lists = lists
        MappingDraft.review(lists, lines, own + shared)
        event.observables = MappingDraft.observables(item, common, lines, &used, &builder)
        written.append((event, item))
        events.append(OlderVersion(builder.dictionary)?.restate(event, &builder) ?? event)
    }

    /// A branch for records that nobody wants to have as events.
    private mutating func readDropped(_ item: Element) {
        if item.members.contains(where: { ["class", "activity_id", "map"].contains($0.key.scalar ?? "") }) {
            item["drop"]?.complain("what is dropped becomes no event: 'drop' has only 'when' beside it")
        } else {
            item.allow(only: ["when", "drop"])
        }
        if item["drop"]?.boolean == false { item["drop"]?.complain("'drop' is true, or is left out") }
        guard let found = OCSFDictionary.v1_8_0.eventClass("base_event") else { return }
        events.append(
            Event(
                when: item["when"].map { Condition.read($0, slots: &slots) } ?? .always, eventClass: found,
                activity: ValueRule(fallback: .integer(0)), severity: nil, time: [], timeOrders: [], profiles: [],
                lines: [], deviceType: nil, constants: [], isDropped: true))
    }

    /// `time:`: captures to try, each alone or with others in a list of their own; `{from: …, order: …}` tells how the
    /// figures of dates stand in some of them.
    private mutating func readTime(
        _ element: Element, _ order: LogTime.Order
    ) -> [(slots: [SlotID], order: LogTime.Order)] {
        if element.isMapping {
            element.allow(only: ["from", "order"])
            let own = element["order"].flatMap { ValueRule.Transform(order: $0) }?.order
            guard let from = element.required("from") else { return [] }
            if from.isMapping { from.complain("'from' is a capture or a list of captures") }
            return from.isMapping ? [] : readTime(from, own ?? order)
        }
        guard element.isSequence else { return element.strings.map { ([slots.slot($0)], order) } }
        return element.items.flatMap { item in
            item.isMapping ? readTime(item, order) : [(item.strings.map { slots.slot($0) }, order)]
        }
    }

    /// The attribute of `path` as the class sees it.
    static func attribute(
        _ path: String, _ found: OCSFDictionary.EventClass, _ dictionary: OCSFDictionary
    ) -> OCSFDictionary.Attribute? {
        let parts = path.pathParts
        guard let first = parts.first, var attribute = found.shape.attributes[first] else { return nil }
        for part in parts.dropFirst() {
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
        fault(path, found, dictionary, hinting: true) { attribute in
            attribute.profiles.isEmpty || attribute.profiles.contains(where: profiles.contains)
        }
    }

    /// Why `path` cannot be mapped in the class, or nil; `isThere` tells of each attribute on the way whether the profiles
    /// bring it.
    static func fault(
        _ path: String, _ found: OCSFDictionary.EventClass, _ dictionary: OCSFDictionary, hinting: Bool,
        isThere: (OCSFDictionary.Attribute) -> Bool
    ) -> String? {
        if path == "unmapped" || path.hasPrefix("unmapped.") { return nil }
        let managed = [
            "activity_id", "category_uid", "class_uid", "type_uid", "severity_id", "time", "metadata.version",
        ]
        if managed.contains(path) { return "'\(path)' is not mapped here: it has a key of its own or is computed" }
        let parts = path.pathParts
        var shape = found.shape
        for (index, part) in parts.enumerated() {
            guard let attribute = shape.attributes[part] else {
                guard hinting else { return "" }
                let hint = Element.hint(part, among: shape.attributes.keys)
                return "\(shape.name) of OCSF \(dictionary.version) has no attribute '\(part)'\(hint)"
            }
            if !isThere(attribute) {
                let names = attribute.profiles.joined(separator: " or ")
                return "'\(part)' needs the profile \(names): name it under 'profiles'"
            }
            if index + 1 < parts.count {
                guard let object = attribute.object else { return "'\(part)' is no object" }
                if object == "object" { return nil }
                guard let next = dictionary.objects[object] else { return "'\(part)' is no object" }
                shape = next
            } else if attribute.object != nil, attribute.object != "object" {
                return "'\(path)' is an object; map its attributes"
            }
        }
        return nil
    }
}
