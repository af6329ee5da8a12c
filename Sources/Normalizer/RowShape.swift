// SPDX-License-Identifier: Apache-2.0
internal import Events

/// The number of an attribute among those that events of one shape may have, in their order in an event.
typealias Place = Int

/// The attributes that events of one kind may have, in the order in which they stand in an event: who fills places
/// instead of appending entries has nothing to sort, and asks for an attribute by one bit.
struct RowShape: Sendable {
    /// The places from one on, up to another: an attribute and all that lies in it.
    struct Range: Sendable {
        let low: Int32
        let high: Int32
        /// The places as bits of one word; 0 when they lie in several (or there are none).
        let mask: UInt64
        static let none = Range(low: 0, high: 0)

        init(low: Int32, high: Int32) {
            self.low = low
            self.high = high
            let isOne = low < high && low >> 6 == (high - 1) >> 6
            mask = isOne ? UInt64.max << UInt64(low & 63) & UInt64.max >> UInt64(63 - (high - 1) & 63) : 0
        }
    }

    /// An entry by place: a constant, or something with the right field.
    let template: [Entry]
    /// One bit by place: it is a constant that every such event has.
    let constants: [UInt64]

    /// A shape of the fields `fields` (element 0) and of constant entries.
    init(fields: [FieldID], constants: [Entry]) {
        var entries: [UInt64: (entry: Entry, isConstant: Bool)] = [:]
        for field in fields {
            let entry = Entry.integer(field, 0)
            entries[entry.order] = (entry, false)
        }
        var seen: Set<UInt64> = []
        for entry in constants where seen.insert(entry.order).inserted { entries[entry.order] = (entry, true) }
        let sorted = entries.sorted { $0.key < $1.key }.map(\.value)
        template = sorted.map(\.entry)
        var bits = [UInt64](repeating: 0, count: (sorted.count + 63) / 64)
        for (place, item) in sorted.enumerated() where item.isConstant { bits[place >> 6] |= 1 << UInt64(place & 63) }
        self.constants = bits
    }

    /// The place of a field (its element 0), which must be in the shape.
    func place(_ field: FieldID) -> Place {
        var place = first(field)
        while place < template.count, template[place].field == field, template[place].element != 0 { place += 1 }
        precondition(place < template.count && template[place].field == field, "a shape lacks field \(field)")
        return place
    }

    /// The places of the fields from `low` on, up to `high`.
    func range(_ low: FieldID, _ high: FieldID) -> Range {
        Range(low: Int32(first(low)), high: Int32(first(high)))
    }

    /// The first place of a field at or behind `field`; entries are in the order of their fields.
    private func first(_ field: FieldID) -> Place {
        var (low, high) = (0, template.count)
        while low < high {
            let middle = (low + high) / 2
            if template[middle].field < field { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Whether a constant stands at one of some places.
    func hasConstant(_ range: Range) -> Bool {
        (range.low..<range.high).contains { constants[Int($0) >> 6] & 1 << UInt64($0 & 63) != 0 }
    }
}
