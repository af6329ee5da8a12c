// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Patterns
internal import Wire

/// A compiled mapping: how to know a product's records, how to take them apart, and which events they become.
final class Mapping: Sendable {
    /// A test on a whole record, before it is taken apart. Every part that is given must hold.
    struct Matcher: Sendable {
        /// Program names (APP-NAME or TAG), compared without regard to case; empty: any.
        var programs: [[UInt8]] = []
        /// Only messages without a program name.
        var needsNoProgram = false
        /// Texts that the message must hold, all of them.
        var contains: [[UInt8]] = []
        /// Texts of which the message must begin with one.
        var starts: [[UInt8]] = []
        /// An expression that the message must match.
        var pattern: Pattern?
        /// The sensor record kind; nil: messages.
        var record: [UInt8]?
        /// The kind of notice that the service itself writes; nil: messages from outside.
        var notice: [UInt8]?
        /// Whether the message must be CEF.
        var isCEF = false
    }

    /// One step of taking a record apart.
    enum Step: Sendable {
        /// A JSON object.
        case json
        /// Key-value pairs.
        case keyValue(KeyValue.Style)
        /// The first expression that matches gives its named groups and fixed captures: a run of ``alternatives``.
        case regex(Run)
        /// A CEF line.
        case cef
        /// A sensor record.
        case record
    }

    /// A parse step with what to do when it fails.
    struct StepRule: Sendable {
        var step: Step
        /// The capture whose text is taken apart; -1: the message.
        var source: SlotID
        var isOptional: Bool
    }

    /// One expression of a `regex` step.
    struct Alternative: Sendable {
        /// Of ``Rulebook/patterns``.
        var pattern: Int32
        /// Of ``groups``.
        var groups: Run
        /// Of ``sets``.
        var sets: Run
    }

    /// How a captured text becomes the attribute's value.
    enum Conversion: Sendable {
        case integer
        /// 0 to 65535.
        case port
        case double
        case boolean
        case text
        case address
        case mac
        /// Nanoseconds or text become milliseconds.
        case timestamp
        /// No schema: numbers and truth values of JSON keep their kind.
        case any
    }

    let name: String
    let number: UInt16
    let logSources: (products: Set<String>, categories: Set<String>, services: Set<String>)
    let matchers: [Matcher]
    let steps: [StepRule]
    let alternatives: [Alternative]
    let groups: [(number: Int32, slot: Int32)]
    let sets: [(slot: Int32, text: Extent)]
    let events: [EventPlan]
    let slots: SlotTree
    /// Keys of `unmapped` members by slot, as JSON with colon, in ``Rulebook/pool``.
    let keys: [Extent]
    let builtins: Builtins
    /// Slots by sensor record field; -1 where none reads the field.
    let recordSlots: [SlotID]
    /// Slots of the CEF header's six fields; -1 where none reads the field.
    let headerSlots: [SlotID]
    let book: Rulebook

    /// The CEF header's fields as captures, below `cef`.
    static let headerNames = [
        "device_vendor", "device_product", "device_version", "event_class_id", "name", "severity",
    ]

    init(
        _ draft: MappingDraft, number: Int, table: FieldTable, records: RecordVocabulary, fields: Normalizer.Fields,
        reserved: ByteTable
    ) {
        var book = Rulebook()
        name = draft.name
        self.number = UInt16(number)
        logSources = (
            draft.products.union(["ocsf", draft.name]), draft.categories, draft.services.union([draft.name])
        )
        matchers = draft.matchers
        var alternatives: [Alternative] = []
        var groups: [(number: Int32, slot: Int32)] = []
        var sets: [(slot: Int32, text: Extent)] = []
        steps = draft.steps.map { step in
            let compiled: Step
            switch step.kind {
            case .json: compiled = .json
            case .keyValue(let style): compiled = .keyValue(style)
            case .cef: compiled = .cef
            case .record: compiled = .record
            case .regex(let all):
                for item in all {
                    let first = (groups: groups.count, sets: sets.count)
                    groups += item.groups.map { (Int32($0.number), Int32($0.slot)) }
                    sets += item.sets.map { (Int32($0.slot), book.add(bytes: $0.text)) }
                    alternatives.append(
                        Alternative(
                            pattern: book.add(item.pattern),
                            groups: Run(first: Int32(first.groups), count: Int32(groups.count - first.groups)),
                            sets: Run(first: Int32(first.sets), count: Int32(sets.count - first.sets))))
                }
                compiled = .regex(Run(first: Int32(alternatives.count - all.count), count: Int32(all.count)))
            }
            return StepRule(step: compiled, source: step.source ?? -1, isOptional: step.isOptional)
        }
        slots = draft.slots
        builtins = draft.builtins
        recordSlots = records.names.map { name in draft.slots.names.firstIndex(of: name) ?? -1 }
        headerSlots = Mapping.headerNames.map { name in draft.slots.names.firstIndex(of: "cef." + name) ?? -1 }
        keys = draft.slots.names.map { book.add(bytes: Members.key($0, reserved)) }
        events = draft.events.map { EventPlan($0, draft, table, fields, &book) }
        self.alternatives = alternatives
        self.groups = groups
        self.sets = sets
        self.book = book
    }
}

/// The captures that every record has: the syslog header and the way it came.
struct Builtins: Sendable {
    let message, hostname, appname, procid, msgid, severity, facility, eventCode, peer, peerPort, transport: SlotID

    init(_ slots: inout SlotTree) {
        message = slots.slot("syslog.message")
        hostname = slots.slot("syslog.hostname")
        appname = slots.slot("syslog.appname")
        procid = slots.slot("syslog.procid")
        msgid = slots.slot("syslog.msgid")
        severity = slots.slot("syslog.severity")
        facility = slots.slot("syslog.facility")
        eventCode = slots.slot("syslog.event_code")
        peer = slots.slot("peer.ip")
        peerPort = slots.slot("peer.port")
        transport = slots.slot("peer.transport")
    }

    static let count = 11
}
