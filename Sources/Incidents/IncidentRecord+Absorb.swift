// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import FoundationEssentials

/// How a firing gets into a record. Whatever the order in which the same firings come, the lists end up the same.
extension IncidentRecord {
    /// Takes a firing's news in.
    ///
    /// - Parameter known: the count that an earlier revision of a firing beyond the ceiling had, where it is known.
    /// - Returns: the bytes behind new timeline entries.
    mutating func absorb(
        _ firing: Firing, facts: [EventFacts], known: Int?, settings: IncidentSettings, knowledge: IncidentKnowledge
    ) -> [(sha256: String, evidence: Evidence)] {
        tally(firing, targets: facts.map(\.target), known: known, settings.limits, knowledge.catalog)
        let fresh = list(firing, facts, settings)
        for fact in facts {
            involve(fact, settings.limits, knowledge.asset)
            mark(fact, settings.limits)
            times.firstReceived = min(times.firstReceived ?? Moment(fact.received), Moment(fact.received))
            times.lastReceived = max(times.lastReceived ?? Moment(fact.received), Moment(fact.received))
        }
        times.started = min(times.started, Moment(firing.first))
        times.lastEvent = max(times.lastEvent ?? Moment(firing.last), Moment(firing.last))
        times.detected = min(times.detected ?? Moment(firing.time), Moment(firing.time))
        return fresh
    }

    private mutating func tally(
        _ firing: Firing, targets: [String], known: Int?, _ limits: IncidentLimits, _ catalog: AttackCatalog
    ) {
        let level = IncidentSeverity(level: firing.rule.level)
        let place = detections.firstIndex { $0.firing == firing.id }
        let before =
            place.map { detections[$0].count } ?? known
            ?? (firing.revision > 1 ? firing.count - firing.packedHits.count : 0)
        let isNew = place == nil && known == nil && firing.revision <= 1
        if let rule = rules.firstIndex(where: { $0.rule == firing.rule.id }) {
            rules[rule].detections += isNew ? 1 : 0
            rules[rule].events = max(0, rules[rule].events + firing.count - before)
            rules[rule].first = min(rules[rule].first, Moment(firing.first))
            rules[rule].last = max(rules[rule].last, Moment(firing.last))
            rules[rule].level = max(rules[rule].level, level)
            rules[rule].response = firing.rule.response.isEmpty ? nil : firing.rule.response
        } else {
            rules.append(
                RuleTally(
                    rule: firing.rule.id, name: clip(firing.rule.name, 128), level: level, detections: 1,
                    events: firing.count, first: Moment(firing.first), last: Moment(firing.last),
                    response: firing.rule.response.isEmpty ? nil : firing.rule.response))
            rules.sort { $0.rule < $1.rule }
        }
        let hit = Set(targets).subtracting([""])
        if let place {
            detections[place].revision = firing.revision
            detections[place].count = firing.count
            detections[place].omitted = firing.omitted
            // A late event may have moved it.
            (detections[place].time, detections[place].first, detections[place].last) = (
                Moment(firing.time), Moment(firing.first), Moment(firing.last)
            )
            detections[place].targets = Array(
                hit.union(detections[place].targets).sorted().prefix(limits.targetsPerDetection))
            detections.sort { ($0.time, $0.name, $0.firing) < ($1.time, $1.name, $1.firing) }
        } else {
            let ofRule = detections.count { $0.rule == firing.rule.id }
            guard ofRule == 0 || (ofRule < limits.detectionsPerRule && detections.count < limits.detections) else {
                return
            }
            detections.append(
                IncidentRecord.detection(firing, Array(hit.sorted().prefix(limits.targetsPerDetection)), catalog))
            detections.sort { ($0.time, $0.name, $0.firing) < ($1.time, $1.name, $1.firing) }
        }
    }

    private static func detection(_ firing: Firing, _ targets: [String], _ catalog: AttackCatalog) -> Detection {
        let techniques = catalog.mapped(firing.rule.tags)
        let harmful: Set<String> = ["T0837", "T0879", "T0880"]
        let isSafety =
            firing.rule.name.uppercased().hasPrefix("PROCESS_SAFETY")
            || firing.rule.tags.contains { $0.replacing("_", with: "-").hasSuffix("process-safety") }
            || techniques.contains { harmful.contains($0.id) }
        return Detection(
            rule: firing.rule.id, name: clip(firing.rule.name, 128), title: clip(firing.rule.title, 256),
            level: IncidentSeverity(level: firing.rule.level), firing: firing.id, revision: firing.revision,
            count: firing.count, omitted: firing.omitted, time: Moment(firing.time), first: Moment(firing.first),
            last: Moment(firing.last), group: firing.pairs,
            techniques: techniques.map { Mapping(technique: $0.id, tactic: $0.tactic) }, targets: targets,
            tags: firing.rule.tags, isSafety: isSafety)
    }

