// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What the headers of one packet say, from the link to the transport.
struct Layers {
    /// The hardware addresses as 48-bit numbers; nil where the link has none.
    var sourceMAC: UInt64?
    var destinationMAC: UInt64?
    /// The VLAN ids, outermost first.
    var vlans = VLANs()
    var source = IPAddress(v4: 0)
    var destination = IPAddress(v4: 0)
    /// The IP protocol: 6 or 17.
    var transport: UInt8 = 0
    var sourcePort: UInt16 = 0
    var destinationPort: UInt16 = 0
    var sequence: UInt32 = 0
    var acknowledged: UInt32 = 0
    var flags: TCPFlags = []
    /// Where the captured payload is, in the span that the transport header was read from.
    var payload = Extent.empty
    /// Payload bytes that the headers announce and the capture cut off (snap length).
    var missing = 0
}

/// The VLAN ids of a frame; more than four tags are not followed.
struct VLANs: Equatable {
    static let limit = 4
    private var packed: UInt64 = 0
    private(set) var count = 0

    /// Adds the next inner tag; false when there are too many.
    mutating func append(_ id: UInt16) -> Bool {
        guard count < VLANs.limit else { return false }
        packed |= UInt64(id) << UInt64(count * 16)
        count += 1
        return true
    }

    subscript(index: Int) -> UInt16 { UInt16(truncatingIfNeeded: packed >> UInt64((index & 3) * 16)) }
}

/// The control bits of a TCP header (RFC 9293 section 3.1).
struct TCPFlags: OptionSet {
    let rawValue: UInt8
    static let fin = TCPFlags(rawValue: 0x01)
    static let syn = TCPFlags(rawValue: 0x02)
    static let rst = TCPFlags(rawValue: 0x04)
    static let ack = TCPFlags(rawValue: 0x10)

    /// Whether the segment opens a connection.
    var isSynchronizing: Bool { intersection([.syn, .fin, .rst]) == .syn }
}
