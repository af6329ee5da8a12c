// SPDX-License-Identifier: Apache-2.0

/// What an engine has seen so far.
public struct EngineSummary: Equatable, Sendable {
    /// What was seen of one protocol.
    public struct OfProtocol: Equatable, Sendable {
        /// Messages of both directions.
        public var pdus = 0
        /// Messages by function code; an exception response counts under the function that it answers.
        public var functions: [Int: Int] = [:]
        /// Anomalies by name.
        public var anomalies: [String: Int] = [:]

        /// Nothing seen.
        public init() {}
    }

    /// Packets given to the engine.
    public var packets = 0
    /// Packets decoded to the application, or without a payload.
    public var decoded = 0
    /// Packets not decoded, by reason. With `decoded` they add up to `packets` once the engine is flushed.
    public var skipped: [String: Int] = [:]
    /// What was seen of each protocol, by name; protocols that were not seen are left out.
    public var protocols: [String: OfProtocol] = [:]
    /// Flows begun.
    public var flows = 0
    /// Flows ended because the table was full.
    public var evictedFlows = 0
    /// Runs of bytes that the capture lost inside dissected TCP streams.
    public var gaps = 0
    /// The bytes of those runs.
    public var gapBytes = 0

    /// An empty summary.
    public init() {}

    /// Adds what another engine has seen.
    public mutating func add(_ other: EngineSummary) {
        packets += other.packets
        decoded += other.decoded
        skipped.merge(other.skipped, uniquingKeysWith: +)
        for (name, counts) in other.protocols {
            protocols[name, default: OfProtocol()].pdus += counts.pdus
            protocols[name, default: OfProtocol()].functions.merge(counts.functions, uniquingKeysWith: +)
            protocols[name, default: OfProtocol()].anomalies.merge(counts.anomalies, uniquingKeysWith: +)
        }
        flows += other.flows
        evictedFlows += other.evictedFlows
        gaps += other.gaps
        gapBytes += other.gapBytes
    }

    init(_ counters: Counters) {
        packets = counters.packets
        decoded = counters.decoded
        for reason in SkipReason.allCases where counters.skipped[reason.rawValue] > 0 {
            skipped[reason.name] = counters.skipped[reason.rawValue]
        }
        for (dissector, counts) in zip(Dissectors.all, counters.protocols) {
            var seen = OfProtocol()
            seen.pdus = counts.pdus
            seen.functions = counts.otherFunctions
            for (code, count) in counts.functions.enumerated() where count > 0 { seen.functions[code] = count }
            for (name, count) in zip(dissector.anomalies, counts.anomalies) where count > 0 {
                seen.anomalies[name] = count
            }
            if seen != OfProtocol() { protocols[dissector.name] = seen }
        }
        flows = counters.flows
        evictedFlows = counters.evictedFlows
        gaps = counters.gaps
        gapBytes = counters.gapBytes
    }
}