    /// Lists the events in the timeline, for each rule its earliest and its latest ones.
    private mutating func list(
        _ firing: Firing, _ facts: [EventFacts], _ settings: IncidentSettings
    ) -> [(sha256: String, evidence: Evidence)] {
        let rule = clip(firing.rule.name, 128)
        var places = Dictionary(timeline.enumerated().map { ($0.element.eventUid, $0.offset) }) { first, _ in first }
        for fact in facts {
            if let place = places[fact.uid] {
                if !timeline[place].rules.contains(rule) {
                    timeline[place].rules = (timeline[place].rules + [rule]).sorted()
                }
                continue
            }
            places[fact.uid] = timeline.count
            timeline.append(
                TimelineEntry(
                    time: Moment(fact.time), originalTime: fact.originalTime, offsetMinutes: fact.offset,
                    claimedTime: fact.claimed.map { Moment($0) }, received: Moment(fact.received), eventUid: fact.uid,
                    source: fact.source, asset: fact.target,
                    zones: fact.zones, rules: [rule], techniques: [], text: fact.text, evidence: []))
        }
        timeline.sort { ($0.time, $0.eventUid) < ($1.time, $1.eventUid) }
        keepEnds(of: rule, settings.limits)
        return collect(firing, settings)
    }

    /// Of a rule's events the earliest and the latest stay listed.
    mutating func keepEnds(of rule: String, _ limits: IncidentLimits) {
        let own = timeline.indices.filter { timeline[$0].rules.contains(rule) }
        let most = limits.firstEntriesPerRule + limits.lastEntriesPerRule
        if own.count > most {
            for place in own.dropFirst(limits.firstEntriesPerRule).dropLast(limits.lastEntriesPerRule) {
                timeline[place].rules.removeAll { $0 == rule }
            }
            timeline.removeAll(where: \.rules.isEmpty)
        }
    }

    /// Evidence in the order of the timeline; what is of no event in it goes.
    mutating func sortEvidence() {
        let places = Dictionary(timeline.enumerated().map { ($0.element.eventUid, $0.offset) }) { first, _ in first }
        evidence.removeAll { places[$0.eventUid] == nil }
        evidence.sort {
            (places[$0.eventUid] ?? 0, $0.collected, $0.sha256) < (places[$1.eventUid] ?? 0, $1.collected, $1.sha256)
        }
    }

    private mutating func collect(
        _ firing: Firing, _ settings: IncidentSettings
    ) -> [(sha256: String, evidence: Evidence)] {
        let places = Dictionary(timeline.enumerated().map { ($0.element.eventUid, $0.offset) }) { first, _ in first }
        var fresh: [(sha256: String, evidence: Evidence)] = []
        for hit in firing.hits {
            let uid = clip(hit.uid, 256)
            guard let place = places[uid], timeline[place].evidence.isEmpty else { continue }
            for item in hit.evidence.prefix(16) {
                let sha256 = Digest.sha256(item.bytes)
                guard !timeline[place].evidence.contains(sha256) else { continue }
                timeline[place].evidence.append(sha256)
                evidence.append(IncidentRecord.item(item, sha256, uid, settings))
                fresh.append((sha256, item))
            }
        }
        sortEvidence()
        return fresh
    }

    private static func item(
        _ item: Evidence, _ sha256: String, _ uid: String, _ settings: IncidentSettings
    ) -> EvidenceItem {
        var raw: String?
        var encoding = "object"
        if item.bytes.count <= settings.limits.rawBytes {
            raw = item.kind == .packet ? nil : String(validating: item.bytes, as: UTF8.self)
            encoding = raw == nil ? "base64" : "text"
            raw = raw ?? Data(item.bytes).base64EncodedString()
        }
        let receiver = clip(item.collector, 128)
        return EvidenceItem(
            sha256: sha256, kind: item.kind.rawValue, object: "evidence/" + sha256, offset: 0, length: item.bytes.count,
            eventUid: uid, raw: raw, encoding: encoding, collected: Moment(item.received), receiver: receiver,
            peer: clip(item.peer, 64), stored: settings.evidenceStore,
            custody: [
                Custody(
                    by: "penstock \(settings.version), receiver \(receiver)", what: "received, hashed and stored",
                    time: Moment(item.received))
            ])
    }

