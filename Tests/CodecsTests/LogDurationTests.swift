// SPDX-License-Identifier: Apache-2.0
import Codecs
import Testing
import Wire

/// Spans of time as products write them into their fields.
struct LogDurationTests {
    private func read(_ text: String, _ unit: LogDuration.Unit = .seconds) -> Int64? {
        let bytes = Array(text.utf8)
        return LogDuration.read(bytes.span.bytes, unit: unit.milliseconds)
    }

    @Test(
        arguments: [
            // Clocks.
            ("00:01:30", 90_000), ("0:01:30", 90_000), ("1:30", 90_000), ("26:00:00", 93_600_000),
            ("100:00", 6_000_000),
            ("00:00:01.5", 1_500), ("00:00:01,25", 1_250), ("1.02:03:04", 93_784_000), ("1.02:03:04.5", 93_784_500),
            ("1:02:03:04", 93_784_000), ("1d 02:03:04", 93_784_000), ("1 day, 02:03:04", 93_784_000),
            // Numbers with units.
            ("1h02m", 3_720_000), ("1h02m03s", 3_723_000), ("1h:02m:33s", 3_753_000), ("0h:00m:30s", 30_000),
            ("2w3d", 1_468_800_000), ("1d02h", 93_600_000), ("250ms", 250), ("1.5s", 1_500), ("1,5 s", 1_500),
            ("5m", 300_000), ("5 min", 300_000), ("2 days, 3 hours", 183_600_000),
            ("1 Hour 2 Minutes 3 Seconds", 3_723_000),
            ("2500us", 3), ("2500µs", 3), ("2500μs", 3), ("1500000ns", 2), ("3S", 3_000), ("  3s  ", 3_000), ("0s", 0),
            ("90m", 5_400_000), ("1m30.25s", 90_250),
            // ISO 8601.
            ("PT5M", 300_000), ("PT1H2M3S", 3_723_000), ("P1DT2H", 93_600_000), ("P2W", 1_209_600_000), ("PT0.5S", 500),
            ("PT36H", 129_600_000), ("P1D", 86_400_000),
            // Bare numbers are in the unit of the call.
            ("90", 90_000), ("0", 0), ("1.5", 1_500), ("0.0004", 0), ("0.0005", 1),
        ] as [(String, Int64)])
    func known(_ text: String, _ milliseconds: Int64) {
        #expect(read(text) == milliseconds, "\(text): \(read(text) ?? -1)")
    }

    @Test func units() {
        let found = LogDuration.Unit.allCases.map { read("3000000", $0) }
        let scales: [Int64] = [
            3, 3_000, 3_000_000, 3_000_000_000, 180_000_000_000, 10_800_000_000_000, 259_200_000_000_000,
            1_814_400_000_000_000,
        ]
        #expect(found == scales)
    }

    @Test(arguments: [
        "", " ", "x", "h", "1x", "1h2h", "1m1h", "1:", ":30", "1:2:3:4:5", "00:60:00", "00:00:60", "1.25:00:00", "1:60",
        "1.5:30", "00:01.5:30", "PT", "P", "P1M", "P1Y", "PT1D", "P1H", "PT1M2H", "1h 5", "5 1h", "pt5m", "-5s", "-5",
        "1h, ", "1..5s", "1.s", "99999999999999999", "9999999999999w", "never", "1h extra", "1h02:03", "2 days 3",
        "1s 00:00:01", "12:30:00 PM",
    ])
    func unknown(_ text: String) {
        #expect(read(text) == nil, "\(text): \(read(text) ?? -1)")
    }

    /// Any bytes without a trap, and never less than nothing.
    @Test func noise() {
        var random = SeededGenerator(state: 11)
        let letters = Array("0123456789:.,hmsdwPTDHMS µ\u{0}".utf8)
        for _ in 0..<20_000 {
            var bytes = Array("P1DT2H3M4.5S 1h:02m:33s 00:01:30".utf8)
            bytes.removeFirst(Int.random(in: 0...20, using: &random))
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = letters.randomElement(using: &random) ?? 0
            }
            bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
            if let found = LogDuration.read(bytes.span.bytes, unit: 1_000) { #expect(found >= 0) }
        }
    }
}
