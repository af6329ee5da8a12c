// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Wire

/// One DTLS session with one peer, as its messages name it.
public final class DTLSPeer {
    /// Who the peer is on the network.
    public let address: SocketAddress
    /// The certificate that the client has shown and that was admitted.
    public private(set) var certificate: PeerCertificate?
    /// A number of the caller's, such as that of an origin; 0 at first.
    public var tag = 0

    // SSL_free_buffers is not for it: OpenSSL 3.0 makes no new ones for a DTLS alert and writes to address 0.
    let ssl: OpaquePointer
    /// The random number of the ClientHello that began the session; a copy of that ClientHello begins nothing new.
    let random: [UInt8]
    /// When the handshake began, or the first of those that were given up for it.
    var started: Int64
    var attempt = 1
    var lastHeard: Int64
    var handshakeBytes = 0
    private var earlyRecords = 0
    private let state: TLSPeerState
    /// Keeps what the SSL_CTX refers to.
    private let context: DTLSContext

    /// Takes over `ssl`.
    init(
        _ ssl: OpaquePointer, _ state: TLSPeerState, _ context: DTLSContext, _ address: SocketAddress,
        random: [UInt8], now: Int64
    ) {
        self.ssl = ssl
        self.state = state
        self.context = context
        self.address = address
        self.random = random
        started = now
        lastHeard = now
    }

    deinit { SSL_free(ssl) }

    /// What a call of OpenSSL came to.
    enum Step {
        case done(Int)
        case waits
        case closed
        case failed(DTLSNotice)
    }

    /// The bytes by which a record is longer than its content: the nonce and the tag of AES-GCM (RFC 5288 section 3), or the
    /// tag of ChaCha20-Poly1305 (RFC 7905 section 2).
    var overhead: Int {
        guard let cipher = SSL_get_current_cipher(ssl) ?? SSL_get_pending_cipher(ssl) else { return 16 }
        // The cipher suites of RFC 7905 are 0xCCA8 and on.
        return SSL_CIPHER_get_protocol_id(cipher) >> 8 == 0xCC ? 16 : 24
    }

    /// Takes the handshake as far as the datagram at hand goes.
    func handshake() -> Step {
        let step = step { SSL_do_handshake(ssl) }
        guard case .done = step else { return step }
        if let shown = state.certificate {
            certificate = shown
        } else if let shown = SSL_get0_peer_certificate(ssl) {
            certificate = PeerCertificate(shown)
        }
        return step
    }

    /// Reads one record's content.
    func read(into room: UnsafeMutableRawBufferPointer) -> Step {
        step { SSL_read(ssl, room.baseAddress, Int32(clamping: room.count)) }
    }

    /// Whether OpenSSL holds bytes of the last datagram that it has not looked at.
    var hasMore: Bool { SSL_has_pending(ssl) == 1 }

    /// Sends the last flight again when its time has come (RFC 6347 section 4.2.4); false when that was often enough.
    func retransmit() -> Bool {
        TLSError.clear()
        defer { TLSError.clear() }
        return penstock_dtls_handle_timeout(ssl) >= 0
    }

    /// Sends close_notify.
    func close() {
        guard SSL_is_init_finished(ssl) == 1 else { return }
        TLSError.clear()
        _ = SSL_shutdown(ssl)
        TLSError.clear()
    }

    /// Whether the handshake may see one more datagram of encrypted records. OpenSSL keeps those that come early,
    /// each in a buffer of 16 KiB and up to a hundred of them; a client has one to send, and repeats it.
    func allowsEarly() -> Bool {
        earlyRecords += 1
        return earlyRecords <= 8
    }

    private func step(_ operation: () -> Int32) -> Step {
        TLSError.clear()
        let result = operation()
        if result > 0 { return .done(Int(result)) }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .waits
        case SSL_ERROR_ZERO_RETURN: return .closed
        default: return .failed(failure())
        }
    }

    private func failure() -> DTLSNotice {
        let reason = TLSError.firstReason
        let text = TLSError.take()
        if reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE {
            state.refusal = CertificateRefusal(.missing, nil, "the client has shown no certificate")
        }
        if let refusal = state.refusal {
            return DTLSNotice(
                reason: .certificate, peer: address, certificate: refusal, text: "\(text): \(refusal)")
        }
        let kind: DTLSRefusal = SSL_is_init_finished(ssl) == 1 ? .failed : .handshake
        return DTLSNotice(reason: kind, peer: address, certificate: nil, text: text)
    }
}
