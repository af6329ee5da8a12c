// SPDX-License-Identifier: Apache-2.0
import Rehearsal
import Testing

/// 2025-11-21T10:00:00Z
private let start: Int64 = 1_763_719_200_000_000_000

@Suite struct PlantScenarioTests {
    let scenario = PlantScenario(start: start)

    @Test func everyChecksumIsRight() throws {
        for packet in scenario.attack.capture + scenario.normal().capture {
            let bytes = packet.bytes
            guard bytes[12] == 0x08, bytes[13] == 0x00 else { continue }
            #expect(onesSum(bytes[14..<34]) == 0xFFFF)
            let end = 14 + Int(bytes[16]) << 8 + Int(bytes[17])
            #expect(end <= bytes.count)
            let transport = bytes[34..<end]
            let length = UInt32(transport.count)
            let pseudo = bytes[26..<34] + [0, bytes[23], UInt8(length >> 8), UInt8(length & 0xFF)]
            #expect(onesSum(pseudo + transport) == 0xFFFF)
        }
    }

    @Test func sameStartAndSeedGiveTheSameBytes() {
        #expect(scenario.attack == PlantScenario(start: start).attack)
        #expect(scenario.normal() == PlantScenario(start: start).normal())
        #expect(scenario.attack != PlantScenario(start: start, seed: 503).attack)
        #expect(scenario.normal(hour: 1).capture.first?.bytes != scenario.normal().capture.first?.bytes)
    }

    @Test func framesAndMessagesComeInOrder() {
        for recording in [scenario.attack, scenario.normal(), scenario.normal(hour: 3)] {
            #expect(zip(recording.capture, recording.capture.dropFirst()).allSatisfy { $0.time <= $1.time })
            #expect(zip(recording.messages, recording.messages.dropFirst()).allSatisfy { $0.offset <= $1.offset })
            #expect(recording.messages.allSatisfy { $0.offset >= 0 })
            #expect(recording.duration >= recording.messages.last?.offset ?? 0)
        }
        #expect(scenario.attack.duration < 50_000_000_000)
        let hour = scenario.normal(hour: 3)
        #expect(hour.capture.allSatisfy { $0.time >= start + 3 * 3_600_000_000_000 })
        #expect(hour.duration < 3_602_000_000_000)
    }

    @Test func theAttackHasItsParts() {
        let wire = Wire(scenario.attack.capture)
        let attacker = wire.answered(by: "172.24.0.10")
        #expect(attacker.filter { $0.response.first.map { $0 & 0x80 != 0 } ?? false }.count == 10)
        let written = attacker.filter { [5, 6, 15, 16, 22, 23].contains($0.request[0]) }
        #expect(written.map { $0.request[0] } == [6, 22, 5, 6, 15, 16, 23, 6])
        #expect(written.map { $0.response[0] } == [0x86, 22, 5, 6, 15, 16, 23, 6])
        #expect(written.last?.request == [6, 0, 0, 0, 1])
        #expect(wire.cutRequests == 1)
        #expect(wire.secondRequests == 1)
        #expect(wire.handshakes == 2)
    }

    @Test func theInletOpensWhileTheLearnedLevelIsAboveTheLimit() throws {
        let wire = Wire(scenario.attack.capture)
        let opening = try #require(wire.exchanges.last { $0.client == "172.24.0.10" && $0.request == [6, 0, 0, 0, 1] })
        let polls = wire.answered(by: "172.22.0.10").filter { $0.request == [3, 0, 0, 0, 10] }
        let before = try #require(polls.last { $0.time < opening.time })
        #expect(before.register(5) > 90)
        #expect(before.register(0) == 0)
        #expect(polls.count == 45)
        // Nobody opened it above the limit before.
        let first = wire.exchanges.first { $0.request == [6, 0, 0, 0, 1] }
        #expect(first?.time == opening.time)
    }

