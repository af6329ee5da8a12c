// SPDX-License-Identifier: Apache-2.0
internal import Patterns
internal import Wire

extension MatchScratch {
    /// Appends the places of the rules of `selection` that the loaded event matches, in ascending order.
    mutating func matches(_ ruleSet: RuleSet, _ selection: RuleSelection, into hits: inout [Int]) {
        if selection.isShared { wide += 1 }
        search(selection.index)
        judge(ruleSet, selection.words, into: &hits)
    }

    /// The rules that look at the loaded event, one bit each: those that always do, and those of the log sources that it
    /// answers.
    mutating func looking(_ candidates: RuleCandidates, _ program: Program) -> [UInt64] {
        var words = candidates.words
        for branch in candidates.branches where opens(branch.root, program) {
            for word in words.indices { words[word] |= branch.words[word] }
        }
        return words
    }

    /// The same for all rules in `words`, each of them evaluated in full.
    mutating func matches(all words: [UInt64], of ruleSet: RuleSet, into hits: inout [Int]) {
        for word in found.marked.indices { found.marked[word] = .max }
        for item in found.possible.indices { found.possible[item] = .max }
        judge(ruleSet, words, into: &hits)
        // The room is made anew for the index.
        owner = nil
    }

    private mutating func judge(_ ruleSet: RuleSet, _ words: [UInt64], into hits: inout [Int]) {
        let program = ruleSet.program
        for word in 0..<words.count {
            var open = found.marked[word] & words[word]
            while open != 0 {
                let place = word << 6 | open.trailingZeroBitCount
                open &= open - 1
                countEvaluation()
                guard holds(ruleSet.rules[place].root, program) else { continue }
                let filter = ruleSet.rules[place].filters.first { holds($0.root, program) }
                if let filter { suppress(filter.number) } else { hits.append(place) }
            }
        }
    }

    /// Marks the rules that may match.
    private mutating func search(_ index: WitnessIndex) {
        for word in found.marked.indices { found.marked[word] = index.always[word] }
        for number in 0..<present.count { index.mark(presenceOf: Int(present[number]), stamp: generation, &found) }
        var number = 0
        while number < values.count { number = mark(from: number, index) }
    }

    /// Whether the event meets the condition of a log source at `root`, asked before anything is known from an index.
    mutating func opens(_ root: Int32, _ program: Program) -> Bool {
        let node = program.nodes[Int(root)]
        let below = Int(node.first)..<Int(node.first &+ node.count)
        switch node.kind {
        case .item: return settle(Int(node.first), program)
        case .not: return !opens(program.children[Int(node.first)], program)
        case .all:
            for child in below where !opens(program.children[child], program) { return false }
            return true
        case .any:
            for child in below where opens(program.children[child], program) { return true }
            return false
        case .allItems:
            for child in below where !settle(Int(program.children[child]), program) { return false }
            return true
        case .anyItem:
            for child in below where settle(Int(program.children[child]), program) { return true }
            return false
        }
    }

    /// The answer to one item, worked out once an event.
    private mutating func settle(_ number: Int, _ program: Program) -> Bool {
        let known = found.answers[number]
        if known >> 1 == generation { return known & 1 != 0 }
        let item = program.items[number]
        if item.slot == Program.keywordSlot { settleFolds(of: item.slot) }
        if item.kind == .reference { settleFolds(of: item.index) }
        let result = test(item, program)
        found.answers[number] = generation << 1 | (result ? 1 : 0)
        return result
    }

    /// Marks what value number `first` makes possible in all fields that have it, and tells where the next one is.
    private mutating func mark(from first: Int, _ index: WitnessIndex) -> Int {
        run &+= 1
        let (end, kind, bits) = MatchScratch.fields(of: first, values, slots, index, run, &found.slots)
        guard kind & 27 != 0 else { return end }
        if kind & 11 != 0 {
            settleFold(first)
        } else if !values[first].isFolded {
            MatchScratch.markKeywords(raw, values[first].raw, generation, index, &found)
            return end
        }
        if values[first].isFoldedApart {
            MatchScratch.mark(
                folded, values[first].fold, values, first..<end, kind, slots, run, bits, generation, index, &found)
        } else {
            MatchScratch.mark(
                raw, values[first].raw, values, first..<end, kind, slots, run, bits, generation, index, &found)
        }
        return end
    }

    private static func markKeywords(
        _ slab: borrowing Slab, _ extent: Extent, _ stamp: UInt32, _ index: WitnessIndex,
        _ found: inout WitnessIndex.Found
    ) {
        index.markKeywords(in: slab.bytes(extent), stamp: stamp, &found)
    }

    /// Notes which fields value number `first` is of, tells where the next value is, and what is looked for in these fields.
    private static func fields(
        of first: Int, _ values: [Value], _ slots: [Slot], _ index: WitnessIndex, _ run: UInt32,
        _ seen: inout [UInt32]
    ) -> (end: Int, kind: UInt8, bits: UInt64) {
        var seen = seen.mutableSpan
        let raw = values[first].raw
        var end = first
        var kind: UInt8 = 0
        var bits: UInt64 = 0
        repeat {
            let slot = Int(values[end].slot)
            // What another path has given the field instead says nothing.
            if slots[slot].rank == values[end].rank {
                kind |= index.kinds[slot]
                seen[slot] = run
                bits |= WitnessIndex.bit(slot)
            }
            end += 1
        } while end < values.count && values[end].raw == raw
        return (end, kind, bits)
    }

