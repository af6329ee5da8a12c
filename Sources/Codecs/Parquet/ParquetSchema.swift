// SPDX-License-Identifier: Apache-2.0

/// A leaf of a schema, which is a column of the file.
public struct ParquetLeaf: Sendable {
    /// The names from the top to the leaf, with `list` and `element` of the three-level lists.
    public let path: [String]
    /// What the column holds.
    public let type: ParquetType
    /// The definition level of a value: the number of optional and repeated nodes from the top to the leaf.
    public let maximumDefinition: Int
    /// The number of lists around the leaf.
    public let maximumRepetition: Int
    /// For each repetition level from 1, the definition level that says "this list has an element here".
    public let elementDefinitions: [Int]

    /// The path with dots.
    public var dottedPath: String { path.joined(separator: ".") }
}

/// The schema of a Parquet file: a tree of nodes, whose leaves are the columns, numbered depth first from 0.
public struct ParquetSchema: Sendable {
    /// The deepest nesting of groups and lists.
    public static let maximumDepth = 64
    /// The largest number of columns.
    public static let maximumLeaves = 16_384

    /// One line of the footer's flat schema (parquet.thrift, SchemaElement).
    struct Element: Sendable {
        enum Repetition: Int32 { case required = 0, optional, repeated }
        let name: String
        let repetition: Repetition?
        let type: ParquetType?
        let childCount: Int
        let isList: Bool
    }

    /// The columns, depth first.
    public let leaves: [ParquetLeaf]
    let elements: [Element]
    private let numbers: [[String]: Int]

    /// The schema with these top-level fields.
    public init(_ fields: [ParquetNode]) throws(ParquetError) {
        var walk = Walk()
        try walk.group("schema", nil, fields, at: Place())
        self.leaves = walk.leaves
        self.elements = walk.elements
        self.numbers = [[String]: Int](uniqueKeysWithValues: zip(walk.leaves.map(\.path), walk.leaves.indices))
    }

    /// The number of the column with this path (with `list` and `element`), or nil.
    public func column(_ path: [String]) -> Int? { numbers[path] }

    /// Where the walk through the tree stands.
    private struct Place {
        var path: [String] = []
        var depth = 0
        var definition = 0
        var elementDefinitions: [Int] = []
    }

    private struct Walk {
        var leaves: [ParquetLeaf] = []
        var elements: [Element] = []

        mutating func group(
            _ name: String, _ repetition: Element.Repetition?, _ children: [ParquetNode], isList: Bool = false,
            at place: Place
        ) throws(ParquetError) {
            guard !children.isEmpty else { throw .emptyGroup(path: place.path.joined(separator: ".")) }
            elements.append(
                Element(name: name, repetition: repetition, type: nil, childCount: children.count, isList: isList))
            var names: Set<String> = []
            for child in children {
                var below = place
                below.path.append(child.name)
                guard names.insert(child.name).inserted else {
                    throw .duplicateName(path: below.path.joined(separator: "."))
                }
                try node(child, at: below)
            }
        }

        mutating func node(_ node: ParquetNode, at place: Place) throws(ParquetError) {
            var place = place
            guard !node.name.isEmpty else { throw .emptyName(path: place.path.joined(separator: ".")) }
            place.depth += 1
            guard place.depth <= ParquetSchema.maximumDepth else {
                throw .tooDeep(path: place.path.joined(separator: "."))
            }
            if node.isOptional { place.definition += 1 }
            let repetition = node.isOptional ? Element.Repetition.optional : .required
            switch node.shape {
            case .leaf(let type):
                guard leaves.count < ParquetSchema.maximumLeaves else { throw .tooManyLeaves }
                elements.append(
                    Element(name: node.name, repetition: repetition, type: type, childCount: 0, isList: false))
                leaves.append(
                    ParquetLeaf(
                        path: place.path, type: type, maximumDefinition: place.definition,
                        maximumRepetition: place.elementDefinitions.count,
                        elementDefinitions: place.elementDefinitions))
            case .group(let children):
                try group(node.name, repetition, children, at: place)
            case .list(let element):
                elements.append(
                    Element(name: node.name, repetition: repetition, type: nil, childCount: 1, isList: true))
                place.path.append("list")
                place.definition += 1
                place.elementDefinitions.append(place.definition)
                try group("list", .repeated, element, at: place)
            }
        }
    }
}
