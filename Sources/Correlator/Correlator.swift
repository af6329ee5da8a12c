// SPDX-License-Identifier: Apache-2.0
public import Events
public import Instruments
public import Sigma

/// Turns rule hits into firings, in event time: the object of one thread.
///
/// Hits wait until the watermark has passed them and are then judged in the order of their own times, so that the
/// firings do not depend on the order of arrival. Detection rules that alert on their own take the same way: their
/// repeated hits are folded into one firing per group and span.
public struct Correlator {
    private static let nanoseconds: Int64 = 1_000_000

    private let options: Options
    private var units: [CorrelationUnit] = []
    /// By detection rule: the units that its hits go to, with its number among the rules they refer to.
    private var routes: [String: [(unit: Int, referred: Int)]] = [:]
    private var pending = PendingHits()
    private var watermark: Watermark
    /// Everything at or before this has been judged.
    private var frontier = Int64.min
    private var sources: [String: Int] = [:]
    private var call = 0
    private var answer: [Firing] = []
    private let lost: Lost

    /// A correlator of the rules of `ruleSet`.
    public init(ruleSet: RuleSet, options: Options = Options(), registry: Registry) {
        self.options = options
        watermark = Watermark(
            bound: options.lateness * Correlator.nanoseconds, idleTimeout: options.idleTimeout * Correlator.nanoseconds)
        lost = Lost(registry)
        install(ruleSet, registry)
    }

    /// Goes over to the rules of `ruleSet`. Unchanged rules keep their state; that of the others is dropped.
    ///
    /// - Returns: the ids of the rules that lost state.
    @discardableResult
    public mutating func reload(_ ruleSet: RuleSet, registry: Registry) -> [String] {
        var old: [String: CorrelationUnit] = [:]
        for unit in units { old[unit.identity] = unit }
        units = []
        routes = [:]
        install(ruleSet, registry)
        for place in units.indices {
            guard let known = old.removeValue(forKey: units[place].identity) else { continue }
            units[place].table = known.table
            units[place].timers = known.timers
            units[place].firstTimer = known.firstTimer
        }
        return old.values.filter { $0.table.count > 0 }.map(\.rule.id).sorted()
    }

    private mutating func install(_ ruleSet: RuleSet, _ registry: Registry) {
        for correlation in ruleSet.correlations {
            for (referred, rule) in correlation.rules.enumerated() {
                routes[rule, default: []].append((units.count, referred))
            }
            let bases = correlation.rules.compactMap {
                ruleSet.place(of: $0).map { ruleSet.rules[$0].facts.contentHash }
            }
            units.append(CorrelationUnit(correlation, bases: bases, registry))
        }
        guard options.standalone else { return }
        for rule in ruleSet.rules where rule.standsAlone {
            routes[rule.id, default: []].append((units.count, 0))
            units.append(CorrelationUnit(rule, registry))
        }
    }

    /// The event time before which everything has been judged; nil before the first event.
    public var judgedThrough: Int64? { frontier == Int64.min ? nil : frontier }
    /// The lowest frame of each log of the journal that something undecided rests on: hits that wait, windows, and
    /// firings that still grow. A new start that reads the journal from there comes to the same firings.
    public var needs: [Int: UInt64] {
        var needs = JournalNeeds()
        pending.forEach { needs.add($0.hit.position) }
        for unit in units {
            for group in unit.table.groups where group.serial > 0 {
                for event in group.window[group.head...] { needs.add(event.position) }
                for event in group.fresh { needs.add(event.position) }
                if group.openUntil > frontier { needs.add(group.openNeeds) }
            }
        }
        return needs.lowest
    }
    /// How many hits wait.
    public var waiting: Int { pending.count }
    /// How many groups are kept.
    public var groupCount: Int { units.reduce(0) { $0 + $1.table.count } }

