// SPDX-License-Identifier: Apache-2.0
internal import Events
public import Store

/// Proves what the store holds of an incident: its revisions, its log of steps, and its evidence.
public struct IncidentAudit: Sendable, Equatable {
    /// The incident.
    public var id: String
    /// The number of its revisions.
    public var revisions = 0
    /// The number of its steps.
    public var actions = 0
    /// The number of its pieces of evidence.
    public var evidence = 0
    /// The hash of its newest revision: kept elsewhere, it shows also a store that was rewritten as a whole.
    public var head = ""
    /// What is wrong, one line each.
    public var faults: [String] = []

    /// Looks an incident through.
    public init(_ id: String, in store: StateStore) throws {
        self.id = id
        guard let row = try store.look({ try $0.incident(id) }) else { throw IncidentError.unknown(id: id) }
        let chain = try store.look { try $0.revisions(of: id) }
        revisions = chain.count
        head = row.hash
        switch IncidentChain.fault(chain.map { ($0.revision, $0.hash, $0.json) }) {
        case .altered(let revision)?: faults.append("revision \(revision) was altered")
        case .broken(let revision)?: faults.append("revision \(revision) does not follow on the one before")
        case .missing(let revision)?: faults.append("revision \(revision) is missing")
        case nil: break
        }
        if chain.last?.hash != row.hash || Digest.sha256(row.json) != row.hash {
            faults.append("the record is not that of its newest revision")
        }
        guard let record = try? IncidentRecord(json: row.json) else {
            faults.append("the record cannot be read")
            return
        }
        actions = record.actions.count
        if let step = record.faultyAction { faults.append("step \(step) of the log was altered, added or removed") }
        checkGrowth(chain, record)
        try checkEvidence(store, record)
    }

    /// Each revision has the steps of those before it, unchanged.
    private mutating func checkGrowth(_ chain: [StoredRevision], _ newest: IncidentRecord) {
        for link in chain {
            guard let json = link.json, let record = try? IncidentRecord(json: json) else { continue }
            let kept = record.actions.map(\.hash)
            if kept.count > newest.actions.count || newest.actions.prefix(kept.count).map(\.hash) != kept {
                faults.append("steps of revision \(link.revision) are gone from the log")
                return
            }
        }
    }

    private mutating func checkEvidence(_ store: StateStore, _ record: IncidentRecord) throws {
        evidence = record.evidence.count
        for item in record.evidence {
            guard let stored = try store.look({ try $0.evidence(item.sha256) }) else {
                faults.append("evidence \(item.sha256) of event \(Shown.line(item.eventUid)) is missing")
                continue
            }
            let end = item.offset + item.length
            guard item.offset >= 0, item.length >= 0, end <= stored.bytes.count,
                Digest.sha256(Array(stored.bytes[item.offset..<end])) == item.sha256
            else {
                faults.append("evidence \(item.sha256) of event \(Shown.line(item.eventUid)) is not what was received")
                continue
            }
        }
    }
}
