// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

extension MatchScratch {
    /// How events of one kind are matched: first their log sources are settled, then what the rules of those ask is loaded.
    struct Kind {
        /// What can follow.
        struct Choice {
            /// One bit per branch of the candidates: the event meets its condition.
            var open: [UInt64]
            var selection: RuleSelection
            /// By slot: 1 when the selection asks for it and the conditions of log sources did not.
            var slots: [UInt8]
            var plan: LoadPlan?
        }

        var candidates: RuleCandidates.Mark
        /// Of the rules as they are bound to a table of fields; nil when events are JSON.
        var binding: BoundRules?
        /// What the conditions of log sources ask; nil when there are none.
        var routing: LoadPlan?
        var choices: [Choice] = []
        /// What values of late led to which choice, by their hash.
        var known = [Known](repeating: Known(), count: 64)
    }

    /// Values that conditions of log sources ask for, and the choice that they left.
    struct Known {
        var choice = -1
        var bytes: [UInt8] = []
        /// Which of the bytes are of which field, see ``MatchScratch/layout``.
        var layout: [UInt64] = []

        func recall(_ raw: borrowing Slab, _ layout: [UInt64]) -> Int? {
            choice >= 0 && self.layout == layout && raw.bytes.equals(bytes.span.bytes) ? choice : nil
        }

        mutating func remember(_ choice: Int, _ raw: borrowing Slab, _ layout: [UInt64]) {
            self.choice = choice
            self.layout.removeAll(keepingCapacity: true)
            self.layout.append(contentsOf: layout)
            bytes.removeAll(keepingCapacity: true)
            raw.bytes.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
    }

    /// Longer values of events are not worth remembering.
    private static let knownLimit = 512

    /// How many kinds and choices a lane keeps; the last one makes room when there are more.
    static let kindLimit = 1_024
    static let choiceLimit = 256

    /// The number of the kind of events that `candidates` are for.
    mutating func kind(
        of candidates: RuleCandidates, _ binding: BoundRules?, _ plan: ([UInt8]) -> LoadPlan?
    ) -> Int {
        if lastKind < kinds.count, kinds[lastKind].candidates === candidates.mark, kinds[lastKind].binding === binding {
            return lastKind
        }
        if let known = kinds.firstIndex(where: { $0.candidates === candidates.mark && $0.binding === binding }) {
            lastKind = known
            return known
        }
        if kinds.count == MatchScratch.kindLimit { kinds.removeLast() }
        kinds.append(
            Kind(
                candidates: candidates.mark, binding: binding,
                routing: candidates.branches.isEmpty ? nil : plan(candidates.routing)))
        lastKind = kinds.count - 1
        return lastKind
    }

    /// The number of the choice that the event's log sources leave, once what their conditions ask is loaded.
    mutating func choice(
        _ kind: Int, _ candidates: RuleCandidates, _ ruleSet: RuleSet, _ plan: ([UInt8]) -> LoadPlan?
    ) -> Int {
        // Few values occur, and there are many conditions.
        layout.removeAll(keepingCapacity: true)
        for slot in present {
            layout.append(UInt64(UInt32(bitPattern: slot)) << 1 | (slots[Int(slot)].isNonNull ? 1 : 0))
        }
        for value in values {
            layout.append(UInt64(UInt32(bitPattern: value.slot)) << 32 | UInt64(UInt32(bitPattern: value.rank)))
            layout.append(UInt64(value.raw.offset) << 32 | UInt64(value.raw.length))
        }
        guard raw.count <= MatchScratch.knownLimit else { return settled(kind, candidates, ruleSet, plan) }
        let place = Int(truncatingIfNeeded: HashTable.hash(raw.bytes, seed: UInt64(layout.count))) & 63
        if let known = kinds[kind].known[place].recall(raw, layout) { return known }
        let choice = settled(kind, candidates, ruleSet, plan)
        kinds[kind].known[place].remember(choice, raw, layout)
        return choice
    }

    /// The same, by asking the conditions.
    private mutating func settled(
        _ kind: Int, _ candidates: RuleCandidates, _ ruleSet: RuleSet, _ plan: ([UInt8]) -> LoadPlan?
    ) -> Int {
        let count = candidates.branches.count
        var open = [UInt64](repeating: 0, count: (count + 63) / 64)
        for branch in 0..<count where opens(candidates.branches[branch].root, ruleSet.program) {
            open[branch >> 6] |= 1 << UInt64(branch & 63)
        }
        if let known = kinds[kind].choices.firstIndex(where: { $0.open == open }) { return known }
        var words = candidates.words
        for branch in 0..<count where open[branch >> 6] >> UInt64(branch & 63) & 1 != 0 {
            for word in words.indices { words[word] |= candidates.branches[branch].words[word] }
        }
        let selection = ruleSet.selections.selection(words, of: ruleSet)
        let slots = zip(selection.slots, candidates.routing).map { $0 & ~$1 }
        if kinds[kind].choices.count == MatchScratch.choiceLimit {
            kinds[kind].choices.removeLast()
            for place in kinds[kind].known.indices { kinds[kind].known[place].choice = -1 }
        }
        kinds[kind].choices.append(Kind.Choice(open: open, selection: selection, slots: slots, plan: plan(slots)))
        return kinds[kind].choices.count - 1
    }
}
