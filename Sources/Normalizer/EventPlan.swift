// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Wire

/// One event that a record may become: what is written where, with all attributes as places of its shape.
final class EventPlan: Sendable {
    /// One line of `map:`.
    struct Line: Sendable {
        var place: Place
        var field: FieldID
        var value: Rulebook.Value
        var conversion: Mapping.Conversion
        /// The attribute that the line's value lies in, without itself; none at the root.
        var parent: RowShape.Range
        var isArray: Bool
        /// How many attributes around it repeat.
        var level: Int
        /// Where the text of an enumerated value goes that is none of the known ones; -1 nowhere.
        var sibling: Place
        /// For an address that is a name: the hostname beside it; -1 nowhere.
        var hostname: Place
        /// The known ids of an enumerated integer; empty: any.
        var known: Run
        /// The known values of an enumerated text, as the seed in ``Rulebook/knownTexts``; -1: any.
        var knownTexts: Int32

        init(_ target: Attributes, _ shape: RowShape, _ table: FieldTable, _ book: inout Rulebook) {
            let line = target.line
            let attribute = table.fields[Int(target.field)]
            let texts =
                line.target.primitive == .string
                ? Set((line.target.enumeration?.captions ?? [:]).keys.map { Array($0.utf8) }) : []
            place = shape.place(target.field)
            field = target.field
            value = book.add(line.value)
            conversion = EventPlan.conversion(line.target)
            parent = attribute.parent.map { shape.range($0 + 1, table.fields[Int($0)].end) } ?? .none
            isArray = attribute.isArray
            level = attribute.arrayDepth - (attribute.isArray ? 1 : 0)
            sibling = target.sibling.map { shape.place($0) } ?? -1
            hostname = target.hostname.map { shape.place($0) } ?? -1
            known = book.add(line.target.enumeration?.captions.keys.compactMap { Int64($0) } ?? [])
            knownTexts = book.add(known: texts)
        }

        /// Where value number `position` of an attribute that repeats stands, in the first of what repeats around it; nil
        /// beyond the limits.
        func element(_ position: Int) -> UInt32? {
            switch level {
            case 0: Entry.element(position)
            case 1: Entry.element(0, position)
            case 2: Entry.element(0, 0, position)
            default: nil
            }
        }

        /// Where value number `position` stands in an object of a list, whose own place is `holder`; nil beyond the limits.
        func element(_ position: Int, in holder: UInt32) -> UInt32? {
            isArray ? Entry.element(position, level: level).map { holder | $0 } : holder
        }
    }

    /// A line in short, when it is one of the kinds that most are: a capture becomes the value as it stands.
    struct Step: Sendable {
        enum Kind: UInt8, Sendable {
            case text
            case integer
            case port
            case address
            /// By the line itself.
            case other
        }
        var kind: Kind
        var place: Int32
        /// Captures to try, in ``Rulebook/sources``.
        var sources: Run

        init(_ line: Line) {
            let isPlain =
                !line.isArray && line.level == 0 && line.value.split == 0 && line.value.table < 0
                && line.knownTexts < 0 && line.known.count == 0 && line.value.transform == .none
            kind =
                switch line.conversion {
                case .text where isPlain: .text
                case .integer where isPlain && line.value.scale == 1: .integer
                case .port where isPlain: .port
                case .address where isPlain: .address
                default: .other
                }
            place = Int32(line.place)
            sources = line.value.sources
        }
    }

    /// What the schema demands of one object of an event, or of the whole event.
    struct Check: Sendable {
        /// The object; none stands for the whole event.
        var container: RowShape.Range
        var isWhole: Bool
        /// Whether something besides the mapping's lines makes the object or something in it.
        var isLate: Bool
        /// Of ``EventPlan/demands``.
        var required: Run
        /// Of ``EventPlan/choices``: at least one of each.
        var oneOf: Run
    }

    /// One attribute that must be there.
    struct Demand: Sendable {
        var field: FieldID
        var range: RowShape.Range
    }

