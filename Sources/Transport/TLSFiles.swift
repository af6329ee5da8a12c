// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc

/// Reads the files of a TLS context; what is wrong with one is said with its name and the cure.
struct TLSFiles {
    private let pointer: OpaquePointer
    /// What works now but will not for long, or works but should not be so.
    private(set) var warnings: [String] = []
    private let now = Int64(Glibc.time(nil))

    /// Files for that SSL_CTX.
    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    /// Takes the own certificate and its key.
    mutating func load(certificate: String, key: String) throws(TransportError) {
        let shown = try TLSFiles.head(of: certificate, .certificate, "certificate")
        let secret = try TLSFiles.head(of: key, .key, "private key")
        TLSError.clear()
        guard SSL_CTX_use_certificate_chain_file(pointer, certificate) == 1 else {
            let cure = TLSFiles.cure(shown, holds: "CERTIFICATE", "x509")
            throw TransportError(
                .certificate, "\(certificate) holds no usable PEM certificate\(cure) (\(TLSError.take()))")
        }
        let mismatch = TransportError(
            .key, "\(key) is not the private key of \(certificate); take the pair made together")
        TLSError.clear()
        guard SSL_CTX_use_PrivateKey_file(pointer, key, SSL_FILETYPE_PEM) == 1 else {
            let reasons = TLSError.take()
            if reasons.contains("mismatch") { throw mismatch }
            let isEncrypted = secret.text.contains("ENCRYPTED")
            let cure = TLSFiles.cure(secret, holds: "PRIVATE KEY", "pkey")
            throw TransportError(
                .key,
                "\(key) holds no usable PEM private key; "
                    + (isEncrypted
                        ? "it is encrypted: `openssl pkey -in \(key) -out PLAIN` takes the passphrase off"
                        : "an encrypted one cannot be used\(cure)") + " (\(reasons))")
        }
        guard SSL_CTX_check_private_key(pointer) == 1 else {
            _ = TLSError.take()
            throw mismatch
        }
        if secret.mode & S_IROTH != 0 {
            warnings.append("the private key \(key) can be read by every user of this host: `chmod o-r \(key)`")
        }
        if let own = SSL_CTX_get0_certificate(pointer) {
            note(own, "\(certificate): the certificate", "senders that check it will refuse")
        }
    }

    /// Takes the authorities that the other side's certificates are checked against.
    mutating func load(authorities: String) throws(TransportError) {
        let shown = try TLSFiles.head(of: authorities, .certificate, "certificate authority")
        TLSError.clear()
        guard SSL_CTX_load_verify_file(pointer, authorities) == 1 else {
            let cure = TLSFiles.cure(shown, holds: "CERTIFICATE", "x509")
            throw TransportError(
                .certificate,
                "\(authorities) holds no usable PEM certificate authority\(cure) (\(TLSError.take()))")
        }
    }

    /// Warns of what is wrong with single authorities of a file that ``load(authorities:)`` took.
    mutating func inspect(authorities: String) {
        guard let file = BIO_new_file(authorities, "r") else { return TLSError.clear() }
        defer { BIO_free(file) }
        while let authority = PEM_read_bio_X509(file, nil, { _, _, _, _ in 0 }, nil) {
            defer { X509_free(authority) }
            let name = PeerCertificate.text(of: X509_get_subject_name(authority)) ?? ""
            note(authority, "\(authorities): the authority \(name)", "its clients are refused")
            // A self-signed end-entity certificate in the file is a way to trust that one peer.
            if X509_check_ca(authority) == 0, X509_self_signed(authority, 0) != 1 {
                warnings.append("\(authorities): \(name) is no certificate authority; it vouches for itself only")
            }
        }
        TLSError.clear()
    }

