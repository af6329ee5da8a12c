// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Transport
import Wire

/// Peeking in front of TLS, and what is written back to a client.
@Suite(.enabled(if: Authority.isPossible, "no openssl command here"), .timeLimit(.minutes(2)))
struct StreamConnectionTests {
    private static let header = "PROXY TCP4 192.0.2.7 10.0.0.1 40000 6514\r\n"

    @Test(arguments: [true, false])
    func aHeaderInFrontOfTLSIsPeekedAndDiscarded(_ secure: Bool) throws {
        let server = try Server(Server.settings(.none))
        let client = Program.python(
            """
            import socket, ssl, sys, time
            s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            head = sys.argv[3].encode() + b"\\r\\n"
            s.sendall(head[:9])
            time.sleep(0.4)
            if sys.argv[4] == "plain":
                s.sendall(head[9:] + b"<13>behind")
                s.close()
            else:
                s.sendall(head[9:])
                c = ssl.create_default_context(cafile=sys.argv[2])
                s = c.wrap_socket(s, server_hostname="localhost")
                s.sendall(b"<13>behind")
                s.close()
            """,
            [
                "\(server.port)", Authority.plant.pair.certificate, String(Self.header.dropLast(1)),
                secure ? "tls" : "plain",
            ])
        let connection = try server.accept()
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
        defer { room.deallocate() }
        var looks = 0
        var header = ""
        #expect(
            try server.wait(on: connection) {
                looks += 1
                guard case .bytes(let count) = connection.peek(into: room) else { return false }
                header = String(decoding: room[..<count], as: UTF8.self)
                return header.contains("\r\n")
            })
        #expect(header.hasPrefix(Self.header))
        // Once before anything came, once for each part, and every 200 ms; a spinning loop would look thousands of times.
        #expect(looks < 10)
        #expect(connection.discard(Self.header.utf8.count))
        if secure {
            try connection.secure(with: server.context)
            #expect(try server.wait(on: connection) { if case .done = connection.handshake() { true } else { false } })
        }
        var text = ""
        _ = try server.wait(on: connection) {
            while true {
                switch connection.read(into: room) {
                case .bytes(let count): text += String(decoding: room[..<count], as: UTF8.self)
                case .wouldBlock: return false
                default: return true
                }
            }
        }
        #expect(text == "<13>behind")
        client.finish()
    }

    @Test func whatWasNotThereCannotBeDiscarded() throws {
        let listener = try TCPListener(bind: SocketAddress("127.0.0.1:0"))
        let client = try StreamClient.connect(to: "127.0.0.1", port: listener.address.port)
        try client.send("abc")
        guard case .connection(let connection) = listener.accept() else {
            Issue.record("no connection")
            return
        }
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 16)
        defer { room.deallocate() }
        while case .wouldBlock = connection.peek(into: room) {}
        #expect(connection.discard(2))
        guard case .bytes(1) = connection.peek(into: room) else {
            Issue.record("one byte must be left")
            return
        }
        #expect(room[0] == UInt8(ascii: "c"))
        #expect(!connection.discard(2))
        client.close()
        guard case .closed = connection.peek(into: room) else {
            Issue.record("the end must be seen")
            return
        }
    }

    /// A client that sends a byte for each answer line it wants, and reads slowly.
    @Test(arguments: [true, false])
    func answersWaitForASlowReader(_ secure: Bool) throws {
        let server = try Server(Server.settings(.none))
        let total = 1_000_000
        let client = Program.python(
            """
            import hashlib, socket, ssl, sys, time
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            s.connect(("127.0.0.1", int(sys.argv[1])))
            if sys.argv[3] == "tls":
                s = ssl.create_default_context(cafile=sys.argv[2]).wrap_socket(s, server_hostname="localhost")
            s.sendall(b"go")
            time.sleep(0.5)
            left, digest = int(sys.argv[4]), hashlib.sha256()
            while left > 0:
                piece = s.recv(5000)
                if not piece: break
                digest.update(piece)
                left -= len(piece)
            print(left, digest.hexdigest())
            """,
            ["\(server.port)", Authority.plant.pair.certificate, secure ? "tls" : "plain", "\(total)"])
        let connection = try server.accept()
        if secure { try connection.secure(with: server.context) }
        #expect(try server.wait(on: connection) { if case .done = connection.handshake() { true } else { false } })
        connection.outboundLimit = 100_000
        var small: Int32 = 16_384
        setsockopt(connection.raw, SOL_SOCKET, SO_SNDBUF, &small, 4)
        var sent: [UInt8] = []
        var refused = 0
        var waited = 0
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
        defer { room.deallocate() }
        let done = try server.wait(on: connection) {
            _ = connection.read(into: room)
            while true {
                while sent.count < total {
                    let line = Array("\(sent.count) rsp 6 200 OK\n".utf8).prefix(total - sent.count)
                    guard connection.queue(Array(line)) else {
                        refused += 1
                        break
                    }
                    sent += line
                }
                switch connection.flush() {
                case .done:
                    #expect(!connection.hasOutbound && connection.interest == .readable)
                    if sent.count == total { return true }
                case .waiting:
                    waited += 1
                    #expect(connection.hasOutbound && connection.interest.contains(.writable))
                    return false
                case .failed(let error): throw error
                }
            }
        }
        #expect(done)
        #expect(refused > 0 && waited > 0)
        let digest = Certificates.scratchPath()
        try Data(sent).write(to: URL(filePath: digest))
        let expected = Program.openssl(["dgst", "-sha256", "-r", digest]).finish().output.prefix(64)
        #expect(client.finish().output == "0 \(expected)\n")
    }

    @Test func theQueueIsBounded() throws {
        let listener = try TCPListener(bind: SocketAddress("127.0.0.1:0"))
        let client = try StreamClient.connect(to: "127.0.0.1", port: listener.address.port)
        guard case .connection(let connection) = listener.accept() else {
            Issue.record("no connection")
            return
        }
        let bytes = [UInt8](repeating: 65, count: 10)
        connection.outboundLimit = 25
        #expect(connection.queue(bytes) && connection.queue(bytes))
        #expect(!connection.queue(bytes))
        #expect(connection.interest == [.readable, .writable])
        guard case .done = connection.flush() else {
            Issue.record("twenty bytes must go")
            return
        }
        #expect(connection.interest == .readable && connection.queue(bytes))
        connection.outboundLimit = 0
        #expect(!connection.queue(bytes))
        client.close(timeout: .milliseconds(1))
    }

    /// A connection whose buffers were given back goes on as if nothing had been.
    @Test func aReleasedConnectionReadsOn() throws {
        let server = try Server(Server.settings(.none))
        let client = Program(
            "/bin/sh",
            [
                "-c",
                "(for i in 1 2 3; do echo line $i; sleep 0.2; done) | "
                    + "timeout 60 openssl s_client -quiet -no_ign_eof -connect 127.0.0.1:\(server.port)",
            ])
        let connection = try server.accept()
        try connection.secure(with: server.context)
        var text = ""
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
        defer { room.deallocate() }
        _ = try server.wait(on: connection) {
            guard case .done = connection.handshake() else { return false }
            while true {
                switch connection.read(into: room) {
                case .bytes(let count): text += String(decoding: room[..<count], as: UTF8.self)
                case .wouldBlock:
                    connection.releaseBuffers()
                    return false
                default: return true
                }
            }
        }
        #expect(text == "line 1\nline 2\nline 3\n" && connection.endedCleanly)
        client.finish()
    }
}

extension StreamConnection {
    fileprivate func queue(_ bytes: [UInt8]) -> Bool { send(bytes.span.bytes) }
}
