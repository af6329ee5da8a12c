// SPDX-License-Identifier: Apache-2.0
import Correlator
import Events
import Instruments
import Sigma
import Testing

/// Groups that made room for others go on where they were.
struct DormantTests {
    private func options(groups: Int, perSource: Int? = nil) -> Correlator.Options {
        var options = Correlator.Options()
        options.maxGroups = groups
        options.maxGroupsPerSource = perSource ?? groups
        options.outOfOrder = 0
        options.lateness = 0
        options.standalone = false
        return options
    }

    /// Who fires first and when, whatever the room: for every type of correlation, on random streams.
    @Test(arguments: OracleTests.kinds) func sameFirings(_ kind: OracleTests.Kind) {
        let oracle = OracleTests()
        let set = oracle.set(kind, "once")
        var generator = Generator(state: 11)
        var fired = 0
        for _ in 0..<30 {
            let hits = (0..<120).map { number in
                oracle.hit(
                    OracleTests.Event(
                        time: Int64(number) * Support.second / 8, step: Int.random(in: 0..<3, using: &generator),
                        user: "u\(Int.random(in: 0..<12, using: &generator))",
                        value: Int.random(in: 0..<8, using: &generator)), number)
            }
            func first(_ options: Correlator.Options) -> [String: String] {
                var correlator = Correlator(ruleSet: set, options: options, registry: Registry())
                var found: [String: String] = [:]
                for hit in hits {
                    for firing in correlator.accept([hit], now: 0, partition: 0) {
                        let told = "\(firing.id) \(firing.time) \(firing.first) \(firing.last) \(firing.count)"
                        found[firing.group[0].value] = found[firing.group[0].value] ?? told
                    }
                    #expect(correlator.groupCount <= options.maxGroups)
                }
                return found
            }
            let expected = first(options(groups: 1_000))
            #expect(first(options(groups: 3)) == expected)
            fired += expected.count
        }
        #expect(fired > 0, "a test of nothing")
    }

    /// The same with some hundreds of groups that push each other out.
    @Test func manyGroups() {
        let set = Support.counting("gte: 3", timespan: "1h")
        var generator = Generator(state: 17)
        let hits = (0..<6_000).map {
            Support.hit(Double($0), user: "u\(Int.random(in: 0..<500, using: &generator))", note: "\($0)")
        }
        func first(_ options: Correlator.Options) -> [String: String] {
            var correlator = Correlator(ruleSet: set, options: options, registry: Registry())
            var found: [String: String] = [:]
            for hit in hits {
                for firing in correlator.accept([hit], now: 0, partition: 0) {
                    found[firing.group[0].value] = found[firing.group[0].value] ?? "\(firing.id) \(firing.time)"
                }
                #expect(correlator.groupCount <= options.maxGroups)
            }
            return found
        }
        let expected = first(options(groups: 1_000))
        #expect(expected.count > 400)
        #expect(first(options(groups: 130)) == expected)
    }

    /// Five events in fifty minutes, behind the same firewall as a flood of keys.
    @Test func slowAttacker() {
        let registry = Registry()
        var correlator = Correlator(
            ruleSet: Support.counting("gte: 5", timespan: "1h"), options: options(groups: 400, perSource: 200),
            registry: registry)
        var firings: [Firing] = []
        for index in 0...3_000 {
            if index % 750 == 0 {
                firings += correlator.accept([Support.hit(Double(index), user: "slow")], now: 0, partition: 0)
            }
            firings += correlator.accept([Support.hit(Double(index), user: "u\(index)")], now: 0, partition: 0)
            #expect(correlator.groupCount <= 200)
        }
        #expect(firings.map { $0.group[0].value } == ["slow"])
        #expect(firings.first?.count == 5 && firings.first?.omitted == 4)
        #expect(registry.dropped(stage: "correlate", reason: "group_quota").current == 0)
    }

    /// What is kept in short form is bounded as well, and what is given up is counted.
    @Test func bound() {
        let registry = Registry()
        var options = options(groups: 10)
        options.maxDormant = 50
        var correlator = Correlator(
            ruleSet: Support.counting("gte: 2", timespan: "1h"), options: options, registry: registry)
        var firings: [Firing] = []
        for index in 0..<200 {
            firings += correlator.accept([Support.hit(Double(index), user: "u\(index)")], now: 0, partition: 0)
        }
        #expect(registry.dropped(stage: "correlate", reason: "group_quota").current == 140)
        // One that was given up, one that was kept, and with each another goes.
        for (time, user) in [(300, "u139"), (301, "u145")] {
            firings += correlator.accept([Support.hit(Double(time), user: user)], now: 0, partition: 0)
        }
        #expect(firings.map { $0.group[0].value } == ["u145"])
    }

    /// What is set aside stands in a snapshot, and is forgotten when its window is over.
    @Test func snapshot() throws {
        let set = Support.counting("gte: 3", timespan: "1h")
        var whole = Correlator(ruleSet: set, options: options(groups: 5), registry: Registry())
        for index in 0..<100 {
            let hit = Support.hit(Double(index), user: "u\(index % 40)")
            _ = whole.accept([hit], now: 0, partition: 0)
        }
        let state = whole.snapshot()
        var resumed = Correlator(ruleSet: set, options: options(groups: 5), registry: Registry())
        #expect(try resumed.restore(state).isEmpty)
        #expect(resumed.snapshot() == state)
        for index in 100..<160 {
            let hit = Support.hit(Double(index), user: "u\(index % 40)")
            let firings = whole.accept([hit], now: 0, partition: 0)
            #expect(Support.facts(firings) == Support.facts(resumed.accept([hit], now: 0, partition: 0)))
            #expect(firings.count == (index < 120 ? 1 : 0))
        }
        _ = whole.accept([Support.hit(100_000, user: "late")], now: 0, partition: 0)
        _ = whole.accept([Support.hit(100_001, user: "late")], now: 0, partition: 0)
        #expect(whole.snapshot().count < state.count / 4)
    }
}
