// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Normalizer
import Testing
import Wire

/// `each:` in `parse` makes an event of every object of a list that a record holds.
struct EachTests {
    private static func mapping(
        _ each: String = "{each: [Records, detail.findings, syslog.message], optional: true}", _ events: String = ""
    ) -> String {
        """
        name: demo
        match: [{contains: ["DEMO"]}]
        parse:
          - {json: true, optional: true}
          - \(each)
          - {regex: {from: who, any: ['^(?<name>\\w+)@(?<domain>\\w+)$']}, optional: true}
          - {json: {from: inner}, when: {kind: strict}}
        absent: ["-"]
        common: {time: [time, at], profiles: [cloud]}
        events:
          - when: {kind: heartbeat}
            drop: true
        \(events)
          - when: {kind: finding}
            class: detection_finding
            activity_id: 1
            map: {finding_info.uid: id, finding_info.title: title, cloud.account.uid: account, cloud.provider: {value: DEMO}}
          - class: base_event
            activity_id: 0
            map: {message: [text, syslog.message], unmapped.name: name, cloud.account.uid: account, cloud.region: region, cloud.provider: {value: DEMO}}
        """
    }

    /// The numbers of a record's events.
    private static func take(_ bench: inout Bench, _ text: String) -> [Int] {
        let first = bench.batch.rows.count
        bench.batch.append(Array(text.utf8).span.bytes, received: Bench.received, transport: .file)
        var isEvent = bench.normalizer.normalize(frame: bench.batch.frames.count - 1, of: &bench.batch)
        var count = 0
        while isEvent {
            count += 1
            #expect(bench.batch.rows.count == first + count)
            isEvent = bench.normalizer.next(of: &bench.batch)
        }
        let isMore = bench.normalizer.next(of: &bench.batch)
        #expect(!isMore && bench.batch.rows.count == first + count)
        let rows = Array(first..<first + count)
        let validator = EventValidator(bench.set.table.dictionary)
        for row in rows {
            #expect(validator.faults(bench.json(row)) == [], "\(String(decoding: bench.json(row), as: UTF8.self))")
        }
        return rows
    }

    private static func texts(_ bench: borrowing Bench, _ path: String, _ rows: [Int]) -> [String?] {
        rows.map { bench.batch.text(path, in: $0) }
    }

    private static let hidden: Set<String> = ["syslog", "peer", "penstock", "name"]

    private static func unmapped(_ bench: borrowing Bench, _ rows: [Int]) throws -> [String] {
        try rows.map { try bench.unmapped($0, without: hidden) }
    }

