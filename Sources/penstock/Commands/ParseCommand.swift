// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Codecs
internal import Events
internal import Foundation
internal import Wire

struct ParseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parse", abstract: "Syslog messages to JSON.",
        discussion: """
            With --jsonl each line is {"id", "input_b64"} and one message; "format" (rfc5424, rfc3164, either) and "mode" \
            (what a test vector assumes) may stand beside them.
            """)

    @Option(help: "How messages are told apart: auto, octet, lf, nul or none.")
    var framing: String = "auto"
    @Flag(help: "Read {\"id\",\"input_b64\"} lines.")
    var jsonl = false
    @Argument(help: "Files; none or - reads standard input.")
    var files: [String] = []

    func validate() throws {
        if FrameSplitter.Mode(rawValue: framing) == nil {
            throw ValidationError("--framing takes auto, octet, lf, nul or none, not '\(framing)'")
        }
    }

    func run() throws {
        var output = Output()
        let now = wallClock()
        if jsonl {
            try ParseCommand.vectors(files, now, &output)
        } else {
            let parser = SyslogParser(SyslogOptions())
            try Input.frames(files, mode: FrameSplitter.Mode(rawValue: framing) ?? .auto) { bytes, _ in
                let message = parser.parse(bytes, receivedAt: now)
                try output.write {
                    SyslogJSON.write(message, of: bytes, by: parser, into: &$0)
                    $0.append(byte: 0x0A)
                }
            }
        }
        try output.flush()
    }

    private static func vectors(_ files: [String], _ now: Int64, _ output: inout Output) throws {
        var number = 0
        var faults = 0
        try Input.frames(files) { line, path in
            number += 1
            guard line.byteCount > 0 else { return }
            guard let document = try? JSONDocument(line.array), let encoded = document.text("input_b64"),
                let input = Data(base64Encoded: encoded)
            else {
                complain("\(path):\(number): no JSON object with \"input_b64\"")
                faults += 1
                return
            }
            var options = SyslogOptions()
            if let format = document.text("format") { options.expect(format) }
            for index in document.find("mode") {
                var member = index + 1
                while member < Int(document.tape.values[index].next) {
                    let key = document.tape.key(member, in: document.bytes.span.bytes)
                    options.assume(key, document.tape.text(member, in: document.bytes.span.bytes))
                    member = Int(document.tape.values[member].next)
                }
            }
            let parser = SyslogParser(options)
            let bytes = [UInt8](input)
            let message = parser.parse(bytes.span.bytes, receivedAt: now)
            try output.write {
                SyslogJSON.write(message, of: bytes.span.bytes, by: parser, id: identity(document), into: &$0)
                $0.append(byte: 0x0A)
            }
        }
        if faults > 0 {
            try output.flush()
            throw ExitCode(1)
        }
    }

    /// The JSON text of a line's `id`, or nil.
    static func identity(_ document: JSONDocument) -> String? {
        guard let index = document.find("id").first else { return nil }
        let value = document.tape.values[index]
        let text = document.bytes.span.bytes.part(value.extent).text
        return value.kind == .string ? "\"\(text)\"" : text
    }
}
