// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Checks a finished event against everything that its schema says of it: attributes, types, enumerations, requirements,
/// constraints, profiles.
///
/// Events are valid by construction; this looks at the JSON alone and shares nothing with what makes it, so that it can
/// prove that. It is for tests and `--validate`, not for lanes.
public struct EventValidator: Sendable {
    /// What is wrong with an event.
    public struct Fault: Sendable, Equatable, CustomStringConvertible {
        /// The attribute's dotted path with the numbers of elements (`observables[2].name`); empty for the whole event.
        public let path: String
        /// What the schema says of it.
        public let message: String

        /// Path and message on one line.
        public var description: String { path.isEmpty ? message : "\(path): \(message)" }
    }

    /// The most faults that are told of one event.
    public static let limit = 64

    private let dictionary: OCSFDictionary
    /// The most characters by type, as the version of the schema has them.
    private let lengths: [String: Int]
    private let mostText: Int

    /// A validator for a version of the schema.
    public init(_ dictionary: OCSFDictionary) {
        self.dictionary = dictionary
        var lengths = ["ip_t": 40, "mac_t": 32, "subnet_t": 42]
        // In OCSF 1.1.0 all texts are bounded.
        mostText = dictionary.isNative ? .max : 65_535
        if !dictionary.isNative { lengths.merge(["file_hash_t": 64, "resource_uid_t": 64]) { $1 } }
        self.lengths = lengths
    }

    /// The faults of an event, the first ones of the event's own order.
    public func faults(_ json: [UInt8]) -> [Fault] {
        let document: JSONDocument
        do { document = try JSONDocument(json) } catch { return [Fault(path: "", message: "no JSON: \(error)")] }
        var check = Check(dictionary: dictionary, lengths: lengths, mostText: mostText, document: document)
        check.event()
        return check.faults
    }

    /// One event under examination.
    private struct Check {
        let dictionary: OCSFDictionary
        let lengths: [String: Int]
        let mostText: Int
        let document: JSONDocument
        var faults: [Fault] = []
        var profiles: Set<String> = []

        private var tape: JSONTape { document.tape }
        private func text(_ index: Int) -> String { tape.text(index, in: document.bytes.span.bytes) }
        private func key(_ index: Int) -> String { tape.key(index, in: document.bytes.span.bytes) }
        private func kind(_ index: Int) -> JSONTape.Kind { tape.values[index].kind }

        private mutating func fault(_ path: String, _ message: String) {
            if faults.count < EventValidator.limit { faults.append(Fault(path: path, message: message)) }
        }

        /// The values that an object or array holds.
        private func children(_ index: Int) -> [Int] {
            var found: [Int] = []
            var child = index + 1
            while child < Int(tape.values[index].next) {
                found.append(child)
                child = Int(tape.values[child].next)
            }
            return found
        }

        mutating func event() {
            guard kind(0) == .object else { return fault("", "an event is a JSON object") }
            guard let uid = document.integer("class_uid"), let found = dictionary.classes[Int(uid)] else {
                return fault("class_uid", "OCSF \(dictionary.version) has no such class")
            }
            for name in document.texts("metadata.profiles") {
                if dictionary.profiles.contains(name) {
                    profiles.insert(name)
                } else {
                    fault("metadata.profiles", "OCSF \(dictionary.version) has no profile '\(name)'")
                }
            }
            if let version = document.text("metadata.version"), version != dictionary.version {
                fault("metadata.version", "'\(version)' is not \(dictionary.version)")
            }
            object(0, found.shape, "")
            if let activity = document.integer("activity_id"), let type = document.integer("type_uid"),
                type != uid &* 100 &+ activity
            {
                fault("type_uid", "\(type) is not \(uid &* 100 &+ activity)")
            }
            if let category = document.integer("category_uid"), category != Int64(found.category) {
                fault("category_uid", "\(category) is not \(found.category)")
            }
            for (number, index) in document.find("observables.name").enumerated() where kind(index) == .string {
                let name = text(index)
                if !name.isEmpty, document.find(name).isEmpty {
                    fault("observables[\(number)].name", "'\(name)' refers to no attribute of the event")
                }
            }
        }

