// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Normalizer
import Testing

/// Matching by the structured data of RFC 5424.
struct StructuredMatchTests {
    private static func mapping(_ match: String) -> String {
        """
        name: demo
        match: [\(match)]
        parse: [{sd: true}]
        events: [{class: base_event, activity_id: 0, map: {message: [reason, syslog.message]}}]
        """
    }

    @Test(arguments: [
        ("{sd_id: junos@2636}", true), ("{sd_id: [x@1, 'junos@2636.1.1.1.2.40']}", true),
        ("{sd_id: junos@263}", false), ("{sd_id: unos@2636}", false), ("{sd_id: origin}", true),
        ("{sd: {reason: 'TCP fin'}}", true), ("{sd: {reason: [idle, 'tcp FIN']}}", true),
        ("{sd: {reason: idle}}", false), ("{sd: {cause: 'TCP FIN'}}", false),
        ("{sd: {reason: 'TCP FIN', ip: 10.0.0.1}}", true), ("{sd: {reason: 'TCP FIN', ip: 10.0.0.2}}", false),
        ("{sd_id: junos@2636, sd: {ip: 10.0.0.1}}", true), ("{sd_id: other@1, sd: {ip: 10.0.0.1}}", false),
        ("{sd_id: junos@2636, program: [rt_flow]}", true), ("{sd_id: junos@2636, program: sshd}", false),
        ("{sd_id: junos@2636, contains: closed}", true), ("{sd_id: junos@2636, contains: opened}", false),
        ("{sd_id: junos@2636, msgid: RT_FLOW_SESSION_CLOSE}", true), ("{sd_id: junos@2636, msgid: A}", false),
    ])
    func taken(_ match: String, _ isTaken: Bool) throws {
        var bench = try Bench(StructuredMatchTests.mapping(match))
        let row = bench.take(
            "<14>1 2026-11-21T10:00:00Z fw1 RT_FLOW - RT_FLOW_SESSION_CLOSE "
                + #"[junos@2636.1.1.1.2.40 reason="TCP FIN" a="1"][origin ip="10.0.0.1"] session closed"#)
        #expect((bench.set.name(bench.batch.rows[row].mapping) == "demo") == isTaken)
        let none = bench.take("<14>1 2026-11-21T10:00:00Z fw1 RT_FLOW - RT_FLOW_SESSION_CLOSE - session closed")
        #expect(bench.set.name(bench.batch.rows[none].mapping) == "unknown")
    }

    /// The lower rank is asked first, however the others are found.
    @Test func ranks() throws {
        let other = StructuredMatchTests.mapping("{contains: session}").replacing("name: demo", with: "name: other")
        for rank in [50, 150] {
            let text = StructuredMatchTests.mapping("{sd_id: a@1}") + "\nrank: \(rank)\n"
            var bench = try Bench([("a.yaml", text), ("b.yaml", other)])
            let row = bench.take(#"<14>1 2026-11-21T10:00:00Z fw1 x - - [a@1 reason="r"] session closed"#)
            #expect(bench.set.name(bench.batch.rows[row].mapping) == (rank < 100 ? "demo" : "other"))
        }
    }

    @Test(arguments: [
        ("{sd: true}", "'sd' has parameters by name"), ("{sd_id: []}", "give at least one SD-ID"),
        ("{sd_id: a, event_code: ASA-1-2}", "give 'event_code' or structured data"),
    ])
    func faults(_ match: String, _ message: String) {
        let complaints = Complaints()
        var builder = FieldTable.Builder()
        _ = MappingSet.read(
            [("m.yaml", StructuredMatchTests.mapping(match))], builder: &builder, complaints: complaints)
        #expect(complaints.all.contains { $0.description.contains(message) }, "\(complaints.all)")
    }
}
