// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What an indicator is compared with.
enum IndicatorValue: Hashable, Sendable {
    /// An address, or all of a network.
    case network(IPNetwork)
    /// A domain name in lower case, without a dot at its end.
    case domain([UInt8])
    /// A file's hash.
    case digest(FileDigest)

    /// The number of the value's kind as OCSF's `osint.type_id`.
    var typeID: UInt8 {
        switch self {
        case .network: 1
        case .domain: 2
        case .digest: 4
        }
    }

    /// The value written in `text`, or nil: an address, a network, an address with a port, a domain, `*.domain`, or a hash.
    /// What defanging puts into addresses and names (`[.]`, `hxxp`) is no part of any list format, and not undone.
    init?(_ text: RawSpan) {
        let text = IndicatorValue.trimmed(text)
        if let digest = FileDigest(text) {
            self = .digest(digest)
        } else if let network = IndicatorValue.network(text) {
            self = .network(network)
        } else if let domain = IndicatorValue.domain(text) {
            self = .domain(domain)
        } else {
            return nil
        }
    }

    @_lifetime(copy text)
    static func trimmed(_ text: RawSpan) -> RawSpan {
        var (start, end) = (0, text.byteCount)
        func isBlank(_ index: Int) -> Bool { [0x20, 0x09, 0x0D].contains(text.byte(at: index) ?? 0) }
        while start < end, isBlank(start) { start += 1 }
        while end > start, isBlank(end - 1) { end -= 1 }
        return text.part(start, end - start)
    }

    /// `192.0.2.1`, `192.0.2.0/24`, `192.0.2.1:443`, `2001:db8::1`, `2001:db8::/32`, `[2001:db8::1]:443`.
    static func network(_ text: RawSpan) -> IPNetwork? {
        guard text.byteCount >= 2, text.byteCount <= 64 else { return nil }
        guard let first = text.byte(at: 0), first == 0x5B || first == 0x3A || isHexadecimal(first) else { return nil }
        if let address = IPAddress(text) { return IPNetwork(address, prefix: 128) }
        if text.firstIndex(of: 0x2F) != nil { return IPNetwork(text.text) }
        if first == 0x5B, let close = text.firstIndex(of: 0x5D), isPort(text, from: close + 1) {
            return IPAddress(text.part(1, close - 1)).map { IPNetwork($0, prefix: 128) }
        }
        if let colon = text.firstIndex(of: 0x3A), isPort(text, from: colon) {
            return IPAddress(text.part(0, colon)).map { IPNetwork($0, prefix: 128) }
        }
        return nil
    }

    /// Whether nothing, or `:` and a number, stands from `start` on.
    private static func isPort(_ text: RawSpan, from start: Int) -> Bool {
        guard start < text.byteCount else { return true }
        let digits = text.part(start + 1, text.byteCount - start - 1)
        return text.byte(at: start) == 0x3A && (1...5).contains(digits.byteCount)
            && (0..<digits.byteCount).allSatisfy { (0x30...0x39).contains(digits.byte(at: $0) ?? 0) }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
    }

    /// A name of at least two labels (RFC 1123 section 2.1, with `_` as DNS allows it) whose last label is no number, in
    /// lower case; `*.` or `.` before it is left out. One label would take in a whole top-level domain.
    static func domain(_ text: RawSpan) -> [UInt8]? {
        var start = text.hasBytes("*.") ? 2 : text.hasBytes(".") ? 1 : 0
        let end = text.byteCount > 1 && text.byte(at: text.byteCount - 1) == 0x2E ? text.byteCount - 1 : text.byteCount
        guard end - start >= 3, end - start <= DomainTable.nameLimit else { return nil }
        var name: [UInt8] = []
        name.reserveCapacity(end - start)
        var label = 0
        var labels = 1
        var hasLetter = false
        var last: UInt8 = 0
        while start < end {
            guard let byte = text.byte(at: start) else { return nil }
            switch byte {
            case 0x2E:
                guard label > 0, last != 0x2D else { return nil }
                label = 0
                labels += 1
                hasLetter = false
            case 0x41...0x5A, 0x61...0x7A, 0x30...0x39, 0x5F, 0x2D:
                guard byte != 0x2D || label > 0, label < 63 else { return nil }
                label += 1
                if byte > 0x39 { hasLetter = true }
            default: return nil
            }
            name.append(byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte)
            last = byte
            start += 1
        }
        return label > 0 && last != 0x2D && labels > 1 && hasLetter ? name : nil
    }
}

/// One indicator of a list.
struct Indicator: Sendable {
    /// As ``IndicatorValue/typeID``.
    var type: UInt8
    var confidence: IntelligenceList.Confidence
    var severity: IntelligenceList.Severity
    /// Whether a domain stands for itself only.
    var isExact = false
    /// The number of its list.
    var list: UInt16
    /// The number of who publishes it, in ``ThreatIntelligence/sources``.
    var source: UInt32
    /// The next one to ask when this one does not hold: for the same value, or a shorter prefix or suffix; -1 none.
    var next: Int32 = -1
    /// Its value as the list writes it, its own identifier, and what it is about: in ``ThreatIntelligence/texts``.
    var text = Extent.empty
    var identifier = Extent.empty
    var about = Extent.empty
    /// When it was last confirmed, in nanoseconds since the epoch.
    var updated: Int64
    /// From when on it no longer holds; `.max` when that is not known.
    var expires: Int64
}
