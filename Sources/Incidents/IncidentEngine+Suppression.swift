// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Store

/// Firings that an analyst does not want to hear of again: they are counted where they were judged, never dropped unseen.
extension IncidentEngine {
    /// What makes two firings the same to an analyst: rule, actor and group, whatever the time.
    static func fingerprint(rule: String, actor: IncidentRecord.Actor, group: [IncidentRecord.Pair]) -> String {
        Digest.sha256(
            parts: ["penstock suppression", rule, actor.kind, actor.value] + group.flatMap { [$0.field, $0.value] })
    }

    /// The incident that counts a firing instead of listing it, with the place of its suppression; or nil.
    func suppressing(
        _ firing: Firing, _ actor: IncidentRecord.Actor, known: String?, _ draft: Draft
    ) throws -> (held: Held, place: Int)? {
        let fingerprint = IncidentEngine.fingerprint(rule: firing.rule.id, actor: actor, group: firing.pairs)
        let id =
            try store.map { try $0.look { try $0.suppression(fingerprint)?.incident } }
            ?? held.values.first { $0.record.suppressions.contains { $0.fingerprint == fingerprint } }?.record.id
        guard let id, known == nil || known == id, let held = try incident(id, draft),
            let place = held.record.suppressions.firstIndex(where: { $0.fingerprint == fingerprint }),
            firing.first <= held.record.suppressions[place].until.nanoseconds
        else { return nil }
        return (held, place)
    }

    /// Counts a firing in the suppression at `place`: a revision that nobody is told of.
    func count(
        _ firing: Firing, _ facts: [EventFacts], in found: (held: Held, place: Int), known: Int?, _ draft: inout Draft
    ) throws {
        var record = found.held.record
        let before = record.suppressions[found.place]
        record.suppressions[found.place].detections += known == nil ? 1 : 0
        record.suppressions[found.place].events += max(0, firing.count - (known ?? 0))
        record.suppressions[found.place].last = max(before.last ?? Moment(firing.last), Moment(firing.last))
        let finding = findings.detection(firing, facts: facts, in: record, isSuppressed: true)
        try finish(
            record, after: found.held, kind: .updated, isNotable: false, findings: [finding], evidence: [], &draft)
        draft.firings[firing.id] = (record.id, firing.revision, firing.count)
        draft.stored.append(
            StoredFiring(
                id: firing.id, incident: record.id, rule: firing.rule.id, revision: firing.revision,
                count: firing.count, finding: finding))
    }
}

extension IncidentRecord {
    /// Lets the incident count what its rules fire for its groups until a time; nil ends that.
    mutating func suppress(until time: Moment?, reason: String, by: String, at now: Moment) throws(IncidentError) {
        guard let time else {
            guard !suppressions.isEmpty else { throw refusal("it suppresses nothing") }
            for place in suppressions.indices { suppressions[place].until = now }
            log("unsuppressed", "suppression ends\(reason.isEmpty ? "" : ": \(reason)")", by: by, at: now)
            return
        }
        guard !status.isOpen else { throw refusal("it is open; close it with a verdict first") }
        try IncidentRecord.check(reason, named: "a reason", limit: 512)
        for detection in detections {
            let own = detection.group.first { $0.field == "src_endpoint.ip" }
            let actor = own.map { Actor(kind: "address", value: $0.value) } ?? self.actor
            let fingerprint = IncidentEngine.fingerprint(rule: detection.rule, actor: actor, group: detection.group)
            if let place = suppressions.firstIndex(where: { $0.fingerprint == fingerprint }) {
                (suppressions[place].until, suppressions[place].by, suppressions[place].reason) = (time, by, reason)
            } else {
                suppressions.append(
                    Suppression(
                        fingerprint: fingerprint, rule: detection.rule, name: detection.name, group: detection.group,
                        until: time, by: by, reason: reason, detections: 0, events: 0))
            }
        }
        let words = "\(suppressions.count) fingerprints until \(time): \(reason)"
        log("suppressed", words, by: by, at: now)
    }
}