    /// The condition, or -1.
    let when: Int32
    /// Whether such records become no event.
    let isDropped: Bool
    let classUID: Int
    let activity: Rulebook.Value
    let knownActivities: Run
    let severity: Rulebook.Value?
    /// Captures to try for the time, in ``Rulebook/sources``; those of one run are joined with blanks.
    let time: [(sources: Run, order: LogTime.Order)]
    let lines: [Line]
    /// Attributes that repeat objects, one of each element of a list; none for most.
    let lists: [ListPlan]
    /// The lines in short.
    let steps: [Step]
    /// One bit by line: those that may write something without a capture (defaults, cases).
    let always: [UInt64]
    /// One bit by line, by capture: those that read it. As many words each as ``always``.
    let readers: [UInt64]
    let shape: RowShape
    /// Where the envelope goes.
    let envelope: EnvelopePlaces
    /// One bit by capture: those that this event does not read. They go to `unmapped`.
    let unread: [UInt64]
    /// Whether the class has a device.
    let hasDevice: Bool
    let checks: [Check]
    /// Of ``checks``, those of objects that only the mapping's lines make.
    let objectChecks: [Check]
    let demands: [Demand]
    let choices: [Run]
    /// Attributes of which the schema takes just one; empty for nearly all events.
    let exclusive: [Exclusive]
    /// What stands for objects that an older version of the schema demands; empty in the newest.
    let fillers: [Filler]
    /// What the event has again as observables; nil for most.
    let observables: Observables?

    /// A value for an object that would be missing.
    struct Filler: Sendable {
        var object: RowShape.Range
        var place: Place
        var literal: Literal
    }

    init(
        _ event: MappingDraft.Event, _ draft: MappingDraft, _ table: FieldTable, _ schema: SchemaView,
        _ fields: Normalizer.Fields, _ book: inout Rulebook
    ) {
        let constants = EventPlan.constants(event, table)
        let targets = event.lines.compactMap { line in table.id(line.path).map { Attributes(line, $0, table) } }
        let inside = event.lists.map { list in
            list.lines.compactMap { line in table.id(line.path).map { Attributes(line, $0, table) } }
        }
        let shape = RowShape(
            fields: (targets + inside.joined()).flatMap { [$0.field, $0.sibling, $0.hostname].compactMap { $0 } }
                + fields.all(of: event.eventClass) + event.fillers.compactMap { table.id($0.path) }
                + Observables.fields(event, table),
            constants: constants)
        self.shape = shape
        envelope = fields.places(shape, event.eventClass)
        observables = Observables(event, table, shape)
        fillers = event.fillers.compactMap { filler in
            guard let object = table.id(filler.object), let field = table.id(filler.path) else { return nil }
            return Filler(
                object: shape.range(object, table.fields[Int(object)].end), place: shape.place(field),
                literal: filler.literal)
        }
        hasDevice = event.deviceType != nil
        isDropped = event.isDropped
        if case .always = event.when { when = -1 } else { when = book.add(event.when) }
        classUID = event.eventClass.uid
        activity = book.add(event.activity)
        knownActivities = book.add(
            event.eventClass.shape.attributes["activity_id"]?.enumeration?.captions.keys.compactMap { Int64($0) } ?? [])
        severity = event.severity.map { book.add($0) }
        time = zip(event.time, event.timeOrders).map { (book.add(sources: $0), $1) }
        lines = targets.map { Line($0, shape, table, &book) }
        lists = zip(event.lists, inside).compactMap { ListPlan($0, $1, event, shape, table, schema, &book) }
        steps = lines.map { Step($0) }
        let words = CaptureTable.words(targets.count)
        var always = [UInt64](repeating: 0, count: words)
        var readers = [UInt64](repeating: 0, count: words * draft.slots.names.count)
        for (number, line) in targets.map(\.line).enumerated() {
            let bit: UInt64 = 1 << UInt64(number & 63)
            // A case that needs a capture waits for that one; without such a capture it is looked at always.
            let witnesses = line.value.cases.map(\.when.witnesses)
            if line.value.fallback != nil || witnesses.contains(where: { $0 == nil }) { always[number >> 6] |= bit }
            for slot in line.value.sources + witnesses.flatMap({ $0 ?? [] }) {
                readers[slot * words + number >> 6] |= bit
            }
        }
        (self.always, self.readers) = (always, readers)
        var unread = [UInt64](repeating: 0, count: CaptureTable.words(draft.slots.names.count))
        for slot in EventPlan.unread(event, draft, targets.map(\.line)) { unread[slot >> 6] |= 1 << UInt64(slot & 63) }
        self.unread = unread
        var demands: [Demand] = []
        var choices: [Run] = []
        func add(_ ids: [FieldID]) -> Run {
            demands += ids.map { id in
                Demand(
                    field: id, range: Int(id) < table.fields.count ? shape.range(id, table.fields[Int(id)].end) : .none)
            }
            return Run(first: Int32(demands.count - ids.count), count: Int32(ids.count))
        }
        // What a constant of the shape meets is met always.
        func isOpen(_ id: FieldID) -> Bool {
            Int(id) >= table.fields.count || !shape.hasConstant(shape.range(id, table.fields[Int(id)].end))
        }
        let own = fields.all(of: event.eventClass)
        let checks: [Check] = EventPlan.requirements(event, table, schema).compactMap { requirement in
            let required = requirement.required.filter(isOpen)
            let oneOf = requirement.oneOf.filter { $0.allSatisfy(isOpen) }
            guard !required.isEmpty || !oneOf.isEmpty else { return nil }
            let run = add(required)
            choices += oneOf.map { add($0) }
            let container = requirement.container.map { shape.range($0, table.fields[Int($0)].end) } ?? .none
            let isLate =
                requirement.container.map { first in
                    shape.hasConstant(container) || own.contains { $0 >= first && $0 < table.fields[Int(first)].end }
                } ?? true
            return Check(
                container: container, isWhole: requirement.container == nil, isLate: isLate, required: run,
                oneOf: Run(first: Int32(choices.count - oneOf.count), count: Int32(oneOf.count)))
        }
        self.checks = checks
        objectChecks = checks.filter { !$0.isWhole && !shape.hasConstant($0.container) }
        exclusive = EventPlan.exclusive(event, table, schema).map { container, members in
            Exclusive(
                container: container.map { shape.range($0, table.fields[Int($0)].end) }, members: add(members))
        }
        self.demands = demands
        self.choices = choices
    }

