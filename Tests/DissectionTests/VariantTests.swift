// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// The same traffic written in another way gives the same records.
@Suite(.enabled(if: Cases.pcap != nil, "no shared/cases beside the checkout"))
struct VariantTests {
    /// Captures without damage: every variant must give the same. (A fuzzed capture is another one when its packets
    /// change places.)
    static let sound = [
        "icsnpp-modbus/modbus_example.pcap", "iti/ModbusTCP__ModbusTCP.pcap",
        "iti/ModbusTCP__Modbus__modbus_test.pcap", "iti/ModbusTCP__modbus_test_data_part2.pcap",
        "suricata-verify/modbus__modbus.pcap", "zeek/modbus__4SICS-GeekLounge-151022-min.pcap",
        "zeek/modbus__modbus-and-non-modbus-p502.pcap", "zeek/modbus__modbus-eit.pcap",
        "zeek/modbus__modbusSmall.pcap",
    ]

    @Test(arguments: sound, Variant.allCases)
    func countsStayTheSame(_ file: String, _ variant: Variant) throws {
        let packets = Array(
            try CaptureFile.read(try #require(Cases.pcap).appendingPathComponent(file)).prefix(4000))
        let base = try Outcome.of(packets)
        let other = try Outcome.of(variant.apply(packets))
        #expect(other.modbus.pdus == base.modbus.pdus)
        #expect(other.modbus.functions == base.modbus.functions)
        if variant.changesTimes { return }
        let (a, b) = (base.transactions.map(\.meaning).sorted(), other.transactions.map(\.meaning).sorted())
        #expect(a.count == b.count)
        if a != b {
            let difference = zip(a, b).filter { $0 != $1 }
            Issue.record("\(difference.count) records differ, first: \(difference.first.map { "\($0)" } ?? "")")
        }
        let sum = other.summary.decoded + other.summary.skipped.values.reduce(0, +)
        #expect(sum == other.summary.packets)
    }
}
