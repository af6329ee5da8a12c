// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Glibc
import Receivers
import Testing
import Transport
import Wire

/// How lanes share datagrams, what they do while the journal takes nothing, and what they hold.
@Suite(.timeLimit(.minutes(4))) struct LaneTests {
    /// Sends datagrams to a port from one socket, which is one sender.
    private struct Sender {
        private let client: DatagramSender
        private(set) var sent = 0
        init(_ lanes: HandLanes) throws { client = try DatagramSender(to: "127.0.0.1", port: lanes.port()) }

        mutating func send(_ count: Int) throws {
            for _ in 0..<count {
                try client.send(Array("<34>\(sent)".utf8).span.bytes)
                sent += 1
            }
        }
    }

    private func active(_ lanes: HandLanes) -> Int64 {
        lanes.registry.gauge("penstock_datagram_lanes", help: "").current
    }

    @Test func oneLaneUntilItIsOverloadedThenMoreThenOneAgain() throws {
        let lanes = try HandLanes([.test(.udp) { $0.receiveBuffer = 1 << 20 }], lanes: 2)
        guard !lanes.log.all.contains(where: { $0.contains("no program that spreads") }) else {
            withKnownIssue("this kernel takes no program on SO_REUSEPORT sockets") { Issue.record("not spread") }
            return
        }
        var sender = try Sender(lanes)
        #expect(active(lanes) == 1)
        // With pauses between them, all datagrams are one lane's. (A busy machine may take more than a pause away.)
        var ofLanes: Set<Int> = []
        for _ in 0..<3 where ofLanes.count != 1 {
            #expect(lanes.serve { active(lanes) == 1 })
            let start = lanes.frames.count
            for _ in 0..<5 {
                lanes.poll(0, timeout: 1)
                try sender.send(5)
                lanes.serve { lanes.frames.count == sender.sent }
            }
            #expect(lanes.frames.count == start + 25)
            ofLanes = Set(lanes.frames.dropFirst(start).map(\.lane))
        }
        #expect(ofLanes.count == 1)
        // A lane that never has a pause is overloaded.
        let end = ContinuousClock.now + .seconds(30)
        while active(lanes) == 1, ContinuousClock.now < end {
            try sender.send(40)
            lanes.poll(0, timeout: 0)
        }
        #expect(active(lanes) == 2)
        lanes.serve(seconds: 2) { lanes.frames.count == sender.sent }
        let before = lanes.frames.count
        try sender.send(400)
        #expect(lanes.serve { lanes.frames.count == before + 400 })
        let shares = Dictionary(grouping: lanes.frames.dropFirst(before), by: \.lane).mapValues(\.count)
        #expect(shares.count == 2 && shares.values.allSatisfy { $0 > 100 }, "one sender is shared out: \(shares)")
        // Calm for three seconds: the second lane leaves.
        #expect(lanes.serve { active(lanes) == 1 })
        let last = lanes.frames.count
        try sender.send(200)
        #expect(lanes.serve { lanes.frames.count == last + 200 })
        #expect(Set(lanes.frames.dropFirst(last).map(\.lane)).count == 1)
        lanes.finish()
    }

    /// A hiccup of the machine fills the socket of a lane that takes more than what arrives: it catches up alone, and the
    /// messages stay in order. When it does not catch up, others join.
    @Test func aBacklogThatShrinksCallsNoOtherLane() throws {
        let limits = ReceiveLimits(frames: 192, coalescing: 0)
        let lanes = try HandLanes([.test(.udp) { $0.receiveBuffer = 256 << 10 }], lanes: 2, limits: limits)
        guard !lanes.log.all.contains(where: { $0.contains("no program that spreads") }) else { return }
        var sender = try Sender(lanes)
        lanes.poll(0, timeout: 1)
        // More than a quarter of the buffer, less than the brim; a datagram is booked with some 700 to 1300 bytes. Two
        // polls take it, so that it shrinks quickly also where a poll comes late.
        try sender.send(300)
        var rounds = 0
        while lanes.frames.count < sender.sent, rounds < 100 {
            try sender.send(8)
            usleep(15_000)
            lanes.poll(0, timeout: 0)
            rounds += 1
        }
        #expect(rounds >= 2 && lanes.frames.count == sender.sent)
        #expect(active(lanes) == 1)
        let isInOrder = lanes.texts == (0..<sender.sent).map { "<34>\($0)" }
        #expect(isInOrder)
        // The same backlog, and it does not shrink.
        try sender.send(300)
        let end = ContinuousClock.now + .seconds(30)
        while active(lanes) == 1, ContinuousClock.now < end {
            try sender.send(192)
            usleep(15_000)
            lanes.poll(0, timeout: 0)
        }
        #expect(active(lanes) == 2)
        lanes.finish()
    }

    /// Each lane joins its own: messages that are one event must come to one lane, however many lanes share the port.
    @Test func theMessagesOfOneISEEventReachOneLane() throws {
        let lanes = try HandLanes([.test(.udp) { $0.receiveBuffer = 1 << 20 }], lanes: 2)
        guard !lanes.log.all.contains(where: { $0.contains("no program that spreads") }) else { return }
        let client = try DatagramSender(to: "127.0.0.1", port: lanes.port())
        var sender = try Sender(lanes)
        let end = ContinuousClock.now + .seconds(30)
        while active(lanes) == 1, ContinuousClock.now < end {
            try sender.send(40)
            lanes.poll(0, timeout: 0)
        }
        #expect(active(lanes) == 2)
        func send(_ events: Range<Int>) throws {
            for event in events {
                for part in 0..<3 {
                    let id = String(repeating: "0", count: 10 - "\(event)".count) + "\(event)"
                    let text = "<181>Mar  5 14:20:30 ise-1 CISE_Passed_Authentications \(id) 3 \(part) Part=\(part),"
                    try client.send(Array(text.utf8).span.bytes)
                }
                if event % 20 == 0 { lanes.poll(0, timeout: 0); lanes.poll(1, timeout: 0) }
            }
        }
        func segments() -> [Seen] { lanes.frames.filter { $0.text.contains("CISE_") } }
        // Until the first of them was looked at, they are shared out like the rest.
        var event = 0
        let isSeen = lanes.serve(seconds: 30) {
            try? send(event..<event + 1)
            event += 1
            return lanes.registry.total("penstock_sender_spread_listeners") == 1
        }
        #expect(isSeen)
        #expect(lanes.serve { segments().count == event * 3 })
        let before = segments().count
        try send(event..<event + 300)
        #expect(lanes.serve { segments().count == before + 900 })
        // A slow machine may have ended the spread meanwhile.
        if active(lanes) == 2 { #expect(Set(segments().dropFirst(before).map(\.lane)).count == 1) }
        lanes.finish()
    }

    @Test func randomSharesOneSenderOutAtOnce() throws {
        let lanes = try HandLanes([.test(.udp) { $0.spread = .random }], lanes: 4)
        guard !lanes.log.all.contains(where: { $0.contains("no program that spreads") }) else { return }
        var sender = try Sender(lanes)
        try sender.send(400)
        #expect(lanes.serve { lanes.frames.count == 400 })
        #expect(Set(lanes.frames.map(\.lane)) == [0, 1, 2, 3])
        lanes.finish()
    }

    @Test func bySenderOneSenderIsOneLanes() throws {
        let lanes = try HandLanes([.test(.udp) { $0.spread = .sender }], lanes: 4)
        var sender = try Sender(lanes)
        try sender.send(300)
        #expect(lanes.serve { lanes.frames.count == 300 })
        #expect(Set(lanes.frames.map(\.lane)).count == 1)
        #expect(lanes.texts == (0..<300).map { "<34>\($0)" }, "and in order")
        lanes.finish()
    }

    /// While the journal's disk is full: datagrams are shed and counted, streams wait in the kernel.
    @Test func shedding() throws {
        let lanes = try HandLanes([.test(.udp, name: "u"), .test(.tcp, name: "t")])
        var sender = try Sender(lanes)
        let client = RawClient(lanes.port(1))
        client.send("<34>waits\n")
        try sender.send(70)
        let receiver = lanes.input.receivers[0]
        let end = ContinuousClock.now + .seconds(30)
        while lanes.dropped("disk_full", stage: "journal") < 70, ContinuousClock.now < end { receiver.shed() }
        #expect(lanes.dropped("disk_full", stage: "journal") == 70)
        try sender.send(1)
        #expect(lanes.serve { lanes.frames.count == 2 })
        #expect(Set(lanes.texts) == ["<34>waits", "<34>70"])
        lanes.finish()
    }

    /// Many connections with an unfinished message each: those that hold more than their share give way.
    @Test func unfinishedMessagesAreBoundedOverAllConnections() throws {
        let lanes = try HandLanes([.test(.tcp)], limits: ReceiveLimits(coalescing: 0, held: 256 << 10))
        let small = RawClient(lanes.port())
        small.send("<34>small")
        lanes.serve(milliseconds: 20)
        let clients = (0..<20).map { _ in RawClient(lanes.port()) }
        let half = Array(("<34>" + String(repeating: "h", count: 30_000)).utf8)
        for client in clients {
            client.send(half)
            lanes.poll()
            lanes.poll()
        }
        #expect(lanes.serve { lanes.dropped("memory_limit") > 0 })
        lanes.serve(milliseconds: 50)
        let ended = clients.filter(\.hasEnded).count
        #expect(ended > 0 && ended < 20)
        #expect(lanes.dropped("memory_limit") == Int64(ended))
        #expect((20 - ended) * 30_000 <= 256 << 10 + 30_000)
        // What they had sent is delivered, marked as cut: nothing is thrown away silently.
        #expect(lanes.frames.count == ended && lanes.frames.allSatisfy(\.frame.isCut))
        small.send(" but whole\n")
        #expect(lanes.serve { lanes.texts.last == "<34>small but whole" })
        lanes.finish()
    }

    @Test func aProxyThatIsTrustedNamesTheSender() throws {
        let lanes = try HandLanes([
            .test(.tcp, name: "behind") { $0.proxies = ["127.0.0.0/8"] }, .test(.tcp, name: "direct"),
        ])
        let one = RawClient(lanes.port())
        one.send("PROXY TCP4 192.0.2.7 198.51.100.1 4711 514\r\n<34>through a proxy\n")
        #expect(lanes.serve { lanes.frames.count == 1 })
        let seen = try #require(lanes.frames.first)
        #expect(seen.text == "<34>through a proxy")
        #expect(seen.frame.peer == IPAddress("192.0.2.7") && seen.frame.peerPort == 4711)
        #expect(seen.origin == Origin(proxy: IPAddress("127.0.0.1")))
        // Version 2: signature, PROXY over TCP/IPv6, 36 bytes of addresses; in two pieces.
        let two = RawClient(lanes.port())
        var header: [UInt8] = [
            0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A, 0x21, 0x21, 0, 36,
        ]
        header += [0x20, 0x01, 0x0D, 0xB8] + Array(repeating: 0, count: 11) + [9]
        header += [0x20, 0x01, 0x0D, 0xB8] + Array(repeating: 0, count: 11) + [1] + [0x12, 0x67, 0x02, 0x02]
        two.send(Array(header.prefix(20)))
        lanes.serve(milliseconds: 30)
        two.send(Array(header.dropFirst(20)) + Array("<34>six\n".utf8))
        #expect(lanes.serve { lanes.frames.count == 2 })
        #expect(lanes.frames.last?.text == "<34>six" && lanes.frames.last?.frame.peer == IPAddress("2001:db8::9"))
        #expect(lanes.frames.last?.frame.peerPort == 4711)
        // A trusted proxy must send one; from others it is only text.
        let none = RawClient(lanes.port())
        none.send("<34>no header\n")
        #expect(lanes.serve { none.hasEnded })
        #expect(lanes.dropped("proxy_header") == 1)
        let direct = RawClient(lanes.port(1))
        direct.send("PROXY TCP4 192.0.2.7 198.51.100.1 4711 514\r\n<34>mine\n")
        #expect(lanes.serve { lanes.frames.count == 4 })
        #expect(lanes.frames.suffix(2).allSatisfy { $0.frame.peer == IPAddress("127.0.0.1") && $0.origin == nil })
        #expect(lanes.texts.last == "<34>mine")
        lanes.finish()
    }

    @Test func aProxyStandsInFrontOfTLS() throws {
        let service = try Service([.test(.tls, tls: Certificates.tls(.required)) { $0.proxies = ["127.0.0.1"] }])
        let python = Program.python(
            service.port(),
            #"""
            c = ssl.create_default_context(cafile=good + "/ca.pem")
            c.load_cert_chain(good + "/client.pem", good + "/client.key")
            s = tcp()
            s.sendall(b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 6514\r\n")
            s = c.wrap_socket(s, server_hostname="localhost")
            s.sendall(b"<34>inside\n")
            end(s)
            """#)
        #expect(python.finish().status == 0)
        let frames = service.frames(1)
        service.stop()
        #expect(frames.map(\.text) == ["<34>inside"])
        #expect(frames.first?.frame.peer == IPAddress("192.0.2.7"))
        #expect(frames.first?.origin?.subject == "CN=penstock-client,O=Penstock development")
        #expect(frames.first?.origin?.proxy == IPAddress("127.0.0.1"))
    }

    /// The kernel gives peers to lanes by their ports: the limit is that of the listener, not of each lane.
    @Test func sessionsAreLimitedOverAllLanes() throws {
        let service = try Service(
            [.test(.dtls, name: "dtls", tls: Certificates.tls()) { $0.maxConnections = 2 }], lanes: 4)
        var clients: [Program] = []
        for number in 0..<8 {
            clients.append(
                Program(
                    "/bin/bash",
                    [
                        "-c",
                        """
                        (sleep 0.2; printf '<34>\(number)'; sleep 6) | timeout -s KILL 6 openssl s_client -dtls -quiet \
                        -connect 127.0.0.1:\(service.port()) -CAfile \(Certificates.good)/ca.pem
                        """,
                    ]))
            usleep(500_000)
        }
        #expect(service.wait { $0.frames.count == 2 && $0.dropped("connection_limit") > 0 })
        #expect(service.connections("dtls") == 2)
        for client in clients { client.finish() }
        service.stop()
    }

    @Test func openSSLsDTLSClientIsServed() throws {
        let service = try Service([.test(.dtls, name: "dtls", tls: Certificates.tls(.required))])
        let good = Certificates.good
        let first = "<34>1 - - - - - - over DTLS"
        let second = "<34>two in one record"
        let client = Program(
            "/bin/bash",
            [
                "-c",
                """
                (sleep 1; printf '%s' '\(first.utf8.count) \(first)\(second.utf8.count) \(second)'; sleep 1; \
                printf '<34>bare\\n'; sleep 1) | timeout 10 openssl s_client -dtls -quiet -no_ign_eof -connect \
                127.0.0.1:\(service.port()) -CAfile \(good)/ca.pem -cert \(good)/client.pem -key \(good)/client.key
                """,
            ])
        let frames = service.frames(3)
        client.finish()
        service.stop()
        #expect(frames.map(\.text) == [first, second, "<34>bare"])
        #expect(frames.allSatisfy { $0.frame.transport == .dtls && $0.frame.peer == IPAddress("127.0.0.1") })
        #expect(frames.allSatisfy { $0.origin?.subject == "CN=penstock-client,O=Penstock development" })
    }
}
