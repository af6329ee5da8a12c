// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Inventory
import Testing
import Wire

/// What the enricher adds to events, as they are written.
struct IntelligenceEnricherTests {
    static let plant = """
        zones:
          - {name: control, level: "1", networks: [10.1.0.0/16]}
          - {name: office, level: "4", networks: [10.4.0.0/16]}
        assets:
          - {address: 10.1.0.10, name: plc-1, role: plc, criticality: critical}
          - {address: 10.4.0.1, name: desk, role: workstation}
        """
    static let day: Int64 = 86_400_000_000_000

    struct Bench: ~Copyable {
        var enricher: Enricher
        var batch: Batch
        var reader = EventReader()

        init(_ lists: [(IntelligenceList, String)] = [], version: OCSFDictionary = .v1_8_0) throws {
            let complaints = Complaints()
            let plant = PlantModel.parse(IntelligenceEnricherTests.plant, file: "p", complaints: complaints)
            try #require(complaints.all.isEmpty)
            var builder = FieldTable.Builder(version)
            for path in [
                "class_uid", "time", "metadata.profiles", "query.hostname", "url.url_string", "url.hostname",
                "file.hashes.value", "file.hashes.algorithm_id", "answers.rdata", "tls.sni", "src_endpoint.hostname",
                "device.ip", "osint.value",
            ] { builder.add(path) }
            let plan = Enricher.Plan(plant, intelligence: intelligence(lists).known, builder: &builder)
            let table = builder.build()
            enricher = plan.finish(table)
            batch = Batch(table: table)
        }

        /// The event as it is written behind the enricher.
        mutating func enrich(_ json: String) throws -> [String: Any] {
            let bytes = Array(json.utf8)
            batch.reset()
            try #require(reader.read(bytes.span.bytes, into: &batch) != nil)
            enricher.enrich(&batch)
            var slab = Slab()
            EventWriter.append(0, of: batch, to: &slab)
            let object = try JSONSerialization.jsonObject(with: Data(slab.bytes.array))
            return try #require(object as? [String: Any])
        }
    }

    static func at(_ path: String, _ event: [String: Any]) -> String? {
        var found: Any? = event
        for part in path.split(separator: ".") {
            if let number = Int(part) {
                let array = found as? [Any]
                found = array.flatMap { $0.indices.contains(number) ? $0[number] : nil }
            } else {
                found = (found as? [String: Any])?[String(part)]
            }
        }
        return found.map { "\($0)" }
    }

    @Test func aMatchInFull() throws {
        var feed = list("botnet", .csv)
        feed.confidence = .high
        var bench = try Bench([
            (feed, "id,ip,valid_until,description\nx-7,198.51.100.0/24,1970-02-01,\"C2 \"\"x\"\"\"\n")
        ])
        let event = try bench.enrich(
            #"{"class_uid":4001,"time":864000000,"metadata":{"profiles":["host"]},"src_endpoint":{"ip":"10.1.0.10"},"dst_endpoint":{"ip":"198.51.100.7"}}"#
        )
        for (path, wanted) in [
            ("osint.0.type_id", "1"), ("osint.0.type", "IP Address"), ("osint.0.value", "198.51.100.0/24"),
            ("osint.0.name", "dst_endpoint.ip"), ("osint.0.vendor_name", "botnet.example"),
            ("osint.0.confidence_id", "3"), ("osint.0.confidence", "High"), ("osint.0.severity_id", "3"),
            ("osint.0.severity", "Medium"), ("osint.0.modified_time", "1000"),
            ("osint.0.expiration_time", "2678400000"),
            ("osint.0.uid", "x-7"), ("osint.0.desc", "C2 \"x\""), ("osint.1", nil),
            ("enrichments.0.name", "dst_endpoint.ip"), ("enrichments.0.value", "198.51.100.7"),
            ("enrichments.0.type", "threat_intelligence"), ("enrichments.0.provider", "botnet.example"),
            ("enrichments.0.data.list", "botnet"), ("enrichments.0.data.indicator", "198.51.100.0/24"),
            ("enrichments.0.data.age_days", "9"), ("enrichments.0.data.expires", "1970-02-01T00:00:00Z"),
            ("metadata.profiles.0", "host"), ("metadata.profiles.1", "osint"), ("metadata.profiles.2", nil),
            ("unmapped.intelligence.list", "botnet"), ("unmapped.intelligence.attribute", "dst_endpoint.ip"),
            ("unmapped.intelligence.indicator", "198.51.100.0/24"), ("unmapped.intelligence.confidence", "high"),
            ("unmapped.intelligence.severity", "medium"), ("unmapped.intelligence.age_days", "9"),
            ("unmapped.intelligence.source", "botnet.example"), ("unmapped.asset.src", "plc-1"),
            ("unmapped.asset.src_criticality", "critical"), ("unmapped.asset.src_role", "plc"),
            ("unmapped.asset.dst", nil), ("unmapped.zone.src", "control"), ("connection_info.direction_id", "2"),
        ] as [(String, String?)] {
            #expect(IntelligenceEnricherTests.at(path, event) == wanted, "\(path)")
        }
        #expect(bench.enricher.takeMatches() == [1] && bench.enricher.takeMatches().isEmpty)
    }