    private mutating func involve(
        _ fact: EventFacts, _ limits: IncidentLimits, _ asset: (String) -> AssetFacts?
    ) {
        involve(fact.source, "source", fact.sourceZone, fact.sourceLevel, false, nil, fact.time, limits, asset)
        involve(
            fact.target, "target", fact.targetZone, fact.targetLevel, fact.isControl, fact.writes, fact.time, limits,
            asset)
    }

    private mutating func involve(
        _ address: String, _ role: String, _ zone: String?, _ level: String?, _ isControl: Bool, _ writes: String?,
        _ time: Int64, _ limits: IncidentLimits, _ asset: (String) -> AssetFacts?
    ) {
        guard !address.isEmpty else { return }
        let place: Int
        if let found = affected.firstIndex(where: { $0.address == address }) {
            place = found
        } else if affected.count < limits.affected {
            let facts = asset(address)
            place = affected.firstIndex { $0.address > address } ?? affected.count
            affected.insert(
                AffectedAsset(
                    address: address, asset: facts?.name, zone: facts?.zone, level: facts?.level,
                    criticality: facts?.criticality, kind: facts?.kind, role: role, isController: false,
                    isSafety: facts?.isSafety ?? false, writes: nil, cisaLocation: nil, first: Moment(time),
                    last: Moment(time)), at: place)
        } else {
            coverage.add(CoverageLoss(what: "events_of_further_assets", count: 1))
            return
        }
        var entry = affected[place]
        if entry.role != role, entry.role != "source and target" { entry.role = "source and target" }
        entry.zone = entry.zone ?? zone
        entry.level = entry.level ?? level
        let isLow = entry.level.flatMap(CISALocation.level).map { $0 <= 1 } ?? false
        entry.isController =
            entry.isController || isControl || isLow || CISALocation.isController(kind: entry.kind)
        entry.isSafety = entry.isSafety || CISALocation.isSafety(kind: entry.kind)
        let order = ["refused", "attempted", "accepted"]
        if let writes, (order.firstIndex(of: writes) ?? 0) >= (entry.writes.flatMap(order.firstIndex) ?? 0) {
            entry.writes = writes
        }
        entry.first = min(entry.first, Moment(time))
        entry.last = max(entry.last, Moment(time))
        entry.cisaLocation =
            CISALocation(purdue: entry.level, kind: entry.kind, isSafety: entry.isSafety)?.rawValue
        affected[place] = entry
    }

    private mutating func mark(_ fact: EventFacts, _ limits: IncidentLimits) {
        let time = Moment(fact.time)
        for (type, value) in fact.protocols.map({ ("protocol", $0) }) + fact.marks {
            if let place = indicators.firstIndex(where: { $0.type == type && $0.value == value }) {
                indicators[place].first = min(indicators[place].first, time)
                indicators[place].last = max(indicators[place].last, time)
            } else if indicators.count < limits.indicators {
                let place = indicators.firstIndex { ($0.type, $0.value) > (type, value) } ?? indicators.count
                indicators.insert(Indicator(type: type, value: value, first: time, last: time), at: place)
            } else {
                coverage.add(CoverageLoss(what: "indicators", count: 1, source: type))
            }
        }
    }
}

extension IncidentRecord.Coverage {
    /// Adds to what ceilings kept out.
    mutating func add(_ cut: CoverageLoss) {
        if let place = cuts.firstIndex(where: { $0.what == cut.what && $0.source == cut.source }) {
            cuts[place].count += cut.count
        } else {
            cuts.append(cut)
            cuts.sort { ($0.what, $0.source) < ($1.what, $1.source) }
        }
    }
}

extension Firing {
    /// When the latest of its events was received; its latest event time where it brought none.
    var seen: Int64 { hits.map(\.received).max() ?? last }

    /// The group as the record holds it.
    var pairs: [IncidentRecord.Pair] {
        group.prefix(16).map { IncidentRecord.Pair(field: clip($0.field, 128), value: clip($0.value, 512)) }
    }
}
