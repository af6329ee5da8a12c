// SPDX-License-Identifier: Apache-2.0
import Correlator
import Events
import Foundation
import Instruments
import Sigma
import Testing

struct BoundsTests {
    /// A flood of groups from one source pushes out its own, not the slow attacker from another.
    @Test func quotas() {
        let registry = Registry()
        var options = Correlator.Options()
        options.maxGroups = 200
        options.maxGroupsPerSource = 100
        options.maxDormant = 1
        options.outOfOrder = 0
        var correlator = Correlator(
            ruleSet: Support.counting("gte: 2", timespan: "1h"), options: options, registry: registry)
        var firings = correlator.accept([Support.hit(0, user: "slow", peer: "10.0.0.9")], now: 0, partition: 0)
        for index in 1...1_000 {
            firings += correlator.accept([Support.hit(Double(index), user: "u\(index)")], now: 0, partition: 0)
            #expect(correlator.groupCount <= 200)
        }
        firings += correlator.accept([Support.hit(1_001, user: "slow", peer: "10.0.0.9")], now: 0, partition: 0)
        firings += correlator.finish()
        #expect(firings.map { $0.group[0].value } == ["slow"])
        #expect(registry.dropped(stage: "correlate", reason: "group_quota").current == 899)
    }

    @Test func groupsAreForgotten() {
        var options = Correlator.Options()
        options.outOfOrder = 0
        options.lateness = 0
        var correlator = Correlator(ruleSet: Support.counting("gte: 2"), options: options, registry: Registry())
        for index in 0..<500 {
            _ = correlator.accept([Support.hit(Double(index), user: "u\(index)")], now: 0, partition: 0)
        }
        #expect(correlator.groupCount <= 61)
    }

    @Test func evidence() {
        let registry = Registry()
        var options = Correlator.Options()
        options.outOfOrder = 0
        options.maxEvidence = 10
        var correlator = Correlator(ruleSet: Support.counting("gte: 4"), options: options, registry: registry)
        var firings: [Firing] = []
        for index in 0..<40 {
            firings += correlator.accept([Support.hit(Double(index), note: "\(index)")], now: 0, partition: 0)
        }
        firings += correlator.finish()
        let joined = Firing.joined(firings)
        #expect(joined.count == 1 && joined[0].count == 40 && joined[0].hits.count == 10 && joined[0].omitted == 30)
        #expect(registry.dropped(stage: "correlate", reason: "evidence_limit").current == 30)
    }

    @Test func pending() {
        let registry = Registry()
        var options = Correlator.Options()
        options.outOfOrder = 1_000_000
        options.maxPending = 50
        var correlator = Correlator(
            ruleSet: Support.counting("gte: 100", timespan: "1h"), options: options, registry: registry)
        var firings: [Firing] = []
        for index in 0..<100 { firings += correlator.accept([Support.hit(Double(index))], now: 0, partition: 0) }
        #expect(correlator.waiting == 50)
        #expect(registry.dropped(stage: "correlate", reason: "reorder_full").current == 50)
        firings += correlator.finish()
        #expect(firings.count == 1, "what the buffer gave up is counted all the same")
    }

    /// Late events cannot make a window, the firings of a group, or what is waited for grow without end.
    @Test(arguments: ["gte: 3", "eq: 0", "lt: 3"]) func lateFlood(_ condition: String) {
        var options = Correlator.Options()
        options.outOfOrder = 0
        options.maxWindow = 50
        options.maxFirings = 20
        var correlator = Correlator(
            ruleSet: Support.counting(condition, timespan: "1m", generate: true), options: options, registry: Registry()
        )
        _ = correlator.accept([Support.hit(1_000)], now: 0, partition: 0)
        for index in 0..<2_000 {
            // Each a little older than the one before, so that none is in order.
            _ = correlator.accept([Support.hit(999 - Double(index) / 8, note: "\(index)")], now: 0, partition: 0)
            #expect(correlator.load.events <= 2 * 51)
            #expect(correlator.load.firings <= 2 * 20)
        }
        for index in 0..<2_000 {
            _ = correlator.accept([Support.hit(1_000 + Double(index), note: "\(index)")], now: 0, partition: 0)
        }
        // One window of the group at a time, and one telling of each of its firings.
        #expect(correlator.load.timers <= 2 + 2 * 20)
    }

