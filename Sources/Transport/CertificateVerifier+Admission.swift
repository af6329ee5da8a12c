// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

extension CertificateVerifier {
    /// Sets up whom a server with the SSL_CTX at `pointer` admits, over streams or datagrams.
    ///
    /// - Returns: what the SSL_CTX refers to and its owner keeps; nil when clients show no certificate.
    static func admit(
        _ settings: TLSServerSettings, _ files: inout TLSFiles, on pointer: OpaquePointer
    ) throws(TransportError) -> CertificateVerifier? {
        let policy = settings.clientCertificate
        guard policy != .none else {
            guard settings.allow.isEmpty, settings.crlFiles.isEmpty else {
                throw TransportError(
                    .certificate, "an allow list or revocation list needs client certificates: optional or required")
            }
            return nil
        }
        let (matcher, problems) = CertificateMatcher.make(settings.allow)
        guard problems.isEmpty else { throw TransportError(.certificate, problems.joined(separator: "; ")) }
        var crlEnd: Int64?
        if let clientCA = settings.clientCA {
            try files.load(authorities: clientCA)
            files.inspect(authorities: clientCA)
            for path in settings.crlFiles {
                if let end = try files.load(crl: path) { crlEnd = min(crlEnd ?? end, end) }
            }
            TLSError.clear()
            guard let names = SSL_load_client_CA_file(clientCA) else {
                throw TransportError(.certificate, "\(clientCA): \(TLSError.take())")
            }
            SSL_CTX_set_client_CA_list(pointer, names)
        } else {
            guard !settings.allow.fingerprints.isEmpty else {
                throw TransportError(
                    .certificate,
                    "client certificates are \(policy.rawValue) but there is neither a client CA file nor a fingerprint"
                )
            }
            // Anyone can write any name into a certificate of his own.
            guard settings.allow.subjects.isEmpty, settings.allow.names.isEmpty, settings.crlFiles.isEmpty else {
                throw TransportError(
                    .certificate,
                    "subjects, names and revocation lists prove nothing without a client CA file; fingerprints do")
            }
        }
        let verifier = CertificateVerifier(
            matcher, hasAuthorities: settings.clientCA != nil, acceptsExpiredCRL: settings.acceptsExpiredCRL,
            crlEnd: crlEnd)
        verifier.install(on: pointer, checksRevocation: !settings.crlFiles.isEmpty)
        let mode = policy == .required ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_PEER
        SSL_CTX_set_verify(pointer, mode, nil)
        return verifier
    }
}
