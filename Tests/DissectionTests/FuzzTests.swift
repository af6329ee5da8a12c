// SPDX-License-Identifier: Apache-2.0
import Dissection
import Foundation
import Testing

/// Damaged packets never trap, are all accounted for, and leave readable records.
struct FuzzTests {
    private func check(_ packets: [CapturedPacket], _ comment: Comment) throws {
        let outcome = try Outcome.of(packets)
        let sum = outcome.summary.decoded + outcome.summary.skipped.values.reduce(0, +)
        #expect(sum == packets.count, comment)
        #expect(outcome.modbus.functions.values.reduce(0, +) == outcome.modbus.pdus, comment)
    }

    private func sample() -> [CapturedPacket] {
        var talk = Conversation()
        talk.handshake()
        let pdus: [([UInt8], [UInt8])] = [
            ([1, 0, 0, 0, 10], [1, 2, 1, 2]), ([3, 0, 0, 0, 2], [3, 4, 1, 2, 3, 4]),
            ([15, 0, 0, 0, 9, 2, 1, 1], [15, 0, 0, 0, 9]), ([16, 0, 0, 0, 2, 4, 1, 2, 3, 4], [16, 0, 0, 0, 2]),
            ([20, 7, 6, 0, 4, 0, 1, 0, 2], [20, 6, 5, 6, 13, 0xFE, 0, 0x20]),
            ([12], [12, 8, 0, 0, 1, 8, 1, 0x21, 1, 2]),
            ([21, 11, 6, 0, 4, 0, 7, 0, 2, 1, 2, 3, 4], [21, 11, 6, 0, 4, 0, 7, 0, 2, 1, 2, 3, 4]),
            ([22, 0, 4, 0, 0xF2, 0, 0x25], [22, 0, 4, 0, 0xF2, 0, 0x25]), ([24, 0, 1], [24, 0, 6, 0, 2, 1, 2, 3, 4]),
            ([23, 0, 3, 0, 2, 0, 14, 0, 1, 2, 0, 0xFF], [23, 4, 0, 1, 0, 2]), ([8, 0, 0, 1, 2], [8, 0, 0, 1, 2]),
            ([43, 14, 1, 0], [43, 14, 1, 1, 0, 0, 1, 0, 2, 65, 66]), ([3, 0, 0, 0, 1], [0x83, 2]), ([7], [7, 1]),
        ]
        for (index, pdu) in pdus.enumerated() {
            talk.request(modbus(UInt16(index), pdu.0))
            talk.response(modbus(UInt16(index), pdu.1))
        }
        talk.finish()
        return talk.packets
    }

    @Test func damagedPackets() throws {
        var chance = Chance(11)
        let variants = Variant.allCases.map { $0.apply(sample()) }
        for round in 0..<400 {
            var packets = variants[round % variants.count]
            for _ in 0..<Int.random(in: 1...20, using: &chance) {
                let index = Int.random(in: packets.indices, using: &chance)
                guard !packets[index].bytes.isEmpty else { continue }
                let place = Int.random(in: packets[index].bytes.indices, using: &chance)
                switch Int.random(in: 0...6, using: &chance) {
                case 0: packets[index].bytes[place] = UInt8.random(in: 0...255, using: &chance)
                case 1: packets[index].bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &chance)
                case 2: packets[index].bytes.removeLast(packets[index].bytes.count - place)
                case 3: packets[index].bytes.insert(contentsOf: [0, 0xFF, 0], at: place)
                case 4: packets[index].originalLength = Int.random(in: 0...70_000, using: &chance)
                case 5: packets.swapAt(index, Int.random(in: packets.indices, using: &chance))
                default: packets[index].time = Int64(truncatingIfNeeded: chance.next())
                }
            }
            try check(packets, "round \(round)")
        }
    }

    /// Damaged payloads inside sound TCP: what reaches the dissector.
    @Test func damagedMessages() throws {
        var chance = Chance(12)
        for round in 0..<600 {
            var talk = Conversation()
            talk.serverPort = round % 2 == 0 ? 502 : 5020
            if round % 3 != 0 { talk.handshake() }
            for packet in sample() where packet.bytes.count > 54 {
                var payload = Array(packet.bytes[54...])
                for _ in 0..<Int.random(in: 0...3, using: &chance) {
                    let place = Int.random(in: payload.indices, using: &chance)
                    payload[place] =
                        [0, 1, 0x7F, 0x80, 0xFF, UInt8.random(in: 0...255, using: &chance)].randomElement(
                            using: &chance) ?? 0
                }
                if Int.random(in: 0...9, using: &chance) == 0 { payload.removeLast(payload.count / 2) }
                talk.send(fromClient: packet.bytes[36] == 1, payload)
            }
            try check(Variant.allCases[round % Variant.allCases.count].apply(talk.packets), "round \(round)")
        }
    }

    @Test func noise() throws {
        var chance = Chance(13)
        let links = [0, 1, 101, 113, 276]
        let packets = (0..<4000).map { index in
            CapturedPacket(
                time: Int64(index),
                bytes: (0..<Int.random(in: 0...90, using: &chance)).map { _ in
                    UInt8.random(in: 0...255, using: &chance)
                }, originalLength: 90, link: links[index % links.count])
        }
        try check(packets, "noise")
    }
}
