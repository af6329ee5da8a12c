// SPDX-License-Identifier: Apache-2.0
import Codecs
import Testing
import Wire

/// Events of Cisco ISE in several messages.
@Suite("Segment joiner")
struct SegmentJoinerTests {
    static let peer = IPAddress("192.0.2.10")

    /// A segment as ISE writes it.
    static func segment(
        _ text: String, _ index: Int, of total: Int, id: Int = 487, host: String = "ise-1", relay: String = "",
        category: String = "CISE_Passed_Authentications"
    ) -> [UInt8] {
        let number = String(id)
        let digits = String(repeating: "0", count: 10 - number.utf8.count) + number
        return Array("<181>\(relay)Mar  5 14:07:09 \(host) \(category) \(digits) \(total) \(index) \(text)\n".utf8)
    }

    /// Hands over the segments and gives what came out, as text with the count of missing segments.
    static func run(
        _ joiner: inout SegmentJoiner<Int>, _ messages: [[UInt8]], from peer: IPAddress? = SegmentJoinerTests.peer,
        at time: Int64 = 0
    ) -> [String] {
        var out: [String] = []
        for (number, message) in messages.enumerated() {
            if !joiner.take(message.span.bytes, from: peer, at: time + Int64(number), number) {
                out.append("as is: " + message.span.bytes.text)
            }
            out += drain(&joiner)
        }
        return out
    }

    static func drain(_ joiner: inout SegmentJoiner<Int>) -> [String] {
        var out: [String] = []
        while let joined = joiner.next() {
            out.append("\(joined.missing) missing: " + joined.bytes.span.bytes.text)
        }
        return out
    }

