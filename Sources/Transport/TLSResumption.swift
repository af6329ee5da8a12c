// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc

/// Session tickets (RFC 5077, RFC 8446 section 4.6.1) that never outlive what the client's certificate was admitted by.
///
/// A resumed connection shows no certificate again; OpenSSL restores the client's from the ticket. The keys of the tickets
/// belong to one context, so after a reload every old ticket is undecipherable: the client proves itself in full, against
/// the allow list and the revocation lists of that day. Within a context only time passes. Each ticket therefore carries
/// when the first certificate of its chain ends, and one from after that, or after the end of a revocation list, is
/// ignored: a full handshake follows, whose verdict is the right one.
final class TLSResumption: Sendable {
    /// The longest that a session can be resumed, in seconds.
    private static let lifetime = 7200
    private let tls12: Bool
    private let crlEnd: Int64?
    private let keys: TLSTicketKeys?

    /// - Parameters:
    ///   - crlEnd: when the first revocation list ends, where that refuses clients.
    ///   - keyLifetime: the seconds that a ticket key seals for.
    init(tls12: Bool, crlEnd: Int64?, keyLifetime: Int) {
        self.tls12 = tls12
        self.crlEnd = crlEnd
        keys = TLSTicketKeys(seconds: keyLifetime)
    }

    /// Puts the resumption in charge of an SSL_CTX, which it must outlive.
    func install(on pointer: OpaquePointer, tls13: Bool) {
        // Tickets only: the sessions of ten thousand clients in a cache are memory, and what the cache finds could not
        // be refused any more.
        _ = SSL_CTX_ctrl(pointer, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
        _ = SSL_CTX_set_num_tickets(pointer, tls13 ? 1 : 0)
        _ = SSL_CTX_set_timeout(pointer, TLSResumption.lifetime)
        let name: StaticString = "penstock"
        _ = SSL_CTX_set_session_id_context(pointer, name.utf8Start, UInt32(name.utf8CodeUnitCount))
        guard tls12 || tls13, let keys else {
            _ = SSL_CTX_set_options(pointer, penstock_SSL_OP_NO_TICKET)
            return
        }
        keys.install(on: pointer)
        SSL_CTX_set_session_ticket_cb(
            pointer, { ssl, _ in ssl.map { TLSResumption.stamp($0) } ?? 0 },
            { ssl, session, _, _, status, argument in
                guard let ssl, let argument else { return SSL_TICKET_RETURN_IGNORE }
                return Unmanaged<TLSResumption>.fromOpaque(argument).takeUnretainedValue().judge(ssl, session, status)
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Writes into the session of a new ticket when the first certificate of the client's chain ends.
    private static func stamp(_ ssl: OpaquePointer) -> Int32 {
        // A resumed session has no chain; it passes on what its own ticket said.
        guard SSL_session_reused(ssl) == 0 else { return 1 }
        var end = Int64.max
        if let leaf = SSL_get0_peer_certificate(ssl) { end = PeerCertificate.end(of: leaf) ?? 0 }
        if let chain = SSL_get0_verified_chain(ssl) {
            for index in 0..<OPENSSL_sk_num(chain) {
                guard let certificate = OPENSSL_sk_value(chain, index) else { continue }
                end = min(end, PeerCertificate.end(of: OpaquePointer(certificate)) ?? 0)
            }
        }
        return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), &end, MemoryLayout<Int64>.size)
    }

    private func judge(_ ssl: OpaquePointer, _ session: OpaquePointer?, _ status: Int32) -> Int32 {
        if !tls12, SSL_version(ssl) == TLS1_2_VERSION { return SSL_TICKET_RETURN_IGNORE }
        guard status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW, let session else {
            return SSL_TICKET_RETURN_IGNORE_RENEW
        }
        var data: UnsafeMutableRawPointer?
        var length = 0
        guard SSL_SESSION_get0_ticket_appdata(session, &data, &length) == 1, let data,
            length == MemoryLayout<Int64>.size
        else { return SSL_TICKET_RETURN_IGNORE_RENEW }
        let now = Int64(Glibc.time(nil))
        guard data.loadUnaligned(as: Int64.self) > now, crlEnd ?? .max > now else {
            return SSL_TICKET_RETURN_IGNORE_RENEW
        }
        return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW
    }
}
