// SPDX-License-Identifier: Apache-2.0
import Codecs
import Foundation
import Testing
import Wire

/// The short ways of reader and writer must come to what the careful ones come to: a leading blank makes the careful
/// reader read a line, an id makes the careful writer write it. The bytes stand between pages that cannot be read, so that
/// a block which reaches outside of them ends the test.
@Suite("Syslog fast path")
struct SyslogFastPathTests {
    static let seeds = [
        #"<165>1 2026-03-05T14:07:09.003Z plc-gw.site1 evntslog 4711 ID47 [ex@32473 a="1" b="x y"] hello "you" C:\x"#,
        #"<14>1 2026-03-05T15:07:09.5+01:00 rtu-4 scada 17 - [s@1 a="i=3" u="P<|}"][q@1][r z=""] within limits"#,
        #"<0>1 2026-03-05T15:07:09-00:30 - - - - - "# + String(repeating: "\"\\", count: 24),
        #"<14>1 - h a p m - Grenzwert überschritten: 85,5 °C bei Kessel 83, Ventil "VLV-3" schließt"#,
        #"<191>9 2026-03-05T15:07:09.123456Z r"t\u s<c|a}d]a= 17 m [a<b|c}d e}f="g<h|i}j=k l"] tex<t|"\ and more"#,
        #"<14>1 2026-02-28T23:59:59Z "# + String(repeating: "h", count: 70) + " app 1 m [a@1 b=\"c\"] x",
        "<14>1 2026-03-05T14:07:09Z h a p m - \u{FEFF}caf\u{E9} \"x\" and enough behind it to fill a block or two",
        "<14>1 2026-03-05T14:07:09Z h a p m [i k=\"v\"] tab\tand\u{1}controls\u{7F} \"quoted\" \u{E9} and so on and on",
        "<13>Mar  5 10:00:00 plc-gw-07.site1 sshd[31738]: session \"closed\" for user admin\\root",
        "<14>1 2026-03-05T14:07:09Z h a p m [i k=\"v\"]",
    ]

    /// The marks that a message which meets RFC 5424 may have.
    static let harmless: SyslogProblems = [
        .timeOfReceipt, .timeOutOfRange, .byteOrderMark, .textRepaired, .lineBreakInside, .controlCharacters,
    ]

    /// Room between two pages that cannot be read.
    final class Room {
        static let page = 4_096
        static let size = 4 * page
        private let base: UnsafeMutableRawPointer

        init() throws {
            let made = mmap(
                nil, Room.size + 2 * Room.page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            base = try #require(made != MAP_FAILED ? made : nil)
            mprotect(base, Room.page, PROT_NONE)
            mprotect(base + Room.page + Room.size, Room.page, PROT_NONE)
        }

        deinit { munmap(base, Room.size + 2 * Room.page) }

        /// Calls `body` with a copy of `bytes` that ends, or begins, where the room does.
        func with<Result>(_ bytes: [UInt8], atEnd: Bool, _ body: (RawSpan) -> Result) -> Result {
            let start = base + Room.page + (atEnd ? Room.size - bytes.count : 0)
            bytes.withUnsafeBytes { if let from = $0.baseAddress { start.copyMemory(from: from, byteCount: $0.count) } }
            return body(UnsafeRawBufferPointer(start: start, count: bytes.count).bytes)
        }
    }

    /// What one line leaves to the next.
    struct Scratch: ~Copyable {
        var memory = SyslogMemory()
        /// Where JSON is written: full of what has to be escaped, so that what a block takes too much of it shows.
        var slab = Slab(capacity: 1 << 17)

        init() { slab.append(String(repeating: "\"", count: 1 << 17)) }
    }

