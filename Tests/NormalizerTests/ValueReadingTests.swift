// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Normalizer
import Testing
import Wire

/// How values are found and read: dates in figures, spans of time, keys with dots, blanks around values, event codes.
struct ValueReadingTests {
    private static func mapping(_ step: String, _ lines: String, event: String = "", more: String = "") -> String {
        StepTests.mapping("  [\(step)]", lines + "\nsrc_endpoint.name: {value: s}", event: event, more: more)
    }

    private func object(_ mapping: String, _ line: String) throws -> [String: Any] {
        var bench = try Bench(mapping)
        let row = bench.take(line)
        let object = try bench.object(row)
        #expect(bench.set.name(bench.batch.rows[row].mapping) == "demo", "\(object)")
        return object
    }

    private func value(_ object: [String: Any], _ path: String) -> String? {
        var found: Any? = object
        for part in path.split(separator: ".") { found = (found as? [String: Any])?[String(part)] }
        return found.map { "\($0)" }
    }

    // MARK: Dates

    /// The lines are received on 2026-09-21: 3 April is the farther of the two in `03/04/2026`.
    @Test(arguments: [
        ("", "time: when", 1_775_224_800),
        ("date_order: mdy", "time: when", 1_772_632_800),
        ("date_order: dmy", "time: when", 1_775_224_800),
        ("date_order: mdy", "time: {from: when, order: dmy}", 1_775_224_800),
        ("", "time: {from: when, order: mdy}", 1_772_632_800),
        ("", "time: [none, {from: [other, when], order: mdy}]", 1_772_632_800),
        ("", "time: {from: [[date, clock]], order: mdy}", 1_772_632_800),
        ("date_order: mdy", "time: [[date, clock]]", 1_772_632_800),
    ])
    func orderOfTime(_ more: String, _ event: String, _ seconds: Int) throws {
        let mapping = ValueReadingTests.mapping("{kv: true}", "message: text", event: event, more: more)
        let object = try object(mapping, #"when="03/04/2026 14:00:00" date=03/04/2026 clock=14:00:00"#)
        #expect(object["time"] as? Int == seconds * 1000)
    }

    /// Lines have the mapping's order, or their own.
    @Test func orderOfLines() throws {
        let object = try object(
            ValueReadingTests.mapping(
                "{kv: true}",
                "start_time: when\nend_time: {from: when, order: dmy}\nmetadata.log_name: when",
                more: "date_order: mdy"),
            #"when="03/04/26 14:00:00""#)
        #expect(object["start_time"] as? Int == 1_772_632_800_000 && object["end_time"] as? Int == 1_775_224_800_000)
        #expect(value(object, "metadata.log_name") == "03/04/26 14:00:00")
    }

    /// An attribute that an older version lacks takes the text as it stands, whatever order its figures have.
    @Test func olderVersion() throws {
        let mapping = ValueReadingTests.mapping(
            "{kv: true}", "unmapped.start: when\nduration: {from: span, unit: s}", more: "date_order: dmy")
        var bench = try Bench(mapping, of: .v1_1_0)
        let object = try bench.object(bench.take(#"when="Mar 04 2026" span=1m"#))
        #expect(value(object, "unmapped.start") == "Mar 04 2026" && object["duration"] as? Int == 60_000)
    }

    // MARK: Spans of time

    @Test(arguments: [
        ("1h02m", "s", 3_720_000), ("00:01:30", "s", 90_000), ("PT5M", "s", 300_000), ("90", "s", 90_000),
        ("90", "ms", 90), ("1.5", "s", 1_500), ("1.6", "ms", 2), ("2500", "us", 3), ("250ms", "s", 250),
        ("2", "m", 120_000), ("3s", "ms", 3_000),
    ])
    func spans(_ text: String, _ unit: String, _ milliseconds: Int) throws {
        let mapping = ValueReadingTests.mapping(
            "{kv: {separator: ';'}}, {json: {from: j}, optional: true}", "duration: {from: [span, n], unit: \(unit)}")
        #expect(try object(mapping, "span=\(text)")["duration"] as? Int == milliseconds)
        if Double(text) != nil {
            #expect(try object(mapping, #"j={"n":\#(text)}"#)["duration"] as? Int == milliseconds)
        }
    }

    @Test func noSpan() throws {
        let mapping = ValueReadingTests.mapping("{kv: {separator: ';'}}", "duration: {from: span, unit: s}")
        let object = try object(mapping, "span=a while")
        #expect(object["duration"] == nil && value(object, "unmapped.span") == "a while")
    }

    // MARK: Keys

    /// Beats flatten ECS: the same names, however they are nested.
    @Test(arguments: [
        #"{"source":{"ip":"192.0.2.1","geo":{"name":"x"}},"winlog":{"event_data":{"User":"joe"}}}"#,
        #"{"source.ip":"192.0.2.1","source.geo.name":"x","winlog.event_data.User":"joe"}"#,
        #"{"source":{"ip":"192.0.2.1","geo.name":"x"},"winlog.event_data":{"User":"joe"}}"#,
        #"{"source.ip":"192.0.2.1","source.geo":{"name":"x"},"winlog":{"event_data.User":"joe"}}"#,
    ])
    func flatKeys(_ line: String) throws {
        let object = try object(
            ValueReadingTests.mapping(
                "{json: true}",
                "src_endpoint.ip: source.ip\nsrc_endpoint.hostname: source.geo.name\n"
                    + "actor.user.name: winlog.event_data.User"
            ).replacing("activity_id: Traffic", with: "activity_id: Traffic\n    profiles: [host]"), line)
        #expect(value(object, "src_endpoint.ip") == "192.0.2.1" && value(object, "src_endpoint.hostname") == "x")
        #expect(value(object, "actor.user.name") == "joe")
        #expect((object["unmapped"] as? [String: Any])?.keys.contains { $0.hasPrefix("so") } != true, "\(object)")
    }

    /// Of two values for one name the first stands, and what nothing reads keeps its own key; the header's captures stay
    /// the header's.
    @Test func flatKeysBeside() throws {
        let object = try object(
            ValueReadingTests.mapping("{json: true}", "src_endpoint.ip: source.ip\nmessage: syslog.hostname"),
            #"{"source.ip":"192.0.2.1","source":{"ip":"192.0.2.9","port":7},"a.b":1,"syslog.hostname":"false"}"#)
        #expect(value(object, "src_endpoint.ip") == "192.0.2.1" && object["message"] == nil)
        let unmapped = try #require(object["unmapped"] as? [String: Any])
        #expect(value(unmapped, "source.ip") == "192.0.2.9" && value(unmapped, "source.port") == "7")
        #expect(unmapped["a.b"] as? Int == 1 && unmapped["x_syslog.hostname"] as? String == "false", "\(unmapped)")
    }

    @Test func flatKeysOfPairs() throws {
        let object = try object(
            ValueReadingTests.mapping("{kv: true}", "src_endpoint.ip: source.ip\nmessage: peer.ip"),
            "source.ip=192.0.2.1 peer.ip=192.0.2.9")
        #expect(value(object, "src_endpoint.ip") == "192.0.2.1" && object["message"] == nil)
    }

    // MARK: CEF and LEEF

    private static let both = ValueReadingTests.mapping(
        "{cef: true, optional: true}, {leef: true, optional: true}",
        "src_endpoint.ip: src\nmessage: msg\nsrc_endpoint.port: spt\nmetadata.log_provider: [cef.name, leef.product]\n"
            + "dst_endpoint.ip: dst\nactor.user.name: usrName"
    ).replacing("activity_id: Traffic", with: "activity_id: Traffic\n    profiles: [host]")

    @Test(arguments: [
        "CEF:0|Demo|FW|1|7| Denied |5|src=192.0.2.1   msg= two words \t spt=99  dst=192.0.2.2  ",
        "CEF:0|Demo|FW|1|7|Denied|5|\tsrc=192.0.2.1\tmsg=two words\tspt=99\tdst=192.0.2.2",
        "LEEF:1.0|Demo| Denied |1|7|src=192.0.2.1\tmsg= two words \t spt = 99 \tdst=192.0.2.2\t",
        "LEEF:1.0|Demo|Denied|1|7|src=192.0.2.1 msg=two words  spt=99 dst=192.0.2.2",
        "LEEF:2.0|Demo|Denied|1|7|^| src=192.0.2.1 ^ msg=two words ^spt=99^dst=192.0.2.2",
        "LEEF:2.0|Demo|Denied|1|7|src=192.0.2.1^msg=two words^spt=99^dst=192.0.2.2",
    ])
    func trimmed(_ line: String) throws {
        let object = try object(ValueReadingTests.both, line)
        #expect(value(object, "src_endpoint.ip") == "192.0.2.1" && value(object, "src_endpoint.port") == "99")
        #expect(object["message"] as? String == "two words" && value(object, "dst_endpoint.ip") == "192.0.2.2")
        #expect(value(object, "metadata.log_provider") == "Denied")
    }

    /// What blanks enclose nothing of is nothing, and blanks that a sender escapes stay.
    @Test func trimmedToNothing() throws {
        let object = try object(
            ValueReadingTests.both, #"CEF:0|Demo|FW|1|7| |5|src=   msg=\n two \n  spt=99 usrName=joe doe"#)
        #expect(object["message"] as? String == "\n two \n" && value(object, "src_endpoint.ip") == nil)
        #expect(value(object, "actor.user.name") == "joe doe" && value(object, "metadata.log_provider") == nil)
    }

    // MARK: Event codes

    @Test(arguments: [
        ("[ASA-6-302013]", "%ASA-6-302013: Built", true), ("[ASA-6-302013]", "%ASA-5-302013: Built", false),
        ("ASA-6-302013", "%asa-6-302013: Built", true), ("'%ASA-6-302013'", "%ASA-6-302013: Built", true),
        ("ASA-*", "%ASA-5-302013: Built", true), ("ASA-*", "%FTD-5-302013: Built", false),
        ("['%ftd-*', ASA-*]", "%FTD-5-302013: Built", true), ("ASA-*", "%ASA-session-5-302013: Built", false),
        ("[ASA-302013]", "%ASA-5-302013: Built", true), ("[ASA-302013]", "%ASA-6-302014: Teardown", false),
        ("[SEC_LOGIN-LOGIN_SUCCESS, ASA-1-1]", "%SEC_LOGIN-5-LOGIN_SUCCESS: in", true),
        ("[ASA-session-302013]", "%ASA-session-6-302013: Built", true),
        ("[ASA-6-302013]", "says %ASA-6-302013: Built", false), ("[ASA-6-302013]", "ASA-6-302013: Built", false),
    ])
    func eventCodes(_ list: String, _ line: String, _ isTaken: Bool) throws {
        let mapping = ValueReadingTests.mapping("", "message: syslog.message")
            .replacing("[{regex: '.'}]", with: "[{event_code: \(list)}]").replacing("parse: []", with: "")
        var bench = try Bench(mapping)
        let row = bench.take("<166>Nov 21 10:00:01 fw1 \(line)")
        #expect((bench.set.name(bench.batch.rows[row].mapping) == "demo") == isTaken)
    }
}
