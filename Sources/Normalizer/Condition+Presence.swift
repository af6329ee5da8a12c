// SPDX-License-Identifier: Apache-2.0

/// What a condition asks of captures before it looks at any text: most conditions fail on that alone.
extension Condition {
    /// Captures that must say something for the condition to hold.
    var needed: Set<SlotID> {
        switch self {
        case .exists(let slot, true): [slot]
        case .equals(let slot, let texts), .contains(let slot, let texts), .starts(let slot, let texts),
            .ends(let slot, let texts):
            texts.allSatisfy { !$0.isEmpty } ? [slot] : []
        case .all(let parts): parts.reduce(into: []) { $0.formUnion($1.needed) }
        case .always, .any, .not, .exists, .matches: []
        }
    }

    /// Captures that must say nothing for the condition to hold.
    var avoided: Set<SlotID> {
        switch self {
        case .exists(let slot, false): [slot]
        case .all(let parts): parts.reduce(into: []) { $0.formUnion($1.avoided) }
        case .always, .any, .not, .exists, .equals, .contains, .starts, .ends, .matches: []
        }
    }

    /// Captures of which at least one must say something for the condition to hold; nil when it may hold without any.
    var witnesses: Set<SlotID>? {
        if case .any(let parts) = self {
            let all = parts.map(\.witnesses)
            return all.contains { $0 == nil } ? nil : all.reduce(into: []) { $0.formUnion($1 ?? []) }
        }
        if let slot = needed.min() { return [slot] }
        guard case .all(let parts) = self else { return nil }
        return parts.lazy.compactMap(\.witnesses).first
    }

    /// The same condition with what it asks to be absent said of each capture: most conditions are one look at bits then.
    var simplified: Condition {
        switch self {
        case .not(.not(let part)): part.simplified
        case .not(.exists(let slot, let wanted)): .exists(slot, !wanted)
        case .not(.any(let parts)): Condition.all(parts.map { .not($0) }).simplified
        case .not(let part): .not(part.simplified)
        case .all(let parts):
            .all(parts.map(\.simplified).flatMap { if case .all(let inner) = $0 { inner } else { [$0] } })
        case .any(let parts): .any(parts.map(\.simplified))
        case .always, .exists, .equals, .contains, .starts, .ends, .matches: self
        }
    }
}
