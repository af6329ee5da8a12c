// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Normalizer
import Testing

/// What a failing sample is told as, and what becomes of its file.
struct SampleUpdateTests {
    static let text = """
        # by hand
        name: demo
        match:
          - {program: demo}
        parse:
          - kv: true
        events:
          - when: {user: {exists: true}}
            class: authentication
            activity_id: Logon   # always
            map: {user.name: user, service.name: {value: demo}, status_detail: why}
          - class: base_event
            activity_id: 0
            map: {message: syslog.message}
        samples:
          # the first
          - input: '<13>Nov 21 10:00:01 h demo: user=bob why="no such user"'
            expect: {class_uid: 3002, user.name: "bob", status_detail: 'no such user', src_endpoint.ip: null}
          - input: '<13>Nov 21 10:00:01 h demo: started'
            expect:
              class_uid: 0   # still
              message: started
        # the end

        """

    struct Result {
        var told: [String]
        var reports: [String]
        var passed: Int
        var refused: Int
        var text: String?
    }

    static func run(_ text: String, beside others: [(name: String, text: String)] = []) throws -> Result {
        let complaints = Complaints()
        var builder = FieldTable.Builder()
        let files = [(name: "m.yaml", text: text)] + others
        let drafts = MappingSet.read(files, builder: &builder, complaints: complaints)
        #expect(complaints.all.isEmpty, "\(complaints.all)")
        let outcomes = MappingSet(drafts, table: builder.build()).sampleOutcomes(drafts)
        let update = SampleUpdate(outcomes, files: files, complaints: complaints)
        return Result(
            told: complaints.all.map(\.description), reports: outcomes.filter { !$0.passed }.map(\.report),
            passed: outcomes.count { $0.passed }, refused: update.refused, text: update.files.first?.text)
    }

    static func changed(_ old: String, _ new: String) throws -> String {
        let text = SampleUpdateTests.text.replacing(old, with: new, maxReplacements: 1)
        try #require(text != SampleUpdateTests.text)
        return text
    }

    @Test func nothingToDo() throws {
        let result = try SampleUpdateTests.run(SampleUpdateTests.text)
        #expect(result.passed == 2 && result.reports.isEmpty && result.text == nil && result.told.isEmpty)
    }

    @Test func report() throws {
        let wrong = try SampleUpdateTests.changed(
            #"user.name: "bob", status_detail: 'no such user', src_endpoint.ip: null"#,
            "user.name: \"eve\", status_detail: 'no such group here, said the host',\n      src_endpoint.ip: 10.0.0.1")
        let result = try SampleUpdateTests.run(wrong)
        #expect(
            result.reports == [
                """
                m.yaml:17:5: sample 1 of 'demo' fails: 3 of 4 attributes differ
                    input:     <13>Nov 21 10:00:01 h demo: user=bob why="no such user"
                  m.yaml:18:42: user.name
                    expected:  eve
                    actual:    bob
                  m.yaml:18:64: status_detail
                    expected:  no such group here, said the host
                    actual:    no such user
                  m.yaml:19:24: src_endpoint.ip
                    expected:  10.0.0.1
                    actual:    (absent)
                """
            ])
    }

    /// Only values change: comments, order, quotes and blanks stay.
    @Test func onlyValuesChange() throws {
        let wrong = try SampleUpdateTests.changed(
            #"class_uid: 3002, user.name: "bob", status_detail: 'no such user', src_endpoint.ip: null}"#,
            #"class_uid: 1,  user.name: "eve" , status_detail: 'what?', src_endpoint.ip: 10.0.0.1}  # mine"#)
        let result = try SampleUpdateTests.run(wrong)
        let wanted = try SampleUpdateTests.changed(
            #"class_uid: 3002, user.name: "bob", status_detail: 'no such user', src_endpoint.ip: null}"#,
            #"class_uid: 3002,  user.name: "bob" , status_detail: 'no such user', src_endpoint.ip: null}  # mine"#)
        #expect(result.text == wanted && result.refused == 0 && result.told.isEmpty)
        #expect(try SampleUpdateTests.run(wanted).passed == 2)
    }

    /// A sample without expectations gets what its event has, and passes then.
    @Test func openSamples() throws {
        let open = try SampleUpdateTests.changed(
            "    expect: {class_uid: 3002, user.name: \"bob\", status_detail: 'no such user', src_endpoint.ip: null}\n",
            "")
        let result = try SampleUpdateTests.run(open)
        #expect(result.reports.first?.hasPrefix("m.yaml:17:5: sample 1 of 'demo' fails: it has no 'expect'") == true)
        let text = try #require(result.text)
        #expect(
            text
                == (try SampleUpdateTests.changed(
                    "    expect: {class_uid: 3002, user.name: \"bob\", status_detail: 'no such user', src_endpoint.ip: null}\n",
                    """
                        expect:
                          class_uid: 3002
                          activity_id: 1
                          service.name: demo
                          severity_id: 2
                          status_detail: no such user
                          time: 1763719201000
                          user.name: bob

                    """)),
            "\(text)")
        #expect(try SampleUpdateTests.run(text).passed == 2)
    }

    /// A record that another mapping takes, and an event that would not be valid, are nobody's expectation.
    @Test func refusals() throws {
        let other = "name: early\nrank: 1\nmatch: [{program: demo}]\nevents: [{class: base_event, activity_id: 0}]\n"
        let wrong = try SampleUpdateTests.changed("message: started", "message: ended")
        let taken = try SampleUpdateTests.run(wrong, beside: [("o.yaml", other)])
        #expect(taken.text == nil && taken.refused == 2)
        #expect(
            taken.told == [
                "m.yaml:17:5: sample 1 of 'demo' is not rewritten: 'early' takes the record: make the match of one of the two narrower",
                "m.yaml:19:5: sample 2 of 'demo' is not rewritten: 'early' takes the record: make the match of one of the two narrower",
            ])
        #expect(taken.reports.first?.contains("\n    mapping:   expected 'demo', actual 'early'") == true)
        let invalid = try SampleUpdateTests.run(
            try SampleUpdateTests.changed("when: {user: {exists: true}}", "when: {why: {exists: true}}")
                .replacing("user=bob ", with: ""))
        #expect(invalid.text == nil && invalid.refused == 1)
        #expect(
            invalid.told == [
                "m.yaml:17:5: sample 1 of 'demo' is not rewritten: its event would not be valid (missing: user): correct the mapping first"
            ])
        #expect(invalid.reports.first?.contains("\n    no event:  missing: user (it went out as Base Event)") == true)
    }

    /// A value that several samples share is for a person to change; what else the file has is rewritten all the same.
    @Test func sharedValues() throws {
        let shared = try SampleUpdateTests.changed(#""bob""#, "&who eve").replacing(
            "message: started", with: "message: *who")
        let result = try SampleUpdateTests.run(shared)
        #expect(result.text == nil && result.refused == 2)
        #expect(result.told.allSatisfy { $0.hasSuffix("edit it by hand") } && result.told.count == 2, "\(result.told)")
        let one = try SampleUpdateTests.run(
            shared.replacing("class_uid: 0 ", with: "class_uid: 7 ").replacing("*who", with: "x"))
        #expect(
            one.refused == 1
                && one.text?.contains("      class_uid: 0   # still\n      message: started\n# the end\n") == true)
        #expect(one.text?.contains("user.name: &who eve") == true)
    }
}
