// SPDX-License-Identifier: Apache-2.0
internal import Events

/// Objects of lists in an older version.
extension OlderVersion {
    /// A list in the older version; nil when that has no such attribute. What it lacks of an object stays in `unmapped`.
    func restate(
        _ list: MappingDraft.ObjectList, _ event: MappingDraft.Event, _ made: MappingDraft.Event,
        _ builder: inout FieldTable.Builder
    ) -> MappingDraft.ObjectList? {
        guard let found = attribute(list.path, event.eventClass, made.eventClass, made.profiles), found.isArray,
            found.object != nil, found.object != "object"
        else { return nil }
        var inner = made
        inner.lines = []
        var captions: [MappingDraft.Line] = []
        for line in list.lines {
            guard let stated = restate(line, event, inner, &captions, &builder), stated.path.isAt(list.path) else {
                continue
            }
            inner.lines.append(stated)
        }
        for line in captions where line.path.isAt(list.path) && !inner.lines.contains(where: { $0.path == line.path }) {
            inner.lines.append(line)
        }
        guard inner.lines.contains(where: { $0.value.sources.contains(where: list.slots.contains) }) else { return nil }
        var prefixes: Set<String> = []
        for line in inner.lines {
            var parent = line.path.pathParent
            while parent.isAt(list.path), prefixes.insert(parent).inserted { parent = parent.pathParent }
        }
        complete(prefixes, event, &inner, &builder)
        var stated = list
        stated.lines = inner.lines
        return stated
    }

    /// The list as the record has it, below `unmapped`.
    func whole(_ list: MappingDraft.ObjectList) -> MappingDraft.Line {
        let path = "unmapped." + list.path
        return MappingDraft.Line(
            path: path, value: ValueRule(sources: list.sources),
            target: Target(
                path: path, primitive: nil, type: nil, isArray: false, isContainer: false, enumeration: nil,
                sibling: nil))
    }

    /// Gives the objects at some paths what only the older version demands of them.
    func complete(
        _ prefixes: Set<String>, _ event: MappingDraft.Event, _ made: inout MappingDraft.Event,
        _ builder: inout FieldTable.Builder
    ) {
        for prefix in prefixes.sorted() {
            guard let name = MappingDraft.attribute(prefix, made.eventClass, dictionary)?.object,
                let shape = dictionary.objects[name]
            else { continue }
            let before = MappingDraft.attribute(prefix, event.eventClass, native)?.object.flatMap { native.objects[$0] }
            for demand in shape.attributes.values.sorted(by: { $0.name < $1.name })
            where demand.requirement == .required && before?.attributes[demand.name]?.requirement != .required {
                complete(prefix + "." + demand.name, demand, &made, &builder)
            }
        }
    }
}
