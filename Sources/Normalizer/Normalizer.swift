// SPDX-License-Identifier: Apache-2.0
public import Codecs
public import Events
internal import Patterns
internal import Wire

/// Turns frames into OCSF events by the mappings: one lane's instance, with the scratch memory of its steps.
///
/// Every frame becomes one event, or several where its mapping says that a record holds a list of them (`each`), but for
/// records that their mapping drops. What no mapping knows, or what a mapping cannot make valid, becomes a Base
/// Event (class 0) with its text, so that nothing is lost.
///
/// Its methods are `mutating` where they only read, too: a call of another kind from one that changes it begins with a copy
/// of all of its fields.
///
/// Steps and conditions read captures, lines of a mapping put values at the places of the event's shape
/// (``RowBuilder``), and the finished entries go into the batch in one piece. In the steady state nothing is allocated but
/// for names that no mapping has (columns beyond the last, fields of sensor records).
public struct Normalizer: ~Copyable {
    /// What was made since the tally was last taken.
    public struct Tally: Sendable {
        /// Events by mapping number; number 0 counts records that no mapping knows.
        public var events: [Int]
        /// Records whose mapping could not take them apart.
        public var unreadable = 0
        /// Events that did not meet the schema and went out as Base Events.
        public var invalid = 0
        /// Values that did not fit their attribute and stayed in `unmapped`, or whose path was cut there.
        public var misfits = 0
        /// Records of which a step took only the beginning: more pairs, fields, elements or levels than it takes. The
        /// whole text is in `raw_data`.
        public var cut = 0
        /// Texts that an expression gave up on (``Pattern/matchLimit``): they counted as no match.
        public var exhausted = 0
        /// Messages by syslog problem, in the order of `SyslogProblems.all`.
        public var problems: [Int]
        /// Records that their mapping drops (`drop: true`), by mapping number; only of mappings that did.
        public var dropped: [(mapping: Int, count: Int)] = []

        mutating func drop(by mapping: Int) {
            if let place = dropped.firstIndex(where: { $0.mapping == mapping }) {
                dropped[place].count += 1
            } else {
                dropped.append((mapping, 1))
            }
        }
    }

    /// The most groups of an expression that takes a record apart.
    static let mostGroups = 63

    let set: MappingSet
    let syslog = SyslogParser(SyslogOptions())
    let sources: SyslogSources
    let scratch = Pattern.Scratch(groups: Normalizer.mostGroups)
    /// Counts since `takeTally`, without those of ``scratch``.
    var tally: Tally
    /// The format and the problems of the message that was normalized last; nil when it was no message.
    public private(set) var lastMessage: (format: SyslogMessage.Format, problems: SyslogProblems)?
    var captures: CaptureTable
    var keyOrder: KeyOrder
    private var open: Dispatch.Open
    private var found = WitnessIndex.Found()
    var members: Members
    var row: RowBuilder
    var text = Slab(capacity: 4096)
    var tape = JSONTape()
    var list = JSONTape()
    var pairs: [FoundPair] = []
    /// The slots of values with escapes that the last key-value step captured.
    var escaped: [SlotID] = []
    /// What labels of the last CEF line call its keys.
    var labels: [(name: Extent, slot: SlotID)] = []
    /// The fields of the last dissection.
    var fields: [Extent] = []
    /// The tokens of the last XML record, its open elements and the path of the innermost.
    var tokens: [EventXML.Token] = []
    var elements: [OpenElement] = []
    var xmlPath = Slab(capacity: 256)
    /// How long the members beside may be, so that no more of the record's values goes there; 0 once it was reached.
    var xmlRoom = 0
    var lists: [(slot: SlotID, value: Capture)] = []
    /// The objects of a list under construction.
    var objects = StagedObjects()
    var problems = Problems()
    /// The list whose elements become events of their own.
    var split = Split()
    private var defaults: [(line: Int, literal: Literal)] = []
    /// When the record under work was received, in nanoseconds since the epoch.
    var received: Int64 = 0
    /// The time that the last event claims for itself, in nanoseconds since the epoch: its `time`, unless it was held to the
    /// receipt; the receipt where it claims none.
    public internal(set) var claimedTime: Int64 = 0
    /// The zone of its dates that name none.
    var zone = SyslogZone.utc
    let uidPrefix: [UInt8]
    private var running: UInt64

