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
    private let state = TLSPeerState()
    private let input: TLSInput
    private var broken = false
    private var finished = false
    /// How the stream ended or paused when the same call had also read bytes; the next call says it.
    private var pending: Outcome?

    init(_ context: TLSContext, descriptor: Int32, role: Role) throws(TransportError) {
        TLSError.clear()
        guard let pointer = SSL_new(context.pointer) else { throw TransportError(.system, "TLS: \(TLSError.take())") }
        let input = TLSInput(descriptor)
        guard let reading = input.bio(), let writing = BIO_new_socket(descriptor, BIO_NOCLOSE) else {
            SSL_free(pointer)
            throw TransportError(.system, "TLS: \(TLSError.take())")
        }
        // From here on SSL_free frees both.
        SSL_set_bio(pointer, reading, writing)
        self.input = input
        self.pointer = pointer
        self.context = context
        state.attach(to: pointer)
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

    func handshake() -> Outcome {
        TLSError.clear()
        guard !broken else { return .closed(clean: false) }
        state.steps = 0
        let result = SSL_do_handshake(pointer)
        return result > 0 ? .done(Int(result)) : ending(result)
    }

    /// Reads record after record until `room` is full or nothing waits. What it does not fill of `room` is scribbled on.
    func read(into room: UnsafeMutableRawBufferPointer) -> Outcome {
        if let pending {
            self.pending = nil
            return pending
        }
        guard !broken, let base = room.baseAddress else { return .closed(clean: false) }
        TLSError.clear()
        // Plaintext is shorter than its ciphertext. So ciphertext that lies more than a record behind the plaintext is
        // never reached by it, even with the part of a record that OpenSSL holds from the last time.
        let gap = 20 * 1024
        input.isBuffered = room.count >= 2 * gap
        defer {
            input.isBuffered = false
            input.keepRest()
        }
        var filled = 0
        var isDrained = false
        while true {
            let limit = input.left > 0 ? (input.next ?? base) - base - filled : room.count - filled
            guard limit > 0 else { return .done(filled) }
            state.steps = 0
            let result = SSL_read(pointer, base + filled, Int32(clamping: limit))
            if result > 0 {
                filled += Int(result)
                continue
            }
            let end = ending(result)
            if case .wantsRead = end, input.isBuffered, !isDrained {
                let space = room.count - filled - gap
                guard space >= 4096 else { return .done(filled) }
                let target = UnsafeMutableRawBufferPointer(start: base + filled + gap, count: space)
                switch input.receive(into: target) {
                // Less than asked for: the socket is empty, and epoll tells when it no longer is.
                case .bytes(let count): isDrained = count < space
                case .nothing: isDrained = true
                // OpenSSL asks again and finds it.
                case .ended, .failed: break
                }
                continue
            }
            guard filled > 0 else { return end }
            pending = end
            return .done(filled)
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        guard !broken else { return .closed(clean: false) }
        TLSError.clear()
        state.steps = 0
        let result = SSL_write(pointer, bytes.baseAddress, Int32(clamping: bytes.count))
        return result > 0 ? .done(Int(result)) : ending(result)
    }

    /// Gives the record buffers back until the next record, unless they hold anything.
    func releaseBuffers() {
        // SSL_free_buffers looks at undecrypted bytes only; a record read in part lies in the same buffer.
        guard !broken, SSL_has_pending(pointer) == 0 else { return }
        _ = SSL_free_buffers(pointer)
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

    /// Whether the session was resumed.
    var isResumed: Bool { SSL_session_reused(pointer) == 1 }

    /// The certificate that the other side has shown and that was found valid, now or when the resumed session began.
    private(set) lazy var peerCertificate: PeerCertificate? = {
        if let certificate = state.certificate { return certificate }
        guard let certificate = SSL_get0_peer_certificate(pointer) else { return nil }
        return PeerCertificate(certificate)
    }()

    /// Why the client's certificate, or its absence, has ended the handshake.
    var refusal: CertificateRefusal? { state.refusal }

    /// What an operation that did not succeed has ended with. Comes right behind it: `errno` is part of the answer.
    private func ending(_ result: Int32) -> Outcome {
        let number = errno
        if state.isFlooded {
            broken = true
            TLSError.clear()
            return .failed(TransportError(.handshake, "TLS: a flood of key updates or renegotiations"))
        }
        switch SSL_get_error(pointer, result) {
        case SSL_ERROR_WANT_READ: return .wantsRead
        case SSL_ERROR_WANT_WRITE: return .wantsWrite
        case SSL_ERROR_ZERO_RETURN: return .closed(clean: true)
        case SSL_ERROR_SYSCALL:
            broken = true
            let cause = input.failure != 0 ? input.failure : number
            return cause == 0 || input.isEnded ? .closed(clean: false) : .failed(TransportError(errno: cause, "TLS"))
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
        if reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE {
            state.refusal = CertificateRefusal(.missing, nil, "the client has shown no certificate")
        }
        if let refusal = state.refusal {
            return .failed(TransportError(.certificate, "TLS: \(text): \(refusal)"))
        }
        let result = SSL_get_verify_result(pointer)
        guard reason == SSL_R_CERTIFICATE_VERIFY_FAILED else {
            return .failed(TransportError(.handshake, "TLS: \(text)"))
        }
        if result != Int(X509_V_OK) { text += ": " + String(cString: X509_verify_cert_error_string(result)) }
        return .failed(TransportError(.certificate, "TLS: \(text)"))
    }
}
