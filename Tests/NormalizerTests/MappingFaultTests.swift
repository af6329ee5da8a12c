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
            told: ["10:12: OCSF 1.8.0 has no class 'authentification'", "1:1: a mapping needs at least one event"]),
        Fault(
            old: "user.name: user", new: "user.nmae: user", told: ["14:7: user of OCSF 1.8.0 has no attribute 'nmae'"]),
        Fault(
            old: "user.name: user", new: "wifi: user",
            told: ["14:7: authentication of OCSF 1.8.0 has no attribute 'wifi'"]),
        Fault(old: "user.name: user", new: "user.name.x: user", told: ["14:7: 'name' is no object"]),
        Fault(old: "user.name: user", new: "user: user", told: ["14:7: 'user' is an object; map its attributes"]),
        Fault(old: "user.name: user", new: "time: user", told: ["14:7: 'time' is not mapped here"]),
        Fault(
            old: "user.name: user", new: "action_id: {value: Denied}",
            told: ["14:7: 'action_id' needs the profile security_control"]),
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
        _ = MappingSet.read([("m.yaml", text)], builder: &builder, complaints: complaints)
        let told = complaints.all.map(\.description)
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
