// SPDX-License-Identifier: Apache-2.0
import Correlator
import Events
import Instruments
import Testing

/// Which frames of the journal a correlator still rests on: a start from there must come to the same firings.
struct NeedsTests {
    private func hit(_ time: Double, _ frame: UInt64, user: String = "bob", log: Int = 0, note: String = "") -> Hit {
        var hit = Support.hit(time, user: user, note: note)
        hit.position = JournalPosition(log: log, first: frame, epoch: 1)
        return hit
    }

    private func correlator(_ condition: String, lateness: Int64 = 0, generate: Bool = false) -> Correlator {
        var options = Correlator.Options()
        options.lateness = lateness
        options.idleTimeout = 1_000_000_000
        return Correlator(
            ruleSet: Support.counting(condition, generate: generate), options: options, registry: Registry())
    }

    @Test func whatWaitsIsNeeded() {
        var correlator = correlator("gte: 2", lateness: 10_000)
        #expect(correlator.needs.isEmpty)
        _ = correlator.accept([hit(5, 40), hit(4, 41), hit(6, 7, log: 2)], now: 0, partition: 0)
        #expect(correlator.waiting == 3)
        #expect(correlator.needs == [0: 40, 2: 7])
    }

    @Test func hitsWithoutAJournalNeedNothing() {
        var correlator = correlator("gte: 2", lateness: 10_000)
        _ = correlator.accept([Support.hit(1), Support.hit(2)], now: 0, partition: 0)
        #expect(correlator.waiting == 2 && correlator.needs.isEmpty)
    }

    @Test func aWindowIsNeededUntilItIsOver() {
        var correlator = correlator("gte: 3")
        _ = correlator.accept([hit(0, 10)], now: 0, partition: 0)
        _ = correlator.accept([hit(30, 11)], now: 0, partition: 0)
        #expect(correlator.waiting == 0 && correlator.needs == [0: 10])
        // The first event has left the window of the group's next one.
        _ = correlator.accept([hit(61, 12)], now: 0, partition: 0)
        #expect(correlator.needs == [0: 11])
        // Time goes on without the group: it is forgotten, and nothing rests on it.
        correlator.observe(time: Firing.nanoseconds(seconds: 500) ?? 0, now: 0, partition: 0)
        _ = correlator.advance(now: 0)
        #expect(correlator.groupCount == 0 && correlator.needs.isEmpty)
    }

    @Test func aFiringThatGrowsIsNeededUntilItCloses() {
        var correlator = correlator("gte: 2")
        var firings = correlator.accept([hit(0, 10)], now: 0, partition: 0)
        firings += correlator.accept([hit(50, 11)], now: 0, partition: 0)
        #expect(firings.count == 1)
        #expect(correlator.needs == [0: 10])
        // It is open up to 110. The first event has left the window, but a firing of the same id begins with it.
        firings = correlator.accept([hit(100, 12)], now: 0, partition: 0)
        #expect(firings.map(\.revision) == [2])
        #expect(correlator.needs == [0: 10])
        // Closed: only the window behind is left.
        _ = correlator.accept([hit(111, 13, user: "eve")], now: 0, partition: 0)
        #expect(correlator.needs == [0: 11])
        _ = correlator.accept([hit(111.5, 14)], now: 0, partition: 0)
        #expect(correlator.needs == [0: 12])
    }

    /// Event time and the order of the journal are two things: what makes a firing grow may stand before what opened it.
    /// A detection rule that alerts on its own has no window that would hold it.
    @Test func whatAFiringGrewByIsNeededToo() {
        var options = Correlator.Options()
        options.lateness = 0
        let alone = Support.rules(
            """
            title: fail
            name: fail
            logsource: {product: test}
            detection: {sel: {what: fail}, condition: sel}
            """)
        var correlator = Correlator(ruleSet: alone, options: options, registry: Registry())
        var firings = correlator.accept([hit(1, 6)], now: 0, partition: 0)
        #expect(correlator.needs == [0: 6])
        firings += correlator.accept([hit(2, 5, note: "written first, happened last")], now: 0, partition: 0)
        #expect(Firing.joined(firings).map(\.count) == [2])
        #expect(correlator.needs == [0: 5])
    }

    /// The promise itself: a new correlator that reads from `needs` on comes to every firing that one which was never
    /// interrupted still makes.
    @Test func aStartFromThereComesToTheSameFirings() {
        var generator = Generator(state: 17)
        for round in 0..<60 {
            var hits: [(time: Double, user: String)] = []
            for user in ["bob", "eve", "mallory"] {
                for burst in 0..<4 {
                    let start = Double(burst) * 200 + Double(Int.random(in: 0..<60, using: &generator))
                    for _ in 0..<Int.random(in: 1...6, using: &generator) {
                        hits.append((start + Double(Int.random(in: 0..<40, using: &generator)), user))
                    }
                }
            }
            // The journal's order is nearly that of time.
            hits.sort { $0.time < $1.time }
            for place in stride(from: 1, to: hits.count, by: 3) { hits.swapAt(place - 1, place) }
            let frames = hits.enumerated().map {
                hit($0.element.time, UInt64($0.offset), user: $0.element.user, note: "\(round)/\($0.offset)")
            }
            let cut = Int.random(in: 1..<frames.count, using: &generator)
            var whole = correlator("gte: 3", lateness: 60_000)
            for hit in frames[..<cut] { _ = whole.accept([hit], now: 0, partition: 0) }
            let start = Int(min(whole.needs[0] ?? UInt64(cut), UInt64(cut)))
            var rest: [Firing] = []
            for hit in frames[cut...] { rest += whole.accept([hit], now: 0, partition: 0) }
            rest += whole.finish()
            var resumed = correlator("gte: 3", lateness: 60_000)
            var again: [Firing] = []
            for hit in frames[start...] { again += resumed.accept([hit], now: 0, partition: 0) }
            again += resumed.finish()
            func facts(_ firings: [Firing]) -> [String: Int] {
                Dictionary(firings.map { ("\($0.id) \($0.time) \($0.first)", $0.count) }) { max($0, $1) }
            }
            let (wanted, found) = (facts(rest), facts(again))
            #expect(wanted.allSatisfy { found[$0.key] == $0.value }, "round \(round), \(start) to \(cut)")
        }
    }
}
