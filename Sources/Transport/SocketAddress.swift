// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
public import Wire

/// An IP address and a port, as sockets name their ends.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// The address.
    public let ip: IPAddress
    /// The port; 0 lets the kernel choose one.
    public let port: UInt16
    /// The number of the interface that a link-local address is one of (RFC 4007); 0: none.
    public let zone: UInt32

    /// An address and a port.
    public init(_ ip: IPAddress, port: UInt16, zone: UInt32 = 0) {
        self.ip = ip
        self.port = port
        self.zone = zone
    }

    /// The address in `text`: `192.0.2.1:514`, `[2001:db8::1]:514` or `[fe80::1%eth0]:514`.
    ///
    /// - Throws: a text that says what is wrong; host names are not addresses, because a listener must not depend on DNS.
    public init(_ text: String) throws(TransportError) {
        guard let colon = text.lastIndex(of: ":") else {
            throw SocketAddress.complaint(text, "has no port")
        }
        var host = text[..<colon]
        let digits = text[text.index(after: colon)...]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw SocketAddress.complaint(text, "is an IPv6 address without brackets")
        }
        guard let ip = IPAddress(String(host)) else {
            throw SocketAddress.complaint(text, "has `\(host)` where an IP address belongs")
        }
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = UInt16(digits) else {
            throw SocketAddress.complaint(text, "has `\(digits)` where a port (0 to 65535) belongs")
        }
        var zone: UInt32 = 0
        if let percent = host.firstIndex(of: "%") {
            let name = String(host[host.index(after: percent)...])
            zone = UInt32(name) ?? if_nametoindex(name)
            guard zone > 0 else {
                throw SocketAddress.complaint(text, "names the interface `\(name)`, which this host does not have,")
            }
        } else if ip.high >> 54 == 0x3FA, !ip.isIPv4 {
            throw SocketAddress.complaint(text, "is a link-local address without its interface (`[fe80::1%eth0]:514`)")
        }
        self.init(ip, port: port, zone: zone)
    }

    private static func complaint(_ text: String, _ what: String) -> TransportError {
        TransportError(.address, "`\(text)` \(what); write it like 0.0.0.0:514 or [::]:6514")
    }

    /// The address and port in their usual text form, IPv6 in brackets (RFC 3986 section 3.2.2).
    public var description: String {
        guard !ip.isIPv4 else { return "\(ip):\(port)" }
        return zone == 0 ? "[\(ip)]:\(port)" : "[\(ip)%\(zone)]:\(port)"
    }

    /// AF_INET or AF_INET6.
    var family: Int32 { ip.isIPv4 ? AF_INET : AF_INET6 }

    /// Lends the address in the kernel's form.
    func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_storage()
        return withUnsafeMutableBytes(of: &storage) { bytes in
            let length: Int
            if ip.isIPv4 {
                length = MemoryLayout<sockaddr_in>.size
                bytes.withMemoryRebound(to: sockaddr_in.self) {
                    $0[0].sin_family = sa_family_t(AF_INET)
                    $0[0].sin_port = port.bigEndian
                    $0[0].sin_addr.s_addr = UInt32(truncatingIfNeeded: ip.low).bigEndian
                }
            } else {
                length = MemoryLayout<sockaddr_in6>.size
                bytes.withMemoryRebound(to: sockaddr_in6.self) {
                    $0[0].sin6_family = sa_family_t(AF_INET6)
                    $0[0].sin6_port = port.bigEndian
                }
                // struct sockaddr_in6: family 2, port 2, flow 4, then the address.
                bytes.storeBytes(of: ip.high.bigEndian, toByteOffset: 8, as: UInt64.self)
                bytes.storeBytes(of: ip.low.bigEndian, toByteOffset: 16, as: UInt64.self)
                bytes.storeBytes(of: zone, toByteOffset: 24, as: UInt32.self)
            }
            return body(UnsafePointer(bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)), socklen_t(length))
        }
    }

    /// The address in the kernel's form at `bytes`, or nil for another family.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 16 else { return nil }
        let port = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        switch Int32(bytes.loadUnaligned(as: sa_family_t.self)) {
        case AF_INET:
            let value = bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
            self.init(IPAddress(v4: UInt32(bigEndian: value)), port: port)
        case AF_INET6 where bytes.count >= 24:
            let high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            let low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
            let zone = bytes.count >= 28 ? bytes.loadUnaligned(fromByteOffset: 24, as: UInt32.self) : 0
            self.init(IPAddress(high: high, low: low), port: port, zone: zone)
        default: return nil
        }
    }

    /// The address that a call such as getsockname(2) or accept(2) fills in; nil when it fails.
    static func of(
        _ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutableBytes(of: &storage) { bytes in
            guard call(bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), &length) >= 0 else { return nil }
            return SocketAddress(UnsafeRawBufferPointer(bytes))
        }
    }
}
