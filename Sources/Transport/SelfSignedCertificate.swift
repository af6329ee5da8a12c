// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
internal import Glibc

/// A certificate for the demonstration: made anew each time, its own authority, for loopback only.
///
/// Production certificates come from the plant's authority; `certs/make-certs` makes a development one.
public enum SelfSignedCertificate {
    /// Writes `certificate.pem` and `key.pem` (mode 0600) for `localhost`, 127.0.0.1 and ::1 into `folder`.
    ///
    /// - Parameter days: how long it is valid.
    public static func write(to folder: String, days: Int = 30) throws(TransportError) {
        guard let key = penstock_ec_key("P-256"), let certificate = X509_new() else {
            throw TransportError(.certificate, "no key or certificate can be made (libcrypto)")
        }
        defer {
            EVP_PKEY_free(key)
            X509_free(certificate)
        }
        X509_set_version(certificate, 2)
        var serial: Int64 = 0
        _ = withUnsafeMutableBytes(of: &serial) {
            RAND_bytes($0.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32($0.count))
        }
        ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate), serial & Int64.max)
        X509_gmtime_adj(X509_getm_notBefore(certificate), -3600)
        X509_gmtime_adj(X509_getm_notAfter(certificate), days * 86_400)
        X509_set_pubkey(certificate, key)
        let name = X509_get_subject_name(certificate)
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, "Penstock demonstration", -1, -1, 0)
        X509_set_issuer_name(certificate, name)
        let extensions: [(Int32, String)] = [
            (NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1"), (NID_basic_constraints, "critical,CA:TRUE"),
        ]
        for (id, text) in extensions {
            guard let made = X509V3_EXT_conf_nid(nil, nil, id, text) else {
                throw TransportError(.certificate, "the certificate's extension '\(text)' was refused (libcrypto)")
            }
            X509_add_ext(certificate, made, -1)
            X509_EXTENSION_free(made)
        }
        guard X509_sign(certificate, key, EVP_sha256()) > 0 else {
            throw TransportError(.certificate, "the certificate cannot be signed (libcrypto)")
        }
        try save(folder + "/certificate.pem") { PEM_write_bio_X509($0, certificate) }
        try save(folder + "/key.pem") { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
    }

    private static func save(_ path: String, _ write: (OpaquePointer) -> Int32) throws(TransportError) {
        let old = umask(0o077)
        defer { umask(old) }
        guard let file = BIO_new_file(path, "w") else {
            throw TransportError(.permission, "\(path): cannot be written")
        }
        let status = write(file)
        guard BIO_free(file) == 1, status == 1 else { throw TransportError(.system, "\(path): cannot be written") }
    }
}
