// SPDX-License-Identifier: Apache-2.0

/// A hit that waits for the watermark.
struct PendingHit {
    /// The time it is ordered by.
    var time: Int64
    /// What it is made of, and the same of its event.
    var identity: UInt64
    var content: UInt64
    /// Its number among ``HeldHits``.
    var hit: UInt32
    /// The number of its source.
    var source: Int32

    init(time: Int64, _ prepared: PreparedHit, number: UInt32, source: Int) {
        self.time = time
        identity = prepared.identity
        content = prepared.content
        hit = number
        self.source = Int32(truncatingIfNeeded: source)
    }

    /// Time, then content: never the order of arrival.
    static func precedes(_ a: PendingHit, _ b: PendingHit) -> Bool {
        if a.time != b.time { return a.time < b.time }
        return (a.identity, a.content) < (b.identity, b.content)
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
