// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Transport
import Wire

@Suite(.timeLimit(.minutes(4))) struct UDPSocketTests {
    static let loopback = IPAddress(v4: 0x7F00_0001)

    /// Receives until `count` datagrams came or a second passed in silence.
    private func collect(_ socket: UDPSocket, _ arena: DatagramArena, _ count: Int) throws -> [(Int, Int, UInt8?)] {
        let loop = try EventLoop()
        _ = try loop.add(socket.raw, tag: 0, .readable)
        var all: [(Int, Int, UInt8?)] = []
        var events: [EventLoop.Event] = []
        while all.count < count {
            events.removeAll()
            loop.wait(milliseconds: 1000, into: &events)
            guard !events.isEmpty, case .datagrams(let filled) = socket.receive(into: arena) else { break }
            for slot in 0..<filled {
                let bytes = arena.bytes(slot)
                all.append((bytes.byteCount, arena.wireLength(slot), bytes.byte(at: 0)))
                #expect(arena.peer(slot)?.ip == UDPSocketTests.loopback)
            }
        }
        return all
    }

    @Test func receivesBatchesAndTellsWhatWasCut() throws {
        let socket = try UDPSocket(bind: SocketAddress("127.0.0.1:0"))
        let arena = DatagramArena(slots: 8, largest: 1000)
        let python = Program.python(
            """
            import socket, sys
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            for n in (0, 1, 1000, 5000, 65507): s.sendto(b"x" * n, ("127.0.0.1", int(sys.argv[1])))
            """, ["\(socket.address.port)"])
        let all = try collect(socket, arena, 5)
        #expect(python.finish().status == 0)
        #expect(all.map(\.1) == [0, 1, 1000, 5000, 65507])
        #expect(all.map(\.0) == [0, 1, 1000, arena.slotBytes, arena.slotBytes])
        #expect(all.map(\.2) == [nil, 120, 120, 120, 120])
        guard case .wouldBlock = socket.receive(into: arena) else {
            Issue.record("the socket is not empty")
            return
        }
    }

    @Test func countsWhatTheKernelDropped() throws {
        let socket = try UDPSocket(bind: SocketAddress("127.0.0.1:0"), receiveBuffer: 16_384)
        #expect(socket.receiveBuffer >= 1024 && socket.receiveBuffer <= 65_536)
        let sent = 500
        let sender = try DatagramSender(to: "127.0.0.1", port: socket.address.port)
        let payload = [UInt8](repeating: 65, count: 1000)
        for _ in 0..<sent { try sender.send(payload.span.bytes) }
        #expect(socket.kernelDrops == 0)
        socket.refreshKernelDrops()
        let silent = socket.kernelDrops
        #expect(silent > 0, "the kernel's count is known although nothing was received")
        let received = try collect(socket, DatagramArena(slots: 32, largest: 2048), sent).count
        #expect(received + socket.kernelDrops == sent)
        try sender.send(payload.span.bytes)
        #expect(try collect(socket, DatagramArena(slots: 32, largest: 2048), 1).count == 1)
        #expect(received + socket.kernelDrops == sent, "SO_RXQ_OVFL and SO_MEMINFO are one count, not two")
    }

    @Test func grantsTheBufferThatWasAskedFor() throws {
        let socket = try UDPSocket(bind: SocketAddress("[::1]:0"), receiveBuffer: 1 << 20)
        #expect(socket.receiveBuffer > 0)
        #expect(socket.address.ip == IPAddress("::1") && socket.address.port != 0)
    }

    @Test func aPortCanBeSharedOnlyByThoseWhoSaySo() throws {
        let first = try UDPSocket(bind: SocketAddress("127.0.0.1:0"), shared: true)
        _ = try UDPSocket(bind: first.address, shared: true)
        let error = #expect(throws: TransportError.self) { try UDPSocket(bind: first.address) }
        #expect(error?.code == .busy)
        #expect(error?.description.contains("\(first.address)") == true)
        let foreign = #expect(throws: TransportError.self) { try UDPSocket(bind: SocketAddress("192.0.2.1:5514")) }
        #expect(foreign?.code == .address)
    }

    @Test func oneSocketTakesBothFamilies() throws {
        let socket = try UDPSocket(bind: SocketAddress("[::]:0"))
        let sender = try DatagramSender(to: "127.0.0.1", port: socket.address.port)
        try sender.send([UInt8]("hello".utf8).span.bytes)
        #expect(try collect(socket, DatagramArena(largest: 2048), 1).count == 1)
    }

    @Test func sendersHearOfClosedPortsAndOfTooMuch() throws {
        let port = try UDPSocket(bind: SocketAddress("127.0.0.1:0")).address.port
        let sender = try DatagramSender(to: "localhost", port: port)
        let large = [UInt8](repeating: 0, count: 70_000)
        #expect(throws: TransportError.self) { try sender.send(large.span.bytes) }
        let small = [UInt8](repeating: 0, count: 7)
        let error = #expect(throws: TransportError.self) {
            for _ in 0..<50 {
                try sender.send(small.span.bytes)
                usleep(1000)
            }
        }
        #expect(error?.code == .refused)
    }
}
