// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Incidents
import Store
import Testing

/// Reports: what they hold, that they never change of themselves, and that nothing from outside is markup in them.
@Suite struct ReportTests {
    private static func engine() -> IncidentEngine {
        var knowledge = Plant.knowledge
        knowledge.asset = { address in
            address == Plant.plc
                ? AssetFacts(
                    name: "plc-1", criticality: "high", kind: "plc",
                    alike: [.init(address: "172.21.0.99", reason: "same firmware")]) : nil
        }
        var settings = IncidentSettings()
        settings.contacts = [.init(zone: "*", name: "Control room", reach: "4711")]
        return IncidentEngine(settings: settings, knowledge: knowledge)
    }

    /// The attack, worked on to its end.
    private static func closed() throws -> IncidentChange {
        var engine = engine()
        var firings = Plant.attack()
        for place in [3, 4] {
            firings[place].rule.response = Response(contain: [.init(text: "Ask {actor} to stop.")])
        }
        let id = try #require(try engine.accept(firings).last?.record.id)
        let orders: [IncidentOrder] = [
            .acknowledge, .assign(to: "Bo Ek"), .comment("the vendor was on site"),
            .contain("port closed", duration: "emergency"), .recover("set points compared", state: "done"),
            .explain(cause: "a lost laptop"), .trace(vector: "remote access"), .learn("no laptops in the cell"),
            .judge(functional: "Medium", information: nil, recoverability: nil),
            .act("image the laptop", state: "planned", expected: Moment(Plant.start + 86_400_000_000_000)),
        ]
        for (number, order) in orders.enumerated() {
            _ = try engine.order(order, of: id, by: "ana", at: Plant.start + Int64(600 + number) * 1_000_000_000)
        }
        return try engine.order(
            .close(.truePositive, reason: "contained and restored"), of: id, by: "Bo Ek",
            at: Plant.start + 3_600_000_000_000)
    }

    private static func report(_ change: IncidentChange) -> IncidentReport {
        IncidentReport(
            change.record, hash: change.hash,
            deliveries: [
                StoredDelivery(
                    sink: "soc", incident: change.record.id, revision: 1, time: Plant.start + 2_000_000_000,
                    attempts: 1,
                    result: "delivered")
            ], catalog: Plant.catalog)
    }

    /// The reports in docs/examples are these: UPDATE_GOLDEN=1 writes them anew.
    @Test(arguments: [
        (IncidentReport.Format.markdown, "incident.md"), (.html, "incident.html"), (.json, "incident.json"),
        (.stix, "incident.stix.json"),
    ])
    func examplesAreThese(_ format: IncidentReport.Format, _ name: String) throws {
        let change = try ReportTests.closed()
        let bytes = try ReportTests.report(change).bytes(format)
        #expect(try ReportTests.report(try ReportTests.closed()).bytes(format) == bytes)
        #expect(String(validating: bytes, as: UTF8.self) != nil)
        let file = Place.root.appendingPathComponent("docs/examples/\(name)")
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" { try Data(bytes).write(to: file) }
        #expect(try Data(contentsOf: file) == Data(bytes), "UPDATE_GOLDEN=1 writes it anew")
    }

