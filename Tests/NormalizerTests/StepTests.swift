// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Normalizer
import Testing
import Wire

/// What each parse step captures, in mappings written for the purpose.
struct StepTests {
    /// A mapping for messages that begin with `demo`, with `steps` and lines of `map:` (or more keys of the event).
    static func mapping(_ steps: String, _ lines: String, event: String = "", more: String = "") -> String {
        let map = lines.split(separator: "\n").map { "      \($0)" }.joined(separator: "\n")
        return """
            name: demo
            product: {name: Demo}
            match: [{regex: '.'}]
            \(more)
            parse:
            \(steps)
            events:
              - class: network_activity
                activity_id: Traffic
                \(event)
                map:
            \(map)
                  connection_info.direction_id: {value: 0}
            """
    }

    private func event(_ mapping: String, _ line: String) throws -> ([String: Any], String) {
        var bench = try Bench(mapping)
        let row = bench.take(line)
        let name = bench.set.name(bench.batch.rows[row].mapping)
        let object = try bench.object(row)
        #expect(name == "demo", "\(object)")
        return (object, try bench.unmapped(row, without: ["syslog", "peer"]))
    }

    private func value(_ object: [String: Any], _ path: String) -> String? {
        var found: Any? = object
        for part in path.split(separator: ".") { found = (found as? [String: Any])?[String(part)] }
        return found.map { "\($0)" }
    }