    /// A normalizer for one lane.
    ///
    /// `uidPrefix` begins each event's `metadata.uid`. What follows is the frame's place in the journal,
    /// `<epoch>-<number>`, when its batch has one (``Batch/position``): the same for each replay of a frame. Without a
    /// journal it is a running number from `firstSequence` on, and the prefix has to differ at each start of the service.
    public init(
        _ set: MappingSet, sources: SyslogSources = SyslogSources(), uidPrefix: String = "", firstSequence: UInt64 = 1
    ) {
        self.set = set
        self.sources = sources
        self.uidPrefix = Array(uidPrefix.utf8)
        self.running = firstSequence
        self.captures = CaptureTable(capacity: set.mappings.map(\.slots.names.count).max() ?? 0)
        self.keyOrder = KeyOrder(set.mappings)
        self.open = Dispatch.Open(
            things: set.mappings.map { max($0.steps.count, $0.events.count) }.max() ?? 0,
            captures: set.mappings.map(\.slots.names.count).max() ?? 0)
        self.members = Members(reserved: set.reserved)
        self.row = RowBuilder(places: set.places)
        self.tally = Tally(
            events: Array(repeating: 0, count: set.mappings.count + 1),
            problems: Array(repeating: 0, count: SyslogProblems.all.count))
    }

    /// The running number that the next event without a journal gets: hand it to the normalizer that takes over after a
    /// reload.
    public var nextSequence: UInt64 { running }

    /// The counts since they were last taken or reset.
    public var currentTally: Tally {
        var all = tally
        all.exhausted = scratch.exhausted
        return all
    }

    /// The counts since they were last taken or reset, which then begin anew.
    public mutating func takeTally() -> Tally {
        let taken = currentTally
        resetTally()
        return taken
    }

    /// Sets the counts to nothing, without giving their memory back.
    public mutating func resetTally() {
        for place in tally.events.indices { tally.events[place] = 0 }
        for place in tally.problems.indices { tally.problems[place] = 0 }
        tally.unreadable = 0
        tally.invalid = 0
        tally.misfits = 0
        tally.cut = 0
        if !tally.dropped.isEmpty { tally.dropped.removeAll(keepingCapacity: true) }
        _ = scratch.takeExhausted()
    }

    /// Appends the event of frame number `index` to `batch` as its last row; of several the first, the others are made by
    /// ``next(of:)``, which has to be called until it answers false, or they are lost. `input` is the name of what the frame came in
    /// by; only when sources are told apart by it does it matter (``SyslogSources/asksForInputs``).
    ///
    /// - Returns: false when the mapping says that such records become no event: nothing was appended then, and nothing is
    ///   left.
    @discardableResult
    public mutating func normalize(frame index: Int, of batch: inout Batch, input: String = "") -> Bool {
        var header = Header(frame: batch.frames[index])
        var source: Int?
        if !sources.isEmpty {
            source = sources.number(of: header.frame.peer, input: input)
            zone = source.map(sources.zone) ?? .utc
        }
        let mapping = recognise(&header, batch.slab, source)
        if let position = batch.position {
            header.sequence = position.first &+ UInt64(index)
        } else {
            header.sequence = running
            running += 1
        }
        let before = batch.rows.count
        if let mapping, emit(set.mappings[mapping], index, header, &batch) {
            let made = batch.rows.count - before
            tally.events[mapping + 1] += made
            return made > 0 || next(of: &batch)
        }
        tally.events[0] += 1
        baseEvent(index, header, fault: nil, attempted: nil, &batch)
        return true
    }

    /// Reads the header of a frame and finds the mapping that takes it.
    private mutating func recognise(_ header: inout Header, _ slab: borrowing Slab, _ source: Int?) -> Int? {
        let frame = header.frame
        lastMessage = nil
        split.isOpen = false
        switch frame.transport {
        case .sensor:
            header.content = frame.extent
            return recordMapping(frame, slab)
        case .service:
            header.content = frame.extent
            return noticeMapping(frame, slab)
        case .udp, .tcp, .tls, .file, .dtls, .relp:
            let bytes = slab.bytes(frame.extent)
            let message: SyslogMessage
            if let source {
                message = sources.parser(source).parse(bytes, receivedAt: frame.received)
            } else {
                message = syslog.parse(bytes, receivedAt: frame.received)
            }
            header.take(message, frame)
            lastMessage = (message.format, message.problems)
            problems.count(message.problems, &tally.problems)
            return set.recognizer.mapping(
                slab.bytes(header.content), program: slab.bytes(header.appname),
                messageID: slab.bytes(header.msgid), structuredData: slab.bytes(header.structuredData),
                scratch, &found)
        }
    }

