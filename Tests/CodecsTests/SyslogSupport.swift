// SPDX-License-Identifier: Apache-2.0
import Codecs
import Foundation
import Wire

/// The shared syslog vectors, and how a test reads them.
enum SyslogCases {
    /// The folder of the vectors: in `PENSTOCK_CASES`, or without that in `shared/cases` of a folder above the package.
    static let folder: URL? = {
        let manager = FileManager.default
        if let path = ProcessInfo.processInfo.environment["PENSTOCK_CASES"] {
            let folder = URL(filePath: path).appending(path: "syslog")
            return manager.fileExists(atPath: folder.path) ? folder : nil
        }
        var candidates: [URL] = []
        var here = URL(filePath: #filePath).resolvingSymlinksInPath()
        while here.path != "/" {
            here.deleteLastPathComponent()
            candidates.append(here.appending(path: "shared/cases"))
        }
        return candidates.map { $0.appending(path: "syslog") }.first { manager.fileExists(atPath: $0.path) }
    }()

    /// The vectors of one file, each as a dictionary.
    static func load(_ name: String) throws -> [[String: Any]] {
        guard let folder else { return [] }
        let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
        return try text.split(separator: "\n").compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
    }

    /// The bytes of a vector.
    static func input(_ vector: [String: Any]) -> [UInt8] {
        if let base64 = vector["input_b64"] as? String, let data = Data(base64Encoded: base64) { return Array(data) }
        return Array((vector["input"] as? String ?? "").utf8)
    }

    /// The options that a vector's `format` and `mode` assume.
    static func options(_ vector: [String: Any]) -> SyslogOptions {
        var options = SyslogOptions()
        if let format = vector["format"] as? String { options.expect(format) }
        for (key, value) in vector["mode"] as? [String: Any] ?? [:] {
            if let number = value as? NSNumber {
                let isBool = CFGetTypeIDIsBool(number)
                options.assume(key, isBool ? (number.boolValue ? "true" : "false") : number.stringValue)
            } else if let text = value as? String {
                options.assume(key, text)
            } else {
                options.assume(key, "")
            }
        }
        return options
    }

    private static func CFGetTypeIDIsBool(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }

    /// 2026-03-05T12:00:00Z, the time of receipt where none matters.
    static let received: Int64 = 1_772_712_000_000_000_000

    /// Runs a Python script: its exit status and what it says, or nil when it could not be started.
    static func python(_ arguments: [String], executable: String = "python3") -> (status: Int32, output: String)? {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [executable] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        guard (try? process.run()) != nil else { return nil }
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}

/// CPU seconds of this thread: what a shared machine does meanwhile does not count.
func threadSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// A generator with a fixed seed, so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Parses text and gives its fields as strings.
struct ParsedSyslog {
    var message: SyslogMessage
    var isValid: Bool
    private var bytes: [UInt8]

    init(_ bytes: [UInt8], _ options: SyslogOptions = SyslogOptions(), receivedAt: Int64 = SyslogCases.received) {
        let parser = SyslogParser(options)
        message = parser.parse(bytes.span.bytes, receivedAt: receivedAt)
        isValid = parser.isValid(message)
        self.bytes = bytes
    }

    init(_ text: String, _ options: SyslogOptions = SyslogOptions(), receivedAt: Int64 = SyslogCases.received) {
        self.init(Array(text.utf8), options, receivedAt: receivedAt)
    }

    func text(_ extent: Extent) -> String { bytes.span.bytes.part(extent).text }
    var hostname: String { text(message.hostname) }
    var appname: String { text(message.appname) }
    var procid: String { text(message.procid) }
    var msgid: String { text(message.msgid) }
    var content: String { text(message.message) }
    var eventCode: String { text(message.eventCode) }
    var problems: Set<String> { Set(message.problems.names) }
    /// The claimed time in UTC.
    var time: String? { message.timestamp.map { RFC3339.text($0, digits: 3) } }
}
