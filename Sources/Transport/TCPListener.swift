// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc

/// A listening TCP socket.
public final class TCPListener {
    /// What one accept brought.
    public enum Accepted {
        /// A connection; ``StreamConnection/secure(with:)`` puts TLS on it.
        case connection(StreamConnection)
        /// Nobody waits.
        case wouldBlock
        /// One waiting connection was closed unserved, with the reason: the process has no descriptor left for it.
        case shed(String)
    }

    let descriptor: Descriptor
    /// The address that the socket is bound to, with the port that the kernel chose.
    public let address: SocketAddress
    /// A descriptor to spend when none is left: a connection that cannot be accepted would otherwise stay ready for
    /// ever, and the loop would spin on it.
    private var spare: Int32

    /// Binds to `address` and listens.
    ///
    /// - Parameter shared: whether other sockets of this user may bind to the same port, one a lane (SO_REUSEPORT).
    public init(bind address: SocketAddress, shared: Bool = false) throws(TransportError) {
        descriptor = try Descriptor.socket(for: address, stream: true)
        descriptor.set(SOL_SOCKET, SO_REUSEADDR, 1)
        try descriptor.bind(address, shared: shared, what: "tcp")
        guard Glibc.listen(descriptor.raw, 4096) == 0 else { throw TransportError(errno: errno, "tcp \(address)") }
        self.address = descriptor.localAddress() ?? address
        spare = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
    }

    deinit { if spare >= 0 { _ = Glibc.close(spare) } }

    /// The descriptor, for an ``EventLoop``.
    public var raw: Int32 { descriptor.raw }

    /// Accepts one connection without blocking.
    public func accept() -> Accepted {
        var accepted: Int32 = 0
        let listening = descriptor.raw
        let peer = SocketAddress.of {
            accepted = penstock_accept(listening, $0, $1)
            return accepted
        }
        switch accepted {
        case 0...:
            let owned = Descriptor(accepted)
            // Another thread may have been quicker when it was to be taken back.
            if spare < 0 { spare = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC) }
            guard let peer else { return .shed("a peer without an IP address") }
            // A peer that vanished without a word (a pulled cable, a dead NAT entry) is found within four minutes.
            _ = penstock_keep_alive(accepted, 120, 30, 4)
            return .connection(StreamConnection(owned, peer: peer))
        case -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM: return shedOne(TransportError.text(-accepted))
        // EINTR, ECONNABORTED and the network errors of accept(2) concern one connection that is gone.
        default: return .wouldBlock
        }
    }

    private func shedOne(_ reason: String) -> Accepted {
        if spare >= 0 { _ = Glibc.close(spare) }
        var length: socklen_t = 0
        let accepted = penstock_accept(descriptor.raw, nil, &length)
        if accepted >= 0 { _ = Glibc.close(accepted) }
        spare = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
        return accepted >= 0 ? .shed(reason) : .wouldBlock
    }
}