    private static func mark(
        _ slab: borrowing Slab, _ extent: Extent, _ values: [Value], _ same: Range<Int>, _ kind: UInt8, _ slots: [Slot],
        _ run: UInt32, _ bits: UInt64, _ stamp: UInt32, _ index: WitnessIndex, _ found: inout WitnessIndex.Found
    ) {
        let bytes = slab.bytes(extent)
        if kind & 1 != 0 {
            let hash = HashTable.hash(bytes, seed: 0)
            for number in same {
                let slot = Int(values[number].slot)
                guard index.kinds[slot] & 1 != 0, slots[slot].rank == values[number].rank else { continue }
                index.markExact(hash, slot, stamp: stamp, &found)
            }
        }
        if kind & 8 != 0 { index.markShort(in: bytes, run: run, slots: bits, stamp: stamp, &found) }
        if kind & 16 != 0 { index.markKeywords(in: bytes, stamp: stamp, &found) }
        if kind & 2 != 0 { index.markNeedles(in: bytes, run: run, slots: bits, stamp: stamp, &found) }
    }

    /// Whether the event meets the condition at `root`.
    private mutating func holds(_ root: Int32, _ program: Program) -> Bool {
        let node = program.nodes[Int(root)]
        switch node.kind {
        case .item: return answer(Int(node.first), program)
        case .not: return !holds(program.children[Int(node.first)], program)
        case .all:
            for child in Int(node.first)..<Int(node.first &+ node.count)
            where !holds(program.children[child], program) {
                return false
            }
            return true
        case .any:
            for child in Int(node.first)..<Int(node.first &+ node.count)
            where holds(program.children[child], program) {
                return true
            }
            return false
        case .allItems:
            for child in Int(node.first)..<Int(node.first &+ node.count)
            where !answer(Int(program.children[child]), program) {
                return false
            }
            return true
        case .anyItem:
            let end = Int(node.first &+ node.count)
            var child = MatchScratch.firstPossible(
                program.children, Int(node.first), end, found.possible, generation)
            while child < end {
                if answer(Int(program.children[child]), program) { return true }
                child = MatchScratch.firstPossible(program.children, child &+ 1, end, found.possible, generation)
            }
            return false
        }
    }

    /// The first of the items from place `start` on that may hold.
    @inline(__always)
    private static func firstPossible(
        _ items: [Int32], _ start: Int, _ end: Int, _ possible: [UInt32], _ generation: UInt32
    ) -> Int {
        items.withUnsafeBufferPointer { items in
            possible.withUnsafeBufferPointer { possible in
                var place = start
                while place < end, possible[Int(items[place])] < generation { place &+= 1 }
                return place
            }
        }
    }

    /// The answer to one item, or no when the index did not find what it needs.
    private mutating func answer(_ number: Int, _ program: Program) -> Bool {
        let known = found.answers[number]
        if known >> 1 == generation { return known & 1 != 0 }
        return found.possible[number] >= generation && settle(number, program)
    }

    private mutating func test(_ item: Program.Item, _ program: Program) -> Bool {
        let slot = slots[Int(item.slot)]
        let isPresent = slot.generation == generation
        if item.kind == .exists { return isPresent }
        if item.kind == .null { return !isPresent || !slot.isNonNull }
        guard isPresent else { return false }
        if item.kind == .reference { return refers(item, slot) }
        var value = slot.first
        while value >= 0 {
            let known = values[Int(value)]
            let holds =
                item.cased || item.kind != .text || !known.isFoldedApart
                ? MatchScratch.test(item, raw, known.raw, program, regex)
                : MatchScratch.test(item, folded, known.fold, program, regex)
            if holds { return true }
            value = known.next
        }
        return false
    }

    /// Takes the texts alone: a method of the whole would have all of the room moved to where it can be borrowed.
    private static func test(
        _ item: Program.Item, _ texts: borrowing Slab, _ extent: Extent, _ program: Program,
        _ regex: borrowing Pattern.Scratch
    ) -> Bool {
        let bytes = texts.bytes(extent)
        switch item.kind {
        case .text: return program.texts.matches(item.index, bytes)
        case .regex: return program.expressions[Int(item.index)].matches(bytes, regex)
        case .compare: return NumberText.value(bytes).map { item.comparison.holds($0, item.number) } ?? false
        case .network: return IPAddress(bytes).map { program.networks[Int(item.index)].contains($0) } ?? false
        case .timePart: return item.part.value(of: bytes).map { item.comparison.holds($0, item.number) } ?? false
        case .exists, .null, .reference: return true
        }
    }

    /// Whether a value of the field is one of another field's, or begins or ends with it, or holds it.
    private mutating func refers(_ item: Program.Item, _ slot: Slot) -> Bool {
        let others = slots[Int(item.index)]
        guard others.generation == generation else { return false }
        var value = slot.first
        while value >= 0 {
            var other = others.first
            while other >= 0 {
                if MatchScratch.refers(item, raw, folded, values[Int(value)], values[Int(other)]) { return true }
                other = values[Int(other)].next
            }
            value = values[Int(value)].next
        }
        return false
    }

    private static func refers(
        _ item: Program.Item, _ raw: borrowing Slab, _ folded: borrowing Slab, _ value: Value, _ other: Value
    ) -> Bool {
        let mine =
            item.cased || !value.isFoldedApart ? raw.bytes(value.raw) : folded.bytes(value.fold)
        let theirs =
            item.cased || !other.isFoldedApart ? raw.bytes(other.raw) : folded.bytes(other.fold)
        return switch (item.startsWith, item.endsWith) {
        case (true, true): theirs.byteCount == 0 || mine.firstRange(of: theirs) != nil
        case (true, false): mine.part(0, theirs.byteCount).equals(theirs)
        case (false, true):
            mine.byteCount >= theirs.byteCount
                && mine.part(mine.byteCount - theirs.byteCount, theirs.byteCount).equals(theirs)
        case (false, false): mine.equals(theirs)
        }
    }
}
