// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Store
internal import Wire

extension IncidentEngine {
    /// The open incident that a new firing of `actor` joins: within the gap, the one that began first.
    func open(_ actor: IncidentRecord.Actor, _ firing: Firing, _ draft: Draft) throws -> Held? {
        try near(actor, firing, draft) {
            $0.has(actor) && $0.status.isOpen && !isFull($0)
        }.min {
            ($0.record.times.started, $0.record.id) < ($1.record.times.started, $1.record.id)
        }
    }

    /// The open incident that a new actor belongs to, and why: one of its targets acts now (lateral movement), or it uses an
    /// account of it.
    func linked(
        _ actor: IncidentRecord.Actor, _ firing: Firing, _ facts: [EventFacts], _ draft: Draft
    ) throws -> (held: Held, why: String)? {
        if settings.followsTargets, actor.kind == "address",
            let held = try only("target", actor.value, firing, draft, { $0.hits(actor.value, by: firing.last) })
        {
            return (held, "was hit in it, and acts now")
        }
        guard settings.joinsAccounts else { return nil }
        for name in Set(facts.flatMap(\.accounts)).sorted() where !settings.isCommon(account: name) {
            let held = try only("account", name, firing, draft) { record in
                record.indicators.contains {
                    $0.type == "account" && $0.value == name && $0.first.nanoseconds <= firing.last
                }
            }
            if let held { return (held, "uses account \(name)") }
        }
        return nil
    }

    /// The one open incident with that entity. What several incidents have joins none of them: it is what many have in
    /// common, a server, a gateway, an account that is passed around.
    private func only(
        _ kind: String, _ value: String, _ firing: Firing, _ draft: Draft, _ has: (IncidentRecord) -> Bool
    ) throws -> Held? {
        let found = try near(.init(kind: kind, value: value), firing, draft) { $0.status.isOpen && has($0) }
        guard found.count <= settings.limits.neighbours else { return nil }
        return found.filter { !isFull($0.record) && $0.record.joined.count < settings.limits.actors }.min {
            ($0.record.times.started, $0.record.id) < ($1.record.times.started, $1.record.id)
        }
    }

    /// Whether an incident takes in no more: a giant one would hide what else happens.
    func isFull(_ record: IncidentRecord) -> Bool {
        record.rules.reduce(0) { $0 + $1.detections } >= settings.limits.size
    }

    /// The incidents of `actor` within the gap that `fits` chooses.
    func near(
        _ actor: IncidentRecord.Actor, _ firing: Firing, _ draft: Draft, _ fits: (IncidentRecord) -> Bool
    ) throws -> [Held] {
        let from = IncidentEngine.sum(firing.first, -settings.gap)
        let to = IncidentEngine.sum(firing.last, settings.gap)
        func joins(_ record: IncidentRecord) -> Bool {
            fits(record) && record.times.started.nanoseconds <= to
                && (record.times.lastEvent ?? record.times.started).nanoseconds >= from
        }
        var found = held.filter { draft.incidents[$0.key] == nil && joins($0.value.record) }
        for (id, incident) in draft.incidents where joins(incident.record) { found[id] = incident }
        let stored = try store?.look { try $0.incidents(actor: actor.key, first: from, last: to) } ?? []
        for row in stored where draft.incidents[row.id] == nil && held[row.id] == nil {
            let record = try IncidentRecord(json: row.json)
            if joins(record) { found[row.id] = Held(record: record, hash: row.hash, turn: turn) }
        }
        return Array(found.values)
    }

    /// The closed incident that a new firing of `actor` belongs to: one that was closed after its last event or, within the
    /// re-open window, before it. A false positive takes nothing in: what comes after it is a new incident, linked to it.
    func closed(_ actor: IncidentRecord.Actor, _ firing: Firing, _ draft: Draft) throws -> Held? {
        guard settings.reopen > 0 else { return nil }
        func takes(_ record: IncidentRecord) -> Bool {
            guard record.has(actor), !record.status.isOpen, record.status != .falsePositive,
                !record.related.contains(where: { $0.relation == IncidentRecord.Relation.mergedInto }),
                let ended = record.times.resolved
            else { return false }
            return firing.last <= IncidentEngine.sum(ended.nanoseconds, settings.reopen)
        }
        return try near(actor, firing, draft, takes).max {
            ($0.record.times.started, $0.record.id) < ($1.record.times.started, $1.record.id)
        }
    }

    /// Whether a firing opens a closed incident again: its last event is after the end.
    func goesOn(_ record: IncidentRecord, after firing: Firing) -> Bool {
        guard settings.reopen > 0, !record.status.isOpen, record.status != .falsePositive,
            !record.related.contains(where: { $0.relation == IncidentRecord.Relation.mergedInto }),
            let ended = record.times.resolved
        else { return false }
        return firing.last > ended.nanoseconds
    }

