// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Transport
import Wire

/// What strangers, and networks that lose and repeat, must not achieve.
@Suite(.timeLimit(.minutes(2))) struct DTLSHardeningTests {
    private static let local = IPAddress(v4: 0x7F00_0001)

    /// Begins `count` handshakes, each from a port of its own, that stop after the server's first flight.
    private func beginHandshakes(_ count: Int, _ harness: DTLSHarness) throws -> [UDPSocket] {
        let template = try HelloTemplate()
        let arena = DatagramArena(slots: 4, largest: 2048)
        return try (0..<count).map { number in
            let socket = try UDPSocket(bind: SocketAddress("127.0.0.1:0"))
            harness.take(template.hello(number).span.bytes, from: socket.address)
            let answer = Relay.receive(socket, arena).first?.0 ?? []
            let cookie = try #require(HelloTemplate.cookie(answer))
            harness.take(template.hello(number, cookie: cookie).span.bytes, from: socket.address)
            return socket
        }
    }

    @Test func halfHandshakesAreBoundedAndEnd() throws {
        let limits = DTLSLimits(sessionsPerAddress: 5000, handshakes: 100, handshakesPerAddress: 100)
        let harness = try DTLSHarness(DTLSContext(dtlsSettings()), limits: limits)
        let sockets = try beginHandshakes(1000, harness)
        var statistics = harness.endpoint.statistics
        #expect(statistics.verifyRequests == 1000 && statistics.sessions == 0 && statistics.handshaking == 100)
        #expect(statistics.refused(.handshakes) == 900 && harness.notices.count == 900)
        // The server's flight did go out, and is repeated.
        let arena = DatagramArena(slots: 32, largest: 2048)
        #expect(Relay.receive(sockets[0], arena).count > 0)
        usleep(1_100_000)
        harness.endpoint.tick(now: harness.now)
        #expect(Relay.receive(sockets[0], arena).count > 0)
        harness.skew += 31_000
        harness.endpoint.tick(now: harness.now)
        statistics = harness.endpoint.statistics
        #expect(statistics.handshaking == 0 && statistics.refused(.handshakeTime) == 100)
        // The places are free again.
        let client = dtlsClient(harness.port, input: "x")
        #expect(harness.serve { harness.endpoint.statistics.closed == 1 })
        client.finish()
        #expect(harness.messages.map(\.text) == ["x"])
    }

    @Test func oneAddressLeavesRoomForTheHandshakesOfOthers() throws {
        let harness = try DTLSHarness(
            DTLSContext(dtlsSettings()), limits: DTLSLimits(sessionsPerAddress: 1000, handshakes: 40),
            bind: "0.0.0.0:0")
        let template = try HelloTemplate()
        let arena = DatagramArena(slots: 4, largest: 2048)
        // All stay open: a port that is free again could come a second time.
        var sockets: [UDPSocket] = []
        func begin(_ address: String, _ number: Int) throws {
            let socket = try UDPSocket(bind: SocketAddress(address + ":0"))
            sockets.append(socket)
            harness.take(template.hello(number).span.bytes, from: socket.address)
            let cookie = try #require(HelloTemplate.cookie(Relay.receive(socket, arena).first?.0 ?? []))
            harness.take(template.hello(number, cookie: cookie).span.bytes, from: socket.address)
        }
        for number in 0..<60 { try begin("127.0.0.1", number) }
        let taken = harness.endpoint.statistics.handshaking
        #expect(taken == 10 && harness.endpoint.statistics.refused(.handshakes) == 50)
        try begin("127.0.0.2", 100)
        #expect(harness.endpoint.statistics.handshaking == taken + 1)
    }

    @Test func oneAddressHasItsShareOnly() throws {
        let harness = try DTLSHarness(DTLSContext(dtlsSettings()), limits: DTLSLimits(sessionsPerAddress: 5))
        _ = try beginHandshakes(20, harness)
        #expect(harness.endpoint.statistics.handshaking == 5)
        #expect(harness.endpoint.statistics.refused(.sessionsPerAddress) == 15)
        let all = try DTLSHarness(DTLSContext(dtlsSettings()), limits: DTLSLimits(sessions: 7))
        _ = try beginHandshakes(20, all)
        #expect(all.endpoint.statistics.handshaking == 7 && all.endpoint.statistics.refused(.sessions) == 13)
    }

    @Test func aPeerCannotStartOverForEver() throws {
        let harness = try DTLSHarness(DTLSContext(dtlsSettings()))
        let socket = try #require(try beginHandshakes(1, harness).first)
        let template = try HelloTemplate()
        let arena = DatagramArena(slots: 32, largest: 2048)
        func starts(_ number: Int) throws -> Bool {
            _ = Relay.receive(socket, arena)
            harness.take(template.hello(number).span.bytes, from: socket.address)
            let cookie = try #require(HelloTemplate.cookie(Relay.receive(socket, arena).first?.0 ?? []))
            harness.take(template.hello(number, cookie: cookie).span.bytes, from: socket.address)
            return !Relay.receive(socket, arena).isEmpty
        }
        #expect(try (1...5).map { try starts($0) } == [true, true, true, false, false])
        #expect(harness.endpoint.statistics.refused(.handshakes) == 2 && harness.endpoint.statistics.handshaking == 1)
        harness.skew += 30_000
        harness.endpoint.tick(now: harness.now)
        #expect(try starts(6))
    }

    @Test func aSpoofedAddressCostsNoMemory() throws {
        let harness = try DTLSHarness(DTLSContext(dtlsSettings()))
        let template = try HelloTemplate()
        let answers = try UDPSocket(bind: SocketAddress("127.0.0.1:0"))
        let hello = template.hello(1)
        harness.take(hello.span.bytes, from: answers.address)
        let answer = try #require(Relay.receive(answers, DatagramArena(slots: 4, largest: 512)).first?.0)
        #expect(answer.count < hello.count, "nothing to amplify with")
        let cookie = try #require(HelloTemplate.cookie(answer))
        // One peer's cookie is worth nothing to another, nor for another hello, nor changed, nor cut.
        let other = SocketAddress(Self.local, port: answers.address.port ^ 1)
        harness.take(template.hello(1, cookie: cookie).span.bytes, from: other)
        harness.take(template.hello(2, cookie: cookie).span.bytes, from: answers.address)
        for index in cookie.indices {
            var changed = cookie
            changed[index] ^= 1
            harness.take(template.hello(1, cookie: changed).span.bytes, from: answers.address)
        }
        harness.take(template.hello(1, cookie: cookie.dropLast()).span.bytes, from: answers.address)
        let statistics = harness.endpoint.statistics
        #expect(statistics.verifyRequests == 1 + 3 + cookie.count && statistics.handshaking == 0)
        // It counts across one change of the secret, not across two.
        harness.skew += 301_000
        harness.endpoint.tick(now: harness.now)
        harness.take(template.hello(1, cookie: cookie).span.bytes, from: answers.address)
        #expect(harness.endpoint.statistics.handshaking == 1)
        harness.skew += 31_000
        harness.endpoint.tick(now: harness.now)
        harness.skew += 301_000
        harness.endpoint.tick(now: harness.now)
        harness.take(template.hello(1, cookie: cookie).span.bytes, from: answers.address)
        #expect(harness.endpoint.statistics.handshaking == 0)
    }

    @Test func garbageIsCountedAndForgotten() throws {
        let harness = try DTLSHarness(DTLSContext(dtlsSettings()))
        var random = Mutator(seed: 41)
        let count = 20_000
        for number in 0..<count {
            var bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            // Half of them look like a record, some of those like a ClientHello.
            if number % 2 == 0, bytes.count > 30 {
                bytes.replaceSubrange(0..<3, with: [UInt8(20 + number / 2 % 4), 0xFE, 0xFD])
                if number % 4 == 0 { bytes.replaceSubrange(3..<5, with: [0, 0]) }
                if number % 12 == 4 { bytes.replaceSubrange(11..<14, with: [0, UInt8(bytes.count - 13), 1]) }
            }
            harness.take(bytes.span.bytes, from: SocketAddress(Self.local, port: UInt16(1024 + number % 60_000)))
        }
        let statistics = harness.endpoint.statistics
        #expect(statistics.datagrams == count && statistics.sessions == 0 && statistics.handshaking == 0)
        let refused = statistics.refused(.notDTLS) + statistics.refused(.noSession) + statistics.verifyRequests
        #expect(refused == count && statistics.refused(.noSession) > 1000)
        #expect(harness.notices.isEmpty, "nothing for the log: the senders are made up")
    }

    @Test func aPeerThatStartsAgainGetsInAndASpoofedOneDoesNot() throws {
        let harness = try DTLSHarness(DTLSContext(dtlsSettings()))
        let relay = try Relay(to: harness.socket.address)
        harness.turn = { relay.pump() }
        let template = try HelloTemplate()
        let first = try LongClient(relay.front.address.port)
        try first.send("first")
        #expect(harness.serve { harness.messages.count == 1 })
        // Somebody who cannot receive at the peer's address.
        harness.take(template.hello(1).span.bytes, from: relay.back.address)
        harness.take(template.hello(1, cookie: [UInt8](repeating: 7, count: 32)).span.bytes, from: relay.back.address)
        #expect(harness.endpoint.statistics.handshaking == 0)
        // Somebody who can, and who stops after the cookie.
        var seen: [UInt8]?
        relay.toClient = {
            seen = seen ?? HelloTemplate.cookie($0); return []
        }
        harness.take(template.hello(2).span.bytes, from: relay.back.address)
        #expect(harness.serve { seen != nil })
        // The two answers before it may have come first.
        for _ in 0..<3 where harness.endpoint.statistics.handshaking == 0 {
            harness.take(template.hello(2, cookie: seen ?? []).span.bytes, from: relay.back.address)
            seen = nil
            harness.take(template.hello(2).span.bytes, from: relay.back.address)
            harness.serve { seen != nil }
        }
        #expect(harness.endpoint.statistics.handshaking == 1)
        relay.toClient = { [$0] }
        // The live session goes on beside the handshake that leads nowhere.
        try first.send("second")
        #expect(harness.serve { harness.messages.count == 2 })
        #expect(harness.endpoint.statistics.sessions == 1 && harness.endpoint.statistics.replaced == 0)
        first.kill()
        // The same address and port, a new session.
        let second = dtlsClient(relay.front.address.port, input: "third")
        #expect(harness.serve { harness.endpoint.statistics.closed == 1 })
        second.finish()
        #expect(harness.messages.map(\.text) == ["first", "second", "third"])
        let statistics = harness.endpoint.statistics
        #expect(statistics.replaced == 1 && statistics.sessions == 0 && statistics.handshaking == 0)
        // All places were given back: one address may have 64 sessions.
        for _ in 0..<70 {
            harness.take(template.hello(3).span.bytes, from: relay.back.address)
        }
        #expect(harness.endpoint.statistics.refused(.sessionsPerAddress) == 0)
    }

    @Test(arguments: 0..<6) func lostDatagramsAreMadeUpFor(_ lost: Int) throws {
        let harness = try DTLSHarness(DTLSContext(dtlsSettings(.required)))
        let relay = try Relay(to: harness.socket.address)
        harness.turn = { relay.pump() }
        var count = 0
        // The first three of either side: hello, flight, end of the handshake.
        let drop: ([UInt8]) -> [[UInt8]] = { datagram in
            count += 1
            return count == lost % 3 + 2 ? [] : [datagram]
        }
        if lost < 3 { relay.toServer = drop } else { relay.toClient = drop }
        let good = ["-cert", Certificates.good + "/client.pem", "-key", Certificates.good + "/client.key"]
        let client = try LongClient(relay.front.address.port, good)
        #expect(harness.serve { harness.endpoint.statistics.sessions == 1 })
        // Data is not repeated, so it comes when nothing is lost any more.
        relay.toServer = { [$0] }
        relay.toClient = { [$0] }
        harness.serve(seconds: 1.2) { false }
        try client.send("made it")
        #expect(harness.serve { harness.messages.map(\.text) == ["made it"] })
        try client.endInput()
        #expect(harness.serve { harness.endpoint.statistics.closed == 1 })
        _ = client.finish()
    }

    @Test func joinedRepeatedAndForgedDatagrams() throws {
        let harness = try DTLSHarness(DTLSContext(dtlsSettings()))
        let relay = try Relay(to: harness.socket.address)
        harness.turn = { relay.pump() }
        let client = try LongClient(relay.front.address.port)
        try client.send("one")
        #expect(harness.serve { harness.messages.count == 1 })
        var held: [[UInt8]] = []
        relay.toServer = {
            held.append($0); return []
        }
        for text in ["two", "three"] {
            try client.send(text)
            let before = held.count
            #expect(harness.serve { held.count > before })
        }
        var random = Mutator(seed: 77)
        for _ in 0..<2000 {
            var forged = held[0]
            // Never the version or the type alone: what stays a record of this session must not get through.
            let place = Int.random(in: 3..<forged.count, using: &random)
            forged[place] ^= UInt8(1 << Int.random(in: 0..<8, using: &random))
            if Bool.random(using: &random) { forged.removeLast(Int.random(in: 0..<forged.count, using: &random)) }
            harness.take(forged.span.bytes, from: relay.back.address)
        }
        #expect(harness.messages.count == 1 && harness.endpoint.statistics.sessions == 1)
        // Two records in one datagram are two messages; a copy of them is none.
        let joined = held[0] + held[1]
        harness.take(joined.span.bytes, from: relay.back.address)
        harness.take(joined.span.bytes, from: relay.back.address)
        #expect(harness.messages.map(\.text) == ["one", "two", "three"])
        relay.toServer = { [$0] }
        try client.endInput()
        #expect(harness.serve { harness.endpoint.statistics.closed == 1 })
        _ = client.finish()
    }

    @Test func mutatedHandshakesNeverCrash() throws {
        let settings = dtlsSettings(.optional)
        let good = ["-cert", Certificates.good + "/client.pem", "-key", Certificates.good + "/client.key"]
        let recorded = try DTLSHarness(DTLSContext(settings))
        let client = dtlsClient(recorded.port, good, input: "x")
        #expect(recorded.serve { recorded.endpoint.statistics.closed == 1 })
        client.finish()
        let flight = Array(recorded.arrivals.dropFirst(2))
        #expect(flight.count >= 2)
        let template = try HelloTemplate()
        let harness = try DTLSHarness(DTLSContext(settings), limits: DTLSLimits(handshakeBytes: 8192))
        let socket = try UDPSocket(bind: SocketAddress("127.0.0.1:0"), receiveBuffer: 1 << 20)
        let arena = DatagramArena(slots: 32, largest: 2048)
        var random = Mutator(seed: 5)
        let end = ContinuousClock.now + .seconds(10)
        var round = 0
        while round < 600, ContinuousClock.now < end {
            round += 1
            _ = Relay.receive(socket, arena)
            harness.take(template.hello(round).span.bytes, from: socket.address)
            let cookie = HelloTemplate.cookie(Relay.receive(socket, arena).first?.0 ?? []) ?? []
            var hello = template.hello(round, cookie: cookie)
            // Behind the cookie everything may be broken: it is the first that OpenSSL reads.
            if round % 2 == 0 { mutate(&hello, from: 61 + cookie.count, &random) }
            harness.take(hello.span.bytes, from: socket.address)
            for datagram in flight {
                var datagram = datagram
                if round % 3 != 0 { mutate(&datagram, from: 3, &random) }
                harness.take(datagram.span.bytes, from: socket.address)
            }
        }
        let statistics = harness.endpoint.statistics
        #expect(round > 50 && statistics.verifyRequests >= round && statistics.sessions == 0)
        #expect(statistics.handshaking <= 1 && statistics.refused(.handshake) > round / 10)
    }

    private func mutate(_ bytes: inout [UInt8], from start: Int, _ random: inout Mutator) {
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            guard bytes.count > start else { return }
            let place = Int.random(in: start..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[place] ^= UInt8(1 << Int.random(in: 0..<8, using: &random))
            case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes.remove(at: place)
            default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
            }
        }
    }

    @Test func tooManyHandshakeBytesEndIt() throws {
        let harness = try DTLSHarness(DTLSContext(dtlsSettings()), limits: DTLSLimits(handshakeBytes: 4096))
        let socket = try #require(try beginHandshakes(1, harness).first)
        // Fragments of a certificate message that never ends.
        let fragment: [UInt8] =
            [22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 112, 11, 0, 0x40, 0, 0, 2, 0, 0, 0, 0, 0, 100]
            + [UInt8](repeating: 0, count: 100)
        for _ in 0..<100 { harness.take(fragment.span.bytes, from: socket.address) }
        let statistics = harness.endpoint.statistics
        #expect(
            statistics.handshaking == 0 && statistics.refused(.handshakeBytes) + statistics.refused(.handshake) == 1)
        #expect(statistics.refused(.noSession) > 50)
    }
}
