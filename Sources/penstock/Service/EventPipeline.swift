// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Dissection
internal import Events
internal import Inventory
internal import Normalizer
internal import Sigma
internal import Wire

/// Where a held segment of an event comes from.
struct SegmentOrigin: Sendable {
    let frame: Frame
    let position: JournalPosition?
}

/// The stages of one lane as plain calls on its own batch: normalize, enrich, match. No queue, no lock, no await.
struct EventPipeline: ~Copyable {
    /// What the stages work by.
    private(set) var knowledge: Knowledge
    private var normalizer: Normalizer
    private var enricher: Enricher
    private var scratch = MatchScratch()
    private var messages: MessageCounters
    private var matched: [Int] = []
    private var joiner = SegmentJoiner<SegmentOrigin>()
    private var counted: SegmentJoiner<SegmentOrigin>.Counts
    /// The rules worth a look by mapping and class; few pairs, so a look through them beats hashing.
    private var candidates: [(key: UInt64, rules: RuleCandidates)] = []
    private var lastCandidates = 0
    private let uidPrefix: String

    /// A pipeline; `uidPrefix` comes before the running number in each event's uid.
    init(_ knowledge: Knowledge, uidPrefix: String, messages: MessageCounters) {
        self.messages = messages
        counted = joiner.counts
        self.knowledge = knowledge
        self.uidPrefix = uidPrefix
        normalizer = Normalizer(knowledge.mappings, sources: knowledge.senders, uidPrefix: uidPrefix)
        enricher = knowledge.enricher
    }

    /// Takes over new knowledge; event numbers go on and learned process values stay.
    mutating func adopt(_ new: Knowledge) {
        guard new !== knowledge else { return }
        let next = normalizer.nextSequence
        normalizer = Normalizer(
            new.mappings, sources: new.senders, uidPrefix: uidPrefix, firstSequence: next)
        var enricher = new.enricher
        enricher.inherit(from: self.enricher)
        self.enricher = enricher
        candidates.removeAll()
        lastCandidates = 0
        knowledge = new
    }

    /// Makes the events of all frames of `batch` and, when `matching`, hits of those that a rule matches.
    mutating func process(
        _ batch: inout Batch, matching: Bool = true, names: SourceNames, into hits: inout [Hit]
    ) {
        for index in batch.frames.indices {
            if isSegment(index, batch) {
                if !hold(index, batch) { make(index, &batch, matching, names, &hits) }
                while let joined = joiner.next() { make(joined, index, &batch, matching, names, &hits) }
            } else {
                make(index, &batch, matching, names, &hits)
            }
        }
    }

    /// Makes the event of frame number `index`, and a hit when a rule matches.
    private mutating func make(
        _ index: Int, _ batch: inout Batch, _ matching: Bool, _ names: SourceNames, _ hits: inout [Hit]
    ) {
        let input =
            knowledge.senders.asksForInputs ? names.name(of: batch.frames[index], at: batch.position) : ""
        let isEvent = normalizer.normalize(frame: index, of: &batch, input: input)
        if let message = normalizer.lastMessage {
            messages.note(Int(batch.frames[index].listener), message.format, message.problems)
        }
        guard isEvent else { return }
        enricher.enrich(&batch)
        let row = batch.rows.count - 1
        guard matching, row >= 0 else { return }
        let key = UInt64(batch.rows[row].mapping) << 32 | UInt64(UInt32(bitPattern: batch.rows[row].classUID))
        let place = place(of: key, batch.rows[row])
        guard candidates[place].rules.count > 0 else { return }
        matched.removeAll(keepingCapacity: true)
        knowledge.rules.match(
            row, of: batch, candidates: candidates[place].rules, scratch: &scratch, into: &matched)
        if !matched.isEmpty { hits.append(hit(row, batch, names)) }
    }

    /// Whether frame number `index` may be one of several messages that are one event.
    private func isSegment(_ index: Int, _ batch: borrowing Batch) -> Bool {
        let frame = batch.frames[index]
        switch frame.transport {
        case .sensor, .service: return false
        default: return batch.slab.bytes(frame.extent).mayBeISESegment
        }
    }

    private mutating func hold(_ index: Int, _ batch: borrowing Batch) -> Bool {
        let frame = batch.frames[index]
        let position = batch.position.map {
            JournalPosition(log: $0.log, first: $0.first + UInt64(index), epoch: $0.epoch)
        }
        return joiner.take(
            batch.slab.bytes(frame.extent), from: frame.peer, at: frame.received,
            SegmentOrigin(frame: frame, position: position))
    }

