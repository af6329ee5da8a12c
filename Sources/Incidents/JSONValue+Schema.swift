// SPDX-License-Identifier: Apache-2.0
internal import Events

extension JSONValue {
    /// An event of class `uid` as `dictionary` has it: what the class lacks goes to the same path below `unmapped`.
    func restated(as uid: Int, in dictionary: OCSFDictionary) -> JSONValue {
        guard !dictionary.isNative, case .object = self, let shape = dictionary.classes[uid]?.shape else { return self }
        let (kept, moved) = split(by: shape, dictionary)
        guard case .object(var members)? = kept, case .object(let others)? = moved else { return self }
        if let index = members.firstIndex(where: { $0.0 == "unmapped" }), case .object(let own)? = members[index].1 {
            let names = Set(own.map(\.0))
            members[index].1 = .object(own + others.filter { !names.contains($0.0) })
        } else {
            members.append(("unmapped", moved))
        }
        return .object(members)
    }

    private func fits(_ primitive: OCSFDictionary.Primitive) -> Bool {
        switch self {
        case .text: primitive == .string || primitive == .json
        case .integer: primitive != .string && primitive != .boolean
        case .boolean: primitive == .boolean || primitive == .json
        case .array(let items): items.allSatisfy { $0.fits(primitive) }
        case .object: primitive == .json
        }
    }

    /// What an object of the schema takes of a value, and what is left; nil for nothing.
    private func split(
        by shape: OCSFDictionary.Shape, _ dictionary: OCSFDictionary
    ) -> (kept: JSONValue?, moved: JSONValue?) {
        switch self {
        case .object(let members):
            var kept: [(String, JSONValue?)] = []
            var moved: [(String, JSONValue?)] = []
            for case (let name, let value?) in members {
                guard let attribute = shape.attributes[name], attribute.profiles.isEmpty else {
                    moved.append((name, value))
                    continue
                }
                guard let object = attribute.object, object != "object", let inner = dictionary.objects[object] else {
                    // The type may be another one: `priority` was a number.
                    if value.fits(attribute.primitive) {
                        kept.append((name, value))
                    } else {
                        moved.append((name, value))
                    }
                    continue
                }
                let parts = value.split(by: inner, dictionary)
                if let part = parts.kept { kept.append((name, part)) }
                if let part = parts.moved { moved.append((name, part)) }
            }
            return (kept.isEmpty ? nil : .object(kept), moved.isEmpty ? nil : .object(moved))
        case .array(let items):
            // What is left of an element keeps its position.
            let parts = items.map { $0.split(by: shape, dictionary) }
            return (
                .array(parts.compactMap(\.kept)),
                parts.contains { $0.moved != nil } ? .array(parts.map { $0.moved ?? .object([]) }) : nil
            )
        case .text, .integer, .boolean: return (self, nil)
        }
    }
}
