// SPDX-License-Identifier: Apache-2.0
import Codecs
import Foundation
import Testing
import Wire

/// Every payload reader over mutated and over long lines of products: it ends in time that grows with the line, and what
/// it gives lies inside the line, in order. `PENSTOCK_FUZZ_SECONDS_EACH` makes each test go on for so long.
@Suite("Payload fuzz", .serialized)
struct PayloadFuzzTests {
    static let lines = [
        #"date=2026-03-05 time=14:07:09 devname="FGT-1" msg="path \"C:\\x\" = y" srcip=10.1.2.3 last="C:\" n=1 flag"#,
        #"action:"Drop"; flags:"411908"; src: "10.0.0.1"; long:"a; b; c";  peer gateway : 10.0.0.2 ;"#,
        "a=1, b=2 3,c,, key with blanks = value with blanks ,d=\r\n",
        #"CEF:0|a\|b|c\\|1.0|id=1|x = y|5|msg=a\=b c  src=1.2.3.4 path=C:\new\\table act=x\ny cs1Label=The Name k="#,
        "LEEF:2.0|v|p|1|e|x5E|a=1^b=2 3^^c==^d", "LEEF:1.0|v|p|1|e|a=1\tb=x|y\tdevTime=Mar 05 2026 14:07:09",
        #"1,"a, b","say ""x""",,2,"open \"x\"""#, "host#011MSWinEventLog#0111#011Security#011",
        "<Event xmlns='u'><System><Provider Name=\"A &amp; B\"/><T>x</T></System><D><!-- c --><![CDATA[<k>]]></D></Event>",
        #"[ex@32473 iut="3" text="a \"b\" \] \\"][id x][ id k= "v"] rest"#, "2026-03-05T14:07:09.250+01:00 fw up",
        "Mar  5 2026 14:07:09.123 CET: x", "05/Mar/2026:14:07:09 +0100", "3/5/2026 2:07:09 PM", "1772719629.250", "",
    ].map { Array($0.utf8) }

    static let tokens =
        [[0], [0xFF], [0xC3]]
        + [
            "\"", "\\", "=", ",", " ", "'", "|", ":", ";", "^", "<", ">", "/>", "&", "]", "[", "%", "\t", "\r\n",
            "#011",
        ]
        .map { Array($0.utf8) } + ["<a b='", "<![CDATA[", "<!--", "9999999999", "\u{FEFF}"].map { Array($0.utf8) }

    static let styles: [KeyValue.Style] = [
        .blanks, .semicolons, .commas, .init(separators: [0x09], quote: nil, trimsBlanks: false),
        .init(separators: [0x7C, 0x3B], assign: 0x3A, quote: 0x27), .init(separators: [0x20, 0x2C]),
        .init(separators: [0], assign: 0x20),
    ]

    private struct Rounds: Sequence, IteratorProtocol {
        private let end = ProcessInfo.processInfo.environment["PENSTOCK_FUZZ_SECONDS_EACH"].flatMap { Int($0) }.map {
            ContinuousClock.now + .seconds($0)
        }
        private let count: Int
        private var number = 0

        init(_ count: Int) { self.count = count }

        mutating func next() -> Int? {
            guard end.map({ ContinuousClock.now < $0 }) ?? (number < count) else { return nil }
            number += 1
            return number - 1
        }
    }

    private static func mutated(_ random: inout SeededGenerator) -> [UInt8] {
        func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
        var bytes = lines[below(lines.count)]
        for _ in 0...below(5) {
            let at = below(bytes.count + 1)
            let end = Swift.min(bytes.count, at + 1 + below(20))
            switch below(6) {
            case 0: bytes.removeSubrange(at..<end)
            case 1: bytes.insert(contentsOf: bytes[at..<end], at: at)
            case 2: bytes.insert(contentsOf: tokens[below(tokens.count)], at: at)
            case 3: bytes.removeSubrange(at...)
            case 4:
                let other = lines[below(lines.count)]
                let start = below(other.count + 1)
                bytes.insert(contentsOf: other[start..<Swift.min(other.count, start + 40)], at: at)
            default: if at < bytes.count { bytes[at] = UInt8(truncatingIfNeeded: random.next()) }
            }
        }
        return bytes
    }

