// SPDX-License-Identifier: Apache-2.0
import Events
import Incidents
import Testing

/// What the service lost while an incident ran stands in its coverage, and nothing that it lost at other times.
@Suite struct LossLedgerTests {
    @Test func onlySpansThatTouchCount() {
        let ledger = LossLedger()
        ledger.read([("udp_kernel_drops", "udp", 0), ("groups", "correlate", 3)], at: 100)
        ledger.read([("udp_kernel_drops", "udp", 5), ("groups", "correlate", 3)], at: 200)
        ledger.read([("udp_kernel_drops", "udp", 5), ("groups", "correlate", 4)], at: 300)
        ledger.read([("udp_kernel_drops", "udp", 9), ("groups", "correlate", 4)], at: 400)
        // What stood on the counters at the first reading was lost before it, nobody knows when.
        #expect(ledger.between(0, 99).isEmpty)
        #expect(ledger.between(100, 100).map(\.count) == [3, 5])
        #expect(ledger.between(150, 199) == [CoverageLoss(what: "udp_kernel_drops", count: 5, source: "udp")])
        #expect(ledger.between(201, 299) == [CoverageLoss(what: "groups", count: 1, source: "correlate")])
        #expect(ledger.between(0, 1_000).map(\.count) == [4, 9])
        #expect(ledger.between(401, 1_000).isEmpty)
    }

    @Test func theLedgerIsBoundedAndLosesNoNumber() {
        let ledger = LossLedger(limit: 16)
        for reading in 1...1_000 {
            ledger.read([("a", "x", reading), ("b", "y", reading * 2)], at: Int64(reading * 10))
        }
        #expect(ledger.between(0, 20_000).map(\.count) == [1_000, 2_000])
        #expect(ledger.between(9_995, 9_999).map(\.count) == [1, 2])
    }

    @Test func aFloodMakesIncidentsSaySo() throws {
        let ledger = LossLedger()
        ledger.read([("groups", "correlate", 0)], at: Plant.start)
        ledger.read([("groups", "correlate", 4_000_000)], at: Plant.start + 60_000_000_000)
        var knowledge = Plant.knowledge
        knowledge.losses = { ledger.between($0, $1) }
        var engine = IncidentEngine(settings: IncidentSettings(), knowledge: knowledge)
        let during = try engine.accept([Plant.firing(Plant.writing, id: "a", hits: [Plant.hit(1, second: 5)])])[0]
            .record
        #expect(!during.coverage.isComplete && during.coverage.losses.map(\.count) == [4_000_000])
        let after = try engine.accept([
            Plant.firing(
                Plant.writing, id: "b", hits: [Plant.hit(2, second: 90, source: "10.0.0.9")], source: "10.0.0.9")
        ])[0].record
        #expect(after.coverage.isComplete)
    }
}
