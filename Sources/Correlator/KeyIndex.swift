// SPDX-License-Identifier: Apache-2.0

/// Where the groups of keys are: a flat table with open addressing, each slot the tag of a key's hash and a place.
///
/// Whoever asks compares the key itself; the tag spares nearly all comparisons that would fail.
struct KeyIndex {
    /// Tag in the upper half, place plus one in the lower; nought: empty.
    private var slots: [UInt64] = []
    private var count = 0

    /// What of a key's hash is kept.
    static func tag(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash >> 32) }

    /// The next place of a key of `tag`, from a slot on that is moved behind it; the first look begins at `tag` itself.
    func next(_ tag: UInt32, from slot: inout Int) -> Int? {
        guard count > 0 else { return nil }
        let mask = slots.count - 1
        while true {
            let known = slots[slot & mask]
            guard known != 0 else { return nil }
            slot = (slot + 1) & mask
            if UInt32(truncatingIfNeeded: known >> 32) == tag { return Int(known & 0xffff_ffff) - 1 }
        }
    }

    /// Adds a key that is not in.
    mutating func insert(_ tag: UInt32, place: Int) {
        if (count + 1) * 8 > slots.count * 5 { grow() }
        put(UInt64(tag) << 32 | UInt64(place + 1))
        count += 1
    }

    /// Takes the key of a place out. The keys behind it that it had pushed on move up.
    mutating func remove(_ tag: UInt32, place: Int) {
        guard count > 0 else { return }
        let mask = slots.count - 1
        let slot = UInt64(tag) << 32 | UInt64(place + 1)
        var hole = Int(tag) & mask
        while slots[hole] != slot {
            guard slots[hole] != 0 else { return }
            hole = (hole + 1) & mask
        }
        var index = (hole + 1) & mask
        while slots[index] != 0 {
            let home = Int(slots[index] >> 32) & mask
            if (index - home) & mask >= (index - hole) & mask {
                slots[hole] = slots[index]
                hole = index
            }
            index = (index + 1) & mask
        }
        slots[hole] = 0
        count -= 1
    }

    private mutating func put(_ slot: UInt64) {
        let mask = slots.count - 1
        var index = Int(slot >> 32) & mask
        while slots[index] != 0 { index = (index + 1) & mask }
        slots[index] = slot
    }

    private mutating func grow() {
        let old = slots
        slots = [UInt64](repeating: 0, count: max(64, old.count * 2))
        for slot in old where slot != 0 { put(slot) }
    }
}
