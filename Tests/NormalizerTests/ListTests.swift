// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Normalizer
import Testing

/// `each:` makes objects of an attribute that repeats, one of each element of a list.
struct ListTests {
    private static func mapping(_ answers: String, _ more: String = "", event: String = "dns_activity") -> String {
        """
        name: demo
        match: [{program: demo}]
        parse: [{json: true}]
        absent: ["-"]
        common: {device_type_id: 9, profiles: [host]}
        events:
          - class: \(event)
            activity_id: 2
            map:
              query.hostname: {from: name, default: unknown}
              src_endpoint.ip: {value: 192.0.2.1}
              dst_endpoint.ip: {value: 192.0.2.2}
              answers: \(answers)
        \(more)
        """
    }

    private static let plain = "{each: [dns.answers, dns.ips], of: {rdata: [rdata, .], type: rrtype, ttl: ttl}}"

    private static func line(_ json: String) -> String { "<134>Nov 21 10:00:01 gate demo: " + json }

    private static func complaints(_ text: String) -> [String] {
        let complaints = Complaints()
        var builder = FieldTable.Builder()
        let drafts = MappingSet.read([("m.yaml", text)], builder: &builder, complaints: complaints)
        if complaints.errors.isEmpty { MappingSet(drafts, table: builder.build()).review(drafts) }
        return complaints.all.map(\.description)
    }

    private static let hidden: Set<String> = ["syslog", "peer", "penstock"]