    /// One bit by line `64 * word` and on: those that may have something to write for these captures.
    func lines(_ word: Int, _ captures: borrowing CaptureTable) -> UInt64 {
        let words = always.count
        var lines = always[word]
        return readers.withUnsafeBufferPointer { readers in
            for slots in 0..<CaptureTable.words(captures.count) {
                var open = captures.filled(slots)
                while open != 0 {
                    // As many words by capture as the mapping has captures.
                    lines |= readers[(slots << 6 | open.trailingZeroBitCount) &* words &+ word]
                    open &= open &- 1
                }
            }
            return lines
        }
    }

    /// An object of the row under construction that lacks what the schema demands of it, or nil. Objects with constants
    /// are the mapping's own, and not looked at.
    func incomplete(_ row: borrowing RowBuilder) -> RowShape.Range? {
        for index in objectChecks.indices {
            guard row.has(objectChecks[index].container) else { continue }
            let check = objectChecks[index]
            for index in check.required.range where !row.has(demands[index].range) { return check.container }
            for choice in check.oneOf.range where !hasOne(choices[choice], row) { return check.container }
        }
        return exclusive.isEmpty ? nil : surplus(row)?.range
    }

    /// Whether one of some of ``demands`` is met.
    private func hasOne(_ choice: Run, _ row: borrowing RowBuilder) -> Bool {
        for index in choice.range where row.has(demands[index].range) { return true }
        return false
    }

    /// The first demand of the schema that the row under construction cannot be made to meet, as ``fault(_:onlyLate:)``
    /// tells it.
    ///
    /// `isChecked` says that ``incomplete(_:)`` found nothing: then only what was added since is looked at.
    func missing(_ row: inout RowBuilder, isChecked: Bool) -> FieldID? {
        guard let first = fault(row, onlyLate: isChecked) else { return nil }
        guard !fillers.isEmpty else { return first }
        for filler in fillers where !row.has(filler.object) { row.put(filler.place, literal: filler.literal) }
        return fault(row, onlyLate: false)
    }

    /// The first demand of the schema that the row under construction does not meet: the missing attribute, `.max` when
    /// one of several is missing; nil when all are met.
    private func fault(_ row: borrowing RowBuilder, onlyLate: Bool) -> FieldID? {
        for index in checks.indices {
            if onlyLate, !checks[index].isLate { continue }
            if !checks[index].isWhole, !row.has(checks[index].container) { continue }
            let check = checks[index]
            for index in check.required.range where !row.has(demands[index].range) { return demands[index].field }
            for choice in check.oneOf.range where !hasOne(choices[choice], row) {
                return choices[choice].count > 0 ? demands[Int(choices[choice].first)].field : .max
            }
        }
        return exclusive.isEmpty || onlyLate ? nil : surplus(row)?.field
    }
}

/// The numbers of a line's attributes.
final class Attributes {
    let line: MappingDraft.Line
    let field: FieldID
    let sibling: FieldID?
    let hostname: FieldID?

    init(_ line: MappingDraft.Line, _ field: FieldID, _ table: FieldTable) {
        let parent = table.fields[Int(field)].parent.map { table.fields[Int($0)].path } ?? ""
        self.line = line
        self.field = field
        sibling = line.target.sibling.flatMap { table.id(parent.isEmpty ? $0 : parent + "." + $0) }
        hostname = line.target.type == "ip_t" ? table.id(parent + ".hostname") : nil
    }
}
