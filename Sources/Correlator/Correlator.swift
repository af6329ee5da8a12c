// SPDX-License-Identifier: Apache-2.0
public import Events
public import Instruments
public import Sigma
internal import Wire

/// Turns rule hits into firings, in event time: the object of one thread.
///
/// Hits wait until the watermark has passed them and are then judged in the order of their own times, so that the
/// firings do not depend on the order of arrival. What comes later than that, but within the allowed lateness, is put in
/// its place in its group's window, and what was fired is revised. Detection rules that alert on their own take the same
/// way: their repeated hits are folded into one firing per group and span.
public struct Correlator {
    static let nanoseconds: Int64 = 1_000_000
    /// Groups of one rule whose hits are let go before the stalest is looked for again.
    private static let cutsAtOnce = 8

    /// What its rules ask of hits.
    public private(set) var plan: CorrelationPlan
    let options: Options
    var units: [CorrelationUnit] = []
    var pending = PendingHits()
    var watermark: Watermark
    /// Everything at or before this has been judged.
    var frontier = Int64.min
    /// The latest receipt.
    var receivedThrough = Int64.min
    var sources: [String: Int] = [:]
    /// The frames whose hits were taken. What is read again after a crash is passed over up to there, so that a snapshot may
    /// be newer than the place it is read from.
    var taken = TakenFrames()
    var judgement: Judgement
    /// The hits of one time that are being judged, and the groups that they touched.
    private var run: [PendingHit] = []
    private var touched: [(unit: Int, place: Int)] = []
    /// What a late event made inner correlations hand on, of times behind its own.
    private var later = DerivedQueue()
    private var lastSource = (name: "", number: -1)
    private let lost: Lost

    /// A correlator of the rules of `ruleSet`.
    public init(ruleSet: RuleSet, options: Options = Options(), registry: Registry) {
        self.init(
            plan: CorrelationPlan(ruleSet, standalone: options.standalone, stepsFire: options.stepsFire),
            options: options, registry: registry)
    }

    /// A correlator of the rules of `plan`, by which lanes prepare hits.
    public init(plan: CorrelationPlan, options: Options = Options(), registry: Registry) {
        self.plan = plan
        self.options = options
        watermark = Watermark(
            bound: options.outOfOrder * Correlator.nanoseconds,
            idleTimeout: options.idleTimeout * Correlator.nanoseconds,
            holdLimit: options.holdLimit * Correlator.nanoseconds)
        lost = Lost(registry)
        judgement = Judgement(options: options, lost: lost)
        units = plan.units.enumerated().map { CorrelationUnit($1, number: $0, registry) }
    }

    /// Goes over to the rules of `ruleSet`. Unchanged rules keep their state; that of the others is dropped.
    ///
    /// - Returns: the ids of the rules that lost state.
    @discardableResult
    public mutating func reload(_ ruleSet: RuleSet, registry: Registry) -> [String] {
        reload(
            CorrelationPlan(ruleSet, standalone: options.standalone, stepsFire: options.stepsFire), registry: registry)
    }

    /// Goes over to the rules of `plan`, likewise; hits that were prepared by another plan are prepared again.
    @discardableResult
    public mutating func reload(_ plan: CorrelationPlan, registry: Registry) -> [String] {
        var old: [String: CorrelationUnit] = [:]
        for unit in units { old[unit.plan.identity] = unit }
        self.plan = plan
        units = plan.units.enumerated().map { CorrelationUnit($1, number: $0, registry) }
        var numbers: [Int32: Int32] = [:]
        for place in units.indices {
            guard let known = old.removeValue(forKey: units[place].plan.identity) else { continue }
            units[place].table = known.table
            units[place].dormant = known.dormant
            numbers[Int32(known.number)] = Int32(place)
        }
        // Timers of rules that are gone mean nothing any more.
        let timers = judgement.timers.all
        judgement.timers = TimerHeap()
        for timer in timers {
            guard let number = numbers[timer.unit] else { continue }
            var timer = timer
            timer.unit = number
            judgement.timers.add(timer)
        }
        let waiting = pending.all
        pending = PendingHits()
        for entry in waiting {
            guard let hit = judgement.held[entry.hit] else { continue }
            judgement.held.release(entry.hit)
            let prepared = plan.prepare(hit.packed.hit)
            guard prepared.keyCount > 0 else { continue }
            pending.insert(
                PendingHit(
                    time: entry.time, prepared, number: judgement.held.insert(prepared), source: Int(entry.source)))
        }
        for identity in old.keys { old[identity]?.table.releaseHits(&judgement.held) }
        return old.values.filter { $0.table.count > 0 }.map(\.plan.rule.id).sorted()
    }

