// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc
internal import Wire

/// The TLS state of one connection over a non-blocking socket.
final class TLSSession {
    enum Role { case server, client }

    /// How an operation ended.
    enum Outcome {
        case done(Int)
        case wantsRead
        case wantsWrite
        /// The stream ended; whether with a close_notify alert, so that nobody can have cut it short.
        case closed(clean: Bool)
        case failed(TransportError)
    }

    private let pointer: OpaquePointer
    /// Keeps the context's settings reachable; SSL holds its own reference on the SSL_CTX.
    private let context: TLSContext
    private var broken = false
    private var finished = false

    init(_ context: TLSContext, descriptor: Int32, role: Role) throws(TransportError) {
        TLSError.clear()
        guard let pointer = SSL_new(context.pointer) else { throw TransportError(.system, "TLS: \(TLSError.take())") }
        guard SSL_set_fd(pointer, descriptor) == 1 else {
            SSL_free(pointer)
            throw TransportError(.system, "TLS: \(TLSError.take())")
        }
        self.pointer = pointer
        self.context = context
        switch role {
        case .server: SSL_set_accept_state(pointer)
        case .client: SSL_set_connect_state(pointer)
        }
    }

    deinit { SSL_free(pointer) }

    /// Makes the client check that the certificate is for `host`, a name or an IP address, and asks for it by SNI.
    func expect(host: String) {
        if IPAddress(host) == nil {
            _ = penstock_ssl_set_tlsext_host_name(pointer, host)
            if context.verifiesServer { _ = SSL_set1_host(pointer, host) }
        } else if context.verifiesServer {
            _ = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(pointer), host)
        }
    }

    func handshake() -> Outcome { outcome { SSL_do_handshake(pointer) } }

    func read(into room: UnsafeMutableRawBufferPointer) -> Outcome {
        outcome { SSL_read(pointer, room.baseAddress, Int32(clamping: room.count)) }
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        outcome { SSL_write(pointer, bytes.baseAddress, Int32(clamping: bytes.count)) }
    }

    /// Sends close_notify (RFC 5425 section 4.4), without waiting for the other side's.
    func close() {
        guard !broken, !finished, SSL_is_init_finished(pointer) == 1 else { return }
        finished = true
        TLSError.clear()
        _ = SSL_shutdown(pointer)
        TLSError.clear()
    }

    /// `TLSv1.3`, `TLSv1.2`.
    var version: String { SSL_get_version(pointer).map { String(cString: $0) } ?? "" }

    /// The certificate that the other side has shown and that was found valid.
    var peerCertificate: PeerCertificate? {
        guard let certificate = penstock_ssl_get1_peer_certificate(pointer) else { return nil }
        defer { X509_free(certificate) }
        return PeerCertificate(certificate)
    }

    private func outcome(_ operation: () -> Int32) -> Outcome {
        guard !broken else { return .closed(clean: false) }
        TLSError.clear()
        let result = operation()
        if result > 0 { return .done(Int(result)) }
        let number = errno
        switch SSL_get_error(pointer, result) {
        case SSL_ERROR_WANT_READ: return .wantsRead
        case SSL_ERROR_WANT_WRITE: return .wantsWrite
        case SSL_ERROR_ZERO_RETURN: return .closed(clean: true)
        case SSL_ERROR_SYSCALL:
            broken = true
            return number == 0 ? .closed(clean: false) : .failed(TransportError(errno: number, "TLS"))
        default:
            broken = true
            return failure()
        }
    }

    private func failure() -> Outcome {
        let reason = TLSError.firstReason
        if reason == SSL_R_UNEXPECTED_EOF_WHILE_READING {
            TLSError.clear()
            return .closed(clean: false)
        }
        var text = TLSError.take()
        let verdict = SSL_get_verify_result(pointer)
        if reason == SSL_R_CERTIFICATE_VERIFY_FAILED, verdict != Int(X509_V_OK) {
            text += ": " + String(cString: X509_verify_cert_error_string(verdict))
        }
        let aboutCertificate = [SSL_R_CERTIFICATE_VERIFY_FAILED, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE]
        return .failed(TransportError(aboutCertificate.contains(reason) ? .certificate : .handshake, "TLS: \(text)"))
    }
}
