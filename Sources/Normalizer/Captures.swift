// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// What a parse step found under one name.
struct Capture {
    enum Kind: UInt8 {
        /// Nothing.
        case absent
        /// Bytes in the slab.
        case text
        /// The inside of a JSON string with escapes, in the slab.
        case escaped
        /// A JSON number in the slab, as written.
        case number
        /// A whole number in `integer`.
        case integer
        /// A truth value in `integer`.
        case flag
        /// A JSON object or array in the slab.
        case json
    }

    var kind: Kind
    var extent: Extent
    var integer: Int64

    static let absent = Capture(kind: .absent, extent: .empty, integer: 0)

    static func text(_ extent: Extent) -> Capture { Capture(kind: .text, extent: extent, integer: 0) }
    static func integer(_ value: Int64) -> Capture { Capture(kind: .integer, extent: .empty, integer: value) }
}

/// The number of a name in a mapping's captures.
typealias SlotID = Int

/// The names that a mapping reads, as a tree of dotted parts that parse steps walk by the bytes of their keys.
///
/// One hash table serves key-value names and JSON paths alike: a node is found by its parent and the bytes of its part.
struct SlotTree: Sendable {
    /// A node of the tree: its slot, if the name up to here is read, and whether longer names go through it.
    struct Node {
        var slot: SlotID?
        var hasChildren = false
    }

    private struct Cell {
        var parent: Int32
        var name: [UInt8]
        var node: Int32
    }

    /// The nodes; number 0 is the root.
    private(set) var nodes = [Node()]
    /// The names by slot.
    private(set) var names: [String] = []
    private var cells: [Cell?] = Array(repeating: nil, count: 64)
    private var used = 0

    /// The slot of a name, added when it is new.
    mutating func slot(_ name: String) -> SlotID {
        var node = 0
        for part in name.split(separator: "." as Character) {
            node = child(node, Array(part.utf8))
        }
        if let slot = nodes[node].slot { return slot }
        names.append(name)
        nodes[node].slot = names.count - 1
        return names.count - 1
    }

    private mutating func child(_ parent: Int, _ name: [UInt8]) -> Int {
        if let found = find(parent, name.span.bytes) { return found }
        if used * 2 >= cells.count {
            let old = cells
            cells = Array(repeating: nil, count: old.count * 2)
            for cell in old.compactMap({ $0 }) { insert(cell) }
        }
        nodes[parent].hasChildren = true
        nodes.append(Node())
        insert(Cell(parent: Int32(parent), name: name, node: Int32(nodes.count - 1)))
        used += 1
        return nodes.count - 1
    }

    private mutating func insert(_ cell: Cell) {
        var index = SlotTree.hash(Int(cell.parent), cell.name.span.bytes) & (cells.count - 1)
        while cells[index] != nil { index = (index + 1) & (cells.count - 1) }
        cells[index] = cell
    }

    /// The child of node `parent` whose part is `name`, or nil.
    func find(_ parent: Int, _ name: RawSpan) -> Int? {
        var index = SlotTree.hash(parent, name) & (cells.count - 1)
        while let cell = cells[index] {
            if Int(cell.parent) == parent, name.equals(cell.name.span.bytes) { return Int(cell.node) }
            index = (index + 1) & (cells.count - 1)
        }
        return nil
    }

    /// FNV-1a, seeded with the parent.
    private static func hash(_ parent: Int, _ name: RawSpan) -> Int {
        var value: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(truncatingIfNeeded: parent)
        for index in 0..<min(name.byteCount, 64) {
            value = (value ^ UInt64(name.byte(at: index) ?? 0)) &* 0x0000_0100_0000_01B3
        }
        return Int(truncatingIfNeeded: value >> 17)
    }
}