    /// Every field of the record that holds something stands in the readable reports.
    @Test(arguments: [IncidentReport.Format.markdown, .html])
    func everyFieldIsThere(_ format: IncidentReport.Format) throws {
        let change = try ReportTests.closed()
        let text = String(decoding: try ReportTests.report(change).bytes(format), as: UTF8.self)
        let plain = text.replacing("\\", with: "").replacing("&#39;", with: "'").replacing("&gt;", with: ">")
            .replacing("&lt;", with: "<").replacing("&quot;", with: "\"").replacing("&amp;", with: "&")
        let record = change.record
        var wanted = [
            record.id, record.uid, change.hash, record.summary, record.declaredBy.criterion, record.declaredBy.version,
            "True Positive", "Bo Ek", "Medium", "Integrity Loss", "Level 6: critical systems", "remote access",
            "a lost laptop", "no laptops in the cell", "port closed", "set points compared", "image the laptop",
            "the vendor was on site", "Control room", "soc, revision 1", "same firmware",
            "Ask \(Plant.attacker) to stop.",
            "Nothing is known to be missing.", "DE.AE-08", "RS.AN-06", "RC.RP-06", "log intact", "plc-1",
        ]
        wanted += record.severitySteps.map(\.reason) + record.evidence.map(\.sha256) + record.timeline.map(\.text)
        wanted +=
            record.timeline.map { "\($0.received)" } + record.indicators.map(\.value) + record.techniques.map(\.id)
        wanted += record.actions.compactMap(\.hash) + record.actions.map(\.what) + record.rules.map(\.name)
        wanted += record.affected.map(\.address) + record.affected.compactMap(\.zone)
        for word in wanted { #expect(plain.contains(word), "\(word)") }
        for step in record.recommended {
            #expect(plain.contains(step.text), "\(step.text)")
        }
    }

    /// What an attacker can write into events and names stays text.
    @Test func nothingFromOutsideIsMarkup() throws {
        let hostile =
            "<script>alert(1)</script>\u{202E}\u{1B}[31m|\n# x ![a](http://e.example) `` _b_ **c** &amp; \"q\" 'q'"
        let json = try #require(
            String(data: try JSONSerialization.data(withJSONObject: [hostile], options: []), encoding: .utf8))
        var hit = Plant.hit(1, second: 1)
        let event = String(decoding: hit.event, as: UTF8.self)
        hit.event = Array(event.replacing(#""message":"""#, with: #""message":\#(json.dropFirst().dropLast())"#).utf8)
        hit.evidence[0].peer = hostile
        var rule = Plant.writing
        rule.name = hostile
        rule.title = hostile
        rule.criterion = hostile
        rule.tags = ["attack.t9999"]
        rule.falsePositives = [hostile]
        rule.response = Response(contain: [.init(text: hostile)])
        var engine = Plant.engine()
        let id = try engine.accept([Plant.firing(rule, id: hostile, hits: [hit])])[0].record.id
        let change = try engine.order(
            .comment(hostile.filter { $0 != "\u{1B}" }), of: id, by: "<b>ana</b>", at: Plant.start)
        let report = ReportTests.report(change)
        let html = String(decoding: try report.bytes(.html), as: UTF8.self)
        #expect(html.contains("&lt;script&gt;") && !html.contains("<script") && !html.contains("<b>"))
        #expect(!html.contains("\u{1B}") && !html.contains("\u{202E}") && !html.contains("href=\"http://"))
        let tags = try #require(try? Regex("<(/?[a-z0-9]+)").asciiOnlyWordCharacters())
        let known: Set<String> = [
            "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "br", "table", "thead", "tbody",
            "tr", "th", "td", "ul", "li", "code", "a",
        ]
        for match in html.matches(of: tags) {
            let name = String(html[match.range]).drop { "</".contains($0) }
            #expect(known.contains(String(name)), "\(name)")
        }
        let markdown = String(decoding: try report.bytes(.markdown), as: UTF8.self)
        #expect(!markdown.replacing("\\<", with: "").contains("<"))
        #expect(!markdown.contains("![a]") && !markdown.contains("**c**"))
        #expect(!markdown.contains("\u{1B}") && !markdown.contains("http://e") && !markdown.contains(" _b_"))
        // Each row of a table has as many cells as its head: no text breaks out of its cell.
        var columns = 0
        for line in markdown.split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("|") else {
                columns = 0
                continue
            }
            let cells = line.replacing("\\\\", with: "").replacing("\\|", with: "").count { $0 == "|" }
            if columns == 0 { columns = cells }
            #expect(cells == columns, "\(line)")
        }
        let brief = IncidentReport.brief(change.record)
        #expect(!brief.contains("\u{1B}") && !brief.contains("\u{202E}"))
        for format in [IncidentReport.Format.json, .stix] {
            #expect((try? JSONDocument(try report.bytes(format))) != nil)
        }
    }

    /// The record in the JSON report is the canonical one: its hash is the revision's.
    @Test func theJSONReportCanBeChecked() throws {
        let change = try ReportTests.closed()
        let bytes = try ReportTests.report(change).bytes(.json)
        #expect(bytes.count > change.json.count && String(decoding: bytes, as: UTF8.self).contains(change.hash))
        let record = String(decoding: change.json, as: UTF8.self)
        #expect(String(decoding: bytes, as: UTF8.self).contains(#""record":\#(record),"record_sha256""#))
        #expect(try IncidentReport(change.record, catalog: Plant.catalog).bytes(.markdown).isEmpty == false)
    }

    /// The rules of STIX 2.1 that a program can check without its library.
    @Test func theBundleIsSound() throws {
        let bytes = try ReportTests.report(try ReportTests.closed()).bytes(.stix)
        let script = """
            import json, re, sys, uuid
            bundle = json.load(sys.stdin)
            assert bundle["type"] == "bundle" and set(bundle) == {"type", "id", "objects"}
            objects = {o["id"]: o for o in bundle["objects"]}
            assert len(objects) == len(bundle["objects"])
            stamp = re.compile(r"\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$")
            observables = {"ipv4-addr", "ipv6-addr", "mac-addr", "user-account", "file"}
            for o in objects.values():
                kind, _, name = o["id"].partition("--")
                assert kind == o["type"] and o["spec_version"] == "2.1", o
                assert uuid.UUID(name).version == 5, o
                if kind in observables:
                    assert "created" not in o
                else:
                    assert stamp.match(o["created"]) and stamp.match(o["modified"]) and o["created"] <= o["modified"], o
                for key, value in o.items():
                    assert value not in ([], "", None, {}), (key, o)
                    if key.endswith("_ref"):
                        assert value in objects, (key, o)
                    if key.endswith("_refs"):
                        assert all(v in objects for v in value), (key, o)
            incident = [o for o in objects.values() if o["type"] == "incident"][0]
            core = incident["extensions"]["extension-definition--ef765651-680c-498d-9894-99799f2fa126"]
            assert core["determination"] == "successful-attempt" and core["investigation_status"] == "closed"
            assert all(r in objects for r in core["event_refs"] + core["other_object_refs"])
            address = [o for o in objects.values() if o["type"] == "ipv4-addr" and o["value"] == "\(Plant.plc)"][0]
            stix = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
            assert address["id"] == "ipv4-addr--" + str(uuid.uuid5(stix, '{"value":"\(Plant.plc)"}'))
            types = {o["type"] for o in objects.values()}
            assert types >= {"identity", "incident", "attack-pattern", "course-of-action", "indicator", "observed-data",
                             "event", "infrastructure", "relationship", "user-account"}, types
            """
        let answer = try Place.run(["python3", "-c", script], input: bytes)
        #expect(answer.status == 0, "\(answer.errors)")
    }
}
