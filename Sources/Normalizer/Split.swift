// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// A list whose elements become events of their own, while they do (`each`), and what they share: the captures and the
/// members of the record around it. Reused, so that a list costs no allocation.
struct Split {
    /// A capture of the record around the list.
    struct Outer {
        var slot: SlotID
        var capture: Capture
        /// Whether every element gets it; otherwise the first event alone has it.
        var isShared: Bool
    }

    /// Whether elements are left.
    var isOpen = false
    /// The list, whose text is at ``list`` in the slab.
    var tape = JSONTape()
    var list = Extent.empty
    /// The value on the tape that comes next.
    var index = 1
    /// How many elements came before it.
    var count = 0
    /// Whether the list has one element only: its event is the record's, with all of its text.
    var isSingle = false
    var outer: [Outer] = []
    /// What goes to `unmapped` of the record around the list, in the slab.
    var members = Extent.empty
    /// Whether an event has all of the record around the list.
    var isTold = false
    /// The mapping's number among all, the step behind the one that opened the list (-1: not known yet), and the frame.
    var mapping = 0
    var step = -1
    var frame = 0
    var header: Normalizer.Header?

    /// Notes where the elements' steps begin, and what is known of their frame.
    mutating func begin(at step: Int, _ frame: Int, _ header: Normalizer.Header) {
        self.step = step
        self.frame = frame
        self.header = header
    }

    /// The text of value number `index`, in the slab; of a text with its quotes.
    func extent(_ index: Int) -> Extent {
        let value = tape.values[index]
        var extent = value.extent
        if value.kind == .string { extent = Extent(extent.range.lowerBound - 1..<extent.range.upperBound + 1) }
        return extent.shifted(by: list.offset)
    }
}
