// SPDX-License-Identifier: Apache-2.0

/// The bounds of a packet engine. What a bound cuts is counted.
public struct EngineOptions: Sendable {
    /// The flows kept at once; the one idle longest is ended first.
    public var maxFlows = 65_536
    /// A flow without a packet for this long ends (ns of packet time).
    public var idleTimeout: Int64 = 600_000_000_000
    /// The bytes of out-of-order frames kept for one direction of a flow.
    public var maxHeldBytesPerStream = 256 * 1024
    /// The frames kept out of order for one direction of a flow.
    public var maxHeldSegments = 64
    /// The bytes of out-of-order frames kept in all.
    public var maxHeldBytes = 64 * 1024 * 1024
    /// IP datagrams in reassembly at once.
    public var maxFragmentedDatagrams = 256
    /// A datagram that is not whole after this long is given up (ns of packet time).
    public var fragmentTimeout: Int64 = 30_000_000_000
    /// A request without a response for this long is reported so (ns of packet time; at most 15 s).
    public var responseTimeout: Int64 = 10_000_000_000
    /// The requests of one flow that wait for a response.
    public var maxPendingRequests = 64
    /// The bytes of one captured frame that a record keeps; 0 keeps none.
    public var maxFrameBytes = 2048
    /// Whether flows that begin and end are reported ("conn" records).
    public var reportsFlows = true

    /// The default bounds.
    public init() {}
}
