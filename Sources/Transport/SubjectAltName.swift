// SPDX-License-Identifier: Apache-2.0
internal import COpenSSL
public import Wire

/// One name in a certificate's subjectAltName extension (RFC 5280 section 4.2.1.6).
public enum SubjectAltName: Hashable, Sendable, CustomStringConvertible {
    /// A dNSName, in lower case and without a final dot.
    case dns(String)
    /// An iPAddress.
    case ip(IPAddress)
    /// A uniformResourceIdentifier.
    case uri(String)
    /// An rfc822Name.
    case email(String)

    /// The name with its kind in front, as `openssl x509 -text` writes it: `DNS:plc-gw-7.plant.example`.
    public var description: String {
        switch self {
        case .dns(let name): "DNS:" + name
        case .ip(let address): "IP:" + address.description
        case .uri(let uri): "URI:" + uri
        case .email(let address): "email:" + address
        }
    }

    /// The names of a certificate that are kept; a hostile one can carry thousands.
    static let most = 64
    /// The longest name that is kept. DNS ends at 253; a URI (SPIFFE, urn:uuid) is rarely over 100.
    private static let longest = 512

    /// The names of a certificate, in its order; kinds other than these four are left out.
    static func all(of certificate: OpaquePointer) -> [SubjectAltName] {
        guard let list = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return [] }
        let names = OpaquePointer(list)
        defer { GENERAL_NAMES_free(names) }
        var found: [SubjectAltName] = []
        for index in 0..<min(OPENSSL_sk_num(names), Int32(most)) {
            guard let entry = OPENSSL_sk_value(names, index) else { continue }
            if let name = SubjectAltName(entry.assumingMemoryBound(to: GENERAL_NAME.self)) { found.append(name) }
        }
        return found
    }

    private init?(_ name: UnsafePointer<GENERAL_NAME>) {
        var kind: Int32 = 0
        guard let value = GENERAL_NAME_get0_value(name, &kind), [GEN_DNS, GEN_IPADD, GEN_URI, GEN_EMAIL].contains(kind)
        else { return nil }
        let string = value.assumingMemoryBound(to: ASN1_STRING.self)
        let bytes = UnsafeRawBufferPointer(
            start: ASN1_STRING_get0_data(string), count: Int(max(ASN1_STRING_length(string), 0)))
        guard !bytes.isEmpty, bytes.count <= SubjectAltName.longest else { return nil }
        if kind == GEN_IPADD {
            guard let address = SubjectAltName.address(bytes) else { return nil }
            self = .ip(address)
            return
        }
        // All three are IA5String. A NUL or a blank in one has been used to make a name look like another one
        // (CVE-2009-2408): such a name is nobody's.
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        switch kind {
        case GEN_DNS:
            let plain = SubjectAltName.plain(dns: text)
            guard !plain.isEmpty else { return nil }
            self = .dns(plain)
        case GEN_URI: self = .uri(text)
        default: self = .email(text)
        }
    }

    /// A DNS name as it is compared.
    static func plain(dns name: String) -> String {
        let lower = name.lowercased()
        return lower.hasSuffix(".") ? String(lower.dropLast()) : lower
    }

    private static func address(_ bytes: UnsafeRawBufferPointer) -> IPAddress? {
        func number(_ range: Range<Int>) -> UInt64 { range.reduce(0) { $0 << 8 | UInt64(bytes[$1]) } }
        switch bytes.count {
        case 4: return IPAddress(v4: UInt32(truncatingIfNeeded: number(0..<4)))
        case 16: return IPAddress(high: number(0..<8), low: number(8..<16))
        default: return nil
        }
    }
}
