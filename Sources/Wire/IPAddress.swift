// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// An IPv4 or IPv6 address as a number. An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) is kept as IPv4.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// The upper 64 bits; 0 for IPv4.
    public let high: UInt64
    /// The lower 64 bits; an IPv4 address is in the lowest 32.
    public let low: UInt64
    /// Whether this is an IPv4 address.
    public let isIPv4: Bool

    /// The IPv4 address `value`, first octet in the highest byte.
    @inlinable
    public init(v4 value: UInt32) {
        self.high = 0
        self.low = UInt64(value)
        self.isIPv4 = true
    }

    /// The IPv6 address of two halves; an IPv4-mapped one becomes IPv4.
    @inlinable
    public init(high: UInt64, low: UInt64) {
        let mapped = high == 0 && low >> 32 == 0xFFFF
        self.high = high
        self.low = mapped ? low & 0xFFFF_FFFF : low
        self.isIPv4 = mapped
    }

    /// The address written in `text` (dotted quad or RFC 4291 text; a zone such as `%eth0` is ignored), or nil.
    public init?(_ text: RawSpan) {
        guard text.byteCount >= 2, text.byteCount <= 64 else { return nil }
        if let v4 = IPAddress.parseIPv4(text) {
            self.init(v4: v4)
            return
        }
        // inet_pton(3) stops at a NUL; what follows one would go unread.
        guard text.firstIndex(of: 0x3A) != nil, text.firstIndex(of: 0) == nil else { return nil }
        let length = text.firstIndex(of: 0x25) ?? text.byteCount
        var buffer: [UInt8] = text.part(0, length).array
        buffer.append(0)
        var parsed = in6_addr()
        let ok = unsafe buffer.withUnsafeBufferPointer { pointer in
            unsafe pointer.withMemoryRebound(to: CChar.self) { unsafe inet_pton(AF_INET6, $0.baseAddress!, &parsed) }
        }
        guard ok == 1 else { return nil }
        let halves = unsafe withUnsafeBytes(of: &parsed) {
            unsafe (
                UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
        self.init(high: halves.0, low: halves.1)
    }

    /// The address written in `text`, or nil.
    public init?(_ text: String) {
        var text = text
        let parsed = text.withUTF8 { unsafe IPAddress(RawSpan(_unsafeBytes: UnsafeRawBufferPointer($0))) }
        guard let parsed else { return nil }
        self = parsed
    }

    private static func parseIPv4(_ text: RawSpan) -> UInt32? {
        guard text.byteCount >= 7, text.byteCount <= 15 else { return nil }
        var value: UInt32 = 0
        var octet: UInt32 = 0
        var digits = 0
        var dots = 0
        for index in 0..<text.byteCount {
            guard let byte = text.byte(at: index) else { return nil }
            if byte == 0x2E {
                guard digits > 0, dots < 3 else { return nil }
                value = value << 8 | octet
                octet = 0
                digits = 0
                dots += 1
            } else {
                guard byte >= 0x30, byte <= 0x39, digits < 3 else { return nil }
                octet = octet * 10 + UInt32(byte &- 0x30)
                digits += 1
                guard octet <= 255 else { return nil }
            }
        }
        guard dots == 3, digits > 0 else { return nil }
        return value << 8 | octet
    }

    /// The address in its usual text form (RFC 5952 for IPv6).
    public var description: String {
        if isIPv4 { return "\(low >> 24 & 255).\(low >> 16 & 255).\(low >> 8 & 255).\(low & 255)" }
        var bytes = (high.bigEndian, low.bigEndian)
        var text = [UInt8](repeating: 0, count: 46)
        unsafe text.withUnsafeMutableBytes { buffer in
            _ = unsafe inet_ntop(
                AF_INET6, &bytes, buffer.baseAddress!.assumingMemoryBound(to: CChar.self), socklen_t(buffer.count))
        }
        return String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
    }
}

/// An IP network: an address and a prefix length.
public struct IPNetwork: Hashable, Sendable, CustomStringConvertible {
    /// The first address, host bits zero.
    public let address: IPAddress
    /// The prefix length in bits: up to 32 for IPv4, up to 128 for IPv6.
    public let prefix: Int

    /// The network written as `10.0.0.0/8`, `fd00::/8` or a lone address; nil when it is neither. Host bits are cleared.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(String(first)) else { return nil }
        let most = address.isIPv4 ? 32 : 128
        var prefix = most
        if parts.count == 2 {
            guard let length = Int(parts[1]), (0...most).contains(length), parts[1].allSatisfy(\.isNumber) else {
                return nil
            }
            prefix = length
        }
        self.prefix = prefix
        self.address = IPNetwork.masked(address, prefix)
    }

    /// The network of `prefix` bits that holds `address`; a prefix out of range is cut.
    public init(_ address: IPAddress, prefix: Int) {
        self.prefix = Swift.min(Swift.max(prefix, 0), address.isIPv4 ? 32 : 128)
        self.address = IPNetwork.masked(address, self.prefix)
    }

    private static func masked(_ address: IPAddress, _ prefix: Int) -> IPAddress {
        if address.isIPv4 {
            let mask: UInt32 = prefix == 0 ? 0 : UInt32.max << UInt32(32 - prefix)
            return IPAddress(v4: UInt32(truncatingIfNeeded: address.low) & mask)
        }
        let high = prefix >= 64 ? UInt64.max : prefix == 0 ? 0 : UInt64.max << UInt64(64 - prefix)
        let low = prefix <= 64 ? 0 : prefix == 128 ? UInt64.max : UInt64.max << UInt64(128 - prefix)
        return IPAddress(high: address.high & high, low: address.low & low)
    }

    /// Whether `address` lies in the network; families do not mix.
    public func contains(_ address: IPAddress) -> Bool {
        address.isIPv4 == self.address.isIPv4 && IPNetwork.masked(address, prefix) == self.address
    }

    /// The network as `address/prefix`.
    public var description: String { "\(address)/\(prefix)" }
}
