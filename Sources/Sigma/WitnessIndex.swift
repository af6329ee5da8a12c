// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Finds the few items that can hold for an event, and through them the few rules that can match it.
///
/// Whole values stand in a hash table. Of a text with wildcards a run of four literal bytes stands there and is checked
/// with its surroundings, so that one pass over a value finds every text that it may hold, whichever field it is of. A
/// rule demands up to four groups of such witnesses, of each of which an event that matches it has at least one: it is
/// evaluated when all its groups have had one. A rule without witnesses is evaluated for every event of its log source.
struct WitnessIndex: Sendable {
    private struct Needle: Sendable {
        /// Its bytes in ``pool``.
        var first: Int32
        var count: Int32
        /// Where in it the indexed bytes stand.
        var offset: Int32
        /// Its place in ``witnesses``.
        var witness: Int32
        var slot: Int32
        var isAtStart: Bool
        var isAtEnd: Bool
    }

    private struct Witness: Sendable {
        var item: Int32
        /// Whether the item holds when the needle is found.
        var isProof: Bool
        /// The run of ``demands`` that it meets.
        var first: Int32
        var count: Int32
    }

    private struct Gram: Sendable {
        var bytes: UInt32 = 0
        var first: Int32 = 0
        var count: Int32 = 0
        /// A bit for each slot of its needles, 64 slots apart the same one.
        var slots: UInt64 = 0
    }

    /// The bits of a state that are not a group.
    static let stampLimit = UInt32.max >> 4

    /// Rules that must be evaluated always.
    let always: [UInt64]
    /// Bits by slot: 1 has exact values, 2 has needles, 4 its presence is a witness, 8 has needles of two or three bytes,
    /// 16 has needles of keywords.
    let kinds: [UInt8]
    /// How many texts there are.
    let count: Int
    private let exact: HashTable
    /// By slot: the run of ``demands`` that its presence meets.
    private let presences: [(first: Int32, count: Int32)]
    private let needles: [Needle]
    private let pool: [UInt8]
    private let filter: GramFilter
    /// By hashed gram: its four bytes, and the run of ``needles`` that have it.
    private let grams: [Gram]
    private let gramMask: Int
    /// One bit per pair of bytes that a short needle begins with, and what there is to look up of the pairs that have it.
    private let pairs: [UInt64]
    private let short: ShortNeedles
    /// The needles of keywords, but for those of two or three bytes.
    private let keywords: KeywordNeedles
    private let witnesses: [Witness]
    /// Rules with the number of the group that is met: rule times four.
    private let demands: [Int32]
    /// By rule: the groups that must be met, one bit each.
    private let wholes: [UInt32]

