// SPDX-License-Identifier: Apache-2.0
internal import Patterns
internal import Wire

/// Everything that the rules of a set ask of events, each question once: rules share the answers.
///
/// It is flat: items, nodes and steps are plain values in arrays, and all literal bytes stand in one pool, so that
/// judging an event counts no references.
struct Program: Sendable {
    /// One question: a field and a test of its values.
    struct Item: Sendable {
        enum Kind: UInt8, Sendable {
            case text
            case regex
            case compare
            case network
            case timePart
            case reference
            case exists
            case null
        }
        var kind: Kind
        /// The field's place in ``Program/fields``.
        var slot: Int32
        var cased = false
        /// Of a reference: the sides at which the values must be equal.
        var startsWith = false
        var endsWith = false
        var comparison = Comparison.eq
        var part = TimePart.minute
        /// The text, expression, network or other slot.
        var index: Int32 = 0
        var number = 0.0
    }

    /// A node of a condition; its children stand in ``Program/children``.
    struct Node: Sendable {
        enum Kind: UInt8, Sendable {
            case item
            case not
            case all
            case any
            /// All of several items, whose numbers stand in ``Program/children``.
            case allItems
            /// Any of several items.
            case anyItem
        }
        var kind: Kind
        /// The item, or the first child.
        var first: Int32
        var count: Int32
    }

    /// The slot that stands for every value of an event (keywords).
    static let keywordSlot = 0

    /// The fields by slot; slot 0 is empty and stands for the whole event.
    let fields: [FieldSource]
    let items: [Item]
    let nodes: [Node]
    let children: [Int32]
    let texts: TextPool
    let expressions: PatternList
    let networks: [IPNetwork]
}