    /// All kinds of attributes; the strongest match is told flat.
    @Test func attributes() throws {
        var strong = list("strong")
        strong.confidence = .high
        var bench = try Bench([
            (list("weak"), "evil.test\n203.0.113.9\n\(ThreatIntelligenceTests.md5)\n2001:db8::/32\n"),
            (strong, "bad.test"),
        ])
        func matched(_ rest: String) throws -> [String] {
            let event = try bench.enrich("{\"class_uid\":4001,\"time\":0,\(rest)}")
            let found = event["enrichments"] as? [[String: Any]] ?? []
            return found.map { "\($0["name"] ?? "") \($0["value"] ?? "")" }
        }
        #expect(try matched(#""query":{"hostname":"a.EVIL.test"}"#) == ["query.hostname a.EVIL.test"])
        #expect(
            try matched(#""url":{"url_string":"https://evil.test:8443/x"}"#) == [
                "url.url_string https://evil.test:8443/x"
            ])
        #expect(
            try matched(#""answers":[{"rdata":"10.0.0.1"},{"rdata":"203.0.113.9"}]"#) == ["answers.rdata 203.0.113.9"])
        #expect(
            try matched(#""file":{"hashes":[{"value":"\#(ThreatIntelligenceTests.md5.uppercased())"}]}"#) == [
                "file.hashes.value \(ThreatIntelligenceTests.md5.uppercased())"
            ])
        #expect(try matched(#""tls":{"sni":"x.bad.test"}"#) == ["tls.sni x.bad.test"])
        #expect(try matched(#""src_endpoint":{"ip":"2001:db8::7"}"#) == ["src_endpoint.ip 2001:db8::7"])
        #expect(try matched(#""device":{"ip":"203.0.113.9"}"#).isEmpty)
        #expect(try matched(#""src_endpoint":{"ip":"not an address","hostname":"test"}"#).isEmpty)
        let event = try bench.enrich(
            #"{"class_uid":4003,"time":0,"src_endpoint":{"ip":"203.0.113.9"},"query":{"hostname":"bad.test"}}"#)
        #expect(IntelligenceEnricherTests.at("unmapped.intelligence.attribute", event) == "query.hostname")
        #expect((event["osint"] as? [Any])?.count == 2)
        #expect(bench.enricher.takeMatches() == [6, 2])
    }

