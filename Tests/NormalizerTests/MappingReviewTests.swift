// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Normalizer
import Testing

/// What a mapping says in vain is told, each at its place; what is of use is not.
struct MappingReviewTests {
    static let base = """
        name: demo
        match:
          - {contains: ["DEMO"]}
        parse:
          - regex:
              any:
                - 'user=(?<user>\\S+) type=(?<type>\\S+)'
          - dissect: '%{from}->%{to}'
            optional: true
        absent: ["-", "0"]
        events:
          - when: {type: [a, b]}
            class: base_event
            activity_id: 0
            map: {message: user}
          - class: base_event
            activity_id: 0
            map: {message: [from, to]}
        samples:
          - input: DEMO user=x type=a
            expect: {class_uid: 0, message: x}
        """

    static func told(_ files: [(name: String, text: String)]) throws -> [String] {
        let complaints = Complaints()
        var builder = FieldTable.Builder()
        let drafts = MappingSet.read(files, builder: &builder, complaints: complaints)
        #expect(complaints.all.isEmpty, "\(complaints.all)")
        MappingSet(drafts, table: builder.build()).review(drafts)
        return complaints.byPlace.map(\.description)
    }

    struct Change: Sendable {
        let old: String
        let new: String
        let told: [String]
    }

    @Test(arguments: [
        Change(old: "name: demo", new: "name: demo2", told: []),
        // Events.
        Change(
            old: "when: {type: [a, b]}\n    class", new: "class",
            told: [
                "m.yaml:15:5: warning: never reached: the event of line 12 takes every record; put this one before it, or narrow that one"
            ]
        ),
        Change(
            old: "  - class: base_event", new: "  - when: {type: A, user: {exists: true}}\n    class: base_event",
            told: [
                "m.yaml:16:11: warning: never reached: the event of line 12 takes every record of which this 'when' holds; put this one before it, or narrow that one"
            ]
        ),
        Change(
            old: "events:",
            new:
                "events:\n  - {when: {type: a}, class: base_event, activity_id: 0}\n  - {when: {type: {startswith: b}}, class: base_event, activity_id: 0}",
            told: [
                "m.yaml:14:11: warning: never reached: the events before it together take every record of which this 'when' holds"
            ]
        ),
        Change(
            old: "when: {type: [a, b]}", new: "when: {type: a, not: {type: a}}",
            told: ["m.yaml:12:11: warning: this condition never holds: its parts exclude each other"]),
        Change(
            old: "when: {type: [a, b]}", new: "when: {type: {exists: false, startswith: x}}",
            told: ["m.yaml:12:11: warning: this condition never holds: its parts exclude each other"]),
        Change(
            old: "when: {type: [a, b]}", new: "when: {type: [a, '-', '0']}",
            told: [
                "m.yaml:12:22: warning: never equal: '-' is in 'absent', so the capture counts as missing; test '{exists: false}'"
            ]
        ),
        Change(old: "when: {type: [a, b]}", new: "when: {type: a}", told: []),
        Change(old: "when: {type: [a, b]}", new: "when: [{type: a}, {user: {contains: b}}]", told: []),
        Change(old: "when: {type: [a, b]}", new: "when: {syslog.hostname: ['-', x]}", told: []),
        // Captures.
        Change(
            old: "message: user", new: "message: usr",
            told: [
                "m.yaml:15:20: warning: no step makes the capture 'usr' (did you mean 'user'?); a fixed value is written {value: …}"
            ]
        ),
        Change(
            old: "when: {type: [a, b]}", new: "when: {not: {tipe: b}}",
            told: ["m.yaml:12:18: warning: no step makes the capture 'tipe' (did you mean 'type'?)"]),
        Change(
            old: "  - dissect: '%{from}->%{to}'", new: "  - dissect: {from: later, any: ['%{from}->%{to}']}",
            told: ["m.yaml:8:21: warning: no step makes the capture 'later'"]),
        Change(old: "  - dissect:", new: "  - kv: true\n  - dissect:", told: []),
        Change(
            old: "    class: base_event\n    activity_id: 0\n    map: {message: user}",
            new: "    class: base_event\n    activity_id: 0\n    time: [[date, type]]\n    map: {message: user}",
            told: ["m.yaml:15:13: warning: no step makes the capture 'date'"]),
        // Steps.
        Change(
            old: "  - dissect:",
            new: "        - 'x=(?<x>.)'\n        - 'user=(?<user>\\S+) type=(?<type>\\S+)'\n  - dissect:",
            told: ["m.yaml:9:11: warning: never asked: line 7 has the same expression; remove one of the two"]),
        Change(
            old: "  - dissect: '%{from}->%{to}'", new: "  - dissect: {any: ['%{from}->%{to}', '%{from}->%{to}']}",
            told: ["m.yaml:8:39: warning: never asked: line 8 has the same pattern; remove one of the two"]),
        // Tables and cases.
        Change(
            old: "message: user", new: "message: {from: user, table: {Ok: a, fine: b, OK: c, '': d, '-': e}}",
            told: [
                "m.yaml:15:57: warning: the same key as 'Ok' in line 15, letters count in either case: remove one of the two",
                "m.yaml:15:64: warning: never found: an empty text counts as absent; give a 'default' instead",
                "m.yaml:15:71: warning: never found: '-' is in 'absent', so the capture counts as missing; give a 'default' instead",
            ]),
        Change(
            old: "message: user",
            new:
                "message: {cases: [{when: {user: {contains: lease}}, value: a}, {when: {user: {contains: release}}, value: b}]}",
            told: [
                "m.yaml:15:81: warning: never reached: the case of line 15 holds whenever this one does; put this one before it"
            ]
        ),
        // Samples.
        Change(
            old: "message: x}", new: "message: x, src_endpoint.prot: 5, unmapped.what: 1}",
            told: ["m.yaml:21:40: warning: network_endpoint has no attribute 'prot' (did you mean 'port'?)"]),
        Change(
            old: "\n    expect: {class_uid: 0, message: x}", new: "",
            told: [
                "m.yaml:20:5: warning: a sample without 'expect' proves nothing; 'penstock test --update' writes what the record becomes"
            ]
        ),
        // Several at once, in the order of the file.
        Change(
            old: "    map: {message: user}\n",
            new:
                "    map: {message: usr, status: {from: type, table: {a: b, A: b}}}\n  - {when: {type: b}, class: base_event, activity_id: 0}\n",
            told: [
                "m.yaml:15:20: warning: no step makes the capture 'usr' (did you mean 'user'?); a fixed value is written {value: …}",
                "m.yaml:15:60: warning: the same key as 'a' in line 15, letters count in either case: remove one of the two",
                "m.yaml:16:12: warning: never reached: the event of line 12 takes every record of which this 'when' holds; put this one before it, or narrow that one",
            ]),
    ])
    func warnings(_ change: Change) throws {
        let text = MappingReviewTests.base.replacing(change.old, with: change.new, maxReplacements: 1)
        try #require(text != MappingReviewTests.base)
        let told = try MappingReviewTests.told([("m.yaml", text)])
        #expect(told == change.told)
    }

