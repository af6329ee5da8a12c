// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Instruments
internal import Sigma

/// Events that come after the time they belong to was judged: what was decided is decided anew, and firings are revised.
extension CorrelationUnit {
    /// Takes in an event at or before the time of the last judgement of its group.
    mutating func insert(_ entry: WindowEntry, into place: Int, _ out: inout Judgement) {
        late.add()
        table.groups[place].lastSeen = max(table.groups[place].lastSeen, entry.time)
        guard plan.kind != nil else {
            join(entry, place, &out)
            return
        }
        guard !isTooLate(entry.time, place, out) else {
            if !entry.isDerived { out.lost.late.add() }
            return
        }
        let known = bound(place, entry)
        if entry.isDerived, known < table.groups[place].judged, same(table.groups[place].entries[known], entry) {
            return
        }
        table.groups[place].entries.insert(entry, at: known)
        out.held.hold(entry.hit)
        table.groups[place].judged += 1
        bound(place, &out)
        if plan.isAbsence {
            reviseAbsence(entry, place, &out)
        } else {
            rejudge(place, from: entry.time, entry.hit, &out)
        }
    }

    /// Takes out what an inner correlation has taken back.
    mutating func remove(_ entry: WindowEntry, from place: Int, _ out: inout Judgement) {
        guard !isTooLate(entry.time, place, out) else { return }
        let known = bound(place, entry)
        guard known < table.groups[place].judged, same(table.groups[place].entries[known], entry) else { return }
        out.held.release(table.groups[place].entries.remove(at: known).hit)
        table.groups[place].judged -= 1
        rejudge(place, from: entry.time, HeldHits.none, &out)
    }

    private func isTooLate(_ time: Int64, _ place: Int, _ out: Judgement) -> Bool {
        time <= table.groups[place].judgedAt.subtractingClamped(out.options.lateness.multipliedClamped(by: 1_000_000))
    }

    private func same(_ a: WindowEntry, _ b: WindowEntry) -> Bool {
        a.isDerived && b.isDerived && a.time == b.time && a.step == b.step && a.identity == b.identity
    }