    /// What an event has already stays, and a flood of matches is bounded.
    @Test func besidesOthers() throws {
        var bench = try Bench([(list("a"), "203.0.113.0/24")])
        let event = try bench.enrich(
            #"{"class_uid":4001,"time":0,"metadata":{"profiles":["osint"]},"osint":[{"value":"x"}],"enrichments":[{"name":"n","value":"v","data":{}}],"src_endpoint":{"ip":"203.0.113.9"}}"#
        )
        #expect(IntelligenceEnricherTests.at("osint.0.value", event) == "x")
        #expect(IntelligenceEnricherTests.at("osint.1.value", event) == "203.0.113.0/24")
        #expect(IntelligenceEnricherTests.at("enrichments.1.value", event) == "203.0.113.9")
        #expect((IntelligenceEnricherTests.at("metadata.profiles.1", event)) == nil)
        let answers = (0..<30).map { #"{"rdata":"203.0.113.\#($0)"}"# }.joined(separator: ",")
        let many = try bench.enrich(#"{"class_uid":4003,"time":0,"answers":[\#(answers)]}"#)
        #expect((many["osint"] as? [Any])?.count == 8 && bench.enricher.takeMatches() == [31])
    }

    /// Nothing is added for other events, and OCSF 1.1.0 has no `osint`.
    @Test func withoutMatchOrProfile() throws {
        var bench = try Bench([(list("a"), "203.0.113.0/24")])
        let event = try bench.enrich(#"{"class_uid":4001,"time":0,"src_endpoint":{"ip":"203.0.114.9"}}"#)
        #expect(event.keys.sorted() == ["class_uid", "src_endpoint", "time"])
        var old = try Bench([(list("a"), "203.0.113.0/24")], version: .v1_1_0)
        let match = try old.enrich(#"{"class_uid":4001,"time":0,"src_endpoint":{"ip":"203.0.113.9"}}"#)
        #expect(match["osint"] == nil && match["metadata"] == nil && match["enrichments"] != nil)
    }

    @Test(
        arguments: [
            ("10.4.0.9", "10.1.0.1", #","connection_info":{"direction_id":0}"#, "3"),
            ("10.4.0.9", "10.4.0.8", "", "3"), ("192.0.2.1", "10.1.0.1", "", "1"), ("10.1.0.1", "192.0.2.1", "", "2"),
            ("10.1.0.1", "192.0.2.1", #","connection_info":{"direction_id":1}"#, "1"),
            ("10.1.0.1", "192.0.2.1", #","connection_info":{"direction_id":0,"direction":"odd"}"#, "0"),
            ("10.1.0.1", "10.1.0.1", "", "4"), ("192.0.2.1", "192.0.2.2", "", nil), ("10.1.0.1", "224.0.0.5", "", nil),
            ("10.1.0.1", "255.255.255.255", "", nil), ("fe80::1", "10.1.0.1", "", nil),
            ("10.1.0.1", "ff02::1", "", nil),
            ("10.1.0.1", "fe70::1", "", "2"),
        ] as [(String, String, String, String?)])
    func directions(_ source: String, _ destination: String, _ rest: String, _ wanted: String?) throws {
        var bench = try Bench()
        let event = try bench.enrich(
            #"{"class_uid":4001,"time":0,"src_endpoint":{"ip":"\#(source)"},"dst_endpoint":{"ip":"\#(destination)"}\#(rest)}"#
        )
        #expect(IntelligenceEnricherTests.at("connection_info.direction_id", event) == wanted)
    }

    /// A class without connections gets no direction; a lone end that is an asset is named.
    @Test func assets() throws {
        var bench = try Bench()
        var event = try bench.enrich(
            #"{"class_uid":3002,"time":0,"src_endpoint":{"ip":"10.4.0.1"},"dst_endpoint":{"ip":"10.1.0.10"}}"#)
        #expect(event["connection_info"] == nil)
        for (path, wanted) in [
            ("dst", "plc-1"), ("dst_role", "plc"), ("dst_criticality", "critical"), ("src", "desk"),
            ("src_role", "workstation"), ("src_criticality", "medium"),
        ] {
            #expect(IntelligenceEnricherTests.at("unmapped.asset." + path, event) == wanted, "\(path)")
        }
        event = try bench.enrich(#"{"class_uid":3002,"time":0,"src_endpoint":{"ip":"10.1.0.10"}}"#)
        #expect(IntelligenceEnricherTests.at("unmapped.asset.src", event) == "plc-1")
        event = try bench.enrich(#"{"class_uid":3002,"time":0,"dst_endpoint":{"ip":"10.4.0.1"}}"#)
        #expect(IntelligenceEnricherTests.at("unmapped.asset.dst_role", event) == "workstation")
    }
}
