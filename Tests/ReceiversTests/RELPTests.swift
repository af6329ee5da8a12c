// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Instruments
import Receivers
import Testing
import Wire

@Suite(.timeLimit(.minutes(4))) struct RELPTests {
    @Test func nothingIsAcknowledgedBeforeItIsOnDiskAndThenInOrder() throws {
        let lanes = try HandLanes([.test(.relp, name: "relp")])
        let client = RawClient.relp(lanes)
        client.send((2...4).map { RELP.frame($0, "syslog", "<34>message \($0)") }.joined())
        #expect(lanes.serve { lanes.frames.count == 3 })
        #expect(lanes.texts == ["<34>message 2", "<34>message 3", "<34>message 4"])
        #expect(lanes.frames.allSatisfy { $0.frame.transport == .relp && !$0.frame.isCut })
        #expect(lanes.frames.allSatisfy { $0.frame.peer == IPAddress("127.0.0.1") && $0.frame.peerPort > 0 })
        #expect(lanes.wanted == 3)
        lanes.acknowledge(2)
        lanes.serve(milliseconds: 60)
        #expect(client.acknowledged.isEmpty, "the last of them is not on disk")
        lanes.acknowledge(3)
        #expect(lanes.serve { client.acknowledged == [2, 3, 4] })
        lanes.acknowledge(3)
        lanes.serve(milliseconds: 30)
        #expect(client.acknowledged == [2, 3, 4], "once each")
        lanes.finish()
        #expect(lanes.dropped("relp_error") == 0)
    }

    @Test func eachConnectionWaitsForItsOwnMessages() throws {
        let lanes = try HandLanes([.test(.relp)])
        let (one, two) = (RawClient.relp(lanes), RawClient.relp(lanes))
        one.send(RELP.frame(2, "syslog", "<34>a") + RELP.frame(3, "syslog", "<34>b"))
        #expect(lanes.serve { lanes.frames.count == 2 })
        two.send(RELP.frame(2, "syslog", "<34>c"))
        #expect(lanes.serve { lanes.frames.count == 3 })
        one.send(RELP.frame(4, "syslog", "<34>d"))
        #expect(lanes.serve { lanes.frames.count == 4 })
        lanes.acknowledge(2)
        #expect(lanes.serve { one.acknowledged == [2, 3] })
        #expect(two.acknowledged.isEmpty)
        lanes.acknowledge(4)
        #expect(lanes.serve { one.acknowledged == [2, 3, 4] && two.acknowledged == [2] })
        lanes.finish()
    }

    /// A place that another connection has by now must not get the acknowledgement of the one before it.
    @Test func aConnectionThatHasGoneIsNotAcknowledgedToItsSuccessor() throws {
        let lanes = try HandLanes([.test(.relp)])
        let gone = RawClient.relp(lanes)
        gone.send(RELP.frame(2, "syslog", "<34>a") + RELP.frame(3, "syslog", "<34>b"))
        #expect(lanes.serve { lanes.frames.count == 2 })
        gone.close()
        let connections = lanes.registry.gauge("penstock_connections", ["listener": "test"], help: "")
        #expect(lanes.serve { connections.current == 0 })
        let next = RawClient.relp(lanes)
        next.send(RELP.frame(2, "syslog", "<34>c"))
        #expect(lanes.serve { lanes.frames.count == 3 })
        lanes.acknowledge(2)
        lanes.serve(milliseconds: 50)
        #expect(next.acknowledged.isEmpty)
        lanes.acknowledge(3)
        #expect(lanes.serve { next.acknowledged == [2] })
        lanes.finish()
    }

    /// An acknowledgement only counts messages: one that is lost must not be answered with the next one's.
    @Test func whatTheJournalLosesIsNeverAcknowledged() throws {
        let lanes = try HandLanes([.test(.relp, name: "relp")])
        let (client, other) = (RawClient.relp(lanes), RawClient.relp(lanes))
        lanes.loses = true
        client.send(RELP.frame(2, "syslog", "<34>lost"))
        #expect(lanes.serve { lanes.frames.count == 1 })
        lanes.loses = false
        #expect(lanes.serve { client.hasEnded }, "its sender repeats it on a new connection")
        client.send(RELP.frame(3, "syslog", "<34>behind it"))
        other.send(RELP.frame(2, "syslog", "<34>kept"))
        #expect(lanes.serve { lanes.texts.last == "<34>kept" })
        lanes.acknowledge(.max)
        #expect(lanes.serve { other.acknowledged == [2] })
        #expect(client.acknowledged.isEmpty)
        let again = RawClient.relp(lanes)
        again.send(RELP.frame(2, "syslog", "<34>lost"))
        #expect(lanes.serve { lanes.texts.filter { $0 == "<34>lost" }.count == 2 })
        lanes.acknowledge(.max)
        #expect(lanes.serve { again.acknowledged == [2] })
        lanes.finish()
        #expect(lanes.dropped("connection_broken") == 1)
    }

    /// A full window is back-pressure: no more is taken, and everything comes once there is room.
    @Test func aFullWindowHoldsTheSenderBack() throws {
        let lanes = try HandLanes([.test(.relp)], limits: ReceiveLimits(frames: 4096, coalescing: 0))
        let client = RawClient.relp(lanes)
        let count = 3000
        var rest = Array((2..<2 + count).map { RELP.frame($0, "syslog", "<34>n\($0)") }.joined().utf8)
        func push() { if !rest.isEmpty { rest.removeFirst(max(0, client.send(rest))) } }
        push()
        #expect(lanes.serve { lanes.frames.count == 1024 })
        lanes.serve(milliseconds: 100)
        #expect(lanes.frames.count == 1024, "RELPSession.windowFrames")
        #expect(client.acknowledged.isEmpty)
        #expect(
            lanes.serve {
                push()
                lanes.acknowledge(lanes.next[0])
                return client.acknowledged.count == count
            })
        #expect(lanes.texts == (2..<2 + count).map { "<34>n\($0)" })
        #expect(client.acknowledged == Array(2..<2 + count))
        lanes.finish()
    }

    @Test func aMessageThatIsCutByTheEndIsNotDelivered() throws {
        let lanes = try HandLanes([.test(.relp)])
        let client = RawClient.relp(lanes)
        client.send(RELP.frame(2, "syslog", "<34>whole") + "3 syslog 100 <34>half of")
        #expect(lanes.serve { lanes.frames.count == 1 })
        client.close()
        let connections = lanes.registry.gauge("penstock_connections", ["listener": "test"], help: "")
        #expect(lanes.serve { connections.current == 0 })
        lanes.finish()
        #expect(lanes.texts == ["<34>whole"], "its sender has no acknowledgement and repeats it")
    }

    @Test func closeIsAnsweredBehindTheMessagesBeforeIt() throws {
        let lanes = try HandLanes([.test(.relp)])
        let client = RawClient.relp(lanes)
        client.send(RELP.frame(2, "syslog", "<34>last") + RELP.frame(3, "close"))
        #expect(lanes.serve { lanes.frames.count == 1 })
        lanes.serve(milliseconds: 50)
        #expect(client.acknowledged.isEmpty && !client.text.contains("\n3 rsp"))
        lanes.acknowledge(1)
        #expect(lanes.serve { client.hasEnded }, "the server closes; a client that waits for it must not wait for ever")
        #expect(client.acknowledged.first == 2 && client.text.contains("3 rsp"))
        lanes.finish()
        #expect(lanes.dropped("relp_error") == 0)
    }

    @Test(arguments: [
        "2 syslog 5 <34>a\n", "hello, this is no RELP\n", "1 syslog 5 <34>a\n", "1 open 3 x=y\n", "0 syslog 5 <34>a\n",
        "1 open 99999999999 x\n", "GET / HTTP/1.0\r\n\r\n", "<34>plain syslog\n",
    ])
    func whoDoesNotKeepToTheProtocolIsClosed(_ text: String) throws {
        let lanes = try HandLanes([.test(.relp, name: "relp")])
        let client = RawClient(lanes.port())
        client.send(text)
        #expect(lanes.serve { client.hasEnded })
        #expect(lanes.frames.isEmpty)
        #expect(lanes.dropped("relp_error") == 1)
        #expect(lanes.log.all.contains { $0.contains("`relp`") && $0.contains("relp_error") })
        // The next one is served.
        let fine = RawClient.relp(lanes)
        fine.send(RELP.frame(2, "syslog", "<34>fine"))
        #expect(lanes.serve { lanes.texts == ["<34>fine"] })
        lanes.finish()
    }

    @Test func aLongMessageIsCutMarkedAndAnswered() throws {
        let lanes = try HandLanes([.test(.relp) { $0.maxMessageBytes = 480 }])
        let client = RawClient.relp(lanes)
        client.send(
            RELP.frame(2, "syslog", "<34>" + String(repeating: "x", count: 5000)) + RELP.frame(3, "syslog", "<34>y\n"))
        #expect(lanes.serve { lanes.frames.count == 2 })
        #expect(lanes.frames.map(\.frame.isCut) == [true, false])
        #expect(lanes.frames.first?.bytes.count == 480 && lanes.texts.last == "<34>y")
        lanes.acknowledge(2)
        #expect(lanes.serve { client.acknowledged == [2, 3] })
        lanes.finish()
        #expect(lanes.dropped("oversize") == 1)
    }

    /// Unfinished messages of RELP count like those of plain streams.
    @Test func unfinishedMessagesAreBoundedOverAllConnections() throws {
        let lanes = try HandLanes([.test(.relp)], limits: ReceiveLimits(coalescing: 0, held: 64 << 10))
        let half = "2 syslog 60000 <34>" + String(repeating: "h", count: 40_000)
        let clients = (0..<4).map { _ in RawClient.relp(lanes) }
        let small = RawClient.relp(lanes)
        small.send("2 syslog 100 <34>small")
        lanes.serve(milliseconds: 20)
        for client in clients {
            client.send(half)
            lanes.serve(milliseconds: 20)
        }
        #expect(lanes.serve { clients.contains { $0.hasEnded } })
        #expect(lanes.dropped("memory_limit") >= 1)
        #expect(!small.hasEnded, "who holds little stays")
        lanes.finish()
    }

    @Test func anyBytesAtAll() throws {
        let lanes = try HandLanes([.test(.relp) { $0.maxMessageBytes = 600 }])
        var random = Splitmix(state: 5)
        let valid = Array(
            (RELP.open + (2..<12).map { RELP.frame($0, "syslog", "<34>m\($0)") }.joined() + RELP.frame(12, "close"))
                .utf8)
        for _ in 0..<150 {
            var bytes = valid
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch random.next() % 3 {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.remove(at: place)
                default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
                }
            }
            let client = RawClient(lanes.port())
            client.send(bytes)
            lanes.poll()
            lanes.poll()
            lanes.acknowledge(lanes.next[0])
            client.close()
        }
        #expect(lanes.frames.allSatisfy { $0.bytes.count <= 600 })
        let connections = lanes.registry.gauge("penstock_connections", ["listener": "test"], help: "")
        #expect(lanes.serve { connections.current == 0 })
        let fine = RawClient.relp(lanes)
        fine.send(RELP.frame(2, "syslog", "<34>fine"))
        #expect(lanes.serve { lanes.texts.last == "<34>fine" })
        lanes.finish()
    }

    @Test func insideTLSFramesCarryTheCertificate() throws {
        let service = try Service([.test(.relp, tls: Certificates.tls(.required))])
        let python = Program.python(
            service.port(),
            #"""
            s = tls(None, good)
            s.sendall(b"1 open 30 relp_version=0\ncommands=syslog\n")
            data = b""
            while not data.endswith(b"\n"): data += s.recv(4096)
            assert b"200 OK" in data, data
            def frame(n, d): return b"%d syslog %d %s\n" % (n, len(d), d)
            s.sendall(b"".join(frame(n, b"<34>secret %d" % n) for n in range(2, 5002)))
            data = b""
            while data.count(b" rsp ") < 5000: data += s.recv(65536)
            numbers = [int(l.split()[0]) for l in data.split(b"\n") if b" rsp " in l]
            assert numbers == list(range(2, 5002)), numbers[:5]
            s.sendall(b"5002 close 0\n")
            while s.recv(4096): pass
            """#)
        let result = python.finish()
        #expect(result.status == 0, Comment(rawValue: result.output))
        service.stop()
        #expect(service.frames.map(\.text) == (2..<5002).map { "<34>secret \($0)" })
        #expect(
            service.frames.allSatisfy {
                $0.frame.transport == .relp && $0.origin?.subject == "CN=penstock-client,O=Penstock development"
            })
    }
}

/// Repeatable random numbers.
struct Splitmix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &+ 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
