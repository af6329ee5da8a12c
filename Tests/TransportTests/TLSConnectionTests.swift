// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Transport
import Wire

/// Versions, resumption, reloading and misuse, with `openssl s_client` as the client.
@Suite(.enabled(if: Authority.isPossible, "no openssl command here"), .timeLimit(.minutes(2)))
struct TLSConnectionTests {
    private static let device = Authority.plant.issue("plc-gw-7", names: "DNS:plc-gw-7.plant.example")

    /// Two connections, the second with the first one's session.
    private func twice(
        _ server: Server, _ version: String, _ pair: Pair? = device, between: () throws -> Void = {}
    ) throws -> (Seen, Seen) {
        let session = Certificates.scratchPath()
        // Without -quiet nothing is read before the input ends; -sess_out writes when a ticket comes.
        let client = server.client(["-quiet", "-no_ign_eof", version, "-sess_out", session], pair)
        let first = try server.serve()
        client.finish()
        try between()
        let saved = FileManager.default.fileExists(atPath: session) ? ["-sess_in", session] : []
        let again = server.client(["-quiet", "-no_ign_eof", version] + saved, pair)
        let second = try server.serve()
        again.finish()
        return (first, second)
    }

    @Test func aResumedSessionKeepsTheIdentity() throws {
        let server = try Server(Server.settings())
        let (first, second) = try twice(server, "-tls1_2")
        #expect(first.text == "hello\n" && !first.isResumed && first.version == "TLSv1.2")
        #expect(second.text == "hello\n" && second.isResumed)
        #expect(second.certificate?.subject == "CN=plc-gw-7,O=Plant")
        #expect(second.certificate == first.certificate)
    }

    @Test func openSSLReconnectsWithItsSession() throws {
        let server = try Server(Server.settings())
        let client = server.client(["-tls1_2", "-reconnect", "-ign_eof"], Self.device, input: "")
        var resumed: [Bool] = []
        for _ in 0..<6 {
            let seen = try server.serve(seconds: 2)
            #expect(seen.certificate?.subject == "CN=plc-gw-7,O=Plant")
            resumed.append(seen.isResumed)
        }
        #expect(resumed == [false, true, true, true, true, true])
        #expect(client.finish().output.contains("Reused, TLSv1.2"))
    }

    @Test func tls13TicketsAreGivenOnRequestOnly() throws {
        var settings = Server.settings()
        var (first, second) = try twice(Server(settings), "-tls1_3")
        #expect(first.text == "hello\n" && second.text == "hello\n" && !second.isResumed)
        settings.sessionTickets = true
        let session = Certificates.scratchPath()
        let server = try Server(settings)
        // The ticket follows the handshake: the client must stay for it.
        var client = server.client(["-quiet", "-ign_eof", "-tls1_3", "-sess_out", session], Self.device)
        first = try server.serve(seconds: 1)
        client.finish()
        client = server.client(["-quiet", "-no_ign_eof", "-tls1_3", "-sess_in", session], Self.device)
        second = try server.serve()
        client.finish()
        #expect(second.text == "hello\n" && second.isResumed && second.version == "TLSv1.3")
        #expect(second.certificate == first.certificate && second.certificate != nil)
        // TLS 1.2 resumption can be off meanwhile.
        settings.resumption = false
        (first, second) = try twice(Server(settings), "-tls1_2")
        #expect(second.text == "hello\n" && !second.isResumed)
        settings.sessionTickets = false
        (first, second) = try twice(Server(settings), "-tls1_2")
        #expect(second.text == "hello\n" && !second.isResumed)
    }

    @Test func aReloadEndsResumptionAndChecksAnew() throws {
        let server = try Server(Server.settings())
        let (_, second) = try twice(server, "-tls1_2") { server.context = try TLSContext.server(Server.settings()) }
        #expect(second.text == "hello\n" && !second.isResumed)
        let (first, refused) = try twice(server, "-tls1_2") {
            var settings = Server.settings()
            settings.allow = CertificateAllowList(names: ["*.office.example"])
            server.context = try TLSContext.server(settings)
        }
        #expect(first.text == "hello\n" && refused.refusal?.reason == .notAllowed)
    }