    /// Takes the hits of a partition (a lane), received up to `now`, and tells what fired.
    public mutating func accept(_ hits: [Hit], now: Int64, partition: Int) -> [Firing] {
        begin()
        for hit in hits {
            let time = orderTime(hit)
            watermark.observe(time, partition: partition, now: now)
            let entry = PendingHit(time: time, content: .order(of: hit), hit: hit, source: source(of: hit))
            if time > frontier { pending.insert(entry) } else { judgeLate(entry) }
        }
        judge(now: now)
        while pending.count > options.maxPending, let time = pending.earliest {
            // Order is given up, not events.
            lost.pending.add()
            judge(through: time, timersThrough: time)
        }
        return answer
    }

    /// Takes note that a partition's events have reached `time`, although none of them hit a rule.
    public mutating func observe(time: Int64, now: Int64, partition: Int) {
        watermark.observe(time, partition: partition, now: now)
    }

    /// Lets the receive clock reach `now` and tells what fired.
    public mutating func advance(now: Int64) -> [Firing] {
        begin()
        judge(now: now)
        return answer
    }

    /// Judges everything that waits: the end of the input. Absence is judged up to the last event's time, not beyond.
    public mutating func finish() -> [Firing] {
        begin()
        watermark.raise(to: watermark.highest)
        judge(through: Int64.max, timersThrough: watermark.highest)
        return answer
    }

    // MARK: Order

    private mutating func begin() {
        call += 1
        answer = []
    }

    private func orderTime(_ hit: Hit) -> Int64 {
        guard hit.received > 0 else { return hit.time }
        let (latest, over) = hit.received.addingReportingOverflow(options.futureTolerance * Correlator.nanoseconds)
        return over || hit.time <= latest ? hit.time : hit.received
    }

    /// The number of the sender; all beyond a bound share one.
    private mutating func source(of hit: Hit) -> Int {
        let name = hit.evidence.first.map { $0.peer.isEmpty ? $0.collector : $0.peer } ?? ""
        if let known = sources[name] { return known }
        guard sources.count < 10_000 else { return -1 }
        sources[name] = sources.count
        return sources.count - 1
    }

    private mutating func judge(now: Int64) {
        watermark.update(now: now)
        if watermark.current > frontier { judge(through: watermark.current, timersThrough: watermark.current) }
    }

    /// Judges all hits up to `time`, equal times together, and the ends of windows between them.
    private mutating func judge(through time: Int64, timersThrough timerLimit: Int64) {
        while let earliest = pending.earliest, earliest <= time {
            judgeTimers(before: earliest)
            var run: [PendingHit] = []
            while pending.earliest == earliest, let next = pending.removeFirst() { run.append(next) }
            judge(run, at: earliest)
            frontier = max(frontier, earliest)
        }
        if timerLimit < Int64.max { judgeTimers(before: timerLimit + 1) }
        if time < Int64.max { frontier = max(frontier, time) }
        forget(through: frontier)
    }

    // MARK: Judging

    /// Adds the events of one time to their groups, then judges each group once.
    private mutating func judge(_ run: [PendingHit], at time: Int64) {
        var touched: [(unit: Int, place: Int)] = []
        for entry in run {
            guard let document = document(entry) else { continue }
            for rule in entry.hit.rules {
                for route in routes[rule] ?? [] {
                    guard let values = units[route.unit].values(document, referred: route.referred) else { continue }
                    let place = group(route.unit, values, entry.source)
                    add(entry, to: place, of: route.unit, at: time)
                    if units[route.unit].table.groups[place].touched != time {
                        units[route.unit].table.groups[place].touched = time
                        touched.append((route.unit, place))
                    }
                }
            }
        }
        for (unit, place) in touched { judge(unit, place, at: time) }
    }

    private func document(_ entry: PendingHit) -> JSONDocument? {
        do { return try JSONDocument(entry.hit.event) } catch {
            lost.unreadable.add()
            return nil
        }
    }

