// SPDX-License-Identifier: Apache-2.0
import Dissection

/// Builds TCP packets between two hosts, and derives the variants of a capture that must not change its records.
struct Conversation {
    var packets: [CapturedPacket] = []
    var client: [UInt8] = [10, 0, 0, 1]
    var server: [UInt8] = [10, 0, 0, 2]
    var clientPort: UInt16 = 40_000
    var serverPort: UInt16 = 502
    var clientSequence: UInt32 = 1000
    var serverSequence: UInt32 = 0xFFFF_FFF0
    var time: Int64 = 1_700_000_000_000_000_000

    static let fin: UInt8 = 1
    static let syn: UInt8 = 2
    static let rst: UInt8 = 4
    static let push: UInt8 = 8
    static let ack: UInt8 = 16

    mutating func wait(_ nanoseconds: Int64) { time += nanoseconds }

    mutating func handshake() {
        send(fromClient: true, [], flags: Conversation.syn)
        send(fromClient: false, [], flags: Conversation.syn | Conversation.ack)
        send(fromClient: true, [], flags: Conversation.ack)
    }

    mutating func request(_ bytes: [UInt8]) { send(fromClient: true, bytes) }
    mutating func response(_ bytes: [UInt8]) { send(fromClient: false, bytes) }

    mutating func finish() {
        send(fromClient: true, [], flags: Conversation.fin | Conversation.ack)
        send(fromClient: false, [], flags: Conversation.fin | Conversation.ack)
        send(fromClient: true, [], flags: Conversation.ack)
    }

    mutating func send(fromClient: Bool, _ payload: [UInt8], flags: UInt8 = push | ack) {
        let sequence = fromClient ? clientSequence : serverSequence
        let acknowledged = fromClient ? serverSequence : clientSequence
        packets.append(
            CapturedPacket(
                time: time,
                bytes: Conversation.frame(
                    from: fromClient ? client : server, to: fromClient ? server : client,
                    ports: fromClient ? (clientPort, serverPort) : (serverPort, clientPort), sequence: sequence,
                    acknowledged: flags & Conversation.ack != 0 ? acknowledged : 0, flags: flags, payload: payload),
                originalLength: 54 + payload.count, link: 1))
        let advance = UInt32(payload.count) + (flags & (Conversation.syn | Conversation.fin) != 0 ? 1 : 0)
        if fromClient { clientSequence &+= advance } else { serverSequence &+= advance }
        time += 1_000_000
    }

    static func frame(
        from: [UInt8], to: [UInt8], ports: (UInt16, UInt16), sequence: UInt32, acknowledged: UInt32, flags: UInt8,
        payload: [UInt8]
    ) -> [UInt8] {
        var bytes: [UInt8] = [2, 0, 0, 0, 0, to.last ?? 0, 2, 0, 0, 0, 0, from.last ?? 0]
        let tcp =
            word(ports.0) + word(ports.1) + long(sequence) + long(acknowledged) + [0x50, flags] + word(0x2000)
            + [0, 0, 0, 0]
        if from.count == 4 {
            bytes += [8, 0, 0x45, 0] + word(UInt16(40 + payload.count)) + [0, 1, 0, 0, 64, 6, 0, 0] + from + to
        } else {
            bytes += [0x86, 0xDD, 0x60, 0, 0, 0] + word(UInt16(20 + payload.count)) + [6, 64] + from + to
        }
        return bytes + tcp + payload
    }

    static func word(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }
    static func long(_ value: UInt32) -> [UInt8] {
        word(UInt16(value >> 16)) + word(UInt16(truncatingIfNeeded: value))
    }
}

/// A Modbus/TCP message.
func modbus(_ transaction: UInt16, _ pdu: [UInt8], unit: UInt8 = 1, protocolID: UInt16 = 0, length: Int? = nil)
    -> [UInt8]
{
    Conversation.word(transaction) + Conversation.word(protocolID)
        + Conversation.word(UInt16(length ?? pdu.count + 1)) + [unit] + pdu
}

/// A reproducible source of chance.
struct Chance: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}

/// Ways to write the same traffic that must give the same records.
enum Variant: String, CaseIterable {
    case vlan, qinq, sll, sll2, raw, loopback, resegmented, bytewise, duplicated, reordered, fragmented
    case reorderedSegments, retimed, nanosecondsLater

    /// Whether the times of packets change so much that requests and responses cannot be paired as before.
    var changesTimes: Bool { self == .retimed }

