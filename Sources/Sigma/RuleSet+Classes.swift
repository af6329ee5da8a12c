// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension RuleSet {
    /// The rules that look at events of `sources` and can match one of the OCSF class `classUID`: a rule that demands
    /// other classes is left out once, instead of being asked about each event. Worth keeping for each kind of event.
    public func candidates(for sources: LogSources, classUID: Int) -> RuleCandidates {
        let text = Array(String(classUID).utf8)
        let slot = program.fields.firstIndex(of: "class_uid").map { Int32($0) }
        return RuleCandidates(
            self,
            rules.indices.filter { place in
                rules[place].logSource.covers(sources)
                    && (slot.map { verdict(rules[place].root, $0, text.span.bytes) != false } ?? true)
            })
    }

    /// What a condition says when all that is known of an event is its class: nil when other fields decide.
    private func verdict(_ root: Int32, _ slot: Int32, _ text: RawSpan) -> Bool? {
        let node = program.nodes[Int(root)]
        let children = Int(node.first)..<Int(node.first + node.count)
        switch node.kind {
        case .item:
            let item = program.items[Int(node.first)]
            guard item.slot == slot else { return nil }
            switch item.kind {
            case .text: return program.texts.matches(item.index, text)
            case .compare: return NumberText.value(text).map { item.comparison.holds($0, item.number) } ?? false
            case .exists: return true
            case .null: return false
            case .regex, .network, .timePart, .reference: return nil
            }
        case .not: return verdict(program.children[Int(node.first)], slot, text).map { !$0 }
        case .all:
            var known: Bool? = true
            for child in children {
                switch verdict(program.children[child], slot, text) {
                case false?: return false
                case nil: known = nil
                case true?: break
                }
            }
            return known
        case .any:
            var known: Bool? = false
            for child in children {
                switch verdict(program.children[child], slot, text) {
                case true?: return true
                case nil: known = nil
                case false?: break
                }
            }
            return known
        }
    }
}
