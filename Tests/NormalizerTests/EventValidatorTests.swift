// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Normalizer
import Testing

/// The check of finished events in full, against events with one fault each and against the shared cases' validator.
struct EventValidatorTests {
    private static let event =
        #"{"class_uid":2002,"category_uid":2,"activity_id":1,"type_uid":200201,"severity_id":1,"time":1,"#
        + #""metadata":{"version":"1.8.0","product":{"name":"p"},"profiles":["host"],"uid":"u"},"#
        + #""finding_info":{"uid":"1","title":"t"},"device":{"type_id":1,"hostname":"h","ip":"192.0.2.1"},"#
        + #""observables":[{"name":"device.ip","type_id":2,"value":"192.0.2.1"}],"#
        + #""vulnerabilities":[{"cve":{"uid":"c"},"title":"t"}],"unmapped":{"any":[1,{"thing":null}]}}"#

    @Test(
        arguments: [
            ("", "", nil), (#""time":1,"#, "", "time: it is required, and missing"),
            (#""time":1"#, #""time":1.5"#, "time: it takes timestamp_t, not 1.5"),
            (#""time":1"#, #""time":"1""#, "time: it takes timestamp_t, not 1"),
            (#""time":1"#, #""time":1,"time":2"#, "time: it is there twice"),
            (#""time":1"#, #""time":1,"tyme":1"#, "tyme: vulnerability_finding has no such attribute"),
            (#""class_uid":2002"#, #""class_uid":2"#, "class_uid: OCSF 1.8.0 has no such class"),
            (#""severity_id":1"#, #""severity_id":7"#, "severity_id: it has no value '7'"),
            (#""type_uid":200201"#, #""type_uid":200202"#, "type_uid: 200202 is not 200201"),
            (#""category_uid":2"#, #""category_uid":1"#, "category_uid: 1 is not 2"),
            (#""uid":"1","#, "", "finding_info.uid: it is required, and missing"),
            (#""1.8.0""#, #""1.1.0""#, "metadata.version: '1.1.0' is not 1.8.0"),
            (#"["host"]"#, #"["host","hosts"]"#, "metadata.profiles: OCSF 1.8.0 has no profile 'hosts'"),
            (#""time":1"#, #""time":1,"cloud":{"provider":"x"}"#, "cloud: it needs the profile cloud"),
            (#"["host"]"#, #""host""#, "metadata.profiles: it takes an array"),
            (#""ip":"192.0.2.1""#, #""ip":"192.0.2.256""#, "device.ip: '192.0.2.256' is no IP address"),
            (
                #""name":"device.ip""#, #""name":"device.pi""#,
                "observables[0].name: 'device.pi' refers to no attribute of the event"
            ),
            (
                #""cve":{"uid":"c"}"#, #""cve":{"uid":"c"},"cwe":{"uid":"w"}"#,
                "vulnerabilities[0]: vulnerability needs just one of advisory, cve, cwe; it has cve, cwe"
            ),
            (#""cve":{"uid":"c"},"#, "", "vulnerabilities[0]: vulnerability needs just one of advisory, cve, cwe"),
            (#""cve":{"uid":"c"}"#, #""cve":"c""#, "vulnerabilities[0].cve: it takes an object"),
            (#","unmapped""#, #""unmapped""#, "no JSON: unexpected(at: 0)"),
        ] as [(String, String, String?)])
    func faults(_ old: String, _ new: String, _ told: String?) throws {
        let text = old.isEmpty ? EventValidatorTests.event : EventValidatorTests.event.replacing(old, with: new)
        try #require(old.isEmpty || text != EventValidatorTests.event)
        let found = EventValidator(.v1_8_0).faults(Array(text.utf8)).map(\.description)
        if let told, told.hasPrefix("no JSON") {
            #expect(found.count == 1 && found[0].hasPrefix("no JSON: "))
        } else if told?.hasPrefix("metadata.profiles: it takes") == true {
            #expect(found.contains(told ?? ""), "\(found)")
        } else {
            #expect(found == [told].compactMap { $0 }, "\(found)")
        }
    }

    /// What an older version takes less of.
    @Test func olderVersion() throws {
        var bench = try Bench(
            """
            name: demo
            match: [{regex: '.'}]
            events: [{class: base_event, activity_id: 0, map: {message: syslog.message}}]
            """, of: .v1_1_0)
        let json = bench.json(bench.take("text"))
        #expect(EventValidator(.v1_1_0).faults(json) == [])
        #expect(EventValidator(.v1_8_0).faults(json).map(\.path).contains("metadata.version"))
        let text = EventValidatorTests.event.replacing("1.8.0", with: "1.1.0")
        let long = text.replacing(
            #""title":"t"},"device""#, with: "\"title\":\"\(String(repeating: "é", count: 65_536))\"},\"device\"")
        func told(_ text: String) -> [String] { EventValidator(.v1_1_0).faults(Array(text.utf8)).map(\.description) }
        #expect(!told(text).contains { $0.contains("characters") })
        #expect(told(long).contains("finding_info.title: string_t has at most 65535 characters"))
    }

    /// Events of real lines with something changed: what the shared cases' validator refuses is a fault here too, and what
    /// it takes is none but for what it does not look at.
    @Test(.enabled(if: Places.cases != nil, "the shared cases are not here"), arguments: ["1.8.0", "1.1.0"])
    func agreesWithTheOther(_ version: String) throws {
        let dictionary = try #require(OCSFDictionary.of(version: version))
        var bench = try Bench(try Places.mappings(), of: dictionary)
        let paths = ["netfilter_iptables/input.jsonl", "suricata/ocsf-input.jsonl", "openssh/input.jsonl"]
        for line in try paths.flatMap({ try VendorTests.lines($0) }) {
            bench.take(try #require(line["raw"] as? String))
        }
        var random = Random(5)
        var events: [[UInt8]] = []
        for row in bench.batch.rows.indices {
            let object = try bench.object(row)
            events.append(bench.json(row))
            for _ in 0..<6 {
                let changed = EventValidatorTests.changed(object, &random)
                events.append(Array(try JSONSerialization.data(withJSONObject: changed)))
            }
        }
        let (_, told) = try VendorTests.validate(
            events, version == "1.8.0" ? "schema.json" : "schema-\(version).json")
        var refused: Set<Int> = []
        for line in told.split(separator: "\n") {
            let answer = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            if let number = answer?["line"] as? Int { refused.insert(number) }
        }
        #expect(refused.count > events.count / 4 && refused.count < events.count)
        let validator = EventValidator(dictionary)
        for (number, event) in events.enumerated() {
            let found = validator.faults(event).filter { !$0.message.hasSuffix("is no IP address") }
            #expect(
                found.isEmpty == !refused.contains(number + 1),
                "\(found) \(String(decoding: event, as: UTF8.self))")
        }
    }

    /// An event with one of its members, at any depth, removed, renamed or replaced.
    private static func changed(_ object: [String: Any], _ random: inout Random) -> [String: Any] {
        var made = object
        // The other one stumbles over profiles that are no texts.
        guard let name = object.keys.sorted().filter({ $0 != "profiles" }).randomElement(using: &random) else {
            return object
        }
        if let inner = object[name] as? [String: Any], name != "unmapped", Bool.random(using: &random) {
            made[name] = changed(inner, &random)
        } else if let list = object[name] as? [[String: Any]], let first = list.first, Bool.random(using: &random) {
            made[name] = [changed(first, &random)] + list.dropFirst()
        } else {
            switch Int.random(in: 0...5, using: &random) {
            case 0: made[name] = nil
            case 1: made[name + "x"] = object[name]
            case 2: made[name] = "text"
            case 3: made[name] = 98
            case 4: made[name] = [object[name] ?? 1]
            default: made[name] = ["ip": 1]
            }
        }
        return made
    }
}
