// SPDX-License-Identifier: Apache-2.0
internal import Codecs
public import Events
internal import Patterns
internal import Wire

/// Turns frames into OCSF events by the mappings: one lane's instance, with the scratch memory of its steps.
///
/// Every frame becomes exactly one event. What no mapping knows, or what a mapping cannot make valid, becomes a Base
/// Event (class 0) with its text, so that nothing is lost.
public struct Normalizer: ~Copyable {
    /// What was made since the tally was last taken.
    public struct Tally: Sendable {
        /// Events by mapping number; number 0 counts records that no mapping knows.
        public var events: [Int]
        /// Records whose mapping could not take them apart.
        public var unreadable = 0
        /// Events that did not meet the schema and went out as Base Events.
        public var invalid = 0
        /// Values that did not fit their attribute and stayed in `unmapped`.
        public var misfits = 0
        /// Messages by syslog problem, in the order of `SyslogProblems.all`.
        public var problems: [Int]
    }

    let set: MappingSet
    let fields: Fields
    let syslog: SyslogParser
    let scratch = Pattern.Scratch(groups: 63)
    /// Counts since `takeTally`.
    public internal(set) var tally: Tally
    var captures: [Capture] = []
    var members = Slab(capacity: 4096)
    var text = Slab(capacity: 4096)
    var tape = JSONTape()
    var pairs: [(key: Extent, value: Extent)] = []
    var lists: [(slot: SlotID, value: Capture)] = []
    var defaults: [(field: FieldID, literal: Literal)] = []
    private let uidPrefix: String
    private var sequence: UInt64

    /// A normalizer for one lane. `uidPrefix` and the running number make each event's `metadata.uid`.
    public init(_ set: MappingSet, uidPrefix: String = "", firstSequence: UInt64 = 1) {
        self.set = set
        self.fields = Fields(set.table)
        self.syslog = SyslogParser(SyslogOptions())
        self.uidPrefix = uidPrefix
        self.sequence = firstSequence
        self.tally = Tally(
            events: Array(repeating: 0, count: set.mappings.count + 1),
            problems: Array(repeating: 0, count: SyslogProblems.all.count))
    }

    /// The number that the next event gets: hand it to the normalizer that takes over after a reload.
    public var nextSequence: UInt64 { sequence }

    /// The counts since the last call.
    public mutating func takeTally() -> Tally {
        defer {
            tally = Tally(
                events: Array(repeating: 0, count: tally.events.count),
                problems: Array(repeating: 0, count: tally.problems.count))
        }
        return tally
    }

    /// Appends the event of frame number `index` to `batch` as its last row.
    public mutating func normalize(frame index: Int, of batch: inout Batch) {
        let frame = batch.frames[index]
        var header = Header(frame: frame)
        var mapping: Int?
        if frame.transport == .sensor {
            header.content = frame.extent
            mapping = recordMapping(frame, batch.slab)
        } else {
            let message = syslog.parse(batch.slab.bytes(frame.extent), receivedAt: frame.received)
            header.take(message, frame)
            for (number, problem) in SyslogProblems.all.enumerated() where message.problems.contains(problem.flag) {
                tally.problems[number] += 1
            }
            mapping = messageMapping(header, batch.slab)
        }
        if let mapping {
            if emit(set.mappings[mapping], index, header, &batch) {
                tally.events[mapping + 1] += 1
                sequence += 1
                return
            }
        }
        tally.events[0] += 1
        baseEvent(index, header, fault: nil, attempted: nil, &batch)
        sequence += 1
    }

    /// The first mapping whose matcher takes the message.
    private func messageMapping(_ header: Header, _ slab: borrowing Slab) -> Int? {
        let message = slab.bytes(header.content)
        let program = slab.bytes(header.appname)
        for (number, mapping) in set.mappings.enumerated() {
            for matcher in mapping.matchers where matcher.record == nil {
                if matches(matcher, message, program) { return number }
            }
        }
        return nil
    }

