// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL

/// What the certificate of the other side of a TLS connection says.
///
/// Whatever a hostile one carries, it is bounded: names are cut, and of its subjectAltNames the first 64 are kept.
public struct PeerCertificate: Hashable, Sendable {
    /// The subject's distinguished name as RFC 4514 text, such as `CN=plc-gw-7,O=Plant`; cut after 1024 bytes.
    public let subject: String
    /// The issuer's distinguished name, written like ``subject``.
    public let issuer: String
    /// The serial number in lower-case hexadecimal, two digits a byte; cut after 32 bytes (RFC 5280 allows 20).
    public let serial: String
    /// The names in the subjectAltName extension.
    public let subjectAltNames: [SubjectAltName]
    /// The SHA-256 of the certificate in lower-case hexadecimal (RFC 5425 section 4.2.2).
    public let fingerprint: String
    /// When the certificate begins to be valid, in seconds since the epoch.
    public let start: Int64?
    /// When the certificate ends, in seconds since the epoch.
    public let end: Int64?

    /// The longest distinguished name that is kept.
    static let longestName = 1024

    init?(_ certificate: OpaquePointer) {
        guard let subject = PeerCertificate.text(of: X509_get_subject_name(certificate)),
            let issuer = PeerCertificate.text(of: X509_get_issuer_name(certificate))
        else { return nil }
        var digest = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        guard X509_digest(certificate, EVP_sha256(), &digest, &length) == 1, length == 32 else { return nil }
        self.subject = subject
        self.issuer = issuer
        serial = PeerCertificate.serial(of: certificate)
        subjectAltNames = SubjectAltName.all(of: certificate)
        fingerprint = PeerCertificate.hex(digest)
        start = PeerCertificate.epoch(X509_get0_notBefore(certificate))
        end = PeerCertificate.end(of: certificate)
    }

    static func text(of name: OpaquePointer?) -> String? {
        guard let memory = BIO_new(BIO_s_mem()) else { return nil }
        defer { BIO_free(memory) }
        // XN_FLAG_RFC2253 escapes control characters and quotes, so the text is safe in a log line; what a hostile
        // authority could put in is bounded.
        guard X509_NAME_print_ex(memory, name, 0, penstock_XN_FLAG_RFC2253) >= 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: longestName)
        let count = BIO_read(memory, &bytes, Int32(bytes.count))
        return String(decoding: bytes.prefix(Int(max(count, 0))), as: UTF8.self)
    }

    static func end(of certificate: OpaquePointer) -> Int64? { epoch(X509_get0_notAfter(certificate)) }

    /// An ASN.1 time in seconds since the epoch; nil when it is not one.
    static func epoch(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
        guard let time, let epoch = ASN1_TIME_set(nil, 0) else { return nil }
        defer { ASN1_STRING_free(epoch) }
        var days: Int32 = 0
        var seconds: Int32 = 0
        guard ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else { return nil }
        return Int64(days) * 86_400 + Int64(seconds)
    }

    private static func serial(of certificate: OpaquePointer) -> String {
        guard let number = X509_get0_serialNumber(certificate) else { return "" }
        let bytes = UnsafeBufferPointer(
            start: ASN1_STRING_get0_data(number), count: Int(max(ASN1_STRING_length(number), 0)))
        return hex(bytes.prefix(32))
    }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
