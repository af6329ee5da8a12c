// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Normalizer
import Testing
import Wire

/// What mappings, which are written in OCSF 1.8.0, give in 1.1.0.
struct OlderVersionTests {
    static let mapping = """
        name: demo
        product: {name: Demo}
        match:
          - {contains: ['"kind"']}
        parse:
          - json: true
        common:
          device_type_id: 13
          profiles: [security_control]
        events:
          - when: {kind: flow}
            class: network_activity
            activity_id: {from: act, table: {open: Open, listen: Listen}, default: Traffic}
            map:
              src_endpoint.ip: src
              dst_endpoint.ip: dst
              connection_info.direction_id: {from: dir, table: {in: Inbound, local: Local}, default: 0}
              connection_info.community_uid: community
              action_id: {from: verdict, table: {ok: Allowed, watch: Observed}, default: 0}
              policy.name: policy
              actor.app_name: app
              app_name: service
          - when: {kind: tunnel}
            class: tunnel_activity
            activity_id: {from: act, table: {open: Open, renew: Renew}}
            map:
              src_endpoint.ip: src
              dst_endpoint.ip: dst
              tunnel_interface.name: name
              user.name: user
          - when: {kind: script}
            class: script_activity
            activity_id: Execute
            map:
              script.type_id: {value: 99}
              script.name: name
              actor.user.name: user
          - when: {kind: finding}
            class: detection_finding
            activity_id: Create
            map:
              message: text
              finding_info.uid: id
              finding_info.title: title
              evidences.user.name: user
              evidences.file.name: file
              evidences.file.type_id: {value: 8}
              evidences.file.hashes.algorithm_id: {from: algorithm, table: {sha256: SHA-256, sha384: SHA-384}}
              evidences.file.hashes.value: hash
        """

    private func event(_ json: String) throws -> [String: Any] {
        var bench = try Bench(OlderVersionTests.mapping, of: .v1_1_0)
        let row = bench.take(json)
        let tally = bench.normalizer.takeTally()
        #expect(tally.invalid == 0 && tally.unreadable == 0)
        return try bench.object(row)
    }

    private func value(_ event: [String: Any], _ path: String) -> String? {
        var found: Any? = event
        for part in path.split(separator: ".") {
            if let list = found as? [Any] { found = list.first }
            found = (found as? [String: Any])?[String(part)]
        }
        return found.map { "\($0)" }
    }

