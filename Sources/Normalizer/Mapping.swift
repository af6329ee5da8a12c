// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Patterns
internal import Wire

/// A compiled mapping: how to know a product's records, how to take them apart, and which events they become.
struct Mapping: Sendable {
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
        /// The sensor record kind; nil: syslog messages.
        var record: [UInt8]?
        /// Whether the message must be CEF.
        var isCEF = false
    }

    /// One step of taking a record apart.
    enum Step: Sendable {
        /// A JSON object; the capture's text, or the message.
        case json(SlotID?)
        /// Key-value pairs.
        case keyValue(SlotID?, separator: UInt8, assign: UInt8, quote: UInt8)
        /// The first expression that matches gives its named groups and fixed captures.
        case regex(SlotID?, [Alternative])
        /// A CEF line.
        case cef
        /// A sensor record.
        case record
    }

    /// A parse step with what to do when it fails.
    struct StepRule: Sendable {
        var step: Step
        var isOptional: Bool
    }

    /// One expression of a `regex` step.
    struct Alternative: Sendable {
        var pattern: Pattern
        var groups: [(number: Int, slot: SlotID)]
        var sets: [(slot: SlotID, text: [UInt8])]
    }

    /// One line of `map:`.
    struct Line: Sendable {
        var field: FieldID
        var value: ValueRule
        var conversion: Conversion
        /// Where the text of an enumerated value goes that is none of the known ones.
        var sibling: FieldID?
        /// The known ids of an enumerated integer; empty: any.
        var known: Set<Int64>
        /// The known values of an enumerated text; empty: any.
        var knownTexts: Set<[UInt8]>
        /// For an address that is a name: the hostname beside it.
        var hostname: FieldID?
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

    /// One event that a record may become.
    struct Event: Sendable {
        var when: Condition
        var classUID: Int
        var activity: ValueRule
        var knownActivities: Set<Int64>
        var severity: ValueRule?
        var time: [SlotID]
        var lines: [Line]
        /// Constant entries of every such event, sorted.
        var constants: [Entry]
        /// Captures that this event reads; the others go to `unmapped`.
        var reads: [Bool]
        var device: Device?
        var checks: [Check]
    }

    /// The `device` of events whose class has one.
    struct Device: Sendable {
        var hostname: FieldID
        var address: FieldID
    }

    /// What the schema demands of one object of an event; the whole event when `container` is nil.
    struct Check: Sendable {
        var container: FieldID?
        var required: [FieldID]
        var oneOf: [[FieldID]]
    }

    var name: String
    var number: UInt16
    var product: String
    var logSources: (products: Set<String>, categories: Set<String>, services: Set<String>)
    var matchers: [Matcher]
    var steps: [StepRule]
    var events: [Event]
    var slots: SlotTree
    var builtins: Builtins
    /// Slots by sensor record field.
    var recordSlots: [SlotID?]
    var rank: Int
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