    private func matches(_ matcher: Mapping.Matcher, _ message: RawSpan, _ program: RawSpan) -> Bool {
        if !matcher.programs.isEmpty {
            var found = false
            for name in matcher.programs where program.equalsIgnoringCase(name.span.bytes) { found = true }
            if !found { return false }
        }
        if matcher.needsNoProgram, program.byteCount > 0 { return false }
        for text in matcher.contains where message.firstRange(of: text.span.bytes) == nil { return false }
        if !matcher.starts.isEmpty {
            var found = false
            for text in matcher.starts where message.part(0, text.count).equals(text.span.bytes) { found = true }
            if !found { return false }
        }
        if matcher.isCEF, message.firstRange(of: "CEF:") == nil { return false }
        if let pattern = matcher.pattern, !pattern.matches(message, scratch) { return false }
        return true
    }

    /// Takes the record apart and writes its event; false when that was not possible and nothing was written.
    private mutating func emit(_ mapping: Mapping, _ index: Int, _ header: Header, _ batch: inout Batch) -> Bool {
        captures.removeAll(keepingCapacity: true)
        captures.append(contentsOf: repeatElement(.absent, count: mapping.slots.names.count))
        members.reset()
        header.capture(mapping.builtins, &captures, &batch.slab)
        for rule in mapping.steps {
            if !run(rule.step, mapping, header, &batch), !rule.isOptional {
                tally.unreadable += 1
                return false
            }
        }
        var chosen: Mapping.Event?
        for event in mapping.events where event.when.holds(captures, batch.slab, scratch) {
            chosen = event
            break
        }
        guard let event = chosen else { return false }
        batch.beginRow(frame: index, classUID: event.classUID, time: header.time, mapping: mapping.number)
        // Of two values at one place the first stands: a mapped product name goes before the mapping's own.
        defaults.removeAll(keepingCapacity: true)
        for line in event.lines {
            if let literal = write(line, mapping, &batch) { defaults.append((line.field, literal)) }
        }
        for constant in event.constants { batch.put(constant) }
        writeDefaults(&batch)
        leftovers(event, mapping, batch.slab)
        common(event, header, index, &batch)
        if let fault = fault(event, batch) {
            batch.abandonRow()
            tally.invalid += 1
            baseEvent(index, header, fault: fault, attempted: event.classUID, &batch)
            return true
        }
        batch.endRow(sequence: sequence)
        return true
    }

    /// Writes what every event has.
    private mutating func common(_ event: Mapping.Event, _ header: Header, _ index: Int, _ batch: inout Batch) {
        var activity: Int64 = 0
        switch event.activity.evaluate(captures, batch.slab, scratch) {
        case .literal(.integer(let value)), .fallback(.integer(let value)): activity = value
        case .capture(let slot): activity = integer(captures[slot], batch.slab) ?? 0
        default: break
        }
        if !event.knownActivities.contains(activity) { activity = event.knownActivities.contains(99) ? 99 : 0 }
        batch.put(.integer(fields.activity, activity))
        batch.put(.integer(fields.type, Int64(event.classUID) * 100 + activity))
        var severity = Header.severity(header.severity)
        if let rule = event.severity {
            switch rule.evaluate(captures, batch.slab, scratch) {
            case .literal(.integer(let value)), .fallback(.integer(let value)): severity = value
            case .capture(let slot):
                if let value = integer(captures[slot], batch.slab), (0...6).contains(value) { severity = value }
            default: break
            }
        }
        batch.put(.integer(fields.severity, severity))
        var time = header.time
        for slot in event.time {
            if let found = timestamp(captures[slot], batch.slab) {
                time = found
                break
            }
        }
        // A clock far ahead would drive every window: the time of receipt counts then (reference/sigma.md section 9).
        if header.frame.transport != .sensor, header.frame.transport != .file,
            time > header.frame.received + 300_000_000_000
        {
            time = header.frame.received
        }
        batch.setTime(time)
        envelope(header, index, time, &batch)
        if event.device != nil { device(header, &batch) }
        if members.count > 0 {
            batch.put(.bytes(fields.unmapped, .members, batch.slab.append(members.bytes)))
        }
    }

