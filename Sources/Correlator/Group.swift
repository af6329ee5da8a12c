// SPDX-License-Identifier: Apache-2.0
internal import Events

/// A firing of a group that may still grow or be revised.
struct OpenFiring {
    var id: String
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
    /// Hits for the next revision.
    var fresh: [HitBox] = []
    /// The count when it was last told; -1: never.
    var toldCount = -1
    /// The time of the first event since then.
    var untoldSince = Int64.min
    var isApproximate = false
    var isWithdrawn = false

    /// Whether anything of it was not told yet.
    var isUntold: Bool { count != toldCount }
}

/// What a rule knows about one group.
struct Group {
    var key: [UInt8] = []
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

    /// How many events are kept.
    var kept: Int { entries.count - head }

    /// Forgets events at or before `time`, which nothing needs any more.
    mutating func release(through time: Int64) {
        while head < low, entries[head].time <= time {
            entries[head].hit = nil
            head += 1
        }
        if head > 32, head * 2 > entries.count { compact() }
    }

    /// Forgets all events.
    mutating func forgetAll() {
        entries = []
        (head, low, judged) = (0, 0, 0)
    }

    mutating func compact() {
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
