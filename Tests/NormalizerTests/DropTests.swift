// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Normalizer
import Testing

/// Branches for records that nobody wants to have as events.
struct DropTests {
    private static let text = """
        name: demo
        match:
          - {contains: ["DEMO"]}
        parse:
          - kv: true
        events:
          - when: {type: [heartbeat, keepalive]}
            drop: true
          - class: base_event
            activity_id: 0
            map: {message: text}
        samples:
          - input: DEMO type=heartbeat
            dropped: true
          - input: DEMO type=login text=in
            expect: {message: in}
        """

    private static let other = """
        name: other
        rank: 50
        match: [{contains: ["OTHER"]}]
        parse: [{kv: true}]
        events: [{drop: true}]
        """

    @Test func droppedIsCounted() throws {
        var bench = try Bench([("m.yaml", DropTests.text), ("o.yaml", DropTests.other)])
        let lines = [
            "DEMO type=heartbeat", "DEMO type=login text=in", "OTHER DEMO type=login", "DEMO type=KeepAlive", "unknown",
            "DEMO",
        ]
        var made: [Bool] = []
        for line in lines {
            let count = bench.batch.rows.count
            let last = bench.take(line)
            made.append(last == count)
        }
        #expect(made == [false, true, false, false, true, true])
        let texts = bench.batch.rows.indices.map { bench.batch.text("message", in: $0) }
        #expect(bench.batch.rows.map(\.frame) == [1, 4, 5] && texts[0] == "in")
        // Numbers go on, so that each frame's event has the number of its frame.
        #expect(bench.batch.rows.map(\.sequence) == [2, 5, 6])
        let tally = bench.normalizer.takeTally()
        #expect(
            tally.dropped.map(\.count) == [2, 1]
                && tally.dropped.map { bench.set.name(UInt16($0.mapping)) } == ["demo", "other"])
        #expect(tally.events.reduce(0, +) == 3 && tally.unreadable == 0)
        #expect(bench.normalizer.takeTally().dropped.isEmpty)
    }

    @Test func inTheOlderVersion() throws {
        var bench = try Bench([("m.yaml", DropTests.text)], of: .v1_1_0)
        #expect(bench.take("DEMO type=heartbeat") == -1 && bench.take("DEMO type=x") == 0)
    }

    private func told(_ text: String, samples: Bool = false) -> [String] {
        let complaints = Complaints()
        var builder = FieldTable.Builder()
        let drafts = MappingSet.read([("m.yaml", text)], builder: &builder, complaints: complaints)
        let set = MappingSet(drafts, table: builder.build())
        if samples { _ = set.runSamples(drafts) } else { set.review(drafts) }
        return complaints.byPlace.map(\.description)
    }

    @Test(arguments: [
        ("drop: true", "drop: true", []),
        ("drop: true", "drop: false", ["m.yaml:8:11: 'drop' is true, or is left out"]),
        ("drop: true", "drop: maybe", ["m.yaml:8:11: events[0].drop must be true or false"]),
        (
            "drop: true", "drop: true\n    class: base_event",
            ["m.yaml:8:11: what is dropped becomes no event: 'drop' has only 'when' beside it"]
        ),
        ("drop: true", "drop: true\n    time: text", ["m.yaml:9:5: unknown key 'time'"]),
        // What is asked behind it is told as with any other branch.
        (
            "  - class: base_event", "  - when: {type: keepalive}\n    class: base_event",
            [
                "m.yaml:9:11: warning: never reached: the event of line 7 takes every record of which this 'when' "
                    + "holds; put this one before it, or narrow that one"
            ]
        ),
        (
            "dropped: true", "dropped: true\n    expect: {class_uid: 0}",
            ["m.yaml:15:13: a record that is dropped has no attributes: give 'expect' or 'dropped', not both"]
        ),
    ])
    func faults(_ old: String, _ new: String, _ wanted: [String]) {
        #expect(told(DropTests.text.replacing(old, with: new)) == wanted)
    }

    @Test func samples() {
        #expect(told(DropTests.text, samples: true) == [])
        let unexpected = DropTests.text.replacing("dropped: true", with: "expect: {class_uid: 0}")
        #expect(
            told(unexpected, samples: true) == [
                "m.yaml:13:5: the record is dropped: it becomes no event; write 'dropped: true' if that is meant"
            ])
        let open = DropTests.text.replacing("    dropped: true\n", with: "")
        #expect(told(open, samples: true).map { $0.contains("the record is dropped") } == [true])
        let event = DropTests.text.replacing("expect: {message: in}", with: "dropped: true")
        #expect(
            told(event, samples: true) == [
                "m.yaml:15:5: the record becomes an event, but 'dropped' says that it becomes none"
            ])
    }

    /// An update neither takes a lost record for what is expected nor the other way round.
    @Test func update() {
        let text = DropTests.text.replacing("dropped: true", with: "expect: {class_uid: 0}")
            .replacing("expect: {message: in}", with: "dropped: true")
        let complaints = Complaints()
        var builder = FieldTable.Builder()
        let drafts = MappingSet.read([("m.yaml", text)], builder: &builder, complaints: complaints)
        let set = MappingSet(drafts, table: builder.build())
        let outcomes = set.sampleOutcomes(drafts)
        #expect(outcomes.map(\.isDropped) == [true, false] && outcomes.allSatisfy { !$0.passed })
        #expect(outcomes[0].report.contains("the record is dropped"))
        let update = SampleUpdate(outcomes, files: [("m.yaml", text)], complaints: complaints)
        #expect(update.files.isEmpty && update.refused == 2 && complaints.all.count == 2)
    }
}
