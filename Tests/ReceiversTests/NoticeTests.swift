// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Receivers
import Testing
import Wire

/// What an auditor hears of certificates: frames of the service's own.
@Suite(.timeLimit(.minutes(4))) struct NoticeTests {
    /// A member of a notice as text.
    private func member(_ name: String, _ seen: Seen?) -> String? {
        guard let seen, let json = try? JSONSerialization.jsonObject(with: Data(seen.bytes)) as? [String: Any] else {
            return nil
        }
        return json[name].map { "\($0)" }
    }

    private func notices(_ service: Service, _ event: String) -> [Seen] {
        service.notices.filter { member("event", $0) == event }
    }

    /// Connects with the client certificate of each folder and sends a line; prints who was served.
    private func attempts(_ service: Service, _ folders: [String], from: String = "127.0.0.1") -> [Substring] {
        Program.python(
            service.port(),
            #"""
            for folder in \#(folders):
                try:
                    c = ssl.create_default_context(cafile=good + "/ca.pem")
                    c.load_cert_chain(folder + "/client.pem", folder + "/client.key")
                    s = socket.create_connection(("127.0.0.1", port), 10, ("\#(from)", 0))
                    s = c.wrap_socket(s, server_hostname="localhost")
                    s.sendall(b"<34>hello\n")
                    end(s)
                    print("served")
                except OSError as e: print("refused")
            """#
        ).finish().output.split(separator: "\n")
    }

    @Test func aRevokedCertificateIsToldOnceAMinute() throws {
        let revoked = try Certificates.sibling([])
        let list = try Certificates.revocationList([revoked + "/client.pem"])
        var tls = Certificates.tls(.required)
        tls.revocationLists = [list]
        let service = try Service([.test(.tls, name: "secure", tls: tls)])
        let output = attempts(service, [revoked, Certificates.good, revoked, revoked])
        #expect(output == ["refused", "served", "refused", "refused"])
        service.wait { $0.dropped("certificate_refused") == 3 }
        service.wait { _ in notices(service, "certificate_revoked").count > 0 }
        service.stop()
        let told = notices(service, "certificate_revoked")
        #expect(told.count == 1, "the others are counted until the minute is over")
        #expect(member("penstock", told.first) == "audit" && member("listener", told.first) == "secure")
        #expect(member("subject", told.first) == "CN=penstock-client,O=Penstock development")
        #expect(member("fingerprint", told.first)?.count == 64 && member("peer", told.first) == "127.0.0.1")
        #expect(member("count", told.first) == "1" && member("not_after", told.first)?.hasSuffix("Z") == true)
        #expect(told.first?.frame.peer == IPAddress("127.0.0.1") && (told.first?.frame.peerPort ?? 0) > 0)
        #expect(service.frames.filter { $0.frame.transport == .tls }.map(\.text) == ["<34>hello"])
    }

    @Test func otherReasonsHaveTheirNames() throws {
        let expired = try Certificates.sibling(["--expired"])
        let service = try Service([.test(.tls, tls: Certificates.tls(.required))])
        #expect(attempts(service, [expired, Certificates.strange]) == ["refused", "refused"])
        service.wait { _ in
            !notices(service, "certificate_expired").isEmpty && !notices(service, "certificate_refused").isEmpty
        }
        service.stop()
        #expect(notices(service, "certificate_expired").count == 1)
        #expect(notices(service, "certificate_refused").count == 1)
        let reasons = ["certificate_expired", "certificate_refused"].map {
            member("reason", notices(service, $0).first)
        }
        #expect(Set(reasons).count == 2 && !reasons.contains(nil))
        // Only the service writes notices: what a sender writes is a message like any other.
        #expect(service.frames.isEmpty)
    }

    @Test func aCertificateThatEndsSoonIsToldOnce() throws {
        let soon = try Certificates.sibling(["--days", "10"])
        let service = try Service([.test(.tls, tls: Certificates.tls(.required))])
        #expect(attempts(service, [soon, soon, Certificates.good]) == ["served", "served", "served"])
        service.wait { $0.frames.count >= 3 && !$0.notices.isEmpty }
        service.stop()
        let told = notices(service, "certificate_expiring")
        #expect(told.count == 1)
        #expect(
            ["the certificate ends in 9 days", "the certificate ends in 10 days"].contains(
                member("detail", told.first) ?? ""))
        #expect(service.frames.filter { $0.frame.transport == .tls }.count == 3)
    }

    @Test func aConnectionThatIsTurnedAwayIsTold() throws {
        let service = try Service([.test(.tcp, name: "one") { $0.maxConnections = 1 }])
        let first = RawClient(service.port())
        first.send("<34>first\n")
        #expect(service.frames(1).count == 1)
        let second = RawClient(service.port())
        service.wait { _ in second.hasEnded && !notices(service, "connection_refused").isEmpty }
        service.stop()
        let told = notices(service, "connection_refused")
        #expect(told.count == 1 && member("reason", told.first) == "connection_limit")
        #expect(member("listener", told.first) == "one" && member("peer", told.first) == "127.0.0.1")
    }

    /// Over all lanes: a key at a second address was copied, or its device has moved.
    @Test func oneIdentityAtSeveralAddressesIsTold() throws {
        let service = try Service([.test(.tls, tls: Certificates.tls(.required))], lanes: 2)
        #expect(attempts(service, [Certificates.good, Certificates.good]) == ["served", "served"])
        service.wait { $0.frames.count >= 2 }
        #expect(notices(service, "identity_shared").isEmpty, "one address is as it should be")
        #expect(attempts(service, [Certificates.good, Certificates.good], from: "127.0.0.2") == ["served", "served"])
        #expect(attempts(service, [Certificates.good], from: "127.0.0.3") == ["served"])
        service.wait { _ in notices(service, "identity_shared").count >= 2 }
        service.stop()
        let told = notices(service, "identity_shared").sorted { $0.bytes.count < $1.bytes.count }
        #expect(told.map { member("peer", $0) } == ["127.0.0.2", "127.0.0.3"], "each new address once")
        let text = told.last?.text ?? ""
        #expect(text.contains(#""addresses":["127.0.0.1","127.0.0.2","127.0.0.3"]"#), "\(text)")
    }
}

extension Certificates {
    /// Another client certificate of the good folder's authority.
    static func sibling(_ options: [String]) throws -> String {
        let folder = NSTemporaryDirectory() + "penstock-receivers-\(getpid())/" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for name in ["ca.pem", "ca.key"] {
            try FileManager.default.copyItem(atPath: good + "/" + name, toPath: folder + "/" + name)
        }
        let result = Program("/bin/bash", [checkout.path + "/certs/make-certs"] + options + [folder]).finish()
        guard result.status == 0 else { fatalError("make-certs: \(result.output)") }
        return folder
    }

    /// A revocation list of the good folder's authority.
    static func revocationList(_ revoked: [String]) throws -> String {
        let folder = NSTemporaryDirectory() + "penstock-receivers-\(getpid())/" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let script = """
            set -e
            cd "\(folder)"
            : >index.txt; echo 01 >crlnumber
            printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index.txt\\ncrlnumber=crlnumber\\ndefault_md=sha256\\n\
            default_crl_days=30\\n' >ca.cnf
            for one in \(revoked.joined(separator: " ")); do
                openssl ca -config ca.cnf -cert "\(good)/ca.pem" -keyfile "\(good)/ca.key" -revoke "$one"
            done
            openssl ca -config ca.cnf -cert "\(good)/ca.pem" -keyfile "\(good)/ca.key" -gencrl -out list.pem
            """
        let result = Program("/bin/bash", ["-c", script]).finish()
        guard result.status == 0 else { fatalError("openssl ca: \(result.output)") }
        return folder + "/list.pem"
    }
}