    @Test func anObjectOfEachElement() throws {
        var bench = try Bench(ListTests.mapping(ListTests.plain))
        let row = bench.take(
            ListTests.line(
                #"{"name":"a.example","dns":{"answers":[{"rdata":"192.0.2.7","rrtype":"A","ttl":60},"#
                    + #"{"rdata":"x \"y\"","rrtype":"TXT"},{"rdata":"2001:db8::1","ttl":"7"}]}}"#))
        let json = String(decoding: bench.json(row), as: UTF8.self)
        let wanted =
            #""answers":[{"rdata":"192.0.2.7","ttl":60,"type":"A"},{"rdata":"x \"y\"","type":"TXT"},"#
            + #"{"rdata":"2001:db8::1","ttl":7}]"#
        #expect(json.contains(wanted), "\(json)")
        #expect(try bench.unmapped(row, without: ListTests.hidden) == "{}")
        #expect(EventValidator(bench.set.table.dictionary).faults(bench.json(row)) == [])
    }

    @Test func whatIsNoObjectIsItself() throws {
        var bench = try Bench(ListTests.mapping(ListTests.plain))
        let list = bench.take(ListTests.line(#"{"dns":{"ips":["192.0.2.7",8,null,"-",""]}}"#))
        #expect(
            String(decoding: bench.json(list), as: UTF8.self).contains(
                #""answers":[{"rdata":"192.0.2.7"},{"rdata":"8"}]"#))
        // What stands for nothing is kept as it was.
        #expect(try bench.unmapped(list, without: ListTests.hidden) == #"{"dns.ips":[null,null,null,"-",""]}"#)
        let alone = bench.take(ListTests.line(#"{"dns":{"ips":"192.0.2.7"}}"#))
        #expect(bench.batch.text("answers.rdata", in: alone) == "192.0.2.7")
        let object = bench.take(ListTests.line(#"{"dns":{"answers":{"rdata":"a","rrtype":"CNAME"}}}"#))
        #expect(bench.batch.text("answers.type", in: object) == "CNAME")
        #expect(try bench.unmapped(object, without: ListTests.hidden) == "{}")
        let none = bench.take(ListTests.line(#"{"dns":{"answers":[]}}"#))
        #expect(!String(decoding: bench.json(none), as: UTF8.self).contains(#""answers""#))
    }

    @Test func partsOfAText() throws {
        let text = ListTests.mapping("{each: ips, split: ',', of: {rdata: ., type: {value: A}}}")
        var bench = try Bench(text)
        let row = bench.take(ListTests.line(#"{"ips":"192.0.2.7, 192.0.2.8,,"}"#))
        #expect(
            String(decoding: bench.json(row), as: UTF8.self)
                .contains(#""answers":[{"rdata":"192.0.2.7","type":"A"},{"rdata":"192.0.2.8","type":"A"}]"#))
    }

    @Test func whatNoLineReadsIsKept() throws {
        var bench = try Bench(ListTests.mapping(ListTests.plain))
        let row = bench.take(
            ListTests.line(
                #"{"dns":{"answers":[{"rdata":"a","class":"IN","soa":{"zone":"z"}},{"rdata":"b"},{"rrtype":"A"},"#
                    + #"{"rdata":"c","ttl":"soon"},[1],7]}}"#))
        let json = String(decoding: bench.json(row), as: UTF8.self)
        #expect(json.contains(#""answers":[{"rdata":"a"},{"rdata":"b"},{"rdata":"c"},{"rdata":"7"}]"#), "\(json)")
        // An element that cannot become an object stays whole; names inside are not the service's.
        #expect(
            try bench.unmapped(row, without: ListTests.hidden)
                == #"{"dns.answers":[{"class":"IN","soa":{"zone":"z"}},null,{"rrtype":"A"},{"ttl":"soon"},[1],null]}"#)
        #expect(EventValidator(bench.set.table.dictionary).faults(bench.json(row)) == [])
        #expect(bench.normalizer.takeTally().misfits == 2)
    }

    @Test func atMostSixtyFour() throws {
        var bench = try Bench(ListTests.mapping(ListTests.plain))
        let all = (0..<70).map { #"{"rdata":"n\#($0)","ttl":\#($0)}"# }.joined(separator: ",")
        let row = bench.take(ListTests.line(#"{"dns":{"answers":["# + all + "]}}"))
        let event = try bench.object(row)
        let answers = try #require(event["answers"] as? [[String: Any]])
        #expect(answers.count == 64)
        #expect(answers[63]["rdata"] as? String == "n63")
        let rest = try #require((event["unmapped"] as? [String: Any])?["dns.answers"] as? [Any])
        #expect(rest.count == 70)
        #expect((rest[69] as? [String: Any])?["rdata"] as? String == "n69")
        #expect(bench.normalizer.takeTally().cut == 1)
        #expect(EventValidator(bench.set.table.dictionary).faults(bench.json(row)) == [])
    }

    private static let findings = """
        name: demo
        match: [{program: demo}]
        parse: [{json: true}]
        events:
          - class: vulnerability_finding
            activity_id: 1
            map:
              finding_info.uid: {value: "1"}
              finding_info.title: {value: t}
              vulnerabilities:
                each: found
                of:
                  cve.uid: {cases: [{when: {id: {startswith: CVE-}}, value: known}]}
                  advisory.uid: id
                  title: title
                  references: urls
                  affected_packages.name: package.name
                  affected_packages.version: package.version
                  severity: {from: level, table: {hi: High}, default: Low}
        """

    @Test func objectsInsideAreWhole() throws {
        var bench = try Bench(ListTests.findings)
        let row = bench.take(
            ListTests.line(
                #"{"found":[{"id":"GHSA-1","title":"one","urls":["https://a","https://b"],"package":{"name":"zlib"}},"#
                    + #"{"id":"GHSA-2","package":{"name":"zlib","version":"1"},"level":"hi"},{"id":"CVE-1"},{"title":"x"}]}"#
            ))
        let json = String(decoding: bench.json(row), as: UTF8.self)
        let wanted =
            #""vulnerabilities":[{"advisory":{"uid":"GHSA-1"},"references":["https://a","https://b"],"severity":"Low","#
            + #""title":"one"},{"advisory":{"uid":"GHSA-2"},"affected_packages":[{"name":"zlib","version":"1"}],"#
            + #""severity":"High"},{"cve":{"uid":"known"},"severity":"Low"}]"#
        #expect(json.contains(wanted), "\(json)")
        #expect(
            try bench.unmapped(row, without: ListTests.hidden)
                == #"{"found":[{"package.name":"zlib"},null,{"id":"CVE-1"},{"title":"x"}]}"#)
        #expect(EventValidator(bench.set.table.dictionary).faults(bench.json(row)) == [])
    }

    @Test func inTheOlderVersionToo() throws {
        var bench = try Bench(ListTests.mapping(ListTests.plain), of: .v1_1_0)
        let row = bench.take(
            ListTests.line(#"{"dns":{"answers":[{"rdata":"192.0.2.7","ttl":1},{"rdata":"b"}]}}"#))
        #expect(
            String(decoding: bench.json(row), as: UTF8.self).contains(#"[{"rdata":"192.0.2.7","ttl":1},{"rdata":"b"}]"#)
        )
        #expect(EventValidator(bench.set.table.dictionary).faults(bench.json(row)) == [])
        var other = try Bench(ListTests.findings, of: .v1_1_0)
        let finding = other.take(ListTests.line(#"{"found":[{"id":"CVE-1","title":"a"},{"id":"GHSA-1","title":"b"}]}"#))
        // An advisory has no place there: what is left of the element is not an object, and it stays as it was.
        let json = String(decoding: other.json(finding), as: UTF8.self)
        #expect(EventValidator(other.set.table.dictionary).faults(other.json(finding)) == [], "\(json)")
        #expect(json.contains(#""cve":{"#) && json.contains("GHSA-1"), "\(json)")
    }

    @Test(arguments: [
        ("{each: a, of: {rdta: x}}", "m.yaml:13:31: dns_answer of OCSF 1.8.0 has no attribute 'rdta'"),
        ("{each: a, of: {rdata: x, ttl: {value: soon}}}", "answers.ttl takes a whole number, not 'soon'"),
        ("{each: a, of: {rdata: x, flag_ids: {from: f, table: {aa: Nonsense}}}}", "has no value 'Nonsense'"),
        ("{each: a, of: {ttl: x}}", "'answers' is left out of each event without 'rdata'"),
        ("{each: a, of: {rdata: {value: x}}}", "no line of 'of' reads anything of an element"),
        ("{each: a, of: {}}", "'of' tells what becomes of an element"), ("{each: a}", "needs 'of'"),
        ("{each: a, as: b, of: {rdata: x}}", "unknown key 'as'"),
        ("{each: a, split: ', ', of: {rdata: x}}", "split takes one ASCII character"),
        (
            "{each: a, of: {rdata: x}}\n      answers.ttl: t",
            "'each' makes all of 'answers': write 'ttl' under its 'of'"
        ),
        ("{each: a, of: {rdata: x}}\n      query: {each: a, of: {hostname: x}}", "'query' does not repeat objects"),
        ("{each: a, of: {rdata: x}}\n      message: {each: a, of: {b: x}}", "'message' does not repeat objects"),
        ("{each: a, of: {rdata: x}}\n      nonsense: {each: a, of: {b: x}}", "has no attribute 'nonsense'"),
        (
            "{each: a, of: {rdata: x, flag_ids: {each: b, of: {name: x}}}}",
            "a list inside a list"
        ),
        ("{each: a, of: {rdata: x, type: {from: t, table: {a: b, A: c}}}}", "the same key as 'a'"),
    ])
    func faults(_ answers: String, _ message: String) {
        let told = ListTests.complaints(ListTests.mapping(answers))
        #expect(told.contains { $0.contains(message) }, "\(told)")
    }

    @Test func samplesNameElements() throws {
        let samples = """
            samples:
              - input: '<134>Nov 21 10:00:01 gate demo: {"dns":{"ips":["a","b"]}}'
                expect: {answers.rdata: a, answers.0.rdata: a, answers.1.rdata: b, answers.2.rdata: null}
              - input: '<134>Nov 21 10:00:01 gate demo: {"dns":{"ips":["a","b"]}}'
                expect: {answers.1.rdata: a}
            """
        let complaints = Complaints()
        var builder = FieldTable.Builder()
        let drafts = MappingSet.read(
            [("m.yaml", ListTests.mapping(ListTests.plain, samples))], builder: &builder, complaints: complaints)
        let set = MappingSet(drafts, table: builder.build())
        set.review(drafts)
        #expect(complaints.all.isEmpty, "\(complaints.all)")
        let outcomes = set.sampleOutcomes(drafts)
        #expect(outcomes.map(\.passed) == [true, false])
        #expect(outcomes[1].differences.first?.actual == "b")
    }
}
