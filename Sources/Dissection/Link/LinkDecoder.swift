// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Reads link headers: where the network header begins and what it is.
enum LinkDecoder {
    /// EtherTypes of the IEEE registry.
    enum EtherType {
        static let ipv4: UInt16 = 0x0800
        static let arp: UInt16 = 0x0806
        static let vlan: UInt16 = 0x8100
        static let ipv6: UInt16 = 0x86DD
        static let mpls: UInt16 = 0x8847
        static let mplsMulticast: UInt16 = 0x8848
        static let pppoeSession: UInt16 = 0x8864
        static let serviceVLAN: UInt16 = 0x88A8
        static let oldServiceVLAN: UInt16 = 0x9100
    }

    /// The most MPLS labels that are followed.
    private static let maxLabels = 8

    /// The offset of the IP header; `layers` takes addresses and tags.
    static func decode(_ frame: RawSpan, link: LinkType, into layers: inout Layers) throws(SkipReason) -> Int {
        var reader = ByteReader(frame)
        let etherType: UInt16
        do {
            switch link {
            case .ethernet:
                layers.destinationMAC = try mac(&reader)
                layers.sourceMAC = try mac(&reader)
                etherType = try reader.u16()
            case .linuxSLL:
                // Packet type, hardware type, address length, 8 bytes of address, protocol.
                try reader.skip(4)
                let length = try reader.u16()
                let address = try reader.u64()
                if length == 6 { layers.sourceMAC = address >> 16 }
                etherType = try reader.u16()
            case .linuxSLL2:
                // Protocol, reserved, interface index, hardware type, packet type, address length, 8 bytes of address.
                etherType = try reader.u16()
                try reader.skip(9)
                let length = try reader.u8()
                let address = try reader.u64()
                if length == 6 { layers.sourceMAC = address >> 16 }
            case .rawIP:
                etherType = version(reader.peek())
            case .loopback:
                // The family is 2 for IPv4 everywhere; for IPv6 it differs by system, so the version nibble decides.
                try reader.skip(4)
                etherType = version(reader.peek())
            }
        } catch {
            throw .truncatedLink
        }
        return try network(etherType, &reader, &layers)
    }

    private static func version(_ first: UInt8?) -> UInt16 {
        switch (first ?? 0) >> 4 {
        case 4: EtherType.ipv4
        case 6: EtherType.ipv6
        default: 0
        }
    }

    private static func mac(_ reader: inout ByteReader) throws(WireError) -> UInt64 {
        let high = try reader.u16()
        return UInt64(high) << 32 | UInt64(try reader.u32())
    }

    /// Follows tags, labels and PPPoE down to IP.
    private static func network(
        _ first: UInt16, _ reader: inout ByteReader, _ layers: inout Layers
    ) throws(SkipReason) -> Int {
        var etherType = first
        do {
            while true {
                switch etherType {
                case EtherType.ipv4, EtherType.ipv6: return reader.offset
                case EtherType.vlan, EtherType.serviceVLAN, EtherType.oldServiceVLAN:
                    guard layers.vlans.append(try reader.u16() & 0x0FFF) else { throw SkipReason.tooManyLayers }
                    etherType = try reader.u16()
                case EtherType.mpls, EtherType.mplsMulticast:
                    var labels = 0
                    // RFC 3032: the bottom of the stack is bit 8 of the entry.
                    while try reader.u32() & 0x100 == 0 {
                        labels += 1
                        guard labels < maxLabels else { throw SkipReason.tooManyLayers }
                    }
                    etherType = version(reader.peek())
                case EtherType.pppoeSession:
                    // RFC 2516: version, code, session, length; then the PPP protocol.
                    try reader.skip(6)
                    switch try reader.u16() {
                    case 0x0021: etherType = EtherType.ipv4
                    case 0x0057: etherType = EtherType.ipv6
                    default: throw SkipReason.unsupportedEtherType
                    }
                case EtherType.arp: throw SkipReason.arp
                case 1..<1536: throw SkipReason.llc
                default: throw SkipReason.unsupportedEtherType
                }
            }
        } catch let reason as SkipReason {
            throw reason
        } catch {
            throw .truncatedLink
        }
    }
}