    @Test func theLogsHaveTheirForms() {
        let messages = scenario.attack.messages
        let texts = messages.map { String(decoding: $0.bytes, as: UTF8.self) }
        #expect(texts.allSatisfy { $0.hasPrefix("<") && !$0.contains("\n") })
        #expect(texts.filter { $0.contains("FW-DROP") && $0.contains("DST=172.21.0.10") }.count == 8)
        #expect(texts.contains { $0.hasPrefix("<4>Nov 21 10:00:02 gateway kernel: [") })
        #expect(texts.contains { $0.hasPrefix("<4>1 2025-11-21T10:00:02.400000Z gateway kernel - - - [") })
        #expect(texts.filter { $0.contains("\"event_type\":\"alert\"") }.count == 4)
        #expect(texts.filter { $0.contains("\"rule\":{\"name\":") }.count == 1)
        #expect(texts.filter { $0.contains("Failed password") }.count == 4)
        #expect(texts.filter { $0.contains("Accepted password") }.count == 1)
        #expect(texts.filter { $0.contains("CEF:0|") }.count == 1)
        for channel in Scripted.Channel.allCases {
            #expect(messages.contains { $0.channel == channel })
        }
        #expect(scenario.attack.log.count { $0 == 0x0A } == messages.count)
    }

    @Test func inANormalHourOnlyThePermittedWrite() {
        let wire = Wire(scenario.normal().capture)
        #expect(Set(wire.exchanges.map(\.client)) == ["172.22.0.10", "172.23.0.4"])
        #expect(wire.exchanges.count { $0.response[0] & 0x80 != 0 } == 2)
        let writes = wire.exchanges.filter { [5, 6, 15, 16, 22, 23].contains($0.request[0]) }
        #expect(writes.count { $0.client == "172.23.0.4" } == 8)
        var opened = 0
        for write in writes where write.request == [6, 0, 0, 0, 1] {
            let poll = wire.exchanges.last { $0.time < write.time && $0.request == [3, 0, 0, 0, 10] }
            #expect((poll?.register(5) ?? 100) < 80)
            opened += 1
        }
        #expect(opened > 5)
        #expect(wire.handshakes == 5)
        let log = String(decoding: scenario.normal().log, as: UTF8.self)
        #expect(!log.contains("172.24.0.10"))
        #expect(log.contains("FW-ACCEPT") && log.contains("\"event_type\":\"stats\""))
        #expect(log.contains("\"event_type\":\"flow\"") && log.contains("\"event_type\":\"dns\""))
    }

    @Test func theCaptureFileIsClassicPcap() {
        let packets = Array(scenario.attack.capture.prefix(2))
        let file = PcapFile.encode(packets)
        #expect(Array(file.prefix(8)) == [0x4D, 0x3C, 0xB2, 0xA1, 2, 0, 4, 0])
        #expect(Array(file[20..<24]) == [1, 0, 0, 0])
        #expect(file.count == 24 + packets.reduce(0) { $0 + 16 + $1.bytes.count })
        #expect(Array(file[40..<40 + packets[0].bytes.count]) == packets[0].bytes)
        let coarse = PcapFile.encode(packets, resolution: .microseconds)
        #expect(Array(coarse.prefix(4)) == [0xD4, 0xC3, 0xB2, 0xA1])
        // 50 ms into the second
        #expect(Array(file[28..<32]) == [0x80, 0xF0, 0xFA, 0x02])
        #expect(Array(coarse[28..<32]) == [0x50, 0xC3, 0, 0])
    }
}

/// The one's-complement sum that is 0xFFFF over data and its own checksum (RFC 1071).
private func onesSum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var sum: UInt32 = 0
    for (index, byte) in bytes.enumerated() { sum += UInt32(byte) << (index % 2 == 0 ? 8 : 0) }
    while sum >> 16 != 0 { sum = (sum & 0xFFFF) + (sum >> 16) }
    return sum
}