    /// The event time before which everything has been judged; nil before the first event.
    public var judgedThrough: Int64? { frontier == Int64.min ? nil : frontier }
    /// How many hits wait.
    public var waiting: Int { pending.count }
    /// How many groups are kept.
    public var groupCount: Int { units.reduce(0) { $0 + $1.table.count } }

    /// What groups hold: events in windows, firings that may still change, moments that are waited for; and the hits that are
    /// held for them or that wait.
    public var load: (events: Int, firings: Int, timers: Int, hits: Int) {
        var load = (events: 0, firings: 0, timers: judgement.timers.count, hits: judgement.held.count)
        for unit in units {
            for group in unit.table.groups {
                load.events += group.kept
                load.firings += group.firings.count
            }
        }
        return load
    }

    /// Takes the hits of a lane, received up to `now`, and tells what fired.
    public mutating func accept(_ hits: [Hit], now: Int64, partition: Int) -> [Firing] {
        accept(hits.map(plan.prepare), now: now)
    }

    /// Takes prepared hits, received up to `now`, and tells what fired.
    public mutating func accept(_ hits: [PreparedHit], now: Int64) -> [Firing] {
        // A frame may have several hits, all in one call.
        let before = taken
        for hit in hits {
            if before.has(hit) { continue }
            taken.note(hit)
            accept(hit.plan == plan.number ? hit : plan.prepare(hit.packed.hit), now)
        }
        judge(now: now)
        while pending.count > options.maxPending, let time = pending.earliest {
            // Order is given up, not events.
            lost.pending.add()
            judge(through: time, timersThrough: time)
        }
        cutEvidence()
        return answer()
    }

    private mutating func accept(_ hit: PreparedHit, _ now: Int64) {
        let received = hit.received
        let time = orderTime(hit.time, received)
        let source = source(hit.source)
        receivedThrough = max(receivedThrough, received)
        watermark.observe(time, partition: source, received: received, now: now)
        if hit.isUnreadable { lost.unreadable.add() }
        guard hit.keyCount > 0 else { return }
        let entry = PendingHit(time: time, hit, number: judgement.held.insert(hit), source: source)
        if time > frontier {
            pending.insert(entry)
        } else {
            run.append(entry)
            judgeRun(at: time)
        }
    }

    /// Takes note that a partition's events have reached `time`, although none of them hit a rule.
    public mutating func observe(time: Int64, now: Int64, partition: Int) {
        watermark.observe(time, partition: options.maxSources + 1 + partition, received: 0, now: now)
    }

    /// Lets the receive clock reach `now` and tells what fired.
    public mutating func advance(now: Int64) -> [Firing] {
        judge(now: now)
        return answer()
    }

    /// Judges everything that waits: the end of the input. Absence is judged up to the last event's time, not beyond.
    public mutating func finish() -> [Firing] {
        watermark.raise(to: watermark.highest)
        judge(through: Int64.max, timersThrough: watermark.highest)
        let judged = answer()
        for unit in units.indices {
            for place in units[unit].table.inOrder {
                for firing in units[unit].table.groups[place].firings.indices {
                    units[unit].tell(place, firing, &judgement)
                }
            }
        }
        // Groups stand in the order of arrival.
        return judged + answer().sorted { ($0.time, $0.id) < ($1.time, $1.id) }
    }

    private mutating func answer() -> [Firing] {
        let firings = judgement.firings
        judgement.firings = []
        return firings
    }

    // MARK: Order

