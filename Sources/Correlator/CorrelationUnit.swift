// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Instruments
internal import Sigma
internal import Wire

/// One rule that fires, with what it knows of its groups.
struct CorrelationUnit {
    let plan: CorrelationPlan.Unit
    /// Its number among the units.
    let number: Int
    let late: Instrument
    let fired: Instrument
    let withdrawn: Instrument
    var table = GroupTable()
    /// What groups had that made room for others.
    var dormant = DormantEvents()

    init(_ plan: CorrelationPlan.Unit, number: Int, _ registry: Registry) {
        self.plan = plan
        self.number = number
        late = registry.counter(
            "penstock_correlation_late_events_total", ["rule": plan.rule.id],
            help: "Events that came after their windows were decided, by rule.")
        fired = registry.counter(
            "penstock_firings_total", ["rule": plan.rule.id], help: "Firings, without revisions, by rule.")
        withdrawn = registry.counter(
            "penstock_firings_withdrawn_total", ["rule": plan.rule.id],
            help: "Firings that a late event undid, by rule.")
    }

    /// The most events that a window holds: never fewer than the rule asks for.
    private func mostEntries(_ options: Correlator.Options) -> Int { max(options.maxWindow, plan.greatest + 1) }

    /// The group of a key, given with its hash; made, after making room, when there is none.
    mutating func group(_ key: RawSpan, hash: UInt64, source: Int, _ out: inout Judgement) -> Int {
        if let place = table.place(of: key, hash: hash) {
            table.use(place)
            return place
        }
        while let victim = table.victim(
            for: source, limit: out.options.maxGroups, sourceLimit: out.options.maxGroupsPerSource)
        {
            if !setAside(victim, &out) { out.lost.groups.add() }
            drop(victim, &out)
        }
        let place = table.insert(key.array, hash: hash, source: source)
        table.groups[place].tally = Tally.of(plan.correlation, exactLimit: out.options.exactValues)
        if dormant.count > 0 { wake(place) }
        return place
    }

    /// Removes a group; what its firings have not told yet is told.
    mutating func drop(_ place: Int, _ out: inout Judgement) {
        for firing in table.groups[place].firings.indices { tell(place, firing, &out) }
        table.remove(place, &out.held)
    }

    /// Adds an event behind those of its group, to be judged.
    mutating func append(_ entry: WindowEntry, to place: Int, _ out: inout Judgement) {
        if table.groups[place].append(entry, &out.held) > mostEntries(out.options) { dropOldest(place, &out) }
        table.groups[place].keepEvidence(ofLast: out.options.maxEvidence, &out.held)
        if plan.isAbsence { watch(place, behind: entry.time, &out) }
    }

    /// Lets the oldest event go when a window holds too many.
    mutating func bound(_ place: Int, _ out: inout Judgement) {
        if table.groups[place].kept > mostEntries(out.options) { dropOldest(place, &out) }
    }

    private mutating func dropOldest(_ place: Int, _ out: inout Judgement) {
        // What a rule asks for is in the window still; only what is counted in it becomes less.
        if plan.kind != .eventCount || !plan.isMonotone {
            out.lost.window.add()
            table.groups[place].isIncomplete = true
        }
        table.groups[place].dropFirst(&out.held)
    }

    /// Lets absence be looked at when a full window behind `time` is over. A group waits for one window at a time, the
    /// earliest; the next event's turn comes after it.
    mutating func watch(_ place: Int, behind time: Int64, _ out: inout Judgement) {
        table.groups[place].isArmed = true
        guard table.groups[place].watched == .min || time < table.groups[place].watched else { return }
        table.groups[place].watched = time
        out.timers.add(
            CorrelationTimer(
                time: time.addingClamped(plan.timespan), unit: Int32(number), place: Int32(place),
                serial: table.groups[place].serial, kind: .window))
    }

    // MARK: Judging

    /// Judges the events of one time, which stand behind those that were judged before.
    mutating func judge(_ place: Int, at time: Int64, _ out: inout Judgement) {
        let fresh = table.groups[place].admit(at: time, plan)
        decide(place, at: time, fresh, &out)
        settle(place, time, &out)
    }

    /// Decides at the events `fresh` of one time, which are in the window.
    private mutating func decide(_ place: Int, at time: Int64, _ fresh: Range<Int>, _ out: inout Judgement) {
        guard !plan.isAbsence else { return }
        let isGrowing = table.groups[place].isGrowing(at: time)
        // An open firing takes what comes; whether the criterion is still met is only of interest to a chain.
        guard !isGrowing || !plan.chains.isEmpty else {
            grow(place, fresh, &out)
            return
        }
        let met = table.groups[place].isMet(time, plan)
        if met { derive(place, time, &out) }
        guard plan.standsAlone else { return }
        if isGrowing { grow(place, fresh, &out) } else if met { fire(place, at: time, window(place, fresh), &out) }
    }

    /// The events that a firing is made of.
    private func window(_ place: Int, _ fresh: Range<Int>) -> Range<Int> {
        plan.kind == nil ? fresh : table.groups[place].low..<fresh.upperBound
    }

