// SPDX-License-Identifier: Apache-2.0

/// How the captured frames of a source begin: the link layers that the engine decodes.
public enum LinkType: UInt8, Sendable, CaseIterable {
    /// Ethernet II, with 802.1Q and 802.1ad tags.
    case ethernet
    /// The "cooked" header of Linux `any` captures, version 1.
    case linuxSLL
    /// The "cooked" header of Linux `any` captures, version 2.
    case linuxSLL2
    /// An IPv4 or IPv6 packet without a link header.
    case rawIP
    /// The BSD loopback header: an address family in either byte order.
    case loopback

    /// The link type of a libpcap DLT or LINKTYPE number, or nil when it is not decoded.
    ///
    /// Both numberings are taken where they differ (raw IP is DLT 12 or 14 and LINKTYPE 101).
    public init?(number: Int) {
        switch number {
        case 1: self = .ethernet
        case 113: self = .linuxSLL
        case 276: self = .linuxSLL2
        case 12, 14, 101, 228, 229: self = .rawIP
        case 0, 108: self = .loopback
        default: return nil
        }
    }
}
