// SPDX-License-Identifier: Apache-2.0
import Correlator
import Events
import Instruments
import Testing
import Wire

/// Clocks of senders, told apart from the delays of their ways.
@Suite struct ClockTests {
    private static let second: Int64 = 1_000_000_000
    /// A receive clock that has nothing to do with today's.
    private static let start: Int64 = 900_000_000 * second

    /// One lane with its table, and what was told.
    private struct Lane {
        var table = ClockTable()
        let clocks: SenderClocks
        var told: [SenderClocks.Change] = []

        init(_ clocks: SenderClocks = SenderClocks(tolerance: 60_000, registry: Registry())) { self.clocks = clocks }

        /// An event received `at` seconds after the start that claims to be `late` seconds older.
        mutating func hear(
            _ peer: String? = "192.0.2.7", at: Double, late: Double, transport: TransportKind = .udp
        ) {
            let received = ClockTests.start + Int64(at * 1e9)
            let frame = Frame(
                extent: .empty, received: received, peer: peer.flatMap { IPAddress($0) }, listener: 3,
                transport: transport)
            table.observe(frame, claimed: received - Int64(late * 1e9))
        }

        mutating func publish(_ number: Int = 0) {
            told += clocks.take(from: &table, lane: number) { $0.peer?.description ?? $0.listener.map { "file \($0)" } }
        }
    }

