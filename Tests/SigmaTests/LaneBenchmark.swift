// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Sigma
import Testing

/// What matching costs a lane; printed when `PENSTOCK_BENCH` is set.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["PENSTOCK_BENCH"] != nil, "set PENSTOCK_BENCH to measure"))
struct LaneBenchmark {
    @Test func shippedRules() throws {
        let set = RuleSet.load(
            paths: [ShippedRuleTests.folder], placeholders: ["modbus_writers": ["172.22.0.10"]],
            complaints: Complaints())
        let common =
            #""class_uid":4001,"category_uid":4,"activity_id":6,"severity_id":1,"time":1700000000000,"message":"IN=eth0 OUT=eth1 SRC=172.22.0.10 DST=172.21.0.10 LEN=52","metadata":{"version":"1.8.0","uid":"a-1","product":{"name":"netfilter","vendor_name":"Linux"},"logged_time":1700000000000},"src_endpoint":{"ip":"172.22.0.10","port":51123,"mac":"02:42:ac:15:00:0a"},"dst_endpoint":{"ip":"172.21.0.10","port":502},"connection_info":{"protocol_name":"tcp","protocol_num":6,"direction_id":1},"device":{"hostname":"fw-1","type_id":9}"#
        let events = [
            (
                "firewall line, no match",
                "{\(common),\"unmapped\":{\"zone\":{\"src\":\"supervision\",\"dst\":\"control\",\"conduit\":\"allowed\"},\"TTL\":\"64\",\"WINDOW\":\"501\"}}"
            ),
            (
                "Modbus read, no match",
                "{\(common),\"unmapped\":{\"zone\":{\"conduit\":\"allowed\"},\"modbus\":{\"function_code\":3,\"is_write\":false,\"status\":\"accepted\",\"unit_id\":1,\"address\":0,\"quantity\":10}}}"
            ),
            (
                "Modbus write by a stranger, two matches",
                "{\(common.replacing("172.22.0.10", with: "172.24.0.10")),\"unmapped\":{\"zone\":{\"conduit\":\"allowed\"},\"modbus\":{\"function_code\":6,\"is_write\":true,\"status\":\"accepted\"}}}"
            ),
        ]
        let candidates = set.candidates(for: LogSources(products: ["ocsf"], categories: ["network_activity"]))
        for (name, text) in events {
            let json = Array(text.utf8)
            var reader = EventReader()
            var builder = FieldTable.Builder()
            try reader.collect(json.span.bytes, into: &builder)
            for path in set.fields { builder.add(path) }
            let table = builder.build()
            var batch = Batch(table: table)
            for _ in 0..<100 { _ = reader.read(json.span.bytes, into: &batch) }
            let bound = BoundRules(set, table: table)
            var scratch = MatchScratch()
            var hits: [Int] = []
            let clock = ContinuousClock()
            var best = Duration.seconds(1)
            for _ in 0..<20 {
                let time = clock.measure {
                    for _ in 0..<20 {
                        for row in 0..<100 {
                            hits.removeAll(keepingCapacity: true)
                            bound.match(row, of: batch, candidates: candidates, scratch: &scratch, into: &hits)
                        }
                    }
                }
                best = min(best, time / 2_000)
            }
            print(
                "\(candidates.count) of \(set.rules.count) rules, \(name): \(best) an event, \(batch.rows[0].count) entries, \(hits.count) hits"
            )
        }
    }

    /// The whole public set (`PENSTOCK_SIGMAHQ`) over events that `penstock normalize --jsonl` made (`PENSTOCK_EVENTS`).
    @Test(
        .enabled(
            if: ProcessInfo.processInfo.environment["PENSTOCK_SIGMAHQ"] != nil
                && ProcessInfo.processInfo.environment["PENSTOCK_EVENTS"] != nil))
    func publicRules() throws {
        let environment = ProcessInfo.processInfo.environment
        let complaints = Complaints()
        let set = RuleSet.load(
            paths: [environment["PENSTOCK_SIGMAHQ"] ?? ""], taxonomy: TaxonomyTests.shipped, complaints: complaints)
        let lines = try String(contentsOfFile: environment["PENSTOCK_EVENTS"] ?? "", encoding: .utf8)
        let events = lines.split(separator: "\n").compactMap { line -> [UInt8]? in
            let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return object?["event"].map { Cases.bytes($0) }
        }
        var reader = EventReader()
        var builder = FieldTable.Builder()
        for event in events { try reader.collect(event.span.bytes, into: &builder) }
        let table = builder.build()
        var batch = Batch(table: table)
        for event in events { _ = reader.read(event.span.bytes, into: &batch) }
        let bound = BoundRules(set, table: table)
        var kinds: [Int: RuleCandidates] = [:]
        for row in batch.rows {
            let uid = Int(row.classUID)
            kinds[uid] = kinds[uid] ?? set.candidates(for: LogSources(products: ["ocsf"]), classUID: uid)
        }
        let candidates = batch.rows.map { kinds[Int($0.classUID)] ?? .none }
        var scratch = MatchScratch()
        var hits: [Int] = []
        let rounds = Int(environment["PENSTOCK_ROUNDS"] ?? "") ?? 100
        let time = ContinuousClock().measure {
            for _ in 0..<rounds {
                hits.removeAll(keepingCapacity: true)
                for row in batch.rows.indices {
                    bound.match(row, of: batch, candidates: candidates[row], scratch: &scratch, into: &hits)
                }
            }
        }
        let count = rounds * events.count
        print(
            "\(set.rules.count) rules, \(events.count) events: \(time / max(1, count)) an event, \(scratch.takeEvaluations() / max(1, count)) rules evaluated, \(hits.count) hits a round"
        )
    }
}
