// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Wire

/// Proves that a peer receives what is sent to its address, without keeping anything about it (RFC 6347 section 4.2.1).
///
/// A cookie is an HMAC of the peer and of what its ClientHello says of itself. The secret is random, changes every few
/// minutes and counts for one more period, so that an exchange across the change succeeds.
struct DTLSCookie {
    private static let period: Int64 = 300_000
    static let bytes = 32
    private var secret: [UInt8]
    private var previous: [UInt8]
    private var changed: Int64?

    init() throws(TransportError) {
        secret = try DTLSCookie.random()
        previous = try DTLSCookie.random()
    }

    private static func random() throws(TransportError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 32)
        guard RAND_bytes(&bytes, 32) == 1 else { throw TransportError(.system, "DTLS: no random numbers") }
        return bytes
    }

    /// Changes the secret when its time is over.
    mutating func rotate(now: Int64) {
        guard let changed, now - changed >= 0 else { return self.changed = now }
        guard now - changed >= DTLSCookie.period, let fresh = try? DTLSCookie.random() else { return }
        // After a long pause not even the last secret counts.
        previous = now - changed < 2 * DTLSCookie.period ? secret : fresh
        secret = fresh
        self.changed = now
    }

    /// The cookie for the ClientHello that `datagram` begins with.
    func make(_ hello: DTLSHello, _ datagram: RawSpan, from peer: SocketAddress) -> [UInt8] {
        DTLSCookie.make(secret, hello, datagram, peer)
    }

    /// Whether the ClientHello carries a cookie that was made for it and its sender.
    func verifies(_ hello: DTLSHello, _ datagram: RawSpan, from peer: SocketAddress) -> Bool {
        let shown = datagram.part(hello.cookie).array
        guard shown.count == DTLSCookie.bytes else { return false }
        for secret in [secret, previous] {
            let wanted = DTLSCookie.make(secret, hello, datagram, peer)
            if CRYPTO_memcmp(wanted, shown, DTLSCookie.bytes) == 0 { return true }
        }
        return false
    }

    private static func make(
        _ secret: [UInt8], _ hello: DTLSHello, _ datagram: RawSpan, _ peer: SocketAddress
    ) -> [UInt8] {
        var input: [UInt8] = []
        input.reserveCapacity(84)
        for half in [peer.ip.high, peer.ip.low, UInt64(peer.port) << 1 | (peer.ip.isIPv4 ? 1 : 0)] {
            withUnsafeBytes(of: half.bigEndian) { input += $0 }
        }
        input += datagram.part(hello.random).array
        input += datagram.part(hello.session).array
        var digest = [UInt8](repeating: 0, count: DTLSCookie.bytes)
        penstock_hmac_sha256(secret, input, input.count, &digest)
        return digest
    }
}
