// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Transport
import Wire

@Suite(.timeLimit(.minutes(4))) struct StreamClientTests {
    /// A Python server: prints its port, takes one connection, reads it all, prints the SHA-256 of what it read.
    private func server(_ folder: String? = nil, clientCA: String? = nil) -> Program {
        .python(
            """
            import hashlib, socket, ssl, sys
            l = socket.create_server(("127.0.0.1", 0))
            print(l.getsockname()[1], flush=True)
            l.settimeout(60)
            s, _ = l.accept()
            try:
                if sys.argv[1]:
                    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    c.load_cert_chain(sys.argv[1] + "/server.pem", sys.argv[1] + "/server.key")
                    if sys.argv[2]:
                        c.verify_mode = ssl.CERT_REQUIRED
                        c.load_verify_locations(sys.argv[2])
                    s = c.wrap_socket(s, server_side=True)
                h, n = hashlib.sha256(), 0
                while d := s.recv(65536):
                    h.update(d); n += len(d)
                print(n, h.hexdigest())
            except OSError as e:
                print("failed", e)
            """, [folder ?? "", clientCA ?? ""])
    }

    private func port(_ program: Program) throws -> UInt16 { try #require(UInt16(program.line())) }

    @Test(arguments: [false, true]) func everythingArrives(_ encrypted: Bool) throws {
        let folder = Certificates.good
        let program = encrypted ? server(folder, clientCA: folder + "/ca.pem") : server()
        let port = try port(program)
        let text = String(repeating: "CEF:0|Penstock|...\n", count: 100_000)
        do {
            let tls =
                encrypted
                ? try TLSContext.client(
                    ca: folder + "/ca.pem", certificate: folder + "/client.pem", key: folder + "/client.key") : nil
            let client = try StreamClient.connect(to: "localhost", port: port, tls: tls)
            #expect(client.tlsVersion == (encrypted ? "TLSv1.3" : nil))
            #expect((client.peerCertificate?.subject.contains("CN=localhost") ?? false) == encrypted)
            try client.send(text)
        }
        let answer = program.finish().output.split(whereSeparator: \.isWhitespace).map(String.init)
        #expect(answer.first == "\(text.utf8.count)")
        let scratch = Certificates.scratchPath()
        try Data(text.utf8).write(to: URL(filePath: scratch))
        #expect(Program("/usr/bin/sha256sum", [scratch]).finish().output.hasPrefix(answer.last ?? "none"))
    }

    @Test func serversAreChecked() throws {
        let good = Certificates.good
        func attempt(_ folder: String, ca: String, name: String? = nil) throws -> TransportError? {
            let program = server(folder)
            let port = try port(program)
            let context = try TLSContext.client(ca: ca + "/ca.pem")
            do {
                _ = try StreamClient.connect(to: "127.0.0.1", port: port, tls: context, serverName: name)
                program.finish()
                return nil
            } catch {
                program.finish()
                return error
            }
        }
        #expect(try attempt(good, ca: good) == nil, "the address is among the certificate's names")
        #expect(try attempt(good, ca: good, name: "localhost") == nil)
        let name = try attempt(good, ca: good, name: "feed.example")
        #expect(name?.code == .certificate && name?.description.lowercased().contains("hostname mismatch") == true)
        let address = try attempt(good, ca: good, name: "192.0.2.9")
        #expect(address?.code == .certificate && address?.description.contains("IP address mismatch") == true)
        let strange = try attempt(Certificates.strange, ca: good)
        #expect(strange?.code == .certificate)
        let expired = try attempt(Certificates.expired, ca: Certificates.expired)
        #expect(expired?.code == .certificate && expired?.description.contains("expired") == true)
    }

    @Test func failuresHaveTheirReason() throws {
        let closed = try TCPListener(bind: SocketAddress("127.0.0.1:0")).address.port
        let refused = #expect(throws: TransportError.self) { try StreamClient.connect(to: "127.0.0.1", port: closed) }
        #expect(refused?.code == .refused)
        let unknown = #expect(throws: TransportError.self) {
            try StreamClient.connect(to: "no-such-host.invalid", port: 514)
        }
        #expect(unknown?.code == .unreachable)
        // A listener that never accepts: the kernel completes the connection, TLS gets no answer.
        let silent = try TCPListener(bind: SocketAddress("127.0.0.1:0"))
        let context = try TLSContext.client(verify: false)
        let start = ContinuousClock.now
        let late = #expect(throws: TransportError.self) {
            try StreamClient.connect(
                to: "127.0.0.1", port: silent.address.port, tls: context, timeout: .milliseconds(200))
        }
        #expect(late?.code == .timeout)
        #expect(start.duration(to: .now) < .seconds(20))
        let client = try StreamClient.connect(to: "127.0.0.1", port: silent.address.port)
        let much = [UInt8](repeating: 0, count: 32 << 20)
        let stuck = #expect(throws: TransportError.self) {
            try client.send(much.span.bytes, timeout: .milliseconds(200))
        }
        #expect(stuck?.code == .timeout)
        #expect(throws: TransportError.self) { try client.send("after a failure nothing is sent") }
    }

    @Test func aServerThatClosedIsNoticedBeforeSending() throws {
        let listener = try TCPListener(bind: SocketAddress("127.0.0.1:0"))
        let client = try StreamClient.connect(to: "127.0.0.1", port: listener.address.port)
        if case .connection(let accepted) = listener.accept() { #expect(accepted.peer.ip == IPAddress("127.0.0.1")) }
        usleep(50_000)
        let error = #expect(throws: TransportError.self) { try client.send("lost otherwise\n") }
        #expect(error?.code == .closed)
    }
}