    /// A new record; its id depends on the founding firing and never on when anything was received.
    func found(_ firing: Firing, _ actor: IncidentRecord.Actor, _ draft: Draft) throws -> IncidentRecord {
        // Lanes finish in any order, so the first firing to come may be another one on another run. What never differs is
        // whom the incident is about and the day on which it began; a second one on that day gets the next number.
        let day = firing.first / 86_400_000_000_000
        var number = 0
        var uid = ""
        var id = ""
        repeat {
            let digest = Digest.sha256(
                parts: ["penstock incident", settings.site, actor.kind, actor.value, "\(day)", "\(number)"])
            uid = String(digest.prefix(32))
            id = "INC-" + digest.prefix(8).uppercased()
            number += 1
        } while try incident(id, draft) != nil
        let declared = IncidentRecord.Declaration(
            rule: firing.rule.id, name: clip(firing.rule.name, 128), version: firing.rule.contentHash,
            criterion: clip(firing.rule.criterion, 1_024), firing: firing.id, group: firing.pairs, count: firing.count,
            first: Moment(firing.first), last: Moment(firing.last),
            falsePositives: firing.rule.falsePositives.prefix(16).map { clip($0, 256) })
        var record = IncidentRecord(
            id: id, uid: uid, founder: declared, actor: actor, started: Moment(firing.first), lead: settings.assignee)
        if let earlier = try latest(actor, before: firing.first, draft), earlier != id {
            record.related = [IncidentRecord.Relation(id: earlier, relation: "earlier incident of the same actor")]
        }
        record.coverage.guards = try guards(actor, firing, draft)
        return record
    }

    /// What kept a firing out of incidents that it would have joined.
    private func guards(_ actor: IncidentRecord.Actor, _ firing: Firing, _ draft: Draft) throws -> [String] {
        var guards = try near(actor, firing, draft) { $0.has(actor) && $0.status.isOpen && isFull($0) }
            .map { "\($0.record.id) has \(settings.limits.size) detections and takes in no more" }
        if settings.followsTargets, actor.kind == "address" {
            let reaching = IncidentRecord.Actor(kind: "target", value: actor.value)
            let hit = try near(reaching, firing, draft) { $0.status.isOpen && $0.hits(actor.value, by: firing.last) }
            if !hit.isEmpty {
                let ids = hit.map(\.record.id).sorted().prefix(4).joined(separator: ", ")
                guards.append("\(actor.value) was hit in \(hit.count) open incidents (\(ids)) and joins none of them")
            }
        }
        return guards.sorted()
    }

    private func latest(_ actor: IncidentRecord.Actor, before time: Int64, _ draft: Draft) throws -> String? {
        let inMemory = held.values.map(\.record) + draft.incidents.values.map(\.record)
        var all = inMemory.filter { $0.has(actor) && $0.times.started.nanoseconds <= time }
            .map { (last: ($0.times.lastEvent ?? $0.times.started).nanoseconds, id: $0.id) }
        if let row = try store?.look({ try $0.latest(actor: actor.key, before: time) }) {
            all.append((row.last, row.id))
        }
        return all.max { ($0.last, $0.id) < ($1.last, $1.id) }?.id
    }

    /// What a firing's incident is of: the address that acted, unless a guard says that it is not one actor.
    func actor(of firing: Firing, _ facts: [EventFacts]) -> (actor: IncidentRecord.Actor, guarded: String?) {
        let named = firing.group.first { $0.field == "src_endpoint.ip" }?.value
        let seen = Set(facts.map(\.source)).subtracting([""])
        let address = named ?? (seen.count == 1 ? seen.first : nil)
        let group = firing.pairs.map { "\($0.field)=\($0.value)" }.joined(separator: " ")
        if let address, !address.isEmpty {
            guard let ip = IPAddress(address) else { return (.init(kind: "address", value: clip(address, 256)), nil) }
            if let reason = stop(ip) {
                let scope = "\(firing.rule.id) \(group.isEmpty ? ip.description : group)"
                return (
                    .init(kind: "rule", value: clip(scope, 512)),
                    "\(ip) is shared (\(reason)): only firings of the same rule and group are joined"
                )
            }
            return (.init(kind: "address", value: ip.description), nil)
        }
        if let first = firing.pairs.first { return (.init(kind: first.field, value: first.value), nil) }
        return (.init(kind: "rule", value: clip(firing.rule.id, 256)), nil)
    }

    private func stop(_ address: IPAddress) -> String? {
        if address.isIPv4, address.low == 0 || address.low == 0xFFFF_FFFF { return "unspecified or broadcast" }
        if !address.isIPv4, address.high == 0, address.low == 0 { return "unspecified" }
        return settings.stops.first { $0.network.contains(address) }?.reason
    }

    static func sum(_ a: Int64, _ b: Int64) -> Int64 {
        let (sum, over) = a.addingReportingOverflow(b)
        return over ? (b < 0 ? .min : .max) : sum
    }
}