    private mutating func group(_ unit: Int, _ values: [(field: String, value: String)], _ source: Int) -> Int {
        let key = CorrelationUnit.key(values)
        if let place = units[unit].table.place(of: key) {
            units[unit].table.use(place)
            return place
        }
        while let victim = units[unit].table.victim(
            for: source, limit: options.maxGroups, sourceLimit: options.maxGroupsPerSource)
        {
            lost.groups.add()
            units[unit].table.remove(victim)
        }
        return units[unit].table.insert(key, values, source: source)
    }

    private mutating func add(_ entry: PendingHit, to place: Int, of unit: Int, at time: Int64) {
        // A hit that matches two rules of a correlation counts twice, but is evidence once.
        let isRepeat =
            units[unit].table.groups[place].fresh.last?.content == entry.content
            && units[unit].table.groups[place].fresh.last?.hit?.uid == entry.hit.uid
        let event = WindowEvent(
            time: time, content: entry.content, hit: isRepeat ? nil : entry.hit, position: entry.hit.position)
        units[unit].table.groups[place].lastSeen = max(units[unit].table.groups[place].lastSeen, time)
        units[unit].table.groups[place].fresh.append(event)
        guard units[unit].correlation != nil else { return }
        units[unit].table.groups[place].window.append(event)
        if units[unit].table.groups[place].count > options.maxWindow {
            lost.window.add()
            units[unit].table.groups[place].head += 1
        }
        // Of a long window only the youngest events keep their evidence.
        let kept = units[unit].table.groups[place].window.count - 1 - options.maxEvidence
        if kept >= units[unit].table.groups[place].head { units[unit].table.groups[place].window[kept].hit = nil }
        if units[unit].isAbsence {
            units[unit].table.groups[place].isArmed = true
            units[unit].timers.append(
                .init(
                    time: time.addingClamped(units[unit].timespan), place: place,
                    serial: units[unit].table.groups[place].serial, event: event))
        }
    }

    private mutating func judge(_ unit: Int, _ place: Int, at time: Int64) {
        let timespan = units[unit].timespan
        let fresh = units[unit].table.groups[place].fresh
        units[unit].table.groups[place].fresh = []
        units[unit].table.groups[place].touched = Int64.min
        units[unit].table.groups[place].expire(through: time.subtractingClamped(timespan))
        guard !units[unit].isAbsence else { return }
        if time < units[unit].table.groups[place].openUntil {
            grow(unit, place, fresh)
            return
        }
        let group = units[unit].table.groups[place]
        if let correlation = units[unit].correlation {
            guard correlation.isMet(by: Double(group.count)) else { return }
            fire(unit, place, at: time, Array(group.window[group.head...]), count: group.count)
        } else {
            fire(unit, place, at: time, fresh, count: fresh.count)
        }
    }

    private mutating func fire(_ unit: Int, _ place: Int, at time: Int64, _ events: [WindowEvent], count: Int) {
        guard let first = events.first, let last = events.last else { return }
        let rule = units[unit].rule
        let values = units[unit].table.groups[place].values
        let hits = events.compactMap(\.hit)
        let kept = Array(hits.suffix(max(1, options.maxEvidence)))
        let omitted = max(0, events.count - kept.count)
        if omitted > 0 { lost.evidence.add(omitted) }
        let firing = Firing(
            id: ContentHash.firing(rule, values, first), revision: 1, rule: rule, group: values, time: time,
            first: first.time, last: last.time, count: count, hits: kept, omitted: omitted)
        units[unit].fired.add()
        units[unit].table.groups[place].answer = (answer.count, call)
        answer.append(firing)
        units[unit].table.groups[place].openUntil = time.addingClamped(units[unit].timespan)
        units[unit].table.groups[place].openNeeds = JournalNeeds(events)
        units[unit].table.groups[place].handedOn = kept.count
        var open = firing
        open.hits = []
        units[unit].table.groups[place].open = open
    }

