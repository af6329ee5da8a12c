// SPDX-License-Identifier: Apache-2.0
import Codecs
import Foundation
import Testing
import Wire

/// RFC 5424: the strict verdict beside the best-effort record.
@Suite("RFC 5424")
struct RFC5424Tests {
    @Test("a full message, field by field")
    func full() {
        let parsed = ParsedSyslog(
            #"<165>1 2026-03-05T14:07:09.003Z plc-gw.site1 evntslog 4711 ID47 [ex@32473 a="1" b="x\"y\]z\\"] hello"#)
        #expect(parsed.message.format == .rfc5424)
        #expect(parsed.message.isStrict && parsed.message.faultOffset == -1)
        #expect(parsed.message.priority == 165 && parsed.message.facility == 20 && parsed.message.severity == 5)
        #expect(parsed.message.version == 1)
        #expect(parsed.time == "2026-03-05T14:07:09.003Z")
        #expect(parsed.hostname == "plc-gw.site1" && parsed.appname == "evntslog")
        #expect(parsed.procid == "4711" && parsed.msgid == "ID47" && parsed.content == "hello")
        #expect(parsed.text(parsed.message.structuredData) == #"[ex@32473 a="1" b="x\"y\]z\\"]"#)
        #expect(parsed.problems.isEmpty)
    }

    /// Each line raises the mark, and says where the grammar was left.
    @Test(
        "each problem is raised by a line",
        arguments: [
            ("<192>1 - h a p m -", "pri_invalid", 1), ("<034>1 - h a p m -", "pri_invalid", 1),
            ("<14>1  - h a p m -", "extra_blank", 6), ("<14>1 -  h a p m -", "extra_blank", 8),
            ("<14>1 2026-02-29T10:00:00Z h a p m -", "bad_time", 6),
            ("<14>1 2026-13-01T10:00:00Z h a p m -", "bad_time", 6),
            ("<14>1 2026-01-01T10:00:60Z h a p m -", "bad_time", 6),
            ("<14>1 2026-01-01T10:00 h a p m -", "bad_time", 6),
            ("<14>1 2026-01-01T10:00:00 h a p m -", "zone_assumed", 25),
            ("<14>1 2026-01-01T10:00:00.1234567Z h a p m -", "fraction_too_long", 26),
            ("<14>1 2026-01-01t10:00:00Z h a p m -", "time_form", 6),
            ("<14>1 2026-01-01T10:00:00+0100 h a p m -", "time_form", 6),
            ("<14>1 - h a p " + String(repeating: "m", count: 33) + " -", "field_too_long", 46),
            ("<14>1 - h\u{E9} a p m -", "field_character", 9), ("<14>1 - h a p m", "header_incomplete", 15),
            ("<14>1 - h a p m [id k= \"v\"] x", "sd_malformed", 22),
            ("<14>1 - h a p m [ id k=\"v\"] x", "sd_malformed", 17),
            ("<14>1 - h a p m [id k] x", "sd_malformed", 21), ("<14>1 - h a p m [id k=\"a]b\"] x", "sd_malformed", 24),
            ("<14>1 - h a p m [id k=\"v\"]x", "sd_malformed", 26), ("<14>1 - h a p m x", "sd_malformed", 16),
            ("<14>1 - h a p m [a][b][a] x", "sd_repeated", 23),
            ("<14>1 - h a p m [id k=\"C:\\x\"] x", "escape_invalid", 25),
        ])
    func marks(line: String, problem: String, offset: Int32) {
        let parsed = ParsedSyslog(line)
        #expect(parsed.message.format == .rfc5424)
        #expect(!parsed.message.isStrict)
        #expect(parsed.problems.contains(problem), "\(parsed.problems)")
        #expect(parsed.message.faultOffset == offset)
    }

    /// Marks that a valid message may have.
    @Test("marks of valid messages")
    func harmlessMarks() {
        #expect(ParsedSyslog("<14>1 - h a p m - \u{FEFF}x").problems == ["bom", "time_of_receipt"])
        #expect(ParsedSyslog("<14>1 - h a p m - \u{FEFF}x").content == "x")
        #expect(ParsedSyslog("<14>1 - h a p m - a\nb").problems == ["line_break_inside", "time_of_receipt"])
        #expect(ParsedSyslog("<14>1 - h a p m - a\u{1B}b").problems == ["control_characters", "time_of_receipt"])
        #expect(
            ParsedSyslog(Array("<14>1 - h a p m - ".utf8) + [0xFF]).problems == ["utf8_repaired", "time_of_receipt"])
        #expect(ParsedSyslog("<14>1 - h a p m - a\nb").message.isStrict)
        let year0 = ParsedSyslog("<14>1 0000-12-31T00:00:00Z h a p m -")
        #expect(year0.message.isStrict && year0.problems == ["time_out_of_range", "time_of_receipt"])
    }

