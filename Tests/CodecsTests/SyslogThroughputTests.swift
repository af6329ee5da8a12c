// SPDX-License-Identifier: Apache-2.0
import Codecs
import Foundation
import Testing
import Wire

#if DEBUG
    private let isRelease = false
#else
    private let isRelease = true
#endif

/// What one message costs; the bounds only catch a change of order, the figures are printed with `PENSTOCK_SHOW`.
@Suite("Syslog throughput", .serialized, .enabled(if: isRelease, "figures of a debug build say nothing"))
struct SyslogThroughputTests {
    /// The best of a few rounds in nanoseconds a call.
    func nanoseconds(_ count: Int, _ body: (Int) -> Int) -> Double {
        var best = Double.infinity
        var sum = 0
        for _ in 0..<5 {
            let start = threadSeconds()
            for index in 0..<count { sum &+= body(index) }
            best = min(best, (threadSeconds() - start) * 1e9 / Double(count))
        }
        #expect(sum != 0)
        return best
    }

    @Test("one message")
    func parse() {
        let lines: [(String, String)] = [
            (
                "RFC 5424, 250 bytes",
                #"<165>1 2026-03-05T14:07:09.003123Z plc-gw-07.site1.example.net evntslog 4711 ID47 "#
                    + #"[exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"] "#
                    + String(repeating: "An application event log entry. ", count: 3)
            ),
            (
                "RFC 3164, 150 bytes",
                "<134>Mar  5 10:00:00 plc-gw-07.site1.example.net sshd[31738]: "
                    + String(repeating: "session closed for user admin ", count: 3)
            ),
        ]
        for (name, line) in lines {
            let bytes = Array(line.utf8)
            let parser = SyslogParser()
            let cost = nanoseconds(40_000) { index in
                Int(parser.parse(bytes.span.bytes, receivedAt: SyslogCases.received &+ Int64(index)).message.offset)
            }
            var slab = Slab(capacity: 4_096)
            let message = parser.parse(bytes.span.bytes, receivedAt: SyslogCases.received)
            let json = nanoseconds(10_000) { _ in
                slab.reset()
                SyslogJSON.write(message, of: bytes.span.bytes, by: parser, into: &slab)
                return slab.count
            }
            if ProcessInfo.processInfo.environment["PENSTOCK_SHOW"] != nil {
                print("\(name) (\(bytes.count)): parse \(Int(cost)) ns, JSON \(Int(json)) ns")
            }
            #expect(cost < 5_000, "\(name): \(cost) ns")
        }
    }

    @Test("the table of cases")
    func table() {
        let lines = SyslogCase.all.map { Array($0.line.utf8) }
        let parser = SyslogParser()
        let cost = nanoseconds(100 * lines.count) { index in
            let bytes = lines[index % lines.count]
            return Int(parser.parse(bytes.span.bytes, receivedAt: SyslogCases.received).message.end) + 1
        }
        if ProcessInfo.processInfo.environment["PENSTOCK_SHOW"] != nil {
            print("table of \(lines.count) lines: \(Int(cost)) ns a line")
        }
        #expect(cost < 5_000)
    }

    @Test("a stream of frames")
    func frames() {
        var stream: [UInt8] = []
        let line = String(repeating: "x", count: 240)
        for index in 0..<1_000 { stream += Array((index % 2 == 0 ? "244 <13>\(line)" : "<14>\(line)\n").utf8) }
        let cost = nanoseconds(20) { _ in
            var splitter = FrameSplitter()
            var from = 0
            var count = 0
            while true {
                switch splitter.next(in: stream.span.bytes, from: from, atEnd: false) {
                case .frame(let frame):
                    from = frame.consumedTo
                    count += 1
                    continue
                case .skip(let to):
                    from = to
                    continue
                case .needMore: break
                }
                return count
            }
        }
        if ProcessInfo.processInfo.environment["PENSTOCK_SHOW"] != nil { print("frame: \(Int(cost / 1_000)) ns") }
        #expect(cost / 1_000 < 5_000)
    }
}