    /// Makes the event of joined segments in the place of frame number `index`. Its uid is that of the first segment.
    private mutating func make(
        _ joined: SegmentJoiner<SegmentOrigin>.Joined, _ index: Int, _ batch: inout Batch, _ matching: Bool,
        _ names: SourceNames, _ hits: inout [Hit]
    ) {
        let (last, position) = (batch.frames[index], batch.position)
        var frame = joined.context.frame
        frame.extent = batch.slab.append(joined.bytes.span.bytes)
        frame.isCut = frame.isCut || joined.missing > 0
        // Origins are numbered by batch; that of the last segment is as good.
        frame.origin = last.origin
        batch.replace(frame: index, with: frame)
        if let first = joined.context.position {
            batch.position = JournalPosition(log: first.log, first: first.first &- UInt64(index), epoch: first.epoch)
        }
        make(index, &batch, matching, names, &hits)
        batch.replace(frame: index, with: last)
        batch.position = position
    }

    /// Whether segments wait for the rest of their event.
    var holdsSegments: Bool { !joiner.isEmpty }

    /// Makes events of segments that have waited long enough for the rest, or of all when `isLast`; `batch` is empty and
    /// has no position.
    mutating func release(
        _ batch: inout Batch, now: Int64, isLast: Bool, names: SourceNames, into hits: inout [Hit]
    ) {
        if isLast { joiner.flush() } else { joiner.expire(now: now) }
        while let joined = joiner.next() {
            batch.append(joined.context.frame)
            make(joined, batch.frames.count - 1, &batch, true, names, &hits)
        }
    }

    /// Takes the segments of a batch that was processed before a crash, so that their rest finds them.
    mutating func remember(_ batch: borrowing Batch) {
        for index in batch.frames.indices where isSegment(index, batch) { _ = hold(index, batch) }
        while joiner.next() != nil {}
    }

    /// Where the candidates for events of a mapping and class are.
    private mutating func place(of key: UInt64, _ row: Row) -> Int {
        if lastCandidates < candidates.count, candidates[lastCandidates].key == key { return lastCandidates }
        if let known = candidates.firstIndex(where: { $0.key == key }) {
            lastCandidates = known
            return known
        }
        let sources = knowledge.logSources(mapping: row.mapping, classUID: Int(row.classUID))
        candidates.append((key, knowledge.ruleSet.candidates(for: sources, classUID: Int(row.classUID))))
        lastCandidates = candidates.count - 1
        return lastCandidates
    }

    /// Adds what was counted since the last call to the shared counters.
    mutating func count(into counters: inout LaneCounters, oldest: Int64) {
        counters.add(normalizer.currentTally, knowledge, oldest: oldest)
        counters.add(&scratch, knowledge.ruleSet)
        counters.add(intelligence: enricher.takeMatches(), knowledge.intelligence)
        normalizer.resetTally()
        messages.flush()
        let now = joiner.counts
        guard now.segments != counted.segments || now.expired != counted.expired else { return }
        let incomplete = now.expired + now.evicted + now.superseded
        counters.add(
            joined: now.joined - counted.joined,
            incomplete: incomplete - counted.expired - counted.evicted - counted.superseded,
            repeated: now.repeated - counted.repeated)
        counted = now
    }

    /// Forgets what was counted of frames that were counted when they came in.
    mutating func forgetCounts() {
        normalizer.resetTally()
        scratch.resetCounts()
        _ = enricher.takeMatches()
        messages.forget()
    }

    private func hit(_ row: Int, _ batch: borrowing Batch, _ names: SourceNames) -> Hit {
        var json = Slab(capacity: 2048)
        EventWriter.append(row, of: batch, to: &json)
        let event = batch.rows[row]
        var evidence: [Evidence] = []
        var received = event.time
        if event.frame >= 0, Int(event.frame) < batch.frames.count {
            let frame = batch.frames[Int(event.frame)]
            received = frame.received
            let name = names.name(of: frame, at: batch.position)
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
            time: event.time, received: received, event: json.bytes.array, evidence: evidence,
            position: batch.position.map {
                JournalPosition(log: $0.log, first: $0.first + UInt64(max(event.frame, 0)), epoch: $0.epoch)
            })
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