    /// Compares both ways for one line; tells whether it is strict.
    func compare(
        _ bytes: [UInt8], _ room: Room, atEnd: Bool, _ scratch: inout Scratch
    ) -> Bool {
        let parser = SyslogParser()
        scratch.slab.reset()
        scratch.slab.append("before")
        let (message, line) = room.with(bytes, atEnd: atEnd) { span in
            let message = parser.parse(span, receivedAt: 1)
            let extent = SyslogFastPathTests.write(message, span, parser, &scratch.slab)
            return (message, scratch.slab.bytes(extent).array)
        }
        let careful = SyslogJSON.line(message, of: bytes.span.bytes, by: parser, id: "1")
        let isSameText = careful.dropFirst("{\"id\":1,".utf8.count).dropLast().elementsEqual(line.dropFirst(1))
        #expect(isSameText, "\(bytes)")
        let isUntouched = scratch.slab.bytes.hasBytes("before")
        #expect(isUntouched)
        let again = parser.parse(bytes.span.bytes, receivedAt: 1, remembering: &scratch.memory)
        #expect(again.timestamp == message.timestamp && again.problems == message.problems, "\(bytes)")
        guard message.format == .rfc5424, bytes.first == 0x3C else { return false }
        let other = parser.parse(([0x20] + bytes).span.bytes, receivedAt: 1)
        #expect(other.problems == message.problems.union(.extraBlank), "\(bytes)")
        #expect(message.isStrict == (message.faultOffset < 0), "\(bytes)")
        // Text that is no UTF-8 is a fault in some places, and none in others.
        if !message.problems.contains(.textRepaired) {
            let isHarmless = message.problems.isSubset(of: SyslogFastPathTests.harmless)
            #expect(message.isStrict == isHarmless, "\(bytes)")
        }
        #expect(
            other.timestamp == message.timestamp && other.zoneOffset == message.zoneOffset
                && other.priority == message.priority && other.version == message.version
                && other.timeAssumptions == message.timeAssumptions, "\(bytes)")
        for (one, two) in [
            (message.priorityText, other.priorityText), (message.timestampText, other.timestampText),
            (message.hostname, other.hostname), (message.appname, other.appname), (message.procid, other.procid),
            (message.msgid, other.msgid), (message.structuredData, other.structuredData),
        ] {
            #expect(one.length == two.length && (one.isEmpty || one.shifted(by: 1) == two), "\(bytes)")
        }
        #expect(message.message.shifted(by: 1) == other.message, "\(bytes)")
        return message.isStrict
    }

    static func write(
        _ message: SyslogMessage, _ bytes: RawSpan, _ parser: SyslogParser, _ slab: inout Slab
    ) -> Extent {
        let start = slab.count
        SyslogJSON.write(message, of: bytes, by: parser, into: &slab)
        return Extent(start..<slab.count)
    }

    @Test("mutations of valid lines, at every length")
    func mutations() throws {
        var random = SeededGenerator(state: 32_473)
        let room = try Room()
        var scratch = Scratch()
        let odd = Array("<>[]\"\\ =:-%1}|{\t\n\0.Z+".utf8) + [0x7F, 0x80, 0xC3, 0xA9, 0xEF, 0xFF]
        var strict = 0
        for round in 0..<6_030 {
            var bytes = Array(Self.seeds[Int(random.next() % UInt64(Self.seeds.count))].utf8)
            for _ in 0..<(random.next() % 4) {
                let position = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 4 {
                case 0: bytes.insert(odd[Int(random.next() % UInt64(odd.count))], at: position)
                case 1: bytes.remove(at: position)
                case 2: bytes.insert(bytes[position], at: position)
                default: bytes[position] = odd[Int(random.next() % UInt64(odd.count))]
                }
            }
            // Every length from 0 to 200: cut, or with more text.
            let length = round % 201
            if round % 3 != 0 {
                bytes = Array(bytes.prefix(length))
                while round % 3 == 1, bytes.count < length { bytes.append(odd[bytes.count % odd.count]) }
            }
            if compare(bytes, room, atEnd: round % 2 == 0, &scratch) { strict += 1 }
        }
        #expect(strict > 1_000, "\(strict)")
    }

