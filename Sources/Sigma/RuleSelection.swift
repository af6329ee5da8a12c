// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The rules that look at an event once it is known which log sources it answers, with an index of what they ask.
final class RuleSelection: Sendable {
    /// One bit per rule.
    let words: [UInt64]
    /// By slot: 1 when one of the rules reads it.
    let slots: [UInt8]
    /// Of what the rules demand; of all rules of the set when there is no room for one of their own.
    let index: WitnessIndex
    /// Whether it is that of all rules.
    let isShared: Bool

    /// With an index of their own.
    init(_ words: [UInt64], of ruleSet: RuleSet) {
        let (slots, items) = RuleSelection.reads(words, ruleSet)
        self.words = words
        self.slots = slots
        index = WitnessIndex(ruleSet.witnesses, rules: words, items: items)
        isShared = false
    }

    /// With the index of all rules.
    init(sharing words: [UInt64], of ruleSet: RuleSet) {
        self.words = words
        slots = RuleSelection.reads(words, ruleSet).slots
        index = ruleSet.index
        isShared = true
    }

    /// Which slots and items the rules and their filters ask for.
    private static func reads(_ words: [UInt64], _ ruleSet: RuleSet) -> (slots: [UInt8], items: [UInt8]) {
        let program = ruleSet.program
        var slots = [UInt8](repeating: 0, count: program.fields.count)
        var items = [UInt8](repeating: 0, count: program.items.count)
        for (word, bits) in words.enumerated() {
            var open = bits
            while open != 0 {
                let rule = ruleSet.rules[word << 6 | open.trailingZeroBitCount]
                open &= open - 1
                for slot in rule.slots { slots[slot] = 1 }
                for root in [rule.root] + rule.filters.map(\.root) { program.visit(root) { items[$0] = 1 } }
            }
        }
        return (slots, items)
    }
}

/// The selections of a set, made when an event first asks for them and shared by all lanes.
final class RuleSelections: Sendable {
    private struct Known {
        var selections: [[UInt64]: RuleSelection] = [:]
        /// How many texts their indexes have.
        var count = 0
    }

    /// The indexes of selections may have this many times the texts of the index of all rules. What goes beyond, such as
    /// events of log sources that somebody invents, goes through the index of all rules (``MatchScratch/takeWide()``).
    private static let limit = 6

    private let known = Mutex(Known())

    /// The selection of the rules in `words`.
    func selection(_ words: [UInt64], of ruleSet: RuleSet) -> RuleSelection {
        known.withLock { known in
            if let selection = known.selections[words] { return selection }
            guard known.count <= RuleSelections.limit * ruleSet.index.count, known.selections.count < 4_096 else {
                return RuleSelection(sharing: words, of: ruleSet)
            }
            let selection = RuleSelection(words, of: ruleSet)
            known.selections[words] = selection
            known.count += selection.index.count
            return selection
        }
    }
}

extension Program {
    /// Calls `body` with each item that the condition at `root` asks.
    func visit(_ root: Int32, _ body: (Int) -> Void) {
        let node = nodes[Int(root)]
        let below = Int(node.first)..<Int(node.first &+ node.count)
        switch node.kind {
        case .item: body(Int(node.first))
        case .not: visit(children[Int(node.first)], body)
        case .all, .any: for child in below { visit(children[child], body) }
        case .allItems, .anyItem: for child in below { body(Int(children[child])) }
        }
    }
}
