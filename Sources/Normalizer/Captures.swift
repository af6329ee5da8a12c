// SPDX-License-Identifier: Apache-2.0
internal import Codecs
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
    /// The number of its text among those that its mapping compares it with, once ``Rulebook/symbol(of:_:_:)`` has looked.
    var symbol = Capture.unknown
    var extent: Extent
    var integer: Int64

    /// That nobody has looked for a capture's symbol, and that it has none.
    static let unknown: Int32 = -2
    static let none: Int32 = -1

    init(kind: Kind, extent: Extent, integer: Int64) {
        self.kind = kind
        self.extent = extent
        self.integer = integer
    }

    /// Whether nothing was found, or an empty text.
    var isNothing: Bool { kind == .absent || kind == .text && extent.isEmpty }

    static let absent = Capture(kind: .absent, extent: .empty, integer: 0)

    static func text(_ extent: Extent) -> Capture { Capture(kind: .text, extent: extent, integer: 0) }
    static func integer(_ value: Int64) -> Capture { Capture(kind: .integer, extent: .empty, integer: value) }

    /// Calls `body` with the capture's text, or answers nil when it is absent.
    func withText<Result>(_ slab: borrowing Slab, _ body: (RawSpan) -> Result) -> Result? {
        switch kind {
        case .absent: return nil
        case .text, .escaped, .number, .json: return body(slab.bytes(extent))
        case .integer:
            return withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { room in
                var start = 20
                var rest = integer.magnitude
                repeat {
                    start -= 1
                    room[start] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
                    rest /= 10
                } while rest > 0
                if integer < 0 {
                    start -= 1
                    room[start] = 0x2D
                }
                return body(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: room[start...])))
            }
        case .flag:
            let text: StaticString = integer != 0 ? "true" : "false"
            return body(RawSpan(_unsafeStart: text.utf8Start, byteCount: text.utf8CodeUnitCount))
        }
    }
}

/// The number of a name in a mapping's captures.
typealias SlotID = Int

/// The names that a mapping reads, as a tree of dotted parts that parse steps walk by the bytes of their keys.
///
/// One table serves key-value names and JSON paths alike: a node is found by its parent and the bytes of its part.
struct SlotTree: Sendable {
    /// A node of the tree: its slot, if the name up to here is read, and whether longer names go through it.
    struct Node {
        var slot: SlotID?
        var hasChildren = false
    }

    /// The nodes; number 0 is the root.
    private(set) var nodes = [Node()]
    /// The names by slot.
    private(set) var names: [String] = []
    /// The names as key-value text has them, by slot.
    private(set) var keys: [KeyValue.Key] = []
    /// By slot: whether the name is one inside the elements of a list.
    private(set) var isInside: [Bool] = []
    /// Where names begin that are added: at the root, but for those inside the elements of a list.
    private var top = 0
    private var children = ByteTable()

    /// Begins names of their own, those inside the elements of a list, which are found from a node that no key of a record
    /// leads to.
    ///
    /// - Returns: the node. The name `.` stands for itself.
    mutating func beginElements() -> Int {
        nodes.append(Node())
        top = nodes.count - 1
        return top
    }

    /// Goes back to the names of records.
    mutating func endElements() { top = 0 }

    /// The slot of a name, added when it is new.
    ///
    /// Inside the elements of a list `$.name` is a name of the record.
    mutating func slot(_ name: String) -> SlotID {
        if top != 0, name.hasPrefix("$.") {
            let node = top
            top = 0
            defer { top = node }
            return slot(String(name.dropFirst(2)))
        }
        if let known = known(name) { return known }
        let parts = name.utf8.split(separator: 0x2E).map { Array($0) }
        var path = [top]
        for part in parts { path.append(child(path[path.count - 1], part)) }
        let node = path[path.count - 1]
        if let slot = nodes[node].slot { return slot }
        names.append(name)
        nodes[node].slot = names.count - 1
        // The header's own are not for members to fill.
        let isOwn = names.count <= Builtins.count || top != 0
        isInside.append(top != 0)
        keys.append(KeyValue.Key(isOwn ? [] : Array(parts.joined(separator: [0x2E]))))
        if names.count > Builtins.count { join(parts, path) }
        return names.count - 1
    }

    /// The slot of a name that was added, or nil.
    func known(_ name: String) -> SlotID? {
        var name = name
        return name.withUTF8 { bytes in
            let name = RawSpan(_unsafeBytes: UnsafeRawBufferPointer(bytes))
            var node = top
            var start = 0
            while start < name.byteCount {
                let end = name.firstIndex(of: 0x2E, from: start) ?? name.byteCount
                if end > start {
                    guard let next = find(node, name.part(start, end - start)) else { return nil }
                    node = next
                }
                start = end + 1
            }
            return nodes[node].slot
        }
    }

    /// Lets keys with dots be found as the same parts nested are (`"source.ip"`, as Beats and others flatten ECS): each run
    /// of parts is one more child of the node that it begins at, so that looking for it costs nothing.
    private mutating func join(_ parts: [[UInt8]], _ path: [Int]) {
        guard parts.count <= 16 else { return }
        for start in parts.indices {
            var key = parts[start]
            for end in parts.indices.dropFirst(start + 1) {
                key += [0x2E] + parts[end]
                children.insert(key, seed: path[start], path[end + 1])
            }
        }
    }

    private mutating func child(_ parent: Int, _ name: [UInt8]) -> Int {
        if let found = find(parent, name.span.bytes) { return found }
        nodes[parent].hasChildren = true
        nodes.append(Node())
        children.insert(name, seed: parent, nodes.count - 1)
        return nodes.count - 1
    }

    /// The child of node `parent` whose part is `name`, or nil.
    func find(_ parent: Int, _ name: RawSpan) -> Int? { children.find(name, seed: parent) }

    /// The slot of the name that is only `name`, or nil.
    func slot(of name: RawSpan) -> SlotID? { find(0, name).flatMap { nodes[$0].slot } }
}