    @Test(arguments: [OCSFDictionary.v1_8_0, .v1_1_0])
    func anEventOfEachObject(_ dictionary: OCSFDictionary) throws {
        var bench = try Bench(EachTests.mapping(), of: dictionary)
        let parts = [
            #"{"text":"a","who":"j@x","at":1795255201}"#,
            #"{"kind":"finding","id":"7","title":"t","beside":[1,{"b":2}]}"#,
            #"{"text":"\u0063","time":1795255203,"account":"own"}"#,
        ]
        let rows = EachTests.take(
            &bench,
            #"{"DEMO":1,"account":"outer","region":"eu","time":1795255299,"Records":[\#(parts.joined(separator: " , "))]}"#
        )
        #expect(rows == [0, 1, 2])
        #expect(EachTests.texts(bench, "metadata.uid", rows) == ["t-1", "t-1-2", "t-1-3"])
        #expect(bench.batch.rows.map(\.sequence) == [1, 1, 1] && bench.batch.rows.map(\.frame) == [0, 0, 0])
        #expect(bench.batch.rows.map(\.part) == [1, 2, 3])
        #expect(EachTests.texts(bench, "raw_data", rows) == parts)
        for (row, part) in zip(rows, parts) {
            let source = bench.batch.source(of: row) ?? .empty
            #expect(bench.batch.slab.bytes(source).text == part)
        }
        #expect(EachTests.texts(bench, "class_uid", rows) == ["0", "2004", "0"])
        #expect(EachTests.texts(bench, "message", rows)[0] == "a" && EachTests.texts(bench, "message", rows)[2] == "c")
        // What is captured of one element is not of the next; what is captured of the record is of all.
        #expect(EachTests.texts(bench, "unmapped.name", rows) == ["j", nil, nil])
        if dictionary.isNative {
            #expect(EachTests.texts(bench, "cloud.account.uid", rows) == ["outer", "outer", "own"])
            #expect(EachTests.texts(bench, "cloud.region", rows) == ["eu", nil, "eu"])
        }
        // Its own time goes before that of the record, which is told where it gives way.
        #expect(EachTests.texts(bench, "time", rows) == ["1795255299000", "1795255299000", "1795255203000"])
        let told = try EachTests.unmapped(bench, rows)
        #expect(
            told[0].contains(#""DEMO":1"#) && !told[1].contains("DEMO") && told[1].contains(#""beside":[1,{"b":2}]"#))
        let tally = bench.normalizer.takeTally()
        #expect(tally.events == [0, 3] && tally.unreadable == 0 && tally.invalid == 0)
        // The next record begins anew.
        let next = EachTests.take(&bench, #"{"DEMO":1,"text":"x"}"#)
        #expect(EachTests.texts(bench, "metadata.uid", next) == ["t-2"] && bench.batch.rows[3].part == 0)
        #expect(EachTests.texts(bench, "cloud.account.uid", next) == [nil])
    }

    @Test func uidsOfTheJournal() throws {
        var bench = try Bench(EachTests.mapping())
        bench.batch.append(Array("DEMO".utf8).span.bytes, received: Bench.received, transport: .file)
        bench.normalizer.normalize(frame: 0, of: &bench.batch)
        bench.batch.position = JournalPosition(log: 0, first: 40, epoch: 3)
        for _ in 0..<2 {
            let rows = EachTests.take(&bench, #"DEMO {"Records":[{"text":"a"},{"text":"b"}]}"#)
            #expect(EachTests.texts(bench, "metadata.uid", rows) == ["t-3-41", "t-3-41-2"])
            #expect(rows.map { bench.batch.rows[$0].sequence } == [41, 41])
            let frame = Frame(extent: .empty, received: 0, transport: .file)
            bench.batch.reset()
            bench.batch.append(frame)
            bench.batch.position = JournalPosition(log: 0, first: 40, epoch: 3)
        }
    }

    /// A list of one: the record is the event, with all of its text.
    @Test func aListOfOne() throws {
        var bench = try Bench(EachTests.mapping())
        let text = #"{"DEMO":1,"detail":{"findings":[{"kind":"finding","id":"7","title":"t"}]},"account":"a"}"#
        let rows = EachTests.take(&bench, text)
        #expect(EachTests.texts(bench, "metadata.uid", rows) == ["t-1"] && bench.batch.rows[0].part == 0)
        #expect(EachTests.texts(bench, "raw_data", rows) == [text])
        #expect(EachTests.texts(bench, "cloud.account.uid", rows) == ["a"])
        #expect(try EachTests.unmapped(bench, rows) == [#"{"DEMO":1,"kind":"finding"}"#])
    }

    @Test(arguments: [
        #"{"DEMO":1,"text":"x"}"#, #"{"DEMO":1,"text":"x","Records":[]}"#, #"{"DEMO":1,"text":"x","Records":[ ]}"#,
        #"{"DEMO":1,"text":"x","Records":[1,"a",null,[{}]]}"#, #"{"DEMO":1,"text":"x","Records":{"a":1}}"#,
        #"{"DEMO":1,"text":"x","Records":"[1,2]"}"#, #"{"DEMO":1,"text":"x","Records":"[{"}"#,
        #"{"DEMO":1,"text":"x","detail":{"findings":null}}"#, #"[DEMO] {"text":"x"}"#,
    ])
    func noListOfObjects(_ text: String) throws {
        var bench = try Bench(EachTests.mapping())
        let rows = EachTests.take(&bench, text)
        #expect(EachTests.texts(bench, "message", rows) == ["x"] && EachTests.texts(bench, "raw_data", rows) == [text])
        #expect(EachTests.texts(bench, "metadata.uid", rows) == ["t-1"])
        // Without `optional` it is a record that the mapping does not take: whole, and counted.
        var strict = try Bench(EachTests.mapping("{each: [Records, detail.findings]}"))
        let left = EachTests.take(&strict, text)
        #expect(strict.batch.rows.map(\.mapping) == [0] && EachTests.texts(strict, "raw_data", left) == [text])
        #expect(strict.normalizer.takeTally().unreadable == 1)
    }

    /// The message itself, and text that holds a list, are lists as well; their elements are on one line and UTF-8.
    @Test func listsInTexts() throws {
        var bench = try Bench(EachTests.mapping())
        let rows = EachTests.take(&bench, "[{\"DEMO\":1,\n\"text\":\"a\"},\r\n {\"text\":\"b\"}] ")
        #expect(EachTests.texts(bench, "message", rows) == ["a", "b"])
        #expect(EachTests.texts(bench, "raw_data", rows) == [#"{"DEMO":1, "text":"a"}"#, #"{"text":"b"}"#])
        let inner = EachTests.take(&bench, #"{"DEMO":1,"Records":"[{\"text\":\"c\"},{\"text\":\"d\\\"\"}]"}"#)
        #expect(EachTests.texts(bench, "message", inner) == ["c", "d\""])
    }

    /// What the mapping cannot take of a list becomes Base Events, each with its text; nothing of the record is lost.
    @Test func elementsThatAreNotTaken() throws {
        var bench = try Bench(EachTests.mapping())
        let parts = [
            #"{"kind":"strict","x":1}"#, "7", #""a\"b""#, "null", "[1]", #"{"text":"a"}"#, #"{"kind":"finding"}"#,
        ]
        let rows = EachTests.take(
            &bench, #"{"DEMO":1,"account":"outer","Records":[\#(parts.joined(separator: ","))],"beside":"b"}"#)
        #expect(EachTests.texts(bench, "raw_data", rows) == parts)
        #expect(EachTests.texts(bench, "metadata.uid", rows) == ["t-1"] + (2...7).map { "t-1-\($0)" })
        #expect(bench.batch.rows.map(\.mapping) == [0, 0, 0, 0, 0, 1, 0])
        #expect(EachTests.texts(bench, "class_uid", rows) == Array(repeating: "0", count: 7))
        #expect(EachTests.texts(bench, "unmapped.penstock.class_uid", rows).last == "2004")
        let told = try EachTests.unmapped(bench, rows)
        #expect(told[0] == #"{"account":"outer","beside":"b","DEMO":1}"# && told[1] == "{}" && told[5] == "{}")
        #expect(EachTests.texts(bench, "cloud.account.uid", rows)[5] == "outer")
        let tally = bench.normalizer.takeTally()
        #expect(tally.events == [5, 2] && tally.unreadable == 1 && tally.invalid == 1)
    }

    @Test func droppingByElement() throws {
        var bench = try Bench(EachTests.mapping())
        let drop = #"{"kind":"heartbeat"}"#
        let rows = EachTests.take(
            &bench, #"{"DEMO":1,"Records":[\#(drop),\#(drop),{"text":"a"},\#(drop),{"text":"b"},\#(drop)]}"#)
        // An element has the same number whatever becomes of the others.
        #expect(EachTests.texts(bench, "metadata.uid", rows) == ["t-1-3", "t-1-5"])
        #expect(try EachTests.unmapped(bench, rows) == [#"{"DEMO":1}"#, "{}"])
        #expect(EachTests.take(&bench, #"{"DEMO":1,"Records":[\#(drop),\#(drop)]}"#) == [])
        let tally = bench.normalizer.takeTally()
        #expect(tally.events == [0, 2] && tally.dropped.map(\.count) == [6])
    }

    @Test func moreThanItTakes() throws {
        var bench = try Bench(EachTests.mapping())
        func list(_ count: Int) -> String { (1...count).map { #"{"text":"e\#($0)"}"# }.joined(separator: ", ") }
        let whole = EachTests.take(&bench, #"{"DEMO":1,"Records":[\#(list(1_000))]}"#)
        #expect(whole.count == 1_000 && bench.normalizer.takeTally().cut == 0)
        let rows = EachTests.take(&bench, #"{"DEMO":1,"Records":[\#(list(1_003)) ]}"#)
        try #require(rows.count == 1_001)
        #expect(Set(EachTests.texts(bench, "metadata.uid", rows)).count == 1_001)
        #expect(EachTests.texts(bench, "raw_data", rows)[999] == #"{"text":"e1000"}"#)
        #expect(
            EachTests.texts(bench, "raw_data", rows)[1_000]
                == #"{"text":"e1001"}, {"text":"e1002"}, {"text":"e1003"} "#)
        #expect(EachTests.texts(bench, "metadata.uid", rows)[1_000] == "t-2-1001")
        let tally = bench.normalizer.takeTally()
        #expect(tally.cut == 1 && tally.events == [1, 1_000] && tally.unreadable == 0)
    }

    /// A short line does not become a thousand long events: what is long around a list is in the first event only.
    @Test func longRecordsAround() throws {
        var bench = try Bench(EachTests.mapping())
        let long = String(repeating: "x", count: 60_000)
        let some = (1...1_000).map { #"{"text":"\#($0)"}"# }.joined(separator: ",")
        let rows = EachTests.take(
            &bench, #"{"DEMO":1,"account":"\#(long)","region":"eu","beside":"\#(long)","Records":[\#(some)]}"#)
        let accounts = EachTests.texts(bench, "cloud.account.uid", rows)
        #expect(accounts[0] == long && accounts[1] == nil && accounts[999] == nil)
        #expect(EachTests.texts(bench, "cloud.region", rows).allSatisfy { $0 == "eu" })
        #expect(rows.reduce(0) { $0 + bench.json($1).count } < 2_000_000)
        #expect(try EachTests.unmapped(bench, [rows[0]])[0].utf8.count > 60_000)
        let data = #"<14>1 2026-11-21T10:00:01Z h a - - [x@1 k="\#(long)"] "#
        let told = EachTests.take(&bench, data + #"{"DEMO":1,"Records":[\#(some)]}"#)
        #expect(told.count == 1_000 && told.reduce(0) { $0 + bench.json($1).count } < 2_000_000)
        #expect(bench.json(told[0]).count > 60_000)
    }

    /// Who does not ask for the further events loses them, and nothing else.
    @Test func abandoned() throws {
        var bench = try Bench(EachTests.mapping())
        for text in [#"{"DEMO":1,"Records":[{"text":"a"},{"text":"b"}]}"#, "other"] {
            bench.batch.append(Array(text.utf8).span.bytes, received: Bench.received, transport: .file)
            bench.normalizer.normalize(frame: bench.batch.frames.count - 1, of: &bench.batch)
        }
        let isMore = bench.normalizer.next(of: &bench.batch)
        #expect(!isMore && bench.batch.rows.count == 2)
        bench.batch.reset()
        #expect(EachTests.take(&bench, #"{"DEMO":1,"text":"x"}"#) == [0])
        let sources = [0, 1].map { bench.batch.source(of: $0) }
        #expect(sources == [bench.batch.frames[0].extent, nil])
    }

    // MARK: Files

    private static func told(_ text: String, review: Bool = true) -> [String] {
        let complaints = Complaints()
        var builder = FieldTable.Builder()
        let drafts = MappingSet.read([("m.yaml", text)], builder: &builder, complaints: complaints)
        if review, complaints.errors.isEmpty { MappingSet(drafts, table: builder.build()).review(drafts) }
        return complaints.byPlace.map(\.description)
    }

    @Test(arguments: [
        ("each: Records", []),
        ("each: [Records, detail.findings, syslog.message]", []),
        ("{each: Records, optional: true, when: {kind: x}}", []),
        ("each: []", ["m.yaml:5:11: 'each' names the capture of a list, or several to try"]),
        ("each: {from: Records}", ["m.yaml:5:11: 'each' names the capture of a list, or several to try"]),
        ("each: Records.0", ["m.yaml:5:11: 'Records.0' is one element, not a list: write 'Records'"]),
        ("each: '.'", ["m.yaml:5:11: '.' is no path of a list"]),
        (
            "each: [Records, syslog.hostname]",
            [
                "m.yaml:5:21: 'syslog.hostname' is no list: of what every record has, only 'syslog.message' can be one"
            ]
        ),
        (
            "each: Records\n  - each: inner",
            ["m.yaml:6:11: 'each' inside 'each': a record is taken apart once; lists to try stand in one 'each'"]
        ),
    ])
    func faults(_ step: String, _ wanted: [String]) {
        let text = """
            name: demo
            match: [{contains: ["DEMO"]}]
            parse:
              - json: true
              - STEP
            events:
              - {class: base_event, activity_id: 0, map: {message: text}}
            """
        #expect(EachTests.told(text.replacing("STEP", with: step)) == wanted)
    }

    @Test func listsThatNoStepMakes() {
        let text = """
            name: demo
            match: [{contains: ["DEMO"]}]
            parse:
              - FIRST
              - each: Records
            events:
              - {class: base_event, activity_id: 0, map: {message: text}}
            """
        #expect(
            EachTests.told(text.replacing("  - FIRST\n", with: "")) == [
                "m.yaml:4:11: 'Records' is no list: no step before this one captures it"
            ])
        #expect(
            EachTests.told(text.replacing("FIRST", with: "dissect: 'DEMO %{records}'")) == [
                "m.yaml:5:11: warning: no step makes the capture 'Records' (did you mean 'records'?)"
            ])
        #expect(EachTests.told(text.replacing("FIRST", with: "dissect: 'DEMO %{Records}'")) == [])
    }

    private static let samples = """
        name: demo
        match: [{contains: ["DEMO"]}]
        parse: [{json: true}, {each: Records, optional: true}]
        events:
          - {class: base_event, activity_id: 0, map: {message: text}}
        samples:
          - input: '{"DEMO":1,"Records":[{"text":"a"},{"text":"b"}]}'
            expect: [{class_uid: 0, message: a}, {message: b}]
          - {input: '{"DEMO":1,"text":"c"}', expect: {message: c}}

        """

    @Test func samplesOfSeveralEvents() throws {
        let right = try SampleUpdateTests.run(EachTests.samples)
        #expect(right.passed == 2 && right.told == [] && right.text == nil)
        // A value of the second event.
        let wrong = EachTests.samples.replacing("{message: b}", with: "{message: 'x'}")
        let result = try SampleUpdateTests.run(wrong)
        #expect(result.passed == 1 && result.refused == 0)
        #expect(
            result.reports.first?.contains("m.yaml:8:52: message\n    expected:  x\n    actual:    b") == true,
            "\(result.reports)")
        #expect(result.text == wrong.replacing("'x'", with: "'b'"))
        // As many as there are.
        for (old, new, count) in [
            ("[{class_uid: 0, message: a}, {message: b}]", "{message: a}", 1),
            ("{message: b}]", "{message: b}, {message: c}]", 3),
        ] {
            let result = try SampleUpdateTests.run(EachTests.samples.replacing(old, with: new))
            #expect(result.passed == 1 && result.refused == 1 && result.text == nil)
            #expect(
                result.told.first?.contains("the record becomes 2 events, 'expect' tells of \(count)") == true,
                "\(result.told)")
        }
        let single = try SampleUpdateTests.run(
            EachTests.samples.replacing("expect: {message: c}", with: "expect: [{message: c}]"))
        #expect(single.passed == 2)
        // What is left out is written, one event a line or all on one.
        let open = EachTests.samples.replacing("\n    expect: [{class_uid: 0, message: a}, {message: b}]", with: "")
        let written = try #require(try SampleUpdateTests.run(open).text)
        #expect(
            written.contains(
                """
                    expect:
                      - class_uid: 0
                        activity_id: 0
                        message: a
                """), "\(written)")
        #expect(try SampleUpdateTests.run(written).passed == 2)
        let flow = "{input: '{\"DEMO\":1,\"Records\":[{\"text\":\"a\"},{\"text\":\"b\"}]}'}"
        let inFlow = try #require(
            try SampleUpdateTests.run(
                EachTests.samples.replacing("{input: '{\"DEMO\":1,\"text\":\"c\"}', expect: {message: c}}", with: flow)
            ).text)
        #expect(inFlow.contains("expect: [{class_uid: 0,"), "\(inFlow)")
        #expect(try SampleUpdateTests.run(inFlow).passed == 2)
    }

    /// Hostile lists, with all shipped mappings at work: every event is valid, has a uid of its own, and the texts of all
    /// are the list.
    @Test func hostileLists() throws {
        let files = try Places.mappings()
        var bench = try Bench(files)
        let inner = LineMutator(samplesOf: files.filter { $0.name.hasPrefix("aws/") || $0.name.hasSuffix("json.yaml") })
        var random = Random(11)
        var split = 0
        for round in FuzzRounds(400) {
            let parts = (0..<Int.random(in: 0...6, using: &random)).map { _ in
                inner.seeds.randomElement(using: &random) ?? []
            }
            var line = Array(#"{"account":"1","Records":["#.utf8) + parts.joined(separator: [0x2C]) + Array("]}".utf8)
            switch round % 3 {
            case 0: line = Array("[".utf8) + parts.joined(separator: [0x2C]) + Array("]".utf8)
            case 1:
                for _ in 0..<Int.random(in: 0...2, using: &random) where !line.isEmpty {
                    line[Int.random(in: 0..<line.count, using: &random)] =
                        Array("{}[],:\"\\0 a".utf8).randomElement(using: &random) ?? 0x20
                }
            default: break
            }
            bench.batch.reset()
            let rows = EachTests.take(&bench, String(decoding: line, as: UTF8.self))
            #expect(
                !rows.isEmpty && Set(EachTests.texts(bench, "metadata.uid", rows)).count == rows.count, "round \(round)"
            )
            let text = String(decoding: line, as: UTF8.self)
            for raw in EachTests.texts(bench, "raw_data", rows) {
                #expect(raw.map { text.contains($0) } == true, "round \(round): \(LineFuzzTests.text(line))")
            }
            if rows.count > 1 { split += 1 }
        }
        #expect(split > 50, "\(split)")
    }
}
