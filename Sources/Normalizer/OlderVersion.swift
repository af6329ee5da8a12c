// SPDX-License-Identifier: Apache-2.0
internal import Events

/// Restates what mappings say, which is OCSF as ``OCSFDictionary/v1_8_0`` has it, in an older version of the schema.
///
/// All of it happens once, when a mapping is compiled, so that an event costs the same in each version:
/// - a class that the older version lacks becomes the nearest one that it has (``nearest``);
/// - an attribute that it lacks in a class goes to the same path below `unmapped`;
/// - an enumerated value that it lacks becomes 99 (Other), with its caption in the attribute beside it;
/// - what only it demands is filled with what the mapping has, else with "unknown" or 0.
struct OlderVersion {
    let dictionary: OCSFDictionary
    let native = OCSFDictionary.v1_8_0

    /// For classes without a counterpart of the same number: what they are a kind of. All others become Base Events.
    static let nearest = [
        2006: 2004,  // data_security_finding: detection_finding
        2007: 2004,  // application_security_posture_finding: detection_finding
        2008: 2004,  // iam_analysis_finding: detection_finding
        4014: 4001,  // tunnel_activity: network_activity
    ]

    /// Attributes that have another name in older versions.
    static let renamed = ["actor.app_name": "actor.invoked_by"]

    /// Attributes that events may have in an older version besides those of mappings.
    static let paths = [
        "metadata.product.vendor_name", "device.type", "unmapped.device.hostname", "unmapped.device.ip",
        "unmapped.device.type_id",
    ]

    /// What stands in an object that an older class demands and the event does not have.
    private static let fillers: [(object: String, path: String, number: Int64?)] = [
        ("actor", "actor.invoked_by", nil), ("dst_endpoint", "dst_endpoint.name", nil),
        ("http_request", "http_request.version", nil), ("http_response", "http_response.code", 0),
        ("src_endpoint", "src_endpoint.name", nil), ("user", "user.name", nil),
    ]

    /// Nil for the version that mappings are written in.
    init?(_ dictionary: OCSFDictionary) {
        guard !dictionary.isNative else { return nil }
        self.dictionary = dictionary
    }

    // MARK: Classes, attributes, values

    /// The class as which events of `eventClass` go out.
    func eventClass(_ eventClass: OCSFDictionary.EventClass) -> OCSFDictionary.EventClass {
        dictionary.classes[eventClass.uid] ?? dictionary.classes[OlderVersion.nearest[eventClass.uid] ?? 0]
            ?? eventClass
    }

    /// The older version's attribute at `path` when it takes the same values as the newer one's, or nil.
    func attribute(
        _ path: String, _ new: OCSFDictionary.EventClass, _ old: OCSFDictionary.EventClass, _ profiles: [String]
    ) -> OCSFDictionary.Attribute? {
        var shapes = (new: new.shape, old: old.shape)
        var found: OCSFDictionary.Attribute?
        for part in path.pathParts {
            if let free = found, free.object == "object" { return free }
            if let last = found {
                guard let object = last.object, let shape = dictionary.objects[object] else { return nil }
                shapes.old = shape
            }
            guard let attribute = shapes.old.attributes[part],
                attribute.profiles.isEmpty || attribute.profiles.contains(where: profiles.contains)
            else { return nil }
            if let known = shapes.new.attributes[part] {
                guard known.isArray == attribute.isArray, (known.object == nil) == (attribute.object == nil),
                    OlderVersion.kind(known.primitive) == OlderVersion.kind(attribute.primitive)
                else { return nil }
                if let shape = known.object.flatMap({ native.objects[$0] }) { shapes.new = shape }
            }
            found = attribute
        }
        return found
    }

    private static func kind(_ primitive: OCSFDictionary.Primitive) -> OCSFDictionary.Primitive {
        primitive == .integer ? .long : primitive
    }

    /// An enumerated value in the older version, and the caption that it had when it is lost; nil when there is none.
    func value(
        _ id: String, _ new: OCSFDictionary.Enumeration, _ old: OCSFDictionary.Enumeration
    ) -> (id: String, caption: String?)? {
        guard let caption = new.captions[id] else { return old.captions[id] == nil ? nil : (id, nil) }
        if old.captions[id] == caption { return (id, nil) }
        if let other = old.id(of: caption) { return (other, nil) }
        return ["99", "0"].first { old.captions[$0] != nil }.map { ($0, caption) }
    }

    // MARK: Events