    /// Hands a correlation that is met to those that it is a step of.
    func derive(_ place: Int, _ time: Int64, isUndone: Bool = false, _ out: inout Judgement) {
        guard !plan.chains.isEmpty else { return }
        let group = table.groups[place]
        let last = group.entries[group.head..<group.judged].last { $0.time <= time }
        for route in plan.chains {
            out.held.hold(last?.hit ?? HeldHits.none)
            out.derived.append(
                Judgement.Derived(
                    inner: number, route: route, key: group.key,
                    entry: WindowEntry(
                        time: time, identity: ContentHash.fold(group.key.span.bytes), content: 0, value: 0,
                        hit: last?.hit ?? HeldHits.none, step: UInt16(route.referred), isDerived: true),
                    isUndone: isUndone))
        }
    }

    // MARK: Absence

    /// Looks at the full window that ends at `time`, which began behind an event.
    mutating func judgeAbsence(_ place: Int, at time: Int64, _ out: inout Judgement) {
        let begin = time.subtractingClamped(plan.timespan)
        // A timer that an earlier event has overtaken means nothing.
        guard table.groups[place].watched == begin else { return }
        table.groups[place].watched = .min
        let later = table.groups[place].entries[table.groups[place].head...].first { $0.time > begin }
        table.groups[place].slide(behind: table.groups[place].start(time, plan))
        defer { if let later { rewatch(place, behind: later.time, &out) } }
        guard table.groups[place].isArmed, table.groups[place].isMet(time, plan) else { return }
        table.groups[place].isArmed = false
        let start = time.subtractingClamped(plan.timespan)
        let group = table.groups[place]
        // The event that the window began behind gives the firing its context.
        var first = group.low
        while first > group.head, group.entries[first - 1].time >= start { first -= 1 }
        guard first < group.judged else { return }
        derive(place, time, &out)
        guard plan.standsAlone else { return }
        fire(place, at: time, first..<group.judged, &out, count: group.judged - group.low)
        settle(place, time, &out)
    }

    /// Waits for the next event's window; what has fired stays as it is.
    private mutating func rewatch(_ place: Int, behind time: Int64, _ out: inout Judgement) {
        let isArmed = table.groups[place].isArmed
        watch(place, behind: time, &out)
        table.groups[place].isArmed = isArmed
    }

    // MARK: Firing

    /// Fires for the events `range`.
    mutating func fire(
        _ place: Int, at time: Int64, _ range: Range<Int>, _ out: inout Judgement, count: Int? = nil
    ) {
        guard var firing = make(place, at: time, range, &out.held, count) else { return }
        name(&firing, place)
        fired.add()
        if firing.omitted > 0 { out.lost.evidence.add(firing.omitted) }
        table.groups[place].firings.append(firing)
        tell(place, table.groups[place].firings.count - 1, &out)
    }

    /// Makes sure that a new firing does not go under the name of another: one that an event has moved keeps its own.
    mutating func name(_ firing: inout OpenFiring, _ place: Int) {
        while true {
            if let known = table.groups[place].withdrawn.firstIndex(where: { $0.id == firing.id }) {
                firing.revision = table.groups[place].withdrawn.remove(at: known).revision
                return
            }
            guard table.groups[place].firings.contains(where: { $0.isNamed(like: firing) }) else { return }
            firing.id = SHA256.hex(Array(firing.id.utf8).span.bytes)
        }
    }

    /// A firing of the events `range`, not told yet.
    func make(
        _ place: Int, at time: Int64, _ range: Range<Int>, _ held: inout HeldHits, _ count: Int? = nil
    ) -> OpenFiring? {
        guard !range.isEmpty else { return nil }
        let entries = table.groups[place].entries
        let (first, last) = (entries[range.lowerBound], entries[range.upperBound - 1])
        var hits: [UInt32] = []
        var omitted = 0
        for index in range {
            let entry = entries[index]
            if entry.isCut { omitted += 1 }
            guard entry.hasHit, hits.last != entry.hit else { continue }
            if hits.isEmpty { hits.reserveCapacity(range.upperBound - index) }
            hits.append(entry.hit)
            held.hold(entry.hit)
        }
        let until = plan.refire == .once ? time.addingClamped(plan.timespan) : time
        return OpenFiring(
            id: ContentHash.firing(plan, table.groups[place].key, first, last), revision: 0, time: time,
            first: first.time, last: last.time, count: count ?? range.count, openUntil: until, omitted: omitted,
            fresh: hits, isApproximate: table.groups[place].tally?.isApproximate ?? false)
    }

    /// Adds events to the open firing. It is told again when it has doubled, and a while after.
    private mutating func grow(_ place: Int, _ fresh: Range<Int>, _ out: inout Judgement) {
        let firing = table.groups[place].firings.count - 1
        for index in fresh {
            let entry = table.groups[place].entries[index]
            table.groups[place].firings[firing].count += 1
            table.groups[place].firings[firing].last = max(table.groups[place].firings[firing].last, entry.time)
            table.groups[place].firings[firing].first = min(table.groups[place].firings[firing].first, entry.time)
            if entry.hasHit { keep(entry.hit, place, firing, &out) }
        }
        grown(place, firing, &out)
    }