    @Test func separatedValues() throws {
        let (event, unmapped) = try event(
            StepTests.mapping(
                "  - csv: {columns: [src, _, note, dst, rest]}",
                "src_endpoint.ip: src\ndst_endpoint.ip: dst\nmessage: note"),
            #"192.0.2.1,gone,"a ""quoted"" text, with a comma",192.0.2.2,kept,beyond,,last"#)
        #expect(value(event, "src_endpoint.ip") == "192.0.2.1" && value(event, "dst_endpoint.ip") == "192.0.2.2")
        #expect(value(event, "message") == #"a "quoted" text, with a comma"#)
        #expect(unmapped == #"{"column_6":"beyond","column_8":"last","rest":"kept"}"#)
    }

    @Test func dissected() throws {
        let mapping = StepTests.mapping(
            "  - dissect: {any: ['from %{src}:%{port} to %{dst}', '%{src} -> %{dst} %{}']}",
            "src_endpoint.ip: src\nsrc_endpoint.port: port\ndst_endpoint.ip: dst")
        let (first, _) = try event(mapping, "from 192.0.2.1:99 to 192.0.2.2")
        #expect(value(first, "src_endpoint.port") == "99" && value(first, "dst_endpoint.ip") == "192.0.2.2")
        let (second, _) = try event(mapping, "192.0.2.3 -> 192.0.2.4 etc")
        #expect(value(second, "src_endpoint.ip") == "192.0.2.3" && value(second, "dst_endpoint.ip") == "192.0.2.4")
    }

    @Test func leef() throws {
        let (event, unmapped) = try event(
            StepTests.mapping(
                "  - leef: true", "src_endpoint.ip: src\nmetadata.event_code: leef.event_id\nmessage: msg",
                more: "absent: ['-']"),
            "LEEF:2.0|Demo|FW|1.2|deny|^|src=192.0.2.1^msg=two words^usr=-^dstPort=502")
        #expect(value(event, "src_endpoint.ip") == "192.0.2.1" && value(event, "metadata.event_code") == "deny")
        #expect(value(event, "message") == "two words")
        #expect(
            unmapped
                == #"{"dstPort":"502","leef_product":"FW","leef_vendor":"Demo","leef_version":"1.2","usr":"-"}"#)
    }

    @Test func labelsOfCEF() throws {
        let (event, unmapped) = try event(
            StepTests.mapping("  - cef: true", "firewall_rule.name: labels.Rule Name\nsrc_endpoint.ip: src")
                .replacing("activity_id: Traffic", with: "activity_id: Traffic\n    profiles: [security_control]"),
            "CEF:0|Demo|FW|1|7|Denied|5|src=192.0.2.1 cs1=7 b cs1Label=Rule Name cs2=x cs2Label=Other")
        #expect(value(event, "firewall_rule.name") == "7 b" && value(event, "src_endpoint.ip") == "192.0.2.1")
        #expect(unmapped.contains(#""cs2":"x""#) && !unmapped.contains(#""cs1":"#), "\(unmapped)")
    }

    @Test func xml() throws {
        let (event, unmapped) = try event(
            StepTests.mapping(
                "  - xml: true",
                "src_endpoint.ip: EventData.IpAddress\nmessage: EventData.Text\nmetadata.event_code: System.EventID\n"
                    + "metadata.log_provider: System.Provider.Name"),
            """
            <Event xmlns='http://x'><System><Provider Name='Demo' Guid='{1}'/><EventID>4625</EventID></System>\
            <EventData><Data Name='IpAddress'>192.0.2.1</Data><Data Name='Text'>a &lt;b&gt; &amp; c</Data>\
            <Data Name='More'>m</Data></EventData></Event>
            """)
        #expect(value(event, "src_endpoint.ip") == "192.0.2.1" && value(event, "message") == "a <b> & c")
        #expect(value(event, "metadata.event_code") == "4625" && value(event, "metadata.log_provider") == "Demo")
        #expect(unmapped.contains(#""EventData.More":"m""#) && unmapped.contains(#""System.Provider.Guid":"{1}""#))
    }

    /// A name stands once in the line, and before each of its values in the event: it is cut there.
    @Test func xmlDoesNotGrow() throws {
        var bench = try Bench(StepTests.mapping("  - xml: true", "src_endpoint.ip: a.b"))
        let name = String(repeating: "n", count: 30_000)
        let values = String(repeating: " v='1'", count: 4_000)
        let row = bench.take("<r><\(name)\(values)><\(name)\(values)>x</\(name)></\(name)></r>")
        let size = bench.json(row).count
        #expect(size < 2_000_000, "\(size)")
        let misfits = bench.normalizer.takeTally().misfits
        #expect(misfits > 3_000, "\(misfits)")
    }

    @Test func structuredData() throws {
        let (event, _) = try event(
            StepTests.mapping(
                "  - sd: true", "src_endpoint.ip: source-address\nmessage: note\nmetadata.log_name: sd.id"),
            #"<14>1 2026-03-05T14:07:09Z fw RT_FLOW - DENY [junos@2636 source-address="192.0.2.1" note="a \"b\" \]"] text"#
        )
        #expect(value(event, "src_endpoint.ip") == "192.0.2.1" && value(event, "message") == #"a "b" ]"#)
        #expect(value(event, "metadata.log_name") == "junos@2636")
    }

    @Test func quotedPairs() throws {
        let (event, unmapped) = try event(
            StepTests.mapping("  - kv: {separator: ' ,'}", "src_endpoint.ip: src\nmessage: msg"),
            #"src=192.0.2.1, msg="say \"no\" to C:\temp",flag"#)
        #expect(value(event, "message") == #"say "no" to C:\temp"# && value(event, "src_endpoint.ip") == "192.0.2.1")
        #expect(unmapped == #"{"flag":true}"#)
    }

    /// Steps with a condition, chained: the first tells the columns of the second.
    @Test func chained() throws {
        let mapping = StepTests.mapping(
            """
              - dissect: 'demo,%{kind},%{}'
              - csv: {columns: [_, _, src, dst]}
                when: {kind: a}
              - csv: {columns: [_, _, dst, src]}
                when: {kind: b}
              - kv: {from: nothing}
                when: {kind: c}
            """, "src_endpoint.ip: src\ndst_endpoint.ip: dst")
        #expect(value(try event(mapping, "demo,a,192.0.2.1,192.0.2.2").0, "src_endpoint.ip") == "192.0.2.1")
        #expect(value(try event(mapping, "demo,b,192.0.2.1,192.0.2.2").0, "src_endpoint.ip") == "192.0.2.2")
        var bench = try Bench(mapping)
        bench.take("demo,c,1")
        #expect(bench.normalizer.takeTally().unreadable == 1)
    }

    @Test func valuesOnTheirWay() throws {
        let (event, _) = try event(
            StepTests.mapping(
                "  - kv: true",
                "duration: {from: secs, scale: 1000}\nsrc_endpoint.ip: src\n"
                    + "src_endpoint.intermediate_ips: {from: via, split: ','}"
            )
            .replacing("activity_id: Traffic", with: "activity_id: Traffic\n    time: [[date, clock], when]"),
            "src=192.0.2.1 secs=1.5 via=\"192.0.2.7, 192.0.2.8,,192.0.2.9\" date=2026/03/05 clock=14:07:09 when=1")
        #expect(value(event, "duration") == "1500" && event["time"] as? Int == 1_772_719_629_000)
        #expect(
            (event["src_endpoint"] as? [String: Any])?["intermediate_ips"] as? [String]
                == ["192.0.2.7", "192.0.2.8", "192.0.2.9"])
    }

    /// Of letters beyond ASCII the case counts, in the mapping as in the record.
    @Test func lettersBeyondASCII() throws {
        let mapping = StepTests.mapping(
            "  - kv: true",
            "src_endpoint.ip: src\nmessage: {from: act, table: {Öffnen: table}}\n"
                + "src_endpoint.name: {cases: [{when: {act: Öffnen}, value: case}]}"
        )
        for (act, isKnown) in [("Öffnen", true), ("ÖFFNEN", true), ("öffnen", false), ("Schließen", false)] {
            let (event, _) = try event(mapping, "src=192.0.2.1 act=\(act)")
            #expect(value(event, "message") == (isKnown ? "table" : nil), "\(act)")
            #expect(value(event, "src_endpoint.name") == (isKnown ? "case" : nil), "\(act)")
        }
    }

    /// Each value of an attribute that repeats is judged as a single one would be; what holds one that does not fit stays
    /// beside as well.
    @Test(arguments: [
        ("class: ftp_activity", "codes: list", "codes", #"["a",1,2.5,"7",null,[8]]"#, "[1, 7]"),
        (
            "class: http_activity", "http_request.x_forwarded_for: {from: list, split: ','}",
            "http_request.x_forwarded_for",
            #""unknown, 192.0.2.7 ,2001:db8::1,10.0.0.256""#, #"["192.0.2.7", "2001:db8::1"]"#
        ),
        (
            "class: network_activity", "src_endpoint.intermediate_ips: list", "src_endpoint.intermediate_ips",
            #"["x","192.0.2.3",7,{"ip":"192.0.2.4"}]"#, #"["192.0.2.3"]"#
        ),
    ])
    func elements(_ eventClass: String, _ line: String, _ path: String, _ list: String, _ expected: String) throws {
        var bench = try Bench(
            StepTests.mapping("  - json: true", "src_endpoint.ip: src\n" + line)
                .replacing("class: network_activity", with: eventClass)
                .replacing("activity_id: Traffic", with: "activity_id: 0")
                .replacing(
                    "connection_info.direction_id: {value: 0}",
                    with: eventClass.contains("http") ? "http_response.code: {value: 200}" : "message: src"))
        let row = bench.take(#"{"src":"192.0.2.1","list":\#(list)}"#)
        let object = try bench.object(row)
        var found: Any? = object
        for part in path.split(separator: ".") { found = (found as? [String: Any])?[String(part)] }
        #expect(found.map { "\($0)" } == expected, "\(object)")
        let kept = (object["unmapped"] as? [String: Any])?["list"]
        #expect(kept != nil, "\(object)")
        #expect(bench.normalizer.takeTally().misfits == 1)
    }

    /// The values of an attribute that repeats inside of objects that repeat belong to one object.
    @Test func elementsOfOneObject() throws {
        let (event, _) = try event(
            StepTests.mapping(
                "  - json: true",
                "finding_info.uid: id\nfinding_info.title: id\nvulnerabilities.cve.uid: id\nvulnerabilities.references: list"
            )
            .replacing("class: network_activity", with: "class: vulnerability_finding")
            .replacing("activity_id: Traffic", with: "activity_id: Create")
            .replacing("connection_info.direction_id: {value: 0}", with: "message: id"),
            #"{"id":"CVE-1","list":["http://a","http://b","http://c"]}"#)
        let all = event["vulnerabilities"] as? [[String: Any]]
        #expect(all?.count == 1 && all?.first?["references"] as? [String] == ["http://a", "http://b", "http://c"])
        #expect((all?.first?["cve"] as? [String: Any])?["uid"] as? String == "CVE-1")
    }

    /// What is common goes to the events whose class has a place for it; the event's own lines go before.
    @Test func common() throws {
        let text = """
            name: demo
            product: {name: Demo}
            match: [{program: demo}]
            parse: [{kv: true}]
            common:
              device_type_id: 9
              profiles: [security_control]
              severity_id: {value: 3}
              map: {src_endpoint.ip: src, user.name: user, action_id: {value: 1}, message: note}
            events:
              - when: {user: {exists: true}}
                class: authentication
                activity_id: Logon
                map: {service.name: {value: x}, message: user}
              - class: network_activity
                activity_id: Traffic
                map: {connection_info.direction_id: {value: 0}}
            """
        var bench = try Bench(text)
        let login = try bench.object(bench.take("<13>Nov 21 10:00:01 h demo: user=u src=192.0.2.1 note=n"))
        #expect(
            value(login, "user.name") == "u" && value(login, "message") == "u" && value(login, "severity_id") == "3")
        let flow = try bench.object(bench.take("<13>Nov 21 10:00:01 h demo: src=192.0.2.1 note=n"))
        #expect(value(flow, "message") == "n" && value(flow, "action_id") == "1" && value(flow, "class_uid") == "4001")
        #expect(value(flow, "src_endpoint.ip") == "192.0.2.1")
    }

    @Test func faults() {
        func complaints(_ text: String) -> [String] {
            let complaints = Complaints()
            var builder = FieldTable.Builder()
            _ = MappingSet.read([("m.yaml", text)], builder: &builder, complaints: complaints)
            return complaints.all.map { "\($0)" }
        }
        func isSaid(_ text: String, _ part: String) -> Bool { complaints(text).contains { $0.contains(part) } }
        let line = "src_endpoint.ip: a"
        #expect(isSaid(StepTests.mapping("  - csv: {separator: ','}", line), "columns"))
        #expect(isSaid(StepTests.mapping("  - kv: {separator: 'abc'}", line), "separator must be"))
        #expect(isSaid(StepTests.mapping("  - {kv: true, json: true}", line), "a parse step is one of"))
        #expect(isSaid(StepTests.mapping("  - dissect: '%{a}%{b}'", line), "dissect"))
        #expect(isSaid(StepTests.mapping("  - kv: true", "message: {from: a, scale: 2}"), "only numbers"))
        #expect(isSaid(StepTests.mapping("  - kv: true", "message: {from: a, split: ','}"), "is no array"))
        #expect(
            isSaid(
                StepTests.mapping("  - kv: true", line, more: "common: {map: {user.nme: a}}"),
                "no event of this mapping has the attribute 'user.nme'"))
        #expect(isSaid("name: x\nmatch: [{cef: {}}]\nevents: []", "give a vendor"))
        #expect(isSaid(StepTests.mapping("  - kv: true", "observables: a"), "'observables' is an object"))
        for count in 63...64 {
            let groups = String(repeating: "(a)", count: count)
            let text = StepTests.mapping("  - regex: {any: ['\(groups)']}", line)
            #expect(isSaid(text, "at most 63 groups") == (count > 63), "\(count)")
        }
    }

    @Test func recognised() throws {
        let texts = [
            "{cef: {vendor: Demo, product: FW}}", "{leef: {vendor: Demo}}", "{msgid: [ID47]}", "{json: [kind, act]}",
        ].enumerated().map { number, match in
            (
                name: "\(number).yaml",
                text: "name: m\(number)\nmatch: [\(match)]\nevents: [{class: base_event, activity_id: 0}]"
            )
        }
        var bench = try Bench(texts)
        for (line, name) in [
            ("CEF:0|Demo|FW|1|7|n|5|a=b", "m0"), ("CEF:0|Demo|IDS|1|7|n|5|a=b", "unknown"),
            ("LEEF:1.0|Demo|IDS|1|7|a=b", "m1"), ("<34>1 2003-10-11T22:14:15.003Z h su - ID47 - x", "m2"),
            ("<34>1 2003-10-11T22:14:15.003Z h su - ID48 - x", "unknown"), (#"{"act":1,"kind":2}"#, "m3"),
            (#"{"act":1}"#, "unknown"),
        ] {
            let row = bench.take(line)
            let found = bench.set.name(bench.batch.rows[row].mapping)
            #expect(found == name, "\(line)")
        }
    }
}
