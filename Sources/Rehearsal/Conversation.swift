// SPDX-License-Identifier: Apache-2.0

/// One TCP connection to the controller's Modbus port, frame by frame.
struct Conversation {
    let client: Host
    let port: UInt16
    private var clientNext: UInt32
    private var serverNext: UInt32
    private var clientIdentification: UInt16
    private var serverIdentification: UInt16
    private var transaction: UInt16

    init(client: Host, using random: inout SeededGenerator) {
        self.client = client
        port = random.port()
        clientNext = UInt32.random(in: 1...UInt32.max, using: &random)
        serverNext = UInt32.random(in: 1...UInt32.max, using: &random)
        clientIdentification = UInt16.random(in: 0...UInt16.max, using: &random)
        serverIdentification = UInt16.random(in: 0...UInt16.max, using: &random)
        transaction = UInt16.random(in: 0...1_000, using: &random)
    }

    /// The next MBAP header before `pdu`.
    mutating func framed(_ pdu: [UInt8]) -> [UInt8] {
        transaction &+= 1
        return ModbusRequest.framed(pdu, transaction: transaction)
    }

    /// The three-way handshake.
    mutating func open(at time: Int64) -> [Packet] {
        [
            packet(fromClient: true, at: time, flags: .syn),
            packet(fromClient: false, at: time + 400_000, flags: [.syn, .ack]),
            packet(fromClient: true, at: time + 700_000, flags: .ack),
        ]
    }

    /// Both sides end the stream, the client first.
    mutating func close(at time: Int64) -> [Packet] {
        [
            packet(fromClient: true, at: time, flags: [.fin, .ack]),
            packet(fromClient: false, at: time + 500_000, flags: [.fin, .ack]),
            packet(fromClient: true, at: time + 800_000, flags: .ack),
        ]
    }

    /// Data from the client or from the server.
    mutating func data(fromClient: Bool, _ payload: [UInt8], at time: Int64) -> Packet {
        packet(fromClient: fromClient, at: time, flags: [.push, .ack], payload)
    }

    /// A bare acknowledgment.
    mutating func acknowledgment(fromClient: Bool, at time: Int64) -> Packet {
        packet(fromClient: fromClient, at: time, flags: .ack)
    }

    private mutating func packet(
        fromClient: Bool, at time: Int64, flags: Frame.Flags, _ payload: [UInt8] = []
    ) -> Packet {
        let length = UInt32(payload.count) + (flags.isDisjoint(with: [.syn, .fin]) ? 0 : 1)
        let bytes: [UInt8]
        if fromClient {
            bytes = Frame.tcp(
                .init(
                    source: client, sourcePort: port, destination: .plc, destinationPort: 502, sequence: clientNext,
                    acknowledgment: serverNext, flags: flags, payload: payload, identification: clientIdentification))
            clientNext &+= length
            clientIdentification &+= 1
        } else {
            bytes = Frame.tcp(
                .init(
                    source: .plc, sourcePort: 502, destination: client, destinationPort: port, sequence: serverNext,
                    acknowledgment: clientNext, flags: flags, payload: payload, identification: serverIdentification))
            serverNext &+= length
            serverIdentification &+= 1
        }
        return Packet(time: time, bytes: bytes)
    }
}