    private func expect(_ event: [String: Any], _ wanted: [String: String?], _ place: SourceLocation = #_sourceLocation)
    {
        for (path, text) in wanted { #expect(value(event, path) == text, "\(path)", sourceLocation: place) }
    }

    @Test func knownStaysAndUnknownMoves() throws {
        expect(
            try event(
                #"{"kind":"flow","src":"10.0.0.1","dst":"10.0.0.2","dir":"in","community":"1:x","verdict":"ok","policy":"p1","app":"a.exe","service":"http","act":"open"}"#
            ),
            [
                "metadata.version": "1.1.0", "metadata.product.vendor_name": "unknown", "class_uid": "4001",
                "activity_id": "1", "activity_name": "Open", "type_uid": "400101", "action_id": "1",
                "action": "Allowed",
                "connection_info.direction_id": "1", "connection_info.community_uid": nil,
                "unmapped.connection_info.community_uid": "1:x", "policy.name": nil, "unmapped.policy.name": "p1",
                "actor.app_name": nil, "actor.invoked_by": "a.exe", "app_name": "http",
                "device.type_id": "99", "device.type": "IDS", "unmapped.penstock.class_uid": nil,
            ])
    }

    @Test func lostValuesAreOtherWithTheirText() throws {
        expect(
            try event(
                #"{"kind":"flow","src":"10.0.0.1","dst":"10.0.0.2","dir":"local","verdict":"watch","act":"listen"}"#),
            [
                "activity_id": "99", "activity_name": "Listen", "type_uid": "400199", "action_id": "99",
                "action": "Observed", "connection_info.direction_id": "99", "connection_info.direction": "Local",
            ])
    }

    /// 1.1.0 demands both endpoints of network activity: the event stays what it is.
    @Test func demandsAreMet() throws {
        expect(
            try event(#"{"kind":"flow","src":"10.0.0.1","act":"open"}"#),
            [
                "class_uid": "4001", "src_endpoint.ip": "10.0.0.1", "src_endpoint.name": nil,
                "dst_endpoint.name": "unknown",
            ])
        expect(
            try event(#"{"kind":"finding","id":"7","text":"something"}"#),
            ["class_uid": "2004", "finding_info.uid": "7", "finding_info.title": "something"])
        expect(try event(#"{"kind":"finding","id":"7"}"#), ["finding_info.title": "7"])
    }

    @Test func unknownClasses() throws {
        expect(
            try event(#"{"kind":"tunnel","src":"10.0.0.1","dst":"10.0.0.2","act":"renew","name":"tun0","user":"u"}"#),
            [
                "class_uid": "4001", "category_uid": "4", "activity_id": "99", "activity_name": "Renew",
                "src_endpoint.ip": "10.0.0.1", "unmapped.penstock.class_uid": "4014",
                "unmapped.tunnel_interface.name": "tun0", "unmapped.user.name": "u",
            ])
        expect(
            try event(#"<13>Nov 21 10:00:01 host app: {"kind":"script","name":"x.ps1","user":"u"}"#),
            [
                "class_uid": "0", "category_uid": "0", "type_uid": "99", "activity_name": "Execute", "device": nil,
                "unmapped.device.hostname": "host", "unmapped.device.type_id": "13", "unmapped.script.name": "x.ps1",
                "unmapped.actor.user.name": "u", "unmapped.penstock.class_uid": "1009", "metadata.profiles": nil,
            ])
    }

    @Test func hashes() throws {
        expect(
            try event(#"{"kind":"finding","id":"7","file":"f","user":"u","algorithm":"sha384","hash":"abcd"}"#),
            [
                "evidences.file.hashes.algorithm_id": "99", "evidences.file.hashes.algorithm": "SHA-384",
                "evidences.file.hashes.value": "abcd", "evidences.user": nil, "unmapped.evidences.user.name": "u",
                "evidences.file.type_id": "99",
            ])
        let long = String(repeating: "a", count: 96)
        expect(
            try event(#"{"kind":"finding","id":"7","file":"f","algorithm":"sha384","hash":"\#(long)"}"#),
            ["evidences.file.hashes": nil, "unmapped.hash": long])
    }

    /// What no mapping knows: a Base Event of 1.1 has no device.
    @Test func unknownRecords() throws {
        expect(
            try event("<13>Nov 21 10:00:01 host app: what"),
            [
                "class_uid": "0", "activity_id": "0", "type_uid": "0", "message": "what", "device": nil,
                "unmapped.device.hostname": "host", "unmapped.device.type_id": "0", "metadata.profiles": nil,
                "metadata.product.name": "unknown", "metadata.product.vendor_name": "unknown",
            ])
    }
}

/// Every class and attribute of 1.8.0, judged by the validator of the shared cases.
@Suite(.enabled(if: Places.cases != nil, "the shared cases are not here"))
struct OlderVersionValidityTests {
    private static let native = OCSFDictionary.v1_8_0

    /// A value that an attribute takes, as YAML; nil for objects and what the mapping language has no literal for.
    private func literal(_ attribute: OCSFDictionary.Attribute, _ turn: Int) -> String? {
        if let enumeration = attribute.enumeration {
            let ids = enumeration.captions.keys.sorted()
            return ids.isEmpty ? nil : "\"\(ids[turn % ids.count])\""
        }
        switch attribute.type {
        case "ip_t": return "192.0.2.\(turn % 250)"
        case "mac_t": return "\"00:00:5e:00:53:01\""
        case "port_t": return "\(1 + turn % 60_000)"
        case "object_t": return nil
        default: break
        }
        switch attribute.primitive {
        case .integer, .long: return "\(turn % 1000)"
        case .float: return "1.5"
        case .boolean: return "true"
        case .string: return "text\(turn)"
        case .json: return nil
        }
    }

    /// The lines of a mapping for all attributes of a shape, of objects down to `depth` levels.
    private func lines(
        _ shape: OCSFDictionary.Shape, _ prefix: String, _ depth: Int, _ profiles: Set<String>, _ turn: inout Int
    ) -> [String] {
        var lines: [String] = []
        let managed =
            prefix.isEmpty ? ["activity_id", "category_uid", "class_uid", "type_uid", "severity_id", "time"] : []
        for attribute in shape.attributes.values.sorted(by: { $0.name < $1.name })
        where attribute.profiles.isEmpty || !profiles.isDisjoint(with: attribute.profiles) {
            let path = prefix + attribute.name
            if managed.contains(path) || path == "metadata.version"
                || ["metadata.profiles", "observables", "raw_data"].contains(path)
            {
                continue
            }
            turn += 1
            if let object = attribute.object, object != "object",
                let inner = OlderVersionValidityTests.native.objects[object]
            {
                // `just_one` objects get one attribute only by not being filled in here.
                let isChoice = inner.constraints.contains { if case .justOne = $0 { true } else { false } }
                if depth > 0, !isChoice { lines += self.lines(inner, path + ".", depth - 1, profiles, &turn) }
            } else if let literal = literal(attribute, turn) {
                lines.append("      \(path): {value: \(literal)}")
            }
        }
        return lines
    }

    @Test(arguments: [0, 3, 11]) func everyClassIsValid(_ start: Int) throws {
        var turn = start
        var text =
            "name: all\nproduct: {name: All, vendor_name: V}\nmatch: [{contains: [kind]}]\nparse: [{kv: true}]\nevents:\n"
        let profiles: Set<String> = ["host", "cloud", "security_control", "trace"]
        let classes = OlderVersionValidityTests.native.classes.values.filter { found in
            // All attributes at once are not what `just_one` allows, and too shallow for a constraint on a longer path.
            !found.shape.constraints.contains { constraint in
                switch constraint {
                case .justOne: true
                case .atLeastOne(let names): names.contains { $0.contains(".") }
                }
            }
        }.sorted { $0.uid < $1.uid }
        for found in classes {
            let named = profiles.filter { name in found.shape.attributes.values.contains { $0.profiles.contains(name) }
            }
            turn += 1
            let activities = found.shape.attributes["activity_id"]?.enumeration?.captions.keys.sorted() ?? ["0"]
            text += "  - when: {kind: c\(found.uid)}\n    class: \"\(found.uid)\"\n"
            text += "    activity_id: {value: \(activities[turn % activities.count])}\n"
            text += "    profiles: [\(named.sorted().joined(separator: ", "))]\n    map:\n"
            text += lines(found.shape, "", 2, named, &turn).joined(separator: "\n") + "\n"
        }
        var bench = try Bench(text, of: .v1_1_0)
        for found in classes { bench.take("kind=c\(found.uid) a=b") }
        let count = bench.batch.rows.count
        let (status, told) = try VendorTests.validate((0..<count).map { bench.json($0) }, "schema-1.1.0.json")
        #expect(status == 0, "\(told.prefix(4000))")
        #expect(count == classes.count && bench.normalizer.takeTally().invalid <= 1)
    }

    @Test func everyVendorLineIsValid() throws {
        var bench = try Bench(try Places.mappings(), of: .v1_1_0)
        let folder = try #require(Places.cases).appendingPathComponent("vendor")
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter {
            $0.hasSuffix("input.jsonl")
        }
        for name in names.sorted() {
            for line in try VendorTests.lines(name) { if let raw = line["raw"] as? String { bench.take(raw) } }
        }
        let count = bench.batch.rows.count
        #expect(count > 400)
        let (status, told) = try VendorTests.validate((0..<count).map { bench.json($0) }, "schema-1.1.0.json")
        #expect(status == 0, "\(told.prefix(4000))")
    }
}