    /// Takes revocation lists; answers when the first of them is out of date.
    mutating func load(crl path: String) throws(TransportError) -> Int64? {
        let shown = try TLSFiles.head(of: path, .certificate, "revocation list")
        TLSError.clear()
        guard let file = BIO_new_file(path, "r") else {
            throw TransportError(.certificate, "\(path): \(TLSError.take())")
        }
        defer { BIO_free(file) }
        var count = 0
        var end: Int64?
        let isDER = shown.isDER
        while let list = isDER
            ? d2i_X509_CRL_bio(file, nil) : PEM_read_bio_X509_CRL(file, nil, { _, _, _, _ in 0 }, nil)
        {
            defer { X509_CRL_free(list) }
            count += 1
            guard X509_STORE_add_crl(SSL_CTX_get_cert_store(pointer), list) == 1 else {
                throw TransportError(.certificate, "\(path): \(TLSError.take())")
            }
            let issuer = PeerCertificate.text(of: X509_CRL_get_issuer(list)) ?? ""
            guard let next = PeerCertificate.epoch(X509_CRL_get0_nextUpdate(list)) else { continue }
            end = min(end ?? next, next)
            if next <= now {
                warnings.append(
                    "\(path): the revocation list of \(issuer) is past its nextUpdate; fetch its authority's new one")
            }
        }
        guard count > 0 else {
            let cure = TLSFiles.cure(shown, holds: "X509 CRL", "crl")
            throw TransportError(.certificate, "\(path) holds no usable revocation list\(cure) (\(TLSError.take()))")
        }
        let rest = TLSError.firstReason
        TLSError.clear()
        // PEM_R_NO_START_LINE is how a PEM file ends; anything else would silently drop the lists behind it.
        guard isDER || rest == PEM_R_NO_START_LINE else {
            throw TransportError(.certificate, "\(path): the revocation list after number \(count) is damaged")
        }
        return end
    }

    private mutating func note(_ certificate: OpaquePointer, _ what: String, _ effect: String) {
        if let start = PeerCertificate.epoch(X509_get0_notBefore(certificate)), start > now {
            warnings.append("\(what) is not valid yet (is this host's clock right?); \(effect)")
        }
        if let end = PeerCertificate.end(of: certificate), end <= now {
            warnings.append("\(what) has expired; \(effect)")
        }
    }

    /// The beginning of a file and its permissions.
    private struct Head {
        var text = ""
        var isDER = false
        var mode: mode_t = 0
    }

    private static func head(
        of path: String, _ code: TransportError.Code, _ what: String
    ) throws(TransportError) -> Head {
        // O_NONBLOCK: a named pipe would stop the service here.
        let raw = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        var failure = raw < 0 ? errno : 0
        var head = Head()
        if raw >= 0 {
            let descriptor = Descriptor(raw)
            var bytes = [UInt8](repeating: 0, count: 32 * 1024)
            var status = stat()
            if fstat(descriptor.raw, &status) == 0 { head.mode = status.st_mode }
            // OpenSSL opens it once more, and would wait there for a pipe's writer.
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw TransportError(code, "the \(what) file \(path) is no regular file; give the file itself")
            }
            let count = Glibc.read(descriptor.raw, &bytes, bytes.count)
            if count < 0 { failure = errno }
            head.isDER = bytes[0] == 0x30
            head.text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        }
        guard failure == 0 else {
            throw TransportError(
                code,
                "the \(what) file \(path) cannot be read: \(TransportError.text(failure)) (checked as user \(getuid()))"
            )
        }
        return head
    }

    private static func cure(_ head: Head, holds label: String, _ command: String) -> String {
        if head.text.isEmpty { return "; the file is empty" }
        if head.isDER {
            return "; it looks like DER or PKCS #12: `openssl \(command) -inform der`, `openssl pkcs12` make PEM of it"
        }
        if head.text.contains("BEGIN " + label) || head.text.contains(label + "-----") { return "" }
        if label == "CERTIFICATE", head.text.contains("PRIVATE KEY-----") {
            return "; it holds a private key: are certificate and key swapped?"
        }
        if label == "PRIVATE KEY", head.text.contains("BEGIN CERTIFICATE") {
            return "; it holds a certificate: are certificate and key swapped?"
        }
        return "; there is no `-----BEGIN \(label)-----` in it"
    }
}
