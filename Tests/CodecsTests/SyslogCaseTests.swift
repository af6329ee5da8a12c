// SPDX-License-Identifier: Apache-2.0
import Codecs
import Foundation
import Testing
import Wire

/// The table of cases: strict verdict, lenient record, marks.
@Suite("Syslog cases")
struct SyslogCaseTests {
    /// 2026-03-05T14:07:15Z.
    static let received: Int64 = 1_772_719_635_000_000_000

    @Test("strict verdict", arguments: SyslogCase.all)
    func verdict(item: SyslogCase) {
        let parsed = ParsedSyslog(item.line, receivedAt: Self.received)
        #expect(parsed.message.isStrict == (item.fault < 0))
        #expect(parsed.message.faultOffset == item.fault)
    }

    @Test("record", arguments: SyslogCase.all)
    func record(item: SyslogCase) {
        let parsed = ParsedSyslog(item.line, receivedAt: Self.received)
        #expect(parsed.time == item.time)
        #expect(parsed.hostname == item.host)
        #expect(parsed.appname == item.tag)
        #expect(parsed.procid == item.process)
        #expect(parsed.eventCode == item.code)
        #expect(parsed.content == item.content)
        #expect(parsed.text(parsed.message.innerHostname) == item.inner)
        #expect(parsed.problems == item.marks)
    }

    @Test("each mark is raised by a line of the table or of this test, and by no line that is as it should be")
    func marks() throws {
        var raised = Set(SyslogCase.all.flatMap(\.marks))
        // What needs bytes that are no text, or a source's zone.
        raised.formUnion(ParsedSyslog(Array("<14>1 2026-03-05T14:07:09Z h a p m - ".utf8) + [0xFF]).problems)
        var options = SyslogOptions()
        options.zone = try #require(SyslogZone(posix: "CET-1CEST,M3.5.0,M10.5.0/3"))
        raised.formUnion(ParsedSyslog("<13>Mar 29 2026 02:30:00 h a: x", options).problems)
        raised.formUnion(ParsedSyslog("<13>Oct 26 2025 02:30:00 h a: x", options).problems)
        #expect(Set(SyslogProblems.all.map(\.name)).subtracting(raised) == [])
        for line in ["<14>1 2026-03-05T14:07:09Z h a p m - x", "<14>Mar  5 14:07:09 h a: x"] {
            #expect(ParsedSyslog(line).problems == [])
        }
        // The marks that a message which meets RFC 5424 may have.
        let harmless: Set = [
            "time_of_receipt", "time_out_of_range", "bom", "utf8_repaired", "line_break_inside", "control_characters",
        ]
        for item in SyslogCase.all where item.fault < 0 { #expect(item.marks.isSubset(of: harmless)) }
    }

    @Test("the JSON of every line is one object with the same fields", arguments: SyslogCase.all)
    func json(item: SyslogCase) throws {
        let bytes = Array(item.line.utf8)
        let parser = SyslogParser()
        let message = parser.parse(bytes.span.bytes, receivedAt: Self.received)
        // With an id the writer goes the careful way; both say the same.
        for id in [nil, "1"] {
            let line = SyslogJSON.line(message, of: bytes.span.bytes, by: parser, id: id)
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
            #expect(object["hostname"] as? String == (item.host.isEmpty ? nil : item.host))
            #expect(object["appname"] as? String == (item.tag.isEmpty ? nil : item.tag))
            #expect(object["message"] as? String ?? "" == item.content)
            #expect(object["priority"] as? Int == (message.priority < 0 ? nil : Int(message.priority)))
            #expect(object["facility"] as? Int == message.facility)
            #expect(object["severity"] as? Int == message.severity)
            #expect(object["version"] as? Int == (message.version < 0 ? nil : Int(message.version)))
            #expect(Set(object["problems"] as? [String] ?? []) == item.marks)
            if let text = object["timestamp"] as? String, !item.marks.contains("time_out_of_range") {
                let bytes = Array(text.utf8)
                let reading = RFC3339.read(bytes.span.bytes)
                #expect(reading?.nanoseconds == message.timestamp && reading?.isCanonical == true)
            }
        }
    }

    /// The strict reader is an optimization: the lenient one, which a leading blank or an octet count calls, must come to
    /// the same record.
    @Test("both readers of RFC 5424 agree", arguments: SyslogCase.rfc5424.filter { $0.fault < 0 })
    func agreement(item: SyslogCase) {
        let strict = ParsedSyslog(item.line)
        let other = ParsedSyslog(" " + item.line)
        #expect(other.problems == strict.problems.union(["extra_blank"]))
        #expect(other.message.timestamp == strict.message.timestamp)
        #expect(other.message.zoneOffset == strict.message.zoneOffset)
        #expect(other.hostname == strict.hostname && other.appname == strict.appname)
        #expect(other.procid == strict.procid && other.msgid == strict.msgid && other.content == strict.content)
        #expect(other.text(other.message.structuredData) == strict.text(strict.message.structuredData))
        #expect(other.text(other.message.timestampText) == strict.text(strict.message.timestampText))
        #expect(other.text(other.message.priorityText) == strict.text(strict.message.priorityText))
        #expect(other.message.priority == strict.message.priority && other.message.version == strict.message.version)
    }
}