    /// The event of a mapping as the older version can say it.
    func restate(_ event: MappingDraft.Event, _ builder: inout FieldTable.Builder) -> MappingDraft.Event {
        var made = event
        let old = eventClass(event.eventClass)
        made.eventClass = old
        made.profiles = event.profiles.filter { name in
            old.shape.attributes.values.contains { $0.profiles.contains(name) }
        }
        // Some classes have a device only with the profile.
        if event.deviceType != nil, old.shape.attributes["device"]?.profiles.contains("host") == true,
            !made.profiles.contains("host")
        {
            made.profiles = (made.profiles + ["host"]).sorted()
        }
        made.lines = []
        var captions: [MappingDraft.Line] = []
        for line in event.lines {
            restate(line, event, made, &captions, &builder).map { made.lines.append($0) }
        }
        let activities = event.eventClass.shape.attributes["activity_id"]?.enumeration
        if let activities, let known = old.shape.attributes["activity_id"]?.enumeration,
            let (rule, caption) = restate(event.activity, activities, known, &builder)
        {
            made.activity = rule
            if let caption { captions.append(text("activity_name", caption)) }
        }
        restateConstants(event, &made, &builder)
        made.lists = []
        for list in event.lists {
            if let stated = restate(list, event, made, &builder) {
                made.lists.append(stated)
            } else {
                made.lines.append(whole(list))
            }
        }
        // An attribute that the mapping gives itself goes before a caption.
        for line in captions where !made.lines.contains(where: { $0.path == line.path }) { made.lines.append(line) }
        complete(event, &made, &builder)
        made.fillers = fillers(event, made, &builder)
        for path in (made.lines + made.lists.flatMap(\.lines)).map(\.path) + made.constants.map(\.path)
            + made.fillers.map(\.path)
        { builder.add(path) }
        return made
    }

    func text(_ path: String, _ rule: ValueRule) -> MappingDraft.Line {
        MappingDraft.Line(
            path: path, value: rule,
            target: Target(
                path: path, primitive: .string, type: "string_t", isArray: false, isContainer: false, enumeration: nil,
                sibling: nil))
    }

    /// A line in the older version; nil when it has no place beside the others.
    func restate(
        _ line: MappingDraft.Line, _ event: MappingDraft.Event, _ made: MappingDraft.Event,
        _ captions: inout [MappingDraft.Line], _ builder: inout FieldTable.Builder
    ) -> MappingDraft.Line? {
        guard line.path != "unmapped", !line.path.hasPrefix("unmapped.") else { return line }
        let taken = event.lines.map(\.path) + made.lines.map(\.path)
        var path = line.path
        if let other = OlderVersion.renamed[path], !taken.contains(other),
            attribute(path, event.eventClass, made.eventClass, made.profiles) == nil
        {
            path = other
        }
        guard let found = attribute(path, event.eventClass, made.eventClass, made.profiles) else {
            return move(line, besides: taken)
        }
        // Text beside a value has to be text in the older version too.
        let parent = path.pathParent
        let sibling = found.sibling.flatMap { name in
            let beside = parent.isEmpty ? name : parent + "." + name
            return MappingDraft.attribute(beside, made.eventClass, dictionary)?.primitive == .string ? name : nil
        }
        var stated = line
        stated.path = path
        // Inside a free-form object no schema says what a value is.
        if line.target.type != nil {
            stated.target = Target(
                path: path, primitive: found.primitive, type: found.type, isArray: found.isArray,
                isContainer: found.object != nil, enumeration: found.enumeration, sibling: sibling,
                isDigest: found.type == "file_hash_t")
        }
        if path == "metadata.extensions.version" {
            // The version of a part of the schema is the schema's.
            stated.value = ValueRule(fallback: .text(builder.constant(dictionary.version)))
        }
        guard let new = line.target.enumeration, let known = found.enumeration else { return stated }
        guard let (rule, caption) = restate(line.value, new, known, &builder) else {
            return move(line, besides: taken)
        }
        stated.value = rule
        if let caption, let sibling {
            captions.append(text(parent.isEmpty ? sibling : parent + "." + sibling, caption))
        }
        return stated
    }