        private mutating func object(_ index: Int, _ shape: OCSFDictionary.Shape, _ path: String) {
            var present: Set<String> = []
            for child in children(index) {
                let name = key(child)
                let place = path.isEmpty ? name : path + "." + name
                guard let attribute = shape.attributes[name] else {
                    fault(place, "\(shape.name) has no such attribute")
                    continue
                }
                if !attribute.profiles.isEmpty, profiles.isDisjoint(with: attribute.profiles) {
                    fault(place, "it needs the profile \(attribute.profiles.joined(separator: " or "))")
                }
                guard kind(child) != .null else { continue }
                if !present.insert(name).inserted { fault(place, "it is there twice") }
                if !attribute.isArray {
                    value(child, attribute, place)
                } else if kind(child) == .array {
                    for (number, element) in children(child).enumerated() {
                        value(element, attribute, "\(place)[\(number)]")
                    }
                } else {
                    fault(place, "it takes an array")
                }
            }
            for attribute in shape.attributes.values.sorted(by: { $0.name < $1.name })
            where attribute.requirement == .required && !present.contains(attribute.name)
                && (attribute.profiles.isEmpty || !profiles.isDisjoint(with: attribute.profiles))
            {
                fault(path.isEmpty ? attribute.name : path + "." + attribute.name, "it is required, and missing")
            }
            for constraint in shape.constraints { meets(constraint, index, shape, path, present) }
        }

        private mutating func meets(
            _ constraint: OCSFDictionary.Constraint, _ index: Int, _ shape: OCSFDictionary.Shape, _ path: String,
            _ present: Set<String>
        ) {
            // Some name attributes of the event by longer paths (`device.os.version`).
            func has(_ name: String) -> Bool {
                present.contains(name) || path.isEmpty && name.contains(".") && !document.find(name).isEmpty
            }
            switch constraint {
            case .atLeastOne(let names) where !names.contains(where: has):
                fault(path, "\(shape.name) needs at least one of \(names.joined(separator: ", "))")
            case .justOne(let names) where names.count(where: has) != 1:
                let found = names.filter(has)
                fault(
                    path,
                    "\(shape.name) needs just one of \(names.joined(separator: ", "))"
                        + (found.isEmpty ? "" : "; it has \(found.joined(separator: ", "))"))
            case .atLeastOne, .justOne: break
            }
        }

        private mutating func value(_ index: Int, _ attribute: OCSFDictionary.Attribute, _ path: String) {
            if let object = attribute.object {
                guard kind(index) == .object else { return fault(path, "it takes an object") }
                if object != "object", let shape = dictionary.objects[object] { self.object(index, shape, path) }
                return
            }
            guard isTyped(index, attribute.primitive) else {
                return fault(path, "it takes \(attribute.type), not \(text(index))")
            }
            if let enumeration = attribute.enumeration, enumeration.captions[text(index)] == nil {
                fault(path, "it has no value '\(text(index))'")
            }
            let most = lengths[attribute.type] ?? (attribute.primitive == .string ? mostText : .max)
            if most < .max, text(index).unicodeScalars.count > most {
                fault(path, "\(attribute.type) has at most \(most) characters")
            }
            switch attribute.type {
            case "port_t" where !(0...65_535).contains(Int64(text(index)) ?? -1):
                fault(path, "a port lies between 0 and 65535")
            case "ip_t" where IPAddress(text(index)) == nil: fault(path, "'\(text(index))' is no IP address")
            default: break
            }
        }

        private func isTyped(_ index: Int, _ primitive: OCSFDictionary.Primitive) -> Bool {
            switch (primitive, kind(index)) {
            case (.json, _), (.string, .string), (.boolean, .yes), (.boolean, .no), (.float, .number): true
            case (.integer, .number), (.long, .number): Int64(text(index)) != nil
            default: false
            }
        }
    }
}
