// SPDX-License-Identifier: Apache-2.0

/// Merging and splitting: what goes from one record to another.
extension IncidentRecord {
    /// Takes over what `other` has; the log and the words of people stay with each.
    mutating func take(in other: IncidentRecord, _ limits: IncidentLimits) {
        for tally in other.rules { add(tally) }
        let known = Set(detections.map(\.firing))
        detections += other.detections.filter { !known.contains($0.firing) }
        detections.sort { ($0.time, $0.name, $0.firing) < ($1.time, $1.name, $1.firing) }
        var listed: [String: Int] = [:]
        detections = detections.enumerated().filter { place, detection in
            listed[detection.rule, default: 0] += 1
            let ofRule = listed[detection.rule] ?? 0
            return ofRule == 1 || (ofRule <= limits.detectionsPerRule && place < limits.detections)
        }.map(\.element)
        for entry in other.timeline { add(entry) }
        timeline.sort { ($0.time, $0.eventUid) < ($1.time, $1.eventUid) }
        for rule in rules { keepEnds(of: rule.name, limits) }
        let pieces = Set(evidence.map { $0.sha256 + $0.eventUid })
        evidence += other.evidence.filter { !pieces.contains($0.sha256 + $0.eventUid) }
        sortEvidence()
        for asset in other.affected { add(asset, limits) }
        for indicator in other.indicators { add(indicator, limits) }
        for loss in other.coverage.losses where !coverage.losses.contains(loss) { coverage.losses.append(loss) }
        coverage.losses.sort { ($0.what, $0.source) < ($1.what, $1.source) }
        for cut in other.coverage.cuts { coverage.add(cut) }
        coverage.guards = Set(coverage.guards + other.coverage.guards).sorted()
        for joining in [Joined(kind: other.actor.kind, value: other.actor.value, why: "of \(other.id)")] + other.joined
        {
            join(joining)
        }
        times.started = min(times.started, other.times.started)
        times.lastEvent = [times.lastEvent, other.times.lastEvent].compactMap { $0 }.max()
        times.detected = [times.detected, other.times.detected].compactMap { $0 }.min()
        times.firstReceived = [times.firstReceived, other.times.firstReceived].compactMap { $0 }.min()
        times.lastReceived = [times.lastReceived, other.times.lastReceived].compactMap { $0 }.max()
    }

    /// Adds an actor whose firings belong to it too.
    mutating func join(_ joining: Joined) {
        guard joining.kind != actor.kind || joining.value != actor.value,
            !joined.contains(where: { $0.kind == joining.kind && $0.value == joining.value })
        else { return }
        joined.append(joining)
        joined.sort { ($0.kind, $0.value) < ($1.kind, $1.value) }
    }

    /// Whether firings of `actor` are its own.
    func has(_ actor: Actor) -> Bool {
        self.actor == actor || joined.contains { $0.kind == actor.kind && $0.value == actor.value }
    }

    /// Whether something was done to this address until a time.
    func hits(_ address: String, by time: Int64) -> Bool {
        affected.contains { $0.address == address && $0.role != "source" && $0.first.nanoseconds <= time }
    }

    private mutating func add(_ tally: RuleTally) {
        guard let place = rules.firstIndex(where: { $0.rule == tally.rule }) else {
            rules.append(tally)
            rules.sort { $0.rule < $1.rule }
            return
        }
        rules[place].detections += tally.detections
        rules[place].events += tally.events
        rules[place].first = min(rules[place].first, tally.first)
        rules[place].last = max(rules[place].last, tally.last)
        rules[place].level = max(rules[place].level, tally.level)
        rules[place].response = rules[place].response ?? tally.response
    }

    private mutating func add(_ entry: TimelineEntry) {
        guard let place = timeline.firstIndex(where: { $0.eventUid == entry.eventUid }) else {
            timeline.append(entry)
            return
        }
        timeline[place].rules = Set(timeline[place].rules + entry.rules).sorted()
        timeline[place].evidence += entry.evidence.filter { !timeline[place].evidence.contains($0) }
    }

    private mutating func add(_ asset: AffectedAsset, _ limits: IncidentLimits) {
        guard let place = affected.firstIndex(where: { $0.address == asset.address }) else {
            guard affected.count < limits.affected else {
                coverage.add(CoverageLoss(what: "events_of_further_assets", count: 1))
                return
            }
            affected.insert(asset, at: affected.firstIndex { $0.address > asset.address } ?? affected.count)
            return
        }
        var known = affected[place]
        if known.role != asset.role { known.role = "source and target" }
        (known.zone, known.level) = (known.zone ?? asset.zone, known.level ?? asset.level)
        (known.asset, known.kind) = (known.asset ?? asset.asset, known.kind ?? asset.kind)
        known.isController = known.isController || asset.isController
        let order = ["refused", "attempted", "accepted"]
        known.writes = [known.writes, asset.writes].compactMap { $0 }.max {
            (order.firstIndex(of: $0) ?? 0) < (order.firstIndex(of: $1) ?? 0)
        }
        (known.first, known.last) = (min(known.first, asset.first), max(known.last, asset.last))
        affected[place] = known
    }

