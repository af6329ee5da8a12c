// SPDX-License-Identifier: Apache-2.0

/// A hit that waits for the watermark.
struct PendingHit {
    /// The time it is ordered by.
    var time: Int64
    var box: HitBox
    /// The number of its source.
    var source: Int

    /// Time, then content: never the order of arrival.
    static func precedes(_ a: PendingHit, _ b: PendingHit) -> Bool {
        if a.time != b.time { return a.time < b.time }
        let (first, second) = (a.box.prepared, b.box.prepared)
        return (first.identity, first.content) < (second.identity, second.content)
    }
}

/// The reorder buffer: what comes in order waits in a line, what has been overtaken in a heap beside it.
struct PendingHits {
    private var line: [PendingHit] = []
    private var head = 0
    private var heap = BinaryHeap<PendingHit>(precedes: PendingHit.precedes)

    var count: Int { line.count - head + heap.count }
    var all: [PendingHit] { (line[head...] + heap.items).sorted(by: PendingHit.precedes) }

    /// The time of the earliest hit.
    var earliest: Int64? {
        let first = head < line.count ? line[head].time : nil
        guard let other = heap.first?.time else { return first }
        return first.map { min($0, other) } ?? other
    }

    mutating func insert(_ hit: PendingHit) {
        if let last = line.last, head < line.count, PendingHit.precedes(hit, last) {
            heap.insert(hit)
        } else {
            line.append(hit)
        }
    }

    mutating func removeFirst() -> PendingHit? {
        guard head < line.count else { return heap.removeFirst() }
        if let other = heap.first, PendingHit.precedes(other, line[head]) { return heap.removeFirst() }
        let first = line[head]
        head += 1
        if head == line.count {
            line.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 1_024, head * 2 > line.count {
            line.removeFirst(head)
            head = 0
        }
        return first
    }
}
