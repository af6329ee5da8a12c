// SPDX-License-Identifier: Apache-2.0

/// The control network while it is recorded: the controller, its clients, and every frame that passed.
///
/// Time only moves forward; whoever plays a scene calls in the order of time, so that a read sees the writes before it.
struct Wiretap {
    private(set) var controller: Controller
    private(set) var packets: [Packet] = []
    private var random: SeededGenerator

    init(controller: Controller, random: SeededGenerator) {
        self.controller = controller
        self.random = random
    }

    /// What a client is told when it reads a register now.
    mutating func register(_ index: Int, at time: Int64) -> UInt16 {
        controller.advance(to: time)
        return controller.registers[index]
    }

    /// A connection of `client` that the capture has not seen opening.
    mutating func joined(_ client: Host) -> Conversation { Conversation(client: client, using: &random) }

    /// A connection of `client` from its first SYN on.
    mutating func connect(_ client: Host, at time: Int64) -> Conversation {
        var conversation = Conversation(client: client, using: &random)
        packets += conversation.open(at: time)
        return conversation
    }

    /// The orderly end of a connection.
    mutating func disconnect(_ conversation: inout Conversation, at time: Int64) {
        packets += conversation.close(at: time)
    }

    /// Requests in one segment, their answers in one segment, then the client's acknowledgment.
    mutating func ask(_ conversation: inout Conversation, _ requests: [[UInt8]], at time: Int64) {
        let framed = requests.map { conversation.framed($0) }
        packets.append(conversation.data(fromClient: true, framed.reduce([], +), at: time))
        answer(&conversation, framed, at: time)
    }

    /// One request whose segment was cut after `cut` bytes: the controller acknowledges the first part, then the rest comes.
    mutating func ask(_ conversation: inout Conversation, _ request: [UInt8], cutAfter cut: Int, at time: Int64) {
        let framed = conversation.framed(request)
        packets.append(conversation.data(fromClient: true, Array(framed.prefix(cut)), at: time))
        packets.append(conversation.acknowledgment(fromClient: false, at: time + 300_000))
        packets.append(conversation.data(fromClient: true, Array(framed.dropFirst(cut)), at: time + 15_000_000))
        answer(&conversation, [framed], at: time + 15_000_000)
    }

    private mutating func answer(_ conversation: inout Conversation, _ requests: [[UInt8]], at time: Int64) {
        let answered = time + random.microseconds(2_000, 8_000)
        controller.advance(to: answered)
        var payload: [UInt8] = []
        for request in requests {
            let transaction = UInt16(request[0]) << 8 | UInt16(request[1])
            payload += ModbusRequest.framed(controller.answer(Array(request.dropFirst(7))), transaction: transaction)
        }
        packets.append(conversation.data(fromClient: false, payload, at: answered))
        packets.append(
            conversation.acknowledgment(fromClient: true, at: answered + random.microseconds(100, 900)))
    }

    /// The gateway asks for the controller's hardware address.
    mutating func resolve(at time: Int64) {
        packets.append(Packet(time: time, bytes: Frame.arp(request: true, from: .gatewayControl, to: .plc)))
        packets.append(Packet(time: time + 200_000, bytes: Frame.arp(request: false, from: .plc, to: .gatewayControl)))
    }

    /// The controller asks the gateway for the time (NTP, RFC 5905: client mode 3, server mode 4).
    mutating func synchronize(at time: Int64) {
        let identification = UInt16.random(in: 0...UInt16.max, using: &random)
        let request = [0x23] + [UInt8](repeating: 0, count: 47)
        let reply = [0x24, 2, 6, 0xE9] + [UInt8](repeating: 0, count: 44)
        packets.append(
            Packet(
                time: time,
                bytes: Frame.udp(
                    from: .plc, port: 123, to: .gatewayControl, port: 123, payload: request,
                    identification: identification)))
        packets.append(
            Packet(
                time: time + 350_000,
                bytes: Frame.udp(
                    from: .gatewayControl, port: 123, to: .plc, port: 123, payload: reply,
                    identification: identification &+ 1)))
    }
}
