// SPDX-License-Identifier: Apache-2.0
import Events
import Incidents
import Testing

/// What a rule's own key `response` does to an incident's advice.
@Suite struct ResponseTests {
    private static let response = Response(
        contain: [
            .init(text: "Ask {actor} to stop."), .init(text: "Close port 502 of {targets}.", protocols: ["modbus"]),
            .init(text: "Close port 20000.", protocols: ["dnp3"]),
        ], verify: [.init(text: "Look at {conduit}.")])

    @Test func comesBeforeThePlaybooks() throws {
        var rule = Plant.writing
        rule.response = ResponseTests.response
        var engine = Plant.engine()
        let change = try engine.accept([
            Plant.firing(Plant.crossing, id: "a", hits: [Plant.hit(1, second: 1)]),
            Plant.firing(rule, id: "b", hits: [Plant.hit(2, second: 2)]),
        ])[1]
        let contain = change.record.recommended.filter { $0.part == "contain" }
        #expect(contain.prefix(2).map(\.text) == ["Ask \(Plant.attacker) to stop.", "Close port 502 of \(Plant.plc)."])
        #expect(contain.prefix(2).allSatisfy { $0.rule == rule.name && $0.techniques == ["T0855"] })
        #expect(contain.count > 2 && contain.dropFirst(2).allSatisfy { $0.rule == nil })
        #expect(!change.record.recommended.contains { $0.text.contains("20000") })
        let verify = change.record.recommended.filter { $0.part == "verify" }
        #expect(verify.first?.text == "Look at the border it_office -> ot_cell.")
        // A part that the rule leaves out is the playbooks' alone.
        #expect(change.record.recommended.first { $0.part == "prevent" }?.rule == nil)
        #expect(try IncidentRecord(json: change.json) == change.record)
    }

    /// The gravest rule's response stands first, and the text that is in force is that of the last firing.
    @Test func gravestFirstAndNewestText() throws {
        var low = Plant.writing
        low.response = Response(contain: [.init(text: "low")])
        var high = Plant.crossing
        high.response = Response(contain: [.init(text: "high, old")])
        var engine = Plant.engine()
        _ = try engine.accept([
            Plant.firing(low, id: "a", hits: [Plant.hit(1, second: 1)]),
            Plant.firing(high, id: "b", hits: [Plant.hit(2, second: 2)]),
        ])
        high.response = Response(contain: [.init(text: "high, new")])
        let record = try engine.accept([Plant.firing(high, id: "c", hits: [Plant.hit(3, second: 3)])])[0].record
        #expect(record.recommended.prefix(2).map(\.text) == ["high, new", "low"])
    }
}
