// SPDX-License-Identifier: Apache-2.0
import Codecs
import Documents
import Events
import Normalizer
import Testing
import Wire

/// Dates without a zone are those of the source's clock.
@Suite struct SourceTests {
    private static let mapping = """
        name: made
        product: {name: Made}
        match:
          - {contains: "made="}
        parse:
          - kv: {}
        events:
          - class: base_event
            activity_id: Unknown
            time: made
            severity_id: Informational
            map:
              message: text
        """

    /// 2026-09-21 14:13:20 UTC.
    private static let received: Int64 = 1_790_000_000_000_000_000

    private static func source(_ zone: String, peers: [String] = [], inputs: Set<String> = []) throws
        -> SyslogSources.Source
    {
        var made = SyslogSources.Source()
        made.peers = try peers.map { try #require(IPNetwork($0)) }
        made.inputs = inputs
        made.zone = try #require(SyslogZone(named: zone))
        return made
    }

    /// The time of an event in seconds after ``received``.
    private static func time(
        _ text: String, _ sources: [SyslogSources.Source], peer: String = "192.0.2.1", input: String = "in"
    ) throws -> Int64 {
        let complaints = Complaints()
        var builder = FieldTable.Builder()
        let drafts = MappingSet.read([("m.yaml", mapping)], builder: &builder, complaints: complaints)
        try #require(complaints.all.isEmpty, "\(complaints.all)")
        let set = MappingSet(drafts, table: builder.build(), records: .none)
        var normalizer = Normalizer(set, sources: SyslogSources(sources))
        var batch = Batch(table: set.table)
        batch.append(
            Array(text.utf8).span.bytes, received: received, peer: IPAddress(peer), listener: 0, transport: .udp)
        normalizer.normalize(frame: 0, of: &batch, input: input)
        return (batch.rows[0].time - received) / 1_000_000_000
    }

    /// Twelve hours before, as UTC has it.
    private static let header = "<13>Sep 21 02:13:20 host app: hello"

    @Test func headers() throws {
        let berlin = try SourceTests.source("CET", peers: ["10.0.0.0/8", "2001:db8::/32"])
        let both = try SourceTests.source("+09:00", peers: ["192.0.2.7"], inputs: ["files"])
        let files = try SourceTests.source("-05:00", inputs: ["files"])
        #expect(try SourceTests.time(SourceTests.header, []) == -43_200)
        let all = [berlin, both, files]
        #expect(try SourceTests.time(SourceTests.header, all) == -43_200, "of nobody who is known")
        #expect(try SourceTests.time(SourceTests.header, all, peer: "10.1.2.3") == -50_400, "daylight saving")
        #expect(try SourceTests.time(SourceTests.header, all, peer: "2001:db8::1") == -50_400)
        #expect(try SourceTests.time(SourceTests.header, all, input: "files") == -25_200)
        #expect(try SourceTests.time(SourceTests.header, all, peer: "192.0.2.7", input: "files") == -75_600)
        #expect(try SourceTests.time(SourceTests.header, all, peer: "192.0.2.7") == -43_200)
    }

    @Test func dateOfAMapping() throws {
        let rule = try SourceTests.source("CET", peers: ["10.0.0.0/8"])
        let text = "<13>1 2026-09-21T14:13:20Z host app - - - made=2026-09-21T10:00:00 text=x"
        let utc = try SourceTests.time(text, [rule])
        #expect(try SourceTests.time(text, [rule], peer: "10.0.0.1") == utc - 7_200)
        let named = "<13>1 2026-09-21T14:13:20Z host app - - - made=2026-09-21T10:00:00Z text=x"
        #expect(try SourceTests.time(named, [rule], peer: "10.0.0.1") == utc, "a date that names its zone keeps it")
    }

    @Test func format() throws {
        var rule = try SourceTests.source("UTC", peers: ["10.0.0.0/8"])
        rule.expected = .noHeader
        #expect(try SourceTests.time("<13>Sep 21 12:00:00 host app: hello", [rule]) == -8_000)
        #expect(
            try SourceTests.time("<13>Sep 21 12:00:00 host app: hello", [rule], peer: "10.0.0.1") == 0, "all is message"
        )
    }
}
