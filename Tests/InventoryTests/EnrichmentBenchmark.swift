// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Inventory
import Testing
import Wire

/// What enrichment costs an event of a firewall, with lists of 100,000 indicators and the example plant; printed when
/// `PENSTOCK_BENCH` is set. Two numbers, `MODE ROUNDS` (`intelligence 100`), run one way so often for each of 500 events.
/// Under callgrind, `--toggle-collect` with the symbol of `Enricher.enrich` counts the instructions of eight times as many.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["PENSTOCK_BENCH"] != nil, "set PENSTOCK_BENCH to measure"))
struct EnrichmentBenchmark {
    static func lists(_ numbers: inout SeededNumbers) -> String {
        var text = ""
        for _ in 0..<33_333 {
            let value = numbers.next()
            text += "\(value & 127 + 1).\(value >> 8 & 255).\(value >> 16 & 255).\(value >> 24 & 255)\n"
            text += "h\(String(value >> 32 & 0xFFFFFF, radix: 36)).d\(String(value >> 48, radix: 36)).example\n"
            for _ in 0..<4 {
                let word = String(numbers.next(), radix: 16)
                text += String(repeating: "0", count: 16 - word.count) + word
            }
            text += "\n"
        }
        return text
    }

    static func event(_ numbers: inout SeededNumbers) -> [UInt8] {
        let value = numbers.next()
        let text =
            #"{"activity_id":6,"activity_name":"Traffic","category_name":"Network Activity","category_uid":4,"class_name":"Network Activity","class_uid":4001,"connection_info":{"direction_id":0,"protocol_name":"tcp","protocol_num":6},"device":{"hostname":"fw1","ip":"10.0.0.1","type_id":9},"disposition_id":2,"dst_endpoint":{"ip":"172.2\#(1 + value % 4).0.\#(value >> 4 & 63)","port":\#([502, 443, 22, 102][Int(value >> 20 & 3)])},"message":"Deny tcp","metadata":{"event_code":"106023","log_name":"firewall","logged_time":1767323045100,"product":{"name":"ASA","vendor_name":"Cisco"},"profiles":["host","security_control"],"uid":"plant/0/1767323045/100000","version":"1.8.0"},"raw_data":"<166>x","severity":"Medium","severity_id":3,"src_endpoint":{"hostname":"ws-\#(value >> 30 & 1023).office.plant.test","ip":"172.24.0.\#(value >> 44 & 63)","port":4711},"status_id":2,"time":1767323045100,"type_name":"Network Activity: Traffic","type_uid":400106,"url":{"hostname":"www.vendor\#(value >> 50 & 255).example.org"},"unmapped":{"access_group":"outside_in","vendor":{"a":"1","b":"2"}}}"#
        return Array(text.utf8)
    }

    @Test func cost() throws {
        let wanted = (ProcessInfo.processInfo.environment["PENSTOCK_BENCH"] ?? "").split(separator: " ")
        let rounds = wanted.count == 2 ? Int(wanted[1]) ?? 100 : 400
        let zones = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().appending(
            path: "../../mappings/zones.example.yaml")
        var numbers = SeededNumbers(state: 7)
        let text = EnrichmentBenchmark.lists(&numbers)
        let events = (0..<500).map { _ in EnrichmentBenchmark.event(&numbers) }
        for mode in ["intelligence", "plant", "both"] where wanted.count < 2 || wanted[0] == mode {
            let plant =
                mode == "intelligence"
                ? .empty
                : PlantModel.parse(
                    try String(contentsOf: zones, encoding: .utf8), file: "zones", complaints: Complaints())
            let start = ContinuousClock.now
            let known = mode == "plant" ? .empty : intelligence([(list("big"), text)]).known
            let loading = ContinuousClock.now - start
            var builder = FieldTable.Builder()
            var reader = EventReader()
            let first = events[0]
            try reader.collect(first.span.bytes, into: &builder)
            let plan = Enricher.Plan(plant, intelligence: known, builder: &builder)
            let table = builder.build()
            // Each event is enriched once, as in the service: what a first time has added would be in the way of a second.
            var read = Batch(table: table)
            var layouts: [[UInt64]: UInt32] = [:]
            var prepared: [(row: Row, entries: [Entry])] = []
            for event in events {
                try #require(reader.read(event.span.bytes, into: &read) != nil)
                let entries = read.entries(of: read.rows.count - 1).map { read.entries[$0] }
                var row = read.rows[read.rows.count - 1]
                row.layout = layouts[entries.map(\.order), default: UInt32(layouts.count + 1)]
                layouts[entries.map(\.order)] = row.layout
                prepared.append((row, entries))
            }
            let image = read.slab.bytes.array
            var enricher = plan.finish(table)
            var batch = Batch(table: table)
            func time(enriching: Bool) -> Double {
                var from = timespec()
                var to = timespec()
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from)
                for _ in 0..<rounds {
                    batch.reset()
                    batch.slab.append(image.span.bytes)
                    for (row, entries) in prepared {
                        entries.withUnsafeBufferPointer { batch.append(row, entries: $0) }
                        if enriching { enricher.enrich(&batch) }
                    }
                }
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to)
                return (Double(to.tv_sec - from.tv_sec) * 1e9 + Double(to.tv_nsec - from.tv_nsec)) / Double(rounds)
            }
            // The least of some runs: others work on this machine too.
            var (with, without) = (Double.infinity, Double.infinity)
            for _ in 0..<4 {
                without = min(without, time(enriching: false))
                with = min(with, time(enriching: true))
            }
            let time = with - without
            let indicators = known.lists.first?.indicators ?? 0
            print("\(mode): \(Int(time / 500)) ns an event; \(indicators) indicators, loaded in \(loading)")
        }
    }
}
