// SPDX-License-Identifier: Apache-2.0
import Codecs
import Testing
import Wire

@Suite("RELP session")
struct RELPTests {
    @Test("a whole conversation")
    func conversation() {
        var feed = RELPFeed()
        feed.feed(relpOpen)
        #expect(feed.answers == relpOpened)
        feed.feed("2 syslog 7 <13>one\n3 syslog 9 <14>two\n\n\n4 syslog 0\n5 close 0\n")
        #expect(feed.texts == ["<13>one", "<14>two\n\n"])
        #expect(feed.messages.map(\.transaction) == [2, 3])
        #expect(
            feed.answers == relpOpened + "2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 6 200 OK\n5 rsp 6 200 OK\n"
                + "0 serverclose 0\n")
        #expect(feed.last == .close(.closed))
        #expect(feed.session.outstanding == 0 && feed.session.outstandingBytes == 0)
    }

    @Test("nothing is answered before it is acknowledged, and then in order")
    func acknowledging() {
        var feed = RELPFeed(acknowledges: false)
        feed.feed(relpOpen + "2 syslog 1 a\n3 starttls 0\n4 syslog 2 bb\n5 syslog 0\n6 syslog 3 ccc\n")
        #expect(feed.answers == relpOpened)
        #expect(feed.session.outstanding == 3 && feed.session.outstandingBytes == 6)
        #expect(feed.acknowledge(-3) == 0 && feed.acknowledge(0) == 0)
        #expect(feed.acknowledge(2) == 2)
        let middle = relpOpened + "2 rsp 6 200 OK\n3 rsp 11 500 unknown\n4 rsp 6 200 OK\n5 rsp 6 200 OK\n"
        #expect(feed.answers == middle)
        #expect(feed.acknowledge(0) == 0 && feed.answers == middle)
        #expect(feed.acknowledge(1_000) == 1)
        #expect(feed.answers == middle + "6 rsp 6 200 OK\n")
        #expect(feed.session.outstanding == 0 && feed.session.outstandingBytes == 0)
        #expect(feed.acknowledge(1) == 0)
        #expect(feed.last == .needMore)
    }

    @Test("a close waits for what came before it")
    func closing() {
        var feed = RELPFeed(acknowledges: false)
        feed.feed(relpOpen + "2 syslog 1 a\n3 syslog 1 b\n4 close 0\n5 syslog 1 c\n")
        #expect(feed.texts == ["a", "b"])
        #expect(feed.answers == relpOpened && feed.last == .needMore && feed.session.ending == nil)
        feed.acknowledge(1)
        #expect(feed.session.ending == nil)
        feed.acknowledge(1)
        #expect(feed.session.ending == .closed)
        #expect(
            feed.answers == relpOpened + "2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 6 200 OK\n0 serverclose 0\n")
        feed.feed("6 syslog 1 d\n")
        #expect(feed.last == .close(.closed) && feed.texts == ["a", "b"])
    }

    @Test("the server's own close is hinted, and nothing is answered after it")
    func shutdown() {
        var feed = RELPFeed(acknowledges: false)
        feed.feed(relpOpen + "2 syslog 1 a\n")
        feed.close()
        feed.close()
        feed.acknowledge(1)
        #expect(feed.answers == relpOpened + "0 serverclose 0\n")
        feed.run()
        #expect(feed.last == .close(.server))
    }

    @Test("a full window takes nothing more", arguments: [(2, 1 << 20), (100, 3)])
    func window(frames: Int, bytes: Int) {
        var feed = RELPFeed(RELPSession(windowFrames: frames, windowBytes: bytes), acknowledges: false)
        feed.feed(relpOpen + "2 syslog 2 aa\n3 syslog 2 bb\n4 syslog 2 cc\n5 close 0\n")
        #expect(feed.texts == ["aa", "bb"] && feed.last == .windowFull && feed.session.isWindowFull)
        feed.run()
        #expect(feed.texts == ["aa", "bb"])
        feed.acknowledge(1)
        #expect(!feed.session.isWindowFull)
        feed.run()
        #expect(feed.texts == ["aa", "bb", "cc"] && feed.last == .windowFull)
        feed.acknowledge(2)
        feed.run()
        #expect(feed.last == .close(.closed))
        // A message larger than the window is taken alone.
        var large = RELPFeed(RELPSession(windowBytes: 1), acknowledges: false)
        large.feed(relpOpen + "2 syslog 5 abcde\n3 syslog 1 f\n")
        #expect(large.texts == ["abcde"] && large.last == .windowFull)
    }

    @Test("a long session needs a ring that wraps")
    func longSession() {
        var feed = RELPFeed(RELPSession(windowFrames: 50), acknowledges: false)
        feed.feed(relpOpen)
        var answered = 0
        for round in 0..<400 {
            feed.feed("\(round + 2) syslog 3 m\(round % 10)\n\n")
            if round % 7 == 6 || feed.session.isWindowFull { answered += feed.acknowledge(5) }
        }
        answered += feed.acknowledge(1_000)
        #expect(answered == 400 && feed.messages.count == 400)
        let expected = (2..<402).map { "\($0) rsp 6 200 OK\n" }.joined()
        #expect(feed.answers == relpOpened + expected)
    }

    @Test("transaction numbers follow each other, and 1 follows 999,999,999")
    func transactions() {
        for (text, ending) in [
            ("3 syslog 1 a\n", RELPSession.Ending.transaction), ("1 syslog 1 a\n", .transaction),
            ("0 syslog 1 a\n", .transaction), ("0 close 0\n", .transaction), ("2 rsp 6 200 OK\n", .unexpectedAnswer),
        ] {
            var feed = RELPFeed()
            feed.feed(relpOpen + text + "2 syslog 1 b\n")
            #expect(feed.last == .close(ending), "\(text)")
            #expect(feed.answers == relpOpened + "0 serverclose 0\n" && feed.messages.isEmpty)
        }
        var feed = RELPFeed(RELPSession(firstTransaction: 999_999_998), acknowledges: false)
        feed.feed("999999998" + relpOpen.dropFirst() + "999999999 syslog 1 a\n1 syslog 1 b\n2 syslog 1 c\n")
        #expect(feed.texts == ["a", "b", "c"])
        #expect(feed.acknowledge(2) == 2 && feed.acknowledge(1) == 1)
        #expect(
            feed.answers == "999999998" + relpOpened.dropFirst()
                + "999999999 rsp 6 200 OK\n1 rsp 6 200 OK\n2 rsp 6 200 OK\n")
    }

    @Test("offers: a version, and syslog among the commands")
    func offers() {
        func open(_ offers: String) -> String {
            var feed = RELPFeed()
            feed.feed("1 open \(offers.utf8.count)\(offers.isEmpty ? "" : " ")\(offers)\n")
            #expect(feed.session.isOpen == (feed.session.ending == nil))
            return feed.answers
        }
        let one = relpOpened.replacing("version=0", with: "version=1")
        #expect(open("relp_version=0\ncommands=syslog") == relpOpened)
        #expect(open("relp_version=1\ncommands=syslog") == one)
        #expect(open("relp_version=7\ncommands=eventlog,syslog\nfoo\n=\n") == one)
        #expect(open("relp_version=1") == one)
        #expect(open("commands=syslog").hasPrefix("1 rsp 27 500 no relp_version offered\n0 serverclose"))
        #expect(open("relp_version=x\ncommands=syslog").hasPrefix("1 rsp 27 500"))
        #expect(open("").hasPrefix("1 rsp 27 500"))
        #expect(open("relp_version=1\ncommands=syslogs,eventlog").hasPrefix("1 rsp 35 500 syslog"))
    }

    @Test("commands in the wrong place")
    func misplaced() {
        var early = RELPFeed()
        early.feed("1 syslog 1 a\n")
        #expect(early.last == .close(.notOpen) && early.answers == "1 rsp 12 500 not open\n0 serverclose 0\n")
        var feed = RELPFeed()
        // librelp sends open again at times; hints are not answered and have no number of their own.
        feed.feed(relpOpen + "0 serverclose 0\n0 weather 4 rain\n2 open 14 relp_version=0\n3 x 0\n4 syslog 1 a\n")
        #expect(
            feed.answers == relpOpened + "2 rsp 16 200 already open\n3 rsp 11 500 unknown\n4 rsp 6 200 OK\n")
        #expect(feed.texts == ["a"])
    }

    @Test("a message over the maximum is cut, and answered when its end has come")
    func oversize() {
        var feed = RELPFeed(RELPSession(maximum: 4, windowFrames: 1))
        feed.feed(relpOpen.replacing("1 open", with: "1 starttls") + "2 open 14 relp_version=1\n")
        #expect(feed.last == .close(.offers), "offers over the maximum")
        feed = RELPFeed(RELPSession(maximum: 90, windowFrames: 1))
        feed.feed(relpOpen)
        feed.feed("2 syslog 200 " + String(repeating: "a", count: 100))
        #expect(feed.messages.map(\.bytes.count) == [90] && feed.messages[0].originalLength == 200)
        #expect(feed.answers == relpOpened)
        feed.feed(String(repeating: "a", count: 100))
        #expect(feed.answers == relpOpened)
        feed.feed("\n3 syslog 1 b\n")
        #expect(feed.answers == relpOpened + "2 rsp 6 200 OK\n3 rsp 6 200 OK\n")
        feed.feed("4 syslog 92 " + String(repeating: "a", count: 93) + "\n")
        #expect(feed.last == .close(.malformed(.trailer)))
        #expect(feed.answers == relpOpened + "2 rsp 6 200 OK\n3 rsp 6 200 OK\n0 serverclose 0\n")
    }

    @Test("the largest DATALEN needs a bounded buffer")
    func endless() {
        var feed = RELPFeed(RELPSession(maximum: 1_000))
        feed.feed(relpOpen + "2 syslog 999999999 ")
        let chunk = [UInt8](repeating: 0x0A, count: 700)
        for _ in 0..<3_000 { feed.feed(chunk[...]) }
        #expect(feed.largestBuffer <= feed.session.bufferLimit + chunk.count)
        #expect(feed.messages.count == 1 && feed.messages[0].originalLength == 999_999_999)
        #expect(feed.last == .needMore && feed.answers == relpOpened)
    }

    @Test("the outcome does not depend on the chunks")
    func chunks() {
        let streams = [
            relpOpen
                + "2 syslog 7 <13>one\n3 syslog 0\n4 syslog 30 012345678901234567890123456789\n5 x 0 \n6 close 0\n",
            relpOpen + "2 syslog 100 " + String(repeating: "é\n", count: 33) + "x\n3 syslog 001 a\n4 syslog 2 ab;",
            relpOpen + "2 syslog 3 abc\n4 syslog 1 a\n", relpOpen + "2 syslog 3 abc\n<13>no frame\n",
            "\u{16}\u{3}\u{1}TLS", "GET / HTTP/1.1\r\n\r\n", "1 open 0\n",
        ]
        for stream in streams {
            let bytes = Array(stream.utf8)
            let session = RELPSession(maximum: 90, windowFrames: 4)
            let whole = RELPFeed.outcome(bytes, session, chunk: bytes.count)
            for chunk in 1..<bytes.count {
                #expect(
                    RELPFeed.outcome(bytes, session, chunk: chunk) == whole, "\(stream.debugDescription) by \(chunk)")
            }
        }
    }
}

