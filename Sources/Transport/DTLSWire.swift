// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Wire

/// The one BIO of an endpoint: OpenSSL reads from it the datagram at hand, and sends through it to the peer at hand.
///
/// OpenSSL's memory BIO would join datagrams, and its datagram BIO would read from the socket that all peers share. The
/// sessions of an endpoint run one at a time, so one BIO serves them all: whoever calls OpenSSL sets peer and datagram
/// first.
final class DTLSWire {
    private static let method: UnsafeSendable<OpaquePointer?> = makeMethod()
    let bio: OpaquePointer
    private let socket: UDPSocket
    private let linkMTU: Int
    /// The datagram to read; nil when it has been read.
    private var datagram: UnsafeRawBufferPointer?
    private var peer: SocketAddress?
    /// The cookie of the datagram at hand, verified before OpenSSL sees it.
    private var cookie: [UInt8] = []
    /// Datagrams that the kernel did not take.
    private(set) var unsent = 0

    init(_ socket: UDPSocket, linkMTU: Int) throws(TransportError) {
        guard let method = DTLSWire.method.value, let bio = BIO_new(method) else {
            throw TransportError(.system, "DTLS: \(TLSError.take())")
        }
        self.bio = bio
        self.socket = socket
        self.linkMTU = linkMTU
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(bio, 1)
    }

    deinit {
        // A session may outlive its endpoint in a caller's hands; it must not come here any more.
        BIO_set_data(bio, nil)
        BIO_free(bio)
    }

    /// Makes an SSL use this wire.
    func attach(to ssl: OpaquePointer) {
        // SSL_set_bio takes one reference when both directions are one BIO.
        BIO_up_ref(bio)
        SSL_set_bio(ssl, bio, bio)
        _ = penstock_dtls_set_link_mtu(ssl, linkMTU)
    }

    /// The wire of an SSL.
    static func of(_ ssl: OpaquePointer) -> DTLSWire? { SSL_get_rbio(ssl).flatMap { of(bio: $0) } }

    private static func of(bio: OpaquePointer) -> DTLSWire? {
        BIO_get_data(bio).map { Unmanaged<DTLSWire>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Runs `body`, which calls OpenSSL for one session, with the peer and the datagram that it is about.
    func with<Result>(
        _ peer: SocketAddress, _ datagram: RawSpan? = nil, cookie: [UInt8] = [], _ body: () -> Result
    ) -> Result {
        self.peer = peer
        defer {
            self.peer = nil
            self.datagram = nil
            self.cookie = []
        }
        self.cookie = cookie
        guard let datagram else { return body() }
        return datagram.withUnsafeBytes {
            self.datagram = $0
            return body()
        }
    }

    /// Whether OpenSSL has taken the datagram at hand.
    var isRead: Bool { datagram == nil }

    /// Whether OpenSSL has found the cookie that was verified: the two readings of a ClientHello must agree.
    func accepts(_ found: UnsafeBufferPointer<UInt8>) -> Bool {
        !cookie.isEmpty && found.count == cookie.count
            && CRYPTO_memcmp(found.baseAddress, cookie, found.count) == 0
    }

    /// Sends a datagram to the peer. What the kernel does not take is lost like any datagram on its way.
    func send(_ bytes: RawSpan, to peer: SocketAddress) {
        if !socket.send(bytes, to: peer) { unsent += 1 }
    }

    private func read(into room: UnsafeMutableRawBufferPointer) -> Int? {
        guard let datagram else { return nil }
        self.datagram = nil
        // Like recv(2): what does not fit is gone. OpenSSL's room fits the largest record.
        let part = UnsafeRawBufferPointer(rebasing: datagram.prefix(room.count))
        room.copyMemory(from: part)
        return part.count
    }

    private static func makeMethod() -> UnsafeSendable<OpaquePointer?> {
        let kind = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
        guard let method = BIO_meth_new(kind, "penstock datagram") else { return UnsafeSendable(nil) }
        BIO_meth_set_read(method) { bio, room, count in
            guard let bio, let room, let wire = DTLSWire.of(bio: bio) else { return -1 }
            penstock_bio_clear_retry(bio)
            guard let read = wire.read(into: UnsafeMutableRawBufferPointer(start: room, count: Int(count))) else {
                penstock_bio_retry_read(bio)
                return -1
            }
            return Int32(read)
        }
        BIO_meth_set_write(method) { bio, bytes, count in
            guard let bio, let bytes, count > 0, let wire = DTLSWire.of(bio: bio), let peer = wire.peer else {
                return -1
            }
            penstock_bio_clear_retry(bio)
            wire.send(RawSpan(_unsafeStart: UnsafeRawPointer(bytes), byteCount: Int(count)), to: peer)
            return count
        }
        BIO_meth_set_ctrl(method) { bio, command, _, _ in
            switch command {
            case BIO_CTRL_FLUSH, BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT: return 1
            // What IP and UDP put in front of a record.
            case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
                return bio.flatMap { DTLSWire.of(bio: $0)?.peer }?.ip.isIPv4 == true ? 28 : 48
            // Everything else, BIO_CTRL_DGRAM_MTU_EXCEEDED and BIO_CTRL_DGRAM_GET_PEER too: no.
            default: return 0
            }
        }
        return UnsafeSendable(method)
    }
}

/// A value that is never changed after it was made, whatever its type says.
private struct UnsafeSendable<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
