// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Wire

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
    private var outbound = OutboundQueue(limit: 64 * 1024)
    /// TLS waits in one direction before it can go on in the other.
    private var handshakeWantsWrite = false
    private var readWantsWrite = false
    private var writeWantsRead = false
    /// Whether ``peek(into:)`` has raised SO_RCVLOWAT.
    private var isPeeked = false
    /// The other end.
    public let peer: SocketAddress
    /// Whether the handshake is done; true at once without TLS.
    public private(set) var isOpen: Bool
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

    /// Why the other side's certificate, or its absence, has ended the handshake; nil when something else has.
    public var certificateRefusal: CertificateRefusal? { session?.refusal }
    /// Whether the TLS session was resumed; the certificate is then the one of the session's first handshake.
    public var isResumed: Bool { session?.isResumed ?? false }

    /// What the connection needs an ``EventLoop`` to wait for. It changes with every handshake, read, send and flush.
    public var interest: EventLoop.Interest {
        guard isOpen else { return handshakeWantsWrite ? .writable : .readable }
        // Nothing can be read before that is written: waiting for both would be no waiting while the other side sends.
        guard !readWantsWrite else { return .writable }
        return hasOutbound && !writeWantsRead ? [.readable, .writable] : .readable
    }

    /// Puts TLS on a connection, as its server; ``handshake()`` comes next. Only peeked and discarded bytes may have come
    /// in front of it.
    public func secure(with context: TLSContext) throws(TransportError) {
        endPeeking()
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
        handshakeWantsWrite = false
        switch session.handshake() {
        case .done:
            isOpen = true
            // Most connections are idle most of the time; the first record allocates again.
            session.releaseBuffers()
            return .done
        case .wantsRead: return .waiting
        case .wantsWrite:
            handshakeWantsWrite = true
            return .waiting
        case .closed: return .closed
        case .failed(let error): return .failed(error)
        }
    }

    /// Reads what waits, at most as much as `room` holds, without blocking. With TLS that is record after record.
    public func read(into room: UnsafeMutableRawBufferPointer) -> ReadResult {
        guard !room.isEmpty else { return .wouldBlock }
        guard let session else { return readPlain(into: room) }
        readWantsWrite = false
        switch session.read(into: room) {
        case .done(let count): return .bytes(count)
        case .wantsRead: return .wouldBlock
        case .wantsWrite:
            // A key update (RFC 8446 section 4.6.3) that the socket has no room to answer.
            readWantsWrite = true
            return .wouldBlock
        case .closed(let clean):
            endedCleanly = clean
            return .closed
        case .failed(let error): return .failed(error)
        }
    }

    private func readPlain(into room: UnsafeMutableRawBufferPointer) -> ReadResult {
        if isPeeked { endPeeking() }
        return receive(room, 0)
    }

    private func receive(_ room: UnsafeMutableRawBufferPointer, _ flags: Int32) -> ReadResult {
        let count = recv(descriptor.raw, room.baseAddress, room.count, flags)
        if count > 0 { return .bytes(count) }
        if count == 0 {
            endedCleanly = true
            return .closed
        }
        let number = errno
        if number == EAGAIN || number == EINTR { return .wouldBlock }
        return .failed(TransportError(errno: number, "tcp \(peer)"))
    }

    /// Looks at the bytes that wait in the socket, in front of any TLS, and leaves them there.
    ///
    /// The loop reports the connection again when more than these have come or the other side has ended, so a header that
    /// comes in pieces does not make it spin. ``discard(_:)``, ``read(into:)`` and ``secure(with:)`` end that.
    public func peek(into room: UnsafeMutableRawBufferPointer) -> ReadResult {
        guard !room.isEmpty else { return .wouldBlock }
        let result = receive(room, Int32(MSG_PEEK))
        if case .bytes(let count) = result, count < room.count {
            // epoll(7) honours the low-water mark of a TCP socket.
            descriptor.set(SOL_SOCKET, SO_RCVLOWAT, Int32(clamping: count + 1))
            isPeeked = true
        }
        return result
    }

    /// Takes `count` bytes that ``peek(into:)`` has shown out of the socket, and not one more.
    ///
    /// - Returns: whether that many were there.
    public func discard(_ count: Int) -> Bool {
        endPeeking()
        var left = count
        while left > 0 {
            // MSG_TRUNC drops the bytes of a TCP socket unread (tcp(7)).
            let dropped = recv(descriptor.raw, nil, left, Int32(MSG_TRUNC))
            if dropped < 0, errno == EINTR { continue }
            guard dropped > 0 else { return false }
            left -= dropped
        }
        return true
    }

    private func endPeeking() {
        guard isPeeked else { return }
        isPeeked = false
        descriptor.set(SOL_SOCKET, SO_RCVLOWAT, 1)
    }

    /// Gives the buffers of an idle TLS connection back, some 30 KiB a connection; its next record allocates them anew. For a
    /// connection that has been silent for a second or more.
    public func releaseBuffers() { session?.releaseBuffers() }

    /// How a ``flush()`` ended.
    public enum FlushResult {
        /// Nothing waits any more.
        case done
        /// Some bytes wait; ``StreamConnection/interest`` tells for what.
        case waiting
        /// The connection is broken, with the reason.
        case failed(TransportError)
    }

    /// The most bytes that may wait to be written; 64 KiB unless set.
    public var outboundLimit: Int {
        get { outbound.limit }
        set { outbound.limit = max(newValue, 0) }
    }

    /// Whether bytes wait to be written.
    public var hasOutbound: Bool { outbound.count > 0 }

    /// Queues all of `bytes` for the other side; ``flush()`` writes them, many sends in one go.
    ///
    /// - Returns: false when the other side takes so little that the limit would be exceeded; nothing is queued then.
    public func send(_ bytes: RawSpan) -> Bool { bytes.withUnsafeBytes { outbound.append($0) } }

    /// Writes what waits as far as it goes without blocking. To be called after sends, and whenever the connection is
    /// ready, readable or writable, while ``hasOutbound``.
    public func flush() -> FlushResult {
        guard isOpen else { return .waiting }
        writeWantsRead = false
        // Bounded: the queue is, and each round takes from it.
        while outbound.count > 0 {
            switch write(outbound.waiting) {
            case .bytes(let count): outbound.remove(count)
            case .wantsRead:
                writeWantsRead = true
                return .waiting
            case .wantsWrite: return .waiting
            case .failed(let error): return .failed(error)
            }
        }
        return .done
    }

    /// Ends the own direction: close_notify where there is TLS, then FIN. Reading goes on.
    public func finishWriting() {
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
            let count = Glibc.send(descriptor.raw, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
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