    private func orderTime(_ time: Int64, _ received: Int64) -> Int64 {
        guard received > 0, time > received else { return time }
        let latest = received.addingClamped(options.futureTolerance.multipliedClamped(by: Correlator.nanoseconds))
        guard time > latest else { return time }
        lost.future.add()
        return received
    }

    /// The number of the sender; all beyond a bound share one.
    private mutating func source(_ name: String) -> Int {
        if lastSource.number >= 0, name == lastSource.name { return lastSource.number }
        let number: Int
        if let known = sources[name] {
            number = known
        } else if sources.count < options.maxSources {
            number = sources.count
            sources[name] = number
        } else {
            return options.maxSources
        }
        lastSource = (name, number)
        return number
    }

    private mutating func judge(now: Int64) {
        watermark.update(now: now)
        if watermark.current > frontier { judge(through: watermark.current, timersThrough: watermark.current) }
    }

    /// Judges all hits up to `time`, equal times together, and the ends of windows between them.
    private mutating func judge(through time: Int64, timersThrough timerLimit: Int64) {
        while let earliest = pending.earliest, earliest <= time {
            judgeTimers(before: earliest)
            while pending.earliest == earliest, let next = pending.removeFirst() { run.append(next) }
            judgeRun(at: earliest)
            frontier = max(frontier, earliest)
        }
        if timerLimit < Int64.max { judgeTimers(before: timerLimit + 1) }
        if time < Int64.max { frontier = max(frontier, time) }
        forget()
    }

    // MARK: Judging

    /// Adds the events of one time to their groups, then judges each group once: inner correlations before outer ones.
    private mutating func judgeRun(at time: Int64) {
        for entry in run {
            guard let prepared = judgement.held[entry.hit] else { continue }
            let bytes = prepared.packed.bytes
            for number in 0..<prepared.keyCount {
                guard let key = prepared.key(number) else { continue }
                if units[key.unit].plan.values.isEmpty || key.value != nil {
                    let window = WindowEntry(
                        time: time, identity: entry.identity, content: entry.content, value: key.value ?? 0,
                        hit: entry.hit, step: UInt16(truncatingIfNeeded: key.referred))
                    add(
                        window, key.unit, bytes.span.bytes.part(key.start, key.count), key.hash, Int(entry.source),
                        prepared.received)
                } else {
                    lost.valueless.add()
                }
            }
            judgement.held.release(entry.hit)
            passDerived(Int(entry.source), at: time)
        }
        run.removeAll(keepingCapacity: true)
        judgeTouched(time)
        judgeLater()
    }

    /// Adds an event to the group of a key, given with its hash; the group holds the hit from then on.
    private mutating func add(
        _ entry: WindowEntry, _ unit: Int, _ key: RawSpan, _ hash: UInt64, _ source: Int, _ received: Int64
    ) {
        let place = units[unit].group(key, hash: hash, source: source, &judgement)
        switch units[unit].table.groups[place].arrival(of: entry.time, received) {
        case .first:
            touched.append((unit, place))
            units[unit].append(entry, to: place, &judgement)
        case .next: units[unit].append(entry, to: place, &judgement)
        case .late: units[unit].insert(entry, into: place, &judgement)
        }
    }

    private mutating func judgeTouched(_ time: Int64) {
        order(from: 0)
        var next = 0
        while next < touched.count {
            let (unit, place) = touched[next]
            next += 1
            // An eviction in between may have taken it.
            guard units[unit].table.groups[place].judged < units[unit].table.groups[place].entries.count else {
                continue
            }
            units[unit].judge(place, at: time, &judgement)
            guard !judgement.derived.isEmpty else { continue }
            let known = touched.count
            passDerived(Int(units[unit].table.groups[place].source), at: time)
            if touched.count > known { order(from: next) }
        }
        touched.removeAll(keepingCapacity: true)
    }

    /// By unit, inner correlations first, then by key: an order that does not depend on where groups are kept.
    private mutating func order(from start: Int) {
        guard touched.count - start > 1 else { return }
        let units = self.units
        touched[start...].sort { a, b in
            a.unit != b.unit
                ? a.unit < b.unit
                : units[a.unit].table.groups[a.place].key.lexicographicallyPrecedes(
                    units[b.unit].table.groups[b.place].key)
        }
    }

