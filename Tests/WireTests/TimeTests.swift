// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

struct TimeTests {
    @Test(
        arguments: [
            (0, CivilTime(year: 1970, month: 1, day: 1)),
            (-1, CivilTime(year: 1969, month: 12, day: 31, hour: 23, minute: 59, second: 59, nanosecond: 999_999_999)),
            (951_782_400_000_000_000, CivilTime(year: 2000, month: 2, day: 29)),
            (4_107_542_400_000_000_000, CivilTime(year: 2100, month: 3, day: 1)),
            (.max, CivilTime(year: 2262, month: 4, day: 11, hour: 23, minute: 47, second: 16, nanosecond: 854_775_807)),
            (.min, CivilTime(year: 1677, month: 9, day: 21, hour: 0, minute: 12, second: 43, nanosecond: 145_224_192)),
        ] as [(Int64, CivilTime)])
    func knownDays(_ nanoseconds: Int64, _ civil: CivilTime) {
        #expect(CivilTime(nanosecondsSinceEpoch: nanoseconds) == civil)
        #expect(civil.nanosecondsSinceEpoch() == nanoseconds)
        #expect(civil.isValid)
    }

    @Test func randomRoundTrip() {
        var random = Random(3)
        for _ in 0..<50_000 {
            let nanoseconds = Int64.random(in: .min ... .max, using: &random)
            let civil = CivilTime(nanosecondsSinceEpoch: nanoseconds)
            #expect(civil.isValid && civil.nanosecondsSinceEpoch() == nanoseconds)
            let offset = Int.random(in: -86_340...86_340, using: &random)
            if let east = civil.nanosecondsSinceEpoch(offset: offset) {
                #expect(east == nanoseconds - Int64(offset) * 1_000_000_000)
            }
        }
    }

    @Test func outsideSixtyFourBits() {
        #expect(CivilTime(year: 2262, month: 4, day: 12).nanosecondsSinceEpoch() == nil)
        #expect(CivilTime(year: 1677, month: 9, day: 21).nanosecondsSinceEpoch() == nil)
        #expect(CivilTime(year: 0, month: 1, day: 1).nanosecondsSinceEpoch() == nil)
        #expect(CivilTime(year: 9999, month: 12, day: 31).nanosecondsSinceEpoch() == nil)
    }

    @Test func calendar() {
        #expect(CivilTime.days(in: 2, of: 1900) == 28 && CivilTime.days(in: 2, of: 2000) == 29)
        #expect(CivilTime.days(in: 2, of: 2024) == 29 && CivilTime.days(in: 13, of: 2024) == 0)
        #expect((1...12).reduce(0) { $0 + CivilTime.days(in: $1, of: 2023) } == 365)
        #expect(!CivilTime(year: 2023, month: 2, day: 29).isValid && !CivilTime(year: 2023, month: 0, day: 1).isValid)
        #expect(!CivilTime(year: 2023, month: 1, day: 1, second: 60).isValid)
        #expect(!CivilTime(year: 10_000, month: 1, day: 1).isValid)
    }

    struct Reading: Sendable {
        let text: String
        let nanoseconds: Int64
        var length: Int?
        var digits = 0
        var hasZone = true
        var isCanonical = true
    }

