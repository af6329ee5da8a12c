// SPDX-License-Identifier: Apache-2.0

/// Writes the classic capture file format (draft-ietf-opsawg-pcap), little endian, Ethernet.
public enum PcapFile {
    /// The unit of a frame's time stamp.
    public enum Resolution: Sendable {
        /// The usual one, magic number 0xA1B2C3D4.
        case microseconds
        /// Magic number 0xA1B23C4D.
        case nanoseconds
    }

    /// A capture file with `packets` in the order given.
    public static func encode(_ packets: [Packet], resolution: Resolution = .nanoseconds) -> [UInt8] {
        var file: [UInt8] = []
        file.reserveCapacity(24 + packets.reduce(0) { $0 + 16 + $1.bytes.count })
        func append(_ value: UInt32) {
            for shift: UInt32 in [0, 8, 16, 24] { file.append(UInt8(truncatingIfNeeded: value >> shift)) }
        }
        append(resolution == .nanoseconds ? 0xA1B2_3C4D : 0xA1B2_C3D4)
        append(0x0004_0002)  // version 2.4
        append(0)
        append(0)
        append(262_144)  // snapshot length
        append(1)  // LINKTYPE_ETHERNET
        for packet in packets {
            let nanoseconds = packet.time % 1_000_000_000
            append(UInt32(truncatingIfNeeded: packet.time / 1_000_000_000))
            append(UInt32(truncatingIfNeeded: resolution == .nanoseconds ? nanoseconds : nanoseconds / 1_000))
            append(UInt32(packet.bytes.count))
            append(UInt32(packet.bytes.count))
            file += packet.bytes
        }
        return file
    }
}
