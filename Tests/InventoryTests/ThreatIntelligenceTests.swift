// SPDX-License-Identifier: Apache-2.0
import Documents
import Inventory
import Testing
import Wire

struct ThreatIntelligenceTests {
    static let md5 = "d41d8cd98f00b204e9800998ecf8427e"
    static let sha1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
    static let sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    @Test func longestPrefix() {
        let (known, told) = intelligence([
            (
                list("a"),
                """
                # a comment
                10.0.0.0/8
                10.1.0.0/16 ; said of it
                10.1.2.3
                198.51.100.9:443
                2001:db8::/32
                2001:db8:0:1::/64
                [2001:db8::5]:80
                255.255.255.255
                0.0.0.0/1
                ffff::/16
                """
            )
        ])
        #expect(told.isEmpty)
        for (address, wanted) in [
            ("10.1.2.3", "10.1.2.3"), ("10.1.2.4", "10.1.0.0/16"), ("10.1.0.0", "10.1.0.0/16"),
            ("10.1.255.255", "10.1.0.0/16"), ("10.2.0.0", "10.0.0.0/8"), ("10.255.255.255", "10.0.0.0/8"),
            ("9.255.255.255", "0.0.0.0/1"), ("11.0.0.0", "0.0.0.0/1"), ("127.255.255.255", "0.0.0.0/1"),
            ("128.0.0.0", nil), ("198.51.100.9", "198.51.100.9:443"), ("198.51.100.10", nil),
            ("255.255.255.255", "255.255.255.255"), ("255.255.255.254", nil), ("2001:db8::1", "2001:db8::/32"),
            ("2001:db8::5", "[2001:db8::5]:80"), ("2001:db8:0:1::ffff", "2001:db8:0:1::/64"),
            ("2001:db8:0:2::", "2001:db8::/32"), ("2001:db9::", nil), ("2001:db7:ffff::", nil), ("::", nil),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff::/16"), ("fffe::1", nil),
            ("::ffff:10.1.2.3", "10.1.2.3"),
        ] as [(String, String?)] {
            #expect(known.address(address)?.indicator == wanted, "\(address)")
        }
    }

    /// Against a search through all networks, of both families and all lengths.
    @Test func prefixesOfAllLengths() throws {
        var numbers = SeededNumbers(state: 4)
        for round in 0..<40 {
            var networks: [IPNetwork] = []
            for _ in 0..<(round * 3) {
                // Few bits vary, so that networks nest.
                let bits = UInt32.random(in: 0...0xF, using: &numbers) << UInt32.random(in: 0...28, using: &numbers)
                if Bool.random(using: &numbers) {
                    networks.append(IPNetwork(IPAddress(v4: bits), prefix: .random(in: 0...32, using: &numbers)))
                } else {
                    let half = UInt64(bits) << UInt64.random(in: 0...32, using: &numbers)
                    let address =
                        Bool.random(using: &numbers)
                        ? IPAddress(high: half, low: 1 << 63) : IPAddress(high: 0x2001 << 48, low: half)
                    networks.append(IPNetwork(address, prefix: .random(in: 0...128, using: &numbers)))
                }
            }
            let (known, told) = intelligence([
                (list("a", .plain), networks.map(\.description).joined(separator: "\n"))
            ])
            try #require(told.allSatisfy { $0.contains("no indicator") }, "\(told)")
            var asked = networks.map(\.address)
            for _ in 0..<200 {
                let bits = UInt32.random(in: 0...0xFF, using: &numbers) << UInt32.random(in: 0...24, using: &numbers)
                asked.append(IPAddress(v4: bits))
                asked.append(IPAddress(high: UInt64(bits) << 20, low: 1 << 63))
                asked.append(IPAddress(high: 0x2001 << 48, low: UInt64(bits) << 12))
            }
            for address in asked {
                let longest = networks.filter { $0.contains(address) }.map(\.prefix).max()
                let found = known.match(address: address, at: 0).map { known.answer($0).indicator }
                #expect(found.flatMap { IPNetwork($0)?.prefix } == longest, "\(address) in round \(round)")
            }
        }
    }

