// SPDX-License-Identifier: Apache-2.0
import Codecs
import Testing

/// One line with all that is to be read from it: the strict verdict, the lenient record, the marks. The benchmark parses
/// the same lines.
struct SyslogCase: Sendable, CustomTestStringConvertible {
    var line: String
    /// The offset of the first byte that breaks RFC 5424, or -1.
    var fault: Int32 = 0
    /// UTC with milliseconds.
    var time: String?
    var host = ""
    var tag = ""
    var process = ""
    var code = ""
    var content = ""
    /// Host of a second header.
    var inner = ""
    /// All marks, no more.
    var marks: Set<String> = []

    var testDescription: String { String(line.prefix(60)) }

    /// A line that meets RFC 5424.
    static func strict(
        _ line: String, time: String? = "2026-03-05T14:07:09.000Z", host: String = "", tag: String = "",
        process: String = "", content: String = "", marks: Set<String> = []
    ) -> SyslogCase {
        SyslogCase(
            line: line, fault: -1, time: time, host: host, tag: tag, process: process, content: content, marks: marks)
    }

    /// A line that does not.
    static func lenient(
        _ line: String, fault: Int32, _ marks: Set<String>, time: String? = "2026-03-05T14:07:09.000Z",
        host: String = "h", tag: String = "a", process: String = "p", content: String = "x"
    ) -> SyslogCase {
        SyslogCase(
            line: line, fault: fault, time: time, host: host, tag: tag, process: process, content: content,
            marks: marks)
    }

    /// A line with an RFC 3164 header, or none.
    static func old(
        _ line: String, time: String? = "2026-03-05T14:07:09.000Z", host: String = "", tag: String = "",
        process: String = "", code: String = "", content: String, inner: String = "", marks: Set<String> = []
    ) -> SyslogCase {
        // RFC 5424 ends where its VERSION should be.
        let close = line.firstIndex(of: ">").map { line.utf8.distance(from: line.startIndex, to: $0) + 1 } ?? 0
        return SyslogCase(
            line: line, fault: line.hasPrefix("<") && close <= 5 ? Int32(close) : 0, time: time, host: host, tag: tag,
            process: process, code: code, content: content, inner: inner, marks: marks)
    }

    static let all = rfc5424 + decisions + cisco + vendors
}

