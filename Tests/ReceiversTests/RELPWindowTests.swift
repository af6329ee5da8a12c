// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Instruments
import Receivers
import Testing
import Wire

/// RELP senders that send ahead, go, or wait for a disk that is not there.
@Suite(.timeLimit(.minutes(4))) struct RELPWindowTests {
    private func push(_ client: RawClient, _ rest: inout ArraySlice<UInt8>) {
        while !rest.isEmpty {
            let count = client.send(Array(rest.prefix(256 << 10)))
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private func messages(_ count: Int) -> [UInt8] {
        Array((2..<2 + count).map { RELP.frame($0, "syslog", "<34>n\($0)") }.joined().utf8)
    }

    /// librelp's window is the sender's to choose, and others have none: short messages fill a read many windows deep.
    @Test func aSenderThatIsFarAheadIsServedToItsEnd() throws {
        let lanes = try HandLanes([.test(.relp)])
        let client = RawClient.relp(lanes)
        let count = 30_000
        let bytes = messages(count)
        var rest = bytes[...]
        let isDone = lanes.serve {
            push(client, &rest)
            lanes.acknowledge(lanes.next[0])
            return client.acknowledged.count == count || client.hasEnded
        }
        #expect(isDone && !client.hasEnded)
        #expect(lanes.dropped("memory_limit") == 0)
        #expect(client.acknowledged == Array(2..<2 + count))
        #expect(lanes.frames.count == count)
        lanes.finish()
    }

    /// Nothing is read of it, so that nothing but the loop's hang-up tells; left open, it would wake the lane for ever.
    @Test func aConnectionThatIsResetBehindAFullWindowIsClosed() throws {
        let lanes = try HandLanes([.test(.relp)])
        let client = RawClient.relp(lanes)
        client.send(messages(3000))
        #expect(lanes.serve { lanes.frames.count == 1024 })
        client.reset()
        #expect(lanes.serve { lanes.connections() == 0 })
        #expect(lanes.frames.count == 1024)
        lanes.finish()
    }

    @Test func whoWaitsForTheDiskIsNotIdle() throws {
        let lanes = try HandLanes([.test(.relp) { $0.idleTimeout = 1 }])
        let client = RawClient.relp(lanes)
        client.send(RELP.frame(2, "syslog", "<34>patient"))
        #expect(lanes.serve { lanes.frames.count == 1 })
        lanes.serve(milliseconds: 2000)
        #expect(!client.hasEnded)
        lanes.acknowledge(1)
        #expect(lanes.serve { client.acknowledged == [2] })
        #expect(lanes.serve { client.hasEnded }, "now it is")
        #expect(lanes.dropped("idle") == 1)
        lanes.finish()
    }

    /// What lies behind full windows counts like unfinished messages: the rest stays in the kernel, and with the senders.
    @Test func whatLiesBehindFullWindowsIsBoundedOverAllConnections() throws {
        let lanes = try HandLanes([.test(.relp)], limits: ReceiveLimits(frames: 4096, coalescing: 0, held: 256 << 10))
        let count = 15_000
        let bytes = messages(count)
        let clients = (0..<12).map { _ in RawClient.relp(lanes) }
        var rests = clients.map { _ in bytes[...] }
        func held() -> Int64 { lanes.registry.total("penstock_unfinished_bytes") }
        func pushAll() { for index in clients.indices { push(clients[index], &rests[index]) } }
        lanes.serve {
            pushAll()
            return lanes.frames.count >= clients.count * 1024 && held() > 100 << 10
        }
        // And no more than that.
        lanes.serve(seconds: 0.5) {
            pushAll()
            return false
        }
        #expect(lanes.frames.count == clients.count * 1024)
        #expect(held() > 100 << 10 && held() <= 256 << 10 + clients.count * 4096)
        #expect(lanes.registry.total("penstock_relp_short_reads_total") > 0)
        lanes.serve {
            pushAll()
            lanes.acknowledge(lanes.next[0])
            return lanes.frames.count == clients.count * count
        }
        lanes.acknowledge(lanes.next[0])
        #expect(clients.allSatisfy { $0.acknowledged.count == count })
        #expect(lanes.dropped("memory_limit") == 0)
        #expect(lanes.serve { held() == 0 })
        lanes.finish()
    }

    /// A disk that confirms nothing is said once, and connections that come and go meanwhile leave nothing behind.
    @Test func aDiskThatConfirmsNothingIsTold() throws {
        let lanes = try HandLanes([.test(.relp)], limits: ReceiveLimits(coalescing: 0, patience: 500))
        func waiting() -> Int64 { lanes.registry.total("penstock_relp_unacknowledged_messages") }
        func lines() -> [String] { lanes.log.all.filter { $0.contains("waited for their acknowledgement") } }
        let quick = RawClient.relp(lanes)
        quick.send(RELP.frame(2, "syslog", "<34>quick"))
        #expect(lanes.serve { lanes.frames.count == 1 })
        lanes.acknowledge(1)
        lanes.serve(milliseconds: 1000)
        #expect(waiting() == 0 && lines().isEmpty)
        let (stays, goes) = (RawClient.relp(lanes), RawClient.relp(lanes))
        stays.send((2..<5).map { RELP.frame($0, "syslog", "<34>a\($0)") }.joined())
        goes.send((2..<9).map { RELP.frame($0, "syslog", "<34>b\($0)") }.joined())
        #expect(lanes.serve { waiting() == 10 })
        goes.close()
        #expect(lanes.serve { waiting() == 3 })
        #expect(lanes.serve { lines().count == 1 })
        lanes.serve(milliseconds: 1000)
        #expect(lines().count == 1 && lines().first?.hasPrefix("error: lane 0: ") == true)
        lanes.acknowledge(lanes.next[0])
        #expect(lanes.serve { stays.acknowledged == [2, 3, 4] && waiting() == 0 })
        lanes.finish()
    }
}
