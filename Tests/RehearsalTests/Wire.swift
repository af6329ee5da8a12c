// SPDX-License-Identifier: Apache-2.0
import Rehearsal

/// A capture read back with nothing but offsets: streams joined in order, requests paired with answers.
struct Wire {
    struct Exchange {
        var client: String
        var time: Int64
        var request: [UInt8]
        var response: [UInt8]

        /// A register from an answer to FC 3 that began at 0.
        func register(_ index: Int) -> Int { Int(response[2 + 2 * index]) << 8 | Int(response[3 + 2 * index]) }
    }

    private struct Stream {
        var bytes: [UInt8] = []
        var waiting: [(id: Int, pdu: [UInt8], time: Int64)] = []
    }

    private(set) var exchanges: [Exchange] = []
    /// Requests that did not end in the segment in which they began.
    private(set) var cutRequests = 0
    /// Requests behind another one in the same segment.
    private(set) var secondRequests = 0
    /// Segments with SYN and ACK.
    private(set) var handshakes = 0

    init(_ capture: [Packet]) {
        var clients: [String: Stream] = [:]
        var servers: [String: Stream] = [:]
        for packet in capture {
            let bytes = packet.bytes
            guard bytes[12] == 0x08, bytes[13] == 0x00, bytes[23] == 6 else { continue }
            let end = 14 + Int(bytes[16]) << 8 + Int(bytes[17])
            if bytes[47] & 0x12 == 0x12 { handshakes += 1 }
            let payload = Array(bytes[(34 + Int(bytes[46] >> 4) * 4)..<end])
            guard !payload.isEmpty else { continue }
            let fromClient = bytes[36] == 0x01 && bytes[37] == 0xF6
            let peer = fromClient ? bytes[26..<30] + bytes[34..<36] : bytes[30..<34] + bytes[36..<38]
            let key = peer.map(String.init).joined(separator: ".")
            if fromClient {
                var stream = clients[key, default: Stream()]
                let pdus = Wire.cut(&stream, payload)
                if pdus.isEmpty { cutRequests += 1 }
                if pdus.count > 1 { secondRequests += pdus.count - 1 }
                stream.waiting += pdus.map { ($0.id, $0.pdu, packet.time) }
                clients[key] = stream
            } else {
                var stream = servers[key, default: Stream()]
                for (id, response) in Wire.cut(&stream, payload) {
                    guard let place = clients[key]?.waiting.firstIndex(where: { $0.id == id }),
                        let request = clients[key]?.waiting.remove(at: place)
                    else { continue }
                    exchanges.append(
                        Exchange(
                            client: peer.prefix(4).map(String.init).joined(separator: "."), time: request.time,
                            request: request.pdu, response: response))
                }
                servers[key] = stream
            }
        }
    }

    func answered(by client: String) -> [Exchange] { exchanges.filter { $0.client == client } }

    private static func cut(_ stream: inout Stream, _ payload: [UInt8]) -> [(id: Int, pdu: [UInt8])] {
        stream.bytes += payload
        var pdus: [(Int, [UInt8])] = []
        while stream.bytes.count >= 7 {
            let length = Int(stream.bytes[4]) << 8 | Int(stream.bytes[5])
            guard stream.bytes.count >= 6 + length else { break }
            pdus.append((Int(stream.bytes[0]) << 8 | Int(stream.bytes[1]), Array(stream.bytes[7..<6 + length])))
            stream.bytes.removeFirst(6 + length)
        }
        return pdus
    }
}
