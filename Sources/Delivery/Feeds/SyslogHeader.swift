// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Wire

/// The syslog header before a feed's line.
public struct SyslogHeader: Sendable {
    /// Which header.
    public enum Form: String, Sendable, CaseIterable {
        /// RFC 5424: `<134>1 2026-01-02T03:04:05.678Z host penstock - - - `.
        case rfc5424
        /// RFC 3164: `<134>Jan  2 03:04:05 host `, UTC, without a tag, as CEF collectors expect it.
        case rfc3164
        /// No header at all.
        case none
    }

    /// Which header.
    public var form: Form
    /// The facility, 0 to 23; 16 is local0.
    public var facility: Int
    /// The host name that lines carry.
    public var host: String
    /// The APP-NAME of RFC 5424.
    public var application: String

    private var second: Int64 = .min
    private var stamp = ""

    /// A header; without `host` the name of this host.
    public init(_ form: Form = .rfc5424, facility: Int = 16, host: String? = nil, application: String = "penstock") {
        self.form = form
        self.facility = min(max(facility, 0), 23)
        self.host = SyslogHeader.word(host ?? SyslogHeader.hostName, limit: 255)
        self.application = SyslogHeader.word(application, limit: 48)
    }

    /// Appends the header of an event of that OCSF severity at that time in nanoseconds since the epoch.
    mutating func append(severity: Int64, time: Int64, to slab: inout Slab) {
        guard form != .none else { return }
        let whole = time / 1_000_000_000 - (time % 1_000_000_000 < 0 ? 1 : 0)
        if whole != second {
            second = whole
            stamp = form == .rfc5424 ? String(RFC3339.text(time, digits: 0).dropLast()) : SyslogHeader.stamp(time)
        }
        slab.append(byte: 0x3C)
        slab.append(decimal: Int64(facility * 8) + SyslogHeader.severity(severity))
        slab.append(form == .rfc5424 ? ">1 " : ">")
        slab.append(stamp)
        if form == .rfc5424 {
            let milliseconds = (time - whole * 1_000_000_000) / 1_000_000
            slab.append(milliseconds < 10 ? ".00" : milliseconds < 100 ? ".0" : ".")
            slab.append(decimal: milliseconds)
            slab.append("Z ")
            slab.append(host)
            slab.append(byte: 0x20)
            slab.append(application)
            slab.append(" - - - ")
        } else {
            slab.append(byte: 0x20)
            slab.append(host)
            slab.append(byte: 0x20)
        }
    }

    /// The syslog severity (RFC 5424 table 2) of an OCSF `severity_id`.
    static func severity(_ ocsf: Int64) -> Int64 {
        switch ocsf {
        case 1: 6
        case 2: 5
        case 3: 4
        case 4: 3
        case 5: 2
        case 6: 1
        default: 5
        }
    }

    private static func stamp(_ time: Int64) -> String {
        let civil = CivilTime(nanosecondsSinceEpoch: time)
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return "\(months[(civil.month + 11) % 12]) \(civil.day < 10 ? " " : "")\(civil.day) "
            + RFC3339.text(time, digits: 0).dropFirst(11).dropLast()
    }

    /// `text` as a PRINTUSASCII word (RFC 5424 section 6), `-` when nothing is left.
    private static func word(_ text: String, limit: Int) -> String {
        let bytes = text.utf8.filter { $0 > 0x20 && $0 < 0x7F }.prefix(limit)
        return bytes.isEmpty ? "-" : String(decoding: bytes, as: UTF8.self)
    }

    private static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "-" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
