// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import Transport
import Wire

@Suite(.timeLimit(.minutes(4))) struct EventLoopTests {
    @Test func anotherThreadWakesIt() throws {
        let loop = try EventLoop()
        var events: [EventLoop.Event] = []
        #expect(!loop.wait(milliseconds: 0, into: &events))
        let waker = loop.waker
        let thread = Thread {
            usleep(50_000); waker.wake()
        }
        thread.start()
        let start = ContinuousClock.now
        #expect(loop.wait(milliseconds: 10_000, into: &events))
        #expect(start.duration(to: .now) < .seconds(5))
        #expect(events.isEmpty)
        #expect(!loop.wait(milliseconds: 0, into: &events), "one wake-up wakes once")
        waker.wake()
        waker.wake()
        #expect(loop.wait(milliseconds: 10_000, into: &events), "a wake-up before the wait counts")
    }

    @Test func whatIsNotReadIsReportedAgain() throws {
        let loop = try EventLoop()
        let socket = try UDPSocket(bind: SocketAddress("127.0.0.1:0"))
        let token = try loop.add(socket.raw, tag: 7, .readable)
        let sender = try DatagramSender(to: "127.0.0.1", port: socket.address.port)
        try sender.send([UInt8](repeating: 1, count: 3).span.bytes)
        for _ in 0..<3 {
            var events: [EventLoop.Event] = []
            loop.wait(milliseconds: 1000, into: &events)
            #expect(events.map(\.token) == [token])
            #expect(events.first?.interest == .readable)
            #expect(token.tag == 7)
        }
        loop.change(socket.raw, token, to: [])
        var events: [EventLoop.Event] = []
        loop.wait(milliseconds: 20, into: &events)
        #expect(events.isEmpty, "no interest, no event")
        loop.remove(socket.raw)
        let again = try loop.add(socket.raw, tag: 7, .readable)
        #expect(again != token && again.tag == token.tag, "a new registration is not the old one")
    }
}
