// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Codecs
internal import Documents
internal import Events
internal import Normalizer
internal import Wire

struct NormalizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "normalize", abstract: "Log lines to OCSF events.",
        discussion: """
            With --jsonl each line is {"id", "raw"}, and the answer {"id", "mapping", "event"}: one for each event where a \
            record holds several, null as event where its mapping drops it.
            """)

    @Flag(help: "Read {\"id\",\"raw\"} lines.")
    var jsonl = false
    @Option(help: "A mapping file or folder instead of the embedded ones, or 'embedded'; may be given several times.")
    var mappings: [String] = []
    @Option(help: "The version of OCSF that events are written in.")
    var ocsfVersion = OCSFVersion.native
    @Flag(
        name: .customLong("validate"), help: "Check each event in full against the schema; faults go to standard error."
    )
    var isChecked = false
    @Argument(help: "Files; none or - reads standard input.")
    var files: [String] = []

    func run() throws {
        let set = try Content.mappingSet(mappings, ocsfVersion)
        var normalizer = Normalizer(set)
        var batch = Batch(table: set.table)
        var output = Output()
        let now = wallClock()
        var number = 0
        var faults = 0
        var answer = Slab()
        let validator = isChecked ? EventValidator(set.table.dictionary) : nil
        func check(_ event: RawSpan, _ path: String) {
            guard let found = validator?.faults(event.array), !found.isEmpty else { return }
            for fault in found { complain("\(path):\(number): \(fault)") }
            faults += 1
        }
        try Input.frames(files) { line, path in
            number += 1
            guard line.byteCount > 0 else { return }
            if jsonl {
                guard let document = try? JSONDocument(line.array), let raw = document.text("raw") else {
                    complain("\(path):\(number): no JSON object with \"raw\"")
                    faults += 1
                    return
                }
                let made = NormalizeCommand.events(Array(raw.utf8).span.bytes, now, &normalizer, &batch)
                for row in 0..<max(1, made.count) {
                    if made.count > 0 { NormalizeCommand.write(row, batch, &answer) }
                    if made.count > 0, validator != nil { check(answer.bytes, path) }
                    let mapping = made.count > 0 ? batch.rows[row].mapping : made.dropping
                    try output.write {
                        $0.append("{")
                        if let id = ParseCommand.identity(document) { $0.append("\"id\":\(id),") }
                        $0.append("\"mapping\":\"\(set.name(mapping))\",\"event\":")
                        if made.count > 0 { $0.append(answer.bytes) } else { $0.append("null") }
                        $0.append("}\n")
                    }
                }
            } else {
                for row in 0..<NormalizeCommand.events(line, now, &normalizer, &batch).count {
                    NormalizeCommand.write(row, batch, &answer)
                    if validator != nil { check(answer.bytes, path) }
                    try output.line(answer.bytes)
                }
            }
        }
        try output.flush()
        if faults > 0 { throw ExitCode(1) }
    }

    /// Makes the events of a record, none when a mapping drops it, and tells how many with the mapping that dropped it.
    private static func events(
        _ raw: RawSpan, _ now: Int64, _ normalizer: inout Normalizer, _ batch: inout Batch
    ) -> (count: Int, dropping: UInt16) {
        batch.reset()
        batch.append(raw, received: now, transport: .file)
        guard normalizer.normalize(frame: 0, of: &batch) else {
            return (0, UInt16(normalizer.takeTally().dropped.first?.mapping ?? 0))
        }
        while normalizer.next(of: &batch) {}
        return (batch.rows.count, 0)
    }

    private static func write(_ row: Int, _ batch: borrowing Batch, _ answer: inout Slab) {
        answer.reset()
        EventWriter.append(row, of: batch, to: &answer)
    }
}
