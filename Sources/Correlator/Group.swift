// SPDX-License-Identifier: Apache-2.0
internal import Sigma
internal import Wire

/// A firing of a group that may still grow or be revised.
struct OpenFiring {
    var id: String { didSet { mark = OpenFiring.mark(id) } }
    /// The beginning of its id: most ids differ in it.
    private var mark: UInt64
    var revision: Int
    /// The event time at which it fired.
    var time: Int64
    var first: Int64
    var last: Int64
    var count: Int
    /// The time from which on the group may fire anew.
    var openUntil: Int64
    /// Events of it that no revision carries, because of a bound.
    var omitted = 0
    /// How many hits its revisions have handed on.
    var handedOn = 0
    /// The numbers of hits for the next revision, which it holds.
    var fresh: [UInt32] = []
    /// The count when it was last told; -1: never.
    var toldCount = -1
    /// The time of the first event since then.
    var untoldSince = Int64.min
    var isApproximate = false
    var isWithdrawn = false

    /// Whether it has grown to twice what was told.
    var hasDoubled: Bool { count >= 2 * toldCount }

    /// Lets its hits go.
    mutating func releaseHits(_ held: inout HeldHits) {
        for hit in fresh { held.release(hit) }
        fresh = []
    }

    init(
        id: String, revision: Int, time: Int64, first: Int64, last: Int64, count: Int, openUntil: Int64,
        omitted: Int = 0, handedOn: Int = 0, fresh: [UInt32] = [], isApproximate: Bool = false
    ) {
        self.id = id
        mark = OpenFiring.mark(id)
        self.revision = revision
        self.time = time
        self.first = first
        self.last = last
        self.count = count
        self.openUntil = openUntil
        self.omitted = omitted
        self.handedOn = handedOn
        self.fresh = fresh
        self.isApproximate = isApproximate
    }

    private static func mark(_ id: String) -> UInt64 { id.utf8.prefix(16).reduce(0) { $0 &* 31 &+ UInt64($1) } }

    /// Whether another has the same id.
    func isNamed(like other: OpenFiring) -> Bool { mark == other.mark && id == other.id }

    /// Whether anything of it was not told yet.
    var isUntold: Bool { count != toldCount }
}

/// What a rule knows about one group.
struct Group {
    var key: [UInt8] = []
    /// Of the key's hash.
    var tag: UInt32 = 0
    /// The events that windows may still need, in order; those before `head` are gone.
    var entries: [WindowEntry] = []
    var head = 0
    /// The first event of the window of the last judgement.
    var low = 0
    /// How many events have been judged.
    var judged = 0
    /// The time of the last judgement.
    var judgedAt = Int64.min
    /// The time of its latest event, and of the latest receipt.
    var lastSeen = Int64.min
    var lastReceived = Int64.min
    /// What is measured; nil where the length of the window is.
    var tally: Tally?
    /// The firings that may still change, oldest first.
    var firings: [OpenFiring] = []
    /// The firings that late events undid: one that comes back goes on with its name and revision.
    var withdrawn: [(id: String, revision: Int, time: Int64)] = []
    /// The source that made it, which its eviction is charged to.
    var source: Int32 = 0
    /// Tells a reused place from the group that a timer meant.
    var serial: UInt32 = 0
    /// The event behind which a full window is waited for (absence); `.min`: none.
    var watched = Int64.min
    /// Whether absence may fire.
    var isArmed = false
    /// Whether an eviction took events of it.
    var isIncomplete = false
    /// Its neighbours in the orders of last use: over all, and of its source.
    var links = GroupLinks()

    /// Takes over what was read of it, with the place in its table that it has.
    mutating func fill(from other: Group, tally: Tally?) {
        let (own, tag, serial) = (links, tag, serial)
        self = other
        (links, self.tag, self.serial) = (own, tag, serial)
        self.tally = tally
        if let tally { for entry in entries[low..<judged] { tally.add(entry) } }
    }

    /// How many events are kept.
    var kept: Int { entries.count - head }

    /// Whether it is the group of a key.
    func isKey(_ other: RawSpan) -> Bool { key.span.bytes.equals(other) }

    /// Whether the youngest firing still takes events in at `time`.
    func isGrowing(at time: Int64) -> Bool { firings.last.map { !$0.isWithdrawn && time < $0.openUntil } ?? false }

    /// Whether the criterion of `plan` is met by the window of `time`. Changes nothing: what may change a group is called
    /// where the group is, all else with a copy of it.
    mutating func isMet(_ time: Int64, _ plan: CorrelationPlan.Unit) -> Bool {
        guard plan.kind != nil else { return true }
        guard let tally else { return plan.isMet(by: Double(judged - low)) }
        let start = start(time, plan)
        if let presence = plan.presence { return presence.holds { tally.occurs($0, behind: start) } }
        guard let measured = tally.measure(time, behind: start) else { return false }
        return plan.isMet(by: measured)
    }

