// SPDX-License-Identifier: Apache-2.0
internal import Documents

/// A record that stands in a mapping file with the event it must become.
struct MappingSample {
    /// Where it stands.
    let element: Element
    /// The record.
    let input: String
    /// By event: attributes by dotted path with the text that they must have; `null` when they must be absent.
    let expected: [[(path: String, value: String?, element: Element)]]
    /// What `expect` says, event by event.
    let expectations: [Element]
    /// Whether it must become no event.
    let isDropped: Bool

    init?(_ item: Element) {
        item.allow(only: ["input", "expect", "description", "dropped"])
        guard let input = item.required("input")?.string else { return nil }
        element = item
        isDropped = item["dropped"]?.boolean ?? false
        if isDropped, let expect = item["expect"] {
            expect.complain("a record that is dropped has no attributes: give 'expect' or 'dropped', not both")
        }
        self.input = input
        let expect = item["expect"]
        let all = expect.map { $0.isSequence ? $0.items : [$0] } ?? []
        // An empty one is as none.
        expectations = all.count == 1 && all[0].members.isEmpty ? [] : all
        expected = expectations.map { event in
            event.members.compactMap { key, value in
                key.scalar.map { ($0, value.isNull && value.isPlain ? nil : value.scalar, value) }
            }
        }
    }
}