extension SyslogCase {
    /// RFC 5424, strict and with each fault that is read all the same.
    static let rfc5424: [SyslogCase] = [
        .strict(
            #"<165>1 2026-03-05T14:07:09.003Z plc-gw.site1 evntslog 4711 ID47 [ex@32473 a="1" b="x\"y\]z\\"] hello"#,
            time: "2026-03-05T14:07:09.003Z", host: "plc-gw.site1", tag: "evntslog", process: "4711", content: "hello"),
        .strict(
            #"<14>1 2026-03-05T15:07:09.5+01:00 rtu-4 scada 17 - [site@32473 area="intake" unit="P-101"][q@32473] "#
                + "pressure within limits on all three lines",
            time: "2026-03-05T14:07:09.500Z", host: "rtu-4", tag: "scada", process: "17",
            content: "pressure within limits on all three lines"),
        .strict("<0>1 2026-03-05T14:07:09Z h a p m -", host: "h", tag: "a", process: "p"),
        .strict("<191>999 2026-03-05T14:07:09-00:00 h a p m - x", host: "h", tag: "a", process: "p", content: "x"),
        .strict("<14>1 2026-03-05T14:07:09.123456Z - - - - - x", time: "2026-03-05T14:07:09.123Z", content: "x"),
        .strict(
            "<14>1 2026-03-05T14:07:09Z h a p m [a][b][c][d][e] x", host: "h", tag: "a", process: "p", content: "x"),
        .strict(
            "<14>1 2026-03-05T14:07:09Z h a p m [a k=\"\u{E9}t\u{E9}\"] \u{E9}", host: "h", tag: "a", process: "p",
            content: "\u{E9}"),
        // Marks that a valid message may have.
        .strict(
            "<14>1 - h a p m - x", time: nil, host: "h", tag: "a", process: "p", content: "x",
            marks: ["time_of_receipt"]),
        .strict(
            "<14>1 2026-03-05T14:07:09Z h a p m - \u{FEFF}x", host: "h", tag: "a", process: "p", content: "x",
            marks: ["bom"]),
        .strict(
            "<14>1 2026-03-05T14:07:09Z h a p m - a\nb", host: "h", tag: "a", process: "p", content: "a\nb",
            marks: ["line_break_inside"]),
        .strict(
            "<14>1 2026-03-05T14:07:09Z h a p m - a\u{0}b\r\n", host: "h", tag: "a", process: "p", content: "a\u{0}b",
            marks: ["line_break_inside"]),
        .strict(
            "<14>1 2026-03-05T14:07:09Z h a p m - a\u{1B}b", host: "h", tag: "a", process: "p", content: "a\u{1B}b",
            marks: ["control_characters"]),
        .strict(
            "<14>1 0000-12-31T00:00:00Z h a p m - x", time: nil, host: "h", tag: "a", process: "p", content: "x",
            marks: ["time_out_of_range", "time_of_receipt"]),
        // Marks of what breaks the grammar.
        .lenient("<192>1 2026-03-05T14:07:09Z h a p m - x", fault: 1, ["pri_invalid"]),
        .lenient("<014>1 2026-03-05T14:07:09Z h a p m - x", fault: 1, ["pri_invalid"]),
        .lenient("1 2026-03-05T14:07:09Z h a p m - x", fault: 0, ["pri_missing"]),
        .lenient("41 <14>1 2026-03-05T14:07:09Z h a p m - x", fault: 0, ["count_prefix"]),
        .lenient(" <14>1 2026-03-05T14:07:09Z h a p m - x", fault: 0, ["extra_blank"]),
        .lenient("<14>1 2026-02-29T14:07:09Z h a p m - x", fault: 6, ["bad_time", "time_of_receipt"], time: nil),
        .lenient("<14>1 2026-13-05T14:07:09Z h a p m - x", fault: 6, ["bad_time", "time_of_receipt"], time: nil),
        .lenient("<14>1 2026-03-05T14:07:60Z h a p m - x", fault: 6, ["bad_time", "time_of_receipt"], time: nil),
        .lenient("<14>1 2026-03-05T14:07 h a p m - x", fault: 6, ["bad_time", "time_of_receipt"], time: nil),
        .lenient("<14>1 2026-03-05t14:07:09z h a p m - x", fault: 6, ["time_form"]),
        .lenient("<14>1 2026-03-05T15:07:09+0100 h a p m - x", fault: 6, ["time_form"]),
        .lenient(
            "<14>1 2026-03-05T14:07:09Z h\u{E9} a p m - x", fault: 28, ["field_character"], host: "h\u{E9}"),
        .lenient(
            "<14>1 2026-03-05T14:07:09Z h a p", fault: 32, ["header_incomplete"], process: "p", content: ""),
        .lenient("<14>1 2026-03-05T14:07:09Z h a p m [id k=\"v\"]x", fault: 45, ["sd_malformed"]),
        .lenient(#"<14>1 2026-03-05T14:07:09Z h a p m [id k="C:\x"] x"#, fault: 44, ["escape_invalid"]),
        .lenient(
            "<14>1 2026-03-05T14:07:09Z h a p m nothing", fault: 35, ["sd_malformed"], content: "nothing"),
    ]

    /// The rows of the decisions: `reference/syslog.md` section 4 by number.
    static let decisions: [SyslogCase] = [
        // 2: a repeated SD-ID
        .lenient("<14>1 2026-03-05T14:07:09Z h a p m [a k=\"1\"][b][a k=\"2\"] x", fault: 48, ["sd_repeated"]),
        // 3: more than six digits of fraction
        .lenient(
            "<14>1 2026-03-05T14:07:09.1239999Z h a p m - x", fault: 26, ["fraction_too_long"],
            time: "2026-03-05T14:07:09.123Z"),
        // 4: structured data as vendors write it
        .lenient("<14>1 2026-03-05T14:07:09Z h a p m [id k= \"v\"] x", fault: 41, ["sd_malformed"]),
        .lenient("<14>1 2026-03-05T14:07:09Z h a p m [id k] x", fault: 40, ["sd_malformed"]),
        .lenient("<14>1 2026-03-05T14:07:09Z h a p m [id k=] x", fault: 41, ["sd_malformed"]),
        // 5: a field beyond its size
        .lenient(
            "<14>1 2026-03-05T14:07:09Z h " + String(repeating: "n", count: 49) + " p m - x", fault: 77,
            ["field_too_long"], tag: String(repeating: "n", count: 49)),
        // 6: no zone
        .lenient("<14>1 2026-03-05T14:07:09 h a p m - x", fault: 25, ["zone_assumed"]),
        // 8: PRI missing or out of range
        .old("Mar  5 14:07:09 h a: x", host: "h", tag: "a", content: "x", marks: ["pri_missing"]),
        SyslogCase(
            line: "<999>Mar  5 14:07:09 h a: x", fault: 1, time: "2026-03-05T14:07:09.000Z", host: "h", tag: "a",
            content: "x", marks: ["pri_invalid"]),
        // 9: a year after the time, or after the day
        .old("<13>MAR 05 14:07:09 2024 h a: x", time: "2024-03-05T14:07:09.000Z", host: "h", tag: "a", content: "x"),
        .old("<13>Mar  5 2024 14:07:09 h a: x", time: "2024-03-05T14:07:09.000Z", host: "h", tag: "a", content: "x"),
        // 10: host or tag
        .old(
            "<15> openvpn[2499]: up", time: nil, tag: "openvpn", process: "2499", content: "up",
            marks: ["extra_blank", "time_of_receipt"]),
        .old("<13>Mar  5 14:07:09 sshd[7]: x", tag: "sshd", process: "7", content: "x"),
        .old("<13>Mar  5 14:07:09 h sshd[7]: x", host: "h", tag: "sshd", process: "7", content: "x"),
        .old("<13>Mar  5 14:07:09 [2001:db8::7] a: x", host: "[2001:db8::7]", tag: "a", content: "x"),
        // 11: a tag without colon is text
        .old("<13>Mar  5 14:07:09 h tag text", host: "h", content: "tag text"),
        // 12: one blank before CONTENT
        .old("<13>Mar  5 14:07:09 h a:  x", host: "h", tag: "a", content: " x"),
        // 13: neither PRI nor time
        .old(
            "not much of a message", time: nil, content: "not much of a message",
            marks: ["pri_missing", "no_header", "time_of_receipt"]),
        // 16: two blanks after VERSION (Claroty CTD)
        .lenient("<14>1  2026-03-05T14:07:09Z h a p m - x", fault: 6, ["extra_blank"]),
        // 17: it looks like RFC 5424 and is
        .lenient(
            "<14>1 2026-03-05T14:07:09Z h a\u{7}b p m - x", fault: 30, ["field_character", "control_characters"],
            tag: "", process: "", content: "a\u{7}b p m - x"),
        // 18: two headers (a relay, a device)
        .old(
            "<181>Mar  5 14:07:10 relay-1 Mar  5 14:07:09 ise-2 CISE_Passed_Authentications 0000000487 1 0 text",
            time: "2026-03-05T14:07:10.000Z", host: "relay-1",
            content: "Mar  5 14:07:09 ise-2 CISE_Passed_Authentications 0000000487 1 0 text", inner: "ise-2"),
        // 19: a trailer is no text, what is inside stays
        .old("<13>Mar  5 14:07:09 h a: x\ny\n", host: "h", tag: "a", content: "x\ny", marks: ["line_break_inside"]),
        // Times that are none: the header is read all the same.
        .old(
            "<13>Feb 30 14:07:09 h a: x", time: nil, host: "h", tag: "a", content: "x",
            marks: ["bad_time", "time_of_receipt"]),
        .old("<13>Mar  5 14:07:09. h a: x", host: "h", tag: "a", content: "x"),
        .old("<13>Mar  5 14:07:09,25: h a: x", time: "2026-03-05T14:07:09.250Z", host: "h", tag: "a", content: "x"),
        .old("<13>Mar 5 14:07:09 h a: x", host: "h", tag: "a", content: "x"),
        .old("<13>2026-03-05 14:07:09 h a: x", host: "h", tag: "a", content: "x", marks: ["zone_assumed"]),
        .old(
            "<13>2026-03-05T14:07:09.5+01:00 h a: x", time: "2026-03-05T13:07:09.500Z", host: "h", tag: "a",
            content: "x"),
        .old(
            "<13>2026-03-05T14:07Z h CEF:0|a|b|c|d|e|5|", time: "2026-03-05T14:07:00.000Z", host: "h",
            content: "CEF:0|a|b|c|d|e|5|"),
        .old("\r\n", time: nil, content: "", marks: ["empty", "time_of_receipt"]),
    ]

    /// Cisco in free combination.
    static let cisco: [SyslogCase] = {
        var cases: [SyslogCase] = []
        let tag = "%SEC-6-IPACCESSLOGP"
        for sequence in ["", "20: "] {
            for host in ["", "gw1: "] {
                for second in ["", "6340004: "] where sequence.isEmpty || !host.isEmpty || second.isEmpty {
                    for mark in ["", "*", "."] {
                        for form in [
                            "Mar  5 14:07:09", "Mar 05 14:07:09.000", "Mar 5 14:07:09.000 UTC", "Mar  5 2026 14:07:09",
                            "2026 Mar  5 15:07:09 CET",
                        ] {
                            cases.append(
                                .old(
                                    "<189>\(sequence)\(host)\(second)\(mark)\(form): \(tag): list 101 denied",
                                    host: host.isEmpty ? "" : "gw1", tag: tag, code: String(tag.dropFirst()),
                                    content: "list 101 denied"))
                        }
                    }
                }
            }
        }
        return cases + [
            .old(
                "<134>*spamApTask1: Mar  5 14:07:09.000: %CAPWAP-3-ECHO_ERR: x", tag: "%CAPWAP-3-ECHO_ERR",
                code: "CAPWAP-3-ECHO_ERR", content: "x"),
            .old(
                "<134>wlc1: *dot1xMsgTask: Mar  5 14:07:09.000: #DOT1X-3-ABORT_AUTH: x", host: "wlc1",
                tag: "#DOT1X-3-ABORT_AUTH", code: "DOT1X-3-ABORT_AUTH", content: "x"),
            .old(
                "<166>2026-03-05T14:07:09Z fw1 : %ASA-6-302013: Built", host: "fw1", tag: "%ASA-6-302013",
                code: "ASA-6-302013", content: "Built"),
            .old(
                "<166> 2026-03-05T14:07:09Z : %ASA-6-302013: Built", tag: "%ASA-6-302013", code: "ASA-6-302013",
                content: "Built", marks: ["extra_blank"]),
            .old(
                "<111>:Mar 05 14:07:09 UTC: %ASA-6-302013: Built", tag: "%ASA-6-302013", code: "ASA-6-302013",
                content: "Built"),
            .old(
                "<166>Mar 05 2026 14:07:09: %ASA-6-302013: Built", tag: "%ASA-6-302013", code: "ASA-6-302013",
                content: "Built"),
            .old(
                "<166>Mar 05 2026 14:07:09 fw1: %ASA-6-302013: Built", host: "fw1", tag: "%ASA-6-302013",
                code: "ASA-6-302013", content: "Built"),
            .old(
                "<166>Mar 05 2026 14:07:09 fw1 : %FTD-6-430003: x", host: "fw1", tag: "%FTD-6-430003",
                code: "FTD-6-430003", content: "x"),
            .old(
                "Mar 05 2026 14:07:09 fw1 : %FTD-6-430003: x", host: "fw1", tag: "%FTD-6-430003",
                code: "FTD-6-430003", content: "x", marks: ["pri_missing"]),
            .old(
                "%FTD-6-430003: x", time: nil, tag: "%FTD-6-430003", code: "FTD-6-430003", content: "x",
                marks: ["pri_missing", "time_of_receipt"]),
            .old(
                "<166>%ASA-6-302013: Built", time: nil, tag: "%ASA-6-302013", code: "ASA-6-302013", content: "Built",
                marks: ["time_of_receipt"]),
            .old(
                "<189>45: Mar  5 21:37:09.000 UTC+07:30: %SYS-5-CONFIG_I: x", tag: "%SYS-5-CONFIG_I",
                code: "SYS-5-CONFIG_I", content: "x"),
            .old("<189>: 2026 Mar  5 14:07:09 ET: %ARP-2-DUP: x", tag: "%ARP-2-DUP", code: "ARP-2-DUP", content: "x"),
            .old(
                "<189>2026 Mar  5 14:07:09 nx1 %ETHPORT-5-IF_UP: x", host: "nx1", tag: "%ETHPORT-5-IF_UP",
                code: "ETHPORT-5-IF_UP", content: "x"),
            .old(
                "<166>20: gw1: 00:01:01: %SYS-5-RESTART: x", time: nil, host: "gw1", tag: "%SYS-5-RESTART",
                code: "SYS-5-RESTART", content: "x", marks: ["extra_blank", "time_of_receipt"]),
            .old(
                "<189>RP/0/RP0/CPU0:Mar  5 14:07:09.000 : config[65]: %X-1-Y : z", tag: "config", process: "65",
                content: "%X-1-Y : z"),
            .old(
                "<181>Mar 5 14:07:09 ise-2 CISE_Failed_Attempts 0000000488 2 0 text", host: "ise-2",
                content: "CISE_Failed_Attempts 0000000488 2 0 text"),
        ]
    }()

    /// The dialects of `reference/syslog.md` section 5.
    static let vendors: [SyslogCase] = [
        // FortiGate without and with a header
        .old(
            #"<189>date=2026-03-05 time=15:07:09 devname="FG-1" devid="FG1" eventtime=1772719629123456789 tz="+0100" x="y""#,
            time: "2026-03-05T14:07:09.123Z", host: "FG-1",
            content:
                #"date=2026-03-05 time=15:07:09 devname="FG-1" devid="FG1" eventtime=1772719629123456789 tz="+0100" x="y""#
        ),
        .old(
            "<189>date=2026-03-05 time=15:07:09 devname=FG-1 eventtime=1772719629 tz=\"+0100\"", host: "FG-1",
            content: "date=2026-03-05 time=15:07:09 devname=FG-1 eventtime=1772719629 tz=\"+0100\""),
        .old(
            "<189>date=2026-03-05 time=14:07:09 devname=FG-1 type=traffic", host: "FG-1",
            content: "date=2026-03-05 time=14:07:09 devname=FG-1 type=traffic", marks: ["zone_assumed"]),
        .old(
            "<189>Mar  5 14:07:09 FG-1 date=2026-03-05 time=14:07:09 x=y", host: "FG-1",
            content: "date=2026-03-05 time=14:07:09 x=y"),
        // Sophos SFOS
        .old(
            #"<30>device="SFW" date=2026-03-05 time=09:07:09 timezone="CDT" device_name="XG-1" log_id=1"#, host: "XG-1",
            content: #"device="SFW" date=2026-03-05 time=09:07:09 timezone="CDT" device_name="XG-1" log_id=1"#),
        .old(
            #"<30>device_name="SFW" timestamp="2026-03-05T10:07:09-0400" log_id=1"#, host: "SFW",
            content: #"device_name="SFW" timestamp="2026-03-05T10:07:09-0400" log_id=1"#),
        // Sophos UTM
        .old(
            #"<30>2026:03:05-14:07:09 utm-1 ulogd[4233]: id="2001""#, host: "utm-1", tag: "ulogd", process: "4233",
            content: #"id="2001""#, marks: ["zone_assumed"]),
        // WatchGuard: its own date behind the host is text
        .old(
            "<140>Mar  5 14:07:09 wg-1 (2026-03-05T14:07:09) firewall: Deny", host: "wg-1",
            content: "(2026-03-05T14:07:09) firewall: Deny"),
        // A program's own date, behind a relay's header
        .old(
            "<134>Mar  5 14:07:09 h 2026-03-05T14:07:08+01:00 started", host: "h",
            content: "2026-03-05T14:07:08+01:00 started"),
        // SonicWall, Stormshield SNS
        .old(
            #"<134>id=firewall sn=18B169 time="2026-03-05 14:07:09 UTC" fw=192.0.2.1 pri=6"#, host: "192.0.2.1",
            content: #"id=firewall sn=18B169 time="2026-03-05 14:07:09 UTC" fw=192.0.2.1 pri=6"#),
        .old(
            #"<134>id=firewall time="2026-03-05 15:07:09" fw="sns-1" tz=+0100 startime="2026-03-05 15:07:08""#,
            host: "sns-1",
            content: #"id=firewall time="2026-03-05 15:07:09" fw="sns-1" tz=+0100 startime="2026-03-05 15:07:08""#),
        // PAN-OS
        .old(
            "<14>Mar  5 14:07:09 pa-1 1,2026/03/05 14:07:09,0011,TRAFFIC,end", host: "pa-1",
            content: "1,2026/03/05 14:07:09,0011,TRAFFIC,end"),
        .old(
            "<14>Mar  5 14:07:09 1,2026/03/05 14:07:09,0011,TRAFFIC,end",
            content: "1,2026/03/05 14:07:09,0011,TRAFFIC,end"),
        // Check Point
        .old(
            "time=1772719629|hostname=cp-1|product=VPN-1 & FireWall-1|action=Drop", host: "cp-1",
            content: "time=1772719629|hostname=cp-1|product=VPN-1 & FireWall-1|action=Drop",
            marks: ["pri_missing", "no_header"]),
        .old(
            "<134>Mar  5 14:07:09 cp-1 CEF:0|Check Point|VPN-1|R81|1|Log|5|act=Drop", host: "cp-1",
            content: "CEF:0|Check Point|VPN-1|R81|1|Log|5|act=Drop"),
        .old(
            "<134>Mar  5 14:07:09 cp-1 CEF: 0|Check Point|VPN-1|R81|1|Log|5|act=Drop", host: "cp-1",
            content: "CEF: 0|Check Point|VPN-1|R81|1|Log|5|act=Drop"),
        .old(
            "<134>Mar  5 14:07:09 cp-1 CEF:0||Check Point|VPN-1|R81|1|Log|5|act=Drop", host: "cp-1",
            content: "CEF:0||Check Point|VPN-1|R81|1|Log|5|act=Drop"),
        .old(
            #"<134>Mar  5 14:07:09 cp-1 [action:"Drop"; flags:"1024"; ifdir:"inbound"]"#, host: "cp-1",
            content: #"[action:"Drop"; flags:"1024"; ifdir:"inbound"]"#),
        .lenient(
            #"<134>1 2026-03-05T14:07:09Z cp-1 CheckPoint 15 - [action:"Drop"; flags:"1024"] x"#, fault: 57,
            ["sd_malformed"], host: "cp-1", tag: "CheckPoint", process: "15"),
        // Huawei
        .old(
            "<188>Mar  5 2026 14:07:09 HUAWEI %%01SEC/4/POLICYDENY(l)[123]: x", host: "HUAWEI",
            tag: "%%01SEC/4/POLICYDENY(l)", process: "123", content: "x"),
        .old(
            "<188>Mar 2026 5 14:07:09 HUAWEI %%01SEC/4/POLICYDENY(l)[123]: x", host: "HUAWEI",
            tag: "%%01SEC/4/POLICYDENY(l)", process: "123", content: "x"),
        // Windows: Snare with tabs, and as rsyslog writes them
        .old(
            "<13>Mar  5 14:07:09 win1\tMSWinEventLog\t1\tSecurity\t5", host: "win1",
            content: "MSWinEventLog\t1\tSecurity\t5"),
        .old(
            "<13>Mar  5 14:07:09 win1 MSWinEventLog\t1\tSecurity\t5\tThu Mar 05", host: "win1",
            content: "MSWinEventLog\t1\tSecurity\t5\tThu Mar 05"),
        .old(
            "<13>Mar  5 14:07:09 win1#011MSWinEventLog#0111#011Security#0115#011Thu Mar 05", host: "win1",
            content: "MSWinEventLog#0111#011Security#0115#011Thu Mar 05"),
        .old(
            "<13>Mar  5 14:07:09 win1 MSWinEventLog#0111#011Security#0115#011Thu Mar 05", host: "win1",
            content: "MSWinEventLog#0111#011Security#0115#011Thu Mar 05"),
        // AIX
        .old(
            "<38>Mar  5 14:07:09 Message forwarded from aix1: sshd[7]: x", host: "aix1", tag: "sshd", process: "7",
            content: "x"),
        .old(
            "<38>Mar  5 14:07:09 relay1 Message forwarded from aix1: sshd[7]: x", host: "relay1", tag: "sshd",
            process: "7", content: "x"),
        // Suricata
        .old(
            #"<14>Mar  5 14:07:09 ids1 suricata[7]: {"event_type":"alert"}"#, host: "ids1", tag: "suricata",
            process: "7", content: #"{"event_type":"alert"}"#),
        // NetScaler: the month first, or the day
        .old(
            "<134> 03/25/2026:14:07:09 GMT ns-1 0-PPE-0 : default TCP CONN_DELINK 1", time: "2026-03-25T14:07:09.000Z",
            host: "ns-1", tag: "0-PPE-0", content: "default TCP CONN_DELINK 1"),
        .old(
            "<134> 25/03/2026:14:07:09 GMT ns-1 0-PPE-0 : x", time: "2026-03-25T14:07:09.000Z", host: "ns-1",
            tag: "0-PPE-0", content: "x"),
        .old(
            "<134> 03/05/2026:14:07:09 GMT ns-1 0-PPE-0 : x", host: "ns-1", tag: "0-PPE-0", content: "x",
            marks: ["date_order_assumed"]),
        .old(
            "<134> 05/03/2026:14:07:09 GMT ns-1 0-PPE-0 : x", host: "ns-1", tag: "0-PPE-0", content: "x",
            marks: ["date_order_assumed"]),
        // F5: the severity's name after the host, a blade before it, iRules
        .old(
            "<134>Mar  5 14:07:09 bigip1 notice mcpd[6760]: 01070417:5: x", host: "bigip1", tag: "mcpd",
            process: "6760", content: "01070417:5: x"),
        .old("<134>Mar  5 14:07:09 slot1/bigip1 err tmm[7]: x", host: "bigip1", tag: "tmm", process: "7", content: "x"),
        .old(
            "<134>Mar  5 14:07:09 bigip1,f5_irule=a,src_ip=192.0.2.1", host: "bigip1",
            content: "f5_irule=a,src_ip=192.0.2.1"),
        // UniFi, Solace, Meraki
        .old(
            "<27>Mar  5 14:07:09 U7,788a20aabbcc,v4.0.66: logread[5]: x", host: "U7",
            content: "788a20aabbcc,v4.0.66: logread[5]: x"),
        .old("<27>Mar  5 14:07:09sol-1 event: SYSTEM: x", host: "sol-1", tag: "event", content: "SYSTEM: x"),
        .old(
            "<134>1 1772719629.500000000 mx-1 flows src=192.0.2.1", time: "2026-03-05T14:07:09.500Z", host: "mx-1",
            content: "flows src=192.0.2.1"),
    ]
}
