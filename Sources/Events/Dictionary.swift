// SPDX-License-Identifier: Apache-2.0

/// The OCSF schema as the service needs it: classes, objects, attributes, requirements and enumerations of one version.
///
/// The content is generated from the compiled schema (`scripts/generate-ocsf`) and parsed once at start.
public final class OCSFDictionary: Sendable {
    /// What a value is below its OCSF type: the primitive that JSON and Parquet store.
    public enum Primitive: String, Sendable {
        /// UTF-8 text.
        case string = "string_t"
        /// A 32-bit whole number in the schema, 64-bit here.
        case integer = "integer_t"
        /// A 64-bit whole number.
        case long = "long_t"
        /// A floating-point number.
        case float = "float_t"
        /// True or false.
        case boolean = "boolean_t"
        /// Any JSON value.
        case json = "json_t"
    }

    /// An enumeration: ids in the order of the schema with their captions, and the attribute that takes the caption.
    public struct Enumeration: Sendable {
        /// The captions by id, as the schema writes the id.
        public let captions: [String: String]

        /// The id of a caption, compared without regard to case, or nil.
        public func id(of caption: String) -> String? {
            if let exact = captions.first(where: { $0.value == caption }) { return exact.key }
            let wanted = caption.lowercased()
            return captions.first { $0.value.lowercased() == wanted }?.key
        }
    }

    /// How badly the schema wants an attribute.
    public enum Requirement: Sendable {
        /// An event without it is invalid.
        case required
        /// Should be there.
        case recommended
        /// May be there.
        case optional
    }

    /// One attribute of a class or object.
    public struct Attribute: Sendable {
        /// Its name.
        public let name: String
        /// Its OCSF type (`ip_t`, …); `object_t` for objects.
        public let type: String
        /// The object type, when it is an object; `object` is free-form.
        public let object: String?
        /// The primitive below its type; `.json` for free-form objects.
        public let primitive: Primitive
        /// Whether it is an array of its type.
        public let isArray: Bool
        /// Its requirement here.
        public let requirement: Requirement
        /// The profiles that bring it; empty when it is always there.
        public let profiles: [String]
        /// Its enumeration, or nil.
        public let enumeration: Enumeration?
        /// The attribute that takes the caption of an enumerated value.
        public let sibling: String?
    }

    /// A rule over several attributes of one object or class.
    public enum Constraint: Sendable {
        /// At least one of these must be there.
        case atLeastOne([String])
        /// Exactly one of these must be there.
        case justOne([String])
    }

    /// An object type or class: its attributes and constraints.
    public struct Shape: Sendable {
        /// The object type or class name.
        public let name: String
        /// Attributes by name.
        public let attributes: [String: Attribute]
        /// Constraints.
        public let constraints: [Constraint]
    }

    /// An event class.
    public struct EventClass: Sendable {
        /// The schema version that it is of.
        public let version: String
        /// The `class_uid`.
        public let uid: Int
        /// Its caption: the value of `class_name`.
        public let caption: String
        /// The `category_uid`.
        public let category: Int
        /// The caption of the category.
        public let categoryCaption: String
        /// Its attributes and constraints.
        public let shape: Shape
    }

    /// The schema version: the value of `metadata.version`.
    public let version: String
    /// Classes by `class_uid`.
    public let classes: [Int: EventClass]
    /// Object types by name.
    public let objects: [String: Shape]
    /// Profile names.
    public let profiles: Set<String>
    /// Every attribute that a class has, by name; the schema gives a name one type in all classes.
    public let roots: [String: Attribute]
    private let byName: [String: Int]

    /// The class of that name (`network_activity`) or uid in digits.
    public func eventClass(_ name: String) -> EventClass? {
        byName[name].flatMap { classes[$0] } ?? Int(name).flatMap { classes[$0] }
    }

    /// OCSF 1.8.0, which mappings and rules are written in.
    public static let v1_8_0 = OCSFDictionary(version: OCSF180.version, text: OCSF180.text)

    /// OCSF 1.1.0, which the sources of Amazon Security Lake have.
    public static let v1_1_0 = OCSFDictionary(version: OCSF110.version, text: OCSF110.text)

    /// The versions that events can be written in, the usual one first.
    public static let versions = [OCSF180.version, OCSF110.version]

    /// The schema of a version, or nil when there is none.
    public static func of(version: String) -> OCSFDictionary? {
        switch version {
        case OCSF180.version: v1_8_0
        case OCSF110.version: v1_1_0
        default: nil
        }
    }

    /// Whether this is the version in which mappings and rules are written.
    public var isNative: Bool { version == OCSF180.version }

