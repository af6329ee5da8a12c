// SPDX-License-Identifier: Apache-2.0
import Dissection
import Testing

/// Framing, pairing and recognition of Modbus/TCP in streams.
struct ModbusStreamTests {
    static let read: [UInt8] = [3, 0, 0, 0, 1]
    static let answer: [UInt8] = [3, 2, 0, 9]

    private func statuses(_ outcome: Outcome) -> [String] {
        outcome.transactions.compactMap { $0.text("modbus.status") }
    }

    @Test func severalMessagesInOneSegment() throws {
        var talk = Conversation()
        talk.handshake()
        talk.request(modbus(1, Self.read) + modbus(2, Self.read) + modbus(3, Self.read))
        talk.response(modbus(3, Self.answer) + modbus(1, Self.answer))
        let outcome = try Outcome.of(talk.packets)
        #expect(outcome.modbus.pdus == 5)
        #expect(outcome.transactions.map { $0.number("modbus.transaction_id") } == [3, 1, 2])
        #expect(statuses(outcome) == ["accepted", "accepted", "no_response"])
    }

    @Test func aMessageOverSeveralSegmentsKeepsItsFrames() throws {
        var talk = Conversation()
        talk.handshake()
        talk.request(modbus(1, Self.read))
        let message = modbus(2, Self.read)
        talk.request(Array(message[..<3]))
        talk.request(Array(message[3..<9]))
        talk.request(Array(message[9...]))
        let outcome = try Outcome.of(talk.packets)
        #expect(outcome.modbus.functions == [3: 2])
        #expect(outcome.transactions.map { $0.all("packet.request").count } == [1, 3])
    }