@Suite("RELP frames")
struct RELPFrameTests {
    typealias Fault = RELPFrameReader.Fault

    @Test(
        "each break of the grammar ends the stream",
        arguments: [
            ("x", Fault.transactionNumber), (" 1 syslog 0\n", .transactionNumber), ("-1 open", .transactionNumber),
            ("1234567890 ", .transactionNumber), ("1\nsyslog", .transactionNumber), ("1  syslog", .command),
            ("1 sys1og 0\n", .command), ("1 syslog\n", .command), ("1 [", .command), ("1 @", .command),
            ("1 `", .command),
            ("1 " + String(repeating: "x", count: 33), .command), ("1 syslog  1", .dataLength),
            ("1 syslog x", .dataLength), ("1 syslog -1 ", .dataLength), ("1 syslog 1234567890", .dataLength),
            ("1 syslog 1x", .dataLength), ("1 syslog 1\n", .dataLength), ("1 syslog 1 ab", .trailer),
            ("1 syslog 0x", .trailer), ("1 syslog 0 x", .trailer), ("1 syslog 2 a\nb", .trailer),
        ])
    func faults(text: String, fault: Fault) {
        let bytes = Array(text.utf8)
        var reader = RELPFrameReader()
        // Nothing before the last byte says so: each prefix may still become a frame.
        for count in 0..<bytes.count where text.first?.isNumber == true && fault != .trailer || count == 0 {
            let outcome = reader.next(in: bytes.span.bytes.part(0, count), from: 0)
            if outcome == .malformed(fault) { break }
            #expect(outcome == .needMore, "\(text) at \(count)")
        }
        reader = RELPFrameReader()
        #expect(reader.next(in: bytes.span.bytes, from: 0) == .malformed(fault))
        #expect(reader.next(in: [0x31, 0x20].span.bytes, from: 0) == .malformed(fault))
    }

