// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// One accepted or made TCP connection, with TLS or without. Non-blocking; owned by one thread.
public final class StreamConnection {
    /// What one read brought.
    public enum ReadResult {
        /// That many bytes.
        case bytes(Int)
        /// Nothing waits. Only after this answer has a TLS connection no decrypted bytes left that epoll cannot see.
        case wouldBlock
        /// The other side has ended the stream.
        case closed
        /// The connection is broken, with the reason.
        case failed(TransportError)
    }

    /// How far a handshake is.
    public enum HandshakeResult {
        /// The connection is open.
        case done
        /// It waits for the other side; ``StreamConnection/interest`` tells for what.
        case waiting
        /// The other side has gone.
        case closed
        /// It failed, with the reason.
        case failed(TransportError)
    }

    private let descriptor: Descriptor
    private var session: TLSSession?
    /// The other end.
    public let peer: SocketAddress
    /// Whether the handshake is done; true at once without TLS.
    public private(set) var isOpen: Bool
    /// What the connection needs an ``EventLoop`` to wait for: TLS may have to write before it can read on.
    public private(set) var interest: EventLoop.Interest = .readable
    /// Whether the stream ended with the other side's consent: a TLS stream by close_notify, a TCP one by FIN.
    public private(set) var endedCleanly = false

    init(_ descriptor: consuming Descriptor, peer: SocketAddress) {
        self.descriptor = descriptor
        self.peer = peer
        isOpen = true
    }

    /// Sends close_notify where there is TLS; the descriptor is closed after it.
    deinit { session?.close() }

    /// The descriptor, for an ``EventLoop``.
    public var raw: Int32 { descriptor.raw }
    /// Whether the connection runs TLS.
    public var isTLS: Bool { session != nil }
    /// The protocol version in use (`TLSv1.3`), nil without TLS.
    public var tlsVersion: String? { session?.version }
    /// The other side's certificate, nil when it showed none.
    public var peerCertificate: PeerCertificate? { session?.peerCertificate }

    /// Puts TLS on a connection that nothing was read from yet, as its server; ``handshake()`` comes next.
    public func secure(with context: TLSContext) throws(TransportError) {
        session = try TLSSession(context, descriptor: descriptor.raw, role: .server)
        isOpen = false
    }

    /// Puts TLS on a new connection, as the client of a server whose certificate must be for `host`.
    func secure(with context: TLSContext, host: String) throws(TransportError) {
        let session = try TLSSession(context, descriptor: descriptor.raw, role: .client)
        session.expect(host: host)
        self.session = session
        isOpen = false
    }

    /// Takes the handshake as far as it goes without blocking.
    public func handshake() -> HandshakeResult {
        guard !isOpen, let session else { return .done }
        interest = .readable
        switch session.handshake() {
        case .done:
            isOpen = true
            return .done
        case .wantsRead: return .waiting
        case .wantsWrite:
            interest = .writable
            return .waiting
        case .closed: return .closed
        case .failed(let error): return .failed(error)
        }
    }

    /// Reads what waits, at most as much as `room` holds, without blocking.
    public func read(into room: UnsafeMutableRawBufferPointer) -> ReadResult {
        guard !room.isEmpty else { return .wouldBlock }
        guard let session else { return readPlain(into: room) }
        interest = .readable
        switch session.read(into: room) {
        case .done(let count): return .bytes(count)
        case .wantsRead: return .wouldBlock
        case .wantsWrite:
            // A key update (RFC 8446 section 4.6.3) that the socket has no room to answer.
            interest = [.readable, .writable]
            return .wouldBlock
        case .closed(let clean):
            endedCleanly = clean
            return .closed
        case .failed(let error): return .failed(error)
        }
    }

    private func readPlain(into room: UnsafeMutableRawBufferPointer) -> ReadResult {
        let count = recv(descriptor.raw, room.baseAddress, room.count, 0)
        if count > 0 { return .bytes(count) }
        if count == 0 {
            endedCleanly = true
            return .closed
        }
        let number = errno
        if number == EAGAIN || number == EINTR { return .wouldBlock }
        return .failed(TransportError(errno: number, "tcp \(peer)"))
    }

    /// Ends the own direction: close_notify where there is TLS, then FIN. Reading goes on.
    func finishWriting() {
        session?.close()
        _ = Glibc.shutdown(descriptor.raw, Int32(SHUT_WR))
    }

    /// How a write ended.
    enum WriteResult {
        case bytes(Int)
        case wantsRead
        case wantsWrite
        case failed(TransportError)
    }

    /// Writes as much of `bytes` as goes without blocking.
    func write(_ bytes: UnsafeRawBufferPointer) -> WriteResult {
        guard let session else {
            let count = send(descriptor.raw, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if count >= 0 { return .bytes(count) }
            let number = errno
            if number == EAGAIN || number == EINTR { return .wantsWrite }
            return .failed(TransportError(errno: number, "tcp \(peer)"))
        }
        switch session.write(bytes) {
        case .done(let count): return .bytes(count)
        case .wantsRead: return .wantsRead
        case .wantsWrite: return .wantsWrite
        case .closed: return .failed(TransportError(.closed, "tls \(peer): closed by the other side"))
        case .failed(let error): return .failed(error)
        }
    }
}
