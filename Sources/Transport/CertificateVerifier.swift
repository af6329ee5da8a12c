// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc

/// Decides in the handshake whether a client's certificate is admitted, so that the client hears of it in an alert.
///
/// What it finds is kept in the connection's ``TLSPeerState``.
final class CertificateVerifier: Sendable {
    private let matcher: CertificateMatcher
    private let hasAuthorities: Bool
    private let acceptsExpiredCRL: Bool
    /// When the first revocation list is out of date.
    let crlEnd: Int64?

    /// The `X509_V_ERR_` number whose alert is certificate_unknown ("some other issue", RFC 8446 section 6.2): OpenSSL
    /// has no number for access_denied, and certificate_expired for a revocation list would send the client's
    /// administrator looking at the wrong file.
    private static let unspecific = X509_V_ERR_PERMITTED_VIOLATION

    init(_ matcher: CertificateMatcher, hasAuthorities: Bool, acceptsExpiredCRL: Bool, crlEnd: Int64?) {
        self.matcher = matcher
        self.hasAuthorities = hasAuthorities
        self.acceptsExpiredCRL = acceptsExpiredCRL
        self.crlEnd = crlEnd
    }

    /// Puts the verifier in charge of an SSL_CTX, which it must outlive.
    func install(on pointer: OpaquePointer, checksRevocation: Bool) {
        // Partial chain: an intermediate authority in the file is trusted without its root.
        var flags = UInt(X509_V_FLAG_PARTIAL_CHAIN)
        // CRL_CHECK_ALL, with `tolerate` forgiving absent lists above the leaf's issuer. Without ALL a revoked
        // intermediate authority would pass although its list is given; with plain ALL the root must publish one too.
        if checksRevocation { flags |= UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL) }
        _ = X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(pointer), flags)
        // Hostile chains cost signature checks: few certificates, few bytes.
        SSL_CTX_set_verify_depth(pointer, 8)
        SSL_CTX_set_cert_verify_callback(
            pointer,
            { store, argument in
                guard let store, let argument else { return 0 }
                return Unmanaged<CertificateVerifier>.fromOpaque(argument).takeUnretainedValue().decide(store) ? 1 : 0
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func decide(_ store: OpaquePointer) -> Bool {
        let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()).map { OpaquePointer($0) }
        let state = ssl.flatMap { TLSPeerState.of($0) }
        guard let leaf = X509_STORE_CTX_get0_cert(store), let certificate = PeerCertificate(leaf) else {
            X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED)
            state?.refusal = CertificateRefusal(.other(X509_V_ERR_UNSPECIFIED), nil, "the certificate is unreadable")
            return false
        }
        state?.certificate = certificate
        guard let refusal = refusal(of: certificate, leaf, store) else {
            X509_STORE_CTX_set_error(store, X509_V_OK)
            return true
        }
        state?.refusal = refusal
        return false
    }

    /// Why the certificate is refused; the error of `store`, which the alert follows, is set then.
    private func refusal(
        of certificate: PeerCertificate, _ leaf: OpaquePointer, _ store: OpaquePointer
    ) -> CertificateRefusal? {
        if hasAuthorities {
            if let refusal = chainRefusal(certificate, store) { return refusal }
        } else if let code = CertificateVerifier.outside(leaf) {
            X509_STORE_CTX_set_error(store, code)
            return CertificateRefusal(.init(code: code), certificate, CertificateVerifier.text(code))
        }
        guard !matcher.admits(certificate) else { return nil }
        X509_STORE_CTX_set_error(store, CertificateVerifier.unspecific)
        return CertificateRefusal(.notAllowed, certificate, "the certificate is not on the allow list")
    }

    private func chainRefusal(_ certificate: PeerCertificate, _ store: OpaquePointer) -> CertificateRefusal? {
        if acceptsExpiredCRL {
            X509_STORE_CTX_set_verify_cb(store) { CertificateVerifier.tolerate($0, $1, expired: true) }
        } else {
            X509_STORE_CTX_set_verify_cb(store) { CertificateVerifier.tolerate($0, $1, expired: false) }
        }
        guard X509_verify_cert(store) != 1 else { return nil }
        var code = X509_STORE_CTX_get_error(store)
        // No memory can end it without an error.
        if code == X509_V_OK { code = X509_V_ERR_UNSPECIFIED }
        let reason = CertificateRefusal.Reason(code: code)
        var text = CertificateVerifier.text(code)
        switch reason {
        case .crlExpired: text = "the issuer's revocation list is past its nextUpdate"
        case .crlMissing: text = "none of the revocation lists is its issuer's"
        default: break
        }
        let depth = X509_STORE_CTX_get_error_depth(store)
        if depth > 0, let culprit = X509_STORE_CTX_get_current_cert(store) {
            let name = PeerCertificate.text(of: X509_get_subject_name(culprit)) ?? ""
            text += " (its issuer \(name), \(depth) above)"
        }
        let isAboutCRL = reason == .crlExpired || reason == .crlMissing
        X509_STORE_CTX_set_error(store, isAboutCRL ? CertificateVerifier.unspecific : code)
        return CertificateRefusal(reason, certificate, text)
    }

    /// Goes on after an error that is none by the settings. Called for every certificate of a chain.
    private static func tolerate(_ ok: Int32, _ store: OpaquePointer?, expired: Bool) -> Int32 {
        guard ok == 0, let store else { return ok }
        switch X509_STORE_CTX_get_error(store) {
        case X509_V_ERR_UNABLE_TO_GET_CRL: return X509_STORE_CTX_get_error_depth(store) > 0 ? 1 : 0
        case X509_V_ERR_CRL_HAS_EXPIRED: return expired ? 1 : 0
        default: return 0
        }
    }

    /// What is wrong with the dates of a certificate now.
    private static func outside(_ certificate: OpaquePointer) -> Int32? {
        // X509_cmp_current_time answers 0 for a date that is none.
        if X509_cmp_current_time(X509_get0_notBefore(certificate)) >= 0 { return X509_V_ERR_CERT_NOT_YET_VALID }
        if X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0 { return X509_V_ERR_CERT_HAS_EXPIRED }
        return nil
    }

    private static func text(_ code: Int32) -> String {
        X509_verify_cert_error_string(Int(code)).map { String(cString: $0) } ?? "error \(code)"
    }
}
