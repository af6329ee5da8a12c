// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The groups of one rule, bounded, with two orders of last use: over all and by source.
struct GroupTable {
    private struct Ends {
        var oldest: Int32 = -1
        var newest: Int32 = -1
        var count = 0
    }

    var groups: [Group] = []
    private var index = KeyIndex()
    private var free: [Int32] = []
    private var serial: UInt32 = 0
    private var all = Ends()
    private var sources: [Ends] = []
    /// The source with the most groups, as far as that was looked for.
    private var greatest = 0
    private var evictions = 0
    /// The stalest group whose hits were not let go; those before it have none.
    private var uncut: Int32 = -1

    var count: Int { all.count }

    /// The stalest group.
    var stalest: Int? { all.oldest >= 0 ? Int(all.oldest) : nil }

    /// The place of a group, by its key and the key's hash.
    func place(of key: RawSpan, hash: UInt64) -> Int? {
        let tag = KeyIndex.tag(hash)
        var slot = Int(tag)
        while let place = index.next(tag, from: &slot) {
            if groups[place].isKey(key) { return place }
        }
        return nil
    }

    /// The group that was used next after another.
    func newer(than place: Int) -> Int? {
        let next = groups[place].links.newer
        return next >= 0 ? Int(next) : nil
    }

    /// The places of all groups, the stalest first.
    var inOrder: [Int] {
        var order: [Int] = []
        var place = all.oldest
        while place >= 0 {
            order.append(Int(place))
            place = groups[Int(place)].links.newer
        }
        return order
    }

    /// Lets the hits of all groups go, before the table goes.
    mutating func releaseHits(_ held: inout HeldHits) {
        for place in groups.indices { groups[place].releaseHits(&held) }
    }

    /// Moves a group to the end of both orders.
    mutating func use(_ place: Int) {
        if all.newest != Int32(place) {
            unlinkFromAll(place)
            linkToAll(place)
        }
        let source = Int(groups[place].source)
        if sources[source].newest != Int32(place) {
            unlinkFromSource(place)
            linkToSource(place)
        }
    }

    /// Makes a group; the caller has made room.
    mutating func insert(_ key: [UInt8], hash: UInt64, source: Int) -> Int {
        serial &+= 1
        var group = Group()
        group.key = key
        group.tag = KeyIndex.tag(hash)
        group.source = Int32(source)
        group.serial = serial
        let place: Int
        if let old = free.popLast() {
            place = Int(old)
            groups[place] = group
        } else {
            place = groups.count
            groups.append(group)
        }
        index.insert(KeyIndex.tag(hash), place: place)
        while sources.count <= source { sources.append(Ends()) }
        linkToAll(place)
        linkToSource(place)
        if sources[source].count > sources[greatest].count { greatest = source }
        return place
    }

    mutating func remove(_ place: Int, _ held: inout HeldHits) {
        unlinkFromAll(place)
        unlinkFromSource(place)
        index.remove(groups[place].tag, place: place)
        groups[place].releaseHits(&held)
        groups[place] = Group()
        free.append(Int32(place))
    }

    /// The group that a new one of `source` must push out, or nil when there is room: a source above its own limit
    /// pushes out its own stalest, the table above its limit that of the source with the most.
    mutating func victim(for source: Int, limit: Int, sourceLimit: Int) -> Int? {
        if source < sources.count, sources[source].count >= sourceLimit { return Int(sources[source].oldest) }
        guard count >= limit else { return nil }
        evictions += 1
        if evictions % 1_024 == 1 {
            greatest = sources.indices.max { (sources[$0].count, $1) < (sources[$1].count, $0) } ?? 0
        }
        let place = sources[greatest].oldest
        return Int(place >= 0 ? place : all.oldest)
    }

    /// When the stalest group that may hold hits was seen last; nil when there is none whose hits may go.
    mutating func nextToCut() -> Int64? {
        if uncut < 0 { uncut = all.oldest }
        guard uncut >= 0, groups[Int(uncut)].links.newer >= 0 else { return nil }
        return groups[Int(uncut)].lastSeen
    }

    /// Lets the hits of the stalest group go that holds any; false when there is none.
    mutating func cutStalest(_ held: inout HeldHits) -> Bool {
        if uncut < 0 { uncut = all.oldest }
        while uncut >= 0 {
            let place = Int(uncut)
            // The group used last is about to be judged: its hits stay.
            guard groups[place].links.newer >= 0 else { return false }
            uncut = groups[place].links.newer
            if groups[place].cutHits(&held) { return true }
        }
        return false
    }

    // MARK: Links

    private mutating func linkToAll(_ place: Int) {
        groups[place].links.older = all.newest
        groups[place].links.newer = -1
        if all.newest >= 0 { groups[Int(all.newest)].links.newer = Int32(place) } else { all.oldest = Int32(place) }
        all.newest = Int32(place)
        all.count += 1
    }

    private mutating func unlinkFromAll(_ place: Int) {
        let (older, newer) = (groups[place].links.older, groups[place].links.newer)
        if uncut == Int32(place) { uncut = newer }
        if older >= 0 { groups[Int(older)].links.newer = newer } else { all.oldest = newer }
        if newer >= 0 { groups[Int(newer)].links.older = older } else { all.newest = older }
        all.count -= 1
    }

    private mutating func linkToSource(_ place: Int) {
        let source = Int(groups[place].source)
        let newest = sources[source].newest
        groups[place].links.olderOfSource = newest
        groups[place].links.newerOfSource = -1
        if newest >= 0 {
            groups[Int(newest)].links.newerOfSource = Int32(place)
        } else {
            sources[source].oldest = Int32(place)
        }
        sources[source].newest = Int32(place)
        sources[source].count += 1
    }

    private mutating func unlinkFromSource(_ place: Int) {
        let source = Int(groups[place].source)
        let (older, newer) = (groups[place].links.olderOfSource, groups[place].links.newerOfSource)
        if older >= 0 { groups[Int(older)].links.newerOfSource = newer } else { sources[source].oldest = newer }
        if newer >= 0 { groups[Int(newer)].links.olderOfSource = older } else { sources[source].newest = older }
        sources[source].count -= 1
    }
}
