// SPDX-License-Identifier: Apache-2.0
import Events
import Testing

struct PackedHitTests {
    static let hits: [Hit] = {
        let plain = Hit(rules: [], uid: "", time: 0, received: 0, event: [], evidence: [])
        var full = Hit(
            rules: ["a", "b \u{fc}"], uid: String(repeating: "u", count: 300), time: .min, received: .max,
            event: Array(repeating: 7, count: 70_000),
            evidence: [
                Evidence(kind: .packet, bytes: [0, 255], received: .min, collector: "eth0", peer: ""),
                Evidence(kind: .syslog, bytes: [], received: 5, collector: "", peer: "2001:db8::1"),
                Evidence(kind: .line, bytes: [10], received: -5, collector: "\u{1f600}", peer: "x"),
            ])
        full.position = JournalPosition(log: 3, first: .max, epoch: .max)
        var gap = plain
        gap.position = JournalPosition(log: 0, first: 0, epoch: 0)
        gap.position?.gap = 1 << 63
        return [plain, full, gap]
    }()

    @Test(arguments: 0..<3) func comesBack(_ number: Int) {
        let hit = Self.hits[number]
        let packed = PackedHit(hit, with: [1, 2, 3])
        let back = packed.hit
        #expect(back.rules == hit.rules && packed.rules == hit.rules)
        #expect(back.uid == hit.uid && back.time == hit.time && back.received == hit.received)
        #expect(back.event == hit.event && back.evidence == hit.evidence && back.position == hit.position)
        #expect(packed.bytes.suffix(3) == [1, 2, 3])
    }
}