    /// Seconds between the two connections: within the key's time, within the time of the one before, and after both.
    @Test(arguments: [(0.0, true), (4.5, true), (9.0, false)])
    func ticketKeysChangeAndTheOneBeforeStillCounts(_ pause: Double, _ isResumed: Bool) throws {
        var settings = Server.settings()
        settings.ticketKeyLifetime = 4
        let server = try Server(settings)
        let (first, second) = try twice(server, "-tls1_2") { Thread.sleep(forTimeInterval: pause) }
        #expect(first.text == "hello\n" && second.text == "hello\n")
        #expect(second.isResumed == isResumed && second.certificate == first.certificate)
        // What is given out after the change is as good as the first one.
        let (_, third) = try twice(server, "-tls1_2")
        #expect(third.isResumed)
    }

    @Test func aSessionEndsWithItsCertificate() throws {
        let brief = Authority.plant.issue("brief", to: 8)
        let server = try Server(Server.settings())
        let (first, second) = try twice(server, "-tls1_2", brief) { Thread.sleep(forTimeInterval: 9) }
        #expect(first.text == "hello\n")
        #expect(!second.isResumed && second.refusal?.reason == .expired)
    }

    @Test func aSessionEndsWithTheRevocationList() throws {
        let authority = Authority("Brief CA")
        let pair = authority.issue("device")
        var settings = Server.settings(ca: authority.pair.certificate)
        settings.crlFiles = [authority.revocationList(to: 8)]
        let (first, second) = try twice(Server(settings), "-tls1_2", pair) { Thread.sleep(forTimeInterval: 9) }
        #expect(first.text == "hello\n")
        #expect(!second.isResumed && second.refusal?.reason == .crlExpired)
    }

    @Test func anOpenConnectionSurvivesAReload() throws {
        let server = try Server(Server.settings())
        let client = Program.python(
            """
            import socket, ssl, sys, time
            c = ssl.create_default_context(cafile=sys.argv[2])
            c.load_cert_chain(sys.argv[3], sys.argv[4])
            s = c.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))), server_hostname="localhost")
            s.sendall(b"before ")
            time.sleep(0.5)
            s.sendall(b"after")
            s.unwrap()
            """,
            ["\(server.port)", Authority.plant.pair.certificate, Self.device.certificate, Self.device.key])
        weak var old: TLSContext?
        old = server.context
        var settings = Server.settings()
        settings.allow = CertificateAllowList(names: ["nobody.example"])
        let next = try TLSContext.server(settings)
        let seen = try server.serve { _ in server.context = next }
        #expect(seen.text == "before after" && seen.failure == nil)
        client.finish()
        #expect(old == nil)
        let (_, refused) = try twice(server, "-tls1_3")
        #expect(refused.refusal?.reason == .notAllowed)
    }

