// SPDX-License-Identifier: Apache-2.0
import Dissection
import Testing

/// Flow records, the flow table's bounds, and what ends a flow.
struct FlowTests {
    @Test func aFlowIsReportedAtBeginAndEnd() throws {
        var talk = Conversation()
        talk.handshake()
        talk.request(modbus(1, [3, 0, 0, 0, 1]))
        talk.response(modbus(1, [3, 2, 0, 9]))
        talk.finish()
        let flows = try Outcome.of(talk.packets).flows
        #expect(flows.map { $0.text("conn.state") } == ["open", "closed"])
        #expect(flows[1].text("conn.reason") == "fin" || flows[1].text("conn.reason") == "end")
        #expect(flows[1].number("conn.src.packets") == 5)
        #expect(flows[1].number("conn.src.bytes") == 12)
        #expect(flows[1].number("conn.dst.packets") == 3)
        #expect(flows[1].number("conn.dst.bytes") == 11)
        #expect(flows[1].number("conn.duration") == 7_000_000)
        #expect(flows[1].flag("conn.start_seen") == true)
        #expect(flows[1].text("conn.service") == "modbus")
        #expect(flows[0].number("flow.id") == flows[1].number("flow.id"))
        #expect((flows[0].number("flow.id") ?? -1) >= 0)
    }

    private func reasons(_ talk: Conversation, _ options: EngineOptions = EngineOptions()) throws -> [String?] {
        try Outcome.of(talk.packets, options: options).flows.filter { $0.text("conn.state") == "closed" }
            .map { $0.text("conn.reason") }
    }

    /// A later packet of another flow lets time pass.
    private func after(_ nanoseconds: Int64, _ talk: Conversation) -> Conversation {
        var talk = talk
        talk.wait(nanoseconds)
        talk.clientPort += 1
        talk.handshake()
        return talk
    }

    @Test func whatEndsAFlow() throws {
        var talk = Conversation()
        talk.handshake()
        #expect(try reasons(talk) == ["end"])
        #expect(try reasons(after(700_000_000_000, talk)) == ["idle", "end"])
        var finished = talk
        finished.finish()
        #expect(try reasons(after(3_000_000_000, finished)) == ["fin", "end"])
        var reset = talk
        reset.send(fromClient: false, [], flags: Conversation.rst)
        #expect(try reasons(after(3_000_000_000, reset)) == ["rst", "end"])
        var reused = talk
        reused.clientSequence = 77_777
        reused.handshake()
        #expect(try reasons(reused) == ["reused", "end"])
        var options = EngineOptions()
        options.maxFlows = 1
        #expect(try reasons(after(1, talk), options) == ["evicted", "end"])
    }

    @Test func theTableIsBounded() throws {
        var options = EngineOptions()
        options.maxFlows = 10
        var talk = Conversation()
        for port in UInt16(1)...200 {
            talk.clientPort = port
            talk.handshake()
        }
        let outcome = try Outcome.of(talk.packets, options: options)
        #expect(outcome.summary.flows == 200)
        #expect(outcome.summary.evictedFlows == 190)
        #expect(outcome.flows.count == 400)
    }

    @Test func outOfOrderBuffersAreBounded() throws {
        var options = EngineOptions()
        options.maxHeldBytes = 2_000
        var talk = Conversation()
        talk.handshake()
        talk.request(modbus(1, [3, 0, 0, 0, 1]))
        for transaction in UInt16(2)..<400 {
            // A hole before each.
            talk.clientSequence &+= 5
            talk.request(modbus(transaction, [3, 0, 0, 0, 1]))
        }
        let outcome = try Outcome.of(talk.packets, options: options)
        #expect(outcome.modbus.functions == [3: 399])
        #expect(outcome.modbus.anomalies["capture_gap"] == 398)
    }

    /// The vectors that the specification's authors publish.
    @Test(
        arguments: [
            ([128, 232, 110, 120], UInt16(34_855), [66, 35, 250, 204], UInt16(80), "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
            ([66, 35, 250, 204], UInt16(80), [128, 232, 110, 120], UInt16(34_855), "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
            (
                [0x20, 1, 4, 0x70, 0xE5, 0xBF, 0xDE, 0xAD, 0x49, 0x57, 0x21, 0x74, 0xE8, 0x2C, 0x48, 0x87],
                UInt16(63_943), [0x26, 7, 0xF8, 0xB0, 0x40, 0x0C, 0x0C, 3, 0, 0, 0, 0, 0, 0, 0, 0x1A], UInt16(25),
                "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="
            ),
        ] as [([UInt8], UInt16, [UInt8], UInt16, String)])
    func communityID(_ from: [UInt8], _ port: UInt16, _ to: [UInt8], _ otherPort: UInt16, _ expected: String) throws {
        let bytes = Conversation.frame(
            from: from, to: to, ports: (port, otherPort), sequence: 1, acknowledged: 0, flags: 2, payload: [])
        let outcome = try Outcome.of([CapturedPacket(time: 1, bytes: bytes, originalLength: bytes.count, link: 1)])
        #expect(outcome.flows.first?.text("community_id") == expected)
    }

    /// A capture whose clock jumps ahead and back goes on.
    @Test func theClockMayJump() throws {
        var talk = Conversation()
        talk.handshake()
        talk.request(modbus(1, [3, 0, 0, 0, 1]))
        talk.time = .max
        talk.packets[talk.packets.count - 1].time = .max
        for transaction in UInt16(2)..<10 {
            talk.time = transaction % 2 == 0 ? .min : 1_700_000_000_000_000_000
            talk.request(modbus(transaction, [3, 0, 0, 0, 1]))
        }
        #expect(try Outcome.of(talk.packets).modbus.pdus == 9)
    }
}
