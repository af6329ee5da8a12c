// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Wire

/// A TCP or TLS connection for a thread of its own: connecting and sending block, but never longer than a given time.
///
/// It does not reconnect: every error ends it, says why, and leaves what to do to the caller.
public final class StreamClient {
    private let connection: StreamConnection
    private var isClosed = false

    private init(_ connection: StreamConnection) { self.connection = connection }

    /// The address connected to.
    public var peer: SocketAddress { connection.peer }
    /// The TLS version in use, nil without TLS.
    public var tlsVersion: String? { connection.tlsVersion }
    /// The server's certificate, nil without TLS.
    public var peerCertificate: PeerCertificate? { connection.peerCertificate }

    /// Connects to `host`, a name or an IP address, trying its addresses in order.
    ///
    /// - Parameters:
    ///   - tls: a client context, nil for plain TCP.
    ///   - serverName: the name that the certificate must carry, when it is not `host`.
    ///   - timeout: the longest time for connecting and handshake together. Resolving a name is the system resolver's
    ///     and has its own limit (`resolv.conf`).
    public static func connect(
        to host: String, port: UInt16, tls: TLSContext? = nil, serverName: String? = nil,
        timeout: Duration = .seconds(10)
    ) throws(TransportError) -> StreamClient {
        let deadline = Deadline(timeout)
        var last = TransportError(.unreachable, "\(host): the name has no address")
        for address in try resolve(host, port: port, stream: true) {
            do {
                return try connect(address, host: serverName ?? host, tls, deadline)
            } catch {
                last = error
                if deadline.isOver { break }
            }
        }
        throw last
    }

    private static func connect(
        _ address: SocketAddress, host: String, _ tls: TLSContext?, _ deadline: Deadline
    ) throws(TransportError) -> StreamClient {
        let descriptor = try Descriptor.socket(for: address, stream: true)
        _ = penstock_no_delay(descriptor.raw)
        _ = penstock_keep_alive(descriptor.raw, 60, 15, 4)
        let raw = descriptor.raw
        let what = "\(tls == nil ? "tcp" : "tls") \(address)"
        if address.withSockaddr({ Glibc.connect(raw, $0, $1) }) != 0 {
            guard errno == EINPROGRESS else { throw TransportError(errno: errno, what) }
            guard deadline.wait(raw, Int16(POLLOUT)) else {
                throw TransportError(.timeout, "\(what): no answer to the connection request in time")
            }
            var number: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(raw, SOL_SOCKET, SO_ERROR, &number, &length)
            guard number == 0 else { throw TransportError(errno: number, what) }
        }
        let connection = StreamConnection(descriptor, peer: address)
        guard let tls else { return StreamClient(connection) }
        try connection.secure(with: tls, host: host)
        while true {
            switch connection.handshake() {
            case .done: return StreamClient(connection)
            case .waiting:
                guard deadline.wait(raw, connection.interest == .writable ? Int16(POLLOUT) : Int16(POLLIN)) else {
                    throw TransportError(.timeout, "\(what): the TLS handshake did not end in time")
                }
            case .closed:
                throw TransportError(
                    .handshake, "\(what): closed during the TLS handshake; does that port speak TLS?")
            case .failed(let error):
                throw TransportError(error.code, "\(what) (server name \(host)): \(error.description)")
            }
        }
    }

    /// Sends all of `bytes`, or throws; after an error nobody knows how much of them has arrived.
    public func send(_ bytes: RawSpan, timeout: Duration = .seconds(10)) throws(TransportError) {
        let deadline = Deadline(timeout)
        var sent = 0
        // Also before the first byte: the kernel would take one more message for a peer that has closed, and lose it.
        try checkPeer()
        while sent < bytes.byteCount {
            let rest = bytes.part(sent, bytes.byteCount - sent)
            switch rest.withUnsafeBytes({ connection.write($0) }) {
            case .bytes(let count):
                sent += count
                continue
            case .wantsWrite, .wantsRead: break
            case .failed(let error):
                isClosed = true
                throw error
            }
            // What the other side says is read meanwhile: two sides that only write would block each other.
            guard deadline.wait(connection.raw, Int16(POLLIN | POLLOUT)) else {
                isClosed = true
                throw TransportError(
                    .timeout,
                    "\(peer): the other side takes nothing more (\(sent) of \(bytes.byteCount) bytes were sent in time)"
                )
            }
            try checkPeer()
        }
    }

    /// Throws when the other side has closed. Whatever it says is read and thrown away; feeds are one-way.
    public func checkPeer() throws(TransportError) {
        guard !isClosed else { throw TransportError(.closed, "\(peer): the connection is closed") }
        if let end = drain() {
            isClosed = true
            throw end
        }
    }

    /// Ends the connection and waits, for at most `timeout`, until the other side has read everything and closed.
    ///
    /// A close with unread bytes in the socket (a server's TLS 1.3 session ticket is enough) is a reset, and a reset takes
    /// along what the other side has not read yet. Hence: end the own direction, then read until the end.
    public func close(timeout: Duration = .seconds(2)) {
        guard !isClosed else { return }
        isClosed = true
        connection.finishWriting()
        let deadline = Deadline(timeout)
        repeat { if drain() != nil { return } } while deadline.wait(connection.raw, Int16(POLLIN))
    }

    deinit { close(timeout: .milliseconds(200)) }

    /// Reads and forgets what waits; answers why nothing more can come, or nil.
    private func drain() -> TransportError? {
        // A chatty peer cannot hold the thread: 16 reads at most.
        for _ in 0..<16 {
            let result = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { connection.read(into: $0) }
            switch result {
            case .bytes: continue
            case .wouldBlock: return nil
            case .closed: return TransportError(.closed, "\(peer): closed by the other side")
            case .failed(let error): return error
            }
        }
        return nil
    }

    /// The addresses of `host`, in the system's order of preference.
    static func resolve(_ host: String, port: UInt16, stream: Bool) throws(TransportError) -> [SocketAddress] {
        if host.contains("%"), IPAddress(host) != nil { return [try SocketAddress("[\(host)]:\(port)")] }
        if let ip = IPAddress(host) { return [SocketAddress(ip, port: port)] }
        var hints = addrinfo()
        hints.ai_socktype = Int32((stream ? SOCK_STREAM : SOCK_DGRAM).rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        guard status == 0 else {
            throw TransportError(.unreachable, "\(host): \(String(cString: gai_strerror(status)))")
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        // A name with hundreds of addresses is no feed's target.
        while let entry = next, addresses.count < 16 {
            let bytes = UnsafeRawBufferPointer(start: entry.pointee.ai_addr, count: Int(entry.pointee.ai_addrlen))
            if let address = SocketAddress(bytes) {
                addresses.append(SocketAddress(address.ip, port: port, zone: address.zone))
            }
            next = entry.pointee.ai_next
        }
        return addresses
    }
}
