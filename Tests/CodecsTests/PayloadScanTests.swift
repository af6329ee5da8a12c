// SPDX-License-Identifier: Apache-2.0
import Codecs
import Testing
import Wire

/// The scans that look at many bytes at once find what a loop over bytes finds, wherever a window ends.
@Suite("Payload scans")
struct PayloadScanTests {
    static let lines = [
        #"date=2026-03-05 time=14:07:09 devname="FGT-1" logid="0000000013" srcip=10.1.2.3 srccountry="Reserved" "#
            + #"poluuid="707a0d88-c972-51e7-bbc7-4d421660557b" msg="path \"C:\\x\" = y" last="C:\" n=1"#,
        "[12.5] DROP IN=eth0 OUT= MAC=52:54:00:aa:bb:cc:52:54:00:11:22:33:08:00 SRC=192.168.10.21 LEN=60 DF SYN ",
        #"action:"Drop"; flags:"411908"; src: "10.0.0.1"; long:"a; b; c";  peer gateway : 10.0.0.2 ;"#,
        "a=1, b=2 3,c,, key with blanks = value with blanks ,d=\r\n",
    ]
    static let styles: [KeyValue.Style] = [
        .blanks, .semicolons, .commas, .init(separators: [0x09], quote: nil, trimsBlanks: false),
        .init(separators: [0x7C, 0x3B], assign: 0x3A, quote: 0x27), .init(separators: [0], assign: 0x20),
    ]

    func compare(_ bytes: [UInt8], _ style: KeyValue.Style) {
        let span = bytes.span.bytes
        var reader = KeyValue(span, style: style)
        for expected in PayloadModel.pairs(bytes, style) {
            let pair = reader.next().map {
                PayloadModel.Pair(key: $0.key, value: $0.value, isFlag: $0.isFlag, isQuoted: $0.isQuoted)
            }
            guard pair == expected else {
                Issue.record("\(String(describing: pair)) is not \(expected) in \(bytes.debugText)")
                return
            }
        }
        #expect(reader.next() == nil && reader.next() == nil, "\(bytes.debugText)")
    }

    /// The same pairs, whichever key is expected.
    func compareExpecting(_ bytes: [UInt8], _ style: KeyValue.Style, _ random: inout SeededGenerator) {
        let span = bytes.span.bytes
        var reader = KeyValue(span, style: style)
        let all = PayloadModel.pairs(bytes, style)
        for (number, expected) in all.enumerated() {
            // Mostly the right one, else another of the line, or none.
            let other = Int(random.next() % UInt64(all.count))
            let key = all[random.next() % 4 > 0 ? number : other].key
            let isUnknown = random.next() % 8 == 0
            let known = reader.next(expecting: KeyValue.Key(isUnknown ? [] : Array(bytes[key.range])))
            if let known, bytes[known.key.range] != bytes[key.range] || isUnknown {
                Issue.record("\(known) has another key in \(bytes.debugText)")
            }
            let pair = (known ?? reader.next()).map {
                PayloadModel.Pair(key: $0.key, value: $0.value, isFlag: $0.isFlag, isQuoted: $0.isQuoted)
            }
            guard pair == expected else {
                Issue.record("\(String(describing: pair)) is not \(expected) in \(bytes.debugText)")
                return
            }
        }
        #expect(reader.next(expecting: KeyValue.Key(Array("date".utf8))) == nil && reader.next() == nil)
    }

