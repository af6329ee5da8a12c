// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// The event under construction: its entries by their place in a ``RowShape``, and one bit for each that is there.
///
/// Of two values for one place the first stands; constants of the shape come after everything else.
struct RowBuilder: ~Copyable {
    private let entries: UnsafeMutablePointer<Entry>
    private let bits: UnsafeMutablePointer<UInt64>
    private let capacity: Int
    private var words = 0
    private var places = 0
    /// Elements of arrays beyond the first, which have no places.
    private var others: [Entry] = []
    /// Tells the shape from all others that live.
    private var shape: UInt = 0
    private var layouts = LayoutTable()

    /// A builder for shapes of up to `places` places.
    init(places: Int) {
        capacity = max(places, 64)
        entries = .allocate(capacity: capacity)
        bits = .allocate(capacity: capacity / 64 + 1)
        bits.initialize(repeating: 0, count: capacity / 64 + 1)
    }

    deinit {
        entries.deallocate()
        bits.deallocate()
    }

    /// Begins an event of `shape`.
    mutating func begin(_ shape: borrowing RowShape) {
        let count = shape.template.count
        precondition(count <= capacity, "a shape has more places than its builder")
        words = shape.constants.count
        places = count
        for word in 0..<words { bits[word] = 0 }
        shape.template.withUnsafeBufferPointer { template in
            if let base = template.baseAddress { entries.update(from: base, count: count) }
            self.shape = UInt(bitPattern: template.baseAddress)
        }
        if !others.isEmpty { others.removeAll(keepingCapacity: true) }
    }

    /// Whether a place was free; it no longer is.
    @inline(__always)
    private mutating func take(_ place: Place) -> Bool {
        guard place >= 0, place >> 6 < words else { return false }
        let bit: UInt64 = 1 << UInt64(place & 63)
        guard bits[place >> 6] & bit == 0 else { return false }
        bits[place >> 6] |= bit
        return true
    }

    @inline(__always)
    mutating func put(_ place: Place, integer value: Int64) {
        if take(place) { entries[place] = .integer(entries[place].field, value) }
    }

    @inline(__always)
    mutating func put(_ place: Place, text extent: Extent) {
        if take(place) { entries[place] = .bytes(entries[place].field, .text, extent) }
    }

    @inline(__always)
    mutating func put(_ place: Place, constant text: ConstantText) {
        if take(place) { entries[place] = .constant(entries[place].field, text) }
    }

    mutating func put(_ place: Place, kind: Entry.Kind, _ extent: Extent) {
        if take(place) { entries[place] = .bytes(entries[place].field, kind, extent) }
    }

    mutating func put(_ place: Place, boolean value: Bool) {
        if take(place) { entries[place] = .boolean(entries[place].field, value) }
    }

    mutating func put(_ place: Place, double value: Double) {
        if take(place) { entries[place] = .double(entries[place].field, value) }
    }

    mutating func put(_ place: Place, literal: Literal) {
        switch literal {
        case .integer(let value): put(place, integer: value)
        case .double(let value): put(place, double: value)
        case .boolean(let value): put(place, boolean: value)
        case .text(let text): put(place, constant: text)
        }
    }

    /// Puts an element of an array at its position.
    mutating func put(_ place: Place, element: Entry) {
        // The elements of a constant array have places behind each other.
        let own = place + Int(Entry.position(element.element, level: 0))
        if own < places, entries[own].order == element.order {
            if take(own) { entries[own] = element }
        } else {
            others.append(element)
        }
    }

    /// Adds the shape's constants where nothing else stands.
    mutating func putConstants(_ shape: borrowing RowShape) {
        for word in 0..<words { bits[word] |= shape.constants[word] }
    }

    /// Whether a place is taken.
    func has(_ place: Place) -> Bool {
        place >= 0 && place >> 6 < words && bits[place >> 6] & 1 << UInt64(place & 63) != 0
    }

    /// What stands at a place, or nil.
    func entry(_ place: Place) -> Entry? { has(place) ? entries[place] : nil }

    /// Whether one of some places is taken.
    @inline(__always)
    func has(_ range: RowShape.Range) -> Bool {
        let word = Int(range.low >> 6)
        if range.mask != 0, word < words { return bits[word] & range.mask != 0 }
        return hasAcross(range)
    }

    private func hasAcross(_ range: RowShape.Range) -> Bool {
        var low = Int(range.low)
        let high = Int(range.high)
        while low < high {
            let word = bits[low >> 6] >> UInt64(low & 63)
            let count = min(high - low, 64 - low & 63)
            if word & (count == 64 ? .max : 1 << UInt64(count) - 1) != 0 { return true }
            low += count
        }
        return false
    }

    /// Takes back what stands at some places, and further elements of arrays among them.
    mutating func remove(_ range: RowShape.Range) {
        guard range.low < range.high else { return }
        for place in Int(range.low)..<Int(range.high) { bits[place >> 6] &= ~(1 << UInt64(place & 63)) }
        let fields = entries[Int(range.low)].field...entries[Int(range.high) - 1].field
        others.removeAll { fields.contains($0.field) }
    }

    /// Ends the event and appends it to `batch`.
    mutating func finish(_ row: Row, to batch: inout Batch) {
        var count = 0
        for word in 0..<words {
            var open = bits[word]
            while open != 0 {
                entries[count] = entries[word << 6 | open.trailingZeroBitCount]
                count += 1
                open &= open - 1
            }
        }
        var row = row
        row.layout = layouts.number(shape, bits, words: words)
        batch.append(row, entries: UnsafeBufferPointer(start: entries, count: count))
        guard !others.isEmpty else { return }
        // The objects of a list are in order.
        if zip(others, others.dropFirst()).allSatisfy({ $0.order < $1.order }) {
            others.withUnsafeBufferPointer { batch.endRow(adding: $0) }
            return
        }
        for entry in others { batch.put(entry) }
        batch.endRow(sequence: row.sequence)
    }
}