    /// Time, identity, original text and what the syslog header said beyond the event.
    private mutating func envelope(_ header: Header, _ index: Int, _ time: Int64, _ batch: inout Batch) {
        batch.put(.integer(fields.time, time / 1_000_000))
        batch.put(.integer(fields.loggedTime, header.frame.received / 1_000_000))
        let start = batch.slab.count
        batch.slab.append(uidPrefix)
        batch.slab.append(decimal: Int64(bitPattern: sequence))
        batch.put(.bytes(fields.uid, .text, Extent(start..<batch.slab.count)))
        guard header.frame.transport != .sensor else { return }
        batch.put(.bytes(fields.rawData, .text, header.frame.extent))
        if !header.timestampText.isEmpty { batch.put(.bytes(fields.originalTime, .text, header.timestampText)) }
        if let facility = header.facility { batch.put(.integer(fields.facility, Int64(facility))) }
        if !header.appname.isEmpty { batch.put(.bytes(fields.appname, .text, header.appname)) }
        if !header.procid.isEmpty { batch.put(.bytes(fields.procid, .text, header.procid)) }
        if !header.msgid.isEmpty { batch.put(.bytes(fields.msgid, .text, header.msgid)) }
        if !header.structuredData.isEmpty {
            batch.put(.bytes(fields.structuredData, .text, header.structuredData))
        }
        if header.frame.isCut { batch.put(.boolean(fields.cut, true)) }
        if let peer = header.frame.peer {
            batch.put(.bytes(fields.peer, .text, batch.slab.append(peer.description)))
        }
        if !header.problems.isEmpty {
            let start = batch.slab.count
            for (number, problem) in SyslogProblems.all.enumerated() where header.problems.contains(problem.flag) {
                if batch.slab.count > start { batch.slab.append(byte: 0x2C) }
                batch.slab.append(SyslogProblems.all[number].name)
            }
            batch.put(.bytes(fields.problems, .text, Extent(start..<batch.slab.count)))
        }
    }

    /// The device that reported: the syslog host name, or the sender's address.
    private func device(_ header: Header, _ batch: inout Batch) {
        if !header.hostname.isEmpty {
            let isAddress = header.hostname.length <= 40 && IPAddress(batch.slab.bytes(header.hostname)) != nil
            batch.put(.bytes(isAddress ? fields.deviceAddress : fields.deviceHostname, .text, header.hostname))
        } else if let peer = header.frame.peer {
            batch.put(.bytes(fields.deviceAddress, .text, batch.slab.append(peer.description)))
        } else {
            batch.put(.bytes(fields.deviceHostname, .text, batch.slab.append("unknown")))
        }
    }

    /// The event of a record that no mapping could make one of: OCSF Base Event, with the text and the reason.
    private mutating func baseEvent(
        _ index: Int, _ header: Header, fault: FieldID?, attempted: Int?, _ batch: inout Batch
    ) {
        batch.beginRow(frame: index, classUID: 0, time: header.time, mapping: 0)
        batch.put(.integer(fields.classUID, 0))
        batch.put(.integer(fields.category, 0))
        batch.put(.integer(fields.activity, 0))
        batch.put(.integer(fields.type, 0))
        batch.put(.integer(fields.severity, Header.severity(header.severity)))
        batch.put(.constant(fields.version, fields.versionText))
        batch.put(.constant(fields.product, fields.unknownText))
        envelope(header, index, header.time, &batch)
        if header.frame.transport != .sensor {
            batch.put(.constant(fields.profiles, fields.hostText))
            batch.put(.integer(fields.deviceType, 0))
            device(header, &batch)
            if !header.content.isEmpty { batch.put(.bytes(fields.message, .text, header.content)) }
        }
        if let attempted {
            batch.put(.integer(fields.attempted, Int64(attempted)))
            let path = fault.map {
                Int($0) < set.table.fields.count ? set.table.fields[Int($0)].path : "a required attribute"
            }
            batch.put(.bytes(fields.fault, .text, batch.slab.append("missing: " + (path ?? "one of several"))))
        }
        batch.endRow(sequence: sequence)
    }

    /// The first demand of the schema that the row under construction does not meet: the missing attribute, `.max` when
    /// one of several is missing; nil when all are met.
    private func fault(_ event: Mapping.Event, _ batch: borrowing Batch) -> FieldID? {
        guard let row = batch.rows.last else { return nil }
        let range = Int(row.first)..<batch.entries.count
        func has(_ field: FieldID) -> Bool {
            guard Int(field) < set.table.fields.count else { return false }
            let end = set.table.fields[Int(field)].end
            for index in range where batch.entries[index].field >= field && batch.entries[index].field < end {
                return true
            }
            return false
        }
        for check in event.checks {
            if let container = check.container, !has(container) { continue }
            for field in check.required where !has(field) { return field }
            for group in check.oneOf {
                var found = false
                for field in group where has(field) { found = true }
                if !found { return group.first ?? .max }
            }
        }
        return nil
    }
}
