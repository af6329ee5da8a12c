// SPDX-License-Identifier: Apache-2.0
internal import Events

/// What the schema says of attributes by their paths and of shapes by their names, worked out once each: the events of a
/// load ask for the same few hundred paths again and again.
final class SchemaView {
    /// A path in a class.
    final class Found {
        let attribute: OCSFDictionary.Attribute?
        /// Whether it can be mapped, given the profiles.
        private let isMappable: Bool
        /// The profiles of those of its parts that are there with one of them only.
        private let profiles: [[String]]

        init(_ attribute: OCSFDictionary.Attribute?, isMappable: Bool, profiles: [[String]]) {
            (self.attribute, self.isMappable, self.profiles) = (attribute, isMappable, profiles)
        }

        /// Whether it can be mapped where there are these profiles.
        func isMappable(_ profiles: [String]) -> Bool {
            isMappable && self.profiles.allSatisfy { $0.contains(where: profiles.contains) }
        }
    }

    /// What a shape demands of its members.
    struct Demands {
        /// Attributes that must be there, by name; without profiles always, else with one of them.
        var required: [(name: String, profiles: [String])] = []
        /// Attributes of which at least one must be there.
        var oneOf: [[String]] = []
        /// Attributes of which just one may be there.
        var justOne: [[String]] = []
    }

    /// What was found of one class.
    private final class Known {
        var paths: [String: Found] = [:]
        var profiles: Set<String>?
        var demands: Demands?
    }

    let dictionary: OCSFDictionary
    private var known: [Int: Known] = [:]
    private var last: (key: Int, known: Known)?
    private var objectDemands: [String: Demands] = [:]
    private var requirements: [Place: EventPlan.Requirement?] = [:]
    private var profileNumbers: [[String]: Int] = [:]

    /// An object in events of a class with some profiles.
    private struct Place: Hashable {
        var key: Int
        var profiles: Int
        var container: FieldID
    }

    init(_ dictionary: OCSFDictionary) { self.dictionary = dictionary }

    /// A class by its number, and by its version: an event of one that an older version lacks is of the newer one's.
    private func key(_ eventClass: OCSFDictionary.EventClass) -> Int {
        eventClass.version == dictionary.version ? eventClass.uid : ~eventClass.uid
    }

    /// What is known of a class.
    private func known(_ eventClass: OCSFDictionary.EventClass) -> Known {
        let key = key(eventClass)
        if let last, last.key == key { return last.known }
        let found = known[key] ?? Known()
        known[key] = found
        last = (key, found)
        return found
    }

    /// What there is at a path of a class.
    func find(_ path: String, _ eventClass: OCSFDictionary.EventClass) -> Found {
        let known = known(eventClass)
        if let found = known.paths[path] { return found }
        var profiles: [[String]] = []
        var attribute: OCSFDictionary.Attribute?
        let fault = MappingDraft.fault(path, eventClass, dictionary, hinting: false) { part in
            if !part.profiles.isEmpty { profiles.append(part.profiles) }
            attribute = part
            return true
        }
        // The last part that was looked at is the path's own, unless that lies in a free-form object. (Of what is not there
        // nothing is told without a hint.)
        if fault == "" {
            attribute = nil
        } else if fault != nil || attribute?.object != nil {
            attribute = MappingDraft.attribute(path, eventClass, dictionary)
        }
        let found = Found(attribute, isMappable: fault == nil, profiles: profiles)
        known.paths[path] = found
        return found
    }

    /// The profiles that bring attributes of a class.
    func profiles(of eventClass: OCSFDictionary.EventClass) -> Set<String> {
        let known = known(eventClass)
        let found = known.profiles ?? Set(eventClass.shape.attributes.values.flatMap(\.profiles))
        known.profiles = found
        return found
    }

    /// What a class demands of its attributes.
    func demands(_ eventClass: OCSFDictionary.EventClass) -> Demands {
        let known = known(eventClass)
        let made = known.demands ?? SchemaView.demands(eventClass.shape)
        known.demands = made
        return made
    }

    /// What an object type demands of its attributes; nil when there is no such type.
    func demands(object: String) -> Demands? {
        if let known = objectDemands[object] { return known }
        guard let shape = dictionary.objects[object] else { return nil }
        let made = SchemaView.demands(shape)
        objectDemands[object] = made
        return made
    }

    /// What an object demands in events of a class with some profiles, once made by `make`; one view serves one field table.
    func requirement(
        _ container: FieldID, _ eventClass: OCSFDictionary.EventClass, _ profiles: [String],
        make: () -> EventPlan.Requirement?
    ) -> EventPlan.Requirement? {
        let number = profileNumbers[profiles] ?? profileNumbers.count
        profileNumbers[profiles] = number
        let place = Place(key: key(eventClass), profiles: number, container: container)
        if let known = requirements[place] { return known }
        let made = make()
        requirements[place] = .some(made)
        return made
    }

    private static func demands(_ shape: OCSFDictionary.Shape) -> Demands {
        var made = Demands()
        made.required = shape.attributes.values.filter { $0.requirement == .required }
            .map { ($0.name, $0.profiles) }.sorted { $0.name < $1.name }
        for constraint in shape.constraints {
            switch constraint {
            case .atLeastOne(let names): made.oneOf.append(names)
            case .justOne(let names):
                made.oneOf.append(names)
                made.justOne.append(names)
            }
        }
        return made
    }
}

extension String {
    /// The parts between dots.
    var pathParts: [String] { utf8.split(separator: 0x2E).map { String(Substring($0)) } }

    /// What stands before the last part; empty when there is one part only.
    var pathParent: String {
        utf8.lastIndex(of: 0x2E).map { String(self[..<$0]) } ?? ""
    }
}
