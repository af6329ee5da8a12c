// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// Who the other side of a TLS connection has proven to be.
public struct PeerCertificate: Hashable, Sendable {
    /// The subject's distinguished name as RFC 4514 text, such as `CN=plc-gw-7,O=Plant`.
    public let subject: String
    /// The SHA-256 of the certificate in lower-case hexadecimal (RFC 5425 section 4.2.2).
    public let fingerprint: String
    /// When the certificate ends, in seconds since the epoch.
    public let end: Int64?

    init?(_ certificate: OpaquePointer) {
        guard let subject = PeerCertificate.text(of: X509_get_subject_name(certificate)) else { return nil }
        var digest = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        guard X509_digest(certificate, EVP_sha256(), &digest, &length) == 1, length == 32 else { return nil }
        self.subject = subject
        let hex = Array("0123456789abcdef".utf8)
        fingerprint = String(decoding: digest.flatMap { [hex[Int($0 >> 4)], hex[Int($0 & 15)]] }, as: UTF8.self)
        end = PeerCertificate.end(of: certificate)
    }

    private static func text(of name: OpaquePointer?) -> String? {
        guard let memory = BIO_new(BIO_s_mem()) else { return nil }
        defer { BIO_free(memory) }
        // XN_FLAG_RFC2253 escapes control characters and quotes, so the text is safe in a log line; what a hostile
        // authority could put in is bounded.
        guard X509_NAME_print_ex(memory, name, 0, penstock_XN_FLAG_RFC2253) >= 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = BIO_read(memory, &bytes, Int32(bytes.count))
        return String(decoding: bytes.prefix(Int(max(count, 0))), as: UTF8.self)
    }

    static func end(of certificate: OpaquePointer) -> Int64? {
        guard let time = X509_get0_notAfter(certificate), let epoch = ASN1_TIME_set(nil, 0) else { return nil }
        defer { ASN1_STRING_free(epoch) }
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else { return nil }
        return Int64(days) * 86_400 + Int64(seconds)
    }
}
