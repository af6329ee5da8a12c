// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Journal
import Testing
import Wire

#if DEBUG
    private let isRelease = false
#else
    private let isRelease = true
#endif

/// What appending costs in CPU time, system calls and the committer's work included. The bound only catches a change of
/// order; `PENSTOCK_SHOW=1 swift test -c release --filter ThroughputTests` prints the figures.
@Suite("Journal throughput", .serialized, .enabled(if: isRelease, "figures of a debug build say nothing"))
struct ThroughputTests {
    private static let words = [
        "session", "closed", "user", "admin", "root", "failed", "password", "accepted", "port", "interface", "down",
        "deny", "permit", "tcp", "udp", "inside", "outside", "policy", "alert", "temperature", "modbus", "write",
        "register", "coil", "timeout", "reset", "connection", "vlan", "switch", "gateway", "historian", "login",
    ]

    /// Lines of three devices with their own fields, numbers and words; about 250 bytes.
    static func line(_ random: inout Random) -> String {
        func number(_ limit: Int) -> Int { Int(random.next() % UInt64(limit)) }
        func word() -> String { words[number(words.count)] }
        let time = "14:\(10 + number(50)):\(10 + number(50))"
        switch number(3) {
        case 0:
            return
                "<189>date=2026-03-05 time=\(time) devname=\"fw-\(number(20))\" devid=\"FG100E\(number(99_999_999))\" "
                + "logid=\"0000000013\" type=\"traffic\" level=\"notice\" srcip=10.\(number(256)).\(number(256)).7 "
                + "srcport=\(number(65_536)) dstip=192.168.\(number(256)).\(number(256)) dstport=\(number(1024)) "
                + "proto=6 action=\"\(word())\" policyid=\(number(100)) sentbyte=\(number(1 << 30))"
        case 1:
            return "<134>1 2026-03-05T\(time).\(number(1_000_000))Z plc-gw-\(number(40)).site\(number(3)).example.net "
                + "sshd \(number(30_000)) ID\(number(100)) - Failed password for \(word()) from "
                + "10.\(number(256)).\(number(256)).\(number(256)) port \(number(65_536)) ssh2: "
                + (0..<9).map { _ in word() }.joined(separator: " ")
        default:
            return "<166>Mar  5 \(time) asa-\(number(20)) %ASA-6-302013: Built inbound TCP connection "
                + "\(number(1 << 30)) for outside:10.\(number(256)).\(number(256)).9/\(number(65_536)) "
                + "(10.0.0.1/\(number(65_536))) to inside:192.168.\(number(256)).4/\(number(1024)) (\(word())) "
                + (0..<11).map { _ in word() }.joined(separator: " ")
        }
    }

    /// CPU seconds of a clock.
    private static func seconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    @Test("appending", arguments: [1, 8, 16, 64, 512])
    func append(size: Int) throws {
        let scratch = Scratch()
        var random = Random(3)
        let show = ProcessInfo.processInfo.environment["PENSTOCK_SHOW"] != nil
        let lines = (0..<4096).map { _ in Array(Self.line(&random).utf8) }
        let mean = lines.reduce(0) { $0 + $1.count } / lines.count
        var options = settings(scratch.path)
        options.commitInterval = 100
        let journal = try open(options)
        let log = try #require(journal.log(0))
        let peers = (0..<8).map { IPAddress(v4: 0x0A00_0001 + UInt32($0)) }
        let count = (show ? 2_000_000 : 20_000) / (size == 1 ? 4 : 1)
        var batch = Batch(table: emptyTable)
        let clock = show ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_THREAD_CPUTIME_ID
        func round(_ isAppending: Bool) throws -> Double {
            let start = Self.seconds(clock)
            var next = 0
            while next < count {
                batch.reset()
                for _ in 0..<size {
                    let line = lines[next % lines.count]
                    batch.append(
                        line.span.bytes, received: 1_772_000_000_000_000_000 + Int64(next) * 3_000,
                        peer: peers[next % 8], peerPort: 40_000, listener: 1, transport: .udp)
                    next += 1
                }
                if isAppending { try log.append(&batch) }
            }
            if isAppending { journal.close() }
            return Self.seconds(clock) - start
        }
        let filling = try round(false)
        let micro = (try round(true) - filling) * 1e6 / Double(count)
        if show {
            let stored = scratch.segments().reduce(0) { $0 + scratch.bytes($1).count }
            print(
                String(
                    format: "%d a batch, %d bytes a frame: %.3f CPU µs a frame, ratio %.2f", size, mean, micro,
                    Double(count * mean) / Double(stored)))
        }
        #expect(micro < 50)
    }
}