    @Test("key-value text with expected keys")
    func expected() {
        var random = SeededGenerator(state: 6)
        let alphabet = Array("=:,;| \t\"'\\\r\n\0abc\u{FF}".utf8)
        for round in 0..<2_000 {
            var bytes = Array(repeating: 0x20, count: round % 7) + Array(Self.lines[round % Self.lines.count].utf8)
            for _ in 0..<(random.next() % 8) {
                let index = Int(random.next() % UInt64(bytes.count))
                bytes[index] = alphabet[Int(random.next() % UInt64(alphabet.count))]
            }
            compareExpecting(bytes, Self.styles[Int(random.next() % UInt64(Self.styles.count))], &random)
        }
        // Most pairs of a plain line are known by their keys.
        let bytes = Array(Self.lines[0].utf8)
        let span = bytes.span.bytes
        var reader = KeyValue(span)
        var found = 0
        for pair in PayloadModel.pairs(bytes, .blanks).prefix(7)
        where reader.next(expecting: .init(Array(bytes[pair.key.range]))) != nil { found += 1 }
        #expect(found == 7)
    }

    func compareExtension(_ bytes: [UInt8], _ separator: UInt8) {
        let span = bytes.span.bytes
        var reader = CEF.Pairs(span, Extent(0..<bytes.count), separator: separator)
        for expected in PayloadModel.extensionPairs(bytes, separator: separator) {
            guard let pair = reader.next(), pair == expected else {
                Issue.record("not \(expected) in \(bytes.debugText)")
                return
            }
        }
        #expect(reader.next() == nil, "\(bytes.debugText)")
    }

    @Test("key-value text at every offset of a window")
    func offsets() {
        for line in Self.lines {
            for style in Self.styles {
                for shift in 0..<70 { compare(Array(repeating: 0x78, count: shift) + Array(line.utf8), style) }
                for end in 0...line.utf8.count { compare(Array(line.utf8.prefix(end)), style) }
            }
        }
    }

    @Test("mutated key-value text")
    func mutations() {
        var random = SeededGenerator(state: 4)
        let alphabet = Array("=:,;| \t\"'\\\r\n\0abc\u{FF}".utf8)
        for round in 0..<6_000 {
            var bytes = Array(Self.lines[round % Self.lines.count].utf8)
            for _ in 0..<(random.next() % 12) {
                let index = Int(random.next() % UInt64(bytes.count))
                bytes[index] = alphabet[Int(random.next() % UInt64(alphabet.count))]
            }
            compare(bytes, Self.styles[Int(random.next() % UInt64(Self.styles.count))])
        }
    }

    @Test("mutated CEF extensions")
    func extensions() {
        var random = SeededGenerator(state: 5)
        let alphabet = Array("== \t\n\\_-.[]{}/@Z^9:,ab\u{FF}".utf8)
        let line =
            "src=10.0.0.1 msg=a text \\= with = signs cs1Label=The name  custom.key[0]=v "
            + "aVeryLongKeyOfMoreThanSixteenBytes=x \tk=\n m="
        for round in 0..<6_000 {
            var bytes = Array(line.utf8.dropFirst(round % 40))
            for _ in 0..<(random.next() % 12) {
                let index = Int(random.next() % UInt64(bytes.count))
                bytes[index] = alphabet[Int(random.next() % UInt64(alphabet.count))]
            }
            compareExtension(bytes, round % 3 == 0 ? 0x2C : 0x20)
        }
        // A run of 256 key characters is a key, one of 257 is none.
        for count in 250...260 {
            compareExtension(Array(("a=1 " + String(repeating: "k", count: count) + "=2").utf8), 0x20)
        }
    }

    @Test("a line of headers without an end is looked at once")
    func headers() {
        for text in [" CEF:", " CEF:0", " LEEF:1.0", "CEF:0|\\|"] {
            let bytes = Array(String(repeating: text, count: 200_000 / text.utf8.count).utf8)
            let start = threadSeconds()
            let span = bytes.span.bytes
            #expect(CEF(span) == nil || text.contains("|"))
            #expect(LEEF(span) == nil)
            // Microseconds when it is looked at once, many seconds when it is not.
            #expect(threadSeconds() - start < 1, "\(text)")
        }
    }
}

extension [UInt8] {
    var debugText: String { String(decoding: self, as: UTF8.self).debugDescription }
}