    /// What the readers give, checked; how many values it was.
    private static func walk(_ bytes: [UInt8], _ slab: inout Slab) -> Int {
        let span = bytes.span.bytes
        var count = 0
        var end: UInt32 = 0
        var isSound = true
        func take(_ extent: Extent) {
            guard !extent.isEmpty else { return }
            isSound = isSound && extent.offset >= end && Int(extent.end) <= bytes.count
            end = extent.end
            count += 1
        }
        func begin() {
            slab.reset()
            end = 0
        }
        func copied(_ copy: Extent, _ extent: Extent) { isSound = isSound && copy.length <= extent.length }
        for style in styles {
            begin()
            var reader = KeyValue(span, style: style)
            while let pair = reader.next() {
                take(pair.key)
                take(pair.value)
                let hasEscapes = pair.isQuoted && span.part(pair.value).firstIndex(of: 0x5C) != nil
                isSound = isSound && (pair.mayHaveEscapes || !hasEscapes)
                if let quote = style.quote, pair.isQuoted {
                    copied(KeyValue.unescape(span.part(pair.value), quote: quote, into: &slab), pair.value)
                }
            }
        }
        if let header = CEF(span) {
            for separator in [0x20, 0x2C] as [UInt8] {
                begin()
                for field in [header.vendor, header.product, header.deviceVersion, header.classID, header.name] {
                    take(field)
                    copied(CEF.unescapeHeader(span.part(field), into: &slab), field)
                }
                take(header.severity)
                var pairs = header.pairs(of: span, separator: separator)
                while let (key, value) = pairs.next() {
                    take(key)
                    take(value)
                    copied(CEF.unescapeValue(span.part(value), into: &slab), value)
                }
            }
        }
        if let header = LEEF(span) {
            for delimiter in [nil, 0x5E, 0x09] as [UInt8?] {
                begin()
                for field in [header.vendor, header.product, header.productVersion, header.eventID] { take(field) }
                var pairs = header.pairs(of: span, delimiter: delimiter)
                while let pair = pairs.next() {
                    take(pair.key)
                    take(pair.value)
                }
            }
        }
        for separator in [",", "\t", "#011"] {
            for hasBackslashes in [false, true] {
                begin()
                guard let style = CSV.Style(separatorText: separator, hasBackslashes: hasBackslashes, trimsBlanks: true)
                else { continue }
                var reader = CSV(span, style: style)
                while let field = reader.next() {
                    take(field.value)
                    if field.hasEscapes {
                        copied(CSV.unescape(span.part(field.value), style, into: &slab), field.value)
                    }
                }
            }
        }
        begin()
        var elements = EventXML(span)
        while let token = try? elements.next() {
            switch token {
            case .start(let name): take(name)
            case .attribute(let name, let value):
                take(name)
                take(value.extent)
                copied(EventXML.unescape(span.part(value.extent), into: &slab), value.extent)
            case .text(let value):
                take(value.extent)
                copied(EventXML.unescape(span.part(value.extent), into: &slab), value.extent)
            case .end: break
            }
            isSound = isSound && elements.depth <= EventXML.maximumDepth
        }
        begin()
        var data = StructuredData(span)
        while let step = data.next() {
            switch step {
            case .element(let name): take(name)
            case .parameter(let name, let value):
                take(name)
                take(value)
                copied(StructuredData.unescape(span.part(value), into: &slab), value)
            }
        }
        isSound = isSound && data.end <= bytes.count
        var fields: [Extent] = []
        for text in ["%{a} %{b}", "%{a->}=%{b},%{c}", #"<%{a}>%{b->} %{c}: %{}"%{d}""#] {
            guard let pattern = try? Dissect.Pattern(text), pattern.match(span, into: &fields) else { continue }
            begin()
            isSound = isSound && fields.count == pattern.names.count
            for field in fields { take(field) }
        }
        let zone = SyslogZone(named: "Europe/Vienna") ?? .utc
        for start in [0, bytes.count / 2] {
            if LogTime.read(span.part(start, bytes.count), zone: zone, receivedAt: SyslogCases.received) != nil {
                count += 1
            }
        }
        #expect(isSound, "\(bytes.debugText)")
        return count
    }

