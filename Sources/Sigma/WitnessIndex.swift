// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Finds the few items that can hold for an event, and through them the few rules that can match it.
///
/// Whole values stand in a hash table. Of a text with wildcards a run of four literal bytes stands there and is checked
/// with its surroundings, so that one pass over a value finds every text that it may hold. A rule is evaluated when one
/// of its witnesses was found: items of which at least one must hold if the rule is to match. A rule without witnesses
/// is evaluated for every event of its log source.
struct WitnessIndex: Sendable {
    private enum Witness {
        case item(Int, cost: Int)
        case presence(slot: Int)

        /// How little it sifts: the least is the best.
        var cost: Int {
            switch self {
            case .item(_, let cost): cost
            case .presence: 1_000
            }
        }
    }

    private struct Needle: Sendable {
        /// Its bytes in ``pool``.
        var first: Int32
        var count: Int32
        /// Where in it the four indexed bytes stand.
        var offset: Int32
        var item: Int32
    }

    /// The most witnesses that are worth more than evaluating the rule.
    private static let limit = 2_000

    /// Rules that must be evaluated always.
    let always: [UInt64]
    /// By item: 1 when it can hold only if it was found.
    let isIndexed: [UInt8]
    /// Bits by slot: 1 has exact values, 2 has needles, 4 its presence is a witness.
    let kinds: [UInt8]
    private let exact: HashTable
    private let grams: HashTable
    private let presence: HashTable
    private let needles: [Needle]
    private let pool: [UInt8]
    /// One bit per hashed gram and slot: most places of a text need no look-up.
    private let bloom: [UInt64]
    private let bloomMask: UInt64
    /// The rules that each item is a witness of: a run of ``rules``.
    private let runs: [(first: Int32, count: Int32)]
    private let rules: [Int32]

    init(_ program: ProgramBuilder, roots: [Int32]) {
        var always = [UInt64](repeating: 0, count: (roots.count + 63) / 64)
        var kinds = [UInt8](repeating: 0, count: program.fields.count)
        var isIndexed = [UInt8](repeating: 0, count: program.items.count)
        var exact: [(key: UInt64, value: Int32)] = []
        var present: [(key: UInt64, value: Int32)] = []
        var wanted: [(slot: Int, bytes: [UInt8], item: Int32)] = []
        for (number, item) in program.items.enumerated() {
            guard let key = WitnessIndex.key(item) else { continue }
            isIndexed[number] = 1
            kinds[item.slot] |= key.isExact ? 1 : 2
            if key.isExact {
                exact.append((HashTable.hash(key.bytes.span.bytes, seed: UInt64(item.slot)), Int32(number)))
            } else {
                wanted.append((item.slot, key.bytes, Int32(number)))
            }
        }
        var witnessed = [[Int32]](repeating: [], count: program.items.count)
        for (rule, root) in roots.enumerated() {
            guard let witnesses = WitnessIndex.witnesses(program, root), witnesses.count <= WitnessIndex.limit else {
                always[rule >> 6] |= 1 << UInt64(rule & 63)
                continue
            }
            for witness in witnesses {
                switch witness {
                case .item(let item, _): witnessed[item].append(Int32(rule))
                case .presence(let slot):
                    kinds[slot] |= 4
                    present.append((UInt64(slot), Int32(rule)))
                }
            }
        }
        var runs: [(first: Int32, count: Int32)] = []
        var rules: [Int32] = []
        for list in witnessed {
            runs.append((Int32(rules.count), Int32(list.count)))
            rules += list
        }
        // The rarest gram of a needle among all needles leads to the fewest checks.
        var frequency: [UInt64: Int] = [:]
        for needle in wanted {
            for offset in 0...needle.bytes.count - 4 {
                frequency[WitnessIndex.gram(needle.bytes.span.bytes, offset, needle.slot), default: 0] += 1
            }
        }
        var needles: [Needle] = []
        var pool: [UInt8] = []
        var grams: [(key: UInt64, value: Int32)] = []
        for needle in wanted {
            func rarity(_ offset: Int) -> Int {
                frequency[WitnessIndex.gram(needle.bytes.span.bytes, offset, needle.slot)] ?? 0
            }
            let offset = (0...needle.bytes.count - 4).min { rarity($0) < rarity($1) } ?? 0
            grams.append((WitnessIndex.gram(needle.bytes.span.bytes, offset, needle.slot), Int32(needles.count)))
            needles.append(
                Needle(
                    first: Int32(pool.count), count: Int32(needle.bytes.count), offset: Int32(offset), item: needle.item
                ))
            pool += needle.bytes
        }
        var bits: UInt64 = 1_024
        while bits < UInt64(grams.count) * 16 { bits *= 2 }
        var bloom = [UInt64](repeating: 0, count: Int(bits / 64))
        for gram in grams {
            let bit = WitnessIndex.bit(gram.key) & (bits - 1)
            bloom[Int(bit >> 6)] |= 1 << (bit & 63)
        }
        self.always = always
        self.isIndexed = isIndexed
        self.kinds = kinds
        self.exact = HashTable(exact)
        self.grams = HashTable(grams)
        self.presence = HashTable(present)
        self.needles = needles
        self.pool = pool
        self.bloom = bloom
        self.bloomMask = bits - 1
        self.runs = runs
        self.rules = rules
    }

