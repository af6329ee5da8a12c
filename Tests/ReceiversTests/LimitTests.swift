// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Receivers
import Testing
import Wire

@Suite(.timeLimit(.minutes(4))) struct LimitTests {
    @Test func connectionsAreLimitedInAllAndPerPeer() throws {
        let service = try Service(
            [
                .test(.tcp, name: "few") { $0.maxConnections = 5 },
                .test(.tcp, name: "each") { $0.maxConnectionsPerPeer = 3 },
            ], lanes: 2)
        for (listener, limit) in [(0, 5), (1, 3)] {
            let python = Program.python(
                service.port(listener),
                #"""
                served = [tcp() for _ in range(12)]
                for n, s in enumerate(served):
                    try: s.sendall(b"<34>%d\n" % n)
                    except OSError: pass
                # Nobody is answered: who can read is closed. Then none of the others within a second.
                while gone := select.select(served, [], [], 60 if len(served) > \#(limit) else 1)[0]:
                    served = [s for s in served if s not in gone]
                print(len(served))
                for s in served: end(s)
                s = tcp(); s.sendall(b"<34>room again\n"); end(s)
                """#)
            let output = python.finish()
            #expect(output.output == "\(limit)\n")
            #expect(output.status == 0)
        }
        #expect(service.wait { $0.frames.filter { $0.text == "<34>room again" }.count == 2 })
        service.stop()
        #expect(service.dropped("connection_limit") == 7)
        #expect(service.dropped("peer_connection_limit") == 9)
        #expect(service.connections("few") == 0 && service.connections("each") == 0)
        #expect(service.log.all.contains { $0.contains("`each`") && $0.contains("max_connections_per_peer") })
    }

    @Test func idleConnectionsAreClosedBusyOnesAreNot() throws {
        let service = try Service([.test(.tcp) { $0.idleTimeout = 2 }])
        let python = Program.python(
            service.port(),
            #"""
            idle, busy = tcp(), tcp()
            idle.sendall(b"<34>half a li")
            for n in range(12):
                busy.sendall(b"<34>busy %d\n" % n)
                time.sleep(0.3)
            assert idle.recv(1) == b""
            busy.setblocking(False)
            try:
                busy.recv(1)
                sys.exit("the busy one was closed")
            except BlockingIOError: pass
            end_ = busy; end_.setblocking(True); end(end_)
            """#)
        #expect(python.finish() == (0, ""))
        let frames = service.frames(13)
        service.stop()
        #expect(frames.filter { $0.text.contains("busy") }.count == 12)
        let half = frames.first { !$0.text.contains("busy") }
        #expect(half?.text == "<34>half a li" && half?.frame.isCut == true)
        #expect(service.dropped("idle") == 1)
    }

    @Test func slowHandshakesAreClosed() throws {
        let service = try Service([.test(.tls, tls: Certificates.tls()) { $0.handshakeTimeout = 2 }])
        let python = Program.python(
            service.port(),
            #"""
            silent, half, served = tcp(), tcp(), tls()
            half.sendall(b"\x16\x03\x01\x02\x00\x01")
            assert silent.recv(1) == b""
            try: assert half.recv(100) == b""
            except ConnectionResetError: pass
            served.sendall(b"<34>served\n")
            end(served)
            """#)
        #expect(python.finish() == (0, ""))
        #expect(service.frames(1).map(\.text) == ["<34>served"])
        service.stop()
        #expect(service.dropped("handshake_timeout") == 2)
    }

    @Test func stoppingDeliversWhatHasCome() throws {
        let service = try Service([.test(.tcp)])
        let python = Program.python(
            service.port(),
            #"""
            s = tcp(); s.sendall(b"<34>whole\n<34>not who")
            try: s.recv(1)
            except ConnectionResetError: pass
            """#)
        #expect(service.frames(1).map(\.text) == ["<34>whole"])
        service.stop()
        #expect(service.frames.map(\.text) == ["<34>whole", "<34>not who"])
        #expect(service.frames.last?.frame.isCut == true)
        #expect(python.finish() == (0, ""))
    }
}
