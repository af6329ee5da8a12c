// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Finds the few items that can hold for an event, and through them the few rules that can match it.
///
/// Whole values stand in a hash table. Of a text with wildcards a run of four literal bytes stands there and is checked
/// with its surroundings, so that one pass over a value finds every text that it may hold, whichever field it is of. A
/// rule demands up to four groups of such witnesses, of each of which an event that matches it has at least one: it is
/// evaluated when all its groups have had one. A rule without witnesses is evaluated for every event of its log source.
struct WitnessIndex: Sendable {
    /// A group of witnesses: of these items and fields an event that matches has at least one.
    private struct Group {
        var items: Set<Int> = []
        var slots: Set<Int> = []
        /// How little it sifts: the least is the best.
        var cost = 0
    }

    private struct Needle: Sendable {
        /// Its bytes in ``pool``.
        var first: Int32
        var count: Int32
        /// Where in it the four indexed bytes stand.
        var offset: Int32
        var item: Int32
        var slot: Int32
        var isAtStart: Bool
        var isAtEnd: Bool
        /// Whether the item holds when the needle is found.
        var isProof: Bool
    }

    private struct Gram: Sendable {
        var bytes: UInt32 = 0
        var first: Int32 = 0
        var count: Int32 = 0
        /// A bit for each slot of its needles, 64 slots apart the same one.
        var slots: UInt64 = 0
    }

    /// The most witnesses of a group that are worth more than evaluating the rule.
    private static let limit = 2_000
    /// The most groups of a rule: as many as a state has bits for.
    private static let groupLimit = 4
    /// The bits of a state that are not a group.
    static let stampLimit = UInt32.max >> 4

    /// Rules that must be evaluated always.
    let always: [UInt64]
    /// By item: 1 when it can hold only if it was found.
    let isIndexed: [UInt8]
    /// Bits by slot: 1 has exact values, 2 has needles, 4 its presence is a witness, 8 has needles of two or three bytes.
    let kinds: [UInt8]
    private let exact: HashTable
    /// By slot: the run of ``demands`` that its presence meets.
    private let presences: [(first: Int32, count: Int32)]
    private let needles: [Needle]
    private let pool: [UInt8]
    /// One bit per hashed gram: most places of a text need no look-up.
    private let bloom: [UInt64]
    private let bloomShift: UInt32
    /// By hashed gram: its four bytes, and the run of ``needles`` that have it.
    private let grams: [Gram]
    private let gramMask: Int
    /// One bit per pair of bytes that a short needle begins with, and what there is to look up of the pairs that have it.
    private let pairs: [UInt64]
    private let short: ShortNeedles
    /// By item: its run of ``demands``.
    private let runs: [(first: Int32, count: Int32)]
    /// Rules with the number of the group that is met: rule times four.
    private let demands: [Int32]
    /// By rule: the groups that must be met, one bit each.
    private let wholes: [UInt32]

