// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// What DTLS 1.2 sessions of one kind share: certificate, key, whom they admit, and ciphers (RFC 6012 with RFC 9662).
///
/// Like a ``TLSContext`` it never changes once made; a reload makes a new one for new sessions.
public final class DTLSContext: @unchecked Sendable {
    // SSL_CTX is reference-counted and safe to share once configured (openssl-threads(7)); nothing configures it later.
    let pointer: OpaquePointer
    /// What the SSL_CTX refers to without owning it.
    private var verifier: CertificateVerifier?
    /// What works now but will not for long, or works but should not be so: a sentence each, with file and cure.
    public private(set) var warnings: [String] = []
    /// When the context's own certificate ends, in seconds since the epoch.
    public var certificateEnd: Int64? { SSL_CTX_get0_certificate(pointer).flatMap { PeerCertificate.end(of: $0) } }
    /// When the first of the revocation lists is past its nextUpdate, in seconds since the epoch; nil without lists.
    public var revocationEnd: Int64? { verifier?.crlEnd }

    /// A context for accepting sessions, with the settings of a TLS server. Every session proves itself in full, so
    /// those about resumption are not used; DTLS 1.2 (RFC 6347) is the only version.
    ///
    /// - Throws: a text that names the file or setting and the cure.
    public init(_ settings: TLSServerSettings) throws(TransportError) {
        TLSError.clear()
        guard let pointer = SSL_CTX_new(DTLS_server_method()) else {
            throw TransportError(.system, "DTLS: \(TLSError.take())")
        }
        self.pointer = pointer
        guard settings.minimumVersion == .v1_2 else {
            throw TransportError(.handshake, "DTLS has no version above 1.2 here; leave the lowest version at 1.2")
        }
        _ = penstock_ssl_ctx_set_min_proto(pointer, DTLS1_2_VERSION)
        _ = penstock_ssl_ctx_set_max_proto(pointer, DTLS1_2_VERSION)
        // RFC 9325 section 4.2: forward secrecy and authenticated encryption alone.
        _ = SSL_CTX_set_cipher_list(pointer, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL")
        // A socket that serves many peers cannot be asked for one's path MTU.
        _ = SSL_CTX_set_options(
            pointer,
            penstock_SSL_OP_NO_RENEGOTIATION | penstock_SSL_OP_NO_COMPRESSION | penstock_SSL_OP_NO_TICKET
                | penstock_SSL_OP_CIPHER_SERVER_PREFERENCE | penstock_SSL_OP_NO_QUERY_MTU
                | penstock_SSL_OP_COOKIE_EXCHANGE)
        _ = SSL_CTX_ctrl(pointer, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
        // What a stranger's handshake may make this side hold: messages put together from fragments, up to eleven at a
        // time, and the buffer of a record sent, which is never a large one.
        _ = SSL_CTX_ctrl(pointer, SSL_CTRL_SET_MAX_CERT_LIST, 16 * 1024, nil)
        _ = SSL_CTX_ctrl(pointer, SSL_CTRL_SET_MAX_SEND_FRAGMENT, 2048, nil)
        SSL_CTX_set_default_passwd_cb(pointer) { _, _, _, _ in 0 }
        // The endpoint verifies cookies itself, before anything is kept; what is asked here only confirms that.
        SSL_CTX_set_cookie_generate_cb(pointer) { _, _, _ in 0 }
        SSL_CTX_set_cookie_verify_cb(pointer) { ssl, cookie, length in
            guard let ssl, let cookie, let wire = DTLSWire.of(ssl) else { return 0 }
            return wire.accepts(UnsafeBufferPointer(start: cookie, count: Int(length))) ? 1 : 0
        }
        var files = TLSFiles(pointer)
        try files.load(certificate: settings.certificate, key: settings.key)
        verifier = try CertificateVerifier.admit(settings, &files, on: pointer)
        warnings = files.warnings
    }

    deinit { SSL_CTX_free(pointer) }
}
