// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// Why a client's certificate, or its absence, ended a handshake.
public struct CertificateRefusal: Hashable, Sendable, CustomStringConvertible {
    /// The kind of reason.
    public enum Reason: Hashable, Sendable {
        /// The certificate, or one of its issuers', is on a certificate revocation list.
        case revoked
        /// The certificate, or one of its issuers', has ended.
        case expired
        /// The certificate, or one of its issuers', is not valid yet.
        case notYetValid
        /// No trusted authority has issued it.
        case untrusted
        /// An authority has issued it, but the allow list does not name it.
        case notAllowed
        /// The revocation list of its issuer is past its nextUpdate, so nobody knows whether it is revoked.
        case crlExpired
        /// Revocation lists are configured, but none of them is its issuer's.
        case crlMissing
        /// The client has shown none.
        case missing
        /// Anything else: the `X509_V_ERR_` number of OpenSSL (openssl-verification-options(1)).
        case other(Int32)

        /// A name for metrics and events, such as `not_allowed`.
        public var name: String {
            switch self {
            case .revoked: "revoked"
            case .expired: "expired"
            case .notYetValid: "not_yet_valid"
            case .untrusted: "untrusted"
            case .notAllowed: "not_allowed"
            case .crlExpired: "crl_expired"
            case .crlMissing: "crl_missing"
            case .missing: "missing"
            case .other: "other"
            }
        }

        init(code: Int32) {
            switch code {
            case X509_V_ERR_CERT_REVOKED: self = .revoked
            case X509_V_ERR_CERT_HAS_EXPIRED: self = .expired
            case X509_V_ERR_CERT_NOT_YET_VALID: self = .notYetValid
            case X509_V_ERR_CRL_HAS_EXPIRED: self = .crlExpired
            case X509_V_ERR_UNABLE_TO_GET_CRL: self = .crlMissing
            case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
                X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_SIGNATURE_FAILURE,
                X509_V_ERR_CERT_UNTRUSTED, X509_V_ERR_INVALID_CA:
                self = .untrusted
            default: self = .other(code)
            }
        }
    }

    /// The kind of reason.
    public let reason: Reason
    /// What the client has shown; nil when it has shown nothing.
    ///
    /// It says what was claimed, not who it was: certificates are public, and the refusal comes before the client has
    /// proven that it holds the key.
    public let certificate: PeerCertificate?
    /// The sentence of the reason, with the certificate it concerns where that is an issuer's.
    public let text: String

    init(_ reason: Reason, _ certificate: PeerCertificate?, _ text: String) {
        self.reason = reason
        self.certificate = certificate
        self.text = text
    }

    /// The sentence, then subject, issuer, serial number and fingerprint.
    public var description: String {
        guard let certificate else { return text }
        return "\(text): subject \(certificate.subject), issuer \(certificate.issuer), serial \(certificate.serial), "
            + "SHA-256 \(certificate.fingerprint)"
    }
}