    /// A line whose attribute the older version lacks, at the same path below `unmapped`; nil when another line is there.
    private func move(_ line: MappingDraft.Line, besides taken: [String]) -> MappingDraft.Line? {
        let path = "unmapped." + line.path
        guard !taken.contains(where: { $0 == path || $0.hasPrefix(path + ".") || path.hasPrefix($0 + ".") }) else {
            return nil
        }
        var moved = line
        moved.path = path
        moved.value.split = 0
        let old = line.target
        moved.target = Target(
            path: path, primitive: old.isArray ? nil : old.primitive, type: old.isArray ? nil : old.type,
            isArray: false, isContainer: false, enumeration: old.isArray ? nil : old.enumeration,
            sibling: old.isArray ? nil : old.sibling)
        return moved
    }

    /// A rule with the older version's values, and one that gives captions when some of them are lost; nil when a value
    /// has no counterpart at all.
    private func restate(
        _ rule: ValueRule, _ new: OCSFDictionary.Enumeration, _ old: OCSFDictionary.Enumeration,
        _ builder: inout FieldTable.Builder
    ) -> (rule: ValueRule, captions: ValueRule?)? {
        var isLossy = false
        func restate(_ literal: Literal) -> (value: Literal, caption: Literal)? {
            switch literal {
            case .integer(let number):
                guard let made = value(String(number), new, old), let id = Int64(made.id) else { return nil }
                if made.caption != nil { isLossy = true }
                let caption = made.caption ?? old.captions[made.id] ?? made.id
                return (.integer(id), .text(builder.constant(caption)))
            case .text(let text): return old.captions[builder.text(of: text)] == nil ? nil : (literal, literal)
            case .boolean, .double: return (literal, literal)
            }
        }
        var made = rule
        var captions = rule
        captions.transform = .none
        captions.scale = 1
        for (key, literal) in rule.table {
            guard let found = restate(literal) else { return nil }
            made.table[key] = found.value
            captions.table[key] = found.caption
        }
        for (index, item) in rule.cases.enumerated() {
            guard let found = restate(item.value) else { return nil }
            made.cases[index].value = found.value
            captions.cases[index].value = found.caption
        }
        if let fallback = rule.fallback {
            guard let found = restate(fallback) else { return nil }
            made.fallback = found.value
            captions.fallback = found.caption
        }
        if rule.table.isEmpty, !rule.sources.isEmpty {
            // A captured number has no caption here: what follows counts only without one.
            captions.sources = []
            let none = rule.sources.map { Condition.exists($0, false) }
            captions.cases = captions.cases.map { (.all(none + [$0.when]), $0.value) }
            if let fallback = captions.fallback { captions.cases.append((.all(none), fallback)) }
            captions.fallback = nil
        }
        return (made, isLossy ? captions : nil)
    }

    private func restateConstants(
        _ event: MappingDraft.Event, _ made: inout MappingDraft.Event, _ builder: inout FieldTable.Builder
    ) {
        made.constants = []
        for (path, literal) in event.constants {
            let found = attribute(path, event.eventClass, made.eventClass, made.profiles)
            switch path {
            case "class_uid": made.constants.append((path, .integer(Int64(made.eventClass.uid))))
            case "category_uid": made.constants.append((path, .integer(Int64(made.eventClass.category))))
            case "metadata.version": made.constants.append((path, .text(builder.constant(dictionary.version))))
            default:
                var literal = literal
                let new = MappingDraft.attribute(path, event.eventClass, native)?.enumeration
                if let known = found?.enumeration, let new, case .integer(let number) = literal,
                    let (id, caption) = value(String(number), new, known)
                {
                    literal = .integer(Int64(id) ?? 99)
                    let sibling = path.hasSuffix("_id") ? String(path.dropLast(3)) : nil
                    if let caption, let sibling { made.constants.append((sibling, .text(builder.constant(caption)))) }
                }
                made.constants.append((found == nil ? "unmapped." + path : path, literal))
            }
        }
        if !made.constants.contains(where: { $0.path == "metadata.product.vendor_name" }) {
            made.constants.append(("metadata.product.vendor_name", .text(builder.constant("unknown"))))
        }
        if made.eventClass.uid != event.eventClass.uid {
            made.constants.append(("unmapped.penstock.class_uid", .integer(Int64(event.eventClass.uid))))
        }
    }

    // MARK: Demands

