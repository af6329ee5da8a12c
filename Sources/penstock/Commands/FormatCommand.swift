// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Delivery
internal import Documents
internal import Events
internal import Wire

struct FormatCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "format", abstract: "OCSF events (NDJSON) to CEF or LEEF lines.")

    enum Grammar: String, ExpressibleByArgument, CaseIterable {
        case cef
        case leef
    }

    @Argument(help: "cef or leef.")
    var grammar: Grammar
    @Option(help: "A feed mapping file instead of the embedded one.")
    var feed: String?
    @Argument(help: "Files; none or - reads standard input.")
    var files: [String] = []

    func run() throws {
        let complaints = Complaints()
        let name = feed ?? "mappings/feeds/\(grammar.rawValue).yaml"
        let text = try feed.map { try Input.text($0) } ?? Content.embedded(name)
        guard let format = FeedFormat(text, file: name, complaints: complaints), complaints.errors.isEmpty else {
            for complaint in complaints.all { complain(complaint.description) }
            throw ExitCode(1)
        }
        var formatter = FeedFormatter(format, version: penstockVersion)
        var builder = FieldTable.Builder()
        for path in format.paths { builder.add(path) }
        var batch = Batch(table: builder.build())
        var reader = EventReader()
        var output = Output()
        var number = 0
        var faults = 0
        try Input.frames(files) { line, path in
            number += 1
            guard line.byteCount > 0 else { return }
            batch.reset()
            guard reader.read(line, into: &batch) != nil else {
                complain("\(path):\(number): no OCSF event: it needs to be a JSON object with a class_uid")
                faults += 1
                return
            }
            try output.write {
                formatter.append(0, of: batch, to: &$0)
                $0.append(byte: 0x0A)
            }
        }
        try output.flush()
        if faults > 0 { throw ExitCode(1) }
    }
}
