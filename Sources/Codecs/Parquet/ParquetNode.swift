// SPDX-License-Identifier: Apache-2.0

/// A node of a Parquet schema: a group, a list or a leaf.
public struct ParquetNode: Sendable {
    enum Shape: Sendable {
        case leaf(ParquetType)
        case group([ParquetNode])
        /// Exactly one node; an array, because a struct cannot contain itself.
        case list([ParquetNode])
    }

    /// The field's name; an element of a list is always called `element`.
    public let name: String
    /// Whether the field may be null.
    public let isOptional: Bool
    let shape: Shape

    /// A field with one value.
    public static func leaf(_ name: String, _ type: ParquetType, optional: Bool = true) -> ParquetNode {
        ParquetNode(name: name, isOptional: optional, shape: .leaf(type))
    }

    /// A struct.
    public static func group(_ name: String, optional: Bool = true, _ children: [ParquetNode]) -> ParquetNode {
        ParquetNode(name: name, isOptional: optional, shape: .group(children))
    }

    /// A list in the three levels of Parquet's LogicalTypes (`name.list.element`); the element keeps its own
    /// optionality and loses its name.
    public static func list(_ name: String, optional: Bool = true, of element: ParquetNode) -> ParquetNode {
        let renamed = ParquetNode(name: "element", isOptional: element.isOptional, shape: element.shape)
        return ParquetNode(name: name, isOptional: optional, shape: .list([renamed]))
    }

    /// The number of leaves below this node: they are numbered one after the other.
    public var leafCount: Int {
        switch shape {
        case .leaf: 1
        case .group(let children), .list(let children): children.reduce(0) { $0 + $1.leafCount }
        }
    }
}
