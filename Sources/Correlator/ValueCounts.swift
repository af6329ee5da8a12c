// SPDX-License-Identifier: Apache-2.0

/// How often each of some values of 64 bits occurs: a flat table with open addressing.
struct ValueCounts {
    private struct Slot {
        var value: UInt64
        /// Nought: empty.
        var count: UInt32
    }

    /// Values are parts of SHA-256 that a sender can choose; multiplied by this, it cannot know where they stand.
    private static let secret = UInt64.random(in: 0...UInt64.max) | 1

    private var slots: [Slot] = []
    private var shift: UInt64 = 64
    /// How many different values there are.
    private(set) var count = 0

    /// The different values, in no order.
    func forEach(_ body: (UInt64) -> Void) { for slot in slots where slot.count > 0 { body(slot.value) } }

    /// Counts one more of a value.
    mutating func add(_ value: UInt64) {
        if (count + 1) * 8 > slots.count * 5 { grow() }
        let place = place(value)
        if slots[place].count == 0 {
            slots[place] = Slot(value: value, count: 1)
            count += 1
        } else {
            slots[place].count += 1
        }
    }

    /// Counts one less of a value. Values behind the last of it that it had pushed on move up.
    mutating func remove(_ value: UInt64) {
        guard count > 0 else { return }
        var hole = place(value)
        guard slots[hole].count > 0 else { return }
        slots[hole].count -= 1
        guard slots[hole].count == 0 else { return }
        count -= 1
        let mask = slots.count - 1
        var index = (hole + 1) & mask
        while slots[index].count > 0 {
            if (index - home(slots[index].value)) & mask >= (index - hole) & mask {
                slots[hole] = slots[index]
                slots[index].count = 0
                hole = index
            }
            index = (index + 1) & mask
        }
    }

    private func home(_ value: UInt64) -> Int { Int(truncatingIfNeeded: (value &* ValueCounts.secret) >> shift) }

    /// The slot of a value, or the empty one where it belongs.
    private func place(_ value: UInt64) -> Int {
        let mask = slots.count - 1
        var index = home(value)
        while slots[index].count > 0, slots[index].value != value { index = (index + 1) & mask }
        return index
    }

    private mutating func grow() {
        let old = slots
        slots = [Slot](repeating: Slot(value: 0, count: 0), count: max(8, old.count * 2))
        shift = UInt64(64 - slots.count.trailingZeroBitCount)
        for slot in old where slot.count > 0 { slots[place(slot.value)] = slot }
    }
}
