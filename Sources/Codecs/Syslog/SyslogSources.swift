// SPDX-License-Identifier: Apache-2.0
public import Wire

/// What is known of sources whose messages do not say it themselves: in which zone their clocks are, and which header
/// they send. The first source that fits counts.
public struct SyslogSources: Sendable {
    /// Some senders, and what is known of them.
    public struct Source: Sendable, Equatable {
        /// The networks that they send from; empty: any.
        public var peers: [IPNetwork] = []
        /// The names of the listeners and file inputs that they come in by; empty: any.
        public var inputs: Set<String> = []
        /// The zone of timestamps that name none.
        public var zone = SyslogZone.utc
        /// Which header they send.
        public var expected = SyslogOptions.Expected.any

        /// Any sender, of which nothing is known.
        public init() {}
    }

    private let sources: [Source]
    private let parsers: [SyslogParser]
    /// Whether it takes the name of an input to tell sources apart.
    public let asksForInputs: Bool

    /// Sources in the order in which they are asked.
    public init(_ sources: [Source] = []) {
        self.sources = sources
        asksForInputs = sources.contains { !$0.inputs.isEmpty }
        parsers = sources.map { source in
            var options = SyslogOptions()
            options.zone = source.zone
            options.expected = source.expected
            return SyslogParser(options)
        }
    }

    /// Whether nothing is known of any source.
    public var isEmpty: Bool { sources.isEmpty }

    /// The number of the first source that a message from `peer` by `input` belongs to, or nil.
    public func number(of peer: IPAddress?, input: String) -> Int? {
        sources.firstIndex { source in
            (source.inputs.isEmpty || source.inputs.contains(input))
                && (source.peers.isEmpty || peer.map { peer in source.peers.contains { $0.contains(peer) } } == true)
        }
    }

    /// The parser for messages of source number `number`.
    public func parser(_ number: Int) -> SyslogParser { parsers[number] }

    /// The zone of source number `number`.
    public func zone(_ number: Int) -> SyslogZone { sources[number].zone }
}