    init(_ program: ProgramBuilder, roots: [Int32]) {
        var always = [UInt64](repeating: 0, count: (roots.count + 63) / 64)
        var kinds = [UInt8](repeating: 0, count: program.fields.count)
        var isIndexed = [UInt8](repeating: 0, count: program.items.count)
        var exact: [(key: UInt64, value: Int32)] = []
        var wanted: [(key: Key, item: Int, slot: Int)] = []
        for (number, item) in program.items.enumerated() {
            guard let key = Key(item) else { continue }
            isIndexed[number] = 1
            kinds[item.slot] |= key.isExact ? 1 : key.isShort ? 8 : 2
            if key.isExact {
                let hash = HashTable.hash(key.bytes.span.bytes, seed: 0)
                exact.append((WitnessIndex.key(hash, item.slot), Int32(number)))
            } else {
                wanted.append((key, number, item.slot))
            }
        }
        var demanding = [[Int32]](repeating: [], count: program.items.count)
        var present = [[Int32]](repeating: [], count: program.fields.count)
        var wholes = [UInt32](repeating: 0, count: roots.count)
        for (rule, root) in roots.enumerated() {
            let groups = WitnessIndex.best(WitnessIndex.groups(program, root))
            if groups.isEmpty { always[rule >> 6] |= 1 << UInt64(rule & 63) }
            wholes[rule] = (1 << UInt32(groups.count)) - 1
            for (number, group) in groups.enumerated() {
                let demand = Int32(rule << 2 | number)
                for item in group.items { demanding[item].append(demand) }
                for slot in group.slots {
                    kinds[slot] |= 4
                    present[slot].append(demand)
                }
            }
        }
        var runs: [(first: Int32, count: Int32)] = []
        var demands: [Int32] = []
        for list in demanding {
            runs.append((Int32(demands.count), Int32(list.count)))
            demands += list
        }
        self.always = always
        self.isIndexed = isIndexed
        self.kinds = kinds
        self.exact = HashTable(exact)
        presences = present.map { list in
            defer { demands += list }
            return (Int32(demands.count), Int32(list.count))
        }
        self.runs = runs
        self.demands = demands
        self.wholes = wholes

        // The rarest gram of a needle among all needles leads to the fewest checks.
        var frequency: [UInt32: Int] = [:]
        for needle in wanted where !needle.key.isShort {
            for gram in needle.key.grams { frequency[gram, default: 0] += 1 }
        }
        var placed: [(gram: UInt32, needle: Needle, bytes: [UInt8])] = []
        for (key, item, slot) in wanted where !key.isShort {
            let all = key.grams
            let offset = all.indices.min { (frequency[all[$0]] ?? 0, $0) < (frequency[all[$1]] ?? 0, $1) } ?? 0
            let needle = Needle(
                first: 0, count: Int32(key.bytes.count), offset: Int32(offset), item: Int32(item), slot: Int32(slot),
                isAtStart: key.isAtStart, isAtEnd: key.isAtEnd, isProof: key.isProof)
            placed.append((all[offset], needle, key.bytes))
        }
        placed.sort { ($0.gram, $0.needle.item) < ($1.gram, $1.needle.item) }
        var needles: [Needle] = []
        var pool: [UInt8] = []
        for (_, needle, bytes) in placed {
            var needle = needle
            needle.first = Int32(pool.count)
            pool += bytes
            needles.append(needle)
        }
        func pair(_ key: Key) -> UInt16 { UInt16(key.bytes[0]) | UInt16(key.bytes[1]) << 8 }
        var short = ShortNeedles()
        for (key, item, slot) in wanted.filter({ $0.key.isShort }).sorted(by: {
            (pair($0.key), $0.item) < (pair($1.key), $1.item)
        }) {
            short.add(pair(key), needle: needles.count, slot: WitnessIndex.bit(slot))
            needles.append(
                Needle(
                    first: Int32(pool.count), count: Int32(key.bytes.count), offset: 0, item: Int32(item),
                    slot: Int32(slot), isAtStart: key.isAtStart, isAtEnd: key.isAtEnd, isProof: key.isProof))
            pool += key.bytes
        }
        self.pairs = short.finish()
        self.short = short
        var logarithm: UInt32 = 10
        while 1 << Int(logarithm) < placed.count * 32, logarithm < 24 { logarithm += 1 }
        var bloom = [UInt64](repeating: 0, count: 1 << Int(logarithm - 6))
        var capacity = 8
        while capacity < placed.count * 2 { capacity *= 2 }
        var grams = [Gram](repeating: Gram(), count: capacity)
        var index = 0
        while index < placed.count {
            let gram = placed[index].gram
            let start = index
            while index < placed.count, placed[index].gram == gram { index += 1 }
            let hash = WitnessIndex.hash(gram)
            let bit = Int(hash >> (32 - logarithm))
            bloom[bit >> 6] |= 1 << UInt64(bit & 63)
            var place = Int(hash) & (capacity - 1)
            while grams[place].count != 0 { place = (place + 1) & (capacity - 1) }
            let slots = placed[start..<index].reduce(UInt64(0)) { $0 | WitnessIndex.bit(Int($1.needle.slot)) }
            grams[place] = Gram(bytes: gram, first: Int32(start), count: Int32(index - start), slots: slots)
        }
        self.needles = needles
        self.pool = pool
        self.bloom = bloom
        self.bloomShift = 32 - logarithm
        self.grams = grams
        self.gramMask = capacity - 1
    }

    @inline(__always)
    private static func hash(_ gram: UInt32) -> UInt32 {
        let product = gram &* 0x9E37_79B1
        return product ^ product >> 15
    }

    /// The bit of a slot among 64.
    static func bit(_ slot: Int) -> UInt64 { 1 &<< UInt64(slot & 63) }

    private static func key(_ hash: UInt64, _ slot: Int) -> UInt64 { hash ^ UInt64(slot) &* 0xD6E8_FEB8_6659_FD93 }

    // MARK: What rules demand

    /// The folded bytes that a value must be, or hold, for an item to hold.
    private struct Key {
        var bytes: [UInt8]
        var isExact = false
        var isAtStart = false
        var isAtEnd = false
        var isProof = false
        var isShort: Bool { !isExact && bytes.count < 4 }

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

        var grams: [UInt32] {
            (0...bytes.count - 4).map { bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: $0, as: UInt32.self) }
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

    // MARK: What an event has

    /// What is known of an event: lent by the scratch.
    struct Found {
        /// By item: the stamp of the event in which it was found.
        var possible: [UInt32] = []
        /// By item: the stamp of the event in which it was answered, times two, and the answer.
        var answers: [UInt32] = []
        /// By rule: the stamp of the event, times 16, and the groups that were met.
        var states: [UInt32] = []
        /// One bit per rule: it may match.
        var marked: [UInt64] = []
        /// By slot: the number of the value that is being searched, when it is of this slot.
        var slots: [UInt32] = []
    }

