// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Reads IPv4 and IPv6 headers.
enum NetworkDecoder {
    /// A fragment's place in its datagram.
    struct Fragment {
        var identification: UInt32
        var offset: Int
        var isLast: Bool
    }

    /// What an IP header leads to.
    struct Datagram {
        /// The protocol of the payload.
        var transport: UInt8
        /// Where the captured payload is in the frame.
        var payload: Extent
        /// Payload bytes that the header announces beyond the captured ones.
        var missing: Int
        /// Set when the payload is a piece of a larger one.
        var fragment: Fragment?
    }

    /// IP in IP (protocols 4 and 41) is followed this deep.
    private static let maxTunnels = 2
    private static let maxExtensionHeaders = 8

    /// Reads the IP header at `start` and those inside it; `layers` takes the innermost addresses.
    static func decode(
        _ frame: RawSpan, at start: Int, into layers: inout Layers
    ) throws(SkipReason) -> Datagram {
        var start = start
        var end = frame.byteCount
        for _ in 0...maxTunnels {
            let datagram: Datagram
            switch (frame.byte(at: start) ?? 0) >> 4 {
            case 4: datagram = try ipv4(frame, start, end, &layers)
            case 6: datagram = try ipv6(frame, start, end, &layers)
            default: throw start < end ? .malformedIP : .truncatedIP
            }
            guard datagram.transport == 4 || datagram.transport == 41, datagram.fragment == nil else { return datagram }
            start = Int(datagram.payload.offset)
            end = Int(datagram.payload.end)
        }
        throw .tooManyLayers
    }

    private static func ipv4(
        _ frame: RawSpan, _ start: Int, _ end: Int, _ layers: inout Layers
    ) throws(SkipReason) -> Datagram {
        do {
            var reader = try ByteReader(frame, at: start, count: end - start)
            let headerLength = Int(try reader.u8() & 0x0F) * 4
            try reader.skip(1)
            var total = Int(try reader.u16())
            let identification = UInt32(try reader.u16())
            let place = try reader.u16()
            try reader.skip(1)
            let transport = try reader.u8()
            try reader.skip(2)
            layers.source = IPAddress(v4: try reader.u32())
            layers.destination = IPAddress(v4: try reader.u32())
            // A length of 0 is what segmentation offload leaves in frames captured on the sending host.
            if total == 0 { total = end - start }
            guard headerLength >= 20, total >= headerLength else { throw SkipReason.malformedIP }
            guard headerLength <= end - start else { throw SkipReason.truncatedIP }
            let captured = min(total, end - start)
            let isFragment = place & 0x3FFF != 0
            return Datagram(
                transport: transport, payload: Extent(start + headerLength..<start + captured),
                missing: total - captured,
                fragment: isFragment
                    ? Fragment(
                        identification: identification, offset: Int(place & 0x1FFF) * 8, isLast: place & 0x2000 == 0)
                    : nil)
        } catch let reason as SkipReason {
            throw reason
        } catch {
            throw .truncatedIP
        }
    }

    private static func ipv6(
        _ frame: RawSpan, _ start: Int, _ end: Int, _ layers: inout Layers
    ) throws(SkipReason) -> Datagram {
        do {
            var reader = try ByteReader(frame, at: start, count: end - start)
            try reader.skip(4)
            let length = Int(try reader.u16())
            var next = try reader.u8()
            try reader.skip(1)
            layers.source = IPAddress(high: try reader.u64(), low: try reader.u64())
            layers.destination = IPAddress(high: try reader.u64(), low: try reader.u64())
            // A length of 0 is a jumbogram (RFC 2675) or offload: the frame says where it ends.
            let total = length == 0 ? end - start : 40 + length
            let captured = min(total, end - start)
            var fragment: Fragment?
            for _ in 0..<maxExtensionHeaders {
                switch next {
                case 0, 43, 60, 135, 139, 140:
                    // RFC 8200 section 4: length in units of 8 bytes, the first not counted.
                    next = try reader.u8()
                    try reader.skip(Int(try reader.u8()) * 8 + 6)
                case 51:
                    // RFC 4302: length in units of 4 bytes, minus 2.
                    next = try reader.u8()
                    try reader.skip((Int(try reader.u8()) + 2) * 4 - 2)
                case 44:
                    next = try reader.u8()
                    try reader.skip(1)
                    let place = try reader.u16()
                    let identification = try reader.u32()
                    // An atomic fragment (RFC 6946) is whole.
                    if place & 0xFFF9 != 0 {
                        fragment = Fragment(
                            identification: identification, offset: Int(place & 0xFFF8), isLast: place & 1 == 0)
                    }
                default:
                    let begin = start + reader.offset
                    guard begin <= start + captured else { throw SkipReason.malformedIP }
                    return Datagram(
                        transport: next, payload: Extent(begin..<start + captured), missing: total - captured,
                        fragment: fragment)
                }
                // What follows a fragment header is only in the first fragment.
                if let fragment {
                    let begin = start + reader.offset
                    guard begin <= start + captured else { throw SkipReason.malformedIP }
                    return Datagram(
                        transport: next, payload: Extent(begin..<start + captured), missing: total - captured,
                        fragment: fragment)
                }
            }
            throw SkipReason.tooManyLayers
        } catch let reason as SkipReason {
            throw reason
        } catch {
            throw .truncatedIP
        }
    }
}
