// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Events
internal import Wire

extension MappingDraft {
    /// The fields of one observable.
    static let observableFields = ["observables.name", "observables.type", "observables.type_id", "observables.value"]

    /// The most attributes that an event tells again as observables.
    static let mostObservables = 32

    /// The numbers that OCSF gives to types of values as observables (`observable.type_id`).
    static let observableTypes: [String: Int] = [
        "hostname_t": 1, "ip_t": 2, "mac_t": 3, "username_t": 4, "email_t": 5, "url_t": 6, "file_name_t": 7,
        "file_hash_t": 8, "process_name_t": 9, "resource_uid_t": 10, "port_t": 11, "subnet_t": 12, "file_path_t": 45,
        "reg_key_path_t": 46,
    ]

    /// Reads `observables:`, attributes of which the event has the values again in one list. Those that stand under
    /// `common` count for the events that have them.
    static func observables(
        _ item: Element, _ common: Element?, _ lines: [Line], _ used: inout Set<String>,
        _ builder: inout FieldTable.Builder
    ) -> [String] {
        let own = item["observables"]
        guard let element = own ?? common?["observables"] else { return [] }
        let items = element.isSequence ? element.items : [element]
        if items.count > mostObservables { element.complain("at most \(mostObservables) observables") }
        var paths: [String] = []
        for entry in items.prefix(mostObservables) {
            guard let path = entry.string else { continue }
            guard let line = lines.first(where: { $0.path == path }) else {
                if own != nil {
                    let hint = Element.hint(path, among: lines.map(\.path))
                    entry.complain("no line of this event maps '\(path)'\(hint)")
                }
                continue
            }
            used.insert("observables:" + path)
            guard let type = line.target.type, observableTypes[type] != nil, !line.target.isArray else {
                entry.complain(
                    "'\(path)' is no observable: that are addresses, host, user, file and process names, URLs, hashes, "
                        + "ports and the like, one value each")
                continue
            }
            if !paths.contains(path) { paths.append(path) }
        }
        if !paths.isEmpty {
            for field in observableFields { builder.add(field) }
            for path in paths { _ = builder.constant(path) }
            for (_, caption) in captions(builder.dictionary) { _ = builder.constant(caption) }
        }
        return paths
    }

    /// Complains about common observables that no event has.
    static func review(observables common: Element?, _ used: Set<String>) {
        guard let element = common?["observables"] else { return }
        for entry in element.isSequence ? element.items : [element] {
            guard let path = entry.string, !used.contains("observables:" + path) else { continue }
            entry.complain("no event of this mapping maps '\(path)'")
        }
    }

    /// What the schema calls the types of observables, by number.
    static func captions(_ dictionary: OCSFDictionary) -> [Int: String] {
        let known = dictionary.attribute(at: "observables.type_id")?.enumeration?.captions ?? [:]
        return observableTypes.values.reduce(into: [:]) { all, number in
            if let caption = known[String(number)] { all[number] = caption }
        }
    }
}

/// An attribute whose value an event has again among its observables.
struct Observable: Sendable {
    /// Where the value is.
    var place: Place
    /// The attribute's path.
    var name: ConstantText
    var type: Int64
    var caption: ConstantText
}

/// The observables of an event, and where they go.
struct Observables: Sendable {
    let all: [Observable]
    let name, type, typeID, value: (field: FieldID, place: Place)

    /// Nil when there is none that the schema has a number for.
    init?(_ event: MappingDraft.Event, _ table: FieldTable, _ shape: RowShape) {
        let captions = MappingDraft.captions(table.dictionary)
        all = event.observables.compactMap { path in
            guard let line = event.lines.first(where: { $0.path == path }), let field = table.id(path),
                let number = line.target.type.flatMap({ MappingDraft.observableTypes[$0] }),
                let caption = captions[number].flatMap({ table.text($0) }), let name = table.text(path)
            else { return nil }
            return Observable(place: shape.place(field), name: name, type: Int64(number), caption: caption)
        }
        let fields = MappingDraft.observableFields.compactMap { table.id($0) }
        guard !all.isEmpty, fields.count == 4 else { return nil }
        name = (fields[0], shape.place(fields[0]))
        type = (fields[1], shape.place(fields[1]))
        typeID = (fields[2], shape.place(fields[2]))
        value = (fields[3], shape.place(fields[3]))
    }

    /// The fields that the shape of such an event needs.
    static func fields(_ event: MappingDraft.Event, _ table: FieldTable) -> [FieldID] {
        event.observables.isEmpty ? [] : MappingDraft.observableFields.compactMap { table.id($0) }
    }
}

extension Normalizer {
    /// Tells again what the event under construction has of its observables.
    mutating func observe(_ observables: Observables, _ slab: inout Slab) {
        var position = 0
        for observable in observables.all {
            guard let entry = row.entry(observable.place), let element = Entry.element(position) else { continue }
            let value: Entry
            switch entry.kind {
            case .text: value = .bytes(observables.value.field, .text, entry.extent, element: element)
            case .integer:
                let start = slab.count
                slab.append(decimal: entry.integer)
                value = .bytes(observables.value.field, .text, Extent(start..<slab.count), element: element)
            default: continue
            }
            row.put(observables.value.place, element: value)
            row.put(
                observables.name.place, element: .constant(observables.name.field, observable.name, element: element))
            row.put(
                observables.type.place,
                element: .constant(observables.type.field, observable.caption, element: element))
            row.put(
                observables.typeID.place,
                element: .integer(observables.typeID.field, observable.type, element: element))
            position += 1
        }
    }
}