    /// A reload keeps what unchanged rules have counted.
    @Test func reload() {
        var options = Correlator.Options()
        options.outOfOrder = 0
        for (bounds, expected, lost) in [("gte: 3", 1, []), ("gte: 2", 0, ["many"])] {
            var correlator = Correlator(ruleSet: Support.counting("gte: 3"), options: options, registry: Registry())
            _ = correlator.accept([Support.hit(0), Support.hit(1)], now: 0, partition: 0)
            #expect(correlator.reload(Support.counting(bounds), registry: Registry()) == lost)
            #expect(correlator.accept([Support.hit(2)], now: 0, partition: 0).count == expected)
        }
    }

    /// Evidence goes by age over all rules: what two rules hold of the youngest events stays.
    @Test func evidenceByAge() {
        let rules = ["first", "second"].map {
            "---\ntitle: \($0)\nname: \($0)\ncorrelation:\n  type: event_count\n  rules: [fail]\n  group-by: [user]\n"
                + "  timespan: 1h\n  condition: {gte: 2}"
        }
        let set = Support.rules(
            (["title: fail\nname: fail\nlogsource: {product: test}\ndetection: {sel: {what: fail}, condition: sel}"]
                + rules).joined(separator: "\n"))
        var options = Correlator.Options()
        options.outOfOrder = 0
        options.maxEvidenceBytes = 20_000
        options.standalone = false
        var correlator = Correlator(ruleSet: set, options: options, registry: Registry())
        for index in 0..<500 {
            _ = correlator.accept([Support.hit(Double(index), user: "u\(index)")], now: 0, partition: 0)
        }
        for (time, user, omitted) in [(600.0, "u495", 0), (601, "u3", 1)] {
            let firings = correlator.accept([Support.hit(time, user: user)], now: 0, partition: 0)
            #expect(firings.map(\.rule.name).sorted() == ["first", "second"])
            #expect(firings.allSatisfy { $0.omitted == omitted && $0.hits.count == 2 - omitted })
        }
    }

    /// Whatever the hits hold, nothing traps and nothing grows beyond its bound.
    @Test func fuzz() {
        var generator = Generator(state: 3)
        let sets = ["gte: 3", "eq: 0", "lt: 2", "gt: 1, lte: 3"].map {
            Support.counting($0, timespan: "5s", generate: true)
        }
        for set in sets {
            var options = Correlator.Options()
            options.maxGroups = 20
            options.maxGroupsPerSource = 7
            options.maxWindow = 5
            options.maxEvidence = 3
            options.maxPending = 30
            var correlator = Correlator(ruleSet: set, options: options, registry: Registry())
            let extremes: [Int64] = [.min, .max, 0, -1, 1, .max - 1, .min + 1]
            var received = 0
            for _ in 0..<3_000 {
                var hit = Support.hit(
                    Double(Int.random(in: 0..<40, using: &generator)), user: "u\(generator.next() % 40)")
                if generator.next() % 50 == 0 { hit.time = extremes.randomElement(using: &generator) ?? 0 }
                if generator.next() % 20 == 0 { hit.event = Array(hit.event.prefix(Int(generator.next() % 30))) }
                if generator.next() % 20 == 0 { hit.evidence = [] }
                hit.received = generator.next() % 3 == 0 ? 0 : hit.time
                received +=
                    correlator.accept(
                        [hit], now: Int64(truncatingIfNeeded: generator.next()) >> 30,
                        partition: Int(generator.next() % 3)
                    ).count
                #expect(correlator.groupCount <= 40 && correlator.waiting <= 30)
            }
            received += correlator.finish().count
            #expect(received > 0)
        }
    }
}