    /// A reader keeps the last second it has read; one that has read none yet must not take NUL bytes for it.
    @Test("a timestamp of NUL bytes is none")
    func nullTimestamp() throws {
        let bytes =
            Array("<14>1 ".utf8) + Array(repeating: 0, count: 19) + Array("Z h a p m - text behind the header".utf8)
        let parser = SyslogParser()
        let message = parser.parse(bytes.span.bytes, receivedAt: 0)
        #expect(!message.isStrict && message.timestamp == nil)
        let line = SyslogJSON.line(message, of: bytes.span.bytes, by: parser)
        _ = try JSONSerialization.jsonObject(with: Data(line))
        let epoch = ParsedSyslog("<14>1 1970-01-01T00:00:00.5Z h a p m - text behind the header")
        #expect(epoch.message.isStrict && epoch.message.timestamp == 500_000_000)
    }

    @Test("what cannot be read is kept")
    func recovery() {
        let nested = ParsedSyslog(#"<14>1 2026-01-01T00:00:00Z h a p m [x k=""bad"][y z="1"] rest"#)
        #expect(nested.content == "rest" && !nested.message.isUsable)
        let open = ParsedSyslog(#"<14>1 2026-01-01T00:00:00Z h a p m [x k="v"#)
        #expect(open.content == #"[x k="v"#)
        #expect(ParsedSyslog("<14>1 2026-01-01T00:00:00Z h a\u{7}b p m - x").content == "a\u{7}b p m - x")
        let counted = ParsedSyslog("230 <14>1 2026-01-01T00:00:00Z h a p m - x")
        #expect(counted.hostname == "h" && counted.problems == ["count_prefix"] && !counted.message.isStrict)
    }

    /// Check Point writes `key:"value";` where RFC 5424 section 6.3 has `key="value"`.
    @Test("structured data that cannot be read stand as text beside those that can")
    func structuredDataText() throws {
        let text = #"[action:"Accept"; src:"192.0.2.1"]"#
        let bytes = Array("<134>1 2026-01-01T00:00:00Z gw CheckPoint 1 - \(text)".utf8)
        let parser = SyslogParser()
        let line = SyslogJSON.line(
            parser.parse(bytes.span.bytes, receivedAt: 0), of: bytes.span.bytes, by: parser)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
        #expect(object["structured_data_text"] as? String == text)
    }

    /// Behind a relay the second host is the device; a program's own date with a word behind it tells none.
    @Test(
        "the host of a second header",
        arguments: [
            ("Mar  5 14:07:09 fw7 kernel: IN=eth0", "fw7"), ("Mar 5 14:07:09 fw7 sshd[7]: x", "fw7"),
            ("2026-03-05T14:07:09Z fw7 %ASA-6-302013: Built", "fw7"),
            ("Mar  5 14:07:09 ise CISE_Failed_Attempts 1 1 0", "ise"),
            ("2026-03-05T14:07:09Z INFO main: started", ""), ("2026-03-05T14:07:09Z worker started", ""),
            ("2026-03-05T14:07:09Z Warning disk: full", ""), ("Mar  5 14:07:09 fw7", ""), ("Mar  5 14:07:09 fw7 ", ""),
            ("Mar  5 14:07:09 fw7 [7]: x y", "fw7"), ("Mar  5 14:07:09 fw7 : x", ""),
        ])
    func innerHost(content: String, host: String) {
        let parsed = ParsedSyslog("<14>Mar  5 14:07:10 relay \(content)")
        #expect(parsed.hostname == "relay" && parsed.text(parsed.message.innerHostname) == host)
    }

    /// CyberArk and others end the header after HOSTNAME or APP-NAME.
    @Test(
        "a payload that begins where a field should be is the message",
        arguments: ["CEF:0|V|P|1|1|n|5|src=192.0.2.1", "LEEF:2.0|V|P|1|e|^|a=b", "{\"a\": 1}", "{ \"a\":1}"])
    func shortHeader(payload: String) {
        for (header, appname) in [("", ""), ("vault ", ""), ("vault app ", "app"), ("vault app 7 ", "app")] {
            let parsed = ParsedSyslog("<5>1 2026-01-01T00:00:00Z \(header)\(payload)")
            #expect(parsed.content == payload && parsed.hostname == (header.isEmpty ? "" : "vault"))
            #expect(parsed.problems.contains("header_incomplete") && !parsed.message.isStrict)
            #expect(parsed.appname == appname)
        }
        // A field may begin like one of them.
        let parsed = ParsedSyslog("<5>1 2026-01-01T00:00:00Z vault CEF: {a} - - text")
        #expect(parsed.message.isStrict && parsed.content == "text")
    }

    @Test("over-long fields are kept, or cut on demand")
    func cutting() {
        var options = SyslogOptions()
        let line = "<14>1 - h " + String(repeating: "a", count: 300) + " p m -"
        #expect(ParsedSyslog(line).appname.count == 255)
        options.cutsFields = true
        #expect(ParsedSyslog(line, options).appname.count == 48)
        #expect(ParsedSyslog(line, options).procid == "p")
    }

    @Test("many elements cost linear time")
    func manyElements() {
        let line =
            "<14>1 - h a p m " + String(repeating: "[a b=\"c\"]", count: 60_000)
            + String(repeating: "[]", count: 60_000)
        let start = threadSeconds()
        #expect(!ParsedSyslog(line).message.isStrict)
        #expect(threadSeconds() - start < 3)
    }
}

/// RFC 3164 and what vendors made of it.
@Suite("RFC 3164")
struct RFC3164Tests {
    /// Time of receipt 2026-03-05T12:00:00Z.
    @Test(
        "timestamps",
        arguments: [
            ("Mar  5 10:00:00", "2026-03-05T10:00:00.000Z"), ("Mar 5 10:00:00", "2026-03-05T10:00:00.000Z"),
            ("MAR 05 10:00:00.25", "2026-03-05T10:00:00.250Z"), ("mar 05 10:00:00,25", "2026-03-05T10:00:00.250Z"),
            ("Mar  5 10:00:00.", "2026-03-05T10:00:00.000Z"), ("Mar  5 10:00:00:", "2026-03-05T10:00:00.000Z"),
            (" Mar  5 10:00:00", "2026-03-05T10:00:00.000Z"), ("*Mar  5 10:00:00", "2026-03-05T10:00:00.000Z"),
            (".Mar  5 10:00:00", "2026-03-05T10:00:00.000Z"), ("Mar  5 2024 10:00:00", "2024-03-05T10:00:00.000Z"),
            ("Mar  5 10:00:00 2024", "2024-03-05T10:00:00.000Z"),
            ("2024 Mar  5 10:00:00 CET", "2024-03-05T09:00:00.000Z"),
            ("Mar 2024 5 10:00:00", "2024-03-05T10:00:00.000Z"), ("Mar  5 10:00:00 -0500", "2026-03-05T15:00:00.000Z"),
            ("Mar  5 10:00:00+01:00", "2026-03-05T09:00:00.000Z"),
            ("Thu Mar  5 10:00:00 2026", "2026-03-05T10:00:00.000Z"),
            ("2026-03-05T10:00:00Z", "2026-03-05T10:00:00.000Z"), ("2026-03-05 10:00:00,5", "2026-03-05T10:00:00.500Z"),
            ("2026-03-05 10:00:00 +0100", "2026-03-05T09:00:00.000Z"), ("Apr  5 10:00:00", "2026-04-05T10:00:00.000Z"),
            ("Apr  6 10:00:00", "2025-04-06T10:00:00.000Z"), ("Dec 31 10:00:00", "2025-12-31T10:00:00.000Z"),
            ("Mar 05 2026 02:07:09 PM.5 UTC", "2026-03-05T14:07:09.500Z"),
            ("Mar 05 2026 02:07:09.75 PM", "2026-03-05T14:07:09.750Z"),
            ("Mar 05 2026 02:07:09.75 PM.5", "2026-03-05T14:07:09.500Z"),
        ])
    func timestamps(text: String, expected: String) {
        let parsed = ParsedSyslog("<13>\(text) plc7 ladder[12]: scan overrun")
        #expect(parsed.time == expected)
        #expect(parsed.hostname == "plc7" && parsed.appname == "ladder" && parsed.procid == "12")
        #expect(parsed.content == "scan overrun")
        #expect(!parsed.problems.contains("bad_time"))
    }

    @Test("no timestamps", arguments: ["2022-08-17T05:02:2", "2022-08-17T05:02", "Mar  5 10:00", "Mar  5 10:00:0"])
    func cutTimestamps(text: String) {
        #expect(ParsedSyslog("<13>\(text)").message.timestamp == nil)
    }

    @Test("impossible times are marked and do not take the host along")
    func badTime() {
        for text in ["Feb 30 10:00:00", "Mar 34 32:72:82", "Feb 29 2025 10:00:00"] {
            let parsed = ParsedSyslog("<13>\(text) h app: x")
            #expect(parsed.problems.isSuperset(of: ["bad_time", "time_of_receipt"]))
            #expect(parsed.message.timestamp == nil && parsed.hostname == "h" && parsed.appname == "app")
        }
    }

    @Test("year at the turn of the year")
    func year() throws {
        func time(_ text: String, receivedAt: String) throws -> String? {
            let bytes = Array(receivedAt.utf8)
            let received = RFC3339.read(bytes.span.bytes)
            return try ParsedSyslog("<13>\(text) h a: x", receivedAt: #require(received).nanoseconds).time
        }
        try #expect(time("Dec 31 17:46:12", receivedAt: "2018-01-03T08:32:21Z") == "2017-12-31T17:46:12.000Z")
        try #expect(time("Jan  3 17:46:12", receivedAt: "2017-12-13T09:10:23Z") == "2018-01-03T17:46:12.000Z")
        try #expect(time("Jan  3 17:46:12", receivedAt: "2017-11-13T09:10:23Z") == "2017-01-03T17:46:12.000Z")
        try #expect(time("Feb 29 00:00:00", receivedAt: "2024-03-01T00:00:00Z") == "2024-02-29T00:00:00.000Z")
    }

    @Test("zones with daylight saving")
    func zones() throws {
        var options = SyslogOptions()
        options.zone = try #require(SyslogZone(posix: "CET-1CEST,M3.5.0,M10.5.0/3"))
        func parse(_ text: String) -> ParsedSyslog { ParsedSyslog("<13>\(text) h a: x", options) }
        #expect(parse("Mar  5 10:00:00").time == "2026-03-05T09:00:00.000Z")
        #expect(parse("Mar 29 2026 01:59:59").time == "2026-03-29T00:59:59.000Z")
        #expect(parse("Mar 29 2026 03:00:00").time == "2026-03-29T01:00:00.000Z")
        #expect(parse("Mar 29 2026 02:30:00").problems.contains("time_in_gap"))
        #expect(parse("Oct 25 2025 12:00:00").time == "2025-10-25T10:00:00.000Z")
        let repeated = parse("Oct 26 2025 02:30:00")
        #expect(repeated.time == "2025-10-26T00:30:00.000Z" && repeated.problems.contains("time_repeated"))
        #expect(parse("Oct 26 2025 03:00:00").time == "2025-10-26T02:00:00.000Z")
        // Southern hemisphere: daylight saving over the turn of the year.
        options.zone = try #require(SyslogZone(posix: "AEST-10AEDT,M10.1.0,M4.1.0/3"))
        #expect(parse("Jan 15 2026 12:00:00").time == "2026-01-15T01:00:00.000Z")
        #expect(parse("Jul 15 2026 12:00:00").time == "2026-07-15T02:00:00.000Z")
        #expect(SyslogZone(named: "+05:30") == SyslogZone(offset: 19_800))
        for text in [
            "", "CET", "CET-1CEST", "C-1", "CET-1CEST,M13.1.0,M1.1.0", "CET-1CEST,M3.5.0", "CET-1CEST,/,M10.5.0",
            "CET-1CEST,M3.5.0,/3",
        ] {
            #expect(SyslogZone(posix: text) == nil, "\(text)")
        }
    }

    /// Lines of syslog.md section 5: host, tag, event code, message.
    @Test(
        "vendor forms",
        arguments: [
            (
                "<166>20: gw1: 6340004: Mar 05 10:00:00: %SEC-6-IPACCESSLOGP: denied", "gw1", "%SEC-6-IPACCESSLOGP",
                "denied"
            ),
            ("<166>20: *Mar 05 10:00:00.123 UTC: %SYS-5-CONFIG_I: done", "", "%SYS-5-CONFIG_I", "done"),
            ("<134>*spamApTask1: Mar 05 10:00:00.123: %CAPWAP-3-ECHO_ERR: x", "", "%CAPWAP-3-ECHO_ERR", "x"),
            ("<166> 2026-03-05T10:00:00Z fw1 : %ASA-6-302013: Built", "fw1", "%ASA-6-302013", "Built"),
            ("<111>:Mar 05 10:00:00 UTC: %ASA-6-302013: Built", "", "%ASA-6-302013", "Built"),
            ("<189>: 2026 Mar 05 10:00:00 ET: %ARP-2-DUP: x", "", "%ARP-2-DUP", "x"),
            ("<166>gw1: 00:01:01: %SYS-5-RESTART: x", "gw1", "%SYS-5-RESTART", "x"),
            ("<166>RP/0/RP0/CPU0:Mar 05 10:00:00: config[65]: %X-1-Y : z", "", "config", "%X-1-Y : z"),
            ("<13>Mar  5 10:00:00 Message forwarded from aix1: sshd[7]: x", "aix1", "sshd", "x"),
            ("<15> openvpn[2499]: PTHREAD", "", "openvpn", "PTHREAD"),
            ("<13>Mar  5 10:00:00 haproxy[73411]: Proxy", "", "haproxy", "Proxy"),
            ("<13>Mar  5 10:00:00 0002:: prg0: text", "0002::", "prg0", "text"),
            ("<13>Mar  5 10:00:00 fw1 date=2026-03-05 time=14:07:09", "fw1", "", "date=2026-03-05 time=14:07:09"),
            (
                "<188>date=2026-03-05 time=14:07:09 devname=\"FG\"", "FG", "",
                "date=2026-03-05 time=14:07:09 devname=\"FG\""
            ),
            ("<13>Mar  5 10:00:00 h CEF:0|a|b|c|d|e|5|x=y", "h", "", "CEF:0|a|b|c|d|e|5|x=y"),
            ("<13>Mar  5 10:00:00 h tag text follows", "h", "", "tag text follows"),
            ("<13>Mar  5 10:00:00 h tag:  two blanks", "h", "tag", " two blanks"),
            ("<13>Mar  5 10:00:00 h", "h", "", ""), ("<13>Mar  5 10:00:00", "", "", ""),
            ("not much of a message", "", "", "not much of a message"),
        ])
    func vendors(line: String, host: String, tag: String, content: String) {
        let parsed = ParsedSyslog(line)
        #expect(parsed.hostname == host)
        #expect(parsed.appname == tag)
        #expect(parsed.content == content)
        if tag.hasPrefix("%") { #expect(parsed.eventCode == tag.dropFirst()) }
        #expect(parsed.problems.contains("no_header") == !line.hasPrefix("<"))
        #expect(parsed.isValid == line.hasPrefix("<"))
    }

    @Test("a trailer is no content, and nothing is valid RFC 5424")
    func trailer() {
        for trailer in ["\n", "\r\n", "\0", "\0\n"] {
            #expect(ParsedSyslog("<13>Mar  5 10:00:00 h tag: x" + trailer).content == "x")
        }
        #expect(!ParsedSyslog("<13>Mar  5 10:00:00 h tag: x").message.isStrict)
        #expect(ParsedSyslog("\r\n").problems == ["empty", "time_of_receipt"])
        var options = SyslogOptions()
        options.expected = .rfc5424
        #expect(!ParsedSyslog("<13>Mar  5 10:00:00 h tag: x", options).isValid)
    }
}

/// Any bytes: no trap, valid JSON, extents inside.
@Suite("Syslog fuzz")
struct SyslogFuzzTests {
    static let seeds = [
        #"<165>1 2026-03-05T14:07:09.003Z plc-gw.site1 evntslog 4711 ID47 [ex@32473 a="1" b="x\"y\]z\\"][f] hello"#,
        "<166>20: gw1: 6340004: *Mar 05 2026 10:00:00.123 UTC: %SEC-6-IPACCESSLOGP: denied",
        "<13>Mar  5 10:00:00 h tag[1]: x",
        "<1>1 - - - - - [ id k= \"v\" w][a b=c] \u{FEFF}x", "2023 Jan 11 19:27:57 CET: %ARP-2-DUP: x",
        "230 <14>1 - h a p m - x",
        "<189>date=2026-03-05 time=15:07:09 devname=\"FG-1\" eventtime=1772719629123456789 tz=\"+0100\"",
        "time=1772719629|hostname=cp-1|product=VPN-1 & FireWall-1", "<134> 03/05/2026:14:07:09 GMT ns-1 0-PPE-0 : x",
        "<181>Mar  5 14:07:10 r Mar  5 14:07:09 ise-2 CISE_X 0000000487 1 0 text",
        "<14>1 2026-03-05T15:07:09.5+01:00 rtu-4 scada 17 - [s@1 a=\"i\" u=\"P\"][q@1] within limits",
        "<134>1 1772719629.774 mx flows", "<13>2026-03-05 10:00:00 +0100 [::1] a/b: \u{1F600}",
    ]

    @Test("random mutations")
    func mutations() throws {
        var random = SeededGenerator(state: 5424)
        var parser = SyslogParser()
        for round in 0..<20_000 {
            var bytes = Array(Self.seeds[Int(random.next() % UInt64(Self.seeds.count))].utf8)
            for _ in 0..<(random.next() % 6) {
                let position = Int(random.next() % UInt64(bytes.count + 1))
                switch random.next() % 4 {
                case 0: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: position)
                case 1: if position < bytes.count { bytes.remove(at: position) }
                case 2: bytes.removeSubrange(position...)
                default:
                    if position < bytes.count {
                        bytes[position] = Array("<>[]\"\\ =:-%1\0\n".utf8)[Int(random.next() % 14)]
                    }
                }
            }
            parser.options.tagWithoutColon = round % 2 == 0
            parser.options.expectsHostname = round % 3 != 0
            let message = parser.parse(bytes.span.bytes, receivedAt: round % 5 == 0 ? .max : Int64(round))
            for extent in [
                message.hostname, message.appname, message.procid, message.msgid, message.message,
                message.structuredData,
                message.timestampText, message.eventCode, message.priorityText, message.innerHostname,
                message.innerTimestampText,
            ] {
                #expect(Int(extent.end) <= bytes.count, "\(bytes)")
            }
            let line = SyslogJSON.line(message, of: bytes.span.bytes, by: parser)
            // With an id the writer goes the careful way: the same text behind it.
            let careful = SyslogJSON.line(message, of: bytes.span.bytes, by: parser, id: "1")
            #expect(careful.dropFirst("{\"id\":1,".utf8.count) == line.dropFirst(1), "\(bytes)")
            if message.isStrict {
                // A blank before it makes the lenient reader read it.
                let other = parser.parse(([0x20] + bytes).span.bytes, receivedAt: 0)
                #expect(other.problems == message.problems.union(.extraBlank), "\(bytes)")
                #expect(other.timestamp == message.timestamp && other.zoneOffset == message.zoneOffset, "\(bytes)")
                #expect(
                    other.hostname.length == message.hostname.length && other.appname.length == message.appname.length
                        && other.procid.length == message.procid.length && other.msgid.length == message.msgid.length
                        && other.structuredData.length == message.structuredData.length
                        && other.message == message.message.shifted(by: 1), "\(bytes)")
            }
            if round % 7 == 0 {
                let object = try? JSONSerialization.jsonObject(with: Data(line))
                #expect(object != nil, "\(bytes)")
            }
            let isText = line.span.bytes.isValidUTF8
            #expect(isText, "\(bytes)")
        }
    }

    @Test(
        "times at the ends of what 64 bits hold",
        arguments: [
            "1677-09-21T00:12:43.500000-00:01", "2262-04-11T23:47:16+00:00",
            "1677-09-21T00:12:43.9Z", "2262-04-11T23:47:16.9+23:59", "2262-04-12T23:46:00-00:01",
            "9999-12-31T23:59:59Z",
        ])
    func extremes(text: String) throws {
        let bytes = Array("<14>1 \(text) h a p m - x".utf8)
        let parser = SyslogParser()
        for received in [Int64.min, 0, .max] {
            let message = parser.parse(bytes.span.bytes, receivedAt: received)
            #expect(message.isStrict)
            let line = SyslogJSON.line(message, of: bytes.span.bytes, by: parser)
            let json = try JSONSerialization.jsonObject(with: Data(line))
            let time = try #require((json as? [String: Any])?["timestamp"] as? String)
            #expect(time.count >= 20)
        }
        #expect(ParsedSyslog("<14>Mar  5 10:00:00 h a: x", receivedAt: .min).hostname == "h")
    }

    @Test("JSON of every byte value")
    func json() throws {
        let bytes =
            Array("<14>1 - h a p m [i k=\"".utf8) + (0...255).filter { ![34, 92, 93].contains($0) }
            + Array("\"] \u{1}é".utf8)
        let parser = SyslogParser()
        let message = parser.parse(bytes.span.bytes, receivedAt: 0)
        let line = SyslogJSON.line(message, of: bytes.span.bytes, by: parser, id: "7")
        let json = try JSONSerialization.jsonObject(with: Data(line))
        let object = try #require(json as? [String: Any])
        #expect(object["id"] as? Int == 7)
        #expect(object["message"] as? String == "\u{1}é")
        #expect((object["problems"] as? [String])?.contains("utf8_repaired") == true)
        let raw = Array("<14>1 - h a p m - ".utf8) + [0xFF, 0xFE, 0x41]
        let second = SyslogJSON.line(parser.parse(raw.span.bytes, receivedAt: 0), of: raw.span.bytes, by: parser)
        #expect(String(decoding: second, as: UTF8.self).contains("\"message_b64\":\"//5B\""))
    }
}
