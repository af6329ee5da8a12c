// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What threat-intelligence lists say of addresses, domains and file hashes: one immutable value, replaced as a whole.
///
/// A look allocates nothing. Of several indicators that hold, the one of the longest prefix or suffix answers; of those
/// for the same value the one that is believed most, then the newest.
public final class ThreatIntelligence: Sendable {
    /// What one list brought.
    public struct Summary: Sendable, Equatable {
        /// The list's name.
        public let name: String
        /// The indicators.
        public let indicators: Int
        /// Lines or objects that hold none, or none that an event can be compared with.
        public let skipped: Int
        /// When the list was made or last changed, in nanoseconds since the epoch.
        public let updated: Int64
    }

    /// An indicator that holds.
    public struct Match: Sendable, Equatable {
        let number: Int32
    }

    /// What an indicator says.
    public struct Answer: Sendable, Equatable {
        /// The list's name.
        public let list: String
        /// Who publishes it; empty when that is not told.
        public let source: String
        /// The indicator as the list writes it.
        public let indicator: String
        /// Its own identifier, and what it is about; empty when the list does not say.
        public let identifier, about: String
        /// How far it is believed.
        public let confidence: IntelligenceList.Confidence
        /// How bad a match is.
        public let severity: IntelligenceList.Severity
        /// When it was last confirmed, in nanoseconds since the epoch; of lists without such dates when the list was made.
        public let updated: Int64
        /// From when on it no longer holds; nil when that is not known.
        public let expires: Int64?
    }

    /// The lists in the order of the configuration.
    public let lists: [Summary]
    let indicators: [Indicator]
    let sources: [String]
    let texts: [UInt8]
    private let networks: PrefixTable
    private let domains: DomainTable
    private let digests: DigestTable

    /// No lists: nothing is known.
    public static let empty = Builder().build()

    init(
        lists: [Summary], indicators: [Indicator], sources: [String], texts: [UInt8], networks: PrefixTable,
        domains: DomainTable, digests: DigestTable
    ) {
        self.lists = lists
        self.indicators = indicators
        self.sources = sources
        self.texts = texts
        self.networks = networks
        self.domains = domains
        self.digests = digests
    }

    /// Whether there is no indicator.
    public var isEmpty: Bool { indicators.isEmpty }

    /// The indicator for `address` that holds at `time`, in nanoseconds since the epoch.
    public func match(address: IPAddress, at time: Int64) -> Match? {
        holding(networks.value(address), at: time)
    }

    /// The first indicator to ask about `address`, or ``PrefixTable/none``.
    @inline(__always)
    func first(of address: IPAddress) -> Int32 { networks.value(address) }

    /// The indicator for `name` or a domain that it lies in, in either case, that holds at `time`.
    public func match(domain name: RawSpan, at time: Int64) -> Match? {
        let number = domains.value(name)
        guard number >= 0 else { return nil }
        let length = name.byteCount - (name.byte(at: name.byteCount - 1) == 0x2E ? 1 : 0)
        return holding(number, at: time, length: length)
    }

    /// The indicator for a host: an address or a name.
    public func match(host: RawSpan, at time: Int64) -> Match? {
        // An address begins with a digit, or has a colon behind at most four hexadecimal digits.
        if let first = host.byte(at: 0), first &- 0x30 <= 9 || host.hasEarlyColon,
            let address = IPAddress.ofText(host)
        {
            return match(address: address, at: time)
        }
        return match(domain: host, at: time)
    }

    /// The indicator for the host of a URL (RFC 3986 section 3.2.2), with or without its scheme.
    public func match(url: RawSpan, at time: Int64) -> Match? {
        // A path alone, as proxies and web servers log it.
        if url.byte(at: 0) == 0x2F, url.firstIndex(of: 0x3A) == nil { return nil }
        let host = ThreatIntelligence.host(of: url)
        return host.isEmpty ? nil : match(host: url.part(host), at: time)
    }

    /// The indicator for the file hash written in `text`.
    public func match(hash text: RawSpan, at time: Int64) -> Match? { holding(digests.value(text), at: time) }

    /// What a match says.
    public func answer(_ match: Match) -> Answer {
        let indicator = indicators[Int(match.number)]
        func text(_ extent: Extent) -> String {
            String(decoding: texts[extent.range.clamped(to: 0..<texts.count)], as: UTF8.self)
        }
        return Answer(
            list: lists[Int(indicator.list)].name, source: sources[Int(indicator.source)],
            indicator: text(indicator.text), identifier: text(indicator.identifier), about: text(indicator.about),
            confidence: indicator.confidence, severity: indicator.severity, updated: indicator.updated,
            expires: indicator.expires == .max ? nil : indicator.expires)
    }

    /// The first of a chain of indicators that holds at `time`, for a domain of `length` bytes.
    @inline(__always)
    func holding(_ first: Int32, at time: Int64, length: Int = 0) -> Match? {
        guard first >= 0 else { return nil }
        return search(first, time, length)
    }

    private func search(_ first: Int32, _ time: Int64, _ length: Int) -> Match? {
        var number = first
        // Chains lead to what stands further up only, so they end.
        while number >= 0 {
            let indicator = indicators[Int(number)]
            if time < indicator.expires, !indicator.isExact || Int(indicator.text.length) == length {
                return Match(number: number)
            }
            number = indicator.next
        }
        return nil
    }

    /// Where the host of a URL is: behind the scheme and the user, without the port and the brackets.
    static func host(of url: RawSpan) -> Extent {
        var start = 0
        if let colon = url.firstIndex(of: 0x3A), url.hasBytes("://", at: colon) { start = colon + 3 }
        var end = start
        while let byte = url.byte(at: end), byte != 0x2F, byte != 0x3F, byte != 0x23, byte != 0x5C { end += 1 }
        if let user = url.part(start, end - start).lastIndex(of: 0x40) { start += user + 1 }
        let authority = url.part(start, end - start)
        if authority.byte(at: 0) == 0x5B, let close = authority.firstIndex(of: 0x5D) {
            return Extent(start + 1..<start + close)
        }
        // One colon is before a port; several are those of an address without brackets.
        if let colon = authority.firstIndex(of: 0x3A), authority.lastIndex(of: 0x3A) == colon { end = start + colon }
        return Extent(start..<end)
    }
}

extension RawSpan {
    /// Whether one of the first five bytes is a colon, as in each IPv6 address.
    @inline(__always)
    var hasEarlyColon: Bool {
        guard byteCount >= 5 else { return firstIndex(of: 0x3A) != nil }
        return withUnsafeBytes { bytes in
            // A byte that differs in no bit borrows from the one above.
            let four = bytes.loadUnaligned(as: UInt32.self) ^ 0x3A3A_3A3A
            return (four &- 0x0101_0101) & ~four & 0x8080_8080 != 0 || bytes[4] == 0x3A
        }
    }
}
