// SPDX-License-Identifier: Apache-2.0
internal import Dissection
internal import Events
internal import Inventory
internal import Normalizer
internal import Sigma
internal import Wire

/// The stages of one lane as plain calls on its own batch: normalize, enrich, match. No queue, no lock, no await.
struct EventPipeline: ~Copyable {
    /// What the stages work by.
    private(set) var knowledge: Knowledge
    private var normalizer: Normalizer
    private var enricher: Enricher
    private var scratch = MatchScratch()
    private var matched: [Int] = []
    private var candidates: [UInt64: RuleCandidates] = [:]
    private let uidPrefix: String

    /// A pipeline; `uidPrefix` comes before the running number in each event's uid.
    init(_ knowledge: Knowledge, uidPrefix: String) {
        self.knowledge = knowledge
        self.uidPrefix = uidPrefix
        normalizer = Normalizer(knowledge.mappings, uidPrefix: uidPrefix)
        enricher = knowledge.enricher
    }

    /// Takes over new knowledge; event numbers go on and learned process values stay.
    mutating func adopt(_ new: Knowledge) {
        guard new !== knowledge else { return }
        let next = normalizer.nextSequence
        normalizer = Normalizer(new.mappings, uidPrefix: uidPrefix, firstSequence: next)
        var enricher = new.enricher
        enricher.inherit(from: self.enricher)
        self.enricher = enricher
        candidates.removeAll()
        knowledge = new
    }

    /// Makes the events of all frames of `batch`, and hits of those that a rule matches.
    mutating func process(_ batch: inout Batch, collector: (Frame) -> String, into hits: inout [Hit]) {
        for index in batch.frames.indices {
            normalizer.normalize(frame: index, of: &batch)
            enricher.enrich(&batch)
            let row = batch.rows.count - 1
            guard row >= 0 else { continue }
            let key = UInt64(batch.rows[row].mapping) << 32 | UInt64(UInt32(bitPattern: batch.rows[row].classUID))
            if candidates[key] == nil {
                candidates[key] = knowledge.ruleSet.candidates(
                    for: knowledge.logSources(
                        mapping: batch.rows[row].mapping, classUID: Int(batch.rows[row].classUID)))
            }
            guard let chosen = candidates[key], chosen.count > 0 else { continue }
            matched.removeAll(keepingCapacity: true)
            knowledge.rules.match(row, of: batch, candidates: chosen, scratch: &scratch, into: &matched)
            if !matched.isEmpty { hits.append(hit(row, batch, collector)) }
        }
    }

    /// What was counted since the last call.
    mutating func takeTally() -> Normalizer.Tally { normalizer.takeTally() }

    private func hit(_ row: Int, _ batch: borrowing Batch, _ collector: (Frame) -> String) -> Hit {
        var json = Slab(capacity: 2048)
        EventWriter.append(row, of: batch, to: &json)
        let event = batch.rows[row]
        var evidence: [Evidence] = []
        var received = event.time
        if event.frame >= 0, Int(event.frame) < batch.frames.count {
            let frame = batch.frames[Int(event.frame)]
            received = frame.received
            let name = collector(frame)
            let bytes = batch.slab.bytes(frame.extent)
            if frame.transport == .sensor {
                evidence = EventPipeline.packets(bytes, received, name)
            } else {
                evidence = [
                    Evidence(
                        kind: frame.transport == .file ? .line : .syslog, bytes: bytes.array, received: received,
                        collector: name, peer: frame.peer?.description ?? "")
                ]
            }
        }
        return Hit(
            rules: matched.map { knowledge.ruleSet.rules[$0].id }, uid: batch.text("metadata.uid", in: row) ?? "",
            time: event.time, received: received, event: json.bytes.array, evidence: evidence)
    }

    /// The captured frames that a sensor record carries.
    private static func packets(_ record: RawSpan, _ received: Int64, _ collector: String) -> [Evidence] {
        var evidence: [Evidence] = []
        var reader = RecordReader(record)
        while let pair = try? reader.next(), evidence.count < 8 {
            guard case .bytes(let extent) = pair.value,
                pair.field == RecordField.packetRequest.rawValue || pair.field == RecordField.packetResponse.rawValue
            else { continue }
            evidence.append(
                Evidence(
                    kind: .packet, bytes: record.part(extent).array, received: received, collector: collector, peer: "")
            )
        }
        return evidence
    }
}
