// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// One owned file descriptor, closed when it goes.
struct Descriptor: ~Copyable {
    let raw: Int32

    init(_ raw: Int32) { self.raw = raw }

    deinit { _ = Glibc.close(raw) }

    /// A non-blocking, close-on-exec socket for the family of `address`.
    static func socket(for address: SocketAddress, stream: Bool) throws(TransportError) -> Descriptor {
        let kind = Int32((stream ? SOCK_STREAM : SOCK_DGRAM).rawValue)
        let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let raw = Glibc.socket(address.family, kind | flags, 0)
        guard raw >= 0 else { throw TransportError(errno: errno, "\(address): cannot open a socket") }
        return Descriptor(raw)
    }

    /// Sets one integer option; answers 0 or the `errno`.
    @discardableResult
    func set(_ level: Int32, _ option: Int32, _ value: Int32) -> Int32 {
        var value = value
        return setsockopt(raw, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 ? 0 : errno
    }

    /// Binds to `address`. With `shared`, other sockets that say the same may bind to it as well (SO_REUSEPORT).
    borrowing func bind(_ address: SocketAddress, shared: Bool, what: String) throws(TransportError) {
        if shared { set(SOL_SOCKET, SO_REUSEPORT, 1) }
        // One IPv6 socket on `::` takes IPv4 too, whatever net.ipv6.bindv6only says.
        if address.family == AF_INET6 { set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        let raw = raw
        let status = address.withSockaddr { Glibc.bind(raw, $0, $1) }
        guard status == 0 else { throw TransportError(errno: errno, "\(what) \(address)") }
    }

    /// The address that the socket is bound to.
    borrowing func localAddress() -> SocketAddress? { SocketAddress.of { getsockname(raw, $0, $1) } }
}