    /// Keeps a hit for the next revision of a firing, as far as there is room.
    mutating func keep(_ hit: UInt32, _ place: Int, _ firing: Int, _ out: inout Judgement) {
        let held =
            table.groups[place].firings[firing].handedOn + table.groups[place].firings[firing].fresh.count
        if held < out.options.maxEvidence {
            table.groups[place].firings[firing].fresh.append(hit)
            out.held.hold(hit)
        } else {
            table.groups[place].firings[firing].omitted += 1
            out.lost.evidence.add()
        }
    }

    mutating func grown(_ place: Int, _ firing: Int, _ out: inout Judgement) {
        if table.groups[place].firings[firing].hasDoubled {
            tell(place, firing, &out)
        } else if table.groups[place].firings[firing].untoldSince == .min {
            // One timer, from the first event that is not told.
            let last = table.groups[place].firings[firing].last
            table.groups[place].firings[firing].untoldSince = last
            out.timers.add(
                CorrelationTimer(
                    time: last.addingClamped(out.options.tellInterval.multipliedClamped(by: 1_000_000)),
                    unit: Int32(number),
                    place: Int32(place), serial: table.groups[place].serial, kind: .tell))
        }
    }

    /// Tells the firings of a group that have waited long enough at `time`.
    mutating func tell(_ place: Int, untoldAt time: Int64, _ out: inout Judgement) {
        let interval = out.options.tellInterval.multipliedClamped(by: 1_000_000)
        for firing in table.groups[place].firings.indices {
            let since = table.groups[place].firings[firing].untoldSince
            if since != .min, since.addingClamped(interval) <= time { tell(place, firing, &out) }
        }
    }

    /// Tells a firing, or what is new of it.
    mutating func tell(_ place: Int, _ firing: Int, _ out: inout Judgement) {
        guard table.groups[place].firings[firing].isUntold else { return }
        table.groups[place].firings[firing].revision += 1
        let known = table.groups[place].firings[firing]
        let room = max(0, out.options.maxEvidence - known.handedOn)
        let hits = known.fresh.suffix(room).compactMap { out.held[$0]?.packed }
        let excess = known.fresh.count - hits.count
        if excess > 0 { out.lost.evidence.add(excess) }
        table.groups[place].firings[firing].omitted += excess
        table.groups[place].firings[firing].handedOn += hits.count
        table.groups[place].firings[firing].releaseHits(&out.held)
        table.groups[place].firings[firing].toldCount = known.count
        table.groups[place].firings[firing].untoldSince = .min
        var told = Firing(
            id: known.id, revision: known.revision, rule: plan.rule,
            group: GroupKey.values(table.groups[place].key, plan), time: known.time, first: known.first,
            last: known.last, count: known.isWithdrawn ? 0 : known.count, hits: [], omitted: known.omitted + excess)
        told.packedHits = hits
        told.isApproximate = known.isApproximate
        told.isIncomplete = table.groups[place].isIncomplete
        told.isWithdrawn = known.isWithdrawn
        out.firings.append(told)
    }

    /// Lets the oldest firings stay as they are, whatever comes late, when there are too many.
    mutating func boundFirings(_ place: Int, _ out: inout Judgement) {
        let excess = table.groups[place].firings.count - out.options.maxFirings
        if excess > 0 {
            for firing in 0..<excess {
                tell(place, firing, &out)
                table.groups[place].firings[firing].releaseHits(&out.held)
            }
            table.groups[place].firings.removeFirst(excess)
        }
        let undone = table.groups[place].withdrawn.count - out.options.maxFirings
        if undone > 0 { table.groups[place].withdrawn.removeFirst(undone) }
    }

    /// Forgets what no late event inside the allowed lateness can need.
    private mutating func settle(_ place: Int, _ time: Int64, _ out: inout Judgement) {
        let limit = time.subtractingClamped(out.options.lateness.multipliedClamped(by: 1_000_000))
        while table.groups[place].firings.count > 1, table.groups[place].firings[0].openUntil <= limit {
            tell(place, 0, &out)
            table.groups[place].firings[0].releaseHits(&out.held)
            table.groups[place].firings.removeFirst()
        }
        boundFirings(place, &out)
        if !table.groups[place].withdrawn.isEmpty { table.groups[place].withdrawn.removeAll { $0.time <= limit } }
        if plan.kind == nil {
            table.groups[place].forgetAll(&out.held)
        } else {
            table.groups[place].release(through: limit.subtractingClamped(plan.timespan), &out.held)
        }
    }
}

extension Int64 {
    func addingClamped(_ other: Int64) -> Int64 {
        let (sum, over) = addingReportingOverflow(other)
        return over ? (other < 0 ? Int64.min : Int64.max) : sum
    }

    func subtractingClamped(_ other: Int64) -> Int64 {
        let (difference, over) = subtractingReportingOverflow(other)
        return over ? (other < 0 ? Int64.max : Int64.min) : difference
    }
}
