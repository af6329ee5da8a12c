// SPDX-License-Identifier: Apache-2.0
import Codecs
import Testing
import Wire

/// Dates as products write them into their fields.
struct LogTimeTests {
    /// 2026-03-05T14:07:09Z.
    static let instant: Int64 = 1_772_719_629_000_000_000
    /// The day after: what is day and what is month in `3/5/2026` is decided by it.
    static let received: Int64 = 1_772_806_029_000_000_000

    @Test(
        arguments: [
            ("2026-03-05T14:07:09Z", 0), ("2026-03-05T15:07:09+01:00", 0), ("2026-03-05 14:07:09", 0),
            ("2026-03-05T14:07:09.250Z", 250_000_000), ("2026-03-05 14:07:09,250", 250_000_000),
            ("2026/03/05 14:07:09", 0), ("2026/3/5 14:07:09", 0), ("2026/03/05 14:07:09.5", 500_000_000),
            ("2026/03/05 16:07:09 +0200", 0), ("2026/03/05 14:07:09Z", 0), ("2026/03/05T14:07:09", 0),
            ("05/Mar/2026:15:07:09 +0100", 0), ("05/mar/2026:14:07:09", 0), ("05/Mar/2026:14:07:09.125", 125_000_000),
            ("3/5/2026 2:07:09 PM", 0), ("03/05/2026 14:07:09", 0), ("25/02/2026 14:07:09", -8 * 86_400_000_000_000),
            ("3/5/2026 02:07:09 pm", 0), ("Mar 05 2026 14:07:09", 0), ("Mar  5 14:07:09", 0),
            ("Thu Mar  5 14:07:09 2026", 0),
            ("Mar  5 2026 14:07:09 UTC", 0), ("1772719629", 0), ("1772719629.5", 500_000_000),
            ("1772719629250", 250_000_000),
            ("1772719629000001", 1000), ("1772719629000000001", 1), ("1772719629.000000001", 1),
            ("  2026-03-05 14:07:09", 0),
            ("2026-03-05 14:07:09 and more", 0), ("05.03.2026 14:07:09", 0), ("5.3.2026 14:07:09,250", 250_000_000),
            ("05-Mar-2026 14:07:09.250", 250_000_000), ("2026.03.05 14:07:09", 0), ("3/5/2026, 2:07:09 PM", 0),
            ("05-03-2026 14:07:09", 0), ("03-05-2026 14:07:09", 0),
        ] as [(String, Int64)])
    func known(_ text: String, _ beyond: Int64) {
        let bytes = Array(text.utf8)
        let found = LogTime.read(bytes.span.bytes, receivedAt: LogTimeTests.received)
        #expect(
            found == LogTimeTests.instant + beyond, "\(text): \(found.map { RFC3339.text($0, digits: 9) } ?? "nil")")
    }

    @Test(arguments: [
        "", " ", "x", "12345678", "/", "//", "1/2/3", "2026/13/05 14:07:09", "2026/03/32 14:07:09", "2026/03/05",
        "05/Foo/2026:14:07:09", "3/5/2026 25:07:09", "3/5/26 14:07:09", "99999999999999999999", "1772719629.", "never",
        "2026/03/05 14:7:09", "2026-03-05",
    ])
    func unknown(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(LogTime.read(bytes.span.bytes, receivedAt: LogTimeTests.received) == nil, "\(text)")
    }

    /// Where the order is known, the time of receipt decides nothing.
    @Test(
        arguments: [
            ("05/03/2026 14:07:09", .dayFirst, true), ("05/03/2026 14:07:09", .monthFirst, false),
            ("03/05/2026 14:07:09", .monthFirst, true), ("03/05/2026 14:07:09", .dayFirst, false),
            ("3/5/2026 2:07:09 PM", .monthFirst, true), ("5.3.2026 14:07:09", .dayFirst, true),
            ("3.5.2026 14:07:09", .monthFirst, true), ("03-05-2026 14:07:09", .monthFirst, true),
            ("05-03-26 14:07:09", .dayFirst, true), ("3/5/26 14:07:09", .monthFirst, true),
            ("05/Mar/2026:14:07:09", .monthFirst, true), ("2026/03/05 14:07:09", .dayFirst, true),
            ("2026-03-05 14:07:09", .dayFirst, true), ("Mar  5 2026 14:07:09", .dayFirst, true),
        ] as [(String, LogTime.Order, Bool)])
    func ordered(_ text: String, _ order: LogTime.Order, _ isInstant: Bool) {
        let bytes = Array(text.utf8)
        // 2026-05-01, and long before.
        for received in [1_777_593_600_000_000_000, 1_600_000_000_000_000_000] as [Int64] {
            let found = LogTime.read(bytes.span.bytes, order: order, receivedAt: received)
            // 2026-05-03T14:07:09Z.
            let wanted = isInstant ? LogTimeTests.instant : 1_777_817_229_000_000_000
            #expect(found == wanted, "\(text): \(found.map { RFC3339.text($0, digits: 9) } ?? "nil")")
        }
    }

    /// What can be no month is the day, whatever the order is.
    @Test func orderIsNoBar() {
        let bytes = Array("25/02/2026 14:07:09".utf8)
        for order in [LogTime.Order.open, .monthFirst, .dayFirst] {
            #expect(
                LogTime.read(bytes.span.bytes, order: order, receivedAt: 0)
                    == LogTimeTests.instant - 8 * 86_400_000_000_000)
        }
    }

    /// A date in a zone of the source, and any bytes without a trap.
    @Test func zonesAndNoise() throws {
        let zone = try #require(SyslogZone(named: "CET"))
        let summer = Array("2026/07/05 14:07:09".utf8)
        let winter = Array("2026/03/05 15:07:09".utf8)
        #expect(LogTime.read(winter.span.bytes, zone: zone, receivedAt: 0) == LogTimeTests.instant)
        #expect(
            LogTime.read(summer.span.bytes, zone: zone, receivedAt: 0).map { RFC3339.text($0) }
                == "2026-07-05T12:07:09.000Z")
        var random = SeededGenerator(state: 7)
        let letters = Array("0123456789/:-. TZ+MarPMm,\u{0}".utf8)
        for _ in 0..<20_000 {
            var bytes = Array("2026/03/05 14:07:09.250 +0100".utf8)
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = letters.randomElement(using: &random) ?? 0
            }
            bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
            _ = LogTime.read(bytes.span.bytes, receivedAt: LogTimeTests.received)
            _ = LogTime.read(bytes.span.bytes, order: .dayFirst, receivedAt: LogTimeTests.received)
        }
    }
}
