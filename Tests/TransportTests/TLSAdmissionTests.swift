// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Transport
import Wire

/// Whom a server admits, with `openssl s_client` as the client.
@Suite(.enabled(if: Authority.isPossible, "no openssl command here"), .timeLimit(.minutes(2)))
struct TLSAdmissionTests {
    private static let device = Authority.plant.issue(
        "plc-gw-7",
        names: "DNS:PLC-GW-7.plant.example,IP:10.1.2.3,IP:2001:db8::7,URI:urn:uuid:7f1c,email:Gw@Plant.Example")
    private static let other = Authority.plant.issue("laptop", names: "DNS:laptop.office.example,DNS:a.b.plant.example")

    private func seen(
        _ settings: TLSServerSettings, _ pair: Pair?, _ options: [String] = [], chain: String? = nil
    ) throws -> (Seen, output: String) {
        let server = try Server(settings)
        // -ign_eof: it stays until the server closes, and so hears the alert that in TLS 1.3 follows its own handshake.
        let stays = options.contains("-ign_eof") ? [] : ["-no_ign_eof"]
        let client = server.client(
            ["-quiet"] + stays + options + (chain.map { ["-cert_chain", $0] } ?? []), pair)
        let seen = try server.serve()
        return (seen, client.finish().output)
    }

    @Test(arguments: [
        CertificateAllowList(),
        CertificateAllowList(subjects: ["CN=plc-gw-7,O=Plant"]),
        CertificateAllowList(subjects: ["cn = PLC-GW-7 , o = plant"]),
        CertificateAllowList(names: ["plc-gw-7.plant.example."]),
        CertificateAllowList(names: ["*.Plant.example"]),
        CertificateAllowList(names: ["10.1.2.3"]),
        CertificateAllowList(names: ["IP:2001:DB8:0::7"]),
        CertificateAllowList(names: ["urn:uuid:7f1c"]),
        CertificateAllowList(names: ["Gw@plant.example"]),
    ])
    func aListedCertificateIsAdmitted(_ list: CertificateAllowList) throws {
        var settings = Server.settings()
        settings.allow = list
        let (admitted, _) = try seen(settings, Self.device)
        #expect(admitted.text == "hello\n" && admitted.refusal == nil)
        #expect(list.admits(try #require(admitted.certificate)))
        guard !list.isEmpty else { return }
        for version in ["-tls1_2", "-tls1_3"] {
            var (refused, output) = try seen(settings, Self.other, [version, "-ign_eof"])
            // Where the client still writes, its kernel may throw the alert away for the reset behind it: once more then.
            for _ in 0..<4 where output.contains("errno=104") && !output.contains("alert") {
                (refused, output) = try seen(settings, Self.other, [version, "-ign_eof"])
            }
            #expect(refused.refusal?.reason == .notAllowed && refused.text.isEmpty)
            #expect(refused.failure?.code == .certificate)
            #expect(refused.refusal?.certificate?.subject == "CN=laptop,O=Plant")
            #expect(refused.failure?.description.contains("CN=laptop,O=Plant") == true)
            #expect(output.contains("alert certificate unknown"), "\(output)")
        }
    }

    @Test func aFingerprintIsWrittenInManyWays() throws {
        var settings = Server.settings()
        let print = Self.device.fingerprint
        #expect(print.contains(":"))
        let forms = [
            print, print.lowercased(), print.filter { $0 != ":" }, "sha-256:" + print, "sha256 Fingerprint=" + print,
        ]
        for form in forms {
            settings.allow = CertificateAllowList(fingerprints: [form])
            #expect(settings.allow.problems.isEmpty)
            #expect(try seen(settings, Self.device).0.text == "hello\n")
        }
        #expect(try seen(settings, Self.other).0.refusal?.reason == .notAllowed)
    }

    @Test func aWrongEntryIsSaidWithItsCure() throws {
        let sha1 = Self.device.field("-fingerprint", "-sha1")
        func complaint(_ list: CertificateAllowList) -> String {
            var settings = Server.settings()
            settings.allow = list
            let error = #expect(throws: TransportError.self) { try TLSContext.server(settings) }
            #expect(list.problems.count == 1)
            return error?.description ?? ""
        }
        #expect(complaint(CertificateAllowList(fingerprints: [sha1])).contains("SHA-1"))
        #expect(complaint(CertificateAllowList(fingerprints: ["sha-1:" + sha1])).contains("SHA-1"))
        #expect(complaint(CertificateAllowList(fingerprints: ["12:34"])).contains("no SHA-256 fingerprint"))
        for name in ["*", "*.", "a.*.example", "pl*.example", "*.*.example"] {
            #expect(complaint(CertificateAllowList(names: [name])).contains("first label"), "\(name)")
        }
        #expect(complaint(CertificateAllowList(names: ["zähler.example"])).contains("xn--"))
        #expect(complaint(CertificateAllowList(names: ["IP:10.1.2"])).contains("no IP address"))
        #expect(complaint(CertificateAllowList(subjects: ["plc-gw-7"])).contains("no subject"))
    }

