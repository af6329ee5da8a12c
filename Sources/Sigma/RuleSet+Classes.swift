// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension RuleSet {
    /// The rules that look at events of `sources` and can match one of the OCSF class `classUID`: a rule that demands
    /// other classes is left out once, instead of being asked about each event. Worth keeping for each kind of event.
    public func candidates(for sources: LogSources, classUID: Int) -> RuleCandidates {
        let text = Array(String(classUID).utf8)
        let slot = program.fields.firstIndex(of: FieldSource("class_uid")).map { Int32($0) }
        return candidates(for: sources) { root in slot.flatMap { verdict(root, $0, text.span.bytes) } }
    }

    /// What a condition says when all that is known of an event is its class: nil when other fields decide.
    private func verdict(_ root: Int32, _ slot: Int32, _ text: RawSpan) -> Bool? {
        let node = program.nodes[Int(root)]
        let children =
            node.kind == .item ? [] : program.children[Int(node.first)..<Int(node.first) + Int(node.count)]
        switch node.kind {
        case .item: return verdict(item: node.first, slot, text)
        case .not: return verdict(program.children[Int(node.first)], slot, text).map { !$0 }
        case .all, .allItems, .any, .anyItem:
            // What decides it: a part that fails, or one that holds.
            let decisive = node.kind == .any || node.kind == .anyItem
            let isOfItems = node.kind == .allItems || node.kind == .anyItem
            var known: Bool? = !decisive
            for child in children {
                let part = isOfItems ? verdict(item: child, slot, text) : verdict(child, slot, text)
                if part == decisive { return decisive }
                if part == nil { known = nil }
            }
            return known
        }
    }

    private func verdict(item number: Int32, _ slot: Int32, _ text: RawSpan) -> Bool? {
        let item = program.items[Int(number)]
        guard item.slot == slot else { return nil }
        switch item.kind {
        case .text: return program.texts.matches(item.index, text)
        case .compare: return NumberText.value(text).map { item.comparison.holds($0, item.number) } ?? false
        case .exists: return true
        case .null: return false
        case .regex, .network, .timePart, .reference: return nil
        }
    }
}
