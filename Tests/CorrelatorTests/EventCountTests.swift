// SPDX-License-Identifier: Apache-2.0
import Correlator
import Events
import Instruments
import Sigma
import Testing

struct EventCountTests {
    @Test(arguments: [
        // (bounds, times, times of firings)
        ("gte: 3", [0.0, 1, 2], [2.0]),
        ("gte: 3", [0, 1], []),
        ("gt: 2", [0, 1, 2], [2]),
        // Exactly one timespan apart: the window is (t - timespan, t].
        ("gte: 2", [0, 60], []),
        ("gte: 2", [0, 59.999], [59.999]),
        ("gte: 2", [1_700_000_000.1, 1_700_000_060.1], []),
        ("gte: 2", [1_700_000_000.1, 1_700_000_060.099], [1_700_000_060.099]),
        // Out of the first window, inside a later one.
        ("gte: 3", [0, 50, 70, 100], [100]),
        ("eq: 3", [0, 1, 2, 3, 4], [2]),
        ("eq: 3", [0, 1, 1, 1], []),
        ("gt: 2, lte: 4", [0, 1, 2, 3], [2]),
        ("neq: 1", [0, 1], [1]),
        // Once a window; the next firing needs an event at least one timespan after the first.
        ("gte: 2", [0, 1, 2, 3, 4, 59, 60], [1]),
        ("gte: 2", [0, 1, 30, 61], [1, 61]),
        ("gte: 2", [0, 1, 60.999], [1]),
    ])
    func windows(_ bounds: String, _ times: [Double], _ expected: [Double]) {
        let firings = Support.run(Support.counting(bounds), times.map { Support.hit($0) })
        #expect(firings.map(\.time) == expected.map { Firing.nanoseconds(seconds: $0) ?? 0 })
    }

    /// Few events are told when a full window is over, not before, and once until the next event.
    @Test(arguments: [
        ("eq: 0", [0.0, 10, 200], [70.0]),
        ("eq: 0", [0, 10, 70], []),
        ("eq: 0", [0, 10, 70.001, 200], [70, 130.001]),
        ("lt: 2", [0, 10, 20, 30, 200], [80]),
        ("lte: 1", [0, 10, 20, 30, 200], [80]),
        ("eq: 0", [0], []),
    ])
    func absence(_ bounds: String, _ times: [Double], _ expected: [Double]) {
        let firings = Support.run(Support.counting(bounds), times.map { Support.hit($0) })
        #expect(firings.map(\.time) == expected.map { Firing.nanoseconds(seconds: $0) ?? 0 })
        #expect(firings.allSatisfy { !$0.hits.isEmpty }, "the last event before the silence gives the context")
    }

    @Test func groups() {
        let hits = [
            Support.hit(0, user: "a"), Support.hit(1, user: "b"), Support.hit(2, user: nil), Support.hit(3, user: "a"),
            Support.hit(4, user: nil), Support.hit(5, user: "c"),
        ]
        let firings = Support.run(Support.counting("gte: 2"), hits)
        #expect(firings.map { $0.group[0].value } == ["a"])
        #expect(firings[0].first == 0 && firings[0].last == 3 * Support.second && firings[0].count == 2)
    }

    @Test func growth() {
        var options = Correlator.Options()
        options.outOfOrder = 0
        var correlator = Correlator(ruleSet: Support.counting("gte: 2"), options: options, registry: Registry())
        #expect(correlator.accept([Support.hit(0)], now: 0, partition: 0).isEmpty)
        let first = correlator.accept([Support.hit(1)], now: 0, partition: 0)
        #expect(first.map(\.revision) == [1] && first[0].hits.count == 2 && first[0].count == 2)
        let second = correlator.accept([Support.hit(2), Support.hit(3)], now: 0, partition: 0)
        #expect(second.map(\.revision) == [2] && second[0].hits.count == 2 && second[0].count == 4)
        #expect(second[0].id == first[0].id && second[0].time == first[0].time && second[0].last == 3 * Support.second)
        let next = correlator.accept([Support.hit(61), Support.hit(62)], now: 0, partition: 0)
        #expect(next.count == 1 && next[0].revision == 1 && next[0].id != first[0].id)
        // The window (1 s, 61 s] holds the events at 2 and 3 s as well; 62 s is told later: the firing has not doubled.
        #expect(next[0].count == 3)
        let last = correlator.finish()
        #expect(last.map(\.count) == [4] && last[0].revision == 2 && last[0].id == next[0].id)
    }

    @Test func twoRulesOfOneEventCountForBoth() {
        let set = Support.rules(
            """
            title: a
            name: a
            logsource: {product: test}
            detection: {sel: {what: fail}, condition: sel}
            ---
            title: b
            name: b
            logsource: {product: test}
            detection: {sel: {what: fail}, condition: sel}
            ---
            title: many
            correlation: {type: event_count, rules: [a, b], group-by: [user], timespan: 1m, condition: {gte: 2}}
            """)
        let firings = Support.run(set, [Support.hit(0, rules: ["a", "b"])])
        #expect(firings.count == 1 && firings[0].count == 2 && firings[0].hits.count == 1)
    }

    @Test func standAlone() {
        var options = Correlator.Options()
        options.outOfOrder = 0
        func fired(_ generate: Bool) -> [String] {
            var correlator = Correlator(
                ruleSet: Support.counting("gte: 2", generate: generate), options: options, registry: Registry())
            return Firing.joined(
                correlator.accept([Support.hit(0), Support.hit(1)], now: 0, partition: 0) + correlator.finish()
            ).map(\.rule.id)
        }
        #expect(fired(false) == ["many"])
        #expect(fired(true).sorted() == ["fail", "many"])
    }

    @Test func folding() {
        let set = Support.rules(
            """
            title: one
            name: ONE
            id: 7a1f6c3e-0f0b-4f0e-9a51-1c2d3e4f5a6b
            level: high
            logsource: {product: test}
            detection: {sel: {what: fail}, condition: sel}
            penstock: {group-by: [user, missing], timespan: 1m}
            """)
        let id = set.rules[0].id
        let hits = [0.0, 5, 59, 60, 61].map { Support.hit($0, rules: [id]) } + [Support.hit(3, user: nil, rules: [id])]
        var options = Correlator.Options.offline
        options.standalone = true
        let firings = Support.run(set, hits, options: options)
        #expect(firings.map(\.time) == [0, 3, 60].map { $0 * Support.second })
        #expect(firings.map(\.count) == [3, 1, 2])
        #expect(firings[1].group.isEmpty, "an alert is not lost for want of a group field")
        #expect(firings[0].rule.name == "ONE" && firings[0].rule.level == "high")
    }

    @Test func line() {
        let firings = Support.run(Support.counting("gte: 2"), [Support.hit(0.5), Support.hit(59.999)])
        #expect(
            firings.map { String(decoding: $0.line, as: UTF8.self) } == [
                #"{"rule":"many","group":{"user":"bob"},"time":59.999,"first":0.5,"last":59.999,"count":2}"#
            ])
        #expect(Firing.seconds(-1_500_000_000) == "-1.5")
    }
}
