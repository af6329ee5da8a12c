// SPDX-License-Identifier: Apache-2.0

/// What a syslog source is known to do, and how its messages are judged.
public struct SyslogOptions: Sendable {
    /// Which header a source is known to send.
    public enum Expected: Sendable {
        /// Either: decided for each message.
        case any
        /// RFC 5424 only: nothing else is valid.
        case rfc5424
        /// RFC 3164 only.
        case rfc3164
        /// No header at all: everything after the PRI is message.
        case noHeader
        /// Nothing is parsed, not even the PRI.
        case raw

        /// Whether a message of RFC 5424 is one.
        @inline(always) var includesRFC5424: Bool { self == .any || self == .rfc5424 }
    }

    /// What the words of a message are that has neither PRI nor timestamp.
    public enum Headerless: Sendable {
        /// All is message: nothing tells a host or a tag from text.
        case message
        /// The first word is the tag, as syslog-ng has it.
        case tag
        /// The first word is the host, the second the tag, as rsyslog has it.
        case hostAndTag
    }

    /// Which header is expected.
    public var expected = Expected.any
    /// Whether `valid` means that a lenient receiver takes the message, not that it meets the RFC 5424 grammar.
    public var isLenient = false
    /// The zone of timestamps that name none.
    public var zone = SyslogZone.utc
    /// Whether an RFC 3164 header has a host between the timestamp and the tag.
    public var expectsHostname = true
    /// Whether the first word after the host is the tag even if it has no colon.
    public var tagWithoutColon = false
    /// Words that stand where a host is expected but are programs: what they begin with (`ctld` of Solaris).
    public var notHosts: [String] = []
    /// Whether over-long header fields are cut at the RFC 5424 size instead of being kept up to 255 bytes.
    public var cutsFields = false
    /// Whether MSG after a byte order mark must be UTF-8 to be valid (RFC 5424 section 6.4).
    public var requiresUTF8AfterBOM = true
    /// The fraction digits that are valid in an RFC 5424 timestamp.
    public var maximumFractionDigits = 6
    /// What the words of a message are that has neither PRI nor timestamp.
    public var headerless = Headerless.message
    /// The PRI to assume where there is none (rsyslog assumes 13), or nil.
    public var assumedPriority: Int?
    /// What the text of a message in the `parse` command's answer writes in another form.
    public var escapes: SyslogEscapes = []
    /// Nanoseconds since the epoch to use for the year rule instead of the time of receipt.
    public var assumedNow: Int64?

    /// The defaults: any header, strict verdict, UTC.
    public init() {}

    /// Sets what a test vector's `mode` assumes: one key and its value as text.
    ///
    /// Peers' vectors hold under different assumptions (year, zone, fallback host, lenience), so a harness must be able
    /// to switch them.
    ///
    /// - Returns: whether the key is one that the parser knows.
    @discardableResult
    public mutating func assume(_ key: String, _ value: String) -> Bool {
        switch key {
        case "format": return expect(value)
        case "lenient": isLenient = true
        case "peer_flags":
            isLenient = true
            cutsFields = true
        case "bad_hostname_re": notHosts = [String(value.drop(while: { $0 == "^" }))]
        case "expect_hostname":
            isLenient = true
            expectsHostname = value == "true"
            tagWithoutColon = true
            headerless = .tag
            if assumedPriority == nil { assumedPriority = 13 }
        case "fallback_hostname":
            isLenient = true
            tagWithoutColon = true
            headerless = .hostAndTag
        case "require_tag_colon": tagWithoutColon = value != "true"
        case "assume_pri": assumedPriority = Int(value).flatMap { (0...191).contains($0) ? $0 : nil }
        case "assume_zone":
            guard let zone = SyslogZone(named: value) else { return false }
            self.zone = zone
        case "assume_now":
            guard let now = SyslogTimestamp.instant(value) else { return false }
            assumedNow = now
        case "no_header": if value == "true" { expected = .noHeader }
        case "no_parse": if value == "true" { expected = .raw }
        case "require_utf8_after_bom": requiresUTF8AfterBOM = value == "true"
        case "sanitize_utf8": if value == "true" { escapes.insert(.invalidAsHexadecimal) }
        case "escape_control_chars": if value == "true" { escapes.insert(.controlsAsOctal) }
        case "escape_8bit": if value == "true" { escapes.insert(.eighthBitAsOctal) }
        case "lf_to_space": if value == "true" { escapes.insert(.lineFeedAsBlank) }
        case "allow_nanoseconds": if value == "true" { maximumFractionDigits = 9 }
        default: return false
        }
        return true
    }

    /// Sets which header a vector's `format` (rfc5424, rfc3164, either) expects.
    @discardableResult
    public mutating func expect(_ format: String) -> Bool {
        switch format {
        case "rfc5424": expected = .rfc5424
        case "rfc3164": expected = .rfc3164
        case "either", "any": expected = .any
        default: return false
        }
        return true
    }
}
