// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What rules wait for: the texts that values must be or hold for an item to hold, and which rule demands which of them.
/// Indexes are made of it, of all rules or of some.
struct WitnessList: Sendable {
    /// What makes an item possible.
    struct Witness: Sendable {
        var item: Int32
        var slot: Int32
        /// Its folded bytes in ``WitnessList/pool``.
        var first: Int32
        var count: Int32
        /// Whether the value must be these bytes, begin with them, or end with them.
        var isExact: Bool
        var isAtStart: Bool
        var isAtEnd: Bool
        /// Whether the item holds when they are found.
        var isProof: Bool
        /// Whether it has no four bytes to be found by.
        var isShort: Bool { !isExact && count < 4 }
    }

    /// A group of witnesses: of these items and fields an event that matches has at least one.
    private struct Group {
        var items: Set<Int> = []
        var slots: Set<Int> = []
        /// How little it sifts: the least is the best.
        var cost = 0
    }

    /// The most witnesses of a group that are worth more than evaluating the rule.
    private static let limit = 2_000
    /// The most groups of a rule: as many as a state has bits for.
    private static let groupLimit = 4

    let witnesses: [Witness]
    let pool: [UInt8]
    /// By item: 1 when it can hold only if it was found.
    let isIndexed: [UInt8]
    /// Rules that must be evaluated always.
    let always: [UInt64]
    /// By rule: the groups that must be met, one bit each.
    let wholes: [UInt32]
    /// By item: the rules with the number of the group that it meets, rule times four.
    let demands: [[Int32]]
    /// By slot: what its presence meets.
    let presences: [[Int32]]

    init(_ program: ProgramBuilder, roots: [Int32]) {
        var witnesses: [Witness] = []
        var pool: [UInt8] = []
        var isIndexed = [UInt8](repeating: 0, count: program.items.count)
        for (number, item) in program.items.enumerated() {
            guard let key = Key(item) else { continue }
            isIndexed[number] = 1
            witnesses.append(
                Witness(
                    item: Int32(number), slot: Int32(item.slot), first: Int32(pool.count),
                    count: Int32(key.bytes.count), isExact: key.isExact, isAtStart: key.isAtStart,
                    isAtEnd: key.isAtEnd, isProof: key.isProof))
            pool += key.bytes
        }
        var always = [UInt64](repeating: 0, count: (roots.count + 63) / 64)
        var wholes = [UInt32](repeating: 0, count: roots.count)
        var demands = [[Int32]](repeating: [], count: program.items.count)
        var presences = [[Int32]](repeating: [], count: program.fields.count)
        for (rule, root) in roots.enumerated() {
            let groups = WitnessList.best(WitnessList.groups(program, root))
            if groups.isEmpty { always[rule >> 6] |= 1 << UInt64(rule & 63) }
            wholes[rule] = (1 << UInt32(groups.count)) - 1
            for (number, group) in groups.enumerated() {
                let demand = Int32(rule << 2 | number)
                for item in group.items { demands[item].append(demand) }
                for slot in group.slots { presences[slot].append(demand) }
            }
        }
        self.witnesses = witnesses
        self.pool = pool
        self.isIndexed = isIndexed
        self.always = always
        self.wholes = wholes
        self.demands = demands
        self.presences = presences
    }

    /// The folded bytes that a value must be, or hold, for an item to hold.
    private struct Key {
        var bytes: [UInt8]
        var isExact = false
        var isAtStart = false
        var isAtEnd = false
        var isProof = false

        /// Nil when it has none that can be indexed.
        init?(_ item: ProgramBuilder.Item) {
            guard case .text(let matcher, let cased) = item.test else { return nil }
            // What a cased text needs is looked for without case as well.
            func folded(_ bytes: [UInt8]) -> [UInt8] {
                cased ? CaseFolding.fold(String(decoding: bytes, as: UTF8.self)) : bytes
            }
            if let exact = matcher.exact {
                bytes = folded(exact)
                isExact = true
                return
            }
            let needle = matcher.needle
            bytes = folded(needle)
            guard bytes.count >= 2 else { return nil }
            let segments = matcher.segments
            isAtStart = TextMatcher.literal(segments[0]) == needle
            isAtEnd = TextMatcher.literal(segments[segments.count - 1]) == needle
            // Both at once is a text that begins and ends alike: it may stand there twice.
            if isAtStart, isAtEnd { (isAtStart, isAtEnd) = (false, false) }
            let others = segments.filter { !$0.isEmpty }
            isProof = !cased && others.count == 1 && TextMatcher.literal(others[0]) == needle
        }
    }

    /// The groups of witnesses that a condition demands.
    private static func groups(_ program: ProgramBuilder, _ root: Int32) -> [Group] {
        let node = program.nodes[Int(root)]
        let children = program.below(node)
        switch node.kind {
        case .not: return []
        case .item: return group(program, Int(node.first)).map { [$0] } ?? []
        case .anyItem: return union(children.map { group(program, Int($0)) })
        case .any: return union(children.map { groups(program, $0).min { $0.cost < $1.cost } })
        case .allItems: return children.compactMap { group(program, Int($0)) }
        case .all: return children.flatMap { groups(program, $0) }
        }
    }

    /// The one group of several of which any will do; none when one of them demands nothing.
    private static func union(_ groups: [Group?]) -> [Group] {
        var all = Group()
        for group in groups {
            guard let group else { return [] }
            all.items.formUnion(group.items)
            all.slots.formUnion(group.slots)
            all.cost += group.cost
        }
        return [all]
    }

    private static func group(_ program: ProgramBuilder, _ number: Int) -> Group? {
        let item = program.items[number]
        if let key = Key(item) {
            let cost =
                switch key.bytes.count {
                case 8...: 1
                case 6...7: 2
                case _ where key.isExact: 8
                case 4...5: 4
                case 3: 16
                default: 32
                }
            return Group(items: [number], cost: cost)
        }
        switch item.test {
        case .null, .exists: return nil
        default: return item.slot == Program.keywordSlot ? nil : Group(slots: [item.slot], cost: 1_000)
        }
    }

    /// The groups that sift most. The presence of a field says little beside anything else.
    private static func best(_ groups: [Group]) -> [Group] {
        let fit = groups.filter { $0.items.count + $0.slots.count <= limit }.sorted { $0.cost < $1.cost }
        let sharp = fit.filter(\.slots.isEmpty)
        guard !sharp.isEmpty else { return Array(fit.prefix(1)) }
        var chosen: [Group] = []
        for group in sharp where chosen.count < groupLimit {
            if !chosen.contains(where: { $0.items == group.items }) { chosen.append(group) }
        }
        return chosen
    }
}
