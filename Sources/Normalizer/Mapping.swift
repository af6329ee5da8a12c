// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Events
internal import Patterns
internal import Wire

/// A compiled mapping: how to know a product's records, how to take them apart, and which events they become.
final class Mapping: Sendable {
    /// A test on a whole record, before it is taken apart. Every part that is given must hold.
    struct Matcher: Sendable {
        /// Program names (APP-NAME or TAG), compared without regard to case; empty: any. One with ``anySeverity`` in it
        /// stands for eight.
        var programs: [[UInt8]] = []
        /// Stands for the digits 0 to 7; no byte of UTF-8.
        static let anySeverity: UInt8 = 0xFF
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
        /// MSGIDs of RFC 5424, of which the message must have one, compared without regard to case; empty: any.
        var messageIDs: [[UInt8]] = []
        /// What is asked of the structured data of RFC 5424; nil: nothing.
        var structured: StructuredTest?

        /// Where the severity of an event code (`%ASA-6-302013`) stands: the digit before its last part.
        static func severity(of program: RawSpan) -> Int? {
            guard program.byte(at: 0) == 0x25, let last = program.lastIndex(of: 0x2D),
                let digit = program.byte(at: last - 1), digit &- 0x30 <= 7, program.byte(at: last - 2) == 0x2D
            else { return nil }
            return last - 1
        }
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
        /// At most 64 characters, as OCSF 1.1 has it.
        case digest
        /// Nanoseconds or text become milliseconds.
        case timestamp
        /// No schema: numbers and truth values of JSON keep their kind.
        case any
    }

    let name: String
    let number: UInt16
    let logSources: (products: Set<String>, categories: Set<String>, services: Set<String>)
    let steps: [StepRule]
    /// What the steps name by number.
    let tables: StepTables
    let events: [EventPlan]
    /// Which steps and which events a record comes into question for.
    let stepDispatch: Dispatch
    let eventDispatch: Dispatch
    let slots: SlotTree
    /// Keys of `unmapped` members by slot, as JSON with colon, in ``Rulebook/pool``.
    let keys: [Extent]
    let builtins: Builtins
    /// Texts by which the product says that there is no value, in ``Rulebook/pool``; one bit by their lengths, and one by
    /// the low six bits of their first bytes.
    let absent: [Extent]
    let absentLengths: UInt64
    let absentFirsts: UInt64
    /// Slots by sensor record field; -1 where none reads the field.
    let recordSlots: [SlotID]
    /// Slots of the CEF header's six fields, and of LEEF's four; -1 where none reads the field.
    let headerSlots: [SlotID]
    let leefSlots: [SlotID]
    /// The slot of `sd.id`, the first SD-ID; -1 where nothing reads it.
    let elementSlot: SlotID
    /// Their keys as members, as ``keys``.
    let headerKeys: [Extent]
    let leefKeys: [Extent]
    /// The node of `labels` in ``slots``, whose children are captures by what CEF labels call them; -1 without any.
    let labels: Int
    let book: Rulebook

    /// The CEF header's fields as captures, below `cef`.
    static let headerNames = [
        "device_vendor", "device_product", "device_version", "event_class_id", "name", "severity",
    ]
    /// The LEEF header's fields as captures, below `leef`.
    static let leefNames = ["vendor", "product", "version", "event_id"]

    init(
        _ draft: MappingDraft, number: Int, table: FieldTable, _ schema: SchemaView, records: RecordVocabulary,
        fields: Normalizer.Fields, reserved: ByteTable
    ) {
        var book = Rulebook()
        name = draft.name
        self.number = UInt16(number)
        logSources = (
            draft.products.union(["ocsf", draft.name]), draft.categories, draft.services.union([draft.name])
        )
        var tables = StepTables()
        steps = draft.steps.map { tables.add($0, draft, reserved, &book) }
        self.tables = tables
        slots = draft.slots
        builtins = draft.builtins
        absent = draft.absent.map { book.add(bytes: $0) }
        absentLengths = draft.absent.reduce(0) { $0 | 1 << UInt64(min($1.count, 63)) }
        absentFirsts = draft.absent.reduce(0) { $0 | 1 << UInt64(($1.first ?? 0) & 63) }
        recordSlots = records.names.map { draft.slots.known($0) ?? -1 }
        headerSlots = Mapping.headerNames.map { draft.slots.known("cef." + $0) ?? -1 }
        leefSlots = Mapping.leefNames.map { draft.slots.known("leef." + $0) ?? -1 }
        elementSlot = draft.slots.known("sd.id") ?? -1
        headerKeys = Mapping.headerNames.map { book.add(bytes: Members.key("cef_" + $0, reserved)) }
        leefKeys = Mapping.leefNames.map { book.add(bytes: Members.key("leef_" + $0, reserved)) }
        labels = draft.slots.find(0, Array("labels".utf8).span.bytes) ?? -1
        // Inside the elements of a list no name is the service's.
        keys = zip(draft.slots.names, draft.slots.isInside).map {
            book.add(bytes: Members.key($0, $1 ? ByteTable() : reserved))
        }
        events = draft.events.map { EventPlan($0, draft, table, schema, fields, &book) }
        // A step that may fail does nothing without the capture that it takes apart.
        stepDispatch = Dispatch(
            draft.steps.map(\.when), sources: draft.steps.map { $0.isOptional ? $0.source ?? $0.onlyList : nil },
            slots: slots.names.count, &book)
        eventDispatch = Dispatch(
            draft.events.map(\.when), sources: draft.events.map { _ in nil }, slots: slots.names.count, &book)
        self.book = book
    }
}

/// The captures that every record has: the syslog header and the way it came.
struct Builtins: Sendable {
    let message, hostname, appname, procid, msgid, severity, facility, eventCode, structuredData: SlotID
    let peer, peerPort, transport, relay: SlotID

    init(_ slots: inout SlotTree) {
        message = slots.slot("syslog.message")
        hostname = slots.slot("syslog.hostname")
        appname = slots.slot("syslog.appname")
        procid = slots.slot("syslog.procid")
        msgid = slots.slot("syslog.msgid")
        severity = slots.slot("syslog.severity")
        facility = slots.slot("syslog.facility")
        eventCode = slots.slot("syslog.event_code")
        structuredData = slots.slot("syslog.structured_data")
        peer = slots.slot("peer.ip")
        peerPort = slots.slot("peer.port")
        transport = slots.slot("peer.transport")
        relay = slots.slot("syslog.relay")
    }

    static let count = 13
}
