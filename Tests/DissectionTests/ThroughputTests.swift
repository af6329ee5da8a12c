// SPDX-License-Identifier: Apache-2.0
import Dissection
import Foundation
import Testing

/// Prints packets per second; run by hand in release: `PENSTOCK_BENCH=1 swift test -c release --filter Throughput`.
@Suite(
    .serialized,
    .enabled(if: Cases.pcap != nil && ProcessInfo.processInfo.environment["PENSTOCK_BENCH"] != nil, "by hand"))
struct ThroughputTests {
    @Test(arguments: [
        "iti/ModbusTCP__ModbusTCP.pcap", "iti/ModbusTCP__Modbus__modbus_test.pcap", "icsnpp-modbus/modbus_example.pcap",
    ])
    func packetsPerSecond(_ file: String) throws {
        let packets = try CaptureFile.read(try #require(Cases.pcap).appendingPathComponent(file))
        let span = (packets.last?.time ?? 0) - (packets.first?.time ?? 0) + 1_000_000
        var engine = PacketEngine()
        var bytes = 0
        let rounds = max(1, 400_000 / packets.count)
        // Other addresses each round: the same sequence numbers again would be retransmissions.
        var all: [CapturedPacket] = []
        for round in 0..<rounds {
            for var packet in packets {
                packet.time += Int64(round) * span
                if packet.bytes.count > 34 {
                    for place in [27, 31] { packet.bytes[place] = UInt8(round >> 8) }
                    for place in [28, 32] { packet.bytes[place] = UInt8(round & 255) }
                }
                all.append(packet)
            }
        }
        let start = threadSeconds()
        for (index, packet) in all.enumerated() {
            engine.packet(
                packet.bytes.span.bytes, link: .ethernet, time: packet.time, originalLength: packet.originalLength)
            if index & 63 == 63 {
                for record in 0..<engine.recordCount { bytes += engine.record(at: record).byteCount }
                engine.resetRecords()
            }
        }
        let seconds = threadSeconds() - start
        let count = rounds * packets.count
        let pdus = engine.summary.protocols["modbus"]?.pdus ?? 0
        print(
            "\(file): \(Int(Double(count) / seconds)) packets/s, \(count) packets, \(pdus) PDUs, \(bytes) bytes"
        )
        #expect(engine.summary.packets == count)
    }

    /// The processor time of this thread.
    private func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
