// SPDX-License-Identifier: Apache-2.0

/// Which key followed which in the last key-value text of each mapping. A product writes its keys in one order, so the next
/// one is nearly always known: to compare it costs a fraction of a search for it among all names.
struct KeyOrder: ~Copyable {
    /// By mapping, which count from one: where its slots begin.
    private let firsts: [Int]
    /// By slot: the slot of the key that came next; its own where none did yet.
    private var next: [Int32]

    /// The order in the texts of `mappings`, of which nothing is known yet.
    init(_ mappings: [Mapping]) {
        var firsts: [Int] = []
        var next: [Int32] = []
        for mapping in mappings {
            firsts.append(next.count)
            next += mapping.slots.names.indices.map { Int32($0) }
        }
        self.firsts = firsts
        self.next = next
    }

    /// Where the slots of a mapping begin.
    func base(_ mapping: Mapping) -> Int { firsts[Int(mapping.number) - 1] }

    /// The slot of the key that is likely to come after the one of `slot`, of the mapping that begins at `base`.
    @inline(__always)
    func next(_ base: Int, after slot: SlotID) -> SlotID { Int(next[base &+ slot]) }

    /// Notes that the key of slot `next` came after the one of `slot`.
    mutating func note(_ base: Int, _ next: SlotID, after slot: SlotID) {
        if self.next[base &+ slot] != next { self.next[base &+ slot] = Int32(next) }
    }
}