    func apply(_ packets: [CapturedPacket]) -> [CapturedPacket] {
        var chance = Chance(7)
        switch self {
        case .vlan: return packets.map { Variant.tag($0, [0x81, 0, 0x20, 100]) }
        case .qinq: return packets.map { Variant.tag($0, [0x88, 0xA8, 0, 7, 0x81, 0, 0, 100]) }
        case .sll: return packets.map { Variant.relink($0, 113, [0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], keep: 12) }
        case .sll2:
            return packets.map { packet in
                let type = Array(packet.bytes[12..<14])
                return Variant.relink(
                    packet, 276, type + [0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], keep: 14)
            }
        case .raw: return packets.map { Variant.relink($0, 101, [], keep: 14) }
        case .loopback: return packets.map { Variant.relink($0, 0, [2, 0, 0, 0], keep: 14) }
        case .resegmented: return packets.flatMap { Variant.split($0) { Int.random(in: 1...9, using: &chance) } }
        case .bytewise: return packets.flatMap { Variant.split($0) { 1 } }
        case .duplicated: return packets.flatMap { [$0, $0] }
        case .reordered: return Variant.swapped(packets, &chance)
        case .reorderedSegments:
            return Variant.swapped(
                packets.flatMap { Variant.split($0) { Int.random(in: 1...9, using: &chance) } }, &chance)
        case .retimed:
            let moved = Variant.swapped(packets.flatMap { Variant.split($0) { 5 } }, &chance)
            let times = moved.map(\.time).sorted()
            return zip(moved, times).map { packet, time in
                var other = packet
                other.time = time
                return other
            }
        case .fragmented: return packets.flatMap { Variant.fragments($0, &chance) }
        case .nanosecondsLater:
            return packets.map { packet in
                var later = packet
                later.time += 1
                return later
            }
        }
    }

    private static func isIPv4(_ packet: CapturedPacket) -> Bool {
        packet.bytes.count >= 34 && packet.bytes[12] == 8 && packet.bytes[13] == 0
    }

    static func tag(_ packet: CapturedPacket, _ tags: [UInt8]) -> CapturedPacket {
        guard packet.bytes.count >= 14 else { return packet }
        var tagged = packet
        tagged.bytes.insert(contentsOf: tags, at: 12)
        tagged.originalLength += tags.count
        return tagged
    }

    static func relink(_ packet: CapturedPacket, _ link: Int, _ header: [UInt8], keep: Int) -> CapturedPacket {
        guard packet.bytes.count >= 14 else { return packet }
        var other = packet
        other.bytes = header + packet.bytes[keep...]
        other.link = link
        other.originalLength += header.count - keep
        return other
    }

    /// Cuts the TCP payload of a packet into segments.
    static func split(_ packet: CapturedPacket, _ size: () -> Int) -> [CapturedPacket] {
        let bytes = packet.bytes
        guard isIPv4(packet), bytes[23] == 6, bytes[14] == 0x45, bytes.count >= 54 else { return [packet] }
        let total = Int(bytes[16]) << 8 | Int(bytes[17])
        let start = 34 + Int(bytes[46] >> 4) * 4
        let end = 14 + total
        guard start < end, end <= bytes.count else { return [packet] }
        let sequence = (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[38 + $1]) }
        var parts: [CapturedPacket] = []
        var at = start
        while at < end {
            let next = min(end, at + max(1, size()))
            var part = Array(bytes[..<start]) + bytes[at..<next]
            part.replaceSubrange(16..<18, with: Conversation.word(UInt16(part.count - 14)))
            part.replaceSubrange(38..<42, with: Conversation.long(sequence &+ UInt32(at - start)))
            if next < end { part[47] &= ~0x01 }
            if at > start { part[47] &= ~0x02 }
            parts.append(
                CapturedPacket(time: packet.time, bytes: part, originalLength: part.count, link: packet.link))
            at = next
        }
        return parts
    }

    /// Puts packets out of order by up to three places, in groups that do not overlap; each keeps its time.
    static func swapped(_ packets: [CapturedPacket], _ chance: inout Chance) -> [CapturedPacket] {
        var order = Array(packets.indices)
        var at = 0
        while at < order.count {
            let end = min(order.count, at + Int.random(in: 2...3, using: &chance))
            order[at..<end].shuffle(using: &chance)
            at = end
        }
        return order.map { packets[$0] }
    }

    /// Cuts an IPv4 packet into fragments of 24 bytes, in disorder.
    static func fragments(_ packet: CapturedPacket, _ chance: inout Chance) -> [CapturedPacket] {
        let bytes = packet.bytes
        guard isIPv4(packet), bytes[14] == 0x45, bytes[20] & 0x3F == 0, bytes[21] == 0 else { return [packet] }
        let end = 14 + (Int(bytes[16]) << 8 | Int(bytes[17]))
        guard end <= bytes.count, end > 34 + 24 else { return [packet] }
        let identification = UInt16.random(in: 0 ... .max, using: &chance)
        var parts: [CapturedPacket] = []
        var at = 34
        while at < end {
            let next = min(end, at + 24)
            var part = Array(bytes[..<34]) + bytes[at..<next]
            part.replaceSubrange(16..<18, with: Conversation.word(UInt16(part.count - 14)))
            part.replaceSubrange(18..<20, with: Conversation.word(identification))
            part.replaceSubrange(
                20..<22, with: Conversation.word(UInt16((at - 34) / 8) | (next < end ? 0x2000 : 0)))
            parts.append(
                CapturedPacket(time: packet.time, bytes: part, originalLength: part.count, link: packet.link))
            at = next
        }
        return parts.shuffled(using: &chance)
    }
}