    @Test("what is no segment is told at once")
    func quick() {
        func may(_ text: String) -> Bool { Array(text.utf8).span.bytes.mayBeISESegment }
        #expect(may("<181>Mar  5 14:07:09 ise-1 CISE_Passed_Authentications 0000000487 2 0 x"))
        #expect(may("<181>Mar 5 14:07:09 ise-1 CISE_Passed_Authentications 0000000487 2 0 x"))
        #expect(may("<6>Mar  5 14:07:09 relay Mar  5 14:07:09 ise-1 CISE_Passed_Authentications 0000000487 2 0 x"))
        for line in SyslogCase.all where !line.line.contains("CISE_") { #expect(!may(line.line), "\(line.line)") }
    }

    @Test("in order, in reverse, in between, and behind a relay")
    func joins() {
        let header = "<181>Mar  5 14:07:09 ise-1 CISE_Passed_Authentications 0000000487 3 0 "
        let parts = [
            Self.segment("a, ", 0, of: 3), Self.segment("b, ", 1, of: 3), Self.segment("c", 2, of: 3),
        ]
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]] {
            var joiner = SegmentJoiner<Int>()
            #expect(Self.run(&joiner, order.map { parts[$0] }) == ["0 missing: " + header + "a, b, c"])
            #expect(joiner.isEmpty && joiner.heldBytes == 0 && joiner.counts.joined == 1)
        }
        var joiner = SegmentJoiner<Int>()
        let relay = "Mar  5 14:07:10 relay-1 "
        let relayed = [Self.segment("a", 0, of: 2, relay: relay), Self.segment("b", 1, of: 2, relay: relay)]
        #expect(
            Self.run(&joiner, relayed)
                == ["0 missing: <181>\(relay)Mar  5 14:07:09 ise-1 CISE_Passed_Authentications 0000000487 2 0 ab"])
    }

    @Test("senders, hosts, categories and ids are kept apart")
    func keys() {
        var joiner = SegmentJoiner<Int>()
        #expect(Self.run(&joiner, [Self.segment("a", 0, of: 2)]) == [])
        #expect(Self.run(&joiner, [Self.segment("b", 1, of: 2)], from: IPAddress("192.0.2.11")) == [])
        #expect(Self.run(&joiner, [Self.segment("c", 1, of: 2)], from: nil) == [])
        #expect(Self.run(&joiner, [Self.segment("d", 1, of: 2, id: 488)]) == [])
        #expect(Self.run(&joiner, [Self.segment("e", 1, of: 2, host: "ise-2")]) == [])
        #expect(Self.run(&joiner, [Self.segment("f", 1, of: 2, category: "CISE_Failed_Attempts")]) == [])
        #expect(joiner.openSets == 6)
        #expect(Self.run(&joiner, [Self.segment("g", 1, of: 2)]).count == 1)
        #expect(joiner.openSets == 5)
        joiner.flush()
        #expect(Self.drain(&joiner).count == 5)
        #expect(joiner.isEmpty && joiner.heldBytes == 0)
    }

    @Test("whole messages and impossible ones are passed on")
    func whole() {
        var joiner = SegmentJoiner<Int>()
        let messages = [
            Self.segment("a", 0, of: 1), Self.segment("a", 2, of: 2), Self.segment("a", 0, of: 100),
            Self.segment("a", 0, of: 99_999_999), Array("<13>Mar  5 14:07:09 h a: x".utf8), [],
            Array("<181>Mar  5 14:07:09 ise-1 CISE_Alarm WARN: x".utf8),
        ]
        #expect(Self.run(&joiner, messages) == messages.map { "as is: " + $0.span.bytes.text })
        #expect(joiner.isEmpty && joiner.counts.refused == 2)
    }

    @Test("a repeated segment is left out only when it is the same")
    func repeats() {
        var joiner = SegmentJoiner<Int>()
        let header = "<181>Mar  5 14:07:09 ise-1 CISE_Passed_Authentications 0000000487 "
        #expect(Self.run(&joiner, [Self.segment("a", 0, of: 2), Self.segment("a", 0, of: 2)]) == [])
        #expect(joiner.counts.repeated == 1)
        // The id begins again with another text, then with another total: what was there goes out.
        #expect(Self.run(&joiner, [Self.segment("A", 0, of: 2)]) == ["1 missing: \(header)2 0 a"])
        #expect(Self.run(&joiner, [Self.segment("B", 1, of: 3)]) == ["1 missing: \(header)2 0 A"])
        #expect(joiner.counts.superseded == 2)
        #expect(Self.run(&joiner, [Self.segment("C", 2, of: 3)]) == [])
        joiner.expire(now: 5_000_000_000)
        #expect(Self.drain(&joiner) == ["1 missing: \(header)3 1 BC"])
    }

    @Test("age")
    func age() {
        var joiner = SegmentJoiner<Int>()
        _ = Self.run(&joiner, [Self.segment("a", 0, of: 2)], at: 1_000)
        _ = Self.run(&joiner, [Self.segment("b", 0, of: 2, id: 500)], at: 3_000_000_000)
        joiner.expire(now: 5_000_000_999)
        #expect(Self.drain(&joiner) == [])
        joiner.expire(now: 5_000_001_000)
        #expect(Self.drain(&joiner).count == 1)
        #expect(joiner.openSets == 1 && joiner.counts.expired == 1)
        // The clock was set back by more than the age.
        joiner.expire(now: -3_000_000_000)
        #expect(Self.drain(&joiner).count == 1)
        #expect(joiner.isEmpty)
    }

    @Test("bounds of sets and bytes give out the oldest")
    func bounds() {
        var limits = SegmentJoiner<Int>.Limits()
        limits.sets = 10
        limits.bytes = 5_000
        var joiner = SegmentJoiner<Int>(limits)
        var out: [String] = []
        for id in 0..<50 { out += Self.run(&joiner, [Self.segment("x", 0, of: 2, id: id)], at: Int64(id)) }
        #expect(joiner.openSets == 10 && out.count == 40 && joiner.counts.evicted == 40)
        for id in 50..<60 {
            let text = String(repeating: "y", count: 1_200)
            out += Self.run(&joiner, [Self.segment(text, 0, of: 2, id: id)], at: Int64(id))
            #expect(joiner.heldBytes <= 5_000)
        }
        joiner.flush()
        out += Self.drain(&joiner)
        #expect(out.count == 60 && joiner.heldBytes == 0)
        // More than may be held at all is passed on.
        let huge = Self.segment(String(repeating: "z", count: 6_000), 0, of: 2, id: 99)
        #expect(Self.run(&joiner, [huge]) == ["as is: " + huge.span.bytes.text])
    }

    @Test("whatever the order, nothing is left out")
    func nothingLost() {
        var random = SeededGenerator(state: 6_488)
        for _ in 0..<60 {
            var limits = SegmentJoiner<Int>.Limits()
            limits.sets = Int(random.next() % 8) + 1
            limits.bytes = Int(random.next() % 2_000) + 200
            var joiner = SegmentJoiner<Int>(limits)
            var sent: Set<String> = []
            var out = ""
            for number in 0..<200 {
                // Each text is there once, so that it can be looked for.
                let text = "<\(number)>"
                sent.insert(text)
                let total = Int(random.next() % 4) + 1
                let message = Self.segment(text, Int(random.next() % 5), of: total, id: Int(random.next() % 6))
                if !joiner.take(message.span.bytes, from: Self.peer, at: Int64(number) * 400_000_000, number) {
                    out += message.span.bytes.text
                }
                if random.next() % 5 == 0 { joiner.expire(now: Int64(number) * 400_000_000) }
                while let joined = joiner.next() { out += joined.bytes.span.bytes.text }
                #expect(joiner.openSets <= limits.sets && joiner.heldBytes <= limits.bytes)
            }
            joiner.flush()
            while let joined = joiner.next() { out += joined.bytes.span.bytes.text }
            let missing = sent.filter { !out.contains($0) }
            #expect(missing == [])
            #expect(joiner.isEmpty && joiner.heldBytes == 0)
        }
    }

    @Test("random mutations")
    func mutations() {
        var random = SeededGenerator(state: 181)
        var joiner = SegmentJoiner<Int>()
        for round in 0..<20_000 {
            var bytes = Self.segment(
                "text", Int(random.next() % 3), of: 3, relay: round % 2 == 0 ? "" : "Mar  5 14:07:10 r ")
            for _ in 0..<(random.next() % 4) where !bytes.isEmpty {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            if round % 3 == 0 { bytes.removeLast(Int(random.next() % UInt64(bytes.count))) }
            _ = joiner.take(bytes.span.bytes, from: nil, at: Int64(round), round)
            while joiner.next() != nil {}
        }
        #expect(joiner.heldBytes <= joiner.limits.bytes)
    }
}
