// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Normalizer
import Testing

/// Every fault of a mapping file is told at its own place.
struct MappingFaultTests {
    struct Fault: Sendable {
        let old: String
        let new: String
        let told: [String]
    }

    static let text = """
        name: demo
        logsource: {product: demo}
        match:
          - {contains: ["DEMO"]}
        parse:
          - regex:
              any:
                - 'user=(?<user>\\S+)'
        events:
          - class: authentication
            activity_id: Logon
            profiles: [host]
            map:
              user.name: user
              status_id: {value: Success}
              service.name: {value: demo}
        """

    @Test(arguments: [
        Fault(old: "", new: "", told: []),
        Fault(
            old: "class: authentication", new: "class: authentification",
            told: ["10:12: OCSF 1.8.0 has no class 'authentification' (did you mean 'authentication'?)"]),
        Fault(
            old: "user.name: user", new: "user.nmae: user",
            told: ["14:7: user of OCSF 1.8.0 has no attribute 'nmae'"]),
        Fault(
            old: "user.name: user", new: "wifi: user",
            told: [
                "14:7: authentication of OCSF 1.8.0 has no attribute 'wifi'",
                "10:12: authentication of OCSF 1.8.0 demands 'user': map its attributes",
            ]),
        Fault(old: "user.name: user", new: "user.name.x: user", told: ["14:7: 'name' is no object"]),
        Fault(old: "user.name: user", new: "user: user", told: ["14:7: 'user' is an object; map its attributes"]),
        Fault(
            old: "user.name: user", new: "user.name: user\n      time: user", told: ["15:7: 'time' is not mapped here"]),
        Fault(
            old: "user.name: user", new: "user.name: user\n      action_id: {value: Denied}",
            told: ["15:7: 'action_id' needs the profile security_control"]),
        Fault(old: "[host]", new: "[hosts]", told: ["12:15: OCSF 1.8.0 has no profile 'hosts'"]),
        Fault(
            old: "value: Success", new: "value: Fine",
            told: ["15:26: status_id has no value 'Fine'; it takes 0 Unknown"]),
        Fault(old: "Logon", new: "Login", told: ["11:18: activity_id has no value 'Login'"]),
        Fault(
            old: "{value: Success}", new: "{from: user, table: {a: Bad}}", told: ["15:42: status_id has no value 'Bad'"]
        ),
        Fault(
            old: "{value: Success}", new: "{vaule: Success}",
            told: ["15:19: unknown key 'vaule'", "15:18: status_id gets no value"]),
        Fault(
            old: "{value: Success}", new: "{value: 1, default: 2}", told: ["15:18: give 'value' or 'default', not both"]
        ),
        Fault(
            old: "{value: demo}", new: "{table: {a: b}}",
            told: ["16:21: a table needs 'from'", "16:21: service.name gets no value"]),
        Fault(old: "{value: demo}", new: "{from: user, transform: upcase}", told: ["16:45: "]),
        // What the schema demands and nothing makes.
        Fault(
            old: "      service.name: {value: demo}", new: "",
            told: ["10:12: authentication of OCSF 1.8.0 demands 'service' or 'dst_endpoint': map one of them"]),
        Fault(
            old: "user.name: user", new: "user.domain: user",
            told: [
                "14:7: 'user' is left out of each event without 'account', 'name' or 'uid', which user demands: map one of them"
            ]),
        Fault(
            old: "user.name: user",
            new: "user.name: user\n      http_request.user_agent: user\n      dst_endpoint.port: user",
            told: [
                "16:7: 'dst_endpoint' is left out of each event without 'ip', 'uid', 'name', 'hostname', 'svc_name', "
                    + "'instance_uid', 'interface_uid', 'interface_name' or 'domain', which network_endpoint demands: map one of them"
            ]),
        Fault(
            old: "user.name: user", new: "user.name: user\n      enrichments.name: user",
            told: [
                "15:7: 'enrichments' is left out of each event without 'data', which enrichment demands: map it",
                "15:7: 'enrichments' is left out of each event without 'value', which enrichment demands: map it",
            ]),
        // Values that are none of their type.
        Fault(
            old: "{value: demo}", new: "{value: demo}\n      src_endpoint.ip: {value: 10.0.0.256}",
            told: ["17:32: src_endpoint.ip takes an IP address, not '10.0.0.256'"]),
        Fault(
            old: "{value: demo}",
            new: "{value: demo}\n      src_endpoint: &e\n        ip: {value: 1}\n",
            told: ["17:7: 'src_endpoint' is an object; map its attributes"]),
        Fault(
            old: "{value: demo}",
            new: "{value: demo}\n      src_endpoint.ip: user\n      src_endpoint.port: {from: user, table: {a: 65536}}",
            told: ["18:50: src_endpoint.port takes a port (0 to 65535), not '65536'"]),
        Fault(
            old: "{value: demo}", new: "{value: demo}\n      is_remote: {value: maybe}\n      count: {value: few}",
            told: ["17:26: is_remote takes true or false, not 'maybe'", "18:22: count takes a whole number, not 'few'"]),
        Fault(
            old: "{value: demo}", new: "{value: demo}\n      count: {from: user, transform: lower}",
            told: ["17:38: only text has a transform"]),
        // How values are to be read.
        Fault(
            old: "{value: demo}",
            new: "{value: demo}\n      duration: {from: user, unit: w}\n      count: {from: user, unit: s, scale: 2}",
            told: [
                "17:36: events[0].map.duration.unit must be one of ns, us, ms, s, m, h, d",
                "18:33: give 'unit' or 'scale', not both",
            ]),
        Fault(
            old: "{value: demo}",
            new: "{value: demo}\n      message: {from: user, unit: s}\n      end_time: {from: user, unit: s}",
            told: [
                "17:35: only spans of time in whole numbers have a unit", "18:36: only spans of time in whole numbers",
            ]),
        Fault(
            old: "{value: demo}",
            new: "{value: demo}\n      message: {from: user, order: dmy}\n      end_time: {from: user, order: ymd}",
            told: ["17:36: only dates have an order", "18:37: events[0].map.end_time.order must be one of mdy, dmy"]),
        Fault(
            old: "logsource:", new: "date_order: ymd\nlogsource:", told: ["2:13: date_order must be one of mdy, dmy"]),
        Fault(
            old: "    profiles: [host]", new: "    time: {order: mdy}\n    profiles: [host]",
            told: ["12:11: events[0].time needs 'from'"]),
        Fault(
            old: "    profiles: [host]", new: "    time: [{from: {a: b}}, {from: c, ordr: mdy}]\n    profiles: [host]",
            told: [
                "12:19: 'from' is a capture or a list of captures", "12:38: unknown key 'ordr' (did you mean 'order'?)",
            ]),
        // Event codes.
        Fault(
            old: "- {contains: [\"DEMO\"]}", new: "- {event_code: [302013, ASA--1]}",
            told: ["4:19: an event code is written as FACILITY-SEVERITY-MNEMONIC", "4:27: an event code is written as"]),
        Fault(old: "- {contains: [\"DEMO\"]}", new: "- {event_code: ASA-30*}", told: ["4:18: '*' stands for all that"]),
        Fault(
            old: "- {contains: [\"DEMO\"]}", new: "- {event_code: ASA-6-1, program: a}",
            told: ["4:36: give 'program' or 'event_code', not both"]),
        Fault(old: "(?<user>\\S+)", new: "(?<user>\\S+", told: ["8:11: regular expression: "]),
        Fault(old: "- {contains: [\"DEMO\"]}", new: "- {regex: '['}", told: ["4:13: regular expression: "]),
        Fault(old: "- {contains: [\"DEMO\"]}", new: "- {}", told: ["4:5: an empty match takes every record"]),
        Fault(
            old: "  - regex:", new: "  - regexp:",
            told: ["6:5: unknown key 'regexp' (did you mean 'regex'?)", "6:5: a parse step is one of"]),
        Fault(
            old: "name: demo\nlog", new: "nmae: demo\nlog",
            told: ["1:1: unknown key 'nmae'", "1:1: the document needs 'name'"]),
        Fault(old: "    activity_id: Logon\n", new: "", told: ["10:5: events[0] needs 'activity_id'"]),
        Fault(old: "  - class: auth", new: "  - when: 7\n    class: auth", told: ["10:11: a condition is a mapping"]),
        Fault(
            old: "  - class: auth", new: "  - when: {user: {matches: x}}\n    class: auth",
            told: ["10:19: unknown key 'matches'"]),
        Fault(
            old: "  - class: auth", new: "  - when: {user: {regex: '('}}\n    class: auth",
            told: ["10:26: regular expression: "]),
    ])
    func faults(_ fault: Fault) throws {
        let text =
            fault.old.isEmpty ? MappingFaultTests.text : MappingFaultTests.text.replacing(fault.old, with: fault.new)
        try #require(fault.old.isEmpty || text != MappingFaultTests.text)
        let complaints = Complaints()
        var builder = FieldTable.Builder()
        let drafts = MappingSet.read([("m.yaml", text)], builder: &builder, complaints: complaints)
        MappingSet(drafts, table: builder.build()).review(drafts)
        let told = complaints.errors.map(\.description)
        #expect(told.count == fault.told.count, "\(told)")
        for want in fault.told { #expect(told.contains { $0.hasPrefix("m.yaml:" + want) }, "\(told)") }
    }

    @Test func twice() {
        let complaints = Complaints()
        var builder = FieldTable.Builder()
        let drafts = MappingSet.read(
            [("a.yaml", MappingFaultTests.text), ("b.yaml", MappingFaultTests.text)], builder: &builder,
            complaints: complaints)
        #expect(drafts.count == 1 && complaints.all.map(\.description) == ["b.yaml:1:1: mapping 'demo' is given twice"])
    }
}
