// SPDX-License-Identifier: Apache-2.0
import Delivery
import Events
import Foundation
import Instruments
import Testing
import Transport
import Wire

/// Feeds against receivers written in Python.
@Suite(.enabled(if: Oracle.hasPython, "needs python3 (or PENSTOCK_PYTHON)"), .serialized)
struct FeedOutputTests {
    private let registry = Registry()
    private let book = LogBook()

    private func events(_ range: Range<Int>, padding: Int = 0) throws -> Batch {
        try batch(
            range.map {
                #"{"class_uid":4001,"time":1767323045678,"severity_id":4,"message":"line \#($0) \#(String(repeating: "x", count: padding))"}"#
            })
    }

    private func output(
        _ port: UInt16, _ carrier: FeedSettings.Carrier, change: (inout FeedSettings) -> Void = { _ in }
    ) throws -> FeedOutput {
        var settings = FeedSettings(name: "siem", host: "127.0.0.1", port: port, carrier: carrier)
        settings.header = SyslogHeader(.rfc5424, host: "plant")
        settings.firstPause = .milliseconds(20)
        settings.longestPause = .milliseconds(100)
        change(&settings)
        return FeedOutput(settings, format: try feedFormat("cef"), version: "1", registry: registry, log: book.logger())
    }

    private func count(_ name: String) -> Int { Int(registry.total(name)) }
    private func dropped(_ reason: String) -> Int {
        Int(registry.dropped(stage: "feed", reason: reason).current)
    }

    private func line(_ number: Int) -> String {
        "<131>1 2026-01-02T03:04:05.678Z plant penstock - - - CEF:0|Penstock|Penstock|1|4001|Event|8|rt=1767323045678 msg=line \(number)"
    }

    @Test func tcpWithLineFeeds() throws {
        let sink = try Receiver(["sink", "tcp", "0", "OUTPUT"])
        let feed = try output(sink.port, .tcp) { $0.framing = .lineFeed }
        feed.start()
        feed.append(try events(0..<3))
        feed.stop()
        #expect(eventually { sink.lines.count == 3 })
        #expect(sink.received == (0..<3).map { line($0) + "\n" }.joined())
        #expect(count("penstock_feed_lines_total") == 3)
        #expect(count("penstock_feed_bytes_total") == sink.received.utf8.count)
    }

    @Test func tcpWithOctetCounting() throws {
        let sink = try Receiver(["sink", "tcp", "0", "OUTPUT"])
        let feed = try output(sink.port, .tcp)
        feed.start()
        feed.append(try events(0..<2))
        feed.stop()
        let wanted = (0..<2).map { "\(line($0).utf8.count) " + line($0) }.joined()
        #expect(eventually { sink.received == wanted }, Comment(rawValue: sink.received))
    }