    /// Each key update is answered. With no room for the answer nothing more can be read, and to wait for more to read
    /// would be to wake up for ever.
    @Test func aClientThatReadsNoAnswersIsWaitedForToDoSo() throws {
        let server = try Server(Server.settings(.none))
        let script = #"""
            import ctypes, socket, sys
            lib = ctypes.CDLL("libssl.so.3")
            for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"): getattr(lib, name).restype = ctypes.c_void_p
            p = ctypes.c_void_p
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            s.connect(("127.0.0.1", int(sys.argv[1])))
            ssl = p(lib.SSL_new(p(lib.SSL_CTX_new(p(lib.TLS_client_method())))))
            lib.SSL_set_fd(ssl, s.fileno())
            assert lib.SSL_connect(ssl) == 1
            for n in range(1_000_000):
                for _ in range(5):
                    if lib.SSL_key_update(ssl, 1) != 1 or lib.SSL_do_handshake(ssl) != 1: sys.exit(1)
                if lib.SSL_write(ssl, b"x", 1) != 1: sys.exit(1)
            """#
        let client = Program(
            "/usr/bin/env", ["timeout", "-s", "KILL", "60", "python3", "-c", script, "\(server.port)"])
        try waitForWriting(server)
        client.finish()
    }

    private func waitForWriting(_ server: Server) throws {
        let connection = try server.accept()
        // Little room, so that it is soon full; without this the kernel gives megabytes.
        var room = Int32(4096)
        setsockopt(connection.raw, SOL_SOCKET, SO_SNDBUF, &room, socklen_t(MemoryLayout<Int32>.size))
        try connection.secure(with: server.context)
        #expect(
            try server.wait(on: connection) { if case .done = connection.handshake() { true } else { false } })
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
        defer { bytes.deallocate() }
        var isStuck = false
        var failure: TransportError?
        _ = try server.wait(on: connection) {
            for _ in 0..<100 {
                let result = connection.read(into: bytes)
                if case .failed(let error) = result { failure = error }
                guard case .bytes = result else { break }
            }
            isStuck = connection.interest.contains(.writable)
            return isStuck || failure != nil
        }
        #expect(isStuck && connection.hasUnread, "\(failure?.description ?? "")")
        #expect(connection.interest == .writable)
    }

    @Test func oldVersionsAndCiphersAreRefused() throws {
        let server = try Server(Server.settings(.none))
        for options in [
            ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0"],
            ["-tls1_2", "-cipher", "AES128-GCM-SHA256:@SECLEVEL=0"],
        ] {
            let client = server.client(options)
            let seen = try server.serve()
            #expect(seen.failure?.code == .handshake && seen.refusal == nil, "\(options)")
            #expect(client.finish().status != 0)
        }
        let client = server.client(["-quiet", "-no_ign_eof", "-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"])
        #expect(try server.serve().text == "hello\n")
        client.finish()
    }

    @Test func renegotiationIsRefused() throws {
        let server = try Server(Server.settings(.none))
        // A line that begins with R makes s_client renegotiate.
        let client = server.client(["-tls1_2", "-ign_eof", "-no_ign_eof"], input: "R\n")
        let seen = try server.serve(seconds: 3)
        let output = client.finish().output
        #expect(output.contains("RENEGOTIATING") && output.contains("no renegotiation"), "\(output)")
        #expect(seen.text.isEmpty)
    }

    /// A line `k` makes s_client update its key. Meanwhile the server does not read, so all of them wait in one go.
    @Test(arguments: [(20, true), (100, false)])
    func aFloodOfKeyUpdatesEndsTheConnection(_ count: Int, _ survives: Bool) throws {
        let server = try Server(Server.settings(.none))
        let flag = Certificates.scratchPath()
        let client = Program.python(
            """
            import subprocess, sys
            c = subprocess.Popen(["timeout", "60", "openssl", "s_client", "-tls1_3", "-connect", sys.argv[1]],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            def wait(text):
                while text not in (line := c.stdout.readline()):
                    if not line: sys.exit("the client ended early")
            wait(b"Verify return code")
            # s_client looks at the first letter of what one read(2) brings: one line at a time.
            for _ in range(int(sys.argv[2])):
                c.stdin.write(b"k\\n")
                c.stdin.flush()
                wait(b"KEYUPDATE")
            open(sys.argv[3], "w").close()
            c.communicate(b"hello\\n")
            """, ["127.0.0.1:\(server.port)", "\(count)", flag])
        let seen = try server.serve { _ in
            for _ in 0..<600 where !FileManager.default.fileExists(atPath: flag) { Thread.sleep(forTimeInterval: 0.1) }
        }
        #expect(FileManager.default.fileExists(atPath: flag))
        #expect((seen.failure == nil) == survives)
        #expect(seen.text == (survives ? "hello\n" : ""))
        if !survives { #expect(seen.failure?.description.contains("flood") == true) }
        #expect(client.finish().output == "")
    }
}