    /// Gives each object what only the older version demands of it.
    private func complete(
        _ event: MappingDraft.Event, _ made: inout MappingDraft.Event, _ builder: inout FieldTable.Builder
    ) {
        var prefixes: Set<String> = []
        let paths = made.lines.map(\.path) + made.lists.map(\.path)
        for path in paths where !path.hasPrefix("unmapped.") {
            var parent = path.pathParent
            while !parent.isEmpty {
                prefixes.insert(parent)
                parent = parent.pathParent
            }
        }
        for demand in made.eventClass.shape.attributes.values.sorted(by: { $0.name < $1.name })
        where demand.requirement == .required && demand.enumeration?.captions["0"] != nil && !demand.isArray
            && (demand.profiles.isEmpty || demand.profiles.contains(where: made.profiles.contains))
            && event.eventClass.shape.attributes[demand.name]?.requirement != .required
            && !EventPlan.managed.contains(demand.name)
        {
            made.constants.append((demand.name, .integer(0)))
        }
        complete(prefixes, event, &made, &builder)
    }

    func complete(
        _ path: String, _ demand: OCSFDictionary.Attribute, _ made: inout MappingDraft.Event,
        _ builder: inout FieldTable.Builder
    ) {
        if demand.object == "file", !demand.isArray { return completeFile(path, demand, &made, &builder) }
        let isNumber = demand.primitive == .integer && demand.enumeration?.captions["0"] != nil
        guard isNumber || demand.primitive == .string && demand.enumeration == nil else { return }
        let unknown: Literal = isNumber ? .integer(0) : .text(builder.constant("unknown"))
        var rule = ValueRule(fallback: unknown, isDefault: true)
        if path == "finding_info.title" {
            // Whatever else names the finding.
            let names = ["finding_info.analytic.name", "message", "finding_info.desc", "finding_info.uid"]
            rule.sources = names.flatMap { name in
                made.lines.first { $0.path == name && $0.value.table.isEmpty }?.value.sources ?? []
            }
        }
        if let index = made.lines.firstIndex(where: { $0.path == path }) {
            guard made.lines[index].value.fallback == nil else { return }
            if made.lines[index].value.table.isEmpty { made.lines[index].value.sources += rule.sources }
            made.lines[index].value.fallback = unknown
            made.lines[index].value.isDefault = true
        } else if !made.constants.contains(where: { $0.path == path }) {
            made.lines.append(
                MappingDraft.Line(
                    path: path, value: rule,
                    target: Target(
                        path: path, primitive: demand.primitive, type: demand.type, isArray: demand.isArray,
                        isContainer: false, enumeration: demand.enumeration, sibling: demand.sibling)))
        }
    }

    /// Gives an object that has anything at all a file of unknown name and type.
    private func completeFile(
        _ path: String, _ demand: OCSFDictionary.Attribute, _ made: inout MappingDraft.Event,
        _ builder: inout FieldTable.Builder
    ) {
        let around = path.dropLast(demand.name.count)
        let slots = made.lines.filter { $0.path.hasPrefix(around) }.flatMap(\.value.sources)
        guard !slots.isEmpty, !made.lines.contains(where: { $0.path.hasPrefix(path + ".") }) else { return }
        let unknown = Literal.text(builder.constant("unknown"))
        let type = dictionary.objects["file"]?.attributes["type_id"]
        made.lines.append(
            text(path + ".name", ValueRule(cases: [(.any(slots.map { .exists($0, true) }), unknown)])))
        made.lines.append(
            MappingDraft.Line(
                path: path + ".type_id", value: ValueRule(fallback: .integer(0), isDefault: true),
                target: Target(
                    path: path + ".type_id", primitive: .integer, type: "integer_t", isArray: false, isContainer: false,
                    enumeration: type?.enumeration, sibling: type?.sibling)))
    }

    /// What completes an event that lacks an object which its class demands.
    private func fillers(
        _ event: MappingDraft.Event, _ made: MappingDraft.Event, _ builder: inout FieldTable.Builder
    ) -> [MappingDraft.Filler] {
        OlderVersion.fillers.compactMap { object, path, number in
            // Of an actor the newer version has more to say than the older one.
            guard let demand = made.eventClass.shape.attributes[object], demand.profiles.isEmpty,
                object == "actor" || event.eventClass.shape.attributes[object]?.requirement != .required
            else { return nil }
            let isChoice = made.eventClass.shape.constraints.contains { constraint in
                switch constraint {
                case .atLeastOne(let names), .justOne(let names): names.contains(object)
                }
            }
            guard demand.requirement == .required || isChoice else { return nil }
            return MappingDraft.Filler(
                object: object, path: path,
                literal: number.map { .integer($0) } ?? .text(builder.constant("unknown")))
        }
    }
}
