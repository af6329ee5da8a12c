// SPDX-License-Identifier: Apache-2.0
import Correlator
import Events
import Instruments
import Sigma
import Testing

/// Every type of correlation beside an evaluation that is written down straight from the rules, on random streams.
struct OracleTests {
    struct Event {
        var time: Int64
        var step: Int
        var user: String
        var value: Int
    }

    /// A correlation in short form with what it measures in a window.
    struct Kind: Sendable, CustomTestStringConvertible {
        var name: String
        var body: String
        var isMet: @Sendable ([Event]) -> Bool
        var testDescription: String { name }
    }

    private static func ordered(_ window: [Event]) -> Bool {
        var best = [Int64](repeating: .min, count: 3)
        for event in window.sorted(by: { ($0.time, $0.step) < ($1.time, $1.step) }) {
            if event.step == 0 { best[0] = 1 } else if best[event.step - 1] == 1 { best[event.step] = 1 }
        }
        return best[2] == 1
    }

    static let kinds: [Kind] = [
        Kind(name: "event_count", body: "type: event_count\n  condition: {gte: 3}") { $0.count >= 3 },
        Kind(name: "event_count range", body: "type: event_count\n  condition: {gt: 1, lt: 4}") {
            $0.count > 1 && $0.count < 4
        },
        Kind(name: "value_count", body: "type: value_count\n  condition: {field: value, gte: 3}") {
            Set($0.map(\.value)).count >= 3
        },
        Kind(name: "temporal", body: "type: temporal") { Set($0.map(\.step)).count == 3 },
        Kind(name: "temporal with a number", body: "type: temporal\n  condition: {eq: 2}") {
            Set($0.map(\.step)).count == 2
        },
        Kind(name: "temporal with an expression", body: "type: temporal\n  condition: r0 and (r1 or not r2)") {
            let steps = Set($0.map(\.step))
            return steps.contains(0) && (steps.contains(1) || !steps.contains(2))
        },
        Kind(name: "temporal_ordered", body: "type: temporal_ordered", isMet: ordered),
        Kind(name: "value_sum", body: "type: value_sum\n  condition: {field: value, gt: 12}") {
            $0.reduce(0) { $0 + $1.value } > 12
        },
        Kind(name: "value_avg", body: "type: value_avg\n  condition: {field: value, gt: 4}") {
            Double($0.reduce(0) { $0 + $1.value }) / Double($0.count) > 4
        },
        Kind(name: "value_median", body: "type: value_median\n  condition: {field: value, gte: 4}") {
            let values = $0.map(\.value).sorted()
            let middle = values.count / 2
            return values.count % 2 == 1 ? values[middle] >= 4 : values[middle - 1] + values[middle] >= 8
        },
        Kind(
            name: "value_percentile",
            body: "type: value_percentile\n  condition: {field: value, percentile: 75, lte: 3}"
        ) {
            let values = $0.map(\.value).sorted()
            return values[Int((0.75 * Double(values.count)).rounded(.up)) - 1] <= 3
        },
    ]

    func set(_ kind: Kind, _ refire: String) -> RuleSet {
        let bases = (0..<3).map {
            """
            title: r\($0)
            name: r\($0)
            logsource: {product: test}
            detection: {sel: {step: \($0)}, condition: sel}
            """
        }
        return Support.rules(
            bases.joined(separator: "\n---\n") + """

                ---
                title: x
                name: x
                penstock: {refire: \(refire)}
                correlation:
                  rules: [r0, r1, r2]
                  group-by: [user]
                  timespan: 10s
                  \(kind.body)
                """)
    }

    func hit(_ event: Event, _ number: Int) -> Hit {
        let json = "{\"user\":\"\(event.user)\",\"step\":\(event.step),\"value\":\(event.value),\"n\":\(number)}"
        return Hit(
            rules: ["r\(event.step)"], uid: "\(number)", time: event.time, received: 0, event: Array(json.utf8),
            evidence: [])
    }

    /// The times at which a group fires, once a window.
    private func expected(_ kind: Kind, _ refire: String, _ events: [Event], _ user: String) -> [(Int64, Int)] {
        let own = events.filter { $0.user == user }
        var firings: [(time: Int64, count: Int)] = []
        var emptied = Int64.min
        for time in Set(own.map(\.time)).sorted() {
            let fresh = own.filter { $0.time == time }.count
            if refire == "once", let last = firings.last, time < last.time + 10 * Support.second {
                firings[firings.count - 1].count += fresh
                continue
            }
            let window = own.filter { $0.time > max(time - 10 * Support.second, emptied) && $0.time <= time }
            guard kind.isMet(window) else { continue }
            firings.append((time, window.count))
            if refire == "reset" { emptied = time }
        }
        return firings
    }

