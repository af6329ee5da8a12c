// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc

/// The TLS versions that can be the lowest accepted one.
public enum TLSVersion: String, Sendable, CaseIterable {
    /// TLS 1.2 (RFC 5246).
    case v1_2 = "1.2"
    /// TLS 1.3 (RFC 8446).
    case v1_3 = "1.3"

    var number: Int32 {
        switch self {
        case .v1_2: TLS1_2_VERSION
        case .v1_3: TLS1_3_VERSION
        }
    }
}

/// Whether a server asks its clients for a certificate (RFC 5425 section 4.2).
public enum ClientCertificatePolicy: String, Sendable, CaseIterable {
    /// No certificate is asked for.
    case none
    /// One is asked for; a client without one is served, one with a bad one is refused.
    case optional
    /// A client without a valid certificate is refused.
    case required
}

/// What TLS connections of one kind share: certificate, key, trusted authorities, versions and ciphers.
///
/// It never changes once made. A reload makes a new one for new connections; the old one lives on in the connections
/// that were made with it.
public final class TLSContext: @unchecked Sendable {
    // SSL_CTX is reference-counted and safe to share once configured (openssl-threads(7)); nothing configures it later.
    let pointer: OpaquePointer
    let verifiesServer: Bool
    /// When the context's own certificate ends, in seconds since the epoch; nil without a certificate.
    public var certificateEnd: Int64? { SSL_CTX_get0_certificate(pointer).flatMap { PeerCertificate.end(of: $0) } }

    private init(_ pointer: OpaquePointer, verifiesServer: Bool) {
        self.pointer = pointer
        self.verifiesServer = verifiesServer
    }

    deinit { SSL_CTX_free(pointer) }

    /// A context for accepting connections.
    ///
    /// - Parameters:
    ///   - certificate: the PEM file of the server's certificate, followed by its intermediate ones.
    ///   - key: the PEM file of its private key, not encrypted.
    ///   - clientCA: the PEM file of the authorities whose client certificates are accepted.
    ///   - clientCertificate: whether clients must show one; anything but `none` needs `clientCA`.
    ///   - minimumVersion: the lowest protocol version accepted.
    /// - Throws: a text that names the file and the cure.
    public static func server(
        certificate: String, key: String, clientCA: String? = nil, clientCertificate: ClientCertificatePolicy = .none,
        minimumVersion: TLSVersion = .v1_2
    ) throws(TransportError) -> TLSContext {
        ignoreBrokenPipes()
        let context = TLSContext(try make(TLS_server_method(), minimumVersion), verifiesServer: false)
        let pointer = context.pointer
        try load(certificate: certificate, key: key, into: pointer)
        // Every connection proves itself in full. A TLS 1.3 ticket would also sit unread at a client that only ever
        // writes, and make its close a reset that takes the last messages along.
        _ = SSL_CTX_set_options(pointer, penstock_SSL_OP_NO_TICKET | penstock_SSL_OP_CIPHER_SERVER_PREFERENCE)
        _ = SSL_CTX_set_num_tickets(pointer, 0)
        _ = SSL_CTX_ctrl(pointer, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
        let name: StaticString = "penstock"
        _ = SSL_CTX_set_session_id_context(pointer, name.utf8Start, UInt32(name.utf8CodeUnitCount))
        guard clientCertificate != .none else { return context }
        guard let clientCA else {
            throw TransportError(
                .certificate, "client certificates are \(clientCertificate.rawValue) but no client CA file is given")
        }
        try load(authorities: clientCA, into: pointer)
        TLSError.clear()
        guard let names = SSL_load_client_CA_file(clientCA) else {
            throw TransportError(.certificate, "\(clientCA): \(TLSError.take())")
        }
        SSL_CTX_set_client_CA_list(pointer, names)
        let mode = clientCertificate == .required ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_PEER
        SSL_CTX_set_verify(pointer, mode, nil)
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
        if let ca {
            try load(authorities: ca, into: pointer)
        } else {
            _ = SSL_CTX_set_default_verify_paths(pointer)
        }
        switch (certificate, key) {
        case (nil, nil): break
        case (let certificate?, let key?): try load(certificate: certificate, key: key, into: pointer)
        default: throw TransportError(.key, "a certificate needs its key and a key its certificate: give both files")
        }
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
        // Partial and moving writes are what a non-blocking caller needs. Buffers of idle connections are given back.
        _ = penstock_ssl_ctx_set_mode(
            pointer, Int(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS)
        )
        // Senders of syslog write a record a message: with read-ahead one read(2) takes many, without it each takes two.
        _ = SSL_CTX_ctrl(pointer, SSL_CTRL_SET_READ_AHEAD, 1, nil)
        SSL_CTX_set_default_read_buffer_len(pointer, 32 * 1024)
        // Never ask for a passphrase on a terminal.
        SSL_CTX_set_default_passwd_cb(pointer) { _, _, _, _ in 0 }
        return pointer
    }

    private static func load(
        certificate: String, key: String, into pointer: OpaquePointer
    ) throws(TransportError) {
        try readable(certificate, .certificate, "certificate")
        try readable(key, .key, "private key")
        TLSError.clear()
        guard SSL_CTX_use_certificate_chain_file(pointer, certificate) == 1 else {
            throw TransportError(
                .certificate, "\(certificate) holds no usable PEM certificate (\(TLSError.take()))")
        }
        TLSError.clear()
        guard SSL_CTX_use_PrivateKey_file(pointer, key, SSL_FILETYPE_PEM) == 1 else {
            let reasons = TLSError.take()
            if reasons.contains("mismatch") {
                throw TransportError(
                    .key, "\(key) is not the private key of \(certificate); take the pair made together")
            }
            throw TransportError(
                .key, "\(key) holds no usable PEM private key; an encrypted one cannot be used (\(reasons))")
        }
        guard SSL_CTX_check_private_key(pointer) == 1 else {
            _ = TLSError.take()
            throw TransportError(.key, "\(key) is not the private key of \(certificate); take the pair made together")
        }
    }

    private static func load(authorities: String, into pointer: OpaquePointer) throws(TransportError) {
        try readable(authorities, .certificate, "certificate authority")
        TLSError.clear()
        guard SSL_CTX_load_verify_file(pointer, authorities) == 1 else {
            throw TransportError(
                .certificate, "\(authorities) holds no usable PEM certificate authority (\(TLSError.take()))")
        }
    }

    private static func readable(
        _ path: String, _ code: TransportError.Code, _ what: String
    ) throws(TransportError) {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw TransportError(
                code,
                "the \(what) file \(path) cannot be read: \(TransportError.text(errno)) (checked as user \(getuid()))")
        }
        _ = Glibc.close(descriptor)
    }

    /// OpenSSL writes with write(2), which raises SIGPIPE when the other side is gone; MSG_NOSIGNAL is not to be had.
    private static func ignoreBrokenPipes() { _ = ignored }
    private static let ignored: Bool = {
        signal(SIGPIPE, SIG_IGN)
        return true
    }()
}
