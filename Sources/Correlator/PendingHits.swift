// SPDX-License-Identifier: Apache-2.0
internal import Events

/// A hit that waits for the watermark.
struct PendingHit {
    /// The time it is ordered by.
    var time: Int64
    /// What its content hashes to: orders equal times the same way on every run.
    var content: ContentHash
    var hit: Hit
    /// The number of its source.
    var source: Int

    /// Time, then content: never the order of arrival.
    static func precedes(_ first: PendingHit, _ second: PendingHit) -> Bool {
        first.time != second.time ? first.time < second.time : first.content < second.content
    }
}

/// The reorder buffer: a binary heap with the earliest hit on top.
struct PendingHits {
    private var heap: [PendingHit] = []

    var count: Int { heap.count }
    /// The time of the earliest hit.
    var earliest: Int64? { heap.first?.time }

    func forEach(_ body: (PendingHit) -> Void) { for hit in heap { body(hit) } }

    mutating func insert(_ hit: PendingHit) {
        heap.append(hit)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard PendingHit.precedes(heap[child], heap[parent]) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() -> PendingHit? {
        guard heap.count > 1 else { return heap.popLast() }
        heap.swapAt(0, heap.count - 1)
        let first = heap.popLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if PendingHit.precedes(heap[child], heap[least]) { least = child }
            }
            guard least != parent else { break }
            heap.swapAt(parent, least)
            parent = least
        }
        return first
    }
}