    /// Names, values and fields of every length around the windows of 16 and 64 bytes and the limits of the grammar.
    @Test("lines put together at random")
    func assembled() throws {
        var random = SeededGenerator(state: 5_424)
        let room = try Room()
        var scratch = Scratch()
        func word(_ most: Int, _ letters: [UInt8]) -> [UInt8] {
            (0..<Int(random.next() % UInt64(most + 1))).map { _ in letters[Int(random.next() % UInt64(letters.count))] }
        }
        let plain = Array("abcdefgh0123456789.-@%_".utf8)
        let valued = Array("abc def=<|}>{[0123".utf8)
        let texted = Array("abc def \"\\=]0123456789 klm".utf8)
        var strict = 0
        for round in 0..<3_000 {
            var bytes = Array("<\(random.next() % 200)>1 2026-03-05T14:07:09Z".utf8)
            for limit in [255, 48, 128, 32] {
                let most = round % 9 == 0 ? limit + 1 : round % 2 == 0 ? 12 : 30
                bytes += [0x20] + word(most, plain) + (random.next() % 8 == 0 ? [0x22] : [0x61])
            }
            bytes.append(0x20)
            let elements = random.next() % 4 == 0 ? random.next() % 6 : 1
            if elements == 0 { bytes.append(0x2D) }
            for _ in 0..<elements {
                bytes += [0x5B] + word(round % 5 == 0 ? 33 : 8, plain)
                for _ in 0..<(random.next() % 4) {
                    bytes += [0x20] + word(round % 7 == 0 ? 34 : 10, plain) + Array("=\"".utf8)
                    bytes += word(round % 4 == 0 ? 60 : 14, valued)
                    if random.next() % 12 == 0 { bytes += Array(#"\"\\\]"#.utf8) }
                    bytes.append(0x22)
                }
                bytes.append(0x5D)
            }
            if random.next() % 4 > 0 { bytes += [0x20] + word(90, texted) }
            if compare(bytes, room, atEnd: round % 2 == 0, &scratch) { strict += 1 }
        }
        #expect(strict > 1_000, "\(strict)")
    }

    /// The largest growth: every byte of the text is escaped, every element of structured data is as short as can be.
    @Test("text that grows most", arguments: [0, 1, 15, 16, 17, 31, 32, 33, 64, 1_000, 9_000])
    func growth(count: Int) throws {
        let room = try Room()
        var scratch = Scratch()
        for letter in ["\"", "\u{1}", "\u{7F}", "é", "\""] {
            let text = String(repeating: letter, count: count)
            _ = compare(Array("<14>1 - h a p m - \(text)".utf8).prefix(16_000).map { $0 }, room, atEnd: true, &scratch)
            _ = compare(
                Array("<13>Mar  5 10:00:00 h a: \(text)".utf8).prefix(16_000).map { $0 }, room, atEnd: false, &scratch)
        }
        let names = (0..<4).map { "[\($0)]" }.joined()
        let isShortest = compare(Array("<14>1 - h a p m \(names)".utf8), room, atEnd: true, &scratch)
        #expect(isShortest)
        let many = (0..<count).map { "[\($0) a=\"\"]" }.joined()
        if count > 0, many.utf8.count < 16_000 {
            let isMany = compare(Array("<14>1 - h a p m \(many) x".utf8), room, atEnd: true, &scratch)
            #expect(isMany)
        }
    }

    /// The writer trusts what the parser found, but never where it lies: other bytes than those parsed give other text, and
    /// nothing outside of them is read.
    @Test("a message with other bytes")
    func otherBytes() throws {
        let room = try Room()
        let parser = SyslogParser()
        var random = SeededGenerator(state: 7)
        for seed in Self.seeds {
            let bytes = Array(seed.utf8)
            var message = parser.parse(bytes.span.bytes, receivedAt: 0)
            for length in 0..<bytes.count {
                var other = Array(bytes.prefix(length))
                for index in other.indices where random.next() % 3 == 0 { other[index] = UInt8(random.next() % 128) }
                message.hostname.length = UInt32(random.next() % 300)
                message.message = Extent(offset: UInt32(random.next() % 60), length: UInt32(random.next() % 200))
                // An element that has no end, or ends where the bytes do.
                let open = Int(random.next() % 200)
                message.structuredData = Extent(open..<max(open, length - Int(random.next() % 20)))
                for index in other.indices.dropFirst(open) { other[index] = index == open ? 0x5B : 0x61 }
                var slab = Slab(capacity: 256)
                let count = room.with(other, atEnd: true) {
                    Int(SyslogFastPathTests.write(message, $0, parser, &slab).length)
                }
                #expect(count > 100)
            }
        }
    }
}
