// SPDX-License-Identifier: Apache-2.0
internal import Patterns
internal import Wire

extension MatchScratch {
    /// Appends the places of the rules that the loaded event matches, in ascending order.
    mutating func matches(_ ruleSet: RuleSet, _ candidates: RuleCandidates, into hits: inout [Int]) {
        let index = ruleSet.index
        let program = ruleSet.program
        for word in marked.indices { marked[word] = index.always[word] }
        for number in 0..<present.count {
            let slot = Int(present[number])
            guard index.kinds[slot] != 0 else { continue }
            index.mark(presenceOf: slot, &marked)
            var value = slots[slot].first
            while value >= 0 {
                MatchScratch.mark(index, slot, values[Int(value)], raw, folded, generation, &possible, &marked)
                value = values[Int(value)].next
            }
        }
        for word in marked.indices {
            var open = marked[word] & candidates.words[word]
            while open != 0 {
                let place = word << 6 | open.trailingZeroBitCount
                open &= open - 1
                countEvaluation()
                guard holds(ruleSet.rules[place].root, program, index) else { continue }
                let filter = ruleSet.rules[place].filters.first { holds($0.root, program, index) }
                if let filter { suppress(filter.number) } else { hits.append(place) }
            }
        }
    }

    private static func mark(
        _ index: WitnessIndex, _ slot: Int, _ value: Value, _ raw: borrowing Slab, _ folded: borrowing Slab,
        _ stamp: UInt32, _ possible: inout [UInt32], _ marked: inout [UInt64]
    ) {
        let bytes = value.isFoldedApart ? folded.bytes(value.fold) : raw.bytes(value.raw)
        index.mark(slot, bytes, stamp: stamp, &possible, &marked)
    }

    /// Whether the event meets the condition at `root`.
    private mutating func holds(_ root: Int32, _ program: Program, _ index: WitnessIndex) -> Bool {
        let node = program.nodes[Int(root)]
        switch node.kind {
        case .item: return answer(Int(node.first), program, index)
        case .not: return !holds(program.children[Int(node.first)], program, index)
        case .all:
            for child in Int(node.first)..<Int(node.first + node.count)
            where !holds(program.children[child], program, index) {
                return false
            }
            return true
        case .any:
            for child in Int(node.first)..<Int(node.first + node.count)
            where holds(program.children[child], program, index) {
                return true
            }
            return false
        }
    }

    /// The answer to one item, worked out once an event.
    private mutating func answer(_ number: Int, _ program: Program, _ index: WitnessIndex) -> Bool {
        let known = answers[number]
        if known >> 1 == generation { return known & 1 != 0 }
        if index.isIndexed[number] != 0, possible[number] != generation { return false }
        let result = test(program.items[number], program)
        answers[number] = generation << 1 | (result ? 1 : 0)
        return result
    }

    private func test(_ item: Program.Item, _ program: Program) -> Bool {
        let slot = slots[Int(item.slot)]
        let isPresent = slot.generation == generation
        if item.kind == .exists { return isPresent }
        if item.kind == .null { return !isPresent || !slot.isNonNull }
        guard isPresent else { return false }
        var value = slot.first
        while value >= 0 {
            if test(item, Int(value), program) { return true }
            value = values[Int(value)].next
        }
        return false
    }

    private func test(_ item: Program.Item, _ value: Int, _ program: Program) -> Bool {
        switch item.kind {
        case .text: return program.texts.matches(item.index, item.cased ? rawBytes(value) : foldedBytes(value))
        case .regex: return program.expressions[Int(item.index)].pattern.matches(rawBytes(value), regex)
        case .compare: return NumberText.value(rawBytes(value)).map { item.comparison.holds($0, item.number) } ?? false
        case .network:
            return IPAddress(rawBytes(value)).map { program.networks[Int(item.index)].contains($0) } ?? false
        case .timePart:
            return item.part.value(of: rawBytes(value)).map { item.comparison.holds($0, item.number) } ?? false
        case .reference: return refers(item, value)
        case .exists, .null: return true
        }
    }

    /// Whether a value is one of another field's, or begins or ends with it, or holds it.
    private func refers(_ item: Program.Item, _ value: Int) -> Bool {
        let slot = slots[Int(item.index)]
        guard slot.generation == generation else { return false }
        let mine = item.cased ? rawBytes(value) : foldedBytes(value)
        var other = slot.first
        while other >= 0 {
            let theirs = item.cased ? rawBytes(Int(other)) : foldedBytes(Int(other))
            let holds =
                switch (item.startsWith, item.endsWith) {
                case (true, true): theirs.byteCount == 0 || mine.firstRange(of: theirs) != nil
                case (true, false): mine.part(0, theirs.byteCount).equals(theirs)
                case (false, true):
                    mine.byteCount >= theirs.byteCount
                        && mine.part(mine.byteCount - theirs.byteCount, theirs.byteCount).equals(theirs)
                case (false, false): mine.equals(theirs)
                }
            if holds { return true }
            other = values[Int(other)].next
        }
        return false
    }
}
