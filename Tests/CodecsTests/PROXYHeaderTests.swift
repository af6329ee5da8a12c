// SPDX-License-Identifier: Apache-2.0
import Codecs
import Foundation
import Testing
import Wire

@Suite("PROXY protocol header")
struct PROXYHeaderTests {
    typealias Outcome = PROXYHeader.Outcome

    /// What a receiver decides that sees one byte more each time, and how many it had seen then.
    static func decide(_ bytes: [UInt8], maximum: Int = 4_096) -> (outcome: Outcome, seen: Int) {
        var least = 0
        for seen in 0...bytes.count {
            let outcome = PROXYHeader.parse(bytes.span.bytes.part(0, seen), maximum: maximum)
            if case .needMore(let atLeast) = outcome {
                #expect(atLeast > seen && atLeast >= least && atLeast <= max(maximum, PROXYHeader.maximumLine))
                least = atLeast
                continue
            }
            if case .header(_, let length) = outcome { #expect(length == seen && seen >= least) }
            // More bytes change nothing.
            #expect(outcome == PROXYHeader.parse(bytes.span.bytes, maximum: maximum))
            return (outcome, seen)
        }
        return (.needMore(atLeast: least), bytes.count)
    }

    static func text(_ text: String) -> Outcome { decide(Array(text.utf8)).outcome }

    static func ends(_ outcome: Outcome) -> String? {
        guard case .header(let header, _) = outcome else { return nil }
        func end(_ end: PROXYHeader.Endpoint?) -> String { end.map { "\($0.address)|\($0.port)" } ?? "-" }
        return "\(end(header.source)) \(end(header.destination))"
    }

    static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]

    static func binary(_ command: UInt8, _ family: UInt8, _ rest: [UInt8], length: Int? = nil) -> [UInt8] {
        let length = length ?? rest.count
        return signature + [command, family, UInt8(length >> 8), UInt8(length & 255)] + rest
    }

