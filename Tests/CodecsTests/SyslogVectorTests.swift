// SPDX-License-Identifier: Apache-2.0
import Codecs
import Foundation
import Testing
import Wire

/// The peers' vectors, scored by the script that comes with them.
@Suite("Syslog vectors", .enabled(if: SyslogCases.folder != nil, "shared/cases is not here"))
struct SyslogVectorTests {
    /// Answers every vector of `files` as the `parse` command does and scores the answers.
    func score(_ files: [String]) throws -> (status: Int32, output: String) {
        let folder = try #require(SyslogCases.folder)
        var answers: [UInt8] = []
        for file in files {
            for vector in try SyslogCases.load(file) {
                let bytes = SyslogCases.input(vector)
                let parser = SyslogParser(SyslogCases.options(vector))
                let message = parser.parse(bytes.span.bytes, receivedAt: SyslogCases.received)
                let id = try #require(vector["id"] as? String)
                answers += SyslogJSON.line(message, of: bytes.span.bytes, by: parser, id: "\"\(id)\"")
            }
        }
        let results = FileManager.default.temporaryDirectory.appending(path: "penstock-\(UUID().uuidString).jsonl")
        defer { try? FileManager.default.removeItem(at: results) }
        try Data(answers).write(to: results)
        let script = folder.appending(path: "score.py").path
        let paths = files.map { folder.appending(path: $0).path }
        let result = try #require(SyslogCases.python([script, results.path] + paths))
        if ProcessInfo.processInfo.environment["PENSTOCK_SHOW"] != nil { print(result.output) }
        return result
    }

    /// How many vectors a summary line calls `kind`.
    func count(_ kind: String, _ output: String) -> Int {
        output.split(separator: "\n").filter { $0.hasPrefix("#") }.reduce(0) { sum, line in
            let parts = line.split(whereSeparator: { $0 == "," || $0 == ":" }).map { $0.split(separator: " ") }
            return sum + (parts.first { $0.first == Substring(kind) }.flatMap { Int($0[1]) } ?? 0)
        }
    }

    @Test("RFC 5424: no hard difference")
    func rfc5424() throws {
        let result = try score(["rfc5424-go-syslog.jsonl", "rfc5424-crewjam.jsonl", "rfc5424-rust-syslog.jsonl"])
        #expect(result.status == 0, "\(result.output)")
        #expect(count("cases", result.output) > 150)
        #expect(count("missing", result.output) == 0)
    }

    @Test("RFC 3164: no hard difference")
    func rfc3164() throws {
        let result = try score(["rfc3164-go-syslog.jsonl", "rfc3164-jeromer.jsonl"])
        #expect(result.status == 0, "\(result.output)")
    }

    /// Hard differences that follow from syslog.md section 4 or from a peer's own output encoding.
    static let known: [String: String] = [
        "axosyslog-msgparse-052": "the peer refuses SD-NAMEs from 255 bytes on, ours from 256 on",
        "axosyslog-msgparse-053": "the peer cuts PARAM-VALUE to 255 bytes",
        "rsyslog-053": "no PRI is assumed, all is message (rows 8 and 13)",
        "rsyslog-054": "no PRI is assumed, all is message (rows 8 and 13)",
    ]

    @Test("mixed: the hard differences are the known ones")
    func mixed() throws {
        let result = try score([
            "mixed-axosyslog.jsonl", "mixed-datadog-agent.jsonl", "mixed-rsyslog.jsonl", "mixed-vrl.jsonl",
        ])
        let hard = result.output.split(separator: "\n").filter { $0.hasPrefix("hard\t") }
        let ids = Set(hard.compactMap { $0.split(separator: "\t").dropFirst().first.map(String.init) })
        #expect(ids.subtracting(Self.known.keys) == [], "\(result.output)")
        #expect(count("missing", result.output) == 0)
    }