    @Test("the widest header and an empty frame")
    func widest() {
        var reader = RELPFrameReader(maximum: 8)
        let text = "xx999999999 " + String(repeating: "Z", count: 32) + " 000000003 abc\n12 serverclose 0\n13 open 0 \n"
        let bytes = Array(text.utf8)
        guard case .frame(let frame) = reader.next(in: bytes.span.bytes, from: 2) else {
            Issue.record("no frame")
            return
        }
        #expect(frame.transaction == 999_999_999 && frame.command == .other && frame.originalLength == 3)
        #expect(bytes.span.bytes.part(frame.data).text == "abc" && !frame.isTruncated)
        guard case .frame(let hint) = reader.next(in: bytes.span.bytes, from: frame.consumedTo) else {
            Issue.record("no second frame")
            return
        }
        #expect(hint.command == .serverclose && hint.transaction == 12 && hint.data.isEmpty)
        guard case .frame(let last) = reader.next(in: bytes.span.bytes, from: hint.consumedTo) else {
            Issue.record("no third frame")
            return
        }
        #expect(last.command == .open && last.consumedTo == bytes.count)
        #expect(reader.next(in: bytes.span.bytes, from: last.consumedTo) == .needMore)
    }

    @Test("mutated conversations neither trap nor depend on the chunks")
    func mutations() {
        var random = SeededGenerator(state: 2514)
        let pieces = [
            "2 syslog 5 hello\n", "3 syslog 0\n", "4 syslog 20 01234567890123456789\n", "5 x 1 y\n", "6 close 0\n",
        ]
        var delivered = 0
        for round in 0..<3_000 {
            var bytes = Array((relpOpen + pieces.prefix(1 + round % 5).joined()).utf8)
            for _ in 0..<random.next() % 4 {
                let at = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 4 {
                case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.remove(at: at)
                case 2: bytes.insert(UInt8(ascii: "0") + UInt8(random.next() % 10), at: at)
                default: bytes.swapAt(at, bytes.count - 1)
                }
            }
            let session = RELPSession(maximum: 90, windowFrames: 3)
            let whole = RELPFeed.outcome(bytes, session, chunk: bytes.count)
            delivered += whole.messages.count
            for chunk in [1, 7] {
                #expect(
                    RELPFeed.outcome(bytes, session, chunk: chunk) == whole, "\(String(decoding: bytes, as: UTF8.self))"
                )
            }
        }
        #expect(delivered > 500)
    }
}