    @Test func datagramsAndTheOlderHeader() throws {
        let sink = try Receiver(["sink", "udp", "0", "OUTPUT"])
        let feed = try output(sink.port, .udp) { $0.header = SyslogHeader(.rfc3164, facility: 4, host: "plant") }
        feed.start()
        feed.append(try events(0..<1))
        feed.append(try events(1..<2, padding: 70_000))
        feed.append(try events(2..<3))
        feed.stop()
        #expect(eventually { sink.lines.count == 3 })
        #expect(
            sink.lines.first == "<35>Jan  2 03:04:05 plant "
                + line(0).dropFirst(line(0).range(of: "CEF")!.lowerBound.utf16Offset(in: line(0))))
        // Feed values have sizes, so that even this line is a datagram.
        #expect(dropped("too_large") == 0)
    }

    @Test func tlsWithACheckedCertificate() throws {
        let certificates = try Scratch()
        #expect(try Run(packageRoot.appending(path: "certs/make-certs").path, [certificates.path]).status == 0)
        let sink = try Receiver(["sink", "tls", "0", "OUTPUT", certificates.path])
        let context = try TLSContext.client(ca: certificates.path + "/ca.pem")
        let feed = try output(sink.port, .tls(context, serverName: "localhost")) { $0.framing = .lineFeed }
        feed.start()
        feed.append(try events(0..<50))
        feed.stop()
        #expect(eventually { sink.lines.count == 50 }, Comment(rawValue: book.lines.joined(separator: "\n")))

        // The same receiver under another authority: refused, said, and nothing sent.
        let others = try Scratch()
        #expect(try Run(packageRoot.appending(path: "certs/make-certs").path, [others.path]).status == 0)
        let strict = try output(
            sink.port, .tls(try TLSContext.client(ca: others.path + "/ca.pem"), serverName: "localhost"))
        strict.start()
        strict.append(try events(0..<1))
        #expect(eventually { book.lines.contains { $0.hasPrefix("error: feed siem: tls") } })
        strict.stop(timeout: .zero)
        #expect(dropped("shutdown") == 1)
        #expect(sink.lines.count == 50)
    }

    @Test func aReceiverThatComesLateAndGoesAway() throws {
        let scratch = try Scratch()
        let file = try scratch.file("received")
        let first = try Receiver(["sink", "tcp", "0", "OUTPUT"], appendingTo: file)
        let port = first.port
        first.stop()
        let feed = try output(port, .tcp) { $0.framing = .lineFeed }
        feed.start()
        feed.append(try events(0..<100))
        #expect(eventually { book.lines.contains { $0.contains("Connection refused") } })
        #expect(count("penstock_feed_lines_total") == 0)
        let second = try Receiver(["sink", "tcp", "\(port)", "OUTPUT"], appendingTo: file)
        #expect(eventually { second.lines.count == 100 })
        second.stop()
        // A closed connection shows at the next attempt to send.
        feed.append(try events(100..<200))
        usleep(100_000)
        let third = try Receiver(["sink", "tcp", "\(port)", "OUTPUT"], appendingTo: file)
        feed.append(try events(200..<300))
        #expect(eventually { Set(third.lines).count == 300 }, "\(Set(third.lines).count)")
        feed.stop()
        // The log is told of the fault once, not at each attempt.
        #expect(book.lines.filter { $0.hasPrefix("error") }.count <= 3)
        #expect(count("penstock_dropped_total") == 0)
    }

    @Test func aReceiverThatIsDownCostsABoundedQueue() throws {
        let closed = try Receiver(["sink", "tcp", "0", "OUTPUT"])
        let port = closed.port
        closed.stop()
        let feed = try output(port, .tcp) { $0.queueBytes = 64 * 1024 }
        feed.start()
        let total = 40 * 100
        let begun = ContinuousClock.now
        for start in 0..<40 { feed.append(try events(start * 100..<start * 100 + 100)) }
        #expect(ContinuousClock.now - begun < .seconds(30))
        let shed = dropped("queue_full")
        #expect(shed > 0 && shed < total)
        #expect(book.lines.filter { $0.contains("sheds lines") }.count == 1)
        feed.stop(timeout: .milliseconds(50))
        // Every line is somewhere: shed, or left at the end.
        #expect(shed + dropped("shutdown") == total)
        #expect(count("penstock_feed_lines_total") == 0)
    }

    @Test func onlyWhatIsAskedFor() throws {
        let sink = try Receiver(["sink", "tcp", "0", "OUTPUT"])
        let feed = try output(sink.port, .tcp) {
            $0.framing = .lineFeed
            $0.minimumSeverity = 3
            $0.classes = [2004]
            $0.header = SyslogHeader(.none)
        }
        feed.start()
        feed.append(
            try batch([
                #"{"class_uid":2004,"severity_id":4,"message":"yes"}"#,
                #"{"class_uid":2004,"severity_id":2,"message":"low"}"#,
                #"{"class_uid":4001,"severity_id":5,"message":"other"}"#,
            ]))
        feed.stop()
        #expect(eventually { sink.lines.count == 1 })
        #expect(sink.received == "CEF:0|Penstock|Penstock|1|2004|Event|8|msg=yes\n")
    }
}