    @Test func aKindOfNameIsNotTakenForAnother() throws {
        var settings = Server.settings()
        let pair = Authority.plant.issue(
            "tricky", names: "DNS:10.9.9.9,DNS:plant.example,URI:http://x.plant.example,DNS:x.y.plant.example")
        for name in ["10.9.9.9", "*.plant.example", "x.plant.example", "http://X.plant.example", "tricky"] {
            settings.allow = CertificateAllowList(names: [name])
            #expect(try seen(settings, pair).0.refusal?.reason == .notAllowed, "\(name)")
        }
    }

    @Test func aSelfSignedCertificateIsAdmittedByItsFingerprintAlone() throws {
        let pinned = Authority.selfSigned("old-rtu")
        let stranger = Authority.selfSigned("old-rtu")
        let late = Authority.plant.issue("late", to: -60)
        var settings = Server.settings(ca: nil)
        settings.allow = CertificateAllowList(fingerprints: [pinned.fingerprint, late.fingerprint])
        let (admitted, _) = try seen(settings, pinned)
        #expect(admitted.text == "hello\n")
        #expect(admitted.certificate?.subject == "CN=old-rtu,O=Plant")
        #expect(try seen(settings, stranger).0.refusal?.reason == .notAllowed)
        #expect(try seen(settings, late).0.refusal?.reason == .expired)
        settings.clientCA = Authority.plant.pair.certificate
        #expect(try seen(settings, pinned).0.refusal?.reason == .untrusted)
        settings.clientCA = nil
        settings.allow.names = ["*.plant.example"]
        #expect(throws: TransportError.self) { try TLSContext.server(settings) }
        settings.allow = CertificateAllowList()
        #expect(throws: TransportError.self) { try TLSContext.server(settings) }
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func aRefusalSaysWhy(_ version: String) throws {
        let settings = Server.settings()
        let options = [version, "-ign_eof"]
        let none = try seen(settings, nil, options)
        #expect(none.0.refusal?.reason == .missing && none.0.refusal?.certificate == nil)
        let ended = Authority.plant.issue("ended", to: -60)
        let (expired, said) = try seen(settings, ended, options)
        #expect(expired.refusal?.reason == .expired)
        #expect(said.contains("alert certificate expired"), "\(said)")
        #expect(expired.refusal?.certificate?.serial == ended.field("-serial").lowercased())
        #expect(expired.refusal?.certificate?.issuer == "CN=Plant CA,O=Plant")
        let early = Authority.plant.issue("early", from: 3600)
        #expect(try seen(settings, early, options).0.refusal?.reason == .notYetValid)
        let stranger = Authority.selfSigned("stranger")
        let (untrusted, alert) = try seen(settings, stranger, options)
        #expect(untrusted.refusal?.reason == .untrusted)
        #expect(alert.contains("alert unknown ca"), "\(alert)")
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func aRevokedCertificateIsRefused(_ version: String) throws {
        let authority = Authority("Revoking CA")
        let good = authority.issue("good")
        let bad = authority.issue("bad")
        authority.revoke(bad)
        var settings = Server.settings(ca: authority.pair.certificate)
        #expect(try seen(settings, bad, [version]).0.text == "hello\n")
        settings.crlFiles = [authority.revocationList()]
        #expect(try seen(settings, good, [version]).0.text == "hello\n")
        let (revoked, output) = try seen(settings, bad, [version, "-ign_eof"])
        #expect(revoked.refusal?.reason == .revoked)
        #expect(revoked.refusal?.certificate?.fingerprint == bad.fingerprint.lowercased().filter { $0 != ":" })
        #expect(output.contains("alert certificate revoked"), "\(output)")
    }

    @Test func aRevocationListMustBeThereAndFresh() throws {
        let authority = Authority("Sleepy CA")
        let good = authority.issue("good")
        let bad = authority.issue("bad")
        authority.revoke(bad)
        var settings = Server.settings(ca: authority.pair.certificate)
        settings.crlFiles = [authority.revocationList(to: -60)]
        let context = try TLSContext.server(settings)
        #expect(context.warnings.contains { $0.contains("past its nextUpdate") && $0.contains("Sleepy CA") })
        let end = try #require(context.revocationEnd)
        #expect(abs(end + 60 - Int64(time(nil))) < 30)
        let (stale, output) = try seen(settings, good, ["-ign_eof"])
        #expect(stale.refusal?.reason == .crlExpired)
        #expect(output.contains("alert certificate unknown"), "\(output)")
        settings.acceptsExpiredCRL = true
        #expect(try seen(settings, good).0.text == "hello\n")
        #expect(try seen(settings, bad).0.refusal?.reason == .revoked)
        settings.crlFiles = [Authority.plant.revocationList()]
        #expect(try seen(settings, good).0.refusal?.reason == .crlMissing)
        // DER is what authorities publish (RFC 5280 section 4.2.1.13).
        let list = authority.revocationList()
        Program.openssl(["crl", "-in", list, "-outform", "der", "-out", list + ".der"]).finish()
        settings.crlFiles = [list + ".der"]
        #expect(try seen(settings, good).0.text == "hello\n")
        #expect(try seen(settings, bad).0.refusal?.reason == .revoked)
    }

    @Test func aRevokedIntermediateAuthorityIsSeenWhereItsListIsGiven() throws {
        let root = Authority("Root CA")
        let middle = Authority("Line 4 CA", issuer: root)
        let device = middle.issue("device")
        var settings = Server.settings(ca: root.pair.certificate)
        settings.crlFiles = [middle.revocationList()]
        // The root publishes no list: the leaf's issuer's is enough.
        #expect(try seen(settings, device, chain: middle.chain).0.text == "hello\n")
        settings.crlFiles.append(root.revocationList())
        #expect(try seen(settings, device, chain: middle.chain).0.text == "hello\n")
        root.revoke(middle.pair)
        settings.crlFiles[1] = root.revocationList()
        let (refused, _) = try seen(settings, device, chain: middle.chain)
        #expect(refused.refusal?.reason == .revoked)
        #expect(refused.refusal?.text.contains("Line 4 CA") == true)
        #expect(refused.refusal?.certificate?.subject == "CN=device,O=Plant")
        // An intermediate authority is trusted without its root.
        settings = Server.settings(ca: middle.pair.certificate)
        #expect(try seen(settings, device).0.text == "hello\n")
    }

    @Test func aCertificateIsReadInFullButBounded() throws {
        let (plain, _) = try seen(Server.settings(), Self.device)
        let certificate = try #require(plain.certificate)
        #expect(certificate.issuer == "CN=Plant CA,O=Plant")
        #expect(certificate.serial == Self.device.field("-serial").lowercased())
        #expect(
            certificate.subjectAltNames.map(\.description) == [
                "DNS:plc-gw-7.plant.example", "IP:10.1.2.3", "IP:2001:db8::7", "URI:urn:uuid:7f1c",
                "email:Gw@Plant.Example",
            ])
        let start = try #require(certificate.start)
        let end = try #require(certificate.end)
        #expect(end - start == 90_000 && abs(start + 3600 - Int64(time(nil))) < 120)

        let names = (0..<400).map { "DNS:host-\($0).example" }.joined(separator: ",")
        let crowded = Authority.plant.issue("crowded", names: names + ",DNS:\(String(repeating: "a", count: 600))")
        var settings = Server.settings()
        #expect(try seen(settings, crowded).0.certificate?.subjectAltNames.count == 64)
        settings.allow = CertificateAllowList(names: ["host-63.example"])
        #expect(try seen(settings, crowded).0.text == "hello\n")
        // More bytes than a stranger may put into memory.
        let huge = (0..<3000).map { "DNS:host-\($0).example" }.joined(separator: ",")
        let hostile = Authority.plant.issue("huge", names: huge)
        let (refused, _) = try seen(Server.settings(), hostile)
        #expect(refused.failure != nil && refused.text.isEmpty)
    }

    @Test func badFilesAreNamedWithTheirCure() throws {
        func complaint(_ change: (inout TLSServerSettings) -> Void) -> String {
            var settings = Server.settings()
            change(&settings)
            return #expect(throws: TransportError.self) { try TLSContext.server(settings) }?.description ?? ""
        }
        let device = Self.device
        #expect(complaint { swap(&$0.certificate, &$0.key) }.contains("are certificate and key swapped?"))
        #expect(complaint { $0.crlFiles = [device.certificate] }.contains("BEGIN X509 CRL"))
        #expect(complaint { $0.crlFiles = ["/nowhere/list.crl"] }.contains("/nowhere/list.crl cannot be read"))
        let der = Certificates.scratchPath()
        Program.openssl(["x509", "-in", device.certificate, "-outform", "der", "-out", der]).finish()
        #expect(complaint { $0.certificate = der }.contains("DER"))
        #expect(complaint { $0.clientCA = der }.contains("DER"))
        let pointless = complaint {
            $0.clientCertificate = .none
            $0.crlFiles = [der]
        }
        #expect(pointless.contains("needs client certificates"))
        let torn = Certificates.scratchPath()
        let list = try String(contentsOfFile: Authority.plant.revocationList(), encoding: .utf8)
        try (list + list.replacing("M", with: "?")).write(toFile: torn, atomically: false, encoding: .utf8)
        #expect(complaint { $0.crlFiles = [torn] }.contains("after number 1 is damaged"))

        var settings = Server.settings()
        let readable = Certificates.scratchPath()
        try FileManager.default.copyItem(atPath: settings.key, toPath: readable)
        chmod(readable, 0o644)
        settings.key = readable
        let ended = Authority.plant.issue("ended", to: -60)
        settings.clientCA = ended.certificate
        let warnings = try TLSContext.server(settings).warnings.joined(separator: "\n")
        #expect(warnings.contains("chmod o-r \(readable)"))
        #expect(warnings.contains("has expired") && warnings.contains("is no certificate authority"))
        #expect(try TLSContext.server(Server.settings()).warnings == [])
    }
}
