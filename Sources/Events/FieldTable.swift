// SPDX-License-Identifier: Apache-2.0

/// The number of a field in a ``FieldTable``; fields are numbered in nesting order.
public typealias FieldID = UInt16

/// The attributes that events of this process may hold, numbered in nesting order (a parent, then its children).
///
/// Sorted by number, the entries of an event can be written as JSON or shredded into Parquet columns in one pass. A
/// table is immutable: a reload makes a new one. Constant texts of mappings (captions, product names) stand in it once.
public final class FieldTable: Sendable {
    /// The most fields in a table; a mapping set or input file that needs more is refused with an error.
    public static let limit = 60_000

    /// One attribute at one path.
    public struct Field: Sendable {
        /// The last part of the path.
        public let name: String
        /// The dotted path from the event's root.
        public let path: String
        /// The field it lies in, or nil at the root.
        public let parent: FieldID?
        /// The number of containers around it.
        public let depth: Int
        /// Whether it holds other fields.
        public let isContainer: Bool
        /// Whether it repeats.
        public let isArray: Bool
        /// The number of repeating fields on the path, itself included.
        public let arrayDepth: Int
        /// What its values are; nil for containers and for fields that no schema knows, which keep each value's kind.
        public let primitive: OCSFDictionary.Primitive?
        /// The OCSF type name, or nil outside the schema.
        public let type: String?
        /// The first number that does not lie inside it.
        public let end: FieldID
        /// Its key as JSON: `"name":`.
        public let key: [UInt8]
    }

    /// The fields by number.
    public let fields: [Field]
    /// The texts that constant entries point into.
    public let constants: [UInt8]
    /// The schema.
    public let dictionary: OCSFDictionary
    /// How the fields are written as JSON.
    let paths: PathTexts
    private let byPath: [String: FieldID]

    private let texts: [String: ConstantText]

    fileprivate init(
        fields: [Field], constants: [UInt8], texts: [String: ConstantText], dictionary: OCSFDictionary
    ) {
        self.fields = fields
        self.constants = constants
        self.texts = texts
        self.dictionary = dictionary
        self.paths = PathTexts(fields)
        self.byPath = Dictionary(
            uniqueKeysWithValues: fields.enumerated().map { ($0.element.path, FieldID($0.offset)) })
    }

    /// The field of a dotted path, or nil.
    public func id(_ path: String) -> FieldID? { byPath[path] }

    /// The field that a field lies in, or nil at the root.
    public func parent(of field: FieldID) -> FieldID? { fields[Int(field)].parent }

    /// Where the attribute of a dotted path stands in classes that lack it in an older version of the schema: below
    /// `unmapped`; nil when no class does.
    public func movedID(_ path: String) -> FieldID? { dictionary.isNative ? nil : byPath["unmapped." + path] }

    /// Where a constant text stands, or nil when the builder did not get it.
    public func text(_ constant: String) -> ConstantText? { texts[constant] }

    /// Collects paths and constants, then numbers them.
    public struct Builder {
        private final class Node {
            var children: [String: Node] = [:]
        }
        private let root = Node()
        private var constants: [UInt8] = []
        private var known: [String: ConstantText] = [:]
        private var added: Set<String> = []
        /// The schema.
        public let dictionary: OCSFDictionary
        /// The number of distinct paths so far.
        public private(set) var count = 0

        /// An empty table of `dictionary`.
        public init(_ dictionary: OCSFDictionary = .v1_8_0) { self.dictionary = dictionary }

        /// Adds a dotted path and the containers on its way; false when the table is full.
        @discardableResult
        public mutating func add(_ path: some StringProtocol) -> Bool {
            let path = String(path)
            if added.contains(path) { return true }
            var node = root
            for part in path.utf8.split(separator: 0x2E) {
                let name = String(Substring(part))
                if let next = node.children[name] {
                    node = next
                } else {
                    guard count < FieldTable.limit else { return false }
                    let next = Node()
                    node.children[name] = next
                    node = next
                    count += 1
                }
            }
            added.insert(path)
            return true
        }

        /// Stores a constant text once and tells where it stands.
        public mutating func constant(_ text: String) -> ConstantText {
            if let place = known[text] { return place }
            let place = ConstantText(offset: UInt32(constants.count), length: UInt32(text.utf8.count))
            constants.append(contentsOf: text.utf8)
            known[text] = place
            return place
        }

        /// A constant text as it was given.
        public func text(of constant: ConstantText) -> String {
            let start = Int(constant.offset)
            return String(decoding: constants[start..<start + Int(constant.length)], as: UTF8.self)
        }

        /// The finished table.
        public func build() -> FieldTable {
            var fields: [Field] = []
            func visit(_ node: Node, _ path: String, _ parent: FieldID?, _ depth: Int, _ arrays: Int, _ object: String?)
            {
                for (name, child) in node.children.sorted(by: { $0.key < $1.key }) {
                    let attribute: OCSFDictionary.Attribute? =
                        depth == 0
                        ? dictionary.roots[name] : object.flatMap { dictionary.objects[$0]?.attributes[name] }
                    let full = path.isEmpty ? name : path + "." + name
                    let isContainer =
                        !child.children.isEmpty || (attribute?.object != nil)
                    let isArray = attribute?.isArray ?? false
                    let id = fields.count
                    func field(_ end: Int) -> Field {
                        Field(
                            name: name, path: full, parent: parent, depth: depth, isContainer: isContainer,
                            isArray: isArray, arrayDepth: arrays + (isArray ? 1 : 0),
                            primitive: isContainer ? nil : attribute?.primitive, type: attribute?.type,
                            end: FieldID(end), key: Array("\"".utf8) + JSONText.escaped(name) + Array("\":".utf8))
                    }
                    fields.append(field(0))
                    visit(child, full, FieldID(id), depth + 1, arrays + (isArray ? 1 : 0), attribute?.object)
                    fields[id] = field(fields.count)
                }
            }
            visit(root, "", nil, 0, 0, nil)
            return FieldTable(fields: fields, constants: constants, texts: known, dictionary: dictionary)
        }
    }
}

/// Where a constant text stands in a ``FieldTable``.
public struct ConstantText: Sendable, Equatable {
    let offset: UInt32
    let length: UInt32
}
