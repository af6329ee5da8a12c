// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

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

/// How a server speaks TLS, and whom it admits.
public struct TLSServerSettings: Hashable, Sendable {
    /// The PEM file of the server's certificate, followed by its intermediate ones.
    public var certificate: String
    /// The PEM file of its private key, not encrypted.
    public var key: String
    /// The PEM file of the authorities whose client certificates are accepted. Each one in it is trusted by itself, so an
    /// intermediate authority alone will do.
    public var clientCA: String?
    /// Whether clients must show a certificate. Anything but `none` needs ``clientCA``, or fingerprints in ``allow``.
    public var clientCertificate: ClientCertificatePolicy
    /// The lowest protocol version accepted.
    public var minimumVersion: TLSVersion
    /// Certificate revocation lists, PEM or DER. With at least one, the issuer of every client certificate needs a list
    /// here; the lists of higher authorities count where they are given.
    public var crlFiles: [String]
    /// Whether a revocation list past its nextUpdate still counts. Otherwise the clients of its issuer are refused,
    /// because a certificate that was revoked since would pass.
    public var acceptsExpiredCRL: Bool
    /// The certificates admitted. With fingerprints and no ``clientCA`` a certificate needs no authority: its fingerprint
    /// and its dates alone decide (RFC 5425 section 5.1). With ``clientCA`` a listed one must be issued by it as well.
    public var allow: CertificateAllowList
    /// Whether TLS 1.2 sessions can be resumed (RFC 5077 tickets; the server keeps nothing).
    public var resumption: Bool
    /// Whether TLS 1.3 sessions can be resumed.
    ///
    /// Off by default: the tickets follow the handshake unasked, a client that only ever writes leaves them unread, and
    /// its close is then a reset that takes its last messages along. In TLS 1.2 they are part of the handshake.
    public var sessionTickets: Bool
    /// The seconds that a key seals session tickets for; it opens them for as long again.
    public var ticketKeyLifetime: Int

    /// Settings with what most servers need.
    public init(
        certificate: String, key: String, clientCA: String? = nil, clientCertificate: ClientCertificatePolicy = .none,
        minimumVersion: TLSVersion = .v1_2, crlFiles: [String] = [], acceptsExpiredCRL: Bool = false,
        allow: CertificateAllowList = CertificateAllowList(), resumption: Bool = true, sessionTickets: Bool = false,
        ticketKeyLifetime: Int = 43_200
    ) {
        self.certificate = certificate
        self.key = key
        self.clientCA = clientCA
        self.clientCertificate = clientCertificate
        self.minimumVersion = minimumVersion
        self.crlFiles = crlFiles
        self.acceptsExpiredCRL = acceptsExpiredCRL
        self.allow = allow
        self.resumption = resumption
        self.sessionTickets = sessionTickets
        self.ticketKeyLifetime = ticketKeyLifetime
    }
}
