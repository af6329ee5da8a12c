// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Receivers
import Testing
import Wire

@Suite(.timeLimit(.minutes(4))) struct SecureStreamTests {
    @Test(arguments: ["TLSv1_2", "TLSv1_3"]) func manySmallAndLargeRecordsArrive(_ version: String) throws {
        let service = try Service([.test(.tls, tls: Certificates.tls())])
        let python = Program.python(
            service.port(),
            #"""
            s = tls(ssl.TLSVersion.\#(version))
            for n in range(2000): s.sendall(b"<34>small %d\n" % n)
            s.sendall(b"".join(b"<34>large %d\n" % n for n in range(100_000)))
            m = b"<34>" + b"z" * 60_000
            for n in range(20): s.sendall(b"%d " % len(m) + m)
            end(s)
            """#)
        let frames = service.frames(102_020)
        let result = python.finish()
        #expect(result.status == 0, Comment(rawValue: result.output))
        service.stop()
        #expect(frames.count == 102_020)
        #expect(frames.prefix(2000).map(\.text) == (0..<2000).map { "<34>small \($0)" })
        #expect(frames.dropFirst(2000).prefix(100_000).map(\.text) == (0..<100_000).map { "<34>large \($0)" })
        #expect(frames.suffix(20).allSatisfy { $0.bytes.count == 60_004 })
        #expect(frames.allSatisfy { $0.frame.transport == .tls })
        #expect(service.dropped("handshake_failed") == 0)
    }

    @Test func clientsAreWhoTheirCertificateSays() throws {
        let service = try Service([.test(.tls, tls: Certificates.tls(.required))])
        let python = Program.python(
            service.port(),
            #"""
            def attempt(certificate):
                try:
                    s = tls(None, certificate)
                    s.sendall(b"<34>from %s\n" % (certificate[-4:].encode() if certificate else b"nobody"))
                    end(s)
                    print("served")
                except OSError as e: print("refused")
            attempt(None)
            attempt(strange)
            attempt(good)
            """#)
        #expect(python.finish().output.split(separator: "\n") == ["refused", "refused", "served"])
        service.wait { $0.frames.contains { $0.frame.transport == .tls } }
        service.stop()
        // The refused ones are told of beside it.
        let frames = service.frames.filter { $0.frame.transport == .tls }
        #expect(frames.count == 1)
        #expect(frames.first?.origin?.subject == "CN=penstock-client,O=Penstock development")
        #expect(frames.first?.origin?.fingerprint.count == 64)
        #expect(service.dropped("certificate_refused") == 2)
        #expect(service.log.all.contains { $0.contains("certificate_refused") && $0.contains("127.0.0.1:") })
    }

    @Test func openSSLsOwnClientIsServed() throws {
        let service = try Service([.test(.tls, tls: Certificates.tls(.optional))])
        let text = (0..<500).map { "<34>line \($0)\n" }.joined()
        let client = Program(
            "/usr/bin/env",
            [
                "timeout", "60", "openssl", "s_client", "-quiet", "-no_ign_eof", "-connect",
                "127.0.0.1:\(service.port())",
                "-CAfile", Certificates.good + "/ca.pem", "-verify_return_error",
            ], input: text)
        let frames = service.frames(500)
        client.finish()
        service.stop()
        #expect(frames.map { $0.text + "\n" }.joined() == text)
    }

    @Test func plainTextOnTheTLSPortIsRefused() throws {
        let service = try Service([.test(.tls, tls: Certificates.tls())])
        let python = Program.python(
            service.port(),
            #"""
            random.seed(3)
            for d in [b"<34>1 - - - - - - plain\n", b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\xff\xff", b"\x80\x2e\x01"] + \
                     [random.randbytes(200) for _ in range(100)]:
                s = tcp()
                try:
                    s.sendall(d)
                    s.shutdown(socket.SHUT_WR)
                    while s.recv(100): pass
                except OSError: pass
            s = tls(); s.sendall(b"<34>fine\n"); end(s)
            """#)
        #expect(python.finish().status == 0)
        let frames = service.frames(1)
        service.wait { $0.dropped("handshake_failed") >= 104 }
        service.stop()
        #expect(frames.map(\.text) == ["<34>fine"])
        #expect(service.dropped("handshake_failed") == 104)
        #expect(service.connections("test") == 0)
        let lines = service.log.all.filter { $0.contains("handshake_failed") }
        #expect(lines.count >= 1 && lines.count < 5, "a flood of refusals is no flood of log lines")
    }

    @Test func aReloadedCertificateIsForNewConnectionsOnly() throws {
        let folder = Certificates.make([])
        let service = try Service([.test(.tls, tls: Certificates.tls(folder: folder))])
        func fingerprint() -> String {
            Program.python(
                service.port(),
                #"""
                import hashlib
                c = ssl._create_unverified_context()
                s = c.wrap_socket(tcp())
                print(hashlib.sha256(s.getpeercert(True)).hexdigest())
                """#
            ).finish().output
        }
        let first = fingerprint()
        #expect(first.count == 65)
        let open = Program.python(
            service.port(),
            #"""
            s = ssl._create_unverified_context().wrap_socket(tcp())
            s.sendall(b"<34>before\n")
            time.sleep(2)
            s.sendall(b"<34>after\n")
            end(s)
            """#)
        #expect(service.frames(1).map(\.text) == ["<34>before"])
        let old = try Data(contentsOf: URL(filePath: folder + "/server.key"))
        try Data("rubbish".utf8).write(to: URL(filePath: folder + "/server.key"))
        let error = #expect(throws: ListenerErrors.self) { try service.input.reloadCertificates() }
        #expect(error?.description.contains("listener `test` (tls 127.0.0.1:0)") == true)
        #expect(fingerprint() == first, "a bad file leaves the old certificate in use")
        try old.write(to: URL(filePath: folder + "/server.key"))
        let other = Certificates.make([])
        for name in ["server.key", "server.pem"] {
            try Data(contentsOf: URL(filePath: other + "/" + name)).write(to: URL(filePath: folder + "/" + name))
        }
        try service.input.reloadCertificates()
        let second = fingerprint()
        #expect(second.count == 65 && second != first)
        #expect(open.finish().status == 0)
        #expect(service.frames(2).map(\.text) == ["<34>before", "<34>after"])
        service.stop()
    }

    @Test func aSenderThatNeverReadsLosesNothing() throws {
        // Slow: much is still in the socket when the sender closes.
        let service = try Service(
            [.test(.tls, tls: Certificates.tls())], limits: ReceiveLimits(frames: 100, bytes: 4096, turn: 4096))
        let python = Program.python(
            service.port(),
            #"""
            s = tls(ssl.TLSVersion.TLSv1_3)
            for n in range(20_000): s.sendall(b"<34>%d " % n + b"x" * 90 + b"\n")
            os.close(s.detach())
            """#)
        #expect(python.finish().status == 0)
        #expect(service.frames(20_000).count == 20_000)
        service.stop()
        #expect(service.dropped("connection_broken") == 0)
    }

    @Test func whatOpenSSLHasReadAheadIsNotForgotten() throws {
        let service = try Service([.test(.tls, tls: Certificates.tls())], limits: ReceiveLimits(turn: 4096))
        let python = Program.python(
            service.port(),
            #"""
            s = tls()
            s.sendall(b"".join(b"<34>%03d " % n + b"x" * 91 + b"\n" for n in range(160)))
            # Until the service ends.
            try: s.recv(1)
            except OSError: pass
            """#)
        // One record of 16,000 bytes in turns of 4096, and then silence: epoll has nothing more to report.
        #expect(service.wait { $0.frames.count == 160 })
        #expect(service.connections("test") == 1, "the sender has not closed yet")
        service.stop()
        python.finish()
    }
}
