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
        // A constant goes before a field, the first constant before another.
        var entries = constants.enumerated().map { (entry: $0.element, rank: $0.offset) }
        entries += fields.map { (Entry.integer($0, 0), constants.count) }
        entries.sort { ($0.entry.order, $0.rank) < ($1.entry.order, $1.rank) }
        var sorted: [(entry: Entry, isConstant: Bool)] = []
        sorted.reserveCapacity(entries.count)
        for (entry, rank) in entries where sorted.last?.entry.order != entry.order {
            sorted.append((entry, rank < constants.count))
        }
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