    /// Begins with a value: `slots` of the run have it.
    @inline(__always)
    func markExact(_ hash: UInt64, _ slot: Int, stamp: UInt32, _ found: inout Found) {
        exact.forEach(WitnessIndex.key(hash, slot)) { mark($0, isProof: false, stamp, &found) }
    }

    /// Marks what a folded value makes possible in the slots that ``Found/slots`` numbers with `run`.
    /// `slots` has their bits.
    func markNeedles(in value: RawSpan, run: UInt32, slots: UInt64, stamp: UInt32, _ found: inout Found) {
        value.withUnsafeBytes { bytes in
            guard bytes.count >= 4, let base = bytes.baseAddress else { return }
            let last = bytes.count - 4
            bloom.withUnsafeBufferPointer { bloom in
                for offset in 0...last {
                    let gram = base.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
                    let hash = WitnessIndex.hash(gram)
                    let bit = hash &>> bloomShift
                    guard bloom[Int(bit &>> 6)] &>> UInt64(bit & 63) & 1 != 0 else { continue }
                    look(up: gram, hash, bytes, offset, run, slots, stamp, &found)
                }
            }
        }
    }

    @inline(never)
    private func look(
        up gram: UInt32, _ hash: UInt32, _ value: UnsafeRawBufferPointer, _ offset: Int, _ run: UInt32,
        _ slots: UInt64, _ stamp: UInt32, _ found: inout Found
    ) {
        var place = Int(hash) & gramMask
        while grams[place].bytes != gram || grams[place].count == 0 {
            guard grams[place].count != 0 else { return }
            place = (place &+ 1) & gramMask
        }
        guard grams[place].slots & slots != 0 else { return }
        let first = Int(grams[place].first)
        for number in first..<first &+ Int(grams[place].count) {
            check(number, value, offset, run, stamp, &found)
        }
    }

    @inline(__always)
    private func check(
        _ number: Int, _ value: UnsafeRawBufferPointer, _ offset: Int, _ run: UInt32, _ stamp: UInt32,
        _ found: inout Found
    ) {
        let needle = needles[number]
        guard found.slots[Int(needle.slot)] == run, found.possible[Int(needle.item)] != stamp else { return }
        let start = offset &- Int(needle.offset)
        let end = start &+ Int(needle.count)
        guard start >= 0, end <= value.count, !needle.isAtStart || start == 0, !needle.isAtEnd || end == value.count
        else { return }
        for place in 0..<Int(needle.count) where value[start &+ place] != pool[Int(needle.first) &+ place] { return }
        mark(needle.item, isProof: needle.isProof, stamp, &found)
    }

    /// The same for needles of two or three bytes.
    func markShort(in value: RawSpan, run: UInt32, slots: UInt64, stamp: UInt32, _ found: inout Found) {
        value.withUnsafeBytes { bytes in
            guard bytes.count >= 2, let base = bytes.baseAddress else { return }
            pairs.withUnsafeBufferPointer { pairs in
                for offset in 0..<bytes.count &- 1 {
                    let pair = base.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
                    let word = pairs[Int(pair >> 6)]
                    guard word &>> UInt64(pair & 63) & 1 != 0 else { continue }
                    for number in short.needles(of: pair, word, slots: slots) {
                        check(number, bytes, offset, run, stamp, &found)
                    }
                }
            }
        }
    }

    private func mark(_ item: Int32, isProof: Bool, _ stamp: UInt32, _ found: inout Found) {
        guard found.possible[Int(item)] != stamp else { return }
        found.possible[Int(item)] = stamp
        if isProof { found.answers[Int(item)] = stamp << 1 | 1 }
        let run = runs[Int(item)]
        guard run.count > 0 else { return }
        meet(Int(run.first)..<Int(run.first &+ run.count), stamp, &found.states, &found.marked)
    }

    /// Meets demands number `range`.
    private func meet(_ range: Range<Int>, _ stamp: UInt32, _ states: inout [UInt32], _ marked: inout [UInt64]) {
        var states = states.mutableSpan
        var marked = marked.mutableSpan
        for index in range {
            let demand = demands[index]
            let rule = Int(demand >> 2)
            let old = states[rule]
            let state = (old >> 4 == stamp ? old : stamp << 4) | 1 << UInt32(demand & 3)
            states[rule] = state
            if state & 15 == wholes[rule] { marked[rule >> 6] |= 1 << UInt64(rule & 63) }
        }
    }

    /// Marks the rules that the presence of `slot` is a witness of.
    func mark(presenceOf slot: Int, stamp: UInt32, _ found: inout Found) {
        guard kinds[slot] & 4 != 0 else { return }
        let run = presences[slot]
        guard run.count > 0 else { return }
        meet(Int(run.first)..<Int(run.first &+ run.count), stamp, &found.states, &found.marked)
    }
}