    @Test func longestSuffix() {
        let (known, told) = intelligence([
            (list("a"), "evil.example\nBAD.Evil.Example.\n*.wild.test\n.dot.test\n# end\n"),
            (
                IntelligenceList(name: "b", path: "b", source: "", subdomains: false),
                "only.test\n*.also.test\n"
            ),
        ])
        #expect(told.isEmpty)
        for (name, wanted) in [
            ("evil.example", "evil.example"), ("www.EVIL.example", "evil.example"),
            ("a.b.bad.evil.example", "bad.evil.example"), ("notevil.example", nil), ("example", nil),
            ("evil.example.", "evil.example"), ("evil.example.org", nil), ("x.wild.test", "wild.test"),
            ("wild.test", "wild.test"), ("dot.test", "dot.test"), ("only.test", "only.test"), ("sub.only.test", nil),
            ("sub.also.test", "also.test"), ("", nil), (".", nil), ("..", nil),
            (String(repeating: "a.", count: 200) + "evil.example", nil),
            (String(repeating: "a.", count: 100) + "evil.example", "evil.example"),
        ] as [(String, String?)] {
            #expect(known.domain(name)?.indicator == wanted, "\(name)")
        }
        for (url, isKnown) in [
            ("http://evil.example/x", true), ("https://user:pw@www.evil.example:8443/a?b#c", true),
            ("evil.example/path", true), ("https://evil.example", true), ("http://other.example/evil.example", false),
            ("http://evil.example@good.example/", false), ("http://", false), ("", false),
            ("http:/evil.example", false),
        ] {
            #expect((known.url(url) != nil) == isKnown, "\(url)")
        }
        let (addresses, _) = intelligence([(list("a"), "192.0.2.1\n2001:db8::1\n")])
        #expect(addresses.url("http://192.0.2.1:8080/x") != nil && addresses.url("http://[2001:db8::1]/") != nil)
        #expect(addresses.url("http://192.0.2.2/") == nil)
    }

    @Test func hashes() {
        let texts = [ThreatIntelligenceTests.md5, ThreatIntelligenceTests.sha1, ThreatIntelligenceTests.sha256]
        let (known, told) = intelligence([(list("a"), texts.map { $0.uppercased() }.joined(separator: "\n"))])
        #expect(told.isEmpty)
        for text in texts {
            #expect(known.hash(text)?.indicator == text.uppercased())
            #expect(known.hash(text.uppercased()) != nil)
            #expect(known.hash(String(text.dropLast()) + (text.last == "0" ? "1" : "0")) == nil)
            #expect(known.hash(String(text.dropLast())) == nil && known.hash(text + "0") == nil)
        }
        #expect(known.hash("") == nil && known.hash(String(repeating: "g", count: 32)) == nil)
        // Of the same bits but another length.
        #expect(known.hash(String(repeating: "0", count: 32)) == nil)
    }

    /// The one that is believed most answers, then the newest; when it has expired, the next; then what is around it.
    @Test func severalForOneValue() {
        var low = list("low", .csv)
        low.confidence = .low
        let (known, told) = intelligence([
            (low, "ip,valid_until\n192.0.2.1,\n192.0.2.0/24,\n"),
            (
                list("medium", .csv),
                "ip,confidence,valid_until,last_seen\n192.0.2.1,high,1970-01-01T00:00:09Z,1970-01-01T00:00:02Z\n"
                    + "192.0.2.1,50,,1970-01-01T00:00:03Z\n192.0.2.1,50,,1970-01-01T00:00:04Z\n"
            ),
            (list("short", .csv), "domain,valid_until\nevil.test,\nx.evil.test,1970-01-01T00:00:09Z\n"),
            (list("only", .csv), "ip,valid_until\n203.0.113.1,1970-01-01T00:00:09Z\n"),
        ])
        #expect(told.isEmpty, "\(told)")
        let second: Int64 = 1_000_000_000
        let first = known.address("192.0.2.1", at: 8 * second)
        #expect(first?.list == "medium" && first?.confidence == .high && first?.expires == 9 * second)
        let next = known.address("192.0.2.1", at: 9 * second)
        #expect(next?.confidence == .medium && next?.updated == 4 * second && next?.expires == nil)
        #expect(known.address("192.0.2.2", at: 9 * second)?.list == "low")
        #expect(known.address("203.0.113.1", at: 9 * second - 1) != nil)
        #expect(known.address("203.0.113.1", at: 9 * second) == nil)
        #expect(known.domain("a.x.evil.test", at: 8 * second)?.indicator == "x.evil.test")
        #expect(known.domain("a.x.evil.test", at: 9 * second)?.indicator == "evil.test")
        #expect(known.lists.map(\.indicators) == [2, 3, 2, 1])
    }

    @Test func nothingKnown() {
        let known = ThreatIntelligence.empty
        #expect(known.isEmpty && known.address("192.0.2.1") == nil && known.domain("a.b") == nil)
        #expect(known.hash(ThreatIntelligenceTests.md5) == nil && known.address("::1") == nil)
    }
}