    static let inet: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 7, 0x30, 0x39, 0x02, 0x02]

    @Test("version 1")
    func line() {
        let four = Self.text("PROXY TCP4 192.0.2.1 198.51.100.7 12345 514\r\n<13>x")
        #expect(Self.ends(four) == "192.0.2.1|12345 198.51.100.7|514")
        guard case .header(let header, let length) = four else {
            Issue.record("no header")
            return
        }
        #expect(length == 45 && header.version == .v1 && header.command == .proxy && header.marks == [])
        #expect(header.family == .inet && header.transport == .stream)
        let six = Self.text("PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 65535 0\r\n")
        #expect(Self.ends(six) == "2001:db8::1|65535 192.0.2.1|0")
        #expect(Self.ends(Self.text("PROXY UNKNOWN\r\n")) == "- -")
        #expect(Self.ends(Self.text("PROXY UNKNOWN ffff:: junk\r\n")) == "- -")
        let bare = Self.text("PROXY TCP4 192.0.2.1 198.51.100.7 1 2\n")
        #expect(Self.ends(bare) == "192.0.2.1|1 198.51.100.7|2")
        guard case .header(let marked, _) = bare else { return }
        #expect(marked.marks == .bareLineFeed)
    }

    @Test(
        "version 1 addresses that cannot be used leave the sender unknown",
        arguments: [
            "TCP4 192.0.2.1  198.51.100.7 1 2", "TCP4 192.0.2 198.51.100.7 1 2", "TCP4 2001:db8::1 ::2 1 2",
            "TCP6 192.0.2.1 198.51.100.7 1 2", "TCP6 ::1::0 ::1 1 2", "TCP6 fe80::1%eth0 ::1 1 2",
            "TCP4 192.0.2.1 198.51.100.7 65536 2", "TCP4 192.0.2.1 198.51.100.7 1 -2", "TCP4 a b c d",
        ])
    func unusable(text: String) {
        guard case .header(let header, _) = Self.text("PROXY \(text)\r\n") else {
            Issue.record("no header")
            return
        }
        #expect(header.source == nil && header.destination == nil)
        #expect(header.marks.contains(.unusableAddress))
    }

    @Test("extra words of version 1 are marked")
    func extra() {
        let outcome = Self.text("PROXY TCP4 192.0.2.1 198.51.100.7 1 2 extra words\r\n")
        #expect(Self.ends(outcome) == "192.0.2.1|1 198.51.100.7|2")
        guard case .header(let header, _) = outcome else { return }
        #expect(header.marks == .extraText)
    }

    @Test("what is no header, and what is a broken one")
    func faults() {
        for text in ["<13>x", "PROXX", "proxy TCP4", " PROXY UNKNOWN\r\n", "1 open 0\n", "\r\n\r\n<13>", "\u{16}\u{3}"]
        {
            #expect(Self.text(text) == .none, "\(text)")
        }
        for text in ["", "P", "PROXY", "PROXY UNKNOWN", "PROXY TCP4 192.0.2.1 198.51.100.7 1 2\r", "\r\n\r\n"] {
            guard case .needMore = Self.text(text) else {
                Issue.record("\(text) is decided")
                continue
            }
        }
        for text in [
            "TCP3 1 2 3 4", "", " TCP4 192.0.2.1 198.51.100.7 1 2", "UNKNOWNX", "UDP4 192.0.2.1 192.0.2.2 1 2",
        ] {
            #expect(Self.text("PROXY \(text)\r\n") == .malformed(.protocolName), "\(text)")
        }
        for text in [
            "TCP4", "TCP4 ", "TCP4 192.0.2.1", "TCP4 192.0.2.1 198.51.100.7", "TCP6 ::1 ::2 1", "TCP6 ::1 ::2 1 ",
        ] {
            #expect(Self.text("PROXY \(text)\r\n") == .malformed(.fields), "\(text)")
        }
        let filler = String(repeating: "x", count: 92)
        #expect(Self.ends(Self.text("PROXY UNKNOWN \(filler.dropLast())\r\n")) == "- -")
        #expect(Self.decide(Array("PROXY UNKNOWN \(filler)\r\n".utf8)) == (.malformed(.tooLong), 107))
    }

    @Test("version 2")
    func binary() {
        let (outcome, seen) = Self.decide(Self.binary(0x21, 0x11, Self.inet) + [0x3C])
        #expect(Self.ends(outcome) == "192.0.2.1|12345 198.51.100.7|514" && seen == 28)
        let six = [UInt8](repeating: 0, count: 15) + [1] + [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 12)
        let v6 = Self.decide(Self.binary(0x21, 0x22, six + [0, 1, 0, 2])).outcome
        #expect(Self.ends(v6) == "::1|1 2001:db8::|2")
        guard case .header(let datagram, 52) = v6 else {
            Issue.record("no header")
            return
        }
        #expect(datagram.transport == .datagram && datagram.family == .inet6 && datagram.version == .v2)
        let unix = Self.decide(Self.binary(0x21, 0x31, [UInt8](repeating: 0x61, count: 216))).outcome
        #expect(Self.ends(unix) == "- -")
        #expect(Self.ends(Self.decide(Self.binary(0x21, 0x00, [])).outcome) == "- -")
        // A health check: whatever stands there, it is not about a sender.
        let local = Self.decide(Self.binary(0x20, 0x11, Self.inet)).outcome
        #expect(Self.ends(local) == "- -")
        guard case .header(let check, 28) = local else {
            Issue.record("no header")
            return
        }
        #expect(check.command == .local)
        #expect(Self.ends(Self.decide(Self.binary(0x20, 0xFF, [1, 2, 3])).outcome) == "- -")
    }

    @Test("version 2 faults are told as soon as they are in view")
    func binaryFaults() {
        for (bytes, fault, seen) in [
            (Self.binary(0x11, 0x11, Self.inet), PROXYHeader.Fault.version, 13),
            (Self.binary(0x22, 0x11, Self.inet), .command, 13),
            (Self.binary(0x21, 0x41, Self.inet), .family, 14), (Self.binary(0x21, 0x13, Self.inet), .family, 14),
            (Self.binary(0x21, 0x11, Array(Self.inet.dropLast())), .length, 16),
            (Self.binary(0x21, 0x21, Self.inet), .length, 16), (Self.binary(0x21, 0x31, Self.inet), .length, 16),
            (Self.binary(0x21, 0x11, Self.inet, length: 4_081), .tooLong, 16),
            (Self.binary(0x20, 0x00, [], length: 65_535), .tooLong, 16),
        ] {
            #expect(Self.decide(bytes) == (.malformed(fault), seen))
        }
        let long = Self.binary(0x20, 0x00, [UInt8](repeating: 0, count: 65_535))
        #expect(PROXYHeader.parse(long.span.bytes, maximum: 65_551) == .header(Self.local, length: 65_551))
        #expect(PROXYHeader.parse(long.span.bytes, maximum: 65_550) == .malformed(.tooLong))
    }

    static var local: PROXYHeader {
        var header = PROXYHeader(.v2)
        header.command = .local
        return header
    }

    @Test("extensions are stepped over, a checksum is checked")
    func extensions() {
        let unique: [UInt8] = [0x05, 0, 3, 1, 2, 3]
        let tls: [UInt8] = [0x20, 0, 5, 1, 0, 0, 0, 0]
        let names = "192.0.2.1|12345 198.51.100.7|514"
        #expect(Self.ends(Self.decide(Self.binary(0x21, 0x11, Self.inet + unique + tls + [4, 0, 0])).outcome) == names)
        for broken: [UInt8] in [[5], [5, 0], [5, 0, 1], [5, 255, 255, 0], unique + [4, 0, 9, 1]] {
            let outcome = Self.decide(Self.binary(0x21, 0x11, Self.inet + broken)).outcome
            #expect(Self.ends(outcome) == names)
            guard case .header(let header, _) = outcome else { continue }
            #expect(header.marks == .badExtension)
        }
        var summed = Self.binary(0x21, 0x11, Self.inet + unique + [3, 0, 4, 0, 0, 0, 0] + tls)
        let sum = CRC32C.checksum(summed.span.bytes)
        let at = 16 + 12 + unique.count + 3
        for index in 0..<4 { summed[at + index] = UInt8(truncatingIfNeeded: sum >> UInt32(24 - index * 8)) }
        let whole = Self.decide(summed).outcome
        #expect(Self.ends(whole) == names)
        for index in 16..<summed.count - tls.count where index < 28 || index >= at {
            var changed = summed
            changed[index] ^= 0x10
            #expect(Self.decide(changed).outcome == .malformed(.checksum), "byte \(index)")
        }
        #expect(Self.decide(Self.binary(0x21, 0x11, Self.inet + [3, 0, 2, 0, 0])).outcome == .malformed(.checksum))
    }

    @Test("mutated headers are decided the same way however they come in")
    func mutations() {
        var random = SeededGenerator(state: 107)
        let seeds = [
            Self.binary(0x21, 0x11, Self.inet + [5, 0, 1, 9]), Array("PROXY TCP4 192.0.2.1 198.51.100.7 1 2\r\n".utf8),
            Array("PROXY TCP6 ::1 fe80::1 65535 2\r\n".utf8), Self.binary(0x20, 0, [1, 2, 3]),
        ]
        var headers = 0
        for round in 0..<20_000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0..<1 + random.next() % 3 {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            if case .header(_, let length) = Self.decide(bytes).outcome {
                headers += 1
                #expect(length <= bytes.count)
            }
        }
        #expect(headers > 1_000)
    }
}

