// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Glibc
import Instruments
import Receivers
import Testing
import Wire

/// Connections of a lane that could not poll for a while, and those that keep nothing to themselves.
@Suite(.timeLimit(.minutes(4))) struct StallTests {
    /// The disk was full, or a batch took long: what has come meanwhile is in the sockets, and its senders are not idle.
    @Test func whatCameWhileTheLaneStoodStillIsRead() throws {
        let lanes = try HandLanes(
            [.test(.tcp) { $0.idleTimeout = 1 }], limits: ReceiveLimits(frames: 1, coalescing: 0))
        let clients = (0..<8).map { _ in RawClient(lanes.port()) }
        for client in clients { client.send("<34>before\n") }
        #expect(lanes.serve { lanes.frames.count == 8 })
        usleep(1_500_000)
        for client in clients { client.send("<34>meanwhile\n") }
        #expect(lanes.serve { lanes.texts.filter { $0 == "<34>meanwhile" }.count == 8 })
        #expect(lanes.dropped("idle") == 0)
        // Who really says nothing is closed.
        #expect(lanes.serve { lanes.connections() == 0 })
        #expect(lanes.dropped("idle") == 8)
        #expect(lanes.serve { clients.allSatisfy(\.hasEnded) })
        lanes.finish()
    }

    /// A health check that gives up half-way: epoll reports its end for ever, and there is nothing to take out.
    @Test func aProxyThatEndsInsideItsHeaderIsClosed() throws {
        let lanes = try HandLanes([
            .test(.tcp) {
                $0.proxies = ["127.0.0.0/8"]
                $0.handshakeTimeout = 0
            }
        ])
        let half = RawClient(lanes.port())
        half.send("PROXY TCP4 192.0.2.7 198.5")
        #expect(lanes.serve { lanes.connections() == 1 })
        lanes.serve(milliseconds: 50)
        half.endWriting()
        #expect(lanes.serve { lanes.connections() == 0 })
        #expect(lanes.dropped("proxy_header") == 1)
        // In one piece with its end, it is served.
        let whole = RawClient(lanes.port())
        whole.send("PROXY TCP4 192.0.2.7 198.51.100.1 4711 514\r\n<34>short\n")
        whole.endWriting()
        #expect(lanes.serve { lanes.texts == ["<34>short"] })
        lanes.finish()
    }

    /// What one long message needed goes back when it has come: only what is held counts against the lane's bound.
    ///
    /// In a process of its own: what other tests hold meanwhile must not count.
    @Test func aLongMessagesMemoryIsGivenBack() async {
        await #expect(processExitsWith: .success) {
            func resident() -> Int {
                let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
                return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
                    * Int(sysconf(Int32(_SC_PAGESIZE)))
            }
            let lanes = try HandLanes([.test(.tcp) { $0.maxMessageBytes = 16 << 20 }])
            let clients = (0..<40).map { _ in RawClient(lanes.port()) }
            guard lanes.serve(until: { lanes.connections() == 40 }) else { exit(2) }
            let before = resident()
            let long = [UInt8](repeating: 0x61, count: 12_000_000)
            for (number, client) in clients.enumerated() {
                var rest = long[...]
                lanes.serve {
                    while !rest.isEmpty {
                        let count = client.send(Array(rest))
                        guard count > 0 else { break }
                        rest = rest.dropFirst(count)
                    }
                    return rest.isEmpty
                }
                client.send("\n<34>begun")
                guard lanes.serve(until: { lanes.frames.count == number + 1 }) else { exit(3) }
                lanes.forget()
            }
            // 40 connections hold nine bytes each.
            guard lanes.serve(until: { lanes.registry.total("penstock_unfinished_bytes") == 40 * 9 }) else { exit(4) }
            guard lanes.serve(until: { resident() - before < 200 << 20 }) else { exit(5) }
            guard clients.allSatisfy({ !$0.hasEnded }) else { exit(6) }
            lanes.finish()
            exit(0)
        }
    }
}
