// SPDX-License-Identifier: Apache-2.0

/// Ethernet frames with correct checksums, as a mirror port of the control network shows them.
enum Frame {
    struct Flags: OptionSet {
        let rawValue: UInt8
        static let fin = Flags(rawValue: 0x01)
        static let syn = Flags(rawValue: 0x02)
        static let push = Flags(rawValue: 0x08)
        static let ack = Flags(rawValue: 0x10)
    }

    /// One TCP segment (RFC 9293).
    struct Segment {
        var source: Host
        var sourcePort: UInt16
        var destination: Host
        var destinationPort: UInt16
        var sequence: UInt32
        var acknowledgment: UInt32
        var flags: Flags
        var payload: [UInt8] = []
        var identification: UInt16
    }

    static func tcp(_ segment: Segment) -> [UInt8] {
        // A SYN carries what Linux offers: MSS 1460, SACK permitted, window scale 7.
        let options: [UInt8] = segment.flags.contains(.syn) ? [2, 4, 0x05, 0xB4, 1, 1, 4, 2, 1, 3, 3, 7] : []
        var bytes: [UInt8] = []
        append(segment.sourcePort, to: &bytes)
        append(segment.destinationPort, to: &bytes)
        append(segment.sequence, to: &bytes)
        append(segment.flags.contains(.ack) ? segment.acknowledgment : 0, to: &bytes)
        bytes.append(UInt8(20 + options.count) / 4 * 16)  // the header's length in words, upper four bits
        bytes.append(segment.flags.rawValue)
        append(UInt16(segment.flags.contains(.syn) ? 64_240 : 502), to: &bytes)
        append(UInt16(0), to: &bytes)
        append(UInt16(0), to: &bytes)
        bytes += options
        bytes += segment.payload
        return routed(
            bytes, checksumAt: 16, protocolNumber: 6, from: segment.source, to: segment.destination,
            identification: segment.identification)
    }

    static func udp(
        from source: Host, port: UInt16, to destination: Host, port destinationPort: UInt16, payload: [UInt8],
        identification: UInt16
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        append(port, to: &bytes)
        append(destinationPort, to: &bytes)
        append(UInt16(8 + payload.count), to: &bytes)
        append(UInt16(0), to: &bytes)
        bytes += payload
        return routed(
            bytes, checksumAt: 6, protocolNumber: 17, from: source, to: destination, identification: identification)
    }

    /// An ARP request or reply (RFC 826).
    static func arp(request: Bool, from source: Host, to destination: Host) -> [UInt8] {
        let anyone: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        var frame = (request ? anyone : destination.mac) + source.mac + [0x08, 0x06]
        frame += [0, 1, 0x08, 0x00, 6, 4, 0, request ? 1 : 2] + source.mac
        append(source.ip, to: &frame)
        frame += request ? [0, 0, 0, 0, 0, 0] : destination.mac
        append(destination.ip, to: &frame)
        return padded(frame)
    }

    /// Wraps a transport segment in IPv4 and Ethernet. Whatever is not in the control network has come through the
    /// gateway: its frames bear the gateway's hardware address and one hop less.
    private static func routed(
        _ transport: [UInt8], checksumAt place: Int, protocolNumber: UInt8, from source: Host, to destination: Host,
        identification: UInt16
    ) -> [UInt8] {
        var transport = transport
        var pseudo: [UInt8] = []
        append(source.ip, to: &pseudo)
        append(destination.ip, to: &pseudo)
        pseudo += [0, protocolNumber]
        append(UInt16(transport.count), to: &pseudo)
        var sum = checksum(pseudo + transport)
        if protocolNumber == 17, sum == 0 { sum = 0xFFFF }  // RFC 768: zero means that there is none
        transport[place] = UInt8(sum >> 8)
        transport[place + 1] = UInt8(truncatingIfNeeded: sum)

        var header: [UInt8] = [0x45, 0]
        append(UInt16(20 + transport.count), to: &header)
        append(identification, to: &header)
        header += [0x40, 0, source.interface == Host.plc.interface ? 64 : 63, protocolNumber, 0, 0]
        append(source.ip, to: &header)
        append(destination.ip, to: &header)
        let headerSum = checksum(header)
        header[10] = UInt8(headerSum >> 8)
        header[11] = UInt8(truncatingIfNeeded: headerSum)

        let from = source.interface == Host.plc.interface ? source.mac : Host.gatewayControl.mac
        let to = destination.interface == Host.plc.interface ? destination.mac : Host.gatewayControl.mac
        return padded(to + from + [0x08, 0x00] + header + transport)
    }

    /// Ethernet carries at least 60 bytes (without the check sequence); the rest is padding.
    private static func padded(_ frame: [UInt8]) -> [UInt8] {
        frame + [UInt8](repeating: 0, count: max(0, 60 - frame.count))
    }

    /// The Internet checksum (RFC 1071).
    static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: bytes.count, by: 2) {
            sum &+= UInt32(bytes[index]) << 8 | (index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0)
        }
        while sum >> 16 != 0 { sum = (sum & 0xFFFF) + (sum >> 16) }
        return ~UInt16(truncatingIfNeeded: sum)
    }

    static func append(_ value: UInt16, to bytes: inout [UInt8]) {
        bytes.append(UInt8(value >> 8))
        bytes.append(UInt8(truncatingIfNeeded: value))
    }

    static func append(_ value: UInt32, to bytes: inout [UInt8]) {
        append(UInt16(value >> 16), to: &bytes)
        append(UInt16(truncatingIfNeeded: value), to: &bytes)
    }
}