    /// An index of what `rules` (one bit each) demand, and of the texts of `items` (1 for yes) besides.
    init(_ list: WitnessList, rules: [UInt64], items: [UInt8]) {
        func isChosen(_ demand: Int32) -> Bool {
            let rule = Int(demand >> 2)
            return rules[rule >> 6] >> UInt64(rule & 63) & 1 != 0
        }
        var kinds = [UInt8](repeating: 0, count: list.presences.count)
        var demands: [Int32] = []
        presences = list.presences.enumerated().map { slot, all in
            let first = demands.count
            demands += all.filter(isChosen)
            if demands.count > first { kinds[slot] |= 4 }
            return (Int32(first), Int32(demands.count - first))
        }
        var witnesses: [Witness] = []
        var exact: [(key: UInt64, value: Int32)] = []
        var long: [Needle] = []
        var brief: [Needle] = []
        var keywords: [Needle] = []
        for witness in list.witnesses where items[Int(witness.item)] != 0 {
            let slot = Int(witness.slot)
            let number = Int32(witnesses.count)
            let first = demands.count
            demands += list.demands[Int(witness.item)].filter(isChosen)
            witnesses.append(
                Witness(
                    item: witness.item, isProof: witness.isProof, first: Int32(first),
                    count: Int32(demands.count - first)))
            if witness.isExact {
                kinds[slot] |= 1
                let bytes = list.pool.span.bytes.part(Int(witness.first), Int(witness.count))
                exact.append((WitnessIndex.key(HashTable.hash(bytes, seed: 0), slot), number))
                continue
            }
            let needle = Needle(
                first: witness.first, count: witness.count, offset: 0, witness: number, slot: witness.slot,
                isAtStart: witness.isAtStart, isAtEnd: witness.isAtEnd)
            if witness.isShort {
                brief.append(needle)
            } else if slot == Program.keywordSlot {
                keywords.append(needle)
            } else {
                long.append(needle)
            }
        }
        if !keywords.isEmpty { kinds[Program.keywordSlot] |= 16 }
        for needle in long { kinds[Int(needle.slot)] |= 2 }
        for needle in brief { kinds[Int(needle.slot)] |= 8 }
        always = zip(list.always, rules).map { $0 & $1 }
        self.kinds = kinds
        count = witnesses.count
        self.exact = HashTable(exact)
        self.witnesses = witnesses
        self.demands = demands
        wholes = list.wholes
        pool = list.pool

        let bytes = list.pool.span.bytes
        func gram(_ needle: Needle, _ offset: Int) -> UInt32 {
            bytes.unsafeLoadUnaligned(fromByteOffset: Int(needle.first) + offset, as: UInt32.self)
        }
        // The rarest gram of a needle among all needles leads to the fewest checks. Grams that share a count do no harm.
        var frequency = [UInt32](repeating: 0, count: 1 << 16)
        for needle in long {
            for offset in 0...Int(needle.count) - 4 {
                frequency[Int(GramFilter.hash(gram(needle, offset)) >> 16)] += 1
            }
        }
        var placed = long.map { needle in
            var needle = needle
            var least = UInt32.max
            for offset in 0...Int(needle.count) - 4 {
                let often = frequency[Int(GramFilter.hash(gram(needle, offset)) >> 16)]
                if often < least { (least, needle.offset) = (often, Int32(offset)) }
            }
            return (gram: gram(needle, Int(needle.offset)), needle: needle)
        }
        placed.sort { ($0.gram, $0.needle.witness) < ($1.gram, $1.needle.witness) }
        func pair(_ needle: Needle) -> UInt16 {
            bytes.unsafeLoadUnaligned(fromByteOffset: Int(needle.first), as: UInt16.self)
        }
        brief.sort { (pair($0), $0.witness) < (pair($1), $1.witness) }
        var short = ShortNeedles()
        for (number, needle) in brief.enumerated() {
            short.add(pair(needle), needle: placed.count + number, slot: WitnessIndex.bit(Int(needle.slot)))
        }
        self.pairs = short.finish()
        self.short = short
        var filter = GramFilter(count: placed.count, room: 32)
        var capacity = 8
        while capacity < placed.count * 2 { capacity *= 2 }
        var grams = [Gram](repeating: Gram(), count: capacity)
        var index = 0
        while index < placed.count {
            let gram = placed[index].gram
            let start = index
            while index < placed.count, placed[index].gram == gram { index += 1 }
            filter.insert(gram)
            var place = Int(GramFilter.hash(gram)) & (capacity - 1)
            while grams[place].count != 0 { place = (place + 1) & (capacity - 1) }
            let slots = placed[start..<index].reduce(UInt64(0)) { $0 | WitnessIndex.bit(Int($1.needle.slot)) }
            grams[place] = Gram(bytes: gram, first: Int32(start), count: Int32(index - start), slots: slots)
        }
        self.keywords = KeywordNeedles(
            keywords.enumerated().map { number, needle in
                (.init(first: Int(needle.first), count: Int(needle.count)), placed.count + brief.count + number)
            }, in: list.pool)
        self.needles = placed.map(\.needle) + brief + keywords
        self.filter = filter
        self.grams = grams
        self.gramMask = capacity - 1
    }

    /// The bit of a slot among 64.
    static func bit(_ slot: Int) -> UInt64 { 1 &<< UInt64(slot & 63) }