    // MARK: Matches

    static func mapping(_ name: String, rank: Int = 100, _ match: String, sample: String? = nil) -> (String, String) {
        let samples = sample.map { "samples:\n  - {input: '\($0)', expect: {class_uid: 0}}\n" } ?? ""
        return (
            name + ".yaml",
            "name: \(name)\nrank: \(rank)\nmatch:\n  - \(match)\nevents:\n  - {class: base_event, activity_id: 0}\n\(samples)"
        )
    }

    static let cure = "give the one that is more particular a lower 'rank', or make a match narrower"

    @Test func coveredByALowerRank() throws {
        let told = try MappingReviewTests.told([
            MappingReviewTests.mapping("wide", rank: 50, "{contains: [key]}"),
            MappingReviewTests.mapping("narrow", "{contains: [a-key=, other], regex: x}"),
            MappingReviewTests.mapping("apart", "{contains: [kez]}"),
        ])
        #expect(
            told == [
                "narrow.yaml:4:5: warning: never asked: 'wide' (wide.yaml:4:5) of the lower rank 50 takes all that this match takes"
            ])
    }

    @Test(
        arguments: [
            ("{program: [App, x]}", "{program: [app, X, y]}", false), ("{program: x}", "{program: x, regex: y}", nil),
            ("{program: x, regex: y}", "{program: x, regex: y}", true),
            ("{startswith: abc}", "{startswith: [ab, x]}", false),
            ("{startswith: abc}", "{contains: bc}", false), ("{contains: abc}", "{startswith: abc}", nil),
            ("{no_program: true, contains: a}", "{contains: a}", false),
            ("{contains: a}", "{contains: a, no_program: true}", nil),
            ("{msgid: m}", "{msgid: [m, n]}", false), ("{record: modbus}", "{record: modbus}", true),
            ("{record: modbus}", "{record: s7}", nil), ("{cef: {vendor: V, product: P}}", "{cef: true}", false),
            ("{json: [a, b]}", "{json: [b]}", false), ("{contains: a}", "{record: a}", nil),
            ("{event_code: ASA-6-302013}", "{event_code: [x-1, ASA-302013]}", false),
            ("{event_code: ASA-302013}", "{event_code: ASA-6-302013}", nil),
            ("{event_code: ASA-302013}", "{event_code: [asa-302013]}", true),
            ("{event_code: ASA-*}", "{event_code: [ASA-302013, ASA-6-1]}", nil),
            ("{event_code: [ASA-302013, ASA-6-1]}", "{event_code: [ASA-*, FTD-*]}", false),
        ] as [(String, String, Bool?)])
    func sameRank(_ second: String, _ first: String, isSame: Bool?) throws {
        let told = try MappingReviewTests.told([
            MappingReviewTests.mapping("a", first), MappingReviewTests.mapping("b", second),
        ])
        let takes = isSame == true ? "has the same match" : "takes all that this match takes"
        let warning =
            "b.yaml:4:5: warning: ambiguous: 'a' (a.yaml:4:5) of the same rank 100 \(takes), and is asked first by its "
            + "name alone; \(MappingReviewTests.cure)"
        #expect(told == (isSame == nil ? [] : [warning]))
    }

    /// Whether two expressions meet is known from samples.
    @Test func samplesOfOneRank() throws {
        let first = MappingReviewTests.mapping(
            "a", "{regex: 'key=\\d'}", sample: "<13>Nov 21 10:00:01 h p: key=5 and more")
        let second = MappingReviewTests.mapping(
            "b", "{program: p, regex: more}", sample: "<13>Nov 21 10:00:01 h p: more")
        #expect(
            try MappingReviewTests.told([first, second]) == [
                "a.yaml:8:5: warning: ambiguous: 'a' and 'b', both of rank 100, take this sample; 'a' is asked first by its "
                    + "name alone; \(MappingReviewTests.cure)"
            ])
        let apart = MappingReviewTests.mapping("b", rank: 90, "{program: p, regex: more}", sample: "p: more")
        #expect(try MappingReviewTests.told([first, apart]) == [])
    }

    /// What ships says nothing in vain.
    @Test func shippedMappings() throws {
        #expect(try MappingReviewTests.told(try Places.mappings()) == [])
    }
}
