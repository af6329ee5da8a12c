// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Reads TCP and UDP headers.
enum TransportDecoder {
    static let tcp: UInt8 = 6
    static let udp: UInt8 = 17

    /// Reads the header at the start of `bytes`, a datagram's payload of which `missing` bytes were not captured.
    static func decode(
        _ bytes: RawSpan, transport: UInt8, missing: Int, into layers: inout Layers
    ) throws(SkipReason) {
        layers.transport = transport
        do {
            var reader = ByteReader(bytes)
            switch transport {
            case tcp:
                layers.sourcePort = try reader.u16()
                layers.destinationPort = try reader.u16()
                layers.sequence = try reader.u32()
                layers.acknowledged = try reader.u32()
                let headerLength = Int(try reader.u8() >> 4) * 4
                layers.flags = TCPFlags(rawValue: try reader.u8())
                try reader.skip(6)
                guard headerLength >= 20, headerLength <= bytes.byteCount + missing else {
                    throw SkipReason.malformedTransport
                }
                guard headerLength <= bytes.byteCount else { throw SkipReason.truncatedTransport }
                layers.payload = Extent(headerLength..<bytes.byteCount)
                layers.missing = missing
            case udp:
                layers.sourcePort = try reader.u16()
                layers.destinationPort = try reader.u16()
                var length = Int(try reader.u16())
                try reader.skip(2)
                if length == 0 { length = bytes.byteCount + missing }
                guard length >= 8, length <= bytes.byteCount + missing else { throw SkipReason.malformedTransport }
                let captured = min(length, bytes.byteCount)
                layers.payload = Extent(8..<captured)
                layers.missing = length - captured
            case 1, 58: throw SkipReason.icmp
            case 2: throw SkipReason.igmp
            default: throw SkipReason.unsupportedIPProtocol
            }
        } catch let reason as SkipReason {
            throw reason
        } catch {
            throw .truncatedTransport
        }
    }
}
