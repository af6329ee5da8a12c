// SPDX-License-Identifier: Apache-2.0
import Correlator
import Events
import Instruments
import Sigma
import Testing

/// What is the correlator's own slowness is nobody's silence.
struct ListeningClockTests {
    private static let second = Support.second
    private static let start = 1_000_000 * second

    @Test func eachStepCountsForAShortTime() {
        var clock = ListeningClock(now: 1_000, steady: 50)
        clock.step(steady: 60, hits: true)
        #expect(clock.now == 1_010)
        // A minute for the hits of one call, or a process that was halted for an hour.
        clock.step(steady: 60 * Self.second, hits: true)
        #expect(clock.now == 1_010 + 50_000_000)
        clock.step(steady: 3_660 * Self.second, hits: false)
        #expect(clock.now == 1_010 + 300_000_000)
        clock.step(steady: 3_660 * Self.second + 100_000_000, hits: false)
        #expect(clock.now == 1_010 + 400_000_000)
        // The steady clock does not go back; if it did, nothing would be taken back.
        clock.step(steady: 0, hits: false)
        #expect(clock.now == 1_010 + 400_000_000)
    }

    /// A beat a second of a sender, and a rule on its absence for ten; `busy` is what a call takes in the middle of it.
    private func firings(busy: Int64, silence: Int64) -> [Firing] {
        let set = Support.counting("lt: 1", timespan: "10s")
        var correlator = Correlator(ruleSet: set, registry: Registry())
        var steady: Int64 = 0
        var clock = ListeningClock(now: Self.start, steady: steady)
        var firings: [Firing] = []
        for beat in 0..<10 {
            steady += Self.second / 20
            clock.step(steady: steady, hits: true)
            firings += correlator.accept([Support.hit(Double(beat))], now: clock.now, partition: 0)
            if beat == 5 { steady += busy }
            // The windows whose time has come are looked at first after a call, whatever waits in the ring.
            firings += correlator.advance(now: clock.now)
            for _ in 0..<9 {
                steady += Self.second / 10
                clock.step(steady: steady, hits: false)
                firings += correlator.advance(now: clock.now)
            }
        }
        for _ in 0..<(silence * 10) {
            steady += Self.second / 10
            clock.step(steady: steady, hits: false)
            firings += correlator.advance(now: clock.now)
        }
        return firings
    }

    @Test(arguments: [0, 30, 3_600]) func aBusyCorrelatorFindsNobodySilent(seconds: Int64) {
        #expect(firings(busy: seconds * Self.second, silence: 9).isEmpty)
        // Silence that it has listened to is found all the same, at its own time.
        #expect(firings(busy: seconds * Self.second, silence: 15).map(\.time) == [19 * Self.second])
    }
}
