// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Correlator
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
    private var matcher: RowMatcher
    /// Other rules over the same events, to compare with; what it matched stands beside each hit.
    private var rival: RowMatcher?
    private var rivalRules: [[String]] = []
    private var messages: MessageCounters
    private var joiner = SegmentJoiner<SegmentOrigin>()
    private var counted: SegmentJoiner<SegmentOrigin>.Counts
    /// What waits while older frames are read again, and what of it was counted.
    private var aside: (joiner: SegmentJoiner<SegmentOrigin>, counted: SegmentJoiner<SegmentOrigin>.Counts)?
    private let uidPrefix: String
    /// The event of a hit as it is written: kept, because room for a whole event is more than most allocations give.
    private var json = Slab(capacity: EventPipeline.room)
    private static let room = 32 << 10
    /// The clocks of those who send to this lane, and whether they are looked at: what is read again was seen when it came.
    var clocks = ClockTable()
    var watchesClocks = false

    /// A pipeline; `uidPrefix` comes before the running number in each event's uid. With a `rival` what either of the two
    /// rule sets matches is a hit.
    init(_ knowledge: Knowledge, uidPrefix: String, messages: MessageCounters, rival: consuming RowMatcher? = nil) {
        self.messages = messages
        self.rival = rival
        matcher = RowMatcher(knowledge.rules, of: knowledge.ruleSet)
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
        matcher = RowMatcher(new.rules, of: new.ruleSet)
        knowledge = new
    }

    /// The ids of the rival's rules for each hit since the last call.
    mutating func takeRivalRules() -> [[String]] {
        defer { rivalRules = [] }
        return rivalRules
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

    /// Makes the events of frame number `index`, and a hit of each that a rule matches.
    private mutating func make(
        _ index: Int, _ batch: inout Batch, _ matching: Bool, _ names: SourceNames, _ hits: inout [Hit]
    ) {
        let input =
            knowledge.senders.asksForInputs ? names.name(of: batch.frames[index], at: batch.position) : ""
        var isEvent = normalizer.normalize(frame: index, of: &batch, input: input)
        if let message = normalizer.lastMessage {
            messages.note(Int(batch.frames[index].listener), message.format, message.problems)
        }
        if watchesClocks, isEvent { clocks.observe(batch.frames[index], claimed: normalizer.claimedTime) }
        while isEvent {
            finish(&batch, matching, names, &hits)
            isEvent = normalizer.next(of: &batch)
        }
    }

    /// Enriches the last event, and makes a hit when a rule matches it.
    @inline(__always)
    private mutating func finish(
        _ batch: inout Batch, _ matching: Bool, _ names: SourceNames, _ hits: inout [Hit]
    ) {
        enricher.enrich(&batch)
        let row = batch.rows.count - 1
        guard matching, row >= 0 else { return }
        let isHit = matcher.match(row, of: batch, knowledge)
        let isRivals = rival?.match(row, of: batch, knowledge) ?? false
        guard isHit || isRivals else { return }
        hits.append(hit(row, batch, names))
        if rival != nil { rivalRules.append(rival?.ids ?? []) }
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

    /// Makes the event of joined segments in the place of frame number `index`. Its uid is that of the first segment, its
    /// hits stand where it was made: those of frames in between came before them.
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
        // Numbers of a log's first frames are below the index: what begins before 0 comes round again.
        if let first = joined.context.position {
            batch.position = JournalPosition(log: first.log, first: first.first &- UInt64(index), epoch: first.epoch)
        }
        let known = hits.count
        make(index, &batch, matching, names, &hits)
        batch.replace(frame: index, with: last)
        batch.position = position
        guard let position else { return }
        for place in known..<hits.count {
            hits[place].position = JournalPosition(
                log: position.log, first: position.first + UInt64(index), epoch: position.epoch)
        }
    }

    /// Whether segments wait for the rest of their event.
    var holdsSegments: Bool { !joiner.isEmpty }

    /// Makes events of segments that have waited long enough for the rest, or of all when `isLast`; `batch` is empty and
    /// has no position.
    mutating func release(
        _ batch: inout Batch, now: Int64, isLast: Bool, names: SourceNames, into hits: inout [Hit]
    ) {
        if isLast { joiner.flush() } else { joiner.expire(now: now) }
        let known = hits.count
        while let joined = joiner.next() {
            batch.append(joined.context.frame)
            make(joined, batch.frames.count - 1, &batch, true, names, &hits)
        }
        for place in known..<hits.count { hits[place].isOutOfTurn = true }
    }

    /// Sets what waits for the rest of an event aside, so that older frames can be read again as they came.
    mutating func setAside() {
        aside = (joiner, counted)
        forgetSegments()
    }

    /// Goes on with what was set aside.
    mutating func takeUp() {
        guard let known = aside.take() else { return }
        (joiner, counted) = known
    }

    /// Forgets what waits for the rest of an event.
    mutating func forgetSegments() {
        joiner = SegmentJoiner()
        counted = joiner.counts
    }

    /// Takes the segments of a batch that was processed before a crash, so that their rest finds them.
    mutating func remember(_ batch: borrowing Batch) {
        for index in batch.frames.indices where isSegment(index, batch) { _ = hold(index, batch) }
        while joiner.next() != nil {}
    }

    /// Adds what was counted since the last call to the shared counters.
    mutating func count(into counters: inout LaneCounters, oldest: Int64) {
        counters.add(normalizer.currentTally, knowledge, oldest: oldest)
        counters.add(&matcher.scratch, knowledge.ruleSet)
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
        matcher.scratch.resetCounts()
        rival?.scratch.resetCounts()
        _ = enricher.takeMatches()
        messages.forget()
    }

    /// A hit with its evidence: what the event was made of. Of a frame with several events that is the event's own part, so
    /// that a long line is not kept once for each of them; the position names the frame, which the journal has whole.
    private mutating func hit(_ row: Int, _ batch: borrowing Batch, _ names: SourceNames) -> Hit {
        // One that a large event has grown is given up.
        if json.capacity > 16 * EventPipeline.room { json = Slab(capacity: EventPipeline.room) } else { json.reset() }
        EventWriter.append(row, of: batch, to: &json)
        let event = batch.rows[row]
        var evidence: [Evidence] = []
        var received = event.time
        if event.frame >= 0, Int(event.frame) < batch.frames.count {
            let frame = batch.frames[Int(event.frame)]
            received = frame.received
            let name = names.name(of: frame, at: batch.position)
            let bytes = batch.slab.bytes(batch.source(of: row) ?? frame.extent)
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
            rules: matcher.ids, uid: batch.text("metadata.uid", in: row) ?? "",
            time: event.time, received: received, event: json.bytes.array, evidence: evidence,
            position: batch.position.map {
                JournalPosition(log: $0.log, first: $0.first &+ UInt64(max(event.frame, 0)), epoch: $0.epoch)
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
