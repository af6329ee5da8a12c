// SPDX-License-Identifier: Apache-2.0
internal import Events

/// What a rule knows about one group.
struct Group {
    var key: String = ""
    var values: [(field: String, value: String)] = []
    /// The source that made it, which its eviction is charged to.
    var source = 0
    /// Tells a reused place from the group that a timer meant.
    var serial = 0
    /// The events of the window, oldest first, from `head` on.
    var window: [WindowEvent] = []
    var head = 0
    /// The time of its latest event.
    var lastSeen = Int64.min
    /// The firing that is open, with the time at which it closes.
    var open: Firing?
    var openUntil = Int64.min
    /// What the open firing was made of.
    var openNeeds = JournalNeeds()
    /// Where the firing stands in the answer being made, and which answer that is.
    var answer = (place: 0, call: -1)
    /// How many hits the open firing has handed on.
    var handedOn = 0
    /// Whether absence may fire.
    var isArmed = false
    /// The time of the run in which events were added last.
    var touched = Int64.min
    /// How many events of that run there are, hits among them.
    var fresh: [WindowEvent] = []

    var count: Int { window.count - head }

    /// Drops events at or before `time`.
    mutating func expire(through time: Int64) {
        while head < window.count, window[head].time <= time { head += 1 }
        if head > 32, head * 2 > window.count {
            window.removeFirst(head)
            head = 0
        }
    }
}

/// The groups of one rule, bounded, with two orders of last use: over all and by source.
struct GroupTable {
    /// Doubly linked lists over the places of an array: one order of last use each.
    private struct Order {
        var previous: [Int] = []
        var next: [Int] = []
        var list: [Int] = []
        var heads: [Int: Int] = [:]
        var tails: [Int: Int] = [:]

        mutating func append(_ place: Int, to list: Int) {
            while previous.count <= place {
                previous.append(-1)
                next.append(-1)
                self.list.append(-1)
            }
            let tail = tails[list] ?? -1
            previous[place] = tail
            next[place] = -1
            self.list[place] = list
            if tail >= 0 { next[tail] = place } else { heads[list] = place }
            tails[list] = place
        }

        mutating func remove(_ place: Int) {
            let list = self.list[place]
            let (before, after) = (previous[place], next[place])
            if before >= 0 { next[before] = after } else { heads[list] = after >= 0 ? after : nil }
            if after >= 0 { previous[after] = before } else { tails[list] = before >= 0 ? before : nil }
        }
    }

    var groups: [Group] = []
    private var places: [String: Int] = [:]
    private var free: [Int] = []
    private var serial = 0
    private var all = Order()
    private var bySource = Order()
    private var counts: [Int: Int] = [:]

    var count: Int { places.count }

    func place(of key: String) -> Int? { places[key] }

    /// Moves a group to the end of both orders.
    mutating func use(_ place: Int) {
        all.remove(place)
        all.append(place, to: 0)
        bySource.remove(place)
        bySource.append(place, to: groups[place].source)
    }

    /// Makes a group; the caller has made room.
    mutating func insert(_ key: String, _ values: [(field: String, value: String)], source: Int) -> Int {
        serial += 1
        let group = Group(key: key, values: values, source: source, serial: serial)
        let place: Int
        if let old = free.popLast() {
            place = old
            groups[place] = group
        } else {
            place = groups.count
            groups.append(group)
        }
        places[key] = place
        counts[source, default: 0] += 1
        all.append(place, to: 0)
        bySource.append(place, to: source)
        return place
    }

    mutating func remove(_ place: Int) {
        let group = groups[place]
        places[group.key] = nil
        let left = (counts[group.source] ?? 1) - 1
        counts[group.source] = left > 0 ? left : nil
        all.remove(place)
        bySource.remove(place)
        groups[place] = Group()
        free.append(place)
    }

    /// The group that a new one of `source` must push out, or nil when there is room: a source above its own limit
    /// pushes out its own stalest, the table above its limit that of the source with the most.
    func victim(for source: Int, limit: Int, sourceLimit: Int) -> Int? {
        if counts[source] ?? 0 >= sourceLimit { return bySource.heads[source] }
        guard count >= limit else { return nil }
        let greatest = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
        return greatest.flatMap { bySource.heads[$0] }
    }

    /// The stalest group.
    var stalest: Int? { all.heads[0] }
}