    init(version: String, text: StaticString) {
        var primitives: [Substring: Primitive] = [:]
        var bases: [Substring: Substring] = [:]
        var enumerations: [Enumeration] = []
        var attributes: [Attribute] = []
        var objects: [String: Shape] = [:]
        var classes: [Int: EventClass] = [:]
        var names: [String: Int] = [:]
        var profiles: Set<String> = []
        var roots: [String: Attribute] = [:]

        func primitive(_ type: Substring) -> Primitive {
            if let known = primitives[type] { return known }
            var base = type
            var steps = 0
            while Primitive(rawValue: String(base)) == nil, let next = bases[base], next != base, steps < 8 {
                base = next
                steps += 1
            }
            let found = Primitive(rawValue: String(base)) ?? .json
            primitives[type] = found
            return found
        }
        func constraints(_ text: Substring) -> [Constraint] {
            text == "-"
                ? []
                : text.parts(0x3B).compactMap { part in
                    let pair = part.parts(0x3D, most: 2)
                    let members = pair[1].parts(0x2C).map(String.init)
                    return pair[0] == "just_one" ? .justOne(members) : .atLeastOne(members)
                }
        }
        func shape(_ name: Substring, _ constraint: Substring, _ ids: some Collection<Substring>) -> Shape {
            var members = [String: Attribute](minimumCapacity: ids.count)
            for id in ids {
                if let number = Int(id), number < attributes.count {
                    members[attributes[number].name] = attributes[number]
                }
            }
            return Shape(name: String(name), attributes: members, constraints: constraints(constraint))
        }
        for line in text.description[...].parts(0x0A) {
            let words = line.parts(0x20, most: 3)
            switch words[0] {
            case "T":
                bases[words[1]] = words[2]
            case "E":
                var captions: [String: String] = [:]
                for pair in words[2].parts(0x3B) {
                    let sides = pair.parts(0x3D, most: 2)
                    if sides.count == 2 { captions[String(sides[0])] = String(sides[1]) }
                }
                enumerations.append(Enumeration(captions: captions))
            case "A":
                let parts = words[2].parts(0x20)
                let isObject = parts[1].utf8.first == 0x3E
                let object = isObject ? String(parts[1].dropFirst()) : nil
                let enumeration = parts[4].parts(0x5E)
                attributes.append(
                    Attribute(
                        name: String(parts[0]), type: isObject ? "object_t" : String(parts[1]), object: object,
                        primitive: isObject ? .json : primitive(parts[1]), isArray: parts[2].utf8.contains(0x2A),
                        requirement: parts[2].utf8.contains(0x21)
                            ? .required : parts[2].utf8.contains(0x2B) ? .recommended : .optional,
                        profiles: parts[3] == "-" ? [] : parts[3].parts(0x2C).map(String.init),
                        enumeration: Int(enumeration[0]).map { enumerations[$0] },
                        sibling: enumeration.count == 2 ? String(enumeration[1]) : nil))
            case "O":
                let parts = words[2].parts(0x20)
                objects[String(words[1])] = shape(words[1], parts[0], parts.dropFirst())
            case "C":
                let sections = words[2].parts(0x7C)
                let parts = sections[0].parts(0x20, most: 4)
                let uid = Int(words[1]) ?? 0
                let made = shape(parts[0], parts[2], sections[2].parts(0x20))
                classes[uid] = EventClass(
                    version: version, uid: uid, caption: String(parts[3]), category: Int(parts[1]) ?? 0,
                    categoryCaption: String(sections[1]), shape: made)
                names[String(parts[0])] = uid
                roots.merge(made.attributes) { first, _ in first }
            case "P":
                profiles.insert(String(words[1]))
            default: break
            }
        }
        self.version = version
        self.classes = classes
        self.objects = objects
        self.profiles = profiles
        self.roots = roots
        self.byName = names
    }

    /// The attribute that a dotted path names, seen from the event's root, or nil when the schema has none.
    public func attribute(at path: some StringProtocol) -> Attribute? {
        let parts = String(path).utf8.split(separator: 0x2E).map { String(Substring($0)) }
        guard let first = parts.first, var found = roots[first] else { return nil }
        for part in parts.dropFirst() {
            guard let object = found.object, object != "object", let next = objects[object]?.attributes[part] else {
                return nil
            }
            found = next
        }
        return found
    }
}

extension Substring {
    /// The parts between bytes `separator`, at most `most`, without empty ones: by bytes, for the schema is long and ASCII
    /// where it is split.
    fileprivate func parts(_ separator: UInt8, most: Int = .max) -> [Substring] {
        utf8.split(separator: separator, maxSplits: most == .max ? .max : most - 1).map { Substring($0) }
    }
}
