// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Dissection
internal import Events
internal import Normalizer
internal import Sensor
internal import Wire

struct ReadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "read", abstract: "Captures to OCSF events.",
        discussion: "pcap and pcapng files; --summary answers one line a file instead.")

    @Flag(help: "One line a file: packets, messages by function, anomalies, what was skipped.")
    var summary = false
    @Option(help: "Worker threads; the result does not depend on them. This version reads with one.")
    var workers: Int = 1
    @Option(help: "A mapping file or folder instead of the embedded ones, or 'embedded'; may be given several times.")
    var mappings: [String] = []
    @Option(help: "The version of OCSF that events are written in.")
    var ocsfVersion = OCSFVersion.native
    @Flag(
        name: .customLong("validate"), help: "Check each event in full against the schema; faults go to standard error."
    )
    var isChecked = false
    @Argument(help: "Capture files; - is standard input.")
    var captures: [String]

    func validate() throws {
        if captures.isEmpty { throw ValidationError("name at least one capture file") }
        if workers < 1 { throw ValidationError("--workers takes a number from 1 on") }
    }

    func run() throws {
        let set = try Content.mappingSet(mappings, ocsfVersion)
        var normalizer = Normalizer(set)
        var output = Output()
        let validator = isChecked ? EventValidator(set.table.dictionary) : nil
        var faults = 0
        for path in captures {
            do {
                if summary {
                    let (counts, problem) = try CaptureSummary.read(path: path)
                    try output.line(Array(counts.json.utf8).span.bytes)
                    if let problem { throw problem }
                    continue
                }
                var batch = Batch(table: set.table)
                var source = SensorSource(file: try CaptureFile(path: path))
                var isAtEnd = false
                while !isAtEnd {
                    var problem: (any Error)?
                    do { isAtEnd = try source.read(into: &batch) == .ended } catch { problem = error }
                    faults += try ReadCommand.write(&batch, &normalizer, &output, validator, path)
                    batch.reset()
                    if let problem { throw problem }
                }
            } catch {
                complain("\(error)")
                faults += 1
            }
        }
        try output.flush()
        if faults > 0 { throw ExitCode(1) }
    }

    /// Writes the events of a batch, and tells how many of them are not valid.
    private static func write(
        _ batch: inout Batch, _ normalizer: inout Normalizer, _ output: inout Output, _ validator: EventValidator?,
        _ path: String
    ) throws -> Int {
        var invalid = 0
        for index in batch.frames.indices {
            normalizer.normalize(frame: index, of: &batch)
            while normalizer.next(of: &batch) {}
        }
        var line = Slab(capacity: 4096)
        for row in batch.rows.indices {
            line.reset()
            EventWriter.append(row, of: batch, to: &line)
            try output.line(line.bytes)
            guard let found = validator?.faults(line.bytes.array), !found.isEmpty else { continue }
            for fault in found { complain("\(path): event \(batch.text("metadata.uid", in: row) ?? ""): \(fault)") }
            invalid += 1
        }
        return invalid
    }
}