    private mutating func add(_ indicator: Indicator, _ limits: IncidentLimits) {
        if let place = indicators.firstIndex(where: { $0.type == indicator.type && $0.value == indicator.value }) {
            indicators[place].first = min(indicators[place].first, indicator.first)
            indicators[place].last = max(indicators[place].last, indicator.last)
        } else if indicators.count < limits.indicators {
            let place = indicators.firstIndex { ($0.type, $0.value) > (indicator.type, indicator.value) }
            indicators.insert(indicator, at: place ?? indicators.count)
        } else {
            coverage.add(CoverageLoss(what: "indicators", count: 1, source: indicator.type))
        }
    }

    /// Gives these firings, with all that belongs to them alone, to `other`. What belongs to both stays and is copied.
    mutating func give(_ firings: Set<String>, to other: inout IncidentRecord) {
        other.detections = detections.filter { firings.contains($0.firing) }
        detections.removeAll { firings.contains($0.firing) }
        for moved in other.detections {
            guard let place = rules.firstIndex(where: { $0.rule == moved.rule }) else { continue }
            var tally = rules[place]
            (tally.detections, tally.events) = (1, moved.count)
            (tally.first, tally.last) = (moved.first, moved.last)
            other.add(tally)
            rules[place].detections -= 1
            rules[place].events -= moved.count
        }
        rules.removeAll { $0.detections <= 0 }
        for place in rules.indices {
            // What is not listed one by one stays, and nobody knows its times: the tally's own are kept then.
            let own = detections.filter { $0.rule == rules[place].rule }
            guard own.count == rules[place].detections else { continue }
            rules[place].first = own.map(\.first).min() ?? rules[place].first
            rules[place].last = own.map(\.last).max() ?? rules[place].last
        }
        let kept = detections
        let given = other.detections
        var stays: [TimelineEntry] = []
        for entry in timeline {
            let (isKept, isGiven) = (kept.contains { $0.has(entry) }, given.contains { $0.has(entry) })
            if isKept || !isGiven { stays.append(entry.only(kept.map(\.name), otherwise: entry.rules)) }
            if isGiven { other.timeline.append(entry.only(given.map(\.name), otherwise: entry.rules)) }
        }
        timeline = stays
        other.evidence = evidence
        other.sortEvidence()
        sortEvidence()
        other.affected = affected.filter(other.names)
        affected = affected.filter { names($0) || !other.names($0) }
        other.indicators = indicators.filter { mark in
            mark.type != "address" || other.affected.contains { $0.address == mark.value }
        }
        indicators.removeAll { mark in
            mark.type == "address" && !affected.contains { $0.address == mark.value }
                && other.affected.contains { $0.address == mark.value }
        }
        for var record in [self, other] {
            record.times.started = record.rules.map(\.first).min() ?? record.times.started
            record.times.lastEvent = record.rules.map(\.last).max() ?? record.times.lastEvent
            record.times.detected = record.detections.map(\.time).min() ?? record.times.detected
            record.times.firstReceived = record.timeline.map(\.received).min() ?? record.times.firstReceived
            record.times.lastReceived = record.timeline.map(\.received).max() ?? record.times.lastReceived
            if record.id == id { self = record } else { other = record }
        }
    }

    private func names(_ asset: AffectedAsset) -> Bool {
        timeline.contains { $0.source == asset.address || $0.asset == asset.address }
            || detections.contains { $0.targets.contains(asset.address) }
    }
}

extension IncidentRecord.Detection {
    /// Whether an event of the timeline is one of its own, as far as the record tells.
    fileprivate func has(_ entry: IncidentRecord.TimelineEntry) -> Bool {
        guard entry.rules.contains(name), first <= entry.time, entry.time <= last else { return false }
        for pair in group {
            if pair.field == "src_endpoint.ip", !entry.source.isEmpty, pair.value != entry.source { return false }
            if pair.field == "dst_endpoint.ip", !entry.asset.isEmpty, pair.value != entry.asset { return false }
        }
        return entry.asset.isEmpty || targets.isEmpty || targets.contains(entry.asset)
    }
}

extension IncidentRecord.TimelineEntry {
    /// The entry for these rules alone.
    fileprivate func only(_ names: [String], otherwise all: [String]) -> Self {
        var entry = self
        entry.rules = rules.filter(names.contains)
        if entry.rules.isEmpty { entry.rules = all }
        return entry
    }
}
