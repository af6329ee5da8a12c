// SPDX-License-Identifier: Apache-2.0
import Correlator
import Events
import Foundation
import Instruments
import Sigma
import Testing

/// What correlating costs a hit, on one lane; printed when `PENSTOCK_BENCH` is set. Preparing a hit (its group and value out
/// of the event, and a hash of what it is made of) is told apart.
@Suite(
    .serialized,
    .enabled(if: ProcessInfo.processInfo.environment["PENSTOCK_BENCH"] != nil, "set PENSTOCK_BENCH to measure"))
struct CorrelatorBenchmark {
    private func hit(_ number: Int, user: Int, value: Int) -> Hit {
        let event = "{\"user\":\"u\(user)\",\"value\":\"v\(value)\",\"what\":\"fail\"}"
        return Hit(
            rules: ["fail"], uid: "", time: Int64(number) * 1_000_000, received: 0, event: Array(event.utf8),
            evidence: [
                Evidence(
                    kind: .syslog, bytes: Array("\(number)".utf8), received: 0, collector: "test", peer: "10.0.0.1")
            ])
    }

    private static var cpu: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static var resident: Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon") } ?? ""
        return (Int(line.split(whereSeparator: { !$0.isNumber }).first ?? "0") ?? 0) / 1_024
    }

    private func measure(_ name: String, _ body: String, timespan: String, count: Int, _ make: (Int) -> Hit) {
        let set = Support.rules(
            """
            title: fail
            name: fail
            logsource: {product: test}
            detection: {sel: {what: fail}, condition: sel}
            ---
            title: many
            name: many
            correlation:
              rules: [fail]
              group-by: [user]
              timespan: \(timespan)
              \(body)
            """)
        var options = Correlator.Options()
        options.outOfOrder = 100
        options.maxGroupsPerSource = 2_000_000
        options.maxGroups = 2_000_000
        var correlator = Correlator(ruleSet: set, options: options, registry: Registry())
        let plan = correlator.plan
        let before = Self.resident
        var (prepared, judged, firings) = (0.0, 0.0, 0)
        for start in stride(from: 0, to: count, by: 1_000) {
            let raw = (start..<min(count, start + 1_000)).map(make)
            let first = Self.cpu
            let hits = raw.map(plan.prepare)
            let second = Self.cpu
            firings += correlator.accept(hits, now: Int64(start) * 1_000_000).count
            prepared += second - first
            judged += Self.cpu - second
        }
        let first = Self.cpu
        firings += correlator.finish().count
        judged += Self.cpu - first
        print(
            "\(name): \(Int(Double(count) / judged)) hits/s, \(Int(judged / Double(count) * 1e9)) ns a hit, prepared in "
                + "\(Int(prepared / Double(count) * 1e9)) ns, \(firings) firings, \(correlator.groupCount) groups, "
                + "\(Self.resident - before) MiB")
        withExtendedLifetime(correlator) {}
    }

    @Test func eventCount() {
        measure("event_count", "type: event_count\n  condition: {gte: 5}", timespan: "10s", count: 1_000_000) {
            hit($0, user: $0 % 1_000, value: 0)
        }
    }

    @Test func eventCountWithoutFirings() {
        measure(
            "event_count, nothing fires", "type: event_count\n  condition: {gte: 500}", timespan: "10s",
            count: 1_000_000
        ) {
            hit($0, user: $0 % 1_000, value: 0)
        }
    }

    @Test func valueCount() {
        measure(
            "value_count, 100,000 values", "type: value_count\n  condition: {field: value, gte: 200000}",
            timespan: "1h",
            count: 1_000_000
        ) { hit($0, user: 0, value: $0 % 100_000) }
    }

    @Test func groups() {
        measure("a million groups", "type: event_count\n  condition: {gte: 5}", timespan: "1d", count: 1_000_000) {
            hit($0, user: $0, value: 0)
        }
    }

    /// Five million keys in fifty minutes, and five events of a slow attacker among them, behind the same sender or another.
    @Test(arguments: ["10.0.0.1", "10.0.0.9"]) func flood(attackersSender: String) {
        let registry = Registry()
        var options = Correlator.Options()
        options.standalone = false
        var correlator = Correlator(
            ruleSet: Support.counting("gte: 5", timespan: "1h"), options: options, registry: registry)
        let plan = correlator.plan
        let (before, count, start) = (Self.resident, 5_000_000, Self.cpu)
        var (firings, peak): ([Firing], Int) = ([], 0)
        for first in stride(from: 0, to: count, by: 1_000) {
            // 600 microseconds apart: fifty minutes.
            var hits = (first..<first + 1_000).map { number in
                var hit = hit(number, user: number, value: 0)
                hit.time = Int64(number) * 600_000
                return plan.prepare(hit)
            }
            if first % 1_249_000 == 0 {
                let seconds = Double(first) * 600e-6
                hits.append(plan.prepare(Support.hit(seconds, user: "slow", peer: attackersSender)))
            }
            firings += correlator.accept(hits, now: Int64(first) * 600_000)
            if first % 100_000 == 0 { peak = max(peak, Self.resident - before) }
        }
        firings += correlator.finish()
        #expect(Set(firings.map { $0.group[0].value }) == ["slow"])
        print(
            "flood: \(Int((Self.cpu - start) / Double(count) * 1e9)) ns a hit with its making, \(peak) MiB, "
                + "\(correlator.groupCount) groups, \(firings.count) firings, "
                + "\(registry.dropped(stage: "correlate", reason: "group_quota").current) groups given up")
    }
}
