// SPDX-License-Identifier: Apache-2.0
public import Codecs
public import Events

/// The Parquet schema of one OCSF class, and the way from a field of a ``FieldTable`` to its column.
///
/// Objects become optional groups, arrays become LISTs, free-form objects and JSON values become one STRING column of
/// JSON text. The types come from the OCSF dictionary alone, never from the data: the same path has the same type in
/// every object ever written. A value that does not fit its column (text where the schema has a number, an attribute
/// that the class does not have) goes to the column ``misfits`` instead, so that nothing is lost: merging the JSON of
/// that column into the row gives the event back.
public struct LakeSchema: Sendable {
    /// The name of the last column: a JSON object of what fits no other one, in the event's own nesting.
    public static let misfits = "misfits"

    /// How one node of the schema takes its entries.
    struct Node: Sendable {
        /// Whether it has columns of its own below.
        var isGroup: Bool
        var isList: Bool
        var type: ParquetType
        /// Its columns.
        var leaves: Range<Int>
        /// The definition level that says that the node is there (of a list: maybe empty).
        var definition: Int
        /// The definition level of one element; of other nodes the same as `definition`.
        var elementDefinition: Int
        /// The number of lists from the top, itself included: the repetition level of its second element.
        var lists: Int
        /// Where the numbers of its children stand in ``LakeSchema/children``.
        var children: Range<Int>
        /// The node at the top that it lies in.
        var root: Int
        /// Its field in the batch's table and the first one behind it; empty when the table does not have it.
        var fields: Range<FieldID>
    }

    /// The version of OCSF.
    public let version: String
    /// The `class_uid`.
    public let classUID: Int
    /// The class name: the first part of object keys, and the table's name in queries.
    public let className: String
    /// The schema of the files.
    public let parquet: ParquetSchema
    /// The paths of the columns that hold JSON text; the files name them under the key `penstock.json_columns`.
    public let jsonColumns: [String]
    let nodes: [Node]
    let children: [Int]
    /// The node of each field of the batch's table, -1 for fields whose values are misfits.
    let nodeOf: [Int32]
    let misfitColumn: Int

    /// The schema of class `uid` for batches of `table`.
    ///
    /// - Parameter onlyCore: whether to leave out all columns but those that every object has.
    /// - Throws: when the table makes more columns than a Parquet file may have.
    public init(classUID uid: Int, table: FieldTable, onlyCore: Bool = false) throws(ParquetError) {
        let dictionary = table.dictionary
        let eventClass = dictionary.classes[uid]
        version = dictionary.version
        classUID = uid
        className = eventClass?.shape.name ?? "class_\(uid)"
        let core = LakeSchema.corePaths(of: uid, in: dictionary)
        let roots =
            eventClass.map { Set($0.shape.attributes.keys) } ?? Set(core.map { String($0.prefix { $0 != "." }) })

        // The table's fields and the core columns together, in nesting order.
        var builder = FieldTable.Builder(dictionary)
        for path in core { builder.add(path) }
        if !onlyCore {
            for field in table.fields where roots.contains(String(field.path.prefix { $0 != "." })) {
                builder.add(field.path)
            }
        }
        var tree = Tree(union: builder.build(), table: table)
        var top: [ParquetNode] = []
        for id in tree.roots {
            if let node = tree.node(id, definition: 0, lists: 0) { top.append(node) }
        }
        top.append(.leaf(LakeSchema.misfits, .json))
        parquet = try ParquetSchema(top)
        jsonColumns = tree.json + [LakeSchema.misfits]
        nodes = tree.nodes
        children = tree.children
        misfitColumn = tree.leafCount

        var nodeOf = [Int32](repeating: -1, count: table.fields.count)
        for (number, node) in tree.nodes.enumerated() {
            // Of fields below a value only those of a free-form object belong to its column.
            let isWhole = !node.isGroup && node.type == .json
            for field in isWhole ? node.fields : node.fields.prefix(1) { nodeOf[Int(field)] = Int32(number) }
        }
        self.nodeOf = nodeOf
    }

    /// Builds nodes for Parquet and for shredding side by side.
    private struct Tree {
        let union: FieldTable
        let table: FieldTable
        var nodes: [Node] = []
        var children: [Int] = []
        /// The paths of JSON columns.
        var json: [String] = []
        var leafCount = 0

        var roots: [FieldID] { children(of: nil) }

        private func children(of parent: FieldID?) -> [FieldID] {
            var found: [FieldID] = []
            var id = parent.map { $0 + 1 } ?? 0
            let end = parent.map { union.fields[Int($0)].end } ?? FieldID(union.fields.count)
            while id < end {
                found.append(id)
                id = union.fields[Int(id)].end
            }
            return found
        }

        /// The node of a field, or nil when nothing of it can have a column.
        mutating func node(_ id: FieldID, definition: Int, lists: Int, root: Int? = nil) -> ParquetNode? {
            let field = union.fields[Int(id)]
            guard field.type != nil, let attribute = union.dictionary.attribute(at: field.path) else { return nil }
            // Entries number the elements of three arrays; values below more stay JSON, and that is a misfit.
            guard field.arrayDepth <= 3 else { return nil }
            let isFree = attribute.object == "object" || attribute.object == nil && attribute.primitive == .json
            let known = table.id(field.path)
            let number = nodes.count
            let listDefinition = definition + 1
            let place = Node(
                isGroup: attribute.object != nil && !isFree, isList: field.isArray,
                type: isFree ? .json : LakeSchema.type(attribute.primitive), leaves: leafCount..<leafCount,
                definition: listDefinition, elementDefinition: field.isArray ? listDefinition + 1 : listDefinition,
                lists: lists + (field.isArray ? 1 : 0), children: 0..<0, root: root ?? number,
                fields: known.map { $0..<table.fields[Int($0)].end } ?? 0..<0)
            nodes.append(place)
            let shape: ParquetNode
            if place.isGroup {
                var below: [ParquetNode] = []
                var numbers: [Int] = []
                for child in children(of: id) {
                    let next = nodes.count
                    if let node = node(
                        child, definition: place.elementDefinition, lists: place.lists, root: place.root)
                    {
                        numbers.append(next)
                        below.append(node)
                    }
                }
                guard !below.isEmpty else {
                    nodes.removeLast(nodes.count - number)
                    return nil
                }
                nodes[number].children = children.count..<children.count + numbers.count
                children.append(contentsOf: numbers)
                shape = .group(field.name, optional: !field.isArray, below)
            } else {
                leafCount += 1
                if place.type == .json { json.append(field.path) }
                shape = .leaf(field.name, place.type, optional: !field.isArray)
            }
            nodes[number].leaves = place.leaves.lowerBound..<leafCount
            return field.isArray ? .list(field.name, of: shape) : shape
        }
    }

    private static func type(_ primitive: OCSFDictionary.Primitive) -> ParquetType {
        switch primitive {
        case .string: .string
        case .integer: .int32
        case .long: .int64
        case .float: .double
        case .boolean: .boolean
        case .json: .json
        }
    }
}
