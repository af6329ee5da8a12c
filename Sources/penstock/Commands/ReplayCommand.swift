// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Events
internal import Foundation
internal import Journal
internal import Logging
internal import Wire

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "What the journal holds, as it was received, or what rules would have found in it.",
        discussion: """
            One JSON object a frame: log, sequence, epoch, received, transport, listener (its number), source (its name), and raw, or raw_b64 where it is no \
            UTF-8. It reads beside a running service and changes nothing. Times are RFC 3339, of receipt.

            With --rules the frames are made into events by the configuration's mappings and plant, and the rules run over \
            them as in the service: one JSON object a firing, in its final state. With --diff the rules in force run \
            beside them, and what they find is compared: + is new, - is gone. Firings are the same when rule (its id, else \
            its name), group, first and last event are. The exit code is then 0 when both find the same, 1 when not, \
            and 2 when something went wrong.
            """)

    @OptionGroup var place: JournalPlace
    @Option(help: "Only what was received at or after this time.")
    var from: String?
    @Option(help: "Only what was received before this time.")
    var to: String?
    @Option(help: "Only this log (a lane's number).")
    var log: Int?
    @Flag(help: "The bytes alone, a line feed behind each frame.")
    var raw = false
    @Option(parsing: .upToNextOption, help: "Run these rules over the events: files or folders.")
    var rules: [String] = []
    @Flag(name: .customLong("diff"), help: "With --rules: compare what they find with what the rules in force find.")
    var compares = false
    @Option(help: "With --diff: the most firings of a rule that are listed as new, and as gone.")
    var limit = 100
    @Flag(help: "With --diff: one JSON object instead of text.")
    var json = false
    @Option(help: "With --rules: worker threads; the result does not depend on them. Without, one a processor.")
    var workers: Int?
    @Flag(help: "With --rules: no progress on standard error.")
    var quiet = false

    func validate() throws {
        if rules.isEmpty, compares || json || quiet || workers != nil {
            throw ValidationError("--diff, --json, --workers and --quiet need --rules")
        }
        if json, !compares { throw ValidationError("--json goes with --diff; without, the output is JSON anyway") }
        if raw, !rules.isEmpty { throw ValidationError("--raw shows frames, --rules what is found in them") }
        if let workers, workers < 1 { throw ValidationError("--workers takes a number from 1 on") }
        if limit < 0 { throw ValidationError("--limit takes a number from 0 on") }
    }

    func run() throws {
        let (first, end) = (try time(from, "--from") ?? .min, try time(to, "--to") ?? .max)
        guard rules.isEmpty else { return try runRules(first..<max(first, end)) }
        try list(first, end)
    }

    /// What rules find. With --diff every fault is exit code 2, because 1 says that something differs.
    private func runRules(_ range: Range<Int64>) throws {
        do {
            let loaded = try ReplayRules(config: place.config, rules: rules, compares: compares)
            let run = ReplayRun(
                rules: loaded, journal: try place.view(), names: SourceNames(directory: try place.directory()),
                range: range, log: log, workers: workers ?? min(64, ProcessInfo.processInfo.activeProcessorCount),
                isQuiet: quiet)
            guard let tried = loaded.rival else {
                try tell(try run.list())
                return
            }
            let report = try run.compare(with: tried, limit: limit)
            var output = Output()
            let text = json ? report.json + [0x0A] : Array(report.text.utf8)
            try output.write { $0.append(text.span.bytes) }
            try output.flush()
            try tell(report.counts)
            if report.comparison.differs { throw Difference() }
        } catch is Difference {
            throw ExitCode(1)
        } catch let error as ValidationError {
            throw error
        } catch {
            if !(error is ExitCode) { complain("\(error)") }
            throw ExitCode(compares ? 2 : 1)
        }
    }

    private struct Difference: Error {}

    /// Tells what could not be read.
    private func tell(_ counts: ReplayLane.Counts) throws {
        if let failure = counts.failure { complain(failure) }
        if counts.lost > 0 {
            if let fault = counts.fault { complain(fault) }
            complain("\(counts.lost) frames cannot be read; `penstock verify` tells more")
        }
        if counts.lost > 0 || counts.failure != nil { throw ExitCode(1) }
    }

    /// What the journal holds.
    private func list(_ first: Int64, _ end: Int64) throws {
        let journal = try place.view()
        let names = SourceNames(directory: try place.directory())
        var output = Output()
        let table = FieldTable.Builder().build()
        var batch = Batch(table: table)
        var lost: UInt64 = 0
        for number in journal.logs where log == nil || log == number {
            guard let bounds = journal.bounds(of: number),
                let reader = journal.reader(of: number, from: bounds.first)
            else { continue }
            batch.reset()
            while try reader.next(into: &batch) {
                for index in batch.frames.indices {
                    guard batch.frames[index].received >= first, batch.frames[index].received < end else { continue }
                    try output.write { raw ? line(index, batch, &$0) : object(index, batch, names, &$0) }
                }
                batch.reset()
            }
            lost += reader.lost
            if let fault = reader.lastFault { complain(fault) }
        }
        try output.flush()
        if lost > 0 {
            complain("\(lost) frames cannot be read; `penstock verify` tells more")
            throw ExitCode(1)
        }
    }

    private func time(_ text: String?, _ option: String) throws -> Int64? {
        guard let text else { return nil }
        let bytes = Array(text.utf8)
        guard let time = RFC3339.read(bytes.span.bytes), time.length == bytes.count else {
            throw ValidationError("\(option) takes a time such as 2026-11-20T10:00:00Z, not '\(text)'")
        }
        return time.nanoseconds
    }

    private func line(_ index: Int, _ batch: borrowing Batch, _ slab: inout Slab) {
        slab.append(batch.slab.bytes(batch.frames[index].extent))
        slab.append(byte: 0x0A)
    }

    private func object(_ index: Int, _ batch: borrowing Batch, _ names: SourceNames, _ slab: inout Slab) {
        let frame = batch.frames[index]
        slab.append(#"{"log":\#(batch.position?.log ?? 0),"sequence":"#)
        slab.append(decimal: Int64((batch.position?.first ?? 0) + UInt64(index)))
        slab.append(
            #","epoch":\#(batch.position?.epoch ?? 0),"received":"\#(RFC3339.text(frame.received, digits: 9))""#)
        slab.append(#","transport":"\#(frame.transport.name)","listener":\#(frame.listener)"#)
        slab.append(#","source":"#)
        JSONText.append(names.name(of: frame, at: batch.position), to: &slab)
        if let peer = frame.peer { slab.append(#","peer":"\#(peer)","port":\#(frame.peerPort)"#) }
        if frame.isCut { slab.append(#","cut":true"#) }
        if let origin = batch.origin(of: frame) {
            for (name, text) in [
                ("subject", origin.subject), ("fingerprint", origin.fingerprint),
                ("proxy", origin.proxy?.description ?? ""), ("path", origin.path),
            ] where !text.isEmpty {
                slab.append(",\"\(name)\":")
                JSONText.append(text, to: &slab)
            }
        }
        let bytes = batch.slab.bytes(frame.extent)
        if frame.transport != .sensor, String(validating: bytes.array, as: UTF8.self) != nil {
            slab.append(",\"raw\":")
            JSONText.append(bytes, to: &slab)
        } else {
            slab.append(",\"raw_b64\":\"")
            slab.append(Data(bytes.array).base64EncodedString())
            slab.append(byte: 0x22)
        }
        slab.append("}\n")
    }
}
