// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Transport
import Wire

/// One port on several sockets, and one sender with one source port.
@Suite(.timeLimit(.minutes(4))) struct UDPSpreadTests {
    private struct Group {
        let sockets: [UDPSocket]
        let sender: DatagramSender
        let arena = DatagramArena(slots: 64, largest: 512)
        let payload = [UInt8](repeating: 65, count: 100)

        init(_ count: Int) throws {
            let first = try UDPSocket(bind: SocketAddress("127.0.0.1:0"), shared: true, receiveBuffer: 1 << 20)
            sockets =
                try [first]
                + (1..<count).map { _ in try UDPSocket(bind: first.address, shared: true, receiveBuffer: 1 << 20) }
            sender = try DatagramSender(to: "127.0.0.1", port: first.address.port)
        }

        /// What each socket got since the last look. Over loopback a datagram is queued when send(2) returns.
        func drain() -> [Int] {
            sockets.map { socket in
                var count = 0
                while case .datagrams(let some) = socket.receive(into: arena) { count += some }
                return count
            }
        }

        func send(_ count: Int) throws { for _ in 0..<count { try sender.send(payload.span.bytes) } }
    }

    @Test func theHashKeepsASenderAtOneSocket() throws {
        let group = try Group(4)
        try group.send(400)
        #expect(group.drain().sorted() == [0, 0, 0, 400])
        // Going back to the hash without a program is no error.
        try group.sockets[2].spread(.kernel)
        try group.send(100)
        #expect(group.drain().sorted() == [0, 0, 0, 100])
    }

    @Test func aRandomSpreadServesOneSenderByAll() throws {
        let group = try Group(4)
        try group.sockets[0].spread(.random(sockets: 4))
        var counts = [0, 0, 0, 0]
        for _ in 0..<10 {
            try group.send(400)
            for (index, count) in group.drain().enumerated() { counts[index] += count }
        }
        #expect(counts.reduce(0, +) == 4000)
        // A quarter each; the standard deviation is 27, so nine of them never happen by chance.
        for count in counts { #expect(abs(count - 1000) < 250, "\(counts)") }
        try group.sockets[3].spread(.random(sockets: 2))
        try group.send(400)
        let halves = group.drain()
        #expect(halves[0] > 100 && halves[1] > 100 && halves[2] == 0 && halves[3] == 0, "\(halves)")
    }

    @Test func inCalmTimesOnlyTheFirstIsWoken() throws {
        let group = try Group(3)
        try group.sockets[1].spread(.single)
        for _ in 0..<20 {
            // A fresh source port each time: no hash explains it.
            let sender = try DatagramSender(to: "127.0.0.1", port: group.sockets[0].address.port)
            try sender.send(group.payload.span.bytes)
        }
        #expect(group.drain() == [20, 0, 0])
        try group.sockets[0].spread(.kernel)
        for _ in 0..<60 {
            let sender = try DatagramSender(to: "127.0.0.1", port: group.sockets[0].address.port)
            try sender.send(group.payload.span.bytes)
        }
        let counts = group.drain()
        #expect(counts.reduce(0, +) == 60 && counts.filter { $0 > 0 }.count > 1, "\(counts)")
    }

    @Test func switchingUnderLoadLosesNothing() throws {
        let group = try Group(4)
        let sent = 20_000
        let flood = Program.python(
            """
            import socket, sys, time
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind(("127.0.0.1", 0))
            for n in range(int(sys.argv[2])):
                s.sendto(b"%d" % n, ("127.0.0.1", int(sys.argv[1])))
                # So that what waits while this test has no processor is less than a buffer.
                if n % 50 == 49: time.sleep(0.002)
            """, ["\(group.sockets[0].address.port)", "\(sent)"])
        let modes: [UDPSocket.Spread] = [.single, .random(sockets: 4), .kernel, .random(sockets: 2)]
        var counts = [0, 0, 0, 0]
        var turn = 0
        let end = ContinuousClock.now + .seconds(60)
        while counts.reduce(0, +) < sent, ContinuousClock.now < end {
            try group.sockets[turn % 4].spread(modes[turn % modes.count])
            turn += 1
            for (index, count) in group.drain().enumerated() { counts[index] += count }
            usleep(200)
        }
        #expect(flood.finish().status == 0)
        for (index, count) in group.drain().enumerated() { counts[index] += count }
        for socket in group.sockets { socket.refreshKernelDrops() }
        #expect(group.sockets.map(\.kernelDrops) == [0, 0, 0, 0])
        #expect(counts.reduce(0, +) == sent, "\(counts) in \(turn) switches")
        #expect(counts.allSatisfy { $0 > 0 } && turn > 20, "\(counts) in \(turn) switches")
    }

    @Test func aSocketOfItsOwnCannotBeSpread() throws {
        let alone = try UDPSocket(bind: SocketAddress("127.0.0.1:0"))
        let error = #expect(throws: TransportError.self) { try alone.spread(.single) }
        #expect(error?.description.contains("shared port") == true)
        let shared = try UDPSocket(bind: SocketAddress("127.0.0.1:0"), shared: true)
        #expect(throws: TransportError.self) { try shared.spread(.random(sockets: 0)) }
    }

    @Test func consecutiveDatagramsOfOneSenderAreMarked() throws {
        let socket = try UDPSocket(bind: SocketAddress("127.0.0.1:0"))
        let one = try DatagramSender(to: "127.0.0.1", port: socket.address.port)
        let other = try DatagramSender(to: "127.0.0.1", port: socket.address.port)
        for sender in [one, one, other, other, one] { try sender.send([UInt8]("x".utf8).span.bytes) }
        let arena = DatagramArena(slots: 8, largest: 512)
        guard case .datagrams(5) = socket.receive(into: arena) else {
            Issue.record("not five datagrams")
            return
        }
        #expect((0..<5).map { arena.hasSamePeerAsBefore($0) } == [false, true, false, true, false])
        #expect(arena.peer(0) == arena.peer(4) && arena.peer(0) != arena.peer(2))
    }
}
