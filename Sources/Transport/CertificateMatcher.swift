// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// An allow list prepared for looking up.
struct CertificateMatcher: Sendable {
    private var subjects: Set<String> = []
    private var names: Set<SubjectAltName> = []
    /// What follows the `*` of wildcard names, with its dot.
    private var suffixes: Set<String> = []
    private var fingerprints: Set<String> = []
    private var admitsAll = false

    static func make(_ list: CertificateAllowList) -> (matcher: CertificateMatcher, problems: [String]) {
        var matcher = CertificateMatcher()
        var problems: [String] = []
        matcher.admitsAll = list.isEmpty
        for entry in list.subjects {
            let subject = canonical(subject: entry)
            if subject.contains("=") {
                matcher.subjects.insert(subject)
            } else {
                problems.append("'\(entry)' is no subject; write it whole, such as CN=plc-gw-7,O=Plant")
            }
        }
        for entry in list.names { if let problem = matcher.add(name: entry) { problems.append(problem) } }
        for entry in list.fingerprints {
            if let problem = matcher.add(fingerprint: entry) { problems.append(problem) }
        }
        return (matcher, problems)
    }

    func admits(_ certificate: PeerCertificate) -> Bool {
        if admitsAll || fingerprints.contains(certificate.fingerprint) { return true }
        // A subject that was cut could be any that begins alike.
        if !subjects.isEmpty, certificate.subject.utf8.count < PeerCertificate.longestName,
            subjects.contains(CertificateMatcher.canonical(subject: certificate.subject))
        {
            return true
        }
        return certificate.subjectAltNames.contains { name in
            switch name {
            case .dns(let host):
                // The wildcard stands for the leftmost label alone (RFC 6125 section 6.4.3).
                if names.contains(name) { return true }
                guard let dot = host.firstIndex(of: ".") else { return false }
                return suffixes.contains(String(host[dot...]))
            case .email(let address): return names.contains(.email(CertificateMatcher.plain(email: address)))
            case .ip, .uri: return names.contains(name)
            }
        }
    }

    private mutating func add(name entry: String) -> String? {
        var kind = ""
        var text = entry.trimmed
        for prefix in ["dns:", "ip:", "ip address:", "uri:", "email:"] where text.lowercased().hasPrefix(prefix) {
            kind = String(prefix.prefix(2))
            text = String(text.dropFirst(prefix.utf8.count)).trimmed
        }
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return "'\(entry)' is no name; an international one is written in its ASCII form (xn--…)"
        }
        if kind == "ip" || kind.isEmpty, let address = IPAddress(text) {
            names.insert(.ip(address))
        } else if kind == "ip" {
            return "'\(entry)' is no IP address"
        } else if kind == "ur" || (kind.isEmpty && text.contains(":")) {
            names.insert(.uri(text))
        } else if kind == "em" || (kind.isEmpty && text.contains("@")) {
            names.insert(.email(CertificateMatcher.plain(email: text)))
        } else {
            return add(host: SubjectAltName.plain(dns: text), entry)
        }
        return nil
    }

    private mutating func add(host: String, _ entry: String) -> String? {
        guard host.hasPrefix("*") else {
            guard !host.isEmpty, !host.contains("*") else {
                return "'\(entry)': `*` stands for the whole first label only, as in *.plant.example"
            }
            names.insert(.dns(host))
            return nil
        }
        let suffix = host.dropFirst()
        guard suffix.hasPrefix("."), suffix.utf8.count > 1, !suffix.contains("*") else {
            return "'\(entry)': `*` stands for the whole first label only, as in *.plant.example"
        }
        suffixes.insert(String(suffix))
        return nil
    }

    private mutating func add(fingerprint entry: String) -> String? {
        var text = entry.lowercased().filter { !" \t".contains($0) }
        // RFC 5425 section 4.2.2 puts the hash's name in front: `sha-256:E1:2D:…`; openssl: `sha256 Fingerprint=E1:2D:…`.
        var isSHA1 = false
        for prefix in ["sha-256", "sha256", "sha-1", "sha1"] where text.hasPrefix(prefix) {
            isSHA1 = prefix.hasSuffix("1")
            text = String(text.dropFirst(prefix.utf8.count))
            if text.hasPrefix("fingerprint") { text = String(text.dropFirst(11)) }
            if text.hasPrefix(":") || text.hasPrefix("=") { text = String(text.dropFirst()) }
            break
        }
        let digits = text.filter { $0 != ":" }
        let isHex = digits.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) }
        let cure = "`openssl x509 -in FILE -noout -fingerprint -sha256` prints the right one"
        if isHex, digits.utf8.count == 40 || isSHA1 {
            return "'\(entry)' is a SHA-1 fingerprint, which can be forged; \(cure)"
        }
        guard isHex, digits.utf8.count == 64 else { return "'\(entry)' is no SHA-256 fingerprint; \(cure)" }
        fingerprints.insert(digits)
        return nil
    }

    /// The local part of an address counts as written, its domain in any case (RFC 5280 section 7.5).
    private static func plain(email: String) -> String {
        guard let at = email.lastIndex(of: "@") else { return email }
        return email[...at] + email[email.index(after: at)...].lowercased()
    }

    /// A distinguished name as it is compared: lower case (RFC 5280 section 7.1), no blanks around separators, and what
    /// is not ASCII escaped as in ``PeerCertificate/subject``.
    private static func canonical(subject: String) -> String {
        var bytes: [UInt8] = []
        var inValue = false
        var isEscaped = false
        var atStart = true
        /// The bytes up to here are not trimmed: an escaped blank counts.
        var kept = 0
        func trim() { while bytes.count > kept, bytes.last == 0x20 { bytes.removeLast() } }
        let hex = Array("0123456789abcdef".utf8)
        for byte in subject.utf8 {
            let isSeparator = !isEscaped && (byte == 0x2C || byte == 0x2B || (byte == 0x3D && !inValue))
            if atStart, byte == 0x20, !isEscaped { continue }
            if isSeparator {
                trim()
                inValue = byte == 0x3D
            }
            if byte < 0x80 {
                bytes.append(byte)
            } else {
                bytes += [0x5C, hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
            if isSeparator || isEscaped { kept = bytes.count }
            atStart = isSeparator
            isEscaped = !isEscaped && byte == 0x5C
        }
        trim()
        return String(decoding: bytes, as: UTF8.self).lowercased()
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
