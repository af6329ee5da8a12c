// SPDX-License-Identifier: Apache-2.0
internal import Events

/// What one call of the correlator brings about, and what it judges by.
struct Judgement {
    let options: Correlator.Options
    let lost: Correlator.Lost
    /// The firings and revisions to tell.
    var firings: [Firing] = []
    /// What correlations hand to those that they are a step of, in the order of the units.
    var derived: [Derived] = []
    var timers = TimerHeap()
    /// The hits that wait, or that groups and firings hold.
    var held = HeldHits()

    init(options: Correlator.Options, lost: Correlator.Lost) {
        self.options = options
        self.lost = lost
    }

    /// A correlation that was met, as an event for the next one; or one that a late event undid.
    struct Derived {
        /// The number of the unit that made it.
        var inner: Int
        var route: CorrelationPlan.Route
        var key: [UInt8]
        /// Its hit is held for it.
        var entry: WindowEntry
        var isUndone = false
    }
}

/// What correlations have handed on and is not judged yet, the earliest first; of one time in the order of coming.
struct DerivedQueue {
    /// The last is the next.
    private var items: [(item: Judgement.Derived, source: Int, number: Int)] = []
    private var isSorted = true
    private var number = 0

    /// The time of the next.
    var earliest: Int64? {
        mutating get {
            if !isSorted {
                items.sort { ($0.item.entry.time, $0.number) > ($1.item.entry.time, $1.number) }
                isSorted = true
            }
            return items.last?.item.entry.time
        }
    }

    mutating func add(_ item: Judgement.Derived, _ source: Int) {
        number += 1
        items.append((item, source, number))
        isSorted = false
    }

    /// Takes the next out, after ``earliest`` was asked for.
    mutating func removeFirst() -> (item: Judgement.Derived, source: Int)? {
        items.popLast().map { ($0.item, $0.source) }
    }

    /// Takes out what is taken back by `undone`.
    mutating func remove(_ undone: Judgement.Derived, _ held: inout HeldHits) {
        items.removeAll { other in
            let isUndone =
                other.item.entry.time == undone.entry.time && other.item.route.unit == undone.route.unit
                && other.item.route.referred == undone.route.referred && other.item.key == undone.key
            if isUndone { held.release(other.item.entry.hit) }
            return isUndone
        }
    }
}

/// Something to look at when event time has reached a moment.
struct CorrelationTimer {
    enum Kind: UInt8 {
        /// The end of a full window behind an event: absence.
        case window
        /// A firing that grew is told again.
        case tell
    }

    var time: Int64
    var unit: Int32
    var place: Int32
    var serial: UInt32
    var kind: Kind

    static func precedes(_ a: CorrelationTimer, _ b: CorrelationTimer) -> Bool {
        (a.time, a.unit, a.kind.rawValue, a.serial) < (b.time, b.unit, b.kind.rawValue, b.serial)
    }
}

/// Timers, the earliest on top.
struct TimerHeap {
    private var heap = BinaryHeap<CorrelationTimer>(precedes: CorrelationTimer.precedes)

    var all: [CorrelationTimer] { heap.items }

    var count: Int { heap.count }

    mutating func add(_ timer: CorrelationTimer) { heap.insert(timer) }

    /// Takes the earliest timer before `time` out.
    mutating func next(before time: Int64) -> CorrelationTimer? {
        guard let first = heap.first, first.time < time else { return nil }
        return heap.removeFirst()
    }
}

/// A binary heap with the first item of an order on top.
struct BinaryHeap<Item> {
    private(set) var items: [Item] = []
    private let precedes: (Item, Item) -> Bool

    init(precedes: @escaping (Item, Item) -> Bool) { self.precedes = precedes }

    var first: Item? { items.first }
    var count: Int { items.count }

    mutating func insert(_ item: Item) {
        items.append(item)
        var child = items.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard precedes(items[child], items[parent]) else { break }
            items.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() -> Item? {
        guard items.count > 1 else { return items.popLast() }
        items.swapAt(0, items.count - 1)
        let first = items.popLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < items.count {
                if precedes(items[child], items[least]) { least = child }
            }
            guard least != parent else { break }
            items.swapAt(parent, least)
            parent = least
        }
        return first
    }
}
