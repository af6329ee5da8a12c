// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What was wrong or assumed in one syslog message. Each problem has a name and is a counter; none drops the message.
public struct SyslogProblems: OptionSet, Hashable, Sendable {
    /// One bit for each problem.
    public let rawValue: UInt32

    /// A set of problems from its bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// No byte is left after the trailer is trimmed.
    public static let empty = SyslogProblems(rawValue: 1 << 0)
    /// Neither a PRI nor a timestamp: everything is message.
    public static let noHeader = SyslogProblems(rawValue: 1 << 1)
    /// The message does not begin with `<PRI>`.
    public static let priorityMissing = SyslogProblems(rawValue: 1 << 2)
    /// The PRI is above 191 or has a leading zero.
    public static let priorityInvalid = SyslogProblems(rawValue: 1 << 3)
    /// More blanks than the grammar allows (two after VERSION, one after PRI).
    public static let extraBlank = SyslogProblems(rawValue: 1 << 4)
    /// The timestamp names no point in time (month 13, Feb 29 in a common year) or has no known form.
    public static let badTime = SyslogProblems(rawValue: 1 << 5)
    /// There is no usable timestamp: the event time is the time of receipt.
    public static let timeOfReceipt = SyslogProblems(rawValue: 1 << 6)
    /// The timestamp lies outside of what 64 bits of nanoseconds can hold (before 1677 or after 2262).
    public static let timeOutOfRange = SyslogProblems(rawValue: 1 << 7)
    /// An ISO timestamp without zone: the source's zone was used.
    public static let zoneAssumed = SyslogProblems(rawValue: 1 << 8)
    /// More than six digits of fraction in an RFC 5424 timestamp.
    public static let fractionTooLong = SyslogProblems(rawValue: 1 << 9)
    /// An RFC 5424 timestamp in another RFC 3339 or ISO 8601 form (blank for `T`, `,` for `.`, `+0100`).
    public static let timeForm = SyslogProblems(rawValue: 1 << 10)
    /// The time occurs twice at the end of daylight saving; the first one was taken.
    public static let timeRepeated = SyslogProblems(rawValue: 1 << 11)
    /// The time does not exist at the start of daylight saving.
    public static let timeInGap = SyslogProblems(rawValue: 1 << 12)
    /// A header field or SD-NAME is longer than RFC 5424 allows.
    public static let fieldTooLong = SyslogProblems(rawValue: 1 << 13)
    /// A header field holds bytes outside printable ASCII.
    public static let fieldCharacter = SyslogProblems(rawValue: 1 << 14)
    /// The message ends inside the RFC 5424 header.
    public static let headerIncomplete = SyslogProblems(rawValue: 1 << 15)
    /// The structured data breaks its grammar; what could be read is there, the text is kept.
    public static let structuredDataMalformed = SyslogProblems(rawValue: 1 << 16)
    /// An SD-ID occurs twice (RFC 5424 section 6.3.2).
    public static let structuredDataRepeated = SyslogProblems(rawValue: 1 << 17)
    /// A backslash in a PARAM-VALUE before something else than `"`, `\` or `]`.
    public static let escapeInvalid = SyslogProblems(rawValue: 1 << 18)
    /// A byte order mark before MSG.
    public static let byteOrderMark = SyslogProblems(rawValue: 1 << 19)
    /// MSG or a PARAM-VALUE is not UTF-8: a text view needs repair.
    public static let textRepaired = SyslogProblems(rawValue: 1 << 20)
    /// Control characters other than tab in the message.
    public static let controlCharacters = SyslogProblems(rawValue: 1 << 21)
    /// A line break or NUL inside the message.
    public static let lineBreakInside = SyslogProblems(rawValue: 1 << 22)
    /// An octet count stands before the PRI, though the transport has its own boundaries.
    public static let countPrefix = SyslogProblems(rawValue: 1 << 23)

    /// The day and the month of a date in figures can be told apart only by what is nearer to the time of receipt.
    public static let dateOrderAssumed = SyslogProblems(rawValue: 1 << 24)

    /// How many kinds of problem there are.
    static let count = 25

    /// Every problem with the name that counters and the `parse` command use.
    public static let all: [(flag: SyslogProblems, name: String)] = (0..<count).map {
        (SyslogProblems(rawValue: 1 << UInt32($0)), "\(name(ofBit: $0))")
    }

    /// The names of the problems in this set.
    public var names: [String] { SyslogProblems.all.filter { contains($0.flag) }.map(\.name) }

    /// The name of one problem, without a table that has to be made and held.
    static func name(ofBit bit: Int) -> StaticString {
        switch bit {
        case 0: "empty"
        case 1: "no_header"
        case 2: "pri_missing"
        case 3: "pri_invalid"
        case 4: "extra_blank"
        case 5: "bad_time"
        case 6: "time_of_receipt"
        case 7: "time_out_of_range"
        case 8: "zone_assumed"
        case 9: "fraction_too_long"
        case 10: "time_form"
        case 11: "time_repeated"
        case 12: "time_in_gap"
        case 13: "field_too_long"
        case 14: "field_character"
        case 15: "header_incomplete"
        case 16: "sd_malformed"
        case 17: "sd_repeated"
        case 18: "escape_invalid"
        case 19: "bom"
        case 20: "utf8_repaired"
        case 21: "control_characters"
        case 22: "line_break_inside"
        case 23: "count_prefix"
        case 24: "date_order_assumed"
        default: ""
        }
    }

    /// The bytes of the name of one problem.
    @_lifetime(immortal)
    static func bytes(ofBit bit: Int) -> RawSpan {
        let name = name(ofBit: bit)
        let bytes = unsafe RawSpan(_unsafeStart: name.utf8Start, byteCount: name.utf8CodeUnitCount)
        return unsafe _overrideLifetime(bytes, copying: ())
    }
}
