// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Version 2: a signature, four bytes that say what follows, addresses, extensions (type, length, value).
extension PROXYHeader {
    private static var signature: StaticString { "\r\n\r\n\0\r\nQUIT\n" }
    /// PP2_TYPE_CRC32C.
    private static var checksumType: UInt8 { 0x03 }

    static func binary(_ bytes: RawSpan, _ maximum: Int) -> Outcome {
        guard bytes.hasBytes(signature) else {
            return isPrefix(bytes, of: signature) ? .needMore(atLeast: 16) : .none
        }
        do throws(WireError) {
            return try binaryHeader(bytes, maximum)
        } catch {
            return .needMore(atLeast: 16)
        }
    }

    /// Throws while the 16 fixed bytes are not all there. A fault in one of them is told as soon as it is in view.
    private static func binaryHeader(_ bytes: RawSpan, _ maximum: Int) throws(WireError) -> Outcome {
        var reader = ByteReader(bytes)
        try reader.skip(12)
        var header = PROXYHeader(.v2)
        let versionAndCommand = try reader.u8()
        guard versionAndCommand >> 4 == 2 else { return .malformed(.version) }
        switch versionAndCommand & 15 {
        case 0: header.command = .local
        case 1: header.command = .proxy
        default: return .malformed(.command)
        }
        let familyAndTransport = try reader.u8()
        // With LOCAL the family and the addresses are to be ignored, whatever they say (section 2.2).
        if header.command == .proxy {
            switch familyAndTransport & 15 {
            case 0: header.transport = .unspecified
            case 1: header.transport = .stream
            case 2: header.transport = .datagram
            default: return .malformed(.family)
            }
            switch familyAndTransport >> 4 {
            case 0: header.family = .unspecified
            case 1: header.family = .inet
            case 2: header.family = .inet6
            case 3: header.family = .unix
            default: return .malformed(.family)
            }
        }
        let length = Int(try reader.u16())
        guard 16 + length <= maximum else { return .malformed(.tooLong) }
        guard length >= header.addressCount else { return .malformed(.length) }
        guard reader.remaining >= length else { return .needMore(atLeast: 16 + length) }
        let whole = bytes.part(0, 16 + length)
        if header.command == .proxy {
            try header.readAddresses(&reader)
            guard header.readExtensions(whole, from: 16 + header.addressCount) else { return .malformed(.checksum) }
        }
        return .header(header, length: whole.byteCount)
    }

    /// The bytes that the addresses take.
    private var addressCount: Int {
        switch family {
        case .unspecified: 0
        case .inet: 12
        case .inet6: 36
        case .unix: 216
        }
    }

    @_lifetime(reader: copy reader)
    private mutating func readAddresses(_ reader: inout ByteReader) throws(WireError) {
        let from: IPAddress
        let to: IPAddress
        switch family {
        case .inet:
            from = IPAddress(v4: try reader.u32())
            to = IPAddress(v4: try reader.u32())
        case .inet6:
            from = IPAddress(high: try reader.u64(), low: try reader.u64())
            to = IPAddress(high: try reader.u64(), low: try reader.u64())
        case .unspecified, .unix: return
        }
        source = Endpoint(from, try reader.u16())
        destination = Endpoint(to, try reader.u16())
    }

    /// Steps over the extensions; false when there is a checksum that does not match.
    private mutating func readExtensions(_ header: RawSpan, from start: Int) -> Bool {
        var position = start
        while position < header.byteCount {
            guard let high = header.byte(at: position + 1), let low = header.byte(at: position + 2),
                position + 3 + (Int(high) << 8 | Int(low)) <= header.byteCount
            else {
                marks.insert(.badExtension)
                return true
            }
            let count = Int(high) << 8 | Int(low)
            let value = position + 3
            if header.byte(at: position) == PROXYHeader.checksumType {
                guard count == 4, PROXYHeader.checksum(header, at: value) else { return false }
            }
            position = value + count
        }
        return true
    }

    /// Whether the four bytes at `offset` are the CRC-32C of the header with zeros in their place (section 2.2.3).
    private static func checksum(_ header: RawSpan, at offset: Int) -> Bool {
        let zeros: [4 of UInt8] = [0, 0, 0, 0]
        var sum = CRC32C.checksum(header.part(0, offset))
        sum = unsafe CRC32C.checksum(zeros.span.bytes, from: sum)
        sum = CRC32C.checksum(header.part(offset + 4, header.byteCount), from: sum)
        var stored: UInt32 = 0
        for index in 0..<4 { stored = stored << 8 | UInt32(header.byte(at: offset + index) ?? 0) }
        return stored == sum
    }
}
