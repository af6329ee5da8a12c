// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// The counts that other tools made of real captures, and where this sensor's differ for a reason.
@Suite(.enabled(if: Cases.pcap != nil, "no shared/cases beside the checkout"))
struct ReferenceCaptureTests {
    /// Function codes whose count is not TShark's.
    static let differences: [String: [Int: Int]] = [
        // Two messages of 14 bytes whose length field says 11: TShark takes the three bytes left over for the start of
        // the next message and misses it; here the next segment's sound header wins.
        "iti/ModbusTCP__modbus_test_data_part1.pcap": [42: 2],
        // 338 segments with different sequence numbers hold one message each; TShark skips two that are out of order.
        "malcolm-test/other__Digital_Bond_S4__Modicon.pcap": [3: 338],
        // Zeek's baseline has five, too: TShark takes one response for a retransmission because its number is lower.
        "zeek/modbus__fuzz-1011.pcap": [4: 5],
        // Sequence numbers, flags and lengths are damaged. Neither TShark (17) nor Zeek (15) takes every message that
        // is whole; here each of them counts, whatever its sequence number.
        "zeek/modbus__fuzz-72.pcap": [28: 1, 34: 1, 47: 2, 51: 1, 53: 1, 54: 2, 58: 1, 59: 1, 64: 1, 66: 1],
    ]
    /// TShark's list of this capture ends after 60 codes; its number of messages does not.
    static let cutLists = ["iti/ModbusTCP__modbus_test_data_part2.pcap": 281]

    @Test func functionCountsAgreeWithTheReference() throws {
        let pcap = try #require(Cases.pcap)
        let references = try Cases.tshark()
        #expect(references.count >= 13)
        for (file, counts) in references {
            let packets = try CaptureFile.read(pcap.appendingPathComponent(file))
            let outcome = try Outcome.of(packets)
            var expected = counts.merging(ReferenceCaptureTests.differences[file] ?? [:]) { $1 }
            var seen = outcome.modbus.functions
            if let total = ReferenceCaptureTests.cutLists[file] {
                #expect(outcome.modbus.pdus == total)
                seen = seen.filter { expected[$0.key] != nil }
                expected = expected.filter { seen[$0.key] != nil }
            }
            #expect(seen == expected, "\(file)")
            #expect(outcome.modbus.functions.values.reduce(0, +) == outcome.modbus.pdus)
            #expect(outcome.summary.packets == packets.count)
            let sum = outcome.summary.decoded + outcome.summary.skipped.values.reduce(0, +)
            #expect(sum == packets.count, "\(file)")
        }
    }

    /// No capture of another protocol holds Modbus.
    @Test func otherProtocolsAreNotTakenForModbus() throws {
        let pcap = try #require(Cases.pcap)
        let known = Set(try Cases.tshark().keys)
        let folders = try FileManager.default.contentsOfDirectory(at: pcap, includingPropertiesForKeys: nil)
        var count = 0
        for folder in folders where folder.lastPathComponent != "tool-counts" {
            let files =
                (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
            for file in files where ["pcap", "pcapng", "cap"].contains(file.pathExtension) {
                let name = folder.lastPathComponent + "/" + file.lastPathComponent
                guard !known.contains(name) else { continue }
                let packets = try CaptureFile.read(file)
                let outcome = try Outcome.of(packets)
                count += 1
                #expect(outcome.modbus.pdus == 0, "\(name): \(outcome.modbus.functions)")
                let sum = outcome.summary.decoded + outcome.summary.skipped.values.reduce(0, +)
                #expect(sum == packets.count, "\(name)")
            }
        }
        #expect(count > 100)
    }

    /// Transactions against the log of CISA's own parser.
    @Test func transactionsAgreeWithTheParserProject() throws {
        let pcap = try #require(Cases.pcap)
        let log = pcap.appendingPathComponent(
            "icsnpp-modbus/expected/modbus_example/icsnpp-modbus/analyzer.basic/modbus_detailed.log")
        let packets = try CaptureFile.read(pcap.appendingPathComponent("icsnpp-modbus/modbus_example.pcap"))
        let transactions = try Outcome.of(packets).transactions
        var compared = 0
        for line in try String(contentsOf: log, encoding: .utf8).split(separator: "\n") where !line.hasPrefix("#") {
            let columns = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard columns.count > 14, columns[14] == "T" else { continue }
            let record = try #require(
                transactions.first {
                    $0.number("src.port") == Int64(columns[3])
                        && $0.number("modbus.transaction_id") == Int64(columns[6])
                        && $0.number("modbus.unit_id") == Int64(columns[7])
                }, "\(line)")
            compared += 1
            let name = try #require(record.text("modbus.function"))
            let theirs = columns[8].lowercased()
            let alias = [
                "report_slave_id": "report_server_id", "encap_interface_transport": "encapsulated_interface_transport",
            ]
            #expect(name == alias[theirs] ?? theirs)
            // Their address and quantity of functions 20 and 21 are zeroes.
            if !theirs.contains("file_record"), !theirs.contains("fifo") {
                if let address = Int64(columns[9]) { #expect(record.number("modbus.address") == address, "\(line)") }
                if let quantity = Int64(columns[10]) {
                    #expect(record.number("modbus.quantity") == quantity, "\(line)")
                }
            }
            let values = columns[12] != "-" ? columns[12] : columns[11]
            if values != "-" {
                #expect(
                    record.numbers("modbus.values") == values.split(separator: ",").compactMap { Int64($0) }, "\(line)")
            }
            if columns.count > 19, columns[19] != "-" {
                #expect(record.text("modbus.exception") == columns[19].lowercased())
            }
        }
        #expect(compared >= 20)
    }
}
