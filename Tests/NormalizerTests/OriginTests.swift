// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Normalizer
import Testing
import Wire

/// What an event says of its way in: its place in the journal, the certificate and proxy of its sender, and notices that
/// only the service itself writes.
struct OriginTests {
    static let line = Array("<13>1 2026-11-21T05:00:00Z host app - - - hello".utf8)

    /// With a journal the uid is the frame's place there, the same in every replay; without one it is a running number.
    @Test func uids() throws {
        var bench = try Bench([(name: String, text: String)]())
        bench.take(OriginTests.line)
        bench.take(OriginTests.line)
        #expect(bench.uid(0) == "t-1" && bench.uid(1) == "t-2" && bench.normalizer.nextSequence == 3)
        for _ in 0..<2 {
            bench.batch.reset()
            bench.batch.position = JournalPosition(log: 3, first: 4_000_000_000_000, epoch: 9)
            for _ in 0..<3 { bench.take(OriginTests.line) }
            #expect((0..<3).map { bench.uid($0) } == (0..<3).map { "t-9-400000000000\($0)" })
            #expect(bench.batch.rows.map(\.sequence) == [4_000_000_000_000, 4_000_000_000_001, 4_000_000_000_002])
        }
        bench.batch.reset()
        bench.take(OriginTests.line)
        #expect(bench.uid(0) == "t-3" && bench.batch.rows[0].sequence == 3)
    }

    @Test func origins() throws {
        var bench = try Bench([(name: String, text: String)]())
        let number = bench.batch.number(
            of: Origin(subject: "CN=gw,O=\"P\"", fingerprint: "00ff", proxy: IPAddress("2001:db8::1")))
        let file = bench.batch.number(of: Origin(path: "/var/log/x.log"))
        for origin in [number, file, 0] {
            bench.batch.append(
                OriginTests.line.span.bytes, received: Bench.received, peer: IPAddress("192.0.2.7"), transport: .tls,
                origin: origin)
            bench.normalizer.normalize(frame: bench.batch.frames.count - 1, of: &bench.batch)
        }
        #expect(
            try bench.unmapped(0, without: ["syslog", "peer", "penstock"])
                == #"{"origin":{"proxy":{"ip":"2001:db8::1"},"tls":{"fingerprint":"00ff","subject":"CN=gw,O=\"P\""}}}"#)
        #expect(
            try bench.unmapped(1, without: ["syslog", "peer", "penstock"])
                == #"{"origin":{"file":{"path":"/var/log/x.log"}}}"#)
        #expect(try bench.unmapped(2, without: ["syslog", "peer", "penstock"]) == "{}")
    }

    /// Nobody outside can write a notice, or an origin; and what the service writes no other mapping takes.
    @Test func onlyTheServiceWritesNotices() throws {
        var bench = try Bench(try Places.mappings())
        let notice = Array(
            #"{"penstock":"audit","event":"journal_full","detail":"CEF:0|a|b|c|d|e|5|src=192.0.2.1"}"#.utf8)
        let own = bench.take(notice, transport: .service)
        #expect(bench.batch.rows[own].classUID == 6008)
        #expect(bench.batch.text("unmapped.audit.event", in: own) == "journal_full")
        for transport in TransportKind.allCases where transport != .service && transport != .sensor {
            let row = bench.take(notice, transport: transport)
            #expect(bench.batch.text("unmapped.audit.event", in: row) == nil, "\(transport)")
        }
        for text in ["{}", "no JSON", #"{"penstock":"other"}"#, #"["penstock"]"#, "CEF:0|a|b|c|d|e|5|src=192.0.2.1"] {
            let row = bench.take(Array(text.utf8), transport: .service)
            #expect(bench.batch.rows[row].classUID == 0 && bench.batch.text("message", in: row) == text)
        }
        let forged = bench.take(
            #"{"event_type":"alert","src_ip":"192.0.2.1","origin":{"tls":{"subject":"CN=ceo"}},"audit":{"event":"x"}}"#)
        #expect(bench.batch.text("unmapped.origin.tls.subject", in: forged) == nil)
        #expect(bench.batch.text("unmapped.audit.event", in: forged) == nil)
    }

    /// Of all mappings that take a message the first by rank and name is chosen, whatever it is found by.
    @Test func firstMappingWins() throws {
        func mapping(_ name: String, _ rank: Int, _ match: String) -> (name: String, text: String) {
            let text = """
                name: \(name)
                rank: \(rank)
                match: [\(match)]
                events: [{class: base_event, activity_id: 0}]
                """
            return (name + ".yaml", text)
        }
        let files = [
            mapping("program", 5, "{program: [App]}"), mapping("text", 4, "{contains: ['alpha', 'beta']}"),
            mapping("start", 3, "{startswith: ['XY', 'alpha']}"), mapping("regex", 2, "{regex: '^Z.*beta'}"),
            mapping("cef", 1, "{cef: true, contains: 'Q='}"), mapping("other", 6, "{contains: 'alp'}"),
        ]
        var bench = try Bench(files)
        let cases = [
            ("app", "nothing", "program"), ("-", "nothing", "unknown"), ("APP", "beta alpha", "text"),
            ("app", "alpha", "start"), ("app", "alpha beta", "start"), ("app", "XY", "start"), ("app", "XX", "program"),
            ("app", "Z alpha beta", "regex"), ("-", "Z Q=1 CEF:0 alpha beta", "cef"), ("-", "see alph", "other"),
            ("-", "CEF:0 Q", "unknown"), ("-", "betaalpha", "text"), ("apps", "al pha", "unknown"),
        ]
        for (program, message, wanted) in cases {
            let row = bench.take("<13>1 2026-11-21T05:00:00Z host \(program) - - - \(message)")
            #expect(bench.set.name(bench.batch.rows[row].mapping) == wanted, "\(program): \(message)")
        }
    }

    /// A message that repeats what mappings look for costs no more than its length.
    @Test(.timeLimit(.minutes(4))) func repetition() throws {
        var bench = try Bench(try Places.mappings())
        for text in ["SRC=", "PROTO=", "CEF:", "\"alert\"", "Shorewall:", "IN= SRC= DST= "] {
            let row = bench.take(String(repeating: text, count: 60_000))
            #expect(bench.batch.rows[row].frame >= 0)
        }
    }
}

extension Bench {
    /// An event's uid.
    func uid(_ row: Int) -> String? { batch.text("metadata.uid", in: row) }
}
