// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension ThreatIntelligence {
    /// Collects the indicators of lists, then makes the tables.
    public struct Builder {
        let bounds: IntelligenceList.Bounds
        private var lists: [Summary] = []
        private var sources: [String] = []
        private var sourceNumbers: [String: UInt32] = [:]
        private var texts: [UInt8] = []
        private var indicators: [Indicator] = []
        private var values: [IndicatorValue] = []

        /// Nothing collected yet.
        public init(bounds: IntelligenceList.Bounds = .init()) { self.bounds = bounds }

        /// The indicators so far.
        var count: Int { indicators.count }

        /// Keeps what an indicator is worth keeping: its value, and what the list says of it.
        mutating func add(
            _ value: IndicatorValue, text: RawSpan, source: String, confidence: IntelligenceList.Confidence,
            severity: IntelligenceList.Severity, isExact: Bool, updated: Int64, expires: Int64?,
            identifier: String = "", about: String = ""
        ) {
            // A domain is kept as it is compared.
            let written: Extent
            if case .domain(let name) = value { written = keep(name.span.bytes) } else { written = keep(text) }
            let known = sourceNumbers[source] ?? UInt32(sources.count)
            if Int(known) == sources.count {
                sources.append(source)
                sourceNumbers[source] = known
            }
            indicators.append(
                Indicator(
                    type: value.typeID, confidence: confidence, severity: severity, isExact: isExact,
                    list: UInt16(lists.count), source: known, text: written,
                    identifier: keep(Array(identifier.utf8.prefix(256)).span.bytes),
                    about: keep(Array(about.utf8.prefix(512)).span.bytes), updated: updated,
                    expires: expires ?? .max))
            values.append(value)
        }

        private mutating func keep(_ bytes: RawSpan) -> Extent {
            guard bytes.byteCount > 0 else { return .empty }
            let start = texts.count
            bytes.withUnsafeBytes { texts.append(contentsOf: $0) }
            return Extent(start..<texts.count)
        }

        /// Ends a list whose indicators have been added since the one before.
        mutating func end(_ list: IntelligenceList, from first: Int, skipped: Int, updated: Int64) {
            lists.append(
                Summary(name: list.name, indicators: indicators.count - first, skipped: skipped, updated: updated))
        }

        /// Forgets what was added since `first`.
        mutating func abandon(from first: Int) {
            indicators.removeLast(indicators.count - first)
            values.removeLast(values.count - first)
        }

        /// The finished snapshot.
        public consuming func build() -> ThreatIntelligence {
            // Indicators for one value make a chain, the one that is believed most first, then the newest.
            var chains: [IndicatorValue: [Int32]] = [:]
            chains.reserveCapacity(values.count)
            for (number, value) in values.enumerated() { chains[value, default: []].append(Int32(number)) }
            var networks: [(network: IPNetwork, value: Int32)] = []
            var domains: [(name: [UInt8], value: Int32)] = []
            var digests: [(digest: FileDigest, value: Int32)] = []
            /// The last of each chain by its first.
            var ends: [Int32: Int32] = [:]
            for (value, numbers) in chains {
                var sorted = numbers
                if sorted.count > 1 {
                    sorted.sort { first, second in
                        let (a, b) = (indicators[Int(first)], indicators[Int(second)])
                        if a.confidence != b.confidence { return a.confidence > b.confidence }
                        return a.updated != b.updated ? a.updated > b.updated : first < second
                    }
                    for index in 1..<sorted.count { indicators[Int(sorted[index - 1])].next = sorted[index] }
                    ends[sorted[0]] = sorted[sorted.count - 1]
                }
                switch value {
                case .network(let network): networks.append((network, sorted[0]))
                case .domain(let name): domains.append((name, sorted[0]))
                case .digest(let digest): digests.append((digest, sorted[0]))
                }
            }
            // Behind the last of a chain comes what holds the value: the next shorter prefix or suffix.
            var parents: [Int32] = []
            let table = PrefixTable(networks, parents: &parents)
            for (place, parent) in parents.enumerated() where parent >= 0 {
                let first = networks[place].value
                indicators[Int(ends[first] ?? first)].next = parent
            }
            let names = DomainTable(domains)
            for (name, first) in domains {
                guard let dot = name.firstIndex(of: 0x2E) else { continue }
                let parent = names.value(Array(name[(dot + 1)...]).span.bytes)
                if parent >= 0 { indicators[Int(ends[first] ?? first)].next = parent }
            }
            return ThreatIntelligence(
                lists: lists, indicators: indicators, sources: sources, texts: texts, networks: table, domains: names,
                digests: DigestTable(digests))
        }
    }
}
