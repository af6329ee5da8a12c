// SPDX-License-Identifier: Apache-2.0
internal import Events

/// What of an event's entries is loaded: the slots that are asked for, by field.
final class LoadPlan: Sendable {
    /// What one field gives values to.
    struct Field: Sendable {
        /// Its run of ``targets``: first those that take values as they are, then those that map them.
        var first: Int32 = 0
        var mapped: Int32 = 0
        var end: Int32 = 0
        /// Which of the lists of names in ``keys`` tells whether its JSON is worth parsing, or -1 when nothing asks for it.
        var keys: Int32 = -1
    }

    /// By field.
    let fields: [Field]
    let targets: [SlotTarget]
    /// Names, as the beginnings of JSON keys; none of them means that there are too many to look for.
    let keys: [[[UInt8]]]
    /// Slots of containers, which have no entries of their own.
    let containers: [(slot: Int, fields: Range<FieldID>)]
    /// By slot: 1 when it is asked for.
    let slots: [UInt8]
    /// Whether every value counts.
    let wantsKeywords: Bool

    init(
        fields: [Field], targets: [SlotTarget], keys: [[[UInt8]]], containers: [(slot: Int, fields: Range<FieldID>)],
        slots: [UInt8]
    ) {
        self.fields = fields
        self.targets = targets
        self.keys = keys
        self.containers = containers
        self.slots = slots
        wantsKeywords = slots[Program.keywordSlot] != 0
    }
}
