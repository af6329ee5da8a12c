// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// What OpenSSL's callbacks find out about one connection. Its SSL refers to it, so it must live as long as that.
final class TLSPeerState {
    /// The steps of OpenSSL's handshake machine (key updates, attempts to renegotiate) that one call may take between two
    /// records of data. The handshake itself takes some twenty.
    private static let most = 64

    /// The certificate shown in this handshake.
    var certificate: PeerCertificate?
    /// Why the certificate, or its absence, was refused.
    var refusal: CertificateRefusal?
    /// Steps since the last record of data.
    var steps = 0
    /// Whether there were too many of them.
    private(set) var isFlooded = false

    /// Makes an SSL report here.
    func attach(to ssl: OpaquePointer) { SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque()) }

    /// The state of an SSL, nil when it has none.
    static func of(_ ssl: OpaquePointer) -> TLSPeerState? {
        SSL_get_ex_data(ssl, 0).map { Unmanaged<TLSPeerState>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Ends connections that send nothing but handshake messages.
    ///
    /// SSL_read answers them itself and returns only with data or when the socket is empty. A client that sends key
    /// updates as fast as the network goes, each a key derivation here, would keep a lane for itself.
    static func limitHandshakes(of context: OpaquePointer) {
        SSL_CTX_set_info_callback(context) { ssl, place, _ in
            guard place & SSL_CB_LOOP != 0, let ssl, let state = TLSPeerState.of(ssl) else { return }
            state.steps += 1
            guard state.steps > TLSPeerState.most else { return }
            state.isFlooded = true
            // Makes the running SSL_read return before the next record.
            SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN | SSL_SENT_SHUTDOWN)
        }
    }
}