    /// Adds events to the open firing; within one call all growth of a firing is one revision.
    private mutating func grow(_ unit: Int, _ place: Int, _ events: [WindowEvent]) {
        guard var open = units[unit].table.groups[place].open, !events.isEmpty else { return }
        let room = max(0, options.maxEvidence - units[unit].table.groups[place].handedOn)
        let hits = Array(events.compactMap(\.hit).prefix(room))
        let omitted = events.count - hits.count
        if omitted > 0 { lost.evidence.add(omitted) }
        open.count += events.count
        open.omitted += omitted
        for event in events {
            open.first = min(open.first, event.time)
            open.last = max(open.last, event.time)
        }
        units[unit].table.groups[place].handedOn += hits.count
        // An event of a later time may stand earlier in the journal.
        units[unit].table.groups[place].openNeeds.add(JournalNeeds(events))
        let known = units[unit].table.groups[place].answer
        if known.call == call {
            let given = answer[known.place].hits
            answer[known.place] = open
            answer[known.place].hits = given + hits
        } else {
            open.revision += 1
            units[unit].table.groups[place].answer = (answer.count, call)
            answer.append(open)
            answer[answer.count - 1].hits = hits
        }
        units[unit].table.groups[place].open = open
    }

    /// A hit behind the frontier: its windows are decided. A rule that alerts on its own still must not lose it.
    private mutating func judgeLate(_ entry: PendingHit) {
        guard let document = document(entry) else { return }
        for rule in entry.hit.rules {
            for route in routes[rule] ?? [] {
                units[route.unit].late.add()
                guard units[route.unit].correlation == nil else {
                    lost.late.add()
                    continue
                }
                guard let values = units[route.unit].values(document, referred: 0) else { continue }
                let place = group(route.unit, values, entry.source)
                let event = WindowEvent(
                    time: entry.time, content: entry.content, hit: entry.hit, position: entry.hit.position)
                if units[route.unit].table.groups[place].open != nil {
                    grow(route.unit, place, [event])
                } else {
                    units[route.unit].table.groups[place].lastSeen = frontier
                    fire(route.unit, place, at: entry.time, [event], count: 1)
                }
            }
        }
    }

    // MARK: Absence and forgetting

    /// Looks at the full windows that ended before `time`.
    private mutating func judgeTimers(before time: Int64) {
        for unit in units.indices where units[unit].isAbsence {
            while units[unit].firstTimer < units[unit].timers.count {
                let timer = units[unit].timers[units[unit].firstTimer]
                guard timer.time < time else { break }
                units[unit].firstTimer += 1
                judge(timer, unit)
            }
            if units[unit].firstTimer > 1_024 {
                units[unit].timers.removeFirst(units[unit].firstTimer)
                units[unit].firstTimer = 0
            }
        }
    }

    private mutating func judge(_ timer: CorrelationUnit.Timer, _ unit: Int) {
        guard units[unit].table.groups[timer.place].serial == timer.serial, let correlation = units[unit].correlation
        else {
            return
        }
        units[unit].table.groups[timer.place].expire(through: timer.event.time)
        let group = units[unit].table.groups[timer.place]
        guard group.isArmed, correlation.isMet(by: Double(group.count)) else { return }
        units[unit].table.groups[timer.place].isArmed = false
        // The event that the window began behind gives the firing its context.
        fire(unit, timer.place, at: timer.time, [timer.event] + group.window[group.head...], count: group.count)
    }

    /// Frees the groups whose last window is over.
    private mutating func forget(through time: Int64) {
        for unit in units.indices {
            while let place = units[unit].table.stalest,
                units[unit].table.groups[place].lastSeen.addingClamped(units[unit].timespan) <= time
            {
                units[unit].table.remove(place)
            }
        }
    }
}

extension Int64 {
    fileprivate func addingClamped(_ other: Int64) -> Int64 {
        let (sum, over) = addingReportingOverflow(other)
        return over ? Int64.max : sum
    }

    fileprivate func subtractingClamped(_ other: Int64) -> Int64 {
        let (difference, over) = subtractingReportingOverflow(other)
        return over ? Int64.min : difference
    }
}
