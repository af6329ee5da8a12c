// SPDX-License-Identifier: Apache-2.0
public import Wire

/// One parsed syslog message: offsets into the message's bytes, no heap.
///
/// Two results live side by side: the strict verdict of the RFC 5424 grammar (`isStrict`, `faultOffset`) and the
/// best-effort record, which every byte string has. An empty extent is an absent field (NILVALUE or not there).
public struct SyslogMessage: Sendable {
    /// Which header the message has.
    public enum Format: UInt8, Sendable {
        /// No header was recognised: everything is message.
        case none
        /// RFC 3164 and its vendor variants.
        case rfc3164
        /// RFC 5424.
        case rfc5424

        /// The name in the `parse` command's answer.
        public var name: String { "\(literal)" }

        var literal: StaticString {
            switch self {
            case .none: "none"
            case .rfc3164: "rfc3164"
            case .rfc5424: "rfc5424"
            }
        }
    }

    /// Which header the message has.
    public var format = Format.none
    /// Whether the bytes meet the RFC 5424 grammar and its text.
    public var isStrict = false
    /// The offset of the first byte that breaks the RFC 5424 grammar, or -1.
    public var faultOffset: Int32 = -1
    /// The PRI value, 0 to 191, or -1 when it is missing or out of range.
    public var priority: Int16 = -1
    /// The RFC 5424 VERSION, or -1.
    public var version: Int16 = -1
    /// Nanoseconds since the epoch that the message claims, or nil (see `timestampText`).
    public var timestamp: Int64?
    /// Nanoseconds since the epoch when the message came in.
    public var receivedAt: Int64
    /// Seconds east of UTC of the zone that the timestamp was written in, or was assumed to be.
    public var zoneOffset: Int32 = 0
    /// What the reading of the timestamp had to assume.
    public var timeAssumptions: TimeAssumptions = []
    /// The digits between `<` and `>`.
    public var priorityText = Extent(offset: 0, length: 0)
    /// The timestamp as written.
    public var timestampText = Extent(offset: 0, length: 0)
    /// HOSTNAME.
    public var hostname = Extent(offset: 0, length: 0)
    /// APP-NAME, or the RFC 3164 TAG without its process id and colon.
    public var appname = Extent(offset: 0, length: 0)
    /// PROCID, or what the TAG has in brackets.
    public var procid = Extent(offset: 0, length: 0)
    /// MSGID.
    public var msgid = Extent(offset: 0, length: 0)
    /// The structured data as written, without NILVALUE.
    public var structuredData = Extent(offset: 0, length: 0)
    /// MSG without byte order mark, or RFC 3164 CONTENT without its leading blank.
    public var message = Extent(offset: 0, length: 0)
    /// `FAC-SEV-MNEMONIC` of a Cisco tag `%FAC-SEV-MNEMONIC:`.
    public var eventCode = Extent(offset: 0, length: 0)
    /// The host of a second RFC 3164 header at the beginning of the message: the device, where `hostname` is a relay
    /// (Cisco ISE behind a collector).
    public var innerHostname = Extent(offset: 0, length: 0)
    /// The timestamp of that second header as written.
    public var innerTimestampText = Extent(offset: 0, length: 0)
    /// What was wrong or assumed.
    public var problems: SyslogProblems = []

    /// A message without any field.
    public init(receivedAt: Int64) { self.receivedAt = receivedAt }

    /// The facility, 0 to 23, or nil without a usable PRI.
    public var facility: Int? { priority < 0 ? nil : Int(priority) >> 3 }

    /// The severity, 0 (emergency) to 7 (debug), or nil without a usable PRI.
    public var severity: Int? { priority < 0 ? nil : Int(priority) & 7 }

    /// The event time in nanoseconds since the epoch: the claimed one, else that of receipt.
    public var eventTime: Int64 { timestamp ?? receivedAt }

    /// Whether a lenient RFC 5424 receiver takes the message: all fields are there and the structured data can be read.
    public var isUsable: Bool {
        format != .none && problems.isDisjoint(with: [.headerIncomplete, .fieldCharacter, .badTime]) && !hasLostData
    }

    /// Whether a name was cut or a piece of structured data could not be read.
    var hasLostData = false

    /// What is known to need no care in JSON, so that the writer does not look at these bytes again. A promise about text
    /// only: where the bytes lie, the writer checks for itself.
    var plain: Plain = []

    /// The parts of a message that a reader has found plain.
    struct Plain: OptionSet, Sendable {
        let rawValue: UInt8
        /// TIMESTAMP to MSGID: printable ASCII without quotes and backslashes, where each stands in the grammar's order.
        static let header = Plain(rawValue: 1)
        /// The structured data: strict, printable ASCII, without backslashes.
        static let data = Plain(rawValue: 2)
        /// MSG: without control characters.
        static let text = Plain(rawValue: 4)
    }

    /// What the reading of a timestamp had to assume.
    public struct TimeAssumptions: OptionSet, Sendable {
        /// One bit for each assumption.
        public let rawValue: UInt8
        /// A set of assumptions from its bits.
        public init(rawValue: UInt8) { self.rawValue = rawValue }
        /// The year was not in the message (RFC 3164).
        public static let year = TimeAssumptions(rawValue: 1)
        /// The zone was not in the message.
        public static let zone = TimeAssumptions(rawValue: 2)
    }

    mutating func fault(_ offset: Int) {
        if faultOffset < 0 { faultOffset = Int32(truncatingIfNeeded: offset) }
    }

    mutating func fault(_ offset: Int, _ problem: SyslogProblems) {
        fault(offset)
        problems.insert(problem)
    }
}