    /// The time behind which the window of `time` begins.
    func start(_ time: Int64, _ plan: CorrelationPlan.Unit) -> Int64 {
        let start = time.subtractingClamped(plan.timespan)
        guard plan.refire == .reset, let last = firings.last(where: { !$0.isWithdrawn }) else { return start }
        return max(start, last.time)
    }

    // MARK: Taking events in

    /// How an event comes: the first of its time that is not judged, one more of it, or behind what was judged.
    enum Arrival {
        case first
        case next
        case late
    }

    /// Takes note of an event's receipt, and tells how it comes.
    mutating func arrival(of time: Int64, _ received: Int64) -> Arrival {
        lastReceived = max(lastReceived, received)
        guard time > judgedAt else { return .late }
        return judged == entries.count ? .first : .next
    }

    /// Adds an event, whose hit it holds from here on, behind the others.
    ///
    /// - Returns: how many events there are.
    mutating func append(_ entry: WindowEntry, _ held: inout HeldHits) -> Int {
        var entry = entry
        // A hit that matches two rules of a correlation counts twice, but is evidence once.
        if entries.count > head, entries[entries.count - 1].time == entry.time,
            entries[entries.count - 1].hit == entry.hit
        {
            entry.hit = HeldHits.none
        }
        held.hold(entry.hit)
        entries.append(entry)
        lastSeen = max(lastSeen, entry.time)
        return kept
    }

    /// Of a long window only the youngest events keep their evidence.
    mutating func keepEvidence(ofLast most: Int, _ held: inout HeldHits) {
        let index = entries.count - 1 - most
        if index >= head { cut(index, &held) }
    }

    /// Lets events leave the window that do not belong to the one that begins behind `start`.
    mutating func slide(behind start: Int64) {
        while low < judged, entries[low].time <= start {
            tally?.remove(entries[low])
            low += 1
        }
    }

    /// Puts the new events of one time into the window of that time.
    mutating func admit(at time: Int64, _ plan: CorrelationPlan.Unit) -> Range<Int> {
        let fresh = judged..<entries.count
        if fresh.count > 1 { entries[fresh].sort(by: WindowEntry.precedes) }
        slide(behind: start(time, plan))
        if let tally { for index in fresh { tally.add(entries[index]) } }
        judged = fresh.upperBound
        judgedAt = max(judgedAt, time)
        return fresh
    }

    // MARK: Letting go

    /// Lets the hit of an event go; the event counts on.
    private mutating func cut(_ index: Int, _ held: inout HeldHits) {
        guard entries[index].hasHit else { return }
        held.release(entries[index].hit)
        entries[index].hit = HeldHits.none
        entries[index].isCut = true
    }

    /// Lets the hits of all events go; false when there are none.
    mutating func cutHits(_ held: inout HeldHits) -> Bool {
        var found = false
        for index in head..<entries.count where entries[index].hasHit {
            cut(index, &held)
            found = true
        }
        return found
    }

    /// Lets all hits go, those of firings as well.
    mutating func releaseHits(_ held: inout HeldHits) {
        for index in head..<entries.count {
            held.release(entries[index].hit)
            entries[index].hit = HeldHits.none
        }
        for firing in firings.indices { firings[firing].releaseHits(&held) }
    }

    /// Forgets the oldest event.
    mutating func dropFirst(_ held: inout HeldHits) {
        if let tally, head >= low, head < judged { tally.remove(entries[head]) }
        held.release(entries[head].hit)
        entries[head].hit = HeldHits.none
        head += 1
        low = max(low, head)
        judged = max(judged, head)
        compactSome()
    }

    /// Forgets events at or before `time`, which nothing needs any more.
    mutating func release(through time: Int64, _ held: inout HeldHits) {
        guard head < low, entries[head].time <= time else { return }
        while head < low, entries[head].time <= time {
            held.release(entries[head].hit)
            entries[head].hit = HeldHits.none
            head += 1
        }
        compactSome()
    }

    /// Forgets all events.
    mutating func forgetAll(_ held: inout HeldHits) {
        for index in head..<entries.count { held.release(entries[index].hit) }
        entries = []
        (head, low, judged) = (0, 0, 0)
    }

    private mutating func compactSome() { if head > 32, head * 2 > entries.count { compact() } }

    private mutating func compact() {
        entries.removeFirst(head)
        low -= head
        judged -= head
        head = 0
    }
}

/// The places of a group's neighbours in two orders of last use.
struct GroupLinks {
    var older: Int32 = -1
    var newer: Int32 = -1
    var olderOfSource: Int32 = -1
    var newerOfSource: Int32 = -1
}
