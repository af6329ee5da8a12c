// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Normalizer
import Testing
import Wire

/// What becomes of records with mappings written for the purpose.
struct EventTests {
    static let json = """
        name: demo
        product: {name: Demo}
        match:
          - {contains: ['"kind"']}
        parse:
          - json: true
        events:
          - when: {kind: flow}
            class: network_activity
            activity_id: {from: act, table: {open: Open, close: Close}, default: Traffic}
            severity_id: {from: sev, default: 1}
            time: ts
            profiles: [host]
            device_type_id: 1
            map:
              src_endpoint.ip: src.ip
              src_endpoint.port: src.port
              dst_endpoint.ip: dst
              connection_info.direction_id: {from: dir, default: 0}
              status_id: st
              unmapped.note: note
              message: [text, alt]
          - when: {kind: login}
            class: authentication
            activity_id: Logon
            map:
              user.name: user
        """

    @Test func mapped() throws {
        var bench = try Bench(EventTests.json)
        let row = bench.take(
            #"<13>Nov 21 10:00:01 host app: {"kind":"FLOW","act":"open","sev":4,"ts":1700000000.5,"src":{"ip":"1.2.3.4","port":"80"},"dst":"::1","st":2,"dir":"2","alt":"b\u00e9"}"#
        )
        let found = try bench.object(row)
        #expect(
            found["class_uid"] as? Int == 4001 && found["activity_id"] as? Int == 1
                && found["type_uid"] as? Int == 400_101)
        #expect(
            found["severity_id"] as? Int == 4 && found["time"] as? Int == 1_700_000_000_500
                && found["message"] as? String == "b\u{E9}")
        #expect((found["src_endpoint"] as? [String: Any])?["port"] as? Int == 80)
        #expect((found["connection_info"] as? [String: Any])?["direction_id"] as? Int == 2)
        #expect((found["device"] as? [String: Any])?["hostname"] as? String == "host")
        let metadata = try #require(found["metadata"] as? [String: Any])
        #expect(
            metadata["uid"] as? String == "t-1" && metadata["version"] as? String == "1.8.0"
                && metadata["profiles"] as? [String] == ["host"])
        #expect(bench.set.name(bench.batch.rows[row].mapping) == "demo" && bench.normalizer.nextSequence == 2)
    }

    /// What no line takes stays below `unmapped`, nested as it was; what does not fit its attribute stays too.
    @Test func leftovers() throws {
        var bench = try Bench(EventTests.json)
        let row = bench.take(
            #"{"kind":"flow","src":{"ip":"1.2.3.4","port":65536,"mac":"m","deep":{"x":[1,{"y":null}]}},"dst":"::1","gone":null,"extra":"q\"\u0041","n":1.50,"t":true,"user":"u","st":"odd","note":"n"}"#
        )
        let unmapped = try bench.unmapped(row, without: ["syslog"])
        #expect(
            unmapped
                == #"{"extra":"q\"A","kind":"flow","n":1.5,"note":"n","src":{"deep":{"x":[1,{"y":null}]},"mac":"m"},"src.port":65536,"st":"odd","t":true,"user":"u"}"#
        )
        #expect(bench.normalizer.takeTally().misfits == 2)
    }

    /// Names that the service uses itself get `x_`, however they are written.
    @Test(arguments: [
        (#""note":{"a":1}"#, "note", "x_note", true),
        (#""syslog":{"hostname":"h"}"#, "syslog.hostname", "x_syslog.hostname", true),
        (#""penstock":1"#, "penstock", "x_penstock", true),
        (#""penstock.fault":"f""#, "penstock.fault", "x_penstock.fault", true),
        (#""\u0070enstock":{"fault":"f"}"#, "penstock.fault", "x_penstock", true),
        (#""peer":{"ip":"6.6.6.6"}"#, "peer.ip", "x_peer.ip", true),
        (#""penst\u006fck.fault":"f""#, "penstock.fault", "x_penstock.fault", true),
        (
            #""penstock.\#(String(repeating: "a", count: 80))":1"#, "penstock.\(String(repeating: "a", count: 80))",
            "x_penstock.\(String(repeating: "a", count: 80))", true
        ),
    ])
    func reserved(_ member: String, _ path: String, _ kept: String, _ isKept: Bool) throws {
        var bench = try Bench(EventTests.json.replacing("unmapped.note: note", with: "unmapped.note: remark"))
        let row = bench.take(#"<13>Nov 21 10:00:01 host app: {"kind":"flow","dst":"::1",\#(member)}"#)
        let document = try JSONDocument(bench.json(row))
        #expect(
            document.find("unmapped." + path).allSatisfy {
                document.tape.text($0, in: document.bytes.span.bytes) == "host"
            })
        if isKept {
            let text = String(decoding: bench.json(row), as: UTF8.self)
            #expect(document.find("unmapped." + kept).count == 1, "\(text)")
        }
    }

    @Test(arguments: [
        "", "free text", "<34>1 2003-10-11T22:14:15.003Z mach su - ID47 - 'su root' failed", "{\"kind\":", "\u{0}",
        "<13>",
    ])
    func unknown(_ line: String) throws {
        var bench = try Bench(EventTests.json)
        let row = bench.take(line)
        let found = try bench.object(row)
        #expect(found["class_uid"] as? Int == 0 && found["type_uid"] as? Int == 0 && bench.batch.rows[row].mapping == 0)
        #expect((found["raw_data"] as? String ?? "") == line)
        #expect(((found["metadata"] as? [String: Any])?["product"] as? [String: Any])?["name"] as? String == "unknown")
        #expect(bench.normalizer.takeTally().events == [1, 0])
    }

    /// An event that lacks what its class requires goes out as a Base Event that says so.
    @Test func invalid() throws {
        var bench = try Bench(EventTests.json)
        let row = bench.take(#"{"kind":"login","user":""}"#)
        let found = try bench.object(row)
        #expect(found["class_uid"] as? Int == 0 && found["raw_data"] as? String == #"{"kind":"login","user":""}"#)
        let fault = (found["unmapped"] as? [String: Any])?["penstock"] as? [String: Any]
        #expect(fault?["class_uid"] as? Int == 3002 && fault?["fault"] as? String == "missing: user", "\(found)")
        let tally = bench.normalizer.takeTally()
        #expect(tally.invalid == 1 && tally.unreadable == 0)
        bench.take(#"{"kind": no json"#)
        #expect(bench.normalizer.takeTally().unreadable == 1)
    }

    /// An object without what the schema demands of it goes, and its values stay beside; the event is what it was.
    @Test func incompleteObject() throws {
        var bench = try Bench(EventTests.json)
        let row = bench.take(#"{"kind":"flow","src":{"port":80},"dst":"192.0.2.1"}"#)
        let found = try bench.object(row)
        #expect(found["class_uid"] as? Int == 4001 && found["src_endpoint"] == nil, "\(found)")
        #expect(try bench.unmapped(row, without: ["syslog", "kind"]) == #"{"src.port":80}"#)
        #expect(bench.normalizer.takeTally().misfits == 1)
    }

    /// An event is one line, also of JSON that is not.
    @Test func oneLine() throws {
        var bench = try Bench(EventTests.json)
        let row = bench.take("{\"kind\":\"flow\",\r\n\"dst\":\"192.0.2.1\",\n \"more\": [1,\n {\"a\":\n2}]}")
        #expect(!bench.json(row).contains(0x0A) && !bench.json(row).contains(0x0D))
        #expect(try bench.unmapped(row, without: ["syslog", "kind"]) == #"{"more":[1,{"a":2}]}"#)
        #expect((try bench.object(row)["raw_data"] as? String)?.contains("\r\n") == true)
    }

    /// What the schema's types do not take stays beside, or is written shorter.
    @Test(arguments: [
        (#""src":{"ip":"fe80::1%\#(String(repeating: "e", count: 40))"}"#, "src_endpoint.ip", "fe80::1"),
        (#""src":{"ip":"fe80::1%eth0"}"#, "src_endpoint.ip", "fe80::1%eth0"),
        (#""src":{"ip":"1.2.3.4","port":-1}"#, "unmapped.src.port", "-1"),
        (#""src":{"ip":"1.2.3.4","port":"0x1f6"}"#, "src_endpoint.port", "502"),
        (#""src":{"ip":"name.example"}"#, "src_endpoint.hostname", "name.example"),
        (#""note":"x","method":"HAD""#, "unmapped.method", "HAD"),
        (#""note":"x","method":"GET""#, "http_request.http_method", "GET"),
        (#""smac":"\#(String(repeating: "0", count: 33))""#, "unmapped.smac", String(repeating: "0", count: 33)),
    ])
    func types(_ members: String, _ path: String, _ value: String) throws {
        var bench = try Bench(
            """
            name: web
            match: [{contains: ['"kind"']}]
            parse: [{json: true}]
            events:
              - class: http_activity
                activity_id: 0
                map:
                  http_request.http_method: method
                  http_response.code: {value: 200}
                  src_endpoint.ip: src.ip
                  src_endpoint.port: src.port
                  src_endpoint.mac: smac
                  dst_endpoint.ip: dst
            """)
        let document = try JSONDocument(bench.json(bench.take(#"{"kind":"flow","dst":"::1",\#(members)}"#)))
        #expect(document.text(path) == value, "\(String(decoding: document.bytes, as: UTF8.self))")
    }

    /// A clock far ahead does not move the windows; files may say what they like.
    @Test func clocks() throws {
        var bench = try Bench(EventTests.json)
        let line = Array(#"{"kind":"flow","dst":"::1","ts":1999999999}"#.utf8)
        let (udp, file) = (bench.take(line, transport: .udp), bench.take(line))
        #expect(
            bench.batch.rows[udp].time == Bench.received && bench.batch.rows[file].time == 1_999_999_999_000_000_000)
        #expect(bench.normalizer.claimedTime == 1_999_999_999_000_000_000)
        // What was held to its receipt says so, with what it claims.
        #expect(bench.batch.integer("unmapped.penstock.claimed_time", in: udp) == 1_999_999_999_000)
        #expect(bench.batch.integer("unmapped.penstock.claimed_time", in: file) == nil)
        // Nor does that of a message that no mapping knows.
        let unknown = Array("<13>1 2099-01-01T00:00:00Z h a - - - text".utf8)
        let base = bench.take(unknown, transport: .udp)
        #expect(bench.batch.rows[base].time == Bench.received && bench.batch.rows[base].mapping == 0)
        #expect(bench.batch.integer("time", in: base) == Bench.received / 1_000_000)
        #expect(bench.batch.text("metadata.original_time", in: base) == "2099-01-01T00:00:00Z")
        #expect(bench.batch.integer("unmapped.penstock.claimed_time", in: base) == 4_070_908_800_000)
        // A message without a time claims that of its receipt.
        _ = bench.take(Array("<13>no time".utf8), transport: .udp)
        #expect(bench.normalizer.claimedTime == Bench.received)
    }

    @Test func envelope() throws {
        var bench = try Bench(EventTests.json)
        let row = bench.take(
            Array("<34>1 2026-09-21T14:13:19.003Z mach su 7 ID47 [a@1 b=\"c\"] text \u{E9}".utf8) + [0xE9],
            transport: .udp, peer: IPAddress("192.0.2.9"), isCut: true)
        let found = try bench.object(row)
        let unmapped = try #require(found["unmapped"] as? [String: Any])
        let syslog = try #require(unmapped["syslog"] as? [String: Any])
        #expect(
            syslog["facility"] as? Int == 4 && syslog["appname"] as? String == "su"
                && syslog["procid"] as? String == "7")
        #expect(syslog["msgid"] as? String == "ID47" && syslog["structured_data"] as? String == "[a@1 b=\"c\"]")
        #expect(
            (unmapped["peer"] as? [String: Any])?["ip"] as? String == "192.0.2.9"
                && (unmapped["penstock"] as? [String: Any])?["cut"] as? Bool == true)
        #expect(found["severity_id"] as? Int == 5 && found["message"] as? String == "text \u{E9}\u{FFFD}")
        #expect(found["time"] as? Int == 1_789_999_999_003)
        #expect((found["device"] as? [String: Any])?["hostname"] as? String == "mach")
    }
}
