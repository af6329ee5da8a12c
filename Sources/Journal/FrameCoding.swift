// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// How a frame is described behind the bytes of a block's frames: what differs from the frame before, and no more.
///
/// A description is a byte of flags, the length and the difference of the receive time as varints, then what the flags
/// name, in their order. A block is decoded without any other.
enum FrameFlags {
    /// The peer: 0, 4 or 6, then its octets.
    static let peer: UInt8 = 1
    /// The peer's port (u16).
    static let port: UInt8 = 2
    /// The listener (u16) and the transport (u8).
    static let listener: UInt8 = 4
    /// The frame was cut.
    static let cut: UInt8 = 8
    /// The number of an origin that the block has named already, 0: none (varint).
    static let origin: UInt8 = 16
    /// A new origin: subject, fingerprint, path (varint length and bytes each), proxy as a peer. It gets the next number.
    static let newOrigin: UInt8 = 32
    static let all: UInt8 = 63
}

/// What a description refers to: the frame before.
struct FrameContext {
    var received: Int64 = 0
    var peer: IPAddress?
    var peerPort: UInt16 = 0
    var listener: UInt16 = 0
    var transport = TransportKind.udp
    /// The origin by its number in the block, from 1.
    var origin: UInt16 = 0
}

extension Slab {
    mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(byte: UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(byte: UInt8(truncatingIfNeeded: rest))
    }

    /// A byte and two varints, as every description begins: the same as three calls, at a third of their cost.
    mutating func append(_ flags: UInt8, _ first: UInt64, _ second: UInt64) {
        _ = unsafe append(upTo: 21) { room in
            guard let base = room.baseAddress else { return 0 }
            var place = 1
            func put(_ value: UInt64) {
                var rest = value
                while rest >= 0x80 {
                    unsafe base.storeBytes(
                        of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: place, as: UInt8.self)
                    place &+= 1
                    rest >>= 7
                }
                unsafe base.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: place, as: UInt8.self)
                place &+= 1
            }
            unsafe base.storeBytes(of: flags, as: UInt8.self)
            put(first)
            put(second)
            return place
        }
    }

    mutating func append(u16 value: UInt16) {
        append(byte: UInt8(truncatingIfNeeded: value))
        append(byte: UInt8(truncatingIfNeeded: value >> 8))
    }

    mutating func append(address: IPAddress?) {
        guard let address else {
            append(byte: 0)
            return
        }
        append(byte: address.isIPv4 ? 4 : 6)
        if !address.isIPv4 { append(bigEndian: address.high, bytes: 8) }
        append(bigEndian: address.low, bytes: address.isIPv4 ? 4 : 8)
    }

    private mutating func append(bigEndian value: UInt64, bytes: Int) {
        for shift in stride(from: bytes * 8 - 8, through: 0, by: -8) {
            append(byte: UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }

    mutating func append(text: String) {
        var text = text
        text.withUTF8 { bytes in
            append(varint: UInt64(bytes.count))
            unsafe append(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(bytes)))
        }
    }
}

extension ByteReader {
    @_lifetime(self: copy self)
    mutating func varint() throws(WireError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let at = offset
            let byte = try u8()
            // The tenth byte has room for one bit.
            guard shift < 63 || byte <= 1 else { throw .malformed(at: at) }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    @_lifetime(self: copy self)
    mutating func length() throws(WireError) -> Int {
        let at = offset
        let value = try varint()
        guard value <= UInt64(bytes.byteCount) else { throw .malformed(at: at) }
        return Int(value)
    }

    @_lifetime(self: copy self)
    mutating func address() throws(WireError) -> IPAddress? {
        let at = offset
        switch try u8() {
        case 0: return nil
        case 4: return IPAddress(v4: try u32())
        case 6: return IPAddress(high: try u64(), low: try u64())
        default: throw .malformed(at: at)
        }
    }

    @_lifetime(self: copy self)
    mutating func text() throws(WireError) -> String { try span(try length()).text }
}

/// Takes the frames of one block's content, in their order.
struct FrameCursor {
    private let header: BlockHeader
    private var described: Int
    private var told = 0
    private var text = 0
    private var context = FrameContext()
    /// The origins that the block has named so far; ``FrameContext/origin`` numbers them from 1.
    private(set) var origins: [Origin] = []

    init(_ header: BlockHeader) {
        self.header = header
        self.described = header.text
    }

    /// The number of the next frame.
    var number: UInt64 { header.first &+ UInt64(told) }

    /// The next frame: its extent lies in `content` and its origin is a number of ``origins``; nil at the end.
    mutating func next(_ content: RawSpan) throws(WireError) -> Frame? {
        guard told < header.frames else {
            guard described == content.byteCount, text == header.text else { throw .malformed(at: described) }
            return nil
        }
        var reader = try ByteReader(content, at: described, count: content.byteCount - described)
        let flags = try reader.u8()
        guard flags & ~FrameFlags.all == 0 else { throw .malformed(at: described) }
        let said = try reader.varint()
        guard said <= UInt64(header.text - text) else { throw .malformed(at: described) }
        let length = Int(said)
        let step = try reader.varint()
        context.received &+= Int64(bitPattern: step >> 1) ^ -Int64(bitPattern: step & 1)
        if flags & FrameFlags.peer != 0 { context.peer = try reader.address() }
        if flags & FrameFlags.port != 0 { context.peerPort = try reader.u16LittleEndian() }
        if flags & FrameFlags.listener != 0 {
            context.listener = try reader.u16LittleEndian()
            guard let transport = TransportKind(rawValue: try reader.u8()) else { throw .malformed(at: described) }
            context.transport = transport
        }
        if flags & FrameFlags.origin != 0 {
            let number = try reader.varint()
            guard number <= UInt64(origins.count) else { throw .malformed(at: described) }
            context.origin = UInt16(number)
        }
        if flags & FrameFlags.newOrigin != 0 {
            guard origins.count < Int(UInt16.max) else { throw .malformed(at: described) }
            let subject = try reader.text()
            let fingerprint = try reader.text()
            let path = try reader.text()
            origins.append(
                Origin(subject: subject, fingerprint: fingerprint, proxy: try reader.address(), path: path))
            context.origin = UInt16(origins.count)
        }
        let extent = Extent(text..<text + length)
        text += length
        described += reader.offset
        told += 1
        return Frame(
            extent: extent, received: context.received, peer: context.peer, peerPort: context.peerPort,
            listener: context.listener, transport: context.transport, isCut: flags & FrameFlags.cut != 0,
            origin: context.origin)
    }
}