    private func stream(_ generator: inout Generator) -> [Event] {
        (0..<50).map { _ in
            Event(
                time: Int64(Int.random(in: 0..<120, using: &generator)) * Support.second / 2,
                step: Int.random(in: 0..<3, using: &generator),
                user: ["a", "b"].randomElement(using: &generator) ?? "",
                value: Int.random(in: 0..<8, using: &generator))
        }
    }

    @Test(arguments: kinds, ["once", "reset", "every"]) func agrees(_ kind: Kind, _ refire: String) {
        var generator = Generator(state: 5)
        let set = set(kind, refire)
        var fired = 0
        for _ in 0..<40 {
            let events = stream(&generator)
            let hits = events.enumerated().map { hit($0.element, $0.offset) }
            let firings = Support.run(set, hits.shuffled(using: &generator))
            for user in ["a", "b"] {
                let found = firings.filter { $0.group[0].value == user }.map { ($0.time, $0.count) }.sorted {
                    $0.0 < $1.0
                }
                let wanted = expected(kind, refire, events, user)
                fired += wanted.count
                #expect(found.map(\.0) == wanted.map(\.0), "\(kind.name) \(refire)")
                #expect(found.map(\.1) == wanted.map(\.1), "\(kind.name) \(refire)")
            }
        }
        #expect(fired > 20)
    }