    private static func key(_ hash: UInt64, _ slot: Int) -> UInt64 { hash ^ UInt64(slot) &* 0xD6E8_FEB8_6659_FD93 }

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
        exact.forEach(WitnessIndex.key(hash, slot)) { mark(witnesses[Int($0)], stamp, &found) }
    }

    /// Marks what a folded value makes possible in the slots that ``Found/slots`` numbers with `run`.
    /// `slots` has their bits.
    func markNeedles(in value: RawSpan, run: UInt32, slots: UInt64, stamp: UInt32, _ found: inout Found) {
        value.withUnsafeBytes { bytes in
            filter.forEach(in: bytes, step: 1, cases: 0) { gram, place in
                look(up: gram, bytes, place, run, slots, stamp, &found)
            }
        }
    }

    @inline(never)
    private func look(
        up gram: UInt32, _ value: UnsafeRawBufferPointer, _ offset: Int, _ run: UInt32,
        _ slots: UInt64, _ stamp: UInt32, _ found: inout Found
    ) {
        var place = Int(GramFilter.hash(gram)) & gramMask
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
        guard found.slots[Int(needle.slot)] == run else { return }
        let start = offset &- Int(needle.offset)
        let end = start &+ Int(needle.count)
        guard start >= 0, end <= value.count, !needle.isAtStart || start == 0, !needle.isAtEnd || end == value.count
        else { return }
        for place in 0..<Int(needle.count) where value[start &+ place] != pool[Int(needle.first) &+ place] { return }
        mark(witnesses[Int(needle.witness)], stamp, &found)
    }

    /// The same for needles of two or three bytes.
    func markShort(in value: RawSpan, run: UInt32, slots: UInt64, stamp: UInt32, _ found: inout Found) {
        value.withUnsafeBytes { bytes in
            guard bytes.count >= 2, let base = bytes.baseAddress else { return }
            let end = bytes.count &- 1
            pairs.withUnsafeBufferPointer { pairs in
                guard let bits = pairs.baseAddress else { return }
                var place = WitnessIndex.firstPair(base, 0, end, bits)
                while place < end {
                    let pair = base.loadUnaligned(fromByteOffset: place, as: UInt16.self)
                    look(up: pair, bits[Int(pair >> 6)], bytes, place, run, slots, stamp, &found)
                    place = WitnessIndex.firstPair(base, place &+ 1, end, bits)
                }
            }
        }
    }

    /// The first place from `start` on at which a short needle may begin.
    @inline(never)
    private static func firstPair(
        _ base: UnsafeRawPointer, _ start: Int, _ end: Int, _ bits: UnsafePointer<UInt64>
    ) -> Int {
        var place = start
        while place < end {
            let pair = base.loadUnaligned(fromByteOffset: place, as: UInt16.self)
            if bits[Int(pair >> 6)] &>> UInt64(pair & 63) & 1 != 0 { return place }
            place &+= 1
        }
        return place
    }

    @inline(never)
    private func look(
        up pair: UInt16, _ word: UInt64, _ value: UnsafeRawBufferPointer, _ offset: Int, _ run: UInt32,
        _ slots: UInt64, _ stamp: UInt32, _ found: inout Found
    ) {
        for number in short.needles(of: pair, word, slots: slots) { check(number, value, offset, run, stamp, &found) }
    }

    /// The same for needles of keywords; `value` need not be folded when it is ASCII.
    func markKeywords(in value: RawSpan, stamp: UInt32, _ found: inout Found) {
        value.withUnsafeBytes { bytes in
            keywords.forEach(in: bytes) { number, start in
                let needle = needles[number]
                let end = start &+ Int(needle.count)
                guard start >= 0, end <= bytes.count, !needle.isAtStart || start == 0,
                    !needle.isAtEnd || end == bytes.count
                else { return }
                for place in 0..<Int(needle.count) {
                    let byte = bytes[start &+ place]
                    let folded = byte &- 0x41 < 26 ? byte | 0x20 : byte
                    if folded != pool[Int(needle.first) &+ place] { return }
                }
                mark(witnesses[Int(needle.witness)], stamp, &found)
            }
        }
    }

    private func mark(_ witness: Witness, _ stamp: UInt32, _ found: inout Found) {
        let item = Int(witness.item)
        guard found.possible[item] != stamp else { return }
        found.possible[item] = stamp
        if witness.isProof { found.answers[item] = stamp << 1 | 1 }
        guard witness.count > 0 else { return }
        meet(Int(witness.first)..<Int(witness.first &+ witness.count), stamp, &found.states, &found.marked)
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
