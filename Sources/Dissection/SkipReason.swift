// SPDX-License-Identifier: Apache-2.0

/// Why a packet was not decoded to its application protocol. Every packet is either decoded or counted under one.
public enum SkipReason: Int, Error, CaseIterable, Sendable {
    /// A link layer that the engine does not know.
    case unsupportedLink
    /// The capture ends inside the link header.
    case truncatedLink
    /// More tags or tunnels are stacked than the engine follows.
    case tooManyLayers
    /// ARP.
    case arp
    /// IEEE 802.2 LLC instead of an EtherType (spanning tree and its kin).
    case llc
    /// An EtherType that is not decoded.
    case unsupportedEtherType
    /// The capture ends inside the IP header.
    case truncatedIP
    /// An IP header whose lengths or version cannot be true.
    case malformedIP
    /// ICMP or ICMPv6.
    case icmp
    /// IGMP.
    case igmp
    /// An IP protocol that is not decoded.
    case unsupportedIPProtocol
    /// A fragment of a datagram that never became whole.
    case incompleteFragment
    /// A fragment beyond the bounds of reassembly.
    case fragmentLimit
    /// The capture ends inside the TCP or UDP header.
    case truncatedTransport
    /// A TCP or UDP header whose lengths cannot be true.
    case malformedTransport
    /// TCP bytes that were seen before.
    case retransmission
    /// The payload is of no protocol that the engine dissects.
    case unknownProtocol

    /// The name in summaries and counters.
    public var name: String {
        switch self {
        case .unsupportedLink: "unsupported_link"
        case .truncatedLink: "truncated_link"
        case .tooManyLayers: "too_many_layers"
        case .arp: "arp"
        case .llc: "llc"
        case .unsupportedEtherType: "unsupported_ethertype"
        case .truncatedIP: "truncated_ip"
        case .malformedIP: "malformed_ip"
        case .icmp: "icmp"
        case .igmp: "igmp"
        case .unsupportedIPProtocol: "unsupported_ip_protocol"
        case .incompleteFragment: "incomplete_fragment"
        case .fragmentLimit: "fragment_limit"
        case .truncatedTransport: "truncated_transport"
        case .malformedTransport: "malformed_transport"
        case .retransmission: "tcp_retransmission"
        case .unknownProtocol: "unknown_protocol"
        }
    }
}
