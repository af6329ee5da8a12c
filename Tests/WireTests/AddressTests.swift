// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

struct AddressTests {
    @Test(arguments: [
        ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("172.21.0.10", "172.21.0.10"),
        ("::", "::"), ("::1", "::1"), ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"), ("fe80::1%eth0", "fe80::1"),
        ("::ffff:10.1.2.3", "10.1.2.3"), ("::FFFF:a01:203", "10.1.2.3"), ("64:ff9b::10.1.2.3", "64:ff9b::a01:203"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ])
    func texts(_ text: String, _ usual: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == usual && address.isIPv4 == !usual.contains(":"))
        #expect(IPAddress(usual) == address)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4 ", "01.2.3.0004", "1.2.3.-4",
        ":", ":::", "1::2::3", "12345::", "::g", "1:2:3:4:5:6:7", "::1\u{0}x", "fe80::1\u{0}", "[::1]",
        "::ffff:1.2.3.256",
        "host.example.org", "%eth0", "\u{661}.2.3.4",
        "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
    ])
    func garbage(_ text: String) {
        #expect(IPAddress(text) == nil)
        #expect(IPNetwork(text) == nil)
    }

    @Test func numbers() {
        #expect(IPAddress(v4: 0x0A01_0203).description == "10.1.2.3")
        #expect(IPAddress(high: 0, low: 0xFFFF_0A01_0203) == IPAddress(v4: 0x0A01_0203))
        #expect(IPAddress(high: 0, low: 0x0A01_0203) != IPAddress(v4: 0x0A01_0203))
    }

    @Test func randomRoundTrip() {
        var random = Random(5)
        for _ in 0..<5_000 {
            let keep = UInt64.max << UInt64.random(in: 0..<64, using: &random)
            let six = IPAddress(high: random.next() & keep, low: random.next() & ~keep)
            #expect(IPAddress(six.description) == six)
            let four = IPAddress(v4: UInt32(truncatingIfNeeded: random.next()))
            #expect(IPAddress(four.description) == four)
            var noise = Array(six.description.utf8)
            noise[Int.random(in: 0..<noise.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            // A zone is dropped, everything else is in the text again.
            if let again = IPAddress(noise.span.bytes) { #expect(IPAddress(again.description) == again) }
        }
    }

    @Test(arguments: [
        ("10.1.2.3/8", "10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
        ("10.1.2.3/31", "10.1.2.2/31", "10.1.2.3", "10.1.2.4"),
        ("10.1.2.3", "10.1.2.3/32", "10.1.2.3", "10.1.2.2"), ("0.0.0.0/0", "0.0.0.0/0", "255.0.0.1", "::1"),
        ("::/0", "::/0", "ffff::1", "10.0.0.1"),
        ("2001:db8:ffff::/33", "2001:db8:8000::/33", "2001:db8:8000::1", "2001:db8::1"),
        ("fd00::1/64", "fd00::/64", "fd00::ffff:0:0:1", "fd00:0:0:1::"),
        ("fd00::ff/127", "fd00::fe/127", "fd00::ff", "fd00::100"),
        ("::1", "::1/128", "::1", "::2"), ("::ffff:10.0.0.0/8", "10.0.0.0/8", "::ffff:10.1.1.1", "::10.1.1.1"),
        ("fd00::/65", "fd00::/65", "fd00::7fff:0:0:1", "fd00::8000:0:0:0"),
    ])
    func networks(_ text: String, _ usual: String, _ inside: String, _ outside: String) throws {
        let network = try #require(IPNetwork(text))
        #expect(network.description == usual && IPNetwork(usual) == network)
        let (within, beyond) = (try #require(IPAddress(inside)), try #require(IPAddress(outside)))
        #expect(network.contains(within) && !network.contains(beyond))
    }

    @Test(arguments: [
        "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/8/8", "/8", "::/129", "10.0.0.0/x",
        "::ffff:10.0.0.0/104",
    ])
    func badNetworks(_ text: String) { #expect(IPNetwork(text) == nil) }

    @Test func prefixesAreCut() throws {
        let address = try #require(IPAddress("10.1.2.3"))
        #expect(IPNetwork(address, prefix: 99).prefix == 32 && IPNetwork(address, prefix: -5).prefix == 0)
    }
}