    /// score.py leaves these out: bare timestamps under a zone and a present time.
    @Test("timestamps of axosyslog")
    func timestamps() throws {
        // The peer wants a blank or a colon after a year that follows the day; syslog.md section 4 does not.
        let known: Set<String> = ["axosyslog-ts-100"]
        var judged = 0
        for vector in try SyslogCases.load("timestamps-axosyslog.jsonl") {
            let id = try #require(vector["id"] as? String)
            let isNew = vector["format"] as? String == "rfc5424_timestamp"
            let text = String(decoding: SyslogCases.input(vector), as: UTF8.self)
            let parsed = ParsedSyslog(isNew ? "<13>1 \(text) h a p m - x" : text, SyslogCases.options(vector))
            judged += 1
            let expect = vector["expect"] as? [String: Any]
            let wanted =
                (expect?["timestamp"] as? String).map { [$0] } ?? expect?["timestamp_any_of"] as? [String] ?? []
            let instants = wanted.map { text -> Int64? in
                let bytes = Array(text.utf8)
                return RFC3339.read(bytes.span.bytes)?.nanoseconds
            }
            if known.contains(id) { continue }
            #expect(
                wanted.isEmpty ? parsed.message.timestamp == nil : instants.contains(parsed.message.timestamp),
                "\(id) \(text)")
        }
        #expect(judged > 80)
    }
}

/// Lines of 292 device types: the header must be found in them.
@Suite("Vendor lines", .enabled(if: SyslogCases.folder != nil, "shared/cases is not here"))
struct VendorLineTests {
    @Test("host and time of the header")
    func hostAndTime() throws {
        var hosts = (right: 0, all: 0)
        var times = (right: 0, all: 0)
        var misses = ""
        for vector in try SyslogCases.load("vendor-detect-sc4s.jsonl") {
            guard let expect = vector["expect"] as? [String: Any] else { continue }
            let bytes = SyslogCases.input(vector)
            let parsed = ParsedSyslog(bytes, receivedAt: 1_772_719_629_000_000_000)
            let head = String(decoding: bytes.prefix(110), as: UTF8.self)
            if let host = expect["host"] as? String {
                hosts.all += 1
                if parsed.hostname == host {
                    hosts.right += 1
                } else {
                    misses +=
                        "host \(host) got \(parsed.hostname): \(head)\n"
                }
            }
            if let time = expect["time_epoch"] as? String, let seconds = Int64(time.prefix(10)) {
                times.all += 1
                if let claimed = parsed.message.timestamp, claimed / 1_000_000_000 == seconds {
                    times.right += 1
                } else {
                    misses +=
                        "time \(time) got \(parsed.time ?? "none"): \(head)\n"
                }
            }
        }
        if ProcessInfo.processInfo.environment["PENSTOCK_SHOW"] != nil { print(misses, hosts, times) }
        // The rest says host or time only inside its payload, or SC4S knows them from elsewhere.
        #expect(hosts.right * 100 >= hosts.all * 91, "hosts: \(hosts)")
        #expect(times.right * 100 >= times.all * 94, "times: \(times)")
    }

    /// What can be a time in the first part of a line, and what can be a host behind it: generous, so that a line which
    /// has them in a form nobody thought of counts as a miss.
    @Test("no line is rejected; what looks like a header's time and host is found in 95 of 100 lines")
    func headers() throws {
        let time =
            /[A-Z][a-z]{2} +\d{1,2}( \d{4})? \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\d\d\/\d\d\/\d{4}:\d\d:|^(<\d+>)?(date|time)=/
        let host =
            /:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?( [A-Z]{3,4})?:? +[A-Za-z0-9][A-Za-z0-9._-]*[ ,](?!:)|(hostname|devname|fw)=/
        var hosts = (found: 0, all: 0)
        var times = (found: 0, all: 0)
        var misses = ""
        for vector in try SyslogCases.load("vendor-detect-sc4s.jsonl") {
            let bytes = SyslogCases.input(vector)
            let parsed = ParsedSyslog(bytes, receivedAt: 1_772_719_629_000_000_000)
            let head = String(decoding: bytes.prefix(70), as: UTF8.self)
            // Rejected would be: bytes that are in no field.
            #expect(parsed.message.format != .none || Int(parsed.message.message.length) + 2 >= bytes.count)
            if head.firstMatch(of: time) != nil {
                times.all += 1
                if parsed.message.timestamp != nil { times.found += 1 } else { misses += "time: \(head)\n" }
            }
            if head.firstMatch(of: host) != nil {
                hosts.all += 1
                if !parsed.hostname.isEmpty { hosts.found += 1 } else { misses += "host: \(head)\n" }
            }
        }
        if ProcessInfo.processInfo.environment["PENSTOCK_SHOW"] != nil { print(misses, "headers", hosts, times) }
        #expect(times.all > 350 && hosts.all > 250)
        #expect(hosts.found * 100 >= hosts.all * 95, "hosts: \(hosts)")
        #expect(times.found * 100 >= times.all * 95, "times: \(times)")
    }
}