    /// Hands what inner correlations have made up to `time` to the outer ones; what is of later times waits until these
    /// have been judged.
    private mutating func passDerived(_ source: Int, at time: Int64) {
        while !judgement.derived.isEmpty {
            let derived = judgement.derived
            judgement.derived = []
            for item in derived {
                if item.entry.time > time, !item.isUndone {
                    later.add(item, source)
                } else {
                    hand(item, source)
                }
            }
        }
    }

    /// Judges what waits, each at its own time.
    private mutating func judgeLater() {
        while let time = later.earliest {
            while later.earliest == time, let (item, source) = later.removeFirst() {
                hand(item, source)
                passDerived(source, at: time)
            }
            judgeTouched(time)
        }
    }

    private mutating func hand(_ item: Judgement.Derived, _ source: Int) {
        let outer = plan.units[item.route.unit]
        let values = GroupKey.values(item.key, plan.units[item.inner])
        defer { judgement.held.release(item.entry.hit) }
        let key = outer.key(item.route) { name in values.first { $0.field == name }?.value }
        guard let key, outer.values.isEmpty || key.value != nil else { return }
        var entry = item.entry
        entry.value = key.value ?? 0
        let (bytes, unit) = (key.group.span.bytes, item.route.unit)
        let hash = GroupKey.hash(bytes)
        if item.isUndone {
            later.remove(item, &judgement.held)
            if let place = units[unit].known(bytes, hash: hash, source: source, &judgement) {
                units[unit].remove(entry, from: place, &judgement)
            }
        } else {
            add(entry, unit, bytes, hash, source, 0)
        }
    }

    // MARK: Timers and forgetting

    /// Looks at the moments before `time`: the ends of full windows, and firings to tell again.
    private mutating func judgeTimers(before time: Int64) {
        while let timer = judgement.timers.next(before: time) {
            let (unit, place) = (Int(timer.unit), Int(timer.place))
            guard units.indices.contains(unit), units[unit].table.groups.indices.contains(place),
                units[unit].table.groups[place].serial == timer.serial
            else { continue }
            switch timer.kind {
            case .window:
                units[unit].judgeAbsence(place, at: timer.time, &judgement)
                passDerived(Int(units[unit].table.groups[place].source), at: timer.time)
                judgeTouched(timer.time)
                judgeLater()
            case .tell:
                units[unit].tell(place, untoldAt: timer.time, &judgement)
            }
        }
    }

    /// Lets the hits of the stalest groups go until what is held is within its bound: their events count on.
    private mutating func cutEvidence() {
        func isFull() -> Bool { judgement.held.bytes > options.maxEvidenceBytes }
        // The stalest of all rules: a hit is let go when the last group that holds it does.
        while isFull() {
            var stalest: (unit: Int, time: Int64)?
            for unit in units.indices {
                guard let time = units[unit].table.nextToCut(), time < stalest?.time ?? .max else { continue }
                stalest = (unit, time)
            }
            guard let stalest else { return }
            for _ in 0..<Correlator.cutsAtOnce where isFull() {
                guard units[stalest.unit].table.cutStalest(&judgement.held) else { break }
            }
        }
    }

    /// Frees the groups whose last window is over, in event time and on the receive clock.
    private mutating func forget() {
        let lateness = options.lateness.multipliedClamped(by: Correlator.nanoseconds)
        for unit in units.indices {
            let span = units[unit].plan.timespan.addingClamped(lateness)
            while let place = units[unit].table.stalest,
                units[unit].table.groups[place].lastSeen.addingClamped(span) <= frontier,
                units[unit].table.groups[place].lastReceived.addingClamped(span) <= max(receivedThrough, frontier)
            {
                units[unit].drop(place, &judgement)
            }
            units[unit].dormant.forget(through: frontier.subtractingClamped(span))
        }
    }
}

extension Int64 {
    func multipliedClamped(by other: Int64) -> Int64 {
        let (product, over) = multipliedReportingOverflow(by: other)
        return over ? ((self < 0) == (other < 0) ? Int64.max : Int64.min) : product
    }
}