    @Test("mutated lines")
    func mutations() {
        var slab = Slab(capacity: 4_096)
        var (rounds, found) = (0, 0)
        for round in Rounds(20_000) {
            var random = SeededGenerator(state: UInt64(round))
            rounds += 1
            found += Self.walk(Self.mutated(&random), &slab)
        }
        #expect(found > 20 * rounds)
    }

    /// A line of 64 KiB that repeats a piece costs no more than so many nanoseconds a byte, whatever the piece is.
    @Test("long lines")
    func longLines() {
        var slab = Slab(capacity: 65_536)
        var slowest = 0.0
        for round in Rounds(60) {
            var random = SeededGenerator(state: UInt64(round))
            func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
            var bytes = Self.mutated(&random)
            let at = below(bytes.count + 1)
            var piece = Array(bytes[at..<Swift.min(bytes.count, at + 1 + below(30))])
            if piece.isEmpty || below(2) == 0 { piece = Self.tokens[below(Self.tokens.count)] }
            bytes.insert(contentsOf: repeatElement(piece, count: 65_536 / piece.count).joined(), at: at)
            let began = clock()
            _ = Self.walk(bytes, &slab)
            let time = Double(clock() - began) / Double(CLOCKS_PER_SEC)
            // Some twenty walks, of values that are a byte long at worst.
            #expect(time < 1, "round \(round): \(time) s, \(piece.debugText) at \(at)")
            slowest = max(slowest, time)
        }
        print("long lines: at most \(slowest) s for all readers")
    }

    /// Whatever stands for a date is one that the calendar has, or none.
    @Test("dates")
    func dates() {
        let seeds = [
            "2026-03-05T14:07:09.250+01:00", "2026/03/05 14:07:09", "05/Mar/2026:14:07:09 +0100", "3/5/2026 2:07:09 PM",
            "Mar  5 14:07:09.123", "Mar 05 2026 14:07:09 CEST", "1772719629.250", "1772719629250123", "20260305140709",
            "Thu Mar  5 14:07:09 2026", "2026-03-05 14:07:09,250",
        ].map { Array($0.utf8) }
        let pieces = Array("0123456789/:-+.,TZ APMarjn\u{FF}".utf8)
        let zone = SyslogZone(named: "America/New_York") ?? .utc
        var found = 0
        var rounds = 0
        for round in Rounds(60_000) {
            rounds += 1
            var random = SeededGenerator(state: UInt64(round))
            func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
            var bytes = seeds[below(seeds.count)]
            for _ in 0...below(3) where !bytes.isEmpty {
                let at = below(bytes.count)
                switch below(3) {
                case 0: bytes[at] = pieces[below(pieces.count)]
                case 1: bytes.remove(at: at)
                default: bytes.insert(pieces[below(pieces.count)], at: at)
                }
            }
            guard let time = LogTime.read(bytes.span.bytes, zone: zone, receivedAt: SyslogCases.received) else {
                continue
            }
            found += 1
            // What was read can be written and read again: it is a day of the calendar.
            let text = Array(RFC3339.text(time, digits: 9).utf8)
            let again = LogTime.read(text.span.bytes, receivedAt: SyslogCases.received)
            #expect(again == time, "\(bytes.debugText): \(text.debugText)")
        }
        #expect(found > rounds / 8)
    }
}