    /// Where an event belongs among those that were judged.
    private func bound(_ place: Int, _ entry: WindowEntry) -> Int {
        var (low, high) = (table.groups[place].head, table.groups[place].judged)
        while low < high {
            let middle = (low + high) / 2
            if WindowEntry.precedes(table.groups[place].entries[middle], entry) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    /// The first judged event behind `time`.
    private func behind(_ place: Int, _ time: Int64) -> Int {
        var (low, high) = (table.groups[place].head, table.groups[place].judged)
        while low < high {
            let middle = (low + high) / 2
            if table.groups[place].entries[middle].time <= time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    // MARK: Detections that alert on their own

    /// Such a rule must not lose an alert: the event joins the firing it is near to, or makes one.
    private mutating func join(_ entry: WindowEntry, _ place: Int, _ out: inout Judgement) {
        let near = table.groups[place].firings.firstIndex {
            entry.time >= $0.first.subtractingClamped(plan.timespan) && entry.time < $0.openUntil
        }
        if let near {
            table.groups[place].firings[near].count += 1
            table.groups[place].firings[near].first = min(table.groups[place].firings[near].first, entry.time)
            table.groups[place].firings[near].last = max(table.groups[place].firings[near].last, entry.time)
            if entry.hasHit { keep(entry.hit, place, near, &out) }
            grown(place, near, &out)
            return
        }
        var firing = OpenFiring(
            id: ContentHash.firing(plan, table.groups[place].key, entry, entry), revision: 0, time: entry.time,
            first: entry.time, last: entry.time, count: 1, openUntil: entry.time.addingClamped(plan.timespan))
        if entry.hasHit {
            firing.fresh = [entry.hit]
            out.held.hold(entry.hit)
        }
        let index = table.groups[place].firings.firstIndex { $0.time > entry.time } ?? table.groups[place].firings.count
        table.groups[place].firings.insert(firing, at: index)
        fired.add()
        tell(place, index, &out)
        boundFirings(place, &out)
    }

    // MARK: Windows

    /// Judges the events from `time` on anew, and revises what was fired. `hit` is what is new.
    private mutating func rejudge(_ place: Int, from time: Int64, _ hit: UInt32, _ out: inout Judgement) {
        let limit = table.groups[place].judged
        let old = table.groups[place].firings.filter { $0.time >= time }
        table.groups[place].firings.removeAll { $0.time >= time }
        let kept = table.groups[place].firings.count
        var resume = time
        if let last = table.groups[place].firings.last, time < last.openUntil {
            resume = last.openUntil
            recount(place, kept - 1, hit, &out)
        }
        let begin = plan.chains.isEmpty ? resume : time
        rebuild(place, at: begin)
        var index = table.groups[place].judged
        while index < limit {
            let now = table.groups[place].entries[index].time
            var end = index + 1
            while end < limit, table.groups[place].entries[end].time == now { end += 1 }
            table.groups[place].slide(behind: table.groups[place].start(now, plan))
            if let tally = table.groups[place].tally {
                for fresh in index..<end { tally.add(table.groups[place].entries[fresh]) }
            }
            table.groups[place].judged = end
            decideAnew(place, at: now, index..<end, from: resume, kept, &out)
            index = end
        }
        compare(old, place, kept, hit, &out)
    }

    /// Begins the window anew as it stood before the events of `time`.
    mutating func rebuild(_ place: Int, at time: Int64) {
        table.groups[place].tally?.reset()
        let start =
            plan.refire == .reset
            ? max(
                time.subtractingClamped(plan.timespan),
                table.groups[place].firings.last { !$0.isWithdrawn }?.time ?? Int64.min)
            : time.subtractingClamped(plan.timespan)
        let low = behind(place, start)
        let index = behind(place, time.subtractingClamped(1))
        if let tally = table.groups[place].tally, low < index {
            for known in low..<index { tally.add(table.groups[place].entries[known]) }
        }
        table.groups[place].low = min(low, max(low, index))
        table.groups[place].judged = max(low, index)
    }

    /// The firing that an event joined, or left, counts what is in it once more.
    private mutating func recount(_ place: Int, _ firing: Int, _ hit: UInt32, _ out: inout Judgement) {
        let known = table.groups[place].firings[firing]
        let start = known.time.subtractingClamped(plan.timespan)
        let range =
            behind(place, start)..<max(behind(place, start), behind(place, known.openUntil.subtractingClamped(1)))
        // A window that reset once began later; what it holds since then is counted.
        guard let first = range.first, let last = range.last else { return }
        table.groups[place].firings[firing].count = range.count
        table.groups[place].firings[firing].first = table.groups[place].entries[first].time
        table.groups[place].firings[firing].last = table.groups[place].entries[last].time
        if hit != HeldHits.none {
            table.groups[place].firings[firing].fresh.append(hit)
            out.held.hold(hit)
        }
        revise(place, firing, &out)
    }

    private mutating func decideAnew(
        _ place: Int, at time: Int64, _ fresh: Range<Int>, from resume: Int64, _ kept: Int, _ out: inout Judgement
    ) {
        let met = table.groups[place].isMet(time, plan)
        if met {
            derive(place, time, &out)
        } else if !plan.isMonotone {
            derive(place, time, isUndone: true, &out)
        }
        guard plan.standsAlone, time >= resume else { return }
        let last = table.groups[place].firings.count - 1
        if last >= kept, time < table.groups[place].firings[last].openUntil {
            table.groups[place].firings[last].count += fresh.count
            table.groups[place].firings[last].last = time
            for index in fresh {
                let hit = table.groups[place].entries[index].hit
                if hit != HeldHits.none {
                    table.groups[place].firings[last].fresh.append(hit)
                    out.held.hold(hit)
                }
            }
        } else if met, let firing = make(place, at: time, table.groups[place].low..<fresh.upperBound, &out.held) {
            table.groups[place].firings.append(firing)
        }
    }

    /// Gives the new firings the names of the old ones in their order, and tells what is different.
    private mutating func compare(
        _ old: [OpenFiring], _ place: Int, _ kept: Int, _ hit: UInt32, _ out: inout Judgement
    ) {
        for (index, before) in old.enumerated() {
            let now = kept + index
            guard now < table.groups[place].firings.count else {
                withdraw(before, place, &out)
                continue
            }
            let made = table.groups[place].firings[now]
            var firing = made
            firing.id = before.id
            firing.revision = before.revision
            firing.handedOn = before.handedOn
            firing.toldCount = before.toldCount
            firing.untoldSince = before.untoldSince
            firing.omitted = before.omitted
            firing.fresh = before.fresh
            for fresh in made.fresh {
                if fresh == hit, !before.fresh.contains(fresh) {
                    firing.fresh.append(fresh)
                } else {
                    out.held.release(fresh)
                }
            }
            table.groups[place].firings[now] = firing
            if (made.time, made.first, made.last, made.count) != (before.time, before.first, before.last, before.count)
            {
                revise(place, now, &out)
            }
        }
        guard kept + old.count < table.groups[place].firings.count else { return }
        for firing in kept + old.count..<table.groups[place].firings.count {
            fired.add()
            var made = table.groups[place].firings.remove(at: firing)
            name(&made, place)
            table.groups[place].firings.insert(made, at: firing)
            tell(place, firing, &out)
        }
    }

    /// Tells a firing again, whatever of it has changed.
    private mutating func revise(_ place: Int, _ firing: Int, _ out: inout Judgement) {
        table.groups[place].firings[firing].toldCount = -1
        tell(place, firing, &out)
    }

    private mutating func withdraw(_ firing: OpenFiring, _ place: Int, _ out: inout Judgement) {
        withdrawn.add()
        var firing = firing
        firing.isWithdrawn = true
        firing.toldCount = -1
        firing.releaseHits(&out.held)
        table.groups[place].firings.append(firing)
        tell(place, table.groups[place].firings.count - 1, &out)
        table.groups[place].withdrawn.append((firing.id, firing.revision + 1, firing.time))
        table.groups[place].firings.removeLast()
    }

    // MARK: Absence

    /// A late event fills a window that was found too empty, and begins one of its own.
    private mutating func reviseAbsence(_ entry: WindowEntry, _ place: Int, _ out: inout Judgement) {
        let filled = table.groups[place].firings.indices.filter {
            let firing = table.groups[place].firings[$0]
            return entry.time > firing.time.subtractingClamped(plan.timespan) && entry.time <= firing.time
                && !holds(place, through: firing.time)
        }
        for index in filled.reversed() {
            let firing = table.groups[place].firings.remove(at: index)
            derive(place, firing.time, isUndone: true, &out)
            withdraw(firing, place, &out)
            table.groups[place].isArmed = true
        }
        let end = entry.time.addingClamped(plan.timespan)
        if end > table.groups[place].judgedAt || (!filled.isEmpty && table.groups[place].isArmed) {
            let isArmed = table.groups[place].isArmed
            watch(place, behind: entry.time, &out)
            table.groups[place].isArmed = isArmed || end > table.groups[place].judgedAt
        }
        rebuild(place, at: table.groups[place].judgedAt.addingClamped(1))
        table.groups[place].judged = table.groups[place].entries.count
    }

    /// Whether the full window that ends at `time` is as empty as the rule asks for.
    private func holds(_ place: Int, through time: Int64) -> Bool {
        let start = time.subtractingClamped(plan.timespan)
        let range = behind(place, start)..<max(behind(place, start), behind(place, time))
        guard plan.kind == .valueCount else { return plan.isMet(by: Double(range.count)) }
        return plan.isMet(by: Double(Set(range.map { table.groups[place].entries[$0].value }).count))
    }
}
