// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Events

extension MappingDraft {
    /// An attribute that repeats objects, one of each element of a list that a record has:
    /// `answers: {each: dns.answers, of: {rdata: rdata}}`.
    struct ObjectList {
        var path: String
        /// The captures to try.
        var sources: [SlotID]
        /// What stands between the elements of a text; 0: it is one element.
        var split: UInt8
        /// Where the names inside elements begin, and their captures.
        var node: Int
        var slots: [SlotID]
        /// The capture of the element itself; -1 where nothing reads it.
        var itself: SlotID
        /// What becomes of an element; their paths are those of the event.
        var lines: [Line]
    }

    /// The most lists around a value: ``Entry/element`` has room for three positions.
    static let mostLevels = 3

    /// Whether the right-hand side of a line makes objects of a list.
    static func isList(_ value: Element) -> Bool { value.isMapping && value.quiet["each"] != nil }

    /// Whether a class has an attribute at `path` that repeats objects, given the profiles.
    static func repeats(
        _ path: String, _ found: OCSFDictionary.EventClass, _ schema: SchemaView, _ profiles: [String]
    ) -> Bool {
        guard let attribute = schema.find(path, found).attribute, attribute.isArray, let object = attribute.object,
            object != "object"
        else { return false }
        return around(path).allSatisfy { part in
            let needed = MappingDraft.attribute(part, found, schema.dictionary)?.profiles ?? []
            return needed.isEmpty || needed.contains(where: profiles.contains)
        }
    }

    /// A path and those of what lies around it, outermost first.
    private static func around(_ path: String) -> [String] {
        let parts = path.pathParts
        return parts.indices.map { parts[...$0].joined(separator: ".") }
    }

    /// Reads a line that makes objects of a list.
    mutating func readList(
        _ key: Element, _ value: Element, _ found: OCSFDictionary.EventClass, _ profiles: [String],
        _ schema: SchemaView, _ builder: inout FieldTable.Builder
    ) -> ObjectList? {
        let dictionary = schema.dictionary
        guard let path = key.scalar else { return nil }
        value.allow(only: ["each", "of", "split"])
        guard MappingDraft.repeats(path, found, schema, profiles) else {
            let isThere = MappingDraft.attribute(path, found, dictionary)?.isArray == true
            let fault = MappingDraft.fault(path, found, dictionary, profiles) ?? ""
            key.complain(
                fault.isEmpty || !isThere && fault.hasSuffix("map its attributes")
                    ? "'\(path)' does not repeat objects: 'each' makes one object of each element of a list" : fault)
            return nil
        }
        let names = value["each"]?.strings ?? []
        if names.isEmpty { value["each"]?.complain("'each' names a capture, or several to try") }
        var list = ObjectList(
            path: path, sources: names.map { slots.slot($0) }, split: 0, node: 0, slots: [], itself: -1, lines: [])
        if let split = value["split"], let text = split.string {
            if text.utf8.count != 1 { split.complain("split takes one ASCII character") }
            list.split = text.utf8.first ?? 0
        }
        guard let of = value.required("of") else { return nil }
        if !of.isMapping || of.members.isEmpty {
            of.complain("'of' tells what becomes of an element: lines of attributes of '\(path)', as 'map' has them")
            return nil
        }
        let first = slots.names.count
        list.node = slots.beginElements()
        for (name, element) in of.members {
            readInner(name, element, path, found, profiles, schema, &builder).map { list.lines.append($0) }
        }
        list.itself = slots.nodes[list.node].slot ?? -1
        // Names of the record may be among them, which elements do not have.
        list.slots = (first..<slots.names.count).filter { slots.isInside[$0] }
        slots.endElements()
        let isRead = list.lines.contains { $0.value.sources.contains(where: list.slots.contains) }
        if !isRead, !list.lines.isEmpty {
            of.complain("no line of 'of' reads anything of an element; '.' is an element that is no object")
        }
        return list
    }

    /// Reads one line of `of:`.
    private mutating func readInner(
        _ key: Element, _ value: Element, _ outer: String, _ found: OCSFDictionary.EventClass, _ profiles: [String],
        _ schema: SchemaView, _ builder: inout FieldTable.Builder
    ) -> Line? {
        guard let name = key.scalar else { return nil }
        let path = outer + "." + name
        let attribute = schema.find(path, found)
        guard attribute.isMappable(profiles), let known = attribute.attribute else {
            let fault = MappingDraft.fault(path, found, schema.dictionary, profiles)
            key.complain(fault ?? "'\(path)' cannot be mapped here")
            return nil
        }
        if MappingDraft.isList(value) {
            value.complain("a list inside a list is not read: map attributes of its first element by their paths")
            return nil
        }
        let levels = MappingDraft.around(path).count {
            MappingDraft.attribute($0, found, schema.dictionary)?.isArray == true
        }
        if levels > MappingDraft.mostLevels {
            key.complain("'\(path)' lies in more than \(MappingDraft.mostLevels) lists")
            return nil
        }
        guard builder.add(path) else {
            key.complain("the mappings use more than \(FieldTable.limit) attributes")
            return nil
        }
        let target = Target(
            path: path, primitive: known.primitive, type: known.type, isArray: known.isArray,
            isContainer: known.object != nil, enumeration: known.enumeration, sibling: known.sibling)
        var rule = ValueRule.read(value, for: target, slots: &slots, builder: &builder)
        if target.type == "timestamp_t", rule.transform == .none { rule.transform = dateOrder }
        return Line(path: path, value: rule, target: target)
    }

    /// Complains about lines that write into what a list makes.
    static func review(_ lists: [ObjectList], _ lines: [Line], _ members: [(key: Element, value: Element)]) {
        for list in lists {
            let paths = lines.map(\.path) + lists.map(\.path).filter { $0 != list.path }
            for path in paths where path.isAt(list.path) {
                members.first { $0.key.scalar == path }?.key.complain(
                    "'each' makes all of '\(list.path)': write '\(path.dropFirst(list.path.count + 1))' under its 'of'")
            }
        }
    }

    /// Complains about what the schema demands of the objects of a list and no line under `of` makes.
    static func demand(_ list: ObjectList, _ event: Event, _ place: Element) {
        let dictionary = OCSFDictionary.v1_8_0
        let made = list.lines.map(\.path)
        var seen: Set<String> = []
        for path in [list.path] + made.flatMap({ around($0).dropLast() }) where path.isAt(list.path) {
            guard seen.insert(path).inserted,
                let type = attribute(path, event.eventClass, dictionary)?.object, type != "object",
                let object = dictionary.objects[type]
            else { continue }
            demand(object, type, at: path, made, event.profiles) { place.complain($0) }
        }
    }
}