/// The peers' vectors.
@Suite("PROXY vectors", .enabled(if: SyslogCases.folder != nil, "shared/cases is not here"))
struct PROXYVectorTests {
    /// `source=AF_INET(1.1.1.1:3333) destination=AF_INET(2.2.2.2:4444)`, as the peer writes it.
    func addresses(_ header: PROXYHeader) -> String {
        func end(_ end: PROXYHeader.Endpoint?) -> String {
            guard let end else { return "-" }
            let (name, left, right) = end.address.isIPv4 ? ("AF_INET", "", "") : ("AF_INET6", "[", "]")
            return "\(name)(\(left)\(end.address)\(right):\(end.port))"
        }
        return "source=\(end(header.source)) destination=\(end(header.destination))"
    }

    @Test("every vector, every chunking")
    func vectors() throws {
        var judged = 0
        for vector in try SyslogCases.load("proxy-protocol-axosyslog.jsonl") {
            let id = try #require(vector["id"] as? String)
            judged += 1
            let (outcome, _) = PROXYHeaderTests.decide(SyslogCases.input(vector))
            // The peer's connection ends after the input: a header that is not whole then is malformed.
            guard case .header(let header, let length) = outcome else {
                #expect(vector["valid"] as? Bool == false, "\(id): \(outcome)")
                continue
            }
            #expect(vector["valid"] as? Bool == true, "\(id)")
            #expect(length == SyslogCases.input(vector).count, "\(id)")
            if let wanted = (vector["expect"] as? [String: Any])?["addresses"] as? String {
                #expect(addresses(header) == wanted, "\(id)")
            }
        }
        #expect(judged > 15)
    }
}