    /// 2003-10-11T22:14:15Z (RFC 5424 section 6.2.3.1) is 1065910455.
    @Test(arguments: [
        Reading(text: "2003-10-11T22:14:15Z", nanoseconds: 1_065_910_455_000_000_000),
        Reading(text: "2003-10-11T22:14:15.003Z", nanoseconds: 1_065_910_455_003_000_000, digits: 3),
        Reading(text: "2003-10-12T00:14:15.5+02:00", nanoseconds: 1_065_910_455_500_000_000, digits: 1),
        Reading(text: "2003-10-11T15:14:15-07:00 rest", nanoseconds: 1_065_910_455_000_000_000, length: 25),
        Reading(text: "2003-10-11t22:14:15z", nanoseconds: 1_065_910_455_000_000_000, isCanonical: false),
        Reading(
            text: "2003-10-11 22:14:15,123", nanoseconds: 1_065_910_455_123_000_000, digits: 3, hasZone: false,
            isCanonical: false),
        Reading(text: "2003-10-12T00:14:15+0200", nanoseconds: 1_065_910_455_000_000_000, isCanonical: false),
        Reading(
            text: "2003-10-11T22:14:15", nanoseconds: 1_065_910_455_000_000_000, hasZone: false, isCanonical: false),
        Reading(
            text: "2003-10-11T22:14:15.", nanoseconds: 1_065_910_455_000_000_000, length: 19, hasZone: false,
            isCanonical: false),
        Reading(
            text: "2003-10-11T22:14:15+24:00", nanoseconds: 1_065_910_455_000_000_000, length: 19, hasZone: false,
            isCanonical: false),
        Reading(
            text: "2003-10-11T22:14:15+02:60", nanoseconds: 1_065_910_455_000_000_000, length: 19, hasZone: false,
            isCanonical: false),
        Reading(
            text: "2003-10-11T22:14:15.1234567891234567890123Z", nanoseconds: 1_065_910_455_123_456_789, digits: 22),
    ])
    func readings(_ wanted: Reading) throws {
        let bytes = Array(wanted.text.utf8)
        let found = RFC3339.read(bytes.span.bytes)
        let reading = try #require(found)
        #expect(reading.nanoseconds == wanted.nanoseconds && reading.length == wanted.length ?? wanted.text.utf8.count)
        #expect(reading.fractionDigits == wanted.digits && reading.hasZone == wanted.hasZone)
        // RFC 5424 section 6 (TIME-SECFRAC) ends at six digits; the syslog parser judges those by the count.
        #expect(reading.isCanonical == wanted.isCanonical)
    }

    @Test(arguments: [
        "", "2003-10-11", "2003-10-11T22:14", "2003-13-11T22:14:15Z", "2003-02-29T22:14:15Z", "2003-10-11T24:00:00Z",
        "2003-10-11T22:60:00Z", "2003-10-11T22:14:60Z", "2003-00-11T22:14:15Z", "2003-10-00T22:14:15Z",
        "2003/10/11T22:14:15Z",
        "2003-10-11_22:14:15Z", "x003-10-11T22:14:15Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
        "-003-10-11T22:14:15Z",
    ])
    func rejections(_ text: String) { #expect(RFC3339.read(Array(text.utf8).span.bytes) == nil) }

    @Test func readsAtAnOffset() {
        let bytes = Array("[2003-10-11T22:14:15Z]".utf8)
        #expect(RFC3339.read(bytes.span.bytes, at: 1)?.length == 20)
        #expect(RFC3339.read(bytes.span.bytes, at: 2) == nil && RFC3339.read(bytes.span.bytes, at: -1) == nil)
        #expect(RFC3339.read(bytes.span.bytes, at: 1_000) == nil)
    }

    @Test func text() {
        #expect(RFC3339.text(1_065_910_455_003_456_789) == "2003-10-11T22:14:15.003Z")
        #expect(RFC3339.text(1_065_910_455_003_456_789, digits: 0) == "2003-10-11T22:14:15Z")
        #expect(RFC3339.text(1_065_910_455_003_456_789, digits: 9) == "2003-10-11T22:14:15.003456789Z")
        #expect(RFC3339.text(-1, digits: 6) == "1969-12-31T23:59:59.999999Z")
    }

    /// What is written reads as it was; mutations of it never trap.
    @Test func fuzz() {
        var random = Random(4)
        for _ in 0..<20_000 {
            let nanoseconds = Int64.random(in: .min ... .max, using: &random)
            var bytes = Array(RFC3339.text(nanoseconds, digits: 9).utf8)
            let reading = RFC3339.read(bytes.span.bytes)
            #expect(reading?.nanoseconds == nanoseconds && reading?.length == 30 && reading?.isCanonical == true)
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
            if let reading = RFC3339.read(bytes.span.bytes) { #expect((19...30).contains(reading.length)) }
        }
    }
}
