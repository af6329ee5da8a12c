// SPDX-License-Identifier: Apache-2.0

/// The hits that a correlator holds: those that wait, and the evidence of windows and open firings, each once however many
/// hold it, with what they take in all.
///
/// Holders keep a number. Windows are plain numbers then, which are moved and let go without a look at each.
struct HeldHits {
    /// The number of no hit.
    static let none = UInt32.max

    private struct Slot {
        var hit: PreparedHit?
        var holders: Int32
    }

    private var slots: [Slot] = []
    private var free: [UInt32] = []
    /// About how many bytes they take.
    private(set) var bytes = 0

    /// One more than the greatest number.
    var capacity: Int { slots.count }

    /// How many there are.
    var count: Int { slots.count - free.count }

    /// Takes a hit in, for one holder.
    mutating func insert(_ hit: PreparedHit) -> UInt32 {
        bytes += hit.cost
        if let number = free.popLast() {
            slots[Int(number)] = Slot(hit: hit, holders: 1)
            return number
        }
        slots.append(Slot(hit: hit, holders: 1))
        return UInt32(slots.count - 1)
    }

    /// Another holder of a hit.
    mutating func hold(_ number: UInt32) {
        if number != HeldHits.none { slots[Int(number)].holders += 1 }
    }

    /// One holder less; the last one lets the hit go.
    mutating func release(_ number: UInt32) {
        guard number != HeldHits.none else { return }
        let place = Int(number)
        slots[place].holders -= 1
        guard slots[place].holders <= 0 else { return }
        precondition(slots[place].holders == 0, "a hit is let go once")
        bytes -= slots[place].hit?.cost ?? 0
        slots[place].hit = nil
        free.append(number)
    }

    /// The hit of a number that somebody holds.
    subscript(number: UInt32) -> PreparedHit? { number == HeldHits.none ? nil : slots[Int(number)].hit }
}
