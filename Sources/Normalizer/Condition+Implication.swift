// SPDX-License-Identifier: Apache-2.0
internal import Patterns

/// What can be said of conditions without a record: used by ``MappingReview`` to find what is written in vain. An answer of
/// false means "not known".
extension Condition {
    /// Whether each record of which this holds is one of which `other` holds.
    func implies(_ other: Condition) -> Bool {
        switch (self, other) {
        case (_, .always): true
        case (.any(let parts), _): parts.allSatisfy { $0.implies(other) }
        case (_, .all(let parts)): parts.allSatisfy { implies($0) }
        case (.equals(let slot, let texts), .any) where texts.count > 1:
            // Each text may meet another part.
            texts.allSatisfy { Condition.equals(slot, [$0]).implies(other) }
        case (.all(let parts), .any(let others)):
            others.contains { implies($0) } || parts.contains { $0.implies(other) }
                || split.map { $0.allSatisfy { $0.implies(other) } } ?? false
        case (_, .any(let parts)): parts.contains { implies($0) }
        case (.not(let part), .not(let otherPart)): otherPart.implies(part)
        case (.all(let parts), _): parts.contains { $0.implies(other) }
        case (_, .not(let part)): excludes(part)
        default: slot != nil && slot == other.slot && testImplies(other)
        }
    }

    /// ``implies(_:)`` of two tests of one capture.
    private func testImplies(_ other: Condition) -> Bool {
        switch (self, other) {
        case (.exists(_, let wanted), .exists(_, let otherWanted)): wanted == otherWanted
        case (.equals(_, let texts), .exists(_, true)), (.contains(_, let texts), .exists(_, true)),
            (.starts(_, let texts), .exists(_, true)), (.ends(_, let texts), .exists(_, true)):
            texts.allSatisfy { !$0.isEmpty }
        case (.equals(_, let texts), .equals(_, let others)): texts.allSatisfy { others.contains($0) }
        case (.equals(_, let texts), .contains(_, let parts)), (.contains(_, let texts), .contains(_, let parts)),
            (.starts(_, let texts), .contains(_, let parts)), (.ends(_, let texts), .contains(_, let parts)):
            texts.allSatisfy { text in parts.contains { text.holds($0) } }
        case (.equals(_, let texts), .starts(_, let parts)), (.starts(_, let texts), .starts(_, let parts)):
            texts.allSatisfy { text in parts.contains { text.starts(with: $0) } }
        case (.equals(_, let texts), .ends(_, let parts)), (.ends(_, let texts), .ends(_, let parts)):
            texts.allSatisfy { text in parts.contains { text.reversed().starts(with: $0.reversed()) } }
        case (.matches(_, let pattern), .matches(_, let otherPattern)): pattern.text == otherPattern.text
        default: false
        }
    }

    /// Whether there is no record of which this and `other` hold.
    func excludes(_ other: Condition) -> Bool {
        switch (self, other) {
        case (.all(let parts), _): parts.contains { $0.excludes(other) }
        case (_, .all(let parts)): parts.contains { excludes($0) }
        case (.any(let parts), _): parts.allSatisfy { $0.excludes(other) }
        case (_, .any(let parts)): parts.allSatisfy { excludes($0) }
        case (.not(let part), _): other.implies(part)
        case (_, .not(let part)): implies(part)
        default: slot != nil && slot == other.slot && (testExcludes(other) || other.testExcludes(self))
        }
    }

    /// ``excludes(_:)`` of two tests of one capture, one way round.
    private func testExcludes(_ other: Condition) -> Bool {
        switch (self, other) {
        case (.exists(_, true), .exists(_, false)): true
        case (.exists(let slot, false), _): other.implies(.exists(slot, true))
        case (.equals(_, let texts), .equals(_, let others)): texts.allSatisfy { !others.contains($0) }
        case (.equals(_, let texts), .contains(_, let parts)):
            texts.allSatisfy { text in parts.allSatisfy { !text.holds($0) } }
        case (.equals(_, let texts), .starts(_, let parts)):
            texts.allSatisfy { text in parts.allSatisfy { !text.starts(with: $0) } }
        default: false
        }
    }

    /// Whether it holds of no record.
    var isNever: Bool {
        switch self {
        case .any(let parts): return parts.allSatisfy(\.isNever)
        case .all(let parts):
            return parts.contains(where: \.isNever)
                || parts.indices.contains { first in parts[(first + 1)...].contains { parts[first].excludes($0) } }
        case .not(let part): return Condition.always.implies(part)
        case .equals(_, let texts), .contains(_, let texts), .starts(_, let texts), .ends(_, let texts):
            return texts.isEmpty
        case .always, .exists, .matches: return false
        }
    }

    /// The capture of a test of one.
    private var slot: SlotID? {
        switch self {
        case .exists(let slot, _), .equals(let slot, _), .contains(let slot, _), .starts(let slot, _),
            .ends(let slot, _), .matches(let slot, _):
            slot
        default: nil
        }
    }

    /// The same as several conditions of which one holds, by the texts of its first list or its first alternative.
    private var split: [Condition]? {
        guard case .all(let parts) = self else { return nil }
        for (index, part) in parts.enumerated() {
            var choices: [Condition] = []
            switch part {
            case .equals(let slot, let texts) where texts.count > 1: choices = texts.map { .equals(slot, [$0]) }
            case .any(let all) where all.count > 1: choices = all
            default: continue
            }
            return choices.map { choice in
                var copy = parts
                copy[index] = choice
                return .all(copy)
            }
        }
        return nil
    }
}

extension [UInt8] {
    /// Whether `part` stands somewhere in these bytes.
    func holds(_ part: [UInt8]) -> Bool {
        guard !part.isEmpty else { return true }
        guard count >= part.count else { return false }
        return (0...count - part.count).contains { self[$0...].starts(with: part) }
    }
}
