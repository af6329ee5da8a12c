// SPDX-License-Identifier: Apache-2.0
import Testing
import Wire

struct SearchTests {
    /// Needles of all lengths around those that have ways of their own, in texts in which their beginnings and ends are
    /// everywhere, are found where a plain search finds them.
    @Test func needles() {
        var random = Random(7)
        for round in 0..<6_000 {
            let letters: ClosedRange<UInt8> = round % 3 == 0 ? 0x61...0x62 : 0x61...0x64
            let text = (0..<Int.random(in: 0...120, using: &random)).map { _ in
                UInt8.random(in: letters, using: &random)
            }
            let length = [0, 1, 2, 3, 4, 8, 15, 16, 17, 33, 63, 64, 65, 70].randomElement(using: &random) ?? 0
            var needle = (0..<length).map { _ in UInt8.random(in: letters, using: &random) }
            if round % 2 == 0, text.count > length, length > 0 {
                let place = Int.random(in: 0...text.count - length, using: &random)
                needle = Array(text[place..<place + length])
            }
            let start = Int.random(in: 0...text.count, using: &random)
            var expected: Int?
            if text.count - start >= max(1, length) {
                expected = (start...text.count - length).first { Array(text[$0..<$0 + length]) == needle }
            }
            #expect(text.span.bytes.firstRange(of: needle.span.bytes, from: start) == expected)
        }
    }

    let bytes = Array("key=value; key=other".utf8)

    @Test func singleBytes() {
        let span = bytes.span.bytes
        #expect(span.firstIndex(of: 0x3D) == 3)
        #expect(span.firstIndex(of: 0x3D, from: 4) == 14)
        #expect(span.firstIndex(of: 0x3D, from: 15) == nil)
        #expect(span.firstIndex(of: 0x6B, from: -1) == nil && span.firstIndex(of: 0x6B, from: 99) == nil)
        #expect(span.lastIndex(of: 0x3D) == 14 && span.lastIndex(of: 0x7C) == nil)
        #expect([UInt8]().span.bytes.firstIndex(of: 0) == nil && [UInt8]().span.bytes.lastIndex(of: 0) == nil)
        #expect(span.byte(at: 19) == 0x72 && span.byte(at: 20) == nil && span.byte(at: -1) == nil)
    }

    @Test func ranges() {
        let span = bytes.span.bytes
        #expect(span.firstRange(of: "key=") == 0 && span.firstRange(of: "key=", from: 1) == 11)
        #expect(span.firstRange(of: "key=", from: 12) == nil && span.firstRange(of: "other", from: 20) == nil)
        #expect(span.firstRange(of: "key", from: 21) == nil && span.firstRange(of: "key", from: -1) == nil)
        #expect(span.hasBytes("value", at: 4) && !span.hasBytes("value", at: 16) && !span.hasBytes("k", at: -1))
        #expect(span.hasBytes("", at: 20) && !span.hasBytes("", at: 21))
    }

    /// A part never reaches outside.
    @Test(arguments: [Int.min, -1, 0, 3, 20, 21, Int.max], [Int.min, -1, 0, 5, 20, Int.max])
    func parts(_ start: Int, _ count: Int) {
        let part = bytes.span.bytes.part(start, count).array
        let from = min(max(start, 0), bytes.count)
        #expect(part == Array(bytes[from..<from + min(max(count, 0), bytes.count - from)]))
    }

    @Test func extents() {
        let span = bytes.span.bytes
        #expect(span.part(Extent(4..<9)).text == "value")
        #expect(span.part(Extent(offset: .max, length: .max)).byteCount == 0)
        #expect(Extent(4..<9).shifted(by: 2) == Extent(6..<11) && Extent(4..<9).end == 9)
        #expect(Extent.empty.isEmpty && Extent(4..<9).range == 4..<9)
    }

    @Test(
        arguments: [
            ("0", 0), ("007", 7), ("18446744073709551615", UInt64.max), ("18446744073709551616", nil),
            ("99999999999999999999", nil), ("000000000000000000001", nil), ("", nil), ("-1", nil), ("+1", nil),
            ("1 ", nil),
            ("1:", nil), ("1/", nil),
        ] as [(String, UInt64?)])
    func decimals(_ text: String, _ value: UInt64?) { #expect(Array(text.utf8).span.bytes.decimal == value) }

    @Test func text() {
        #expect(([0x61, 0xFF] as [UInt8]).span.bytes.text == "a\u{FFFD}")
        #expect(bytes.span.bytes.equals("key=value; key=other") && !bytes.span.bytes.equals("key=value; key=othes"))
    }

    /// UTF-8 validity agrees with the standard library on random bytes and on cut text, at every alignment.
    @Test func validity() {
        var random = Random(2)
        let whole = Array("pure ascii until here \u{E9}\u{20AC}\u{1F600} and on".utf8)
        for round in 0..<4_000 {
            var content = round % 2 == 0 ? whole : random.bytes(Int.random(in: 0...20, using: &random))
            if round % 4 == 0 {
                content[Int.random(in: 0..<content.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            content = Array(content[Int.random(in: 0...content.count, using: &random)...])
            #expect(content.span.bytes.isValidUTF8 == (String(validating: content, as: UTF8.self) != nil))
        }
    }

    /// RFC 3720 appendix B.4 and the check value of the CRC catalogue.
    @Test func checksums() {
        #expect(CRC32C.checksum(Array("123456789".utf8).span.bytes) == 0xE306_9283)
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32).span.bytes) == 0x8A91_36AA)
        #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32).span.bytes) == 0x62A8_AB43)
        #expect(CRC32C.checksum([UInt8](0..<32).span.bytes) == 0x46DD_794E)
        let first = CRC32C.checksum(Array("1234".utf8).span.bytes)
        #expect(CRC32C.checksum(Array("56789".utf8).span.bytes, from: first) == 0xE306_9283)
    }
}
