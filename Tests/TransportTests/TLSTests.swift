// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Transport
import Wire

@Suite(.timeLimit(.minutes(4))) struct TLSTests {
    private func server(
        _ policy: ClientCertificatePolicy = .none, _ minimum: TLSVersion = .v1_2
    ) throws -> TLSContext {
        let folder = Certificates.good
        return try .server(
            certificate: folder + "/server.pem", key: folder + "/server.key",
            clientCA: policy == .none ? nil : folder + "/ca.pem", clientCertificate: policy, minimumVersion: minimum)
    }

    private func sClient(_ port: UInt16, _ options: [String], input: String = "hello\n") -> Program {
        .openssl(
            [
                "s_client", "-quiet", "-no_ign_eof", "-connect", "127.0.0.1:\(port)", "-verify_return_error", "-CAfile",
                Certificates.good + "/ca.pem",
            ] + options, input: input)
    }

    private func clientFiles(_ folder: String) -> [String] {
        ["-cert", folder + "/client.pem", "-key", folder + "/client.key"]
    }

    @Test(arguments: [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")])
    func speaksBothVersionsWithOpenSSL(_ option: String, _ version: String) throws {
        let listener = try TCPListener(bind: SocketAddress("127.0.0.1:0"))
        let text = String(repeating: "0123456789\n", count: 5000)
        let client = sClient(listener.address.port, [option], input: text)
        let served = try serveOne(listener, tls: server())
        #expect(served.failure == nil)
        #expect(served.text == text)
        #expect(served.version == version)
        #expect(served.endedCleanly)
        #expect(served.certificate == nil)
        client.finish()
    }

    @Test func refusesVersionsBelowTheMinimum() throws {
        let listener = try TCPListener(bind: SocketAddress("127.0.0.1:0"))
        let client = sClient(listener.address.port, ["-tls1_2"])
        let served = try serveOne(listener, tls: server(.none, .v1_3))
        #expect(served.failure?.code == .handshake)
        #expect(served.bytes.isEmpty)
        #expect(client.finish().status != 0)
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func aRequiredCertificateIsRequired(_ version: String) throws {
        let listener = try TCPListener(bind: SocketAddress("127.0.0.1:0"))
        let context = try server(.required)
        var client = sClient(listener.address.port, [version])
        var served = try serveOne(listener, tls: context)
        #expect(served.failure?.code == .certificate)
        #expect(served.bytes.isEmpty)
        client.finish()

        client = sClient(listener.address.port, [version] + clientFiles(Certificates.strange))
        served = try serveOne(listener, tls: context)
        #expect(served.failure?.code == .certificate)
        #expect(served.failure?.description.contains("verify failed: ") == true)
        client.finish()

        client = sClient(listener.address.port, [version] + clientFiles(Certificates.good))
        served = try serveOne(listener, tls: context)
        #expect(served.failure == nil)
        #expect(served.text == "hello\n")
        #expect(served.certificate?.subject == "CN=penstock-client,O=Penstock development")
        client.finish()
        let digest = Program.openssl(
            ["x509", "-in", Certificates.good + "/client.pem", "-noout", "-fingerprint", "-sha256"]
        ).finish().output
        let hex = digest.split(separator: "=").last?.filter(\.isHexDigit).lowercased()
        #expect(served.certificate?.fingerprint == hex)
    }

    @Test func anOptionalCertificateMayBeAbsentButNotBad() throws {
        let listener = try TCPListener(bind: SocketAddress("127.0.0.1:0"))
        let context = try server(.optional)
        var client = sClient(listener.address.port, [])
        #expect(try serveOne(listener, tls: context).text == "hello\n")
        client.finish()
        client = sClient(listener.address.port, clientFiles(Certificates.expired))
        #expect(try serveOne(listener, tls: context).failure?.code == .certificate)
        client.finish()
    }

    @Test func garbageIsAFailedHandshake() throws {
        let listener = try TCPListener(bind: SocketAddress("127.0.0.1:0"))
        let context = try server()
        for text in [
            "<34>1 - - - - - - plain syslog on the TLS port\n", "GET / HTTP/1.0\r\n\r\n", "\u{16}\u{3}\u{1}\u{0}",
        ] {
            let client = try StreamClient.connect(to: "127.0.0.1", port: listener.address.port)
            try client.send(text)
            if text.utf8.count > 4 {
                let served = try serveOne(listener, tls: context)
                #expect(served.failure?.code == .handshake, "\(text)")
            } else {
                // A record header that is never completed: it waits, it does not fail.
                #expect(try serveOne(listener, tls: context, seconds: 1).failure?.code == .timeout)
            }
        }
    }

    @Test func aStreamCutWithoutNoticeIsToldApart() throws {
        let listener = try TCPListener(bind: SocketAddress("127.0.0.1:0"))
        let python = Program.python(
            """
            import os, socket, ssl, sys
            c = ssl.create_default_context(cafile=sys.argv[2])
            s = c.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname="localhost")
            s.sendall(b"cut short")
            os.close(s.detach())
            """, ["\(listener.address.port)", Certificates.good + "/ca.pem"])
        let served = try serveOne(listener, tls: server())
        #expect(served.text == "cut short")
        #expect(served.failure == nil)
        #expect(!served.endedCleanly)
        #expect(python.finish().status == 0)
    }

    @Test func badFilesAreNamedWithTheirCure() throws {
        let good = Certificates.good
        let other = Certificates.strange
        let empty = Certificates.scratchPath()
        try Data().write(to: URL(filePath: empty))
        func complaint(_ certificate: String, _ key: String, _ ca: String? = nil) -> TransportError? {
            #expect(throws: TransportError.self) {
                try TLSContext.server(
                    certificate: certificate, key: key, clientCA: ca, clientCertificate: ca == nil ? .none : .required)
            }
        }
        let absent = complaint(good + "/absent.pem", good + "/server.key")
        #expect(absent?.code == .certificate && absent?.description.contains("absent.pem cannot be read") == true)
        let mismatch = complaint(good + "/server.pem", other + "/server.key")
        #expect(mismatch?.code == .key && mismatch?.description.contains("is not the private key of") == true)
        let noKey = complaint(good + "/server.pem", empty)
        #expect(noKey?.code == .key && noKey?.description.contains("no usable PEM private key") == true)
        let noCertificate = complaint(empty, good + "/server.key")
        #expect(noCertificate?.code == .certificate)
        let noCA = complaint(good + "/server.pem", good + "/server.key", empty)
        #expect(noCA?.code == .certificate && noCA?.description.contains(empty) == true)
        let encrypted = empty + ".key"
        Program.openssl(
            ["ec", "-in", good + "/server.key", "-aes256", "-passout", "pass:secret", "-out", encrypted]
        ).finish()
        let locked = complaint(good + "/server.pem", encrypted)
        #expect(locked?.code == .key && locked?.description.contains("encrypted") == true)
        #expect(throws: TransportError.self) {
            try TLSContext.server(
                certificate: good + "/server.pem", key: good + "/server.key", clientCertificate: .required)
        }
        #expect(throws: TransportError.self) { try TLSContext.client(certificate: good + "/client.pem") }
    }

    /// Opening a pipe waits for its writer: a reload of a running service would stand still.
    @Test(.timeLimit(.minutes(4))) func aNamedPipeIsNoFileToWaitFor() throws {
        let pipe = Certificates.scratchPath()
        #expect(mkfifo(pipe, 0o600) == 0)
        let good = Certificates.good
        for (certificate, key, ca) in [
            (pipe, good + "/server.key", good + "/ca.pem"), (good + "/server.pem", pipe, good + "/ca.pem"),
            (good + "/server.pem", good + "/server.key", pipe),
        ] {
            let error = #expect(throws: TransportError.self) {
                try TLSContext.server(
                    certificate: certificate, key: key, clientCA: ca, clientCertificate: .required)
            }
            #expect(error?.description.contains("\(pipe) is no regular file") == true)
        }
    }

    @Test func tellsWhenItsCertificateEnds() throws {
        let now = Int64(Date().timeIntervalSince1970)
        let end = try #require(try server().certificateEnd)
        #expect(end > now + 800 * 86_400 && end < now + 830 * 86_400)
        let folder = Certificates.expired
        let past = try TLSContext.server(certificate: folder + "/server.pem", key: folder + "/server.key")
        #expect(try #require(past.certificateEnd) < now)
        #expect(try TLSContext.client(ca: folder + "/ca.pem").certificateEnd == nil)
    }
}