    private static func gram(_ bytes: RawSpan, _ offset: Int, _ slot: Int) -> UInt64 {
        UInt64(bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)) | UInt64(slot) << 32
    }

    private static func bit(_ gram: UInt64) -> UInt64 { (gram &* 0x9E37_79B9_7F4A_7C15) >> 36 }

    /// The folded bytes that a value must be, or hold, for an item to hold; nil when it has none that can be indexed.
    private static func key(_ item: ProgramBuilder.Item) -> (bytes: [UInt8], isExact: Bool)? {
        guard case .text(let matcher, let cased) = item.test else { return nil }
        // What a cased text needs is looked for without case as well.
        func folded(_ bytes: [UInt8]) -> [UInt8] {
            cased ? CaseFolding.fold(String(decoding: bytes, as: UTF8.self)) : bytes
        }
        if let bytes = matcher.exact { return (folded(bytes), true) }
        let needle = folded(matcher.needle)
        return needle.count >= 4 ? (needle, false) : nil
    }

    /// Items and fields of which an event that matches the condition has at least one; nil when there are none.
    private static func witnesses(_ program: ProgramBuilder, _ root: Int32) -> [Witness]? {
        let node = program.nodes[Int(root)]
        let children = node.kind == .item ? [] : program.children[Int(node.first)..<Int(node.first + node.count)]
        switch node.kind {
        case .not: return nil
        case .any:
            var all: [Witness] = []
            for child in children {
                guard let found = witnesses(program, child) else { return nil }
                all += found
            }
            return all
        case .all:
            return children.compactMap { witnesses(program, $0) }
                .min { $0.reduce(0) { $0 + $1.cost } < $1.reduce(0) { $0 + $1.cost } }
        case .item:
            let item = program.items[Int(node.first)]
            if let key = key(item) {
                let cost = key.bytes.count >= 8 ? 1 : key.bytes.count >= 6 ? 2 : key.isExact ? 8 : 4
                return [.item(Int(node.first), cost: cost)]
            }
            switch item.test {
            case .null, .exists: return nil
            default: return item.slot == Program.keywordSlot ? nil : [.presence(slot: item.slot)]
            }
        }
    }

    /// Marks what a folded value of `slot` makes possible: items with `stamp`, and the rules they are witnesses of.
    func mark(_ slot: Int, _ value: RawSpan, stamp: UInt32, _ possible: inout [UInt32], _ marked: inout [UInt64]) {
        let kind = kinds[slot]
        if kind & 1 != 0 {
            exact.forEach(HashTable.hash(value, seed: UInt64(slot))) { mark(Int($0), stamp, &possible, &marked) }
        }
        guard kind & 2 != 0, value.byteCount >= 4 else { return }
        for offset in 0...value.byteCount - 4 {
            let gram = WitnessIndex.gram(value, offset, slot)
            let bit = WitnessIndex.bit(gram) & bloomMask
            guard bloom[Int(bit >> 6)] & 1 << (bit & 63) != 0 else { continue }
            grams.forEach(gram) { number in
                let needle = needles[Int(number)]
                guard possible[Int(needle.item)] != stamp, offset >= Int(needle.offset) else { return }
                let literal = pool.span.bytes.part(Int(needle.first), Int(needle.count))
                if value.part(offset - Int(needle.offset), Int(needle.count)).equals(literal) {
                    mark(Int(needle.item), stamp, &possible, &marked)
                }
            }
        }
    }

    private func mark(_ item: Int, _ stamp: UInt32, _ possible: inout [UInt32], _ marked: inout [UInt64]) {
        possible[item] = stamp
        let run = runs[item]
        for index in Int(run.first)..<Int(run.first + run.count) {
            marked[Int(rules[index]) >> 6] |= 1 << UInt64(rules[index] & 63)
        }
    }

    /// Marks the rules that the presence of `slot` is a witness of.
    func mark(presenceOf slot: Int, _ marked: inout [UInt64]) {
        guard kinds[slot] & 4 != 0 else { return }
        presence.forEach(UInt64(slot)) { marked[Int($0) >> 6] |= 1 << UInt64($0 & 63) }
    }
}
