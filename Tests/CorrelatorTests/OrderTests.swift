// SPDX-License-Identifier: Apache-2.0
import Correlator
import Events
import Instruments
import Sigma
import Testing

struct OrderTests {
    /// Any order of arrival within the lateness gives the same firings, evidence and ids included.
    @Test func shuffle() {
        var generator = Generator(state: 7)
        for round in 0..<60 {
            let bounds = ["gte: 3", "eq: 2", "gt: 1, lt: 4", "lt: 2", "eq: 0"][round % 5]
            let set = Support.counting(bounds, timespan: "10s", generate: true)
            let hits = (0..<40).map { index in
                // Equal times are frequent.
                Support.hit(
                    Double(Int.random(in: 0..<60, using: &generator)) / 2,
                    user: ["a", "b"].randomElement(using: &generator),
                    note: "\(index)")
            }
            var options = Correlator.Options.offline
            options.standalone = true
            let expected = Support.facts(Support.run(set, hits.sorted { $0.time < $1.time }, options: options))
            #expect(!expected.isEmpty)
            for _ in 0..<4 {
                var other = hits.shuffled(using: &generator)
                // Uids and times of receipt are of the run, not of the content.
                for index in other.indices {
                    other[index].uid = "\(generator.next())"
                    other[index].event = Array(
                        String(decoding: other[index].event, as: UTF8.self).replacing(
                            "\"uid\":\"\"", with: "\"uid\":\"x\(index)\""
                        )
                        .utf8)
                }
                #expect(Support.facts(Support.run(set, other, options: options)) == expected)
            }
        }
    }

    /// Live: batches of several lanes, late by less than the bound, any cut into calls.
    @Test func liveShuffle() {
        var generator = Generator(state: 11)
        for _ in 0..<30 {
            let set = Support.counting("gte: 3", timespan: "10s")
            let hits = (0..<200).map { index in
                Support.hit(
                    Double(index) / 4, user: ["a", "b", "c"].randomElement(using: &generator), note: "\(index)")
            }
            let expected = Support.facts(Support.run(set, hits))
            // Each hit is displaced by less than the lateness of 2 s.
            var keyed = hits.map { (key: $0.time + Int64.random(in: 0..<1_900_000_000, using: &generator), hit: $0) }
            keyed.sort { $0.key < $1.key }
            let registry = Registry()
            var correlator = Correlator(ruleSet: set, registry: registry)
            var firings: [Firing] = []
            var start = 0
            while start < keyed.count {
                let end = min(keyed.count, start + Int.random(in: 1...20, using: &generator))
                firings += correlator.accept(
                    keyed[start..<end].map(\.hit), now: keyed[end - 1].key,
                    partition: Int.random(in: 0..<2, using: &generator))
                start = end
            }
            firings += correlator.finish()
            // The evidence limit cuts later growth alike; counts and times are exact.
            #expect(Support.facts(Firing.joined(firings)) == expected)
            #expect(registry.total("penstock_dropped_total") == 0)
        }
    }

    @Test func watermark() {
        let set = Support.counting("gte: 1")
        var correlator = Correlator(ruleSet: set, registry: Registry())
        let second = Support.second
        #expect(correlator.accept([Support.hit(100)], now: 100 * second, partition: 0).isEmpty)
        // Another partition is behind: its events are waited for.
        correlator.observe(time: 90 * second, now: 100 * second, partition: 1)
        correlator.observe(time: 200 * second, now: 100 * second + 1, partition: 0)
        #expect(correlator.advance(now: 100 * second + 500_000_000).isEmpty)
        // It falls silent and leaves the minimum.
        correlator.observe(time: 201 * second, now: 101 * second, partition: 0)
        #expect(correlator.advance(now: 101 * second + 100_000_000).count == 1)
    }

    @Test func allIdle() {
        let second = Support.second
        var correlator = Correlator(ruleSet: Support.counting("gte: 1"), registry: Registry())
        // The source's clock is years behind; the receive clock tells how long it has been silent.
        #expect(correlator.accept([Support.hit(100)], now: 1_000_000 * second, partition: 0).isEmpty)
        #expect(correlator.advance(now: 1_000_001 * second).isEmpty)
        #expect(correlator.advance(now: 1_000_002 * second).count == 1)
    }

    @Test func late() {
        let registry = Registry()
        var correlator = Correlator(ruleSet: Support.counting("gte: 2", timespan: "1h"), registry: registry)
        _ = correlator.accept([Support.hit(1_000), Support.hit(2_000)], now: 0, partition: 0)
        #expect(correlator.accept([Support.hit(699)], now: 0, partition: 0).isEmpty, "beyond the allowed lateness")
        #expect(correlator.finish().map(\.first) == [1_000 * Support.second])
        #expect(registry.total("penstock_correlation_late_events_total") == 1)
        #expect(registry.dropped(stage: "correlate", reason: "late").current == 1)
    }

    /// A rule that alerts on its own fires even when its event comes hours late.
    @Test func lateStandAlone() {
        let registry = Registry()
        let set = Support.rules(
            """
            title: one
            name: one
            logsource: {product: test}
            detection: {sel: {what: fail}, condition: sel}
            penstock: {group-by: [user], timespan: 1m}
            """)
        var correlator = Correlator(ruleSet: set, registry: registry)
        _ = correlator.accept([Support.hit(10_000, user: "x", rules: ["one"])], now: 0, partition: 0)
        _ = correlator.advance(now: 100 * Support.second)
        let late = Firing.joined(
            correlator.accept(
                [Support.hit(50, rules: ["one"]), Support.hit(51, rules: ["one"])], now: 0, partition: 0))
        #expect(late.count == 1 && late[0].count == 2 && late[0].first == 50 * Support.second)
        #expect(registry.dropped(stage: "correlate", reason: "late").current == 0)
    }

    /// An event from the future is taken at its time of receipt.
    @Test func future() {
        var correlator = Correlator(ruleSet: Support.counting("gte: 2"), registry: Registry())
        var wrong = Support.hit(1_000_000)
        wrong.received = 100 * Support.second
        var right = Support.hit(101)
        right.received = 101 * Support.second
        let firings = correlator.accept([wrong, right], now: 0, partition: 0) + correlator.finish()
        #expect(firings.map(\.time) == [101 * Support.second])
    }
}
