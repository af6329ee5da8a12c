// SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Inventory
import Testing
import Wire

struct IntelligenceListTests {
    /// What the lists say is told at its line, and what is right is used.
    @Test func plain() {
        let (known, told) = intelligence([
            (
                list("a"),
                "\u{FEFF}# comment\r\n; another\r\n// a third\r\n\r\n192.0.2.1 # said of it\r\nnonsense\r\n10.0.0.300\r\n"
                    + "0.0.0.0 ads.evil.test\r\n127.0.0.1\ttrack.evil.test # x\r\nhttp://evil.test/x\r\nexample\r\n"
                    + "c@evil.test\r\n-bad.test\r\n10.0.0.0/33\r\nevil.test\r\n192.0.2.7\r\n192.0.2.8"
            )
        ])
        #expect(
            told == [
                "a.txt:6:1: warning: 'nonsense' is no address, network, domain or file hash",
                "a.txt:7:1: warning: '10.0.0.300' is no address, network, domain or file hash",
                "a.txt:11:1: warning: 'example' is no address, network, domain or file hash",
                "a.txt:13:1: warning: '-bad.test' is no address, network, domain or file hash",
                "a.txt:14:1: warning: '10.0.0.0/33' is no address, network, domain or file hash",
                "a.txt: warning: 2 entries are of kinds that are not looked for (URLs, mail addresses, conjunctions …)",
            ], "\(told.joined(separator: "\n"))")
        #expect(known.lists.map(\.indicators) == [6] && known.lists.map(\.skipped) == [7])
        #expect(known.address("192.0.2.1")?.source == "a.example" && known.address("192.0.2.8") != nil)
        #expect(known.domain("ads.evil.test")?.indicator == "ads.evil.test" && known.address("127.0.0.1") == nil)
        #expect(known.domain("track.evil.test") != nil && known.address("192.0.2.1")?.updated == 1_000_000_000)
    }

    @Test(
        arguments: [
            // With names in the first row, quotes, and columns that are not known.
            ("first_seen,dst_ip,dst_port\n2026-01-02 03:04:05,192.0.2.1,443\n", "192.0.2.1"),
            ("\"ioc_value\", \"ioc_type\"\n\"192.0.2.1:443\", \"ip:port\"\n", "192.0.2.1"),
            // With names in a comment.
            ("# Feed\n# \"id\",\"ioc_value\"\n\"7\",\"192.0.2.1\"\n", "192.0.2.1"),
            // Without names: the first that is an indicator.
            ("2026-01-02,192.0.2.1,x\n2026-01-02,192.0.2.9,y\n", "192.0.2.1"),
            ("192.0.2.1;some words, here\n", "192.0.2.1"), ("ip\tname\n192.0.2.1\tx\n", "192.0.2.1"),
        ])
    func csv(_ text: String, _ address: String) {
        let (known, told) = intelligence([(list("a"), text)])
        #expect(told.isEmpty && known.address(address) != nil, "\(told)")
    }

    @Test func csvFields() throws {
        let (known, told) = intelligence([
            (
                list("a", .csv),
                "ID,Indicator,Confidence,Severity,valid_until,modified,source,description\n"
                    + "x-1,evil.test,90,critical,2027-01-01,2026-11-20T10:00:00Z,other.example,\"a \"\"bad\"\" one\"\n"
                    + "x-2,192.0.2.1,low,odd,,,,\nx-3,,,,,,,\n"
            )
        ])
        #expect(told == ["a.txt:4:1: warning: '' is no address, network, domain or file hash"])
        let answer = try #require(known.domain("evil.test"))
        #expect(answer.identifier == "x-1" && answer.source == "other.example" && answer.about == "a \"bad\" one")
        #expect(answer.confidence == .high && answer.severity == .critical)
        #expect(
            answer.expires == 1_798_761_600_000_000_000
                && answer.updated == 1_763_632_800_000_000_000 + 31_536_000_000_000_000)
        let other = try #require(known.address("192.0.2.1"))
        #expect(other.confidence == .low && other.severity == .medium && other.source == "a.example")
        #expect(other.expires == nil && other.updated == 1_000_000_000)
    }

    @Test func csvColumns() {
        var named = list("a", .csv)
        named.column = "Peer"
        #expect(intelligence([(named, "time,peer\nx,192.0.2.1\n")]).known.address("192.0.2.1") != nil)
        named.column = "2"
        #expect(intelligence([(named, "x,192.0.2.1\n")]).known.address("192.0.2.1") != nil)
        #expect(intelligence([(named, "time,peer\nx,192.0.2.1\n")]).known.address("192.0.2.1") != nil)
        named.column = "none"
        #expect(
            intelligence([(named, "time,peer\nx,192.0.2.1\n")]).told == [
                "a.txt:1:1: list 'a': there is no column 'none'"
            ])
        #expect(
            intelligence([(list("a"), "time,peer\nx,y\n")]).told == [
                "a.txt:1:1: list 'a': which column holds the indicators? Give its name or number as 'column'"
            ])
        // Three hashes of one file.
        let hashes =
            "md5_hash,sha1_hash,sha256_hash\n\(ThreatIntelligenceTests.md5),\(ThreatIntelligenceTests.sha1),\(ThreatIntelligenceTests.sha256)\n"
        #expect(intelligence([(list("a"), hashes)]).known.lists[0].indicators == 3)
    }

    static func indicator(_ pattern: String, _ rest: String = "") -> String {
        let escaped = pattern.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return
            #"{"type":"indicator","spec_version":"2.1","id":"indicator--1","pattern":"\#(escaped)","pattern_type":"stix""#
            + #","valid_from":"2026-01-01T00:00:00Z"\#(rest)}"#
    }

    static func bundle(_ objects: [String]) -> String {
        #"{"type":"bundle","id":"bundle--1","objects":["# + objects.joined(separator: ",\n") + "]}"
    }

    @Test(
        arguments: [
            ("[ipv4-addr:value = '192.0.2.1']", ["192.0.2.1"]),
            ("[ipv4-addr:value = '192.0.2.1' OR ipv4-addr:value = '192.0.2.2']", ["192.0.2.1", "192.0.2.2"]),
            ("[ipv4-addr:value = '192.0.2.1'] OR [ipv4-addr:value='192.0.2.2']", ["192.0.2.1", "192.0.2.2"]),
            ("[ipv4-addr:value IN ('192.0.2.1', '192.0.2.2')]", ["192.0.2.1", "192.0.2.2"]),
            ("[ipv4-addr:value ISSUBSET '192.0.2.0/24']", ["192.0.2.77"]),
            (
                "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.1']",
                ["192.0.2.1"]
            ),
            ("[(ipv4-addr:value = '192.0.2.1')]", ["192.0.2.1"]),
            ("[ipv4-addr:value = '192.0.2.1' AND network-traffic:dst_port = 443]", []),
            ("[ipv4-addr:value = '192.0.2.1'] AND [ipv4-addr:value = '192.0.2.2']", []),
            ("[ipv4-addr:value = '192.0.2.1'] FOLLOWEDBY [ipv4-addr:value = '192.0.2.2']", []),
            ("[ipv4-addr:value != '192.0.2.1']", []), ("[NOT ipv4-addr:value = '192.0.2.1']", []),
            ("[ipv4-addr:value LIKE '192.0.2.%']", []), ("[url:value = 'http://192.0.2.1/']", []),
            ("[ipv4-addr:value = '192.0.2.1' OR url:value = 'x']", ["192.0.2.1"]),
            ("[ipv4-addr:resolves_to_refs[*].value = '192.0.2.1']", []), ("[ipv4-addr:value = 5]", []),
        ] as [(String, [String])])
    func patterns(_ pattern: String, _ addresses: [String]) {
        let (known, told) = intelligence([
            (list("a"), IntelligenceListTests.bundle([IntelligenceListTests.indicator(pattern)]))
        ])
        #expect(told.allSatisfy { $0.contains("not looked for") || $0.contains("holds no indicator") }, "\(told)")
        for address in ["192.0.2.1", "192.0.2.2", "192.0.2.77"] {
            let isWanted = addresses.contains(address) || addresses == ["192.0.2.77"]
            #expect((known.address(address) != nil) == isWanted, "\(address)")
        }
    }

    @Test func stix() throws {
        let sha = ThreatIntelligenceTests.sha256
        var nameless = list("feed")
        nameless.source = ""
        let text = IntelligenceListTests.bundle([
            IntelligenceListTests.indicator(
                "[domain-name:value = 'evil.test']",
                #","modified":"2026-11-20T10:00:00.000Z","valid_until":"2027-01-01T00:00:00Z","confidence":85,"name":"a \"C2\"","created_by_ref":"identity--1""#
            ),
            IntelligenceListTests.indicator("[file:hashes.'SHA-256' = '\(sha)' AND file:name = 'x.exe']"),
            IntelligenceListTests.indicator(
                "[file:hashes.MD5 = '\(ThreatIntelligenceTests.md5)']", #","confidence":5"#),
            IntelligenceListTests.indicator("[domain-name:value = 'old.test']", #","revoked":true"#),
            IntelligenceListTests.indicator("rule x {}", #","pattern_type":"yara""#).replacing(
                #""pattern_type":"stix","#, with: ""),
            IntelligenceListTests.indicator("domain-name:value ="),
            #"{"type":"malware","id":"malware--1","name":"indicator"}"#,
            #"{"type":"identity","id":"identity--1","name":"CERT Example"}"#,
        ])
        let (known, told) = intelligence([(nameless, text)])
        #expect(
            told == [
                "feed.txt:6:1: warning: 'domain-name:value =' is no pattern",
                "feed.txt: warning: 2 entries are of kinds that are not looked for (URLs, mail addresses, conjunctions …)",
            ], "\(told)")
        let answer = try #require(known.domain("www.evil.test"))
        #expect(answer.source == "CERT Example" && answer.about == "a \"C2\"" && answer.identifier == "indicator--1")
        #expect(answer.confidence == .high && answer.expires == 1_798_761_600_000_000_000)
        #expect(known.hash(sha)?.updated == 1_767_225_600_000_000_000 && known.hash(sha)?.confidence == .medium)
        #expect(known.hash(ThreatIntelligenceTests.md5)?.confidence == .low && known.domain("old.test") == nil)
    }

    @Test(
        arguments: [
            (#"{"objects":[{"type":"indicator",}]}"#, "a.txt:1:33: list 'a': JSON: an unexpected character"),
            ("{\"objects\":[\n{\"type\":\"indicator\"", "a.txt:2:20: list 'a': JSON: the file ends inside a value"),
            (#"{"objects":[5]}"#, "a.txt:1:13: list 'a': JSON: an unexpected character"),
            ("{", "a.txt:1:2: list 'a': JSON: the file ends inside a value"),
            (#"{"objects":[]}"#, "a.txt: warning: the list holds no indicator"),
            (#"{"type":"bundle"}"#, "a.txt: warning: the list holds no indicator"),
            (
                "<html>\n<body>\nno such file\n",
                "a.txt: list 'a': 3 entries hold no indicator and 0 do: this is no such list, or 'format' is wrong"
            ),
            ("", "a.txt: warning: the list holds no indicator"),
        ])
    func broken(_ text: String, _ wanted: String) {
        let (known, told) = intelligence([(list("a"), text)])
        #expect(told.last == wanted, "\(told)")
        #expect(known.isEmpty)
    }

    @Test func boundsAreTold() {
        var bounds = IntelligenceList.Bounds()
        bounds.listIndicators = 2
        bounds.indicators = 3
        bounds.lineBytes = 20
        bounds.complaints = 1
        bounds.objectBytes = 40
        bounds.fileBytes = 300
        func told(_ lists: [(IntelligenceList, String)]) -> [String] { intelligence(lists, bounds: bounds).told }
        #expect(
            told([(list("a"), "192.0.2.1\n192.0.2.2\n192.0.2.3\n")]) == ["a.txt:3:1: list 'a': more than 2 indicators"])
        #expect(
            told([(list("a"), "192.0.2.1\n192.0.2.2"), (list("b"), "192.0.2.1\n192.0.2.2")]) == [
                "b.txt:2:1: list 'b': all lists together have more than 3 indicators"
            ])
        #expect(
            told([(list("a"), "192.0.2.1\n192.0.2.2\n" + String(repeating: "x", count: 21) + "\ny\n")]) == [
                "a.txt:3:1: warning: the line is longer than 20 bytes",
                "a.txt: warning: 1 more entries hold no indicator",
            ])
        #expect(
            told([(list("a"), String(repeating: "#", count: 301))]) == [
                "a.txt: list 'a': the file is larger than 300 bytes"
            ])
        let large = IntelligenceListTests.bundle([IntelligenceListTests.indicator("[ipv4-addr:value = '192.0.2.1']")])
        #expect(told([(list("a"), large)]).first == "a.txt:1:46: warning: the object is larger than 40 bytes")
        // Each at its own line, though large objects are told before the indicators are read.
        let mixed =
            "{\"objects\": [\n{\"type\":\"indicator\",\"pattern\":\"x\"},\n{\"n\":\""
            + String(repeating: "n", count: 40) + "\"}\n]}"
        bounds.complaints = 2
        #expect(
            told([(list("a"), mixed)]).prefix(2) == [
                "a.txt:3:1: warning: the object is larger than 40 bytes", "a.txt:2:1: warning: 'x' is no pattern",
            ])
        // A refused list brings nothing; those before and after it stay.
        let (known, _) = intelligence(
            [(list("a"), "192.0.2.1"), (list("b"), "192.0.2.2\n192.0.2.3\n192.0.2.4"), (list("c"), "192.0.2.5")],
            bounds: bounds)
        #expect(known.address("192.0.2.1") != nil && known.address("192.0.2.2") == nil)
        #expect(known.address("192.0.2.5")?.list == "c" && known.lists.map(\.indicators) == [1, 0, 1])
    }

    /// Whatever a file holds, reading ends, and what is found can be asked for.
    @Test func mutations() {
        var numbers = SeededNumbers(state: 11)
        let valid = [
            "192.0.2.1\nevil.test\n\(ThreatIntelligenceTests.md5)\n2001:db8::/32\n",
            "ip,valid_until,confidence\n192.0.2.1,2027-01-01,50\n\"192.0.2.2\",,\"x\"\"y\"\n",
            IntelligenceListTests.bundle([
                IntelligenceListTests.indicator(
                    "[ipv4-addr:value IN ('192.0.2.1', 'x')] OR [file:hashes.'SHA-1' = 'a']"),
                #"{"type":"identity","id":"i","name":"n"}"#,
            ]),
        ].map { Array($0.utf8) }
        let deadline = ContinuousClock.now + .milliseconds(1500)
        var rounds = 0
        while rounds < 20_000, ContinuousClock.now < deadline {
            var bytes = valid[rounds % valid.count]
            for _ in 0..<Int.random(in: 1...4, using: &numbers) {
                let place = Int.random(in: 0..<bytes.count, using: &numbers)
                switch Int.random(in: 0...3, using: &numbers) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &numbers)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(contentsOf: bytes.prefix(Int.random(in: 0...9, using: &numbers)), at: place)
                default: bytes.removeLast(min(bytes.count - 1, Int.random(in: 0...20, using: &numbers)))
                }
            }
            var builder = ThreatIntelligence.Builder()
            builder.add(list("a"), bytes: bytes.span.bytes, updated: 0, complaints: Complaints())
            let known = builder.build()
            _ = known.address("192.0.2.1")
            _ = known.match(url: bytes.span.bytes, at: 0)
            _ = known.match(host: bytes.span.bytes, at: 0)
            rounds += 1
        }
        #expect(rounds > 500)
    }
}