    /// Takes the record apart and writes its event, unless its mapping drops it or it holds a list of events, which is open
    /// then; false when that was not possible and nothing was written.
    private mutating func emit(_ mapping: Mapping, _ index: Int, _ header: Header, _ batch: inout Batch) -> Bool {
        captures.begin(mapping.slots.names.count)
        members.reset()
        received = header.frame.received
        header.capture(mapping.builtins, &captures, &batch.slab)
        return proceed(from: 0, mapping, index, header, &batch)
    }

    /// Runs the steps from number `first` on, and writes the event of what was captured: as ``emit(_:_:_:_:)``.
    @inline(__always)
    mutating func proceed(
        from first: Int, _ mapping: Mapping, _ index: Int, _ header: Header, _ batch: inout Batch
    ) -> Bool {
        var next = first
        mapping.stepDispatch.begin(&open)
        mapping.stepDispatch.update(&open, captures)
        while let number = mapping.stepDispatch.next(
            from: next, mapping.stepDispatch.row(mapping.book, captures, batch.slab), open)
        {
            next = number + 1
            let rule = mapping.steps[number]
            if rule.when >= 0, !mapping.book.holds(rule.when, captures, batch.slab, scratch) { continue }
            if !run(rule, mapping, header, &batch) {
                if split.isOpen, split.step < 0 {
                    split.begin(at: next, index, header)
                    return true
                }
                if !rule.isOptional {
                    tally.unreadable += 1
                    return false
                }
            }
            // A step may make what the next ones are told apart by.
            mapping.stepDispatch.update(&open, captures)
        }
        if !mapping.absent.isEmpty { dropAbsent(mapping, batch.slab) }
        let event = mapping.eventDispatch.row(mapping.book, captures, batch.slab)
        mapping.eventDispatch.begin(&open)
        mapping.eventDispatch.update(&open, captures)
        next = 0
        while let number = mapping.eventDispatch.next(from: next, event, open) {
            next = number + 1
            let plan = mapping.events[number]
            guard plan.when < 0 || mapping.book.holds(plan.when, captures, batch.slab, scratch) else { continue }
            if plan.isDropped {
                tally.drop(by: Int(mapping.number))
            } else {
                write(plan, mapping, index, header, &batch)
            }
            return true
        }
        return false
    }

    /// Forgets captures whose text is one of those that stand for no value.
    mutating func dropAbsent(_ mapping: Mapping, _ slab: borrowing Slab) {
        for word in 0..<CaptureTable.words(captures.count) {
            // The header's own stay.
            var open = captures.filled(word) & (word == 0 ? .max << UInt64(Builtins.count) : .max)
            while open != 0 {
                let slot = word << 6 | open.trailingZeroBitCount
                open &= open - 1
                let extent = captures[slot].extent
                guard mapping.absentLengths & 1 &<< UInt64(min(extent.length, 63)) != 0, captures[slot].kind == .text
                else { continue }
                let bytes = slab.bytes(extent)
                guard mapping.absentFirsts & 1 &<< UInt64((bytes.byte(at: 0) ?? 0) & 63) != 0 else { continue }
                for text in mapping.absent
                where text.length == extent.length && mapping.book.withText(text, { bytes.equals($0) }) {
                    captures[slot] = .absent
                }
            }
        }
    }

