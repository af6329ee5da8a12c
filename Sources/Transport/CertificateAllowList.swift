// SPDX-License-Identifier: Apache-2.0

/// The client certificates that a server admits: by subject, by name or by fingerprint (RFC 5425 section 5).
///
/// A certificate that fits any one entry is admitted. An empty list admits every certificate that the authority has
/// issued.
public struct CertificateAllowList: Hashable, Sendable {
    /// Whole subjects in the order of RFC 4514, such as `CN=plc-gw-7,O=Plant`. Letter case and blanks around `,` and `=`
    /// do not count.
    public var subjects: [String]
    /// subjectAltNames: a DNS name, an IP address, a URI or an email address; their kind shows in their form, or is put in
    /// front (`DNS:`, `IP:`, `URI:`, `email:`). `*.plant.example` stands for every name with one label more.
    public var names: [String]
    /// SHA-256 fingerprints in hexadecimal, with or without colons.
    public var fingerprints: [String]

    /// A list of those entries.
    public init(subjects: [String] = [], names: [String] = [], fingerprints: [String] = []) {
        self.subjects = subjects
        self.names = names
        self.fingerprints = fingerprints
    }

    /// Whether the list admits everyone.
    public var isEmpty: Bool { subjects.isEmpty && names.isEmpty && fingerprints.isEmpty }

    /// What is wrong with the entries, a sentence each.
    public var problems: [String] { CertificateMatcher.make(self).problems }

    /// Whether the list admits a certificate whose validity has been checked.
    ///
    /// It reads the list anew each time; a ``TLSContext`` keeps it prepared.
    public func admits(_ certificate: PeerCertificate) -> Bool {
        CertificateMatcher.make(self).matcher.admits(certificate)
    }
}
