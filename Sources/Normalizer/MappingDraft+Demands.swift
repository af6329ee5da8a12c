// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Events

extension MappingDraft {
    /// Complains about what the schema demands of an event and nothing in the mapping makes: such an event can only go
    /// out as Base Event, such an object is always left out.
    static func demand(_ event: Event, _ item: Element) {
        let dictionary = OCSFDictionary.v1_8_0
        // An attribute that is written but wrong has its own complaint.
        let written = item["map"]?.members.compactMap(\.key.scalar) ?? []
        var made = event.lines.map(\.path) + event.lists.map(\.path) + event.constants.map(\.path) + written
        if event.deviceType != nil { made += ["device.ip", "device.hostname"] }
        let shape = event.eventClass.shape
        let name = "\(shape.name) of OCSF \(dictionary.version)"
        let place = item["class"] ?? item
        for attribute in required(shape, event.profiles)
        where !EventPlan.managed.contains(attribute.name) && !makes(made, attribute.name) {
            place.complain("\(name) demands '\(attribute.name)': \(cure(attribute, attribute.name))")
        }
        for names in choices(shape) where !names.contains(where: { makes(made, $0) }) {
            place.complain("\(name) demands \(listed(names)): map one of them")
        }
        exclude(shape, "", name, event, item)
        var seen: Set<String> = ["metadata", "unmapped"]
        for line in event.lines.map(\.path) + event.lists.map(\.path) {
            let parts = line.pathParts
            for length in 1..<max(1, parts.count) where parts[0] != "unmapped" {
                let prefix = parts.prefix(length).joined(separator: ".")
                guard seen.insert(prefix).inserted,
                    let type = attribute(prefix, event.eventClass, dictionary)?.object, type != "object",
                    let object = dictionary.objects[type]
                else { continue }
                exclude(object, prefix + ".", type, event, item)
                let place = key(line, item) ?? item
                demand(object, type, at: prefix, made, event.profiles) { place.complain($0) }
            }
        }
        for list in event.lists { demand(list, event, key(list.path, item) ?? item) }
    }

    /// Tells what an object type demands and none of the paths `made` is.
    static func demand(
        _ object: OCSFDictionary.Shape, _ type: String, at prefix: String, _ made: [String], _ profiles: [String],
        _ complain: (String) -> Void
    ) {
        for demand in required(object, profiles) where !makes(made, prefix + "." + demand.name) {
            let path = prefix + "." + demand.name
            complain(
                "'\(prefix)' is left out of each event without '\(demand.name)', which \(type) demands: "
                    + cure(demand, path))
        }
        for names in choices(object) where !names.contains(where: { makes(made, prefix + "." + $0) }) {
            complain(
                "'\(prefix)' is left out of each event without \(listed(names)), which \(type) demands: "
                    + "map one of them")
        }
    }

    /// Complains about lines that always write more than the one attribute that a constraint takes. Of what only some
    /// records have the first line's stays, and the rest goes to `unmapped`.
    private static func exclude(
        _ shape: OCSFDictionary.Shape, _ prefix: String, _ owner: String, _ event: Event, _ item: Element
    ) {
        for case .justOne(let names) in shape.constraints {
            var first: (name: String, line: String)?
            for line in event.lines where line.path.hasPrefix(prefix) {
                let name = String(line.path.dropFirst(prefix.count).prefix { $0 != "." })
                guard names.contains(name), line.value.fallback != nil, !line.value.isDefault else { continue }
                if let first, first.name != name {
                    (key(line.path, item) ?? item).complain(
                        "'\(line.path)' is always written beside '\(first.line)', but \(owner) takes just one of "
                            + "\(listed(names)): leave one of the two out, or write it by 'cases'")
                    break
                }
                first = first ?? (name, line.path)
            }
        }
    }

    private static func required(_ shape: OCSFDictionary.Shape, _ profiles: [String]) -> [OCSFDictionary.Attribute] {
        shape.attributes.values.filter { attribute in
            attribute.requirement == .required
                && (attribute.profiles.isEmpty || attribute.profiles.contains { profiles.contains($0) })
        }.sorted { $0.name < $1.name }
    }

    private static func choices(_ shape: OCSFDictionary.Shape) -> [[String]] {
        shape.constraints.map {
            switch $0 {
            case .atLeastOne(let names), .justOne(let names): names
            }
        }
    }

    /// Whether one of some paths is `path` or lies in it.
    private static func makes(_ made: [String], _ path: String) -> Bool {
        made.contains { $0 == path || $0.hasPrefix(path + ".") }
    }

    private static func listed(_ names: [String]) -> String {
        let quoted = names.map { "'\($0)'" }
        return quoted.count < 2
            ? quoted.joined() : quoted.dropLast().joined(separator: ", ") + " or " + (quoted.last ?? "")
    }

    private static func cure(_ attribute: OCSFDictionary.Attribute, _ path: String) -> String {
        if attribute.object != nil { return "map its attributes" }
        if attribute.enumeration?.captions["0"] != nil {
            return "map it, or write '\(path): {value: 0}'"
        }
        return "map it"
    }

    /// The key of a `map:` line of an event; nil when it stands under `common`.
    private static func key(_ path: String, _ item: Element) -> Element? {
        item["map"]?.members.first { $0.key.scalar == path }?.key
    }
}
