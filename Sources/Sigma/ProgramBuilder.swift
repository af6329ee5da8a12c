// SPDX-License-Identifier: Apache-2.0
internal import Patterns
internal import Wire

/// A condition while a rule is read.
indirect enum Formula {
    /// Item number n of the program.
    case item(Int)
    case not(Formula)
    case all([Formula])
    case any([Formula])

    /// The only item that it is.
    var item: Int? {
        switch self {
        case .item(let number): number
        case .all(let parts), .any(let parts): parts.count == 1 ? parts[0].item : nil
        case .not: nil
        }
    }
}

/// A program under construction: rules are read one after the other into it.
final class ProgramBuilder {
    /// A question in full.
    struct Item: Hashable {
        var slot: Int
        var test: Test
    }

    private(set) var fields = [FieldSource("")]
    private(set) var items: [Item] = []
    private(set) var nodes: [Program.Node] = []
    private(set) var children: [Int32] = []
    private var slots: [FieldSource: Int] = [:]
    private var known: [Item: Int] = [:]

    /// The slot of a field; nil is the keyword slot.
    func slot(_ field: FieldSource?) -> Int {
        guard let field else { return Program.keywordSlot }
        if let slot = slots[field] { return slot }
        slots[field] = fields.count
        fields.append(field)
        return fields.count - 1
    }

    /// The number of an item.
    func intern(_ item: Item) -> Int {
        if let number = known[item] { return number }
        known[item] = items.count
        items.append(item)
        return items.count - 1
    }

    /// Adds a condition and returns its root node.
    func add(_ formula: Formula) -> Int32 {
        switch formula {
        case .item(let number):
            nodes.append(.init(kind: .item, first: Int32(number), count: 0))
            return Int32(nodes.count - 1)
        case .not(let inner): return node(.not, [add(inner)])
        case .all(let parts): return add(parts, .all, .allItems)
        case .any(let parts): return add(parts, .any, .anyItem)
        }
    }

    private func add(_ parts: [Formula], _ kind: Program.Node.Kind, _ ofItems: Program.Node.Kind) -> Int32 {
        if parts.count == 1 { return add(parts[0]) }
        var items: [Int32] = []
        for part in parts {
            guard let item = part.item else { return node(kind, parts.map { add($0) }) }
            items.append(Int32(item))
        }
        return node(ofItems, items)
    }

    private func node(_ kind: Program.Node.Kind, _ parts: [Int32]) -> Int32 {
        nodes.append(.init(kind: kind, first: Int32(children.count), count: Int32(parts.count)))
        children.append(contentsOf: parts)
        return Int32(nodes.count - 1)
    }

    /// What stands below a node: nodes, or items; nothing below an item.
    func below(_ node: Program.Node) -> ArraySlice<Int32> {
        node.kind == .item ? [] : children[Int(node.first)..<Int(node.first) + Int(node.count)]
    }

    /// The slots that a condition reads, in ascending order.
    func slots(of root: Int32) -> [Int] {
        var found: Set<Int> = []
        var open = [root]
        while let next = open.popLast() {
            let node = nodes[Int(next)]
            let below = below(node)
            let own: [Int]
            switch node.kind {
            case .item: own = [Int(node.first)]
            case .allItems, .anyItem: own = below.map { Int($0) }
            case .not, .all, .any:
                open.append(contentsOf: below)
                own = []
            }
            for number in own {
                let item = items[number]
                found.insert(item.slot)
                if case .reference(let other, _, _, _) = item.test { found.insert(other) }
            }
        }
        return found.sorted()
    }

    /// The finished program.
    func build() -> Program {
        var texts = TextPool()
        var expressions = PatternList()
        var networks: [IPNetwork] = []
        let flat = items.map { item in
            var made = Program.Item(kind: .null, slot: Int32(item.slot))
            switch item.test {
            case .null: break
            case .exists: made.kind = .exists
            case .text(let matcher, let cased):
                made.kind = .text
                made.cased = cased
                made.index = texts.add(matcher)
            case .regex(let expression):
                made.kind = .regex
                made.index = Int32(expressions.count)
                expressions.append(expression.pattern)
            case .network(let network):
                made.kind = .network
                made.index = Int32(networks.count)
                networks.append(network)
            case .compare(let comparison, let number):
                made.kind = .compare
                made.comparison = comparison
                made.number = number
            case .timePart(let part, let comparison, let number):
                made.kind = .timePart
                made.part = part
                made.comparison = comparison
                made.number = number
            case .reference(let slot, let startsWith, let endsWith, let cased):
                made.kind = .reference
                made.index = Int32(slot)
                made.startsWith = startsWith
                made.endsWith = endsWith
                made.cased = cased
            }
            return made
        }
        return Program(
            fields: fields, items: flat, nodes: nodes, children: children, texts: texts, expressions: expressions,
            networks: networks)
    }
}