    @Test func aBadProtocolIdentifierDoesNotSilenceTheConnection() throws {
        var talk = Conversation()
        talk.handshake()
        talk.request(modbus(1, Self.read))
        talk.request(modbus(2, Self.read, protocolID: 5) + modbus(3, Self.read))
        talk.request([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
        talk.request(modbus(4, Self.read))
        let outcome = try Outcome.of(talk.packets)
        #expect(outcome.modbus.functions == [3: 3])
        #expect(outcome.modbus.anomalies["invalid_protocol_id"] == 2)
        let malformed = outcome.transactions.filter { $0.text("modbus.status") == "malformed" }
        #expect(malformed.first?.number("modbus.protocol_id") == 5)
        #expect(malformed.first?.number("modbus.transaction_id") == 2)
        #expect(malformed.allSatisfy { $0.text("modbus.sender") == "client" })
    }

    @Test(arguments: [0, 1, 40_000])
    func aBadLengthDoesNotSilenceTheConnection(_ length: Int) throws {
        var talk = Conversation()
        talk.handshake()
        talk.request(modbus(1, Self.read))
        talk.request(modbus(2, Self.read, length: length))
        talk.request(modbus(3, Self.read))
        let outcome = try Outcome.of(talk.packets)
        #expect(outcome.modbus.functions == [3: 2])
        #expect(outcome.modbus.anomalies["invalid_length"] == 1)
    }

    /// A length that is plausible but too long swallows only its own message.
    @Test func aMessageThatNeverEndsGivesWay() throws {
        var talk = Conversation()
        talk.handshake()
        talk.request(modbus(1, Self.read))
        talk.request(modbus(2, Self.read, length: 200))
        for transaction in UInt16(3)..<6 { talk.request(modbus(transaction, Self.read)) }
        let outcome = try Outcome.of(talk.packets)
        #expect(outcome.modbus.functions == [3: 4])
        #expect(outcome.modbus.anomalies["incomplete_pdu"] == 1)
    }

    /// A message whose fields agree with its length may hold bytes that look like another.
    @Test func bytesThatLookLikeAHeaderStayInside() throws {
        var talk = Conversation()
        talk.handshake()
        let inner = modbus(9, Self.read)
        let message = modbus(1, [16, 0, 0, 0, UInt8(inner.count / 2), UInt8(inner.count)] + inner)
        talk.request(Array(message[..<13]))
        talk.request(Array(message[13...]))
        let outcome = try Outcome.of(talk.packets)
        #expect(outcome.modbus.functions == [16: 1])
        #expect(outcome.modbus.anomalies == [:])
    }

    @Test func aLostSegmentIsAGapAndTheStreamGoesOn() throws {
        var talk = Conversation()
        talk.handshake()
        talk.request(modbus(1, Self.read))
        talk.response(modbus(1, Self.answer))
        let lost = talk.packets.count
        talk.request(modbus(2, Self.read))
        for transaction in UInt16(3)..<30 {
            talk.wait(100_000_000)
            talk.request(modbus(transaction, Self.read))
            talk.response(modbus(transaction, Self.answer))
        }
        talk.packets.remove(at: lost)
        let outcome = try Outcome.of(talk.packets)
        #expect(outcome.modbus.functions == [3: 56])
        #expect(outcome.modbus.anomalies["capture_gap"] == 1)
        #expect(outcome.summary.gapBytes == 12)
        #expect(statuses(outcome).allSatisfy { $0 == "accepted" })
        #expect(outcome.flows.last?.number("conn.gap_bytes") == 12)
    }

    @Test func aFrameCutBySnapLengthIsAGap() throws {
        var talk = Conversation()
        talk.handshake()
        talk.request(modbus(1, Self.read))
        talk.response(modbus(1, [3, 100] + [UInt8](repeating: 1, count: 100)))
        talk.packets[talk.packets.count - 1].bytes.removeLast(60)
        talk.request(modbus(2, Self.read))
        talk.response(modbus(2, Self.answer))
        let outcome = try Outcome.of(talk.packets)
        #expect(outcome.modbus.functions == [3: 3])
        #expect(outcome.summary.gapBytes == 60)
    }

    @Test func theFirstCopyOfAByteWins() throws {
        var talk = Conversation()
        talk.handshake()
        talk.request(modbus(1, [6, 0, 1, 0, 3]))
        talk.clientSequence &-= 4
        // The last four bytes again, with another value, and a whole message behind them.
        talk.request([0, 1, 0, 99] + modbus(2, [6, 0, 1, 0, 4]))
        let outcome = try Outcome.of(talk.packets)
        #expect(outcome.transactions.map { $0.numbers("modbus.values") } == [[3], [4]])
    }

    @Test func aConnectionJoinedInTheMiddle() throws {
        var talk = Conversation()
        for transaction in UInt16(1)..<4 {
            talk.request(modbus(transaction, Self.read))
            talk.response(modbus(transaction, Self.answer))
        }
        let outcome = try Outcome.of(talk.packets)
        #expect(statuses(outcome) == ["accepted", "accepted", "accepted"])
        #expect(outcome.flows.first?.flag("conn.start_seen") == false)
    }

    /// Content decides: the port is not 502, the first packet is a response.
    @Test func recognizedOnAnotherPort() throws {
        var talk = Conversation()
        talk.serverPort = 20_502
        talk.response(modbus(1, Self.answer))
        talk.request(modbus(2, Self.read))
        talk.response(modbus(2, Self.answer))
        let outcome = try Outcome.of(talk.packets)
        #expect(outcome.modbus.functions == [3: 3])
        #expect(outcome.transactions.allSatisfy { $0.text("src.ip") == "10.0.0.1" })
        #expect(outcome.flows.last?.text("conn.service") == "modbus")
    }

    @Test func otherProtocolsOnThePortAreCounted() throws {
        var talk = Conversation()
        talk.handshake()
        talk.request(Array("GET / HTTP/1.0\r\n\r\n".utf8))
        talk.response(Array("HTTP/1.0 400 Bad Request\r\n\r\n".utf8))
        let outcome = try Outcome.of(talk.packets)
        #expect(outcome.summary.protocols.isEmpty)
        #expect(outcome.summary.skipped == ["unknown_protocol": 2])
        #expect(outcome.summary.decoded == 3)
    }

    @Test func aClientThatNeverChangesItsTransaction() throws {
        var talk = Conversation()
        talk.handshake()
        talk.request(modbus(0, [3, 0, 1, 0, 1]))
        talk.wait(3_000_000_000)
        talk.request(modbus(0, [3, 0, 1, 0, 1]))
        talk.response(modbus(0, Self.answer))
        let outcome = try Outcome.of(talk.packets)
        #expect(statuses(outcome) == ["accepted", "no_response"])
        #expect((outcome.transactions[0].number("time") ?? 0) > (outcome.transactions[1].number("time") ?? 0))
    }

    @Test func functionAndUnitOfTheResponse() throws {
        var talk = Conversation()
        talk.handshake()
        talk.request(modbus(1, Self.read, unit: 255))
        talk.response(modbus(1, Self.answer, unit: 0))
        talk.request(modbus(2, Self.read))
        talk.response(modbus(2, [4, 2, 0, 1]))
        let outcome = try Outcome.of(talk.packets)
        #expect(statuses(outcome) == ["accepted", "unsolicited", "no_response"])
        #expect(outcome.modbus.anomalies == ["unit_mismatch": 1, "unsolicited_response": 1, "function_mismatch": 1])
    }

    @Test func silenceIsReportedInPacketTime() throws {
        var talk = Conversation()
        talk.handshake()
        talk.request(modbus(1, Self.read))
        var engine = PacketEngine()
        for packet in talk.packets {
            engine.packet(packet.bytes.span.bytes, link: .ethernet, time: packet.time, originalLength: 0)
        }
        engine.resetRecords()
        engine.expire(now: talk.time + 9_000_000_000)
        #expect(engine.recordCount == 0)
        engine.expire(now: talk.time + 11_000_000_000)
        #expect(engine.recordCount == 1)
        #expect(try Record(engine.record(at: 0)).text("modbus.status") == "no_response")
        #expect(engine.record(at: 1).byteCount == 0)
    }

    @Test func waitingRequestsAreBounded() throws {
        var options = EngineOptions()
        options.maxPendingRequests = 4
        var talk = Conversation()
        talk.handshake()
        for transaction in UInt16(0)..<100 { talk.request(modbus(transaction, Self.read)) }
        let outcome = try Outcome.of(talk.packets, options: options)
        #expect(outcome.transactions.count == 100)
        #expect(outcome.modbus.anomalies["flooded"] == 96)
    }
}