    /// Events that come late by anything inside the allowed lateness: what is told in the end is what the order of time
    /// gives.
    @Test(arguments: kinds, ["once", "every"]) func lateEventsRevise(_ kind: Kind, _ refire: String) {
        var generator = Generator(state: 9)
        let set = set(kind, refire)
        for round in 0..<40 {
            let events = stream(&generator)
            var options = Correlator.Options()
            options.outOfOrder = [0, 2_000][round % 2]
            options.lateness = 70_000
            var correlator = Correlator(ruleSet: set, options: options, registry: Registry())
            var firings: [Firing] = []
            for (number, event) in events.enumerated() {
                firings += correlator.accept([hit(event, number)], now: 0, partition: 0)
            }
            firings += correlator.finish()
            let joined = Firing.joined(firings).filter { !$0.isWithdrawn }
            for user in ["a", "b"] {
                let found = joined.filter { $0.group[0].value == user }.map { ($0.time, $0.count) }.sorted {
                    $0.0 < $1.0
                }
                let wanted = expected(kind, refire, events, user)
                #expect(found.map(\.0) == wanted.map(\.0), "\(kind.name) \(refire) round \(round)")
                #expect(found.map(\.1) == wanted.map(\.1), "\(kind.name) \(refire) round \(round)")
            }
            var revisions: [String: Int] = [:]
            for firing in firings {
                #expect(
                    firing.revision == (revisions[firing.id] ?? 0) + 1,
                    "\(firings.filter { $0.id == firing.id }.map { "\($0.revision) \($0.time) \($0.count) \($0.isWithdrawn)" })"
                )
                revisions[firing.id] = firing.revision
            }
        }
    }

    /// Many values come and go in a long stream.
    @Test(arguments: [10, 45, 62]) func manyValues(_ limit: Int) {
        let kind = Kind(name: "many", body: "type: value_count\n  condition: {field: value, gte: \(limit)}") {
            Set($0.map(\.value)).count >= limit
        }
        var generator = Generator(state: UInt64(limit))
        let events = (0..<1_500).map { number in
            Event(
                time: Int64(number) * Support.second / 10, step: number % 3, user: "a",
                value: Int.random(in: 0..<90, using: &generator))
        }
        var options = Correlator.Options.offline
        options.maxWindow = 200
        let firings = Support.run(
            set(kind, "every"), events.enumerated().map { hit($0.element, $0.offset) }, options: options)
        let wanted = expected(kind, "every", events, "a")
        #expect(wanted.count > 5 && wanted.count < 1_500)
        #expect(firings.map(\.time) == wanted.map(\.0))
    }

    /// Hits are let go with the last that holds them, whatever became of groups, firings and rules; and not before.
    @Test(arguments: kinds, ["once", "reset", "every"]) func holdsNoHitTooLong(_ kind: Kind, _ refire: String) throws {
        var generator = Generator(state: 41)
        let set = set(kind, refire)
        for round in 0..<20 {
            var options = Correlator.Options()
            options.outOfOrder = [0, 2_000][round % 2]
            options.lateness = 20_000
            options.maxGroups = [1, 100][round / 2 % 2]
            options.maxEvidence = [2, 50][round / 4 % 2]
            options.maxFirings = 3
            options.maxWindow = [8, 1_000][round / 8 % 2]
            options.maxEvidenceBytes = [3_000, 1_000_000][round / 3 % 2]
            var correlator = Correlator(ruleSet: set, options: options, registry: Registry())
            for (number, event) in stream(&generator).enumerated() {
                _ = correlator.accept([hit(event, number)], now: 0, partition: 0)
                if number == 30 {
                    var other = Correlator(ruleSet: set, options: options, registry: Registry())
                    _ = try other.restore(correlator.snapshot())
                    #expect(other.load.hits == correlator.load.hits)
                    correlator = other
                }
                if number == 40, round % 5 == 0 {
                    correlator.reload(self.set(kind, refire == "once" ? "every" : "once"), registry: Registry())
                }
            }
            _ = correlator.finish()
            let far = Event(time: 1_000_000 * Support.second, step: 0, user: "z", value: 0)
            _ = correlator.accept([hit(far, 1_000)], now: 0, partition: 0)
            _ = correlator.finish()
            #expect(correlator.groupCount <= 1)
            #expect(correlator.load.hits == correlator.load.events, "only what the last group holds")
        }
    }

    /// A snapshot at any place, read into a new correlator, and the rest of the input: every firing and every revision is
    /// the one that no interruption gives.
    @Test(arguments: kinds) func snapshot(_ kind: Kind) throws {
        var generator = Generator(state: 21)
        let set = set(kind, "once")
        for round in 0..<30 {
            let events = stream(&generator).sorted { $0.time < $1.time }
            let batches = events.enumerated().map { hit($0.element, $0.offset) }
            var options = Correlator.Options()
            options.outOfOrder = [0, 3_000][round % 2]
            let cut = Int.random(in: 0..<batches.count, using: &generator)
            var whole = Correlator(ruleSet: set, options: options, registry: Registry())
            for hit in batches[..<cut] { _ = whole.accept([hit], now: hit.time, partition: 0) }
            let state = whole.snapshot()
            var resumed = Correlator(ruleSet: set, options: options, registry: Registry())
            #expect(try resumed.restore(state).isEmpty)
            #expect(resumed.snapshot() == state)
            func rest(_ correlator: inout Correlator) -> [String] {
                var firings: [Firing] = []
                for hit in batches[cut...] { firings += correlator.accept([hit], now: hit.time, partition: 0) }
                firings += correlator.finish()
                return firings.map {
                    "\($0.id) \($0.revision) \($0.time) \($0.count) \($0.hits.map(\.uid)) \($0.omitted)"
                }
            }
            #expect(rest(&whole) == rest(&resumed))
        }
    }

    /// A start reads the journal from a place before the snapshot: what is in it already counts once.
    @Test(arguments: kinds) func whatIsReadAgain(_ kind: Kind) throws {
        var generator = Generator(state: 33)
        let set = set(kind, "once")
        for _ in 0..<20 {
            let hits = stream(&generator).sorted { $0.time < $1.time }.enumerated().map { number, event in
                var hit = hit(event, number)
                hit.position = JournalPosition(log: number % 2, first: UInt64(number / 2), epoch: 1)
                return hit
            }
            let cut = Int.random(in: 1..<hits.count, using: &generator)
            let from = Int.random(in: 0...cut, using: &generator)
            var whole = Correlator(ruleSet: set, registry: Registry())
            var firings: [Firing] = []
            for hit in hits[..<cut] { _ = whole.accept([hit], now: hit.time, partition: 0) }
            var resumed = Correlator(ruleSet: set, registry: Registry())
            #expect(try resumed.restore(whole.snapshot()).isEmpty)
            for hit in hits[cut...] { firings += whole.accept([hit], now: hit.time, partition: 0) }
            firings += whole.finish()
            var again: [Firing] = []
            for hit in hits[from...] { again += resumed.accept([hit], now: hit.time, partition: 0) }
            again += resumed.finish()
            #expect(
                again.map { "\($0.id) \($0.revision) \($0.count)" }
                    == firings.map { "\($0.id) \($0.revision) \($0.count)" })
        }
    }

    /// A damaged snapshot is refused, and changes nothing.
    @Test func damagedSnapshot() {
        var generator = Generator(state: 2)
        let set = set(Self.kinds[2], "once")
        var correlator = Correlator(ruleSet: set, registry: Registry())
        for (number, event) in stream(&generator).enumerated() {
            _ = correlator.accept([hit(event, number)], now: event.time, partition: 0)
        }
        let state = correlator.snapshot()
        for length in stride(from: 0, to: state.count, by: 37) {
            var other = Correlator(ruleSet: set, registry: Registry())
            #expect(throws: Correlator.SnapshotFault.self) { _ = try other.restore(Array(state[..<length])) }
            #expect(other.groupCount == 0 && other.waiting == 0)
        }
        for _ in 0..<2_000 {
            var damaged = state
            damaged[Int.random(in: 0..<state.count, using: &generator)] = UInt8(truncatingIfNeeded: generator.next())
            var other = Correlator(ruleSet: set, registry: Registry())
            _ = try? other.restore(damaged)
            _ = other.finish()
        }
    }
}