    @Test func aheadIsToldOnceAndSoIsItsEnd() {
        var lane = Lane()
        var dice = Generator(state: 3)
        func delay() -> Double { Double.random(in: 0.002...0.5, using: &dice) }
        for second in 0..<300 {
            lane.hear(at: Double(second), late: delay() - 73)
            lane.publish()
            // Two slices have to agree.
            if second < 15 { #expect(lane.told.isEmpty) }
        }
        #expect(lane.told.map(\.state) == [.ahead])
        #expect(lane.told.first?.sender == "192.0.2.7")
        #expect(lane.told.first?.estimate.words == "clock 73 s ahead")
        #expect(lane.clocks.remarks() == ["sender 192.0.2.7: clock 73 s ahead"])
        let known = lane.clocks.estimate(of: "192.0.2.7")
        #expect(known?.state == .ahead)
        #expect(abs((known?.estimate.offset ?? 0) + 73_000_000) < 60_000)
        #expect((150_000...350_000).contains(known?.estimate.delay ?? 0))
        for second in 300..<600 {
            lane.hear(at: Double(second), late: delay())
            lane.publish()
        }
        #expect(lane.told.map(\.state) == [.ahead, .level])
        #expect(lane.clocks.remarks().isEmpty)
    }

    @Test func delayIsNotTakenForAClock() {
        var lane = Lane()
        var dice = Generator(state: 5)
        for second in 0..<600 {
            // Most of it comes minutes late; a little of it at once.
            let late = second % 10 == 0 ? 0.005 : Double.random(in: 60...240, using: &dice)
            lane.hear(at: Double(second), late: late)
            lane.publish()
        }
        #expect(lane.told.isEmpty)
        let known = lane.clocks.estimate(of: "192.0.2.7")
        #expect(known?.state == .level)
        #expect(known?.estimate.offset == 5_000)
        #expect((100_000_000...200_000_000).contains(known?.estimate.delay ?? 0))
    }

    @Test func behindIsWhatStaysTheSame() {
        var lane = Lane()
        for second in 0..<200 {
            lane.hear(at: Double(second), late: 3_600 + Double(second % 7) / 10)
            lane.publish()
            // A whole window has to agree: eight slices of 15 s.
            if second < 105 { #expect(lane.told.isEmpty) }
        }
        #expect(lane.told.map(\.state) == [.behind])
        #expect(lane.told.first?.estimate.words == "clock 60 min behind, which may be its time zone")
    }

    /// A sender that was cut off for an hour and sends what it kept: late, with a right clock.
    @Test func aBacklogIsNoClock() {
        var lane = Lane()
        var states: Set<ClockEstimate.State> = []
        for second in 0..<400 {
            lane.hear(at: Double(second), late: max(0.01, 3_600 - Double(second) * 10))
            lane.publish()
            if let state = lane.clocks.estimate(of: "192.0.2.7")?.state { states.insert(state) }
        }
        #expect(lane.told.isEmpty)
        #expect(states == [.late, .level])
    }

    @Test func oneWrongTimeMovesNothing() {
        var lane = Lane()
        for second in 0..<300 {
            lane.hear(at: Double(second), late: second == 140 ? -86_400 : 0.02)
            lane.publish()
        }
        #expect(lane.told.isEmpty)
        #expect(lane.clocks.estimate(of: "192.0.2.7")?.estimate.offset == 20_000)
        #expect((lane.clocks.estimate(of: "192.0.2.7")?.estimate.delay ?? .max) < 50_000)
    }

    @Test func whatCarriesOurClockSaysNothing() {
        var lane = Lane()
        for second in 0..<100 {
            lane.hear(at: Double(second), late: 0)
            lane.hear("192.0.2.8", at: Double(second), late: 5, transport: .sensor)
            lane.hear(nil, at: Double(second), late: 5, transport: .service)
            lane.hear(nil, at: Double(second), late: 7, transport: .file)
            lane.publish()
        }
        #expect(lane.clocks.all.map(\.sender) == ["file 3"])
    }

    /// Clocks of another century, and times at the ends of what a number holds.
    @Test func absurdTimes() {
        var lane = Lane()
        for second in 0..<40 {
            let received = ClockTests.start + Int64(second) * ClockTests.second
            let frame = Frame(extent: .empty, received: received, peer: IPAddress("192.0.2.7"), transport: .udp)
            for claimed in [Int64.min, .max, 0, 1, received - 1] { lane.table.observe(frame, claimed: claimed) }
            lane.publish()
        }
        #expect(lane.clocks.estimate(of: "192.0.2.7")?.estimate.offset == 0)
    }

    @Test func aFloodOfAddressesPushesOutItsOwn() {
        let registry = Registry()
        var lane = Lane(SenderClocks(tolerance: 60_000, registry: registry))
        let plants = (1...40).map { "172.21.0.\($0)" }
        for second in 0..<60 { for plant in plants { lane.hear(plant, at: Double(second), late: -90) } }
        lane.publish()
        #expect(lane.told.count == 40)
        var dice = Generator(state: 9)
        for number in 0..<200_000 {
            let address = IPAddress(v4: UInt32.random(in: .min ... .max, using: &dice)).description
            lane.hear(address, at: 60 + Double(number) / 10_000, late: 1)
        }
        for second in 80..<200 { for plant in plants { lane.hear(plant, at: Double(second), late: 0.1) } }
        lane.publish()
        #expect(lane.told.count == 80, "each came back from where it was, not as somebody new")
        #expect(registry.total("penstock_clock_evictions_total") > 190_000)
    }

    @Test func severalLanesHearOneSender() {
        let clocks = SenderClocks(tolerance: 60_000, registry: Registry())
        var lanes = [Lane(clocks), Lane(clocks)]
        for second in 0..<120 {
            for number in 0..<2 {
                lanes[number].hear(at: Double(second), late: number == 0 ? -70 : -69)
                lanes[number].publish(number)
            }
        }
        #expect(lanes[0].told.count + lanes[1].told.count == 1)
        #expect(clocks.estimate(of: "192.0.2.7")?.estimate.offset == -70_000_000)
        #expect(clocks.estimate(of: "192.0.2.7")?.estimate.events == 240)
    }

    @Test func moreSendersThanTheLimitMakeRoom() {
        let registry = Registry()
        let clocks = SenderClocks(tolerance: 60_000, registry: registry)
        for part in 0..<6 {
            var lane = Lane(clocks)
            for number in 0..<2_000 {
                for at in [0.0, 20] {
                    lane.hear("10.\(part).\(number / 250).\(number % 250)", at: at + Double(part) * 60, late: 0.1)
                }
            }
            lane.publish(part)
        }
        #expect(clocks.all.count <= SenderClocks.limit && clocks.all.count > 8_000)
        #expect(registry.total("penstock_clock_evictions_total") >= 1_000)
        #expect(clocks.all.contains { $0.sender == "10.5.0.1" } && !clocks.all.contains { $0.sender == "10.0.0.1" })
    }
}

/// A sender whose clock is wrong, beside others whose clocks are right.
@Suite struct WrongClockTests {
    private static let base: Double = 1_000_000

    /// A hit that is received at `at` seconds and claims a time `late` seconds before.
    private func hit(_ user: String, at: Double, late: Double = 0, peer: String = "10.0.0.1") -> Hit {
        var hit = Support.hit(WrongClockTests.base + at - late, user: user, note: "\(user) \(at)", peer: peer)
        hit.received = Firing.nanoseconds(seconds: WrongClockTests.base + at) ?? 0
        return hit
    }

    private func now(_ at: Double) -> Int64 { Firing.nanoseconds(seconds: WrongClockTests.base + at) ?? 0 }

    private func users(_ firings: [Firing]) -> [String] {
        firings.filter { $0.revision == 1 }.flatMap { $0.group.map(\.value) }
    }

    @Test func farBehindHoldsNobodyUp() {
        var correlator = Correlator(ruleSet: Support.counting("gte: 1", timespan: "1m"), registry: Registry())
        var fired: [String: Double] = [:]
        for second in 0..<300 {
            let at = Double(second)
            let hits = [
                hit(second == 200 ? "attacker" : "worker", at: at),
                hit("clockless", at: at, late: 3_600, peer: "10.0.0.2"),
            ]
            for user in users(correlator.accept(hits, now: now(at), partition: 0)) { fired[user] = fired[user] ?? at }
        }
        // Two seconds for events that were overtaken.
        #expect(fired["attacker"].map { $0 <= 204 } == true, "\(fired)")
        #expect(fired["clockless"] != nil)
    }

    /// What was held up for an hour and comes at once is waited for as ever: its clock is right.
    @Test func aBacklogIsWaitedFor() {
        var correlator = Correlator(ruleSet: Support.counting("gte: 1", timespan: "1m"), registry: Registry())
        var fired: [String: Double] = [:]
        for second in 0..<300 {
            let at = Double(second)
            let hits = [
                hit(second == 200 ? "attacker" : "worker", at: at),
                hit("late", at: at, late: 3_600 - 10 * at, peer: "10.0.0.2"),
            ]
            for user in users(correlator.accept(hits, now: now(at), partition: 0)) { fired[user] = fired[user] ?? at }
        }
        #expect(fired["attacker"] == nil, "\(fired)")
    }

    @Test func behindAloneIsJudged() {
        var correlator = Correlator(ruleSet: Support.counting("gte: 1", timespan: "1m"), registry: Registry())
        var fired: [String: Double] = [:]
        for second in 0..<300 {
            let at = Double(second)
            let hits = [hit(second == 200 ? "attacker" : "worker", at: at, late: 3_600, peer: "10.0.0.2")]
            for user in users(correlator.accept(hits, now: now(at), partition: 0)) { fired[user] = fired[user] ?? at }
        }
        #expect(fired["attacker"].map { $0 <= 204 } == true, "\(fired)")
    }

    /// A clock that is ahead must not let another sender's silence be over before it is.
    @Test func aheadEndsNobodysWindow() {
        let set = Support.counting("lt: 1", timespan: "1m")
        var correlator = Correlator(ruleSet: set, registry: Registry())
        var silent: [Double] = []
        for second in 0..<400 {
            let at = Double(second)
            var hits = [hit("hasty", at: at, late: -200, peer: "10.0.0.2")]
            // It polls every half minute, and stops after 240 s.
            if second % 30 == 0, second <= 240 { hits.append(hit("poller", at: at)) }
            for user in users(correlator.accept(hits, now: now(at), partition: 0)) where user == "poller" {
                silent.append(at)
            }
        }
        #expect(silent.count == 1, "\(silent)")
        #expect(silent.first.map { (300...305).contains($0) } == true, "\(silent)")
    }

    /// One that is further ahead than the tolerance is put where it was received, and waits for nobody.
    @Test func farAheadIsHeldToItsReceipt() {
        var options = Correlator.Options()
        options.futureTolerance = 60_000
        let registry = Registry()
        var correlator = Correlator(
            ruleSet: Support.counting("gte: 1", timespan: "1m"), options: options, registry: registry)
        var fired: [String: Double] = [:]
        for second in 0..<60 {
            let at = Double(second)
            let hits = [
                hit("worker", at: at), hit(second == 20 ? "hasty" : "other", at: at, late: -200, peer: "10.0.0.2"),
            ]
            for user in users(correlator.accept(hits, now: now(at), partition: 0)) { fired[user] = fired[user] ?? at }
        }
        #expect(fired["hasty"].map { $0 <= 24 } == true, "\(fired)")
        #expect(registry.total("penstock_correlation_future_events_total") == 60)
    }
}