    /// Writes the event of a plan, or a Base Event when the schema would not take it.
    private mutating func write(
        _ plan: EventPlan, _ mapping: Mapping, _ index: Int, _ header: Header, _ batch: inout Batch
    ) {
        row.begin(plan.shape)
        // Of two values at one place the first stands: a mapped product name goes before the mapping's own.
        defaults.removeAll(keepingCapacity: true)
        for word in plan.always.indices {
            var open = plan.lines(word, captures)
            while open != 0 {
                let number = word << 6 | open.trailingZeroBitCount
                open &= open - 1
                if writeStep(plan.steps[number], mapping, batch.slab) { continue }
                if let literal = write(plan.lines[number], mapping, &batch.slab) { defaults.append((number, literal)) }
            }
        }
        for index in plan.lists.indices { writeList(plan.lists[index], mapping, &batch.slab) }
        row.putConstants(plan.shape)
        // Defaults of lines whose object something else has made.
        for index in defaults.indices where row.has(plan.lines[defaults[index].line].parent) {
            row.put(plan.lines[defaults[index].line].place, literal: defaults[index].literal)
        }
        let isComplete = dropIncomplete(plan, mapping, batch.slab)
        leftovers(plan, mapping, batch.slab)
        let time = common(plan, mapping, header, &batch)
        if let observables = plan.observables { observe(observables, &batch.slab) }
        if let fault = plan.missing(&row, isChecked: isComplete) {
            tally.invalid += 1
            baseEvent(index, header, fault: fault, attempted: plan.classUID, &batch)
            return
        }
        row.finish(
            Row(
                frame: index, classUID: plan.classUID, time: time, sequence: header.sequence, mapping: mapping.number),
            to: &batch)
    }

    /// Takes objects back that the schema would not take, such as an endpoint with a port only: what they were made of
    /// goes to `unmapped`, and the event stays what it is.
    ///
    /// - Returns: whether all objects are complete now.
    private mutating func dropIncomplete(_ plan: EventPlan, _ mapping: Mapping, _ slab: borrowing Slab) -> Bool {
        // One object may complete another by going: the deepest nesting is a handful.
        for _ in 0..<8 {
            guard let range = plan.incomplete(row) else { return true }
            tally.misfits += 1
            for number in plan.lines.indices {
                let line = plan.lines[number]
                guard line.place >= Int(range.low), line.place < Int(range.high), row.has(line.place) else { continue }
                if case .capture(let slot) = mapping.book.evaluate(line.value, captures, slab, scratch) {
                    member(slot, mapping, slab)
                }
            }
            for list in plan.lists where list.first >= range.low && list.first < range.high && row.has(list.places) {
                if let slot = source(of: list, mapping) { member(slot, mapping, slab) }
            }
            row.remove(range)
        }
        return false
    }

    /// Writes what every event of a mapping has, and tells its time.
    private mutating func common(
        _ plan: EventPlan, _ mapping: Mapping, _ header: Header, _ batch: inout Batch
    ) -> Int64 {
        let own = plan.envelope
        var activity: Int64 = 0
        switch mapping.book.evaluate(plan.activity, captures, batch.slab, scratch) {
        case .literal(.integer(let value)), .fallback(.integer(let value)): activity = value
        case .capture(let slot): activity = integer(captures[slot], batch.slab) ?? 0
        default: break
        }
        if !mapping.book.contains(plan.knownActivities, activity) {
            activity = mapping.book.contains(plan.knownActivities, 99) ? 99 : 0
        }
        row.put(own.activity, integer: activity)
        row.put(own.type, integer: Int64(plan.classUID) * 100 + activity)
        var severity = Header.severity(header.severity)
        if let rule = plan.severity {
            switch mapping.book.evaluate(rule, captures, batch.slab, scratch) {
            case .literal(.integer(let value)), .fallback(.integer(let value)): severity = value
            case .capture(let slot):
                if let value = integer(captures[slot], batch.slab), (0...6).contains(value) { severity = value }
            default: break
            }
        }
        row.put(own.severity, integer: severity)
        var time = header.time
        for group in plan.time {
            if let found = timestamp(group, mapping.book, &batch.slab) {
                time = found
                break
            }
        }
        time = settle(time, header, own)
        envelope(header, own, time, &batch)
        if plan.hasDevice { device(header, own, &batch.slab) }
        if members.count > 0 { row.put(own.unmapped, kind: .members, batch.slab.append(members.bytes)) }
        return time
    }
}

/// A pair that a parse step found, by its places in the slab.
struct FoundPair {
    var key: Extent
    var value: Extent
    var isFlag = false
    var isQuoted = false
}
