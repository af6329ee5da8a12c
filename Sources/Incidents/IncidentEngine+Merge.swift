// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Store

extension IncidentEngine {
    /// Merges an incident into another one: that takes over what it has, and all that comes of its actor from now on.
    /// Both say so, each with a revision of its own.
    ///
    /// - Returns: the changes: the one that was merged, then the one that it was merged into.
    @discardableResult
    public mutating func merge(
        _ id: String, into other: String, reason: String, by: String, at time: Int64, announced: Bool = false
    ) throws -> [IncidentChange] {
        try again { engine in
            guard let (from, to) = try engine.two(id, other) else {
                throw IncidentError.refused(id: id, reason: "an incident is not merged into itself")
            }
            try IncidentRecord.check(by, named: "who does it", limit: 128)
            if !reason.isEmpty { try IncidentRecord.check(reason, named: "a comment") }
            var (gone, kept) = (from.record, to.record)
            for record in [gone, kept] where record.related.contains(where: { $0.relation == Relation.mergedInto }) {
                throw record.refusal("it was merged into another one already")
            }
            guard kept.status.isOpen else { throw kept.refusal("it is \(kept.status.words); re-open it first") }
            let words = reason.isEmpty ? "" : ": \(reason)"
            let moment = Moment(time)
            engine.rework(&kept) { $0.take(in: gone, engine.settings.limits) }
            kept.related.append(.init(id: gone.id, relation: Relation.mergedFrom))
            kept.log("merged", "took in \(gone.id)\(words)", by: by, at: moment)
            gone.related.append(.init(id: kept.id, relation: Relation.mergedInto))
            if gone.status.isOpen { gone.turn(to: .closed, by: by, at: moment) }
            gone.verdict = .duplicate
            gone.log("merged_into", "merged into \(kept.id)\(words)", by: by, at: moment)
            var draft = Draft()
            draft.isAnnounced = announced
            try engine.finish(
                gone, after: from, kind: .updated, isNotable: true, findings: [], evidence: [], &draft)
            try engine.finish(
                kept, after: to, kind: .updated, isNotable: true, findings: [], evidence: [], &draft)
            draft.moved = try engine.firings(of: gone).map { ($0, kept.id) }
            try engine.keep(draft, nil)
            return draft.changes
        }
    }

    /// Splits firings off into an incident of their own. Both say so, each with a revision of its own.
    ///
    /// - Parameter firings: ids of firings that the record lists, or the beginnings of them.
    /// - Returns: the changes: the new incident, then the one that it was split from.
    @discardableResult
    public mutating func split(
        _ id: String, firings: [String], reason: String, by: String, at time: Int64, announced: Bool = false
    ) throws -> [IncidentChange] {
        try again { engine in
            guard let held = try engine.incident(id, Draft()) else { throw IncidentError.unknown(id: id) }
            try IncidentRecord.check(by, named: "who does it", limit: 128)
            if !reason.isEmpty { try IncidentRecord.check(reason, named: "a comment") }
            var rest = held.record
            let chosen = try engine.choose(firings, in: rest)
            let uid = Digest.sha256(parts: ["penstock incident split", rest.uid] + chosen.sorted())
            let new = "INC-" + uid.prefix(8).uppercased()
            guard try engine.incident(new, Draft()) == nil else { throw rest.refusal("\(new) was split off already") }
            let first = rest.detections.first { chosen.contains($0.firing) }
            guard let first else { throw rest.refusal("it lists no such firing") }
            let own = first.group.first { $0.field == "src_endpoint.ip" }
            var made = IncidentRecord(
                id: new, uid: String(uid.prefix(32)), founder: rest.declaredBy,
                actor: own.map { .init(kind: "address", value: $0.value) } ?? rest.actor, started: first.first,
                lead: rest.lead)
            made.declaredBy = .init(
                rule: first.rule, name: first.name,
                version: first.rule == rest.declaredBy.rule ? rest.declaredBy.version : "",
                criterion: "split from \(rest.id), declared by \(rest.declaredBy.name)", firing: first.firing,
                group: first.group, count: first.count, first: first.first, last: first.last, falsePositives: [])
            (made.assignee, made.contacts) = (rest.assignee, rest.contacts)
            (made.coverage, made.times.lastReceived) = (rest.coverage, rest.times.lastReceived)
            let words = reason.isEmpty ? "" : ": \(reason)"
            let moment = Moment(time)
            engine.rework(&rest) { rest in
                rest.give(chosen, to: &made)
                engine.rework(&made) { _ in }
            }
            made.change(from: nil, by: by, at: moment)
            made.log("split_from", "split from \(rest.id)\(words)", by: by, at: moment)
            made.related = [.init(id: rest.id, relation: Relation.splitFrom)]
            rest.related.append(.init(id: new, relation: Relation.splitInto))
            rest.log("split", "\(chosen.count) detections became \(new)\(words)", by: by, at: moment)
            var draft = Draft()
            draft.isAnnounced = announced
            try engine.finish(made, after: nil, kind: .created, isNotable: true, findings: [], evidence: [], &draft)
            try engine.finish(
                rest, after: held, kind: .updated, isNotable: true, findings: [], evidence: [], &draft)
            draft.moved = chosen.sorted().map { ($0, new) }
            try engine.keep(draft, nil)
            return draft.changes
        }
    }

    typealias Relation = IncidentRecord.Relation

    private func two(_ id: String, _ other: String) throws -> (Held, Held)? {
        guard let from = try incident(id, Draft()) else { throw IncidentError.unknown(id: id) }
        guard let to = try incident(other, Draft()) else { throw IncidentError.unknown(id: other) }
        return from.record.id == to.record.id ? nil : (from, to)
    }

    private func firings(of record: IncidentRecord) throws -> [String] {
        try store?.look { try $0.firings(of: record.id) }.map(\.id) ?? record.detections.map(\.firing)
    }

    private func choose(_ wanted: [String], in record: IncidentRecord) throws -> Set<String> {
        var chosen: Set<String> = []
        for text in wanted {
            let found = record.detections.map(\.firing).filter { !text.isEmpty && $0.hasPrefix(text) }
            guard found.count == 1, let only = found.first else {
                throw record.refusal("\(found.count) of its listed firings begin with '\(text)'")
            }
            chosen.insert(only)
        }
        let total = record.rules.reduce(0) { $0 + $1.detections }
        guard !chosen.isEmpty, chosen.count < total else {
            throw record.refusal("some of its \(total) detections must be chosen, and some must stay")
        }
        return chosen
    }

    /// Changes a record's parts and makes its estimates anew. What only the service knows (what it lost, what else is in
    /// the plant) stays as the service wrote it.
    private func rework(_ record: inout IncidentRecord, _ body: (inout IncidentRecord) -> Void) {
        body(&record)
        let (losses, others, contacts) = (record.coverage.losses, record.otherTargets, record.contacts)
        record.estimate(firing: "", settings: settings, knowledge: knowledge)
        if record.coverage.losses.isEmpty { record.coverage.losses = losses }
        if record.otherTargets.isEmpty { record.otherTargets = others }
        if record.contacts.isEmpty { record.contacts = contacts }
        record.coverage.isComplete = record.coverage.losses.isEmpty && record.coverage.cuts.isEmpty
    }
}
