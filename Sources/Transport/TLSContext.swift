// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc

/// What TLS connections of one kind share: certificate, key, trusted authorities, versions and ciphers.
///
/// It never changes once made. A reload makes a new one for new connections; the old one lives on in the connections
/// that were made with it.
public final class TLSContext: @unchecked Sendable {
    // SSL_CTX is reference-counted and safe to share once configured (openssl-threads(7)); nothing configures it later.
    let pointer: OpaquePointer
    let verifiesServer: Bool
    /// What the SSL_CTX refers to without owning it.
    private var verifier: CertificateVerifier?
    private var resumption: TLSResumption?
    /// What works now but will not for long, or works but should not be so: a sentence each, with file and cure.
    public private(set) var warnings: [String] = []
    /// When the context's own certificate ends, in seconds since the epoch; nil without a certificate.
    public var certificateEnd: Int64? { SSL_CTX_get0_certificate(pointer).flatMap { PeerCertificate.end(of: $0) } }
    /// When the first of the revocation lists is past its nextUpdate, in seconds since the epoch; nil without lists.
    public var revocationEnd: Int64? { verifier?.crlEnd }

    private init(_ pointer: OpaquePointer, verifiesServer: Bool) {
        self.pointer = pointer
        self.verifiesServer = verifiesServer
    }

    deinit { SSL_CTX_free(pointer) }

    /// A context for accepting connections with few settings; see ``server(_:)``.
    public static func server(
        certificate: String, key: String, clientCA: String? = nil, clientCertificate: ClientCertificatePolicy = .none,
        minimumVersion: TLSVersion = .v1_2
    ) throws(TransportError) -> TLSContext {
        try server(
            TLSServerSettings(
                certificate: certificate, key: key, clientCA: clientCA, clientCertificate: clientCertificate,
                minimumVersion: minimumVersion))
    }

    /// A context for accepting connections.
    ///
    /// - Throws: a text that names the file or setting and the cure.
    public static func server(_ settings: TLSServerSettings) throws(TransportError) -> TLSContext {
        ignoreBrokenPipes()
        let context = TLSContext(try make(TLS_server_method(), settings.minimumVersion), verifiesServer: false)
        let pointer = context.pointer
        // RFC 9325 section 4.2: TLS 1.2 with forward secrecy and authenticated encryption alone.
        _ = SSL_CTX_set_cipher_list(pointer, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL")
        _ = SSL_CTX_set_options(pointer, penstock_SSL_OP_CIPHER_SERVER_PREFERENCE)
        // A client's chain is rarely over 6 KiB; until the handshake ends it is a stranger's memory here.
        _ = SSL_CTX_ctrl(pointer, SSL_CTRL_SET_MAX_CERT_LIST, 32 * 1024, nil)
        TLSPeerState.limitHandshakes(of: pointer)
        var files = TLSFiles(pointer)
        try files.load(certificate: settings.certificate, key: settings.key)
        context.verifier = try CertificateVerifier.admit(settings, &files, on: pointer)
        context.warnings = files.warnings
        let resumption = TLSResumption(
            tls12: settings.resumption, crlEnd: settings.acceptsExpiredCRL ? nil : context.revocationEnd,
            keyLifetime: settings.ticketKeyLifetime)
        resumption.install(on: pointer, tls13: settings.sessionTickets)
        context.resumption = resumption
        return context
    }

    /// A context for making connections.
    ///
    /// - Parameters:
    ///   - ca: the PEM file of the authorities that servers are checked against; nil for the system's.
    ///   - certificate: the PEM file of the client's own certificate, when servers ask for one.
    ///   - key: the PEM file of its private key.
    ///   - verify: whether the server's certificate and name are checked; switching it off is for tests only.
    ///   - minimumVersion: the lowest protocol version used.
    /// - Throws: a text that names the file and the cure.
    public static func client(
        ca: String? = nil, certificate: String? = nil, key: String? = nil, verify: Bool = true,
        minimumVersion: TLSVersion = .v1_2
    ) throws(TransportError) -> TLSContext {
        ignoreBrokenPipes()
        let context = TLSContext(try make(TLS_client_method(), minimumVersion), verifiesServer: verify)
        let pointer = context.pointer
        var files = TLSFiles(pointer)
        if let ca {
            try files.load(authorities: ca)
        } else {
            _ = SSL_CTX_set_default_verify_paths(pointer)
        }
        switch (certificate, key) {
        case (nil, nil): break
        case (let certificate?, let key?): try files.load(certificate: certificate, key: key)
        default: throw TransportError(.key, "a certificate needs its key and a key its certificate: give both files")
        }
        context.warnings = files.warnings
        SSL_CTX_set_verify(pointer, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
        return context
    }

    private static func make(_ method: OpaquePointer?, _ minimum: TLSVersion) throws(TransportError) -> OpaquePointer {
        TLSError.clear()
        guard let pointer = SSL_CTX_new(method) else { throw TransportError(.system, "TLS: \(TLSError.take())") }
        _ = penstock_ssl_ctx_set_min_proto(pointer, minimum.number)
        _ = SSL_CTX_set_options(pointer, penstock_SSL_OP_NO_RENEGOTIATION | penstock_SSL_OP_NO_COMPRESSION)
        // RFC 9662: forward secrecy; CBC suites stay at the end of the list for older senders.
        _ = SSL_CTX_set_cipher_list(pointer, "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL:!eNULL:!SHA1")
        // Partial and moving writes are what a non-blocking caller needs. SSL_MODE_RELEASE_BUFFERS would allocate with
        // every wake-up; `StreamConnection.releaseBuffers()` does it for those that are idle.
        _ = penstock_ssl_ctx_set_mode(
            pointer, Int(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER))
        // Never ask for a passphrase on a terminal.
        SSL_CTX_set_default_passwd_cb(pointer) { _, _, _, _ in 0 }
        return pointer
    }

    /// OpenSSL writes with write(2), which raises SIGPIPE when the other side is gone; MSG_NOSIGNAL is not to be had.
    private static func ignoreBrokenPipes() { _ = ignored }
    private static let ignored: Bool = {
        signal(SIGPIPE, SIG_IGN)
        return true
    }()
}
