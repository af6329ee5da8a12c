// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

/// Numbers and addresses as the slab writes them are those of the standard library and of inet_ntop(3).
struct SlabNumberTests {
    private static func decimal(_ value: Int64) -> String {
        var slab = Slab(capacity: 256)
        slab.append("x")
        slab.append(decimal: value)
        return slab.bytes.text
    }

    @Test func decimals() {
        var values: [Int64] = [0, 1, -1, .max, .min, 1_795_000_000_000]
        var power: Int64 = 1
        for _ in 0..<18 {
            power *= 10
            values += [power - 1, power, power + 1, -power, 1 - power]
        }
        values += (0...20_000).map { Int64($0) }
        for value in values { #expect(SlabNumberTests.decimal(value) == "x\(value)") }
    }

    @Test func addresses() throws {
        let texts = [
            "0.0.0.0", "255.255.255.255", "10.0.200.9", "::", "::1", "1::", "::2:0:0:0", "2001:db8::1", "fe80::1:0:0:1",
            "1:0:0:2::", "::1.2.3.4", "::0.1.0.0", "1:2:3:4:5:6:7:8", "0:1:0:1:0:1:0:1", "1:0:0:1:0:0:0:1", "a:b::c:0",
        ]
        var addresses = try texts.map { try #require(IPAddress($0)) }
        // Every choice of zero groups.
        for mask in 0..<256 as Range<UInt64> {
            var halves: (UInt64, UInt64) = (0, 0)
            for group in 0..<8 where mask >> UInt64(group) & 1 != 0 {
                let value = (0xF1 + UInt64(group) * 0x123) << UInt64(48 - (group & 3) * 16)
                if group < 4 { halves.0 |= value } else { halves.1 |= value }
            }
            addresses.append(IPAddress(high: halves.0, low: halves.1))
        }
        for address in addresses {
            var slab = Slab(capacity: 256)
            let extent = slab.append(address)
            #expect(slab.bytes(extent).text == address.description)
        }
    }
}
