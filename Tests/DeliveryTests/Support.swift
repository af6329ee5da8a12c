// SPDX-License-Identifier: Apache-2.0
import Delivery
import Documents
import Events
import Foundation
import Instruments
import Logging
import Synchronization
import Testing
import Wire

/// The package's folder, found from this file.
let packageRoot = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

/// The shared cases beside the package, or nil.
let sharedCases: URL? = {
    if let named = ProcessInfo.processInfo.environment["PENSTOCK_CASES"] { return URL(filePath: named) }
    var folder = packageRoot
    for _ in 0..<4 {
        let cases = folder.appending(path: "shared/cases")
        if FileManager.default.fileExists(atPath: cases.path) { return cases }
        folder.deleteLastPathComponent()
    }
    return nil
}()

/// A folder that is removed with the value.
final class Scratch {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "penstock-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Whether a small file system of its own can be mounted on such a folder: for root only.
    static let canMount: Bool = {
        guard geteuid() == 0, let scratch = try? Scratch() else { return false }
        guard (try? Run("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", scratch.path]).status) == 0 else {
            return false
        }
        return (try? Run("umount", [scratch.path]).status) == 0
    }()

    func file(_ name: String, _ content: String = "") throws -> String {
        let full = path + "/" + name
        try content.write(toFile: full, atomically: false, encoding: .utf8)
        return full
    }

    /// The paths of all files below, relative and sorted.
    func files(below folder: String = "") -> [String] {
        let root = folder.isEmpty ? path : path + "/" + folder
        return (FileManager.default.enumerator(atPath: root)?.allObjects as? [String] ?? [])
            .filter {
                !((try? FileManager.default.attributesOfItem(atPath: root + "/" + $0)[.type]) as? FileAttributeType
                    == .typeDirectory)
            }
            .sorted()
    }
}

/// A program that was run to its end.
struct Run {
    var status: Int32
    var output: String
    var errors: String

    @discardableResult
    init(_ program: String, _ arguments: [String], input: String = "") throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        let scratch = try Scratch()
        let paths = try ["in", "out", "err"].map { try scratch.file($0, $0 == "in" ? input : "") }
        process.standardInput = FileHandle(forReadingAtPath: paths[0])
        process.standardOutput = FileHandle(forWritingAtPath: paths[1])
        process.standardError = FileHandle(forWritingAtPath: paths[2])
        try process.run()
        process.waitUntilExit()
        status = process.terminationStatus
        output = try String(contentsOfFile: paths[1], encoding: .utf8)
        errors = try String(contentsOfFile: paths[2], encoding: .utf8)
    }
}

/// The Python side: `delivery_oracle.py` beside this file.
enum Oracle {
    static let python = ProcessInfo.processInfo.environment["PENSTOCK_PYTHON"] ?? "python3"
    static let script = packageRoot.appending(path: "Tests/DeliveryTests/delivery_oracle.py").path
    static let hasPython = has([])
    static let hasReaders = has(["pyarrow", "duckdb"])
    static let hasCEF = has(["cefp"])

    private static func has(_ modules: [String]) -> Bool {
        (try? Run(python, [script, "has"] + modules).status) == 0
    }

    static func run(_ arguments: [String], input: String = "") throws -> Run {
        try Run(python, [script] + arguments, input: input)
    }
}

/// A receiver of the Python side, until it is stopped or forgotten.
final class Receiver {
    let port: UInt16
    let path: String
    private let process = Process()
    private let input = Pipe()
    private let scratch: Scratch

    /// `arguments` with `OUTPUT` for the file that it writes.
    init(_ arguments: [String], appendingTo file: String? = nil) throws {
        scratch = try Scratch()
        let received = try file ?? scratch.file("received")
        path = received
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [Oracle.python, Oracle.script] + arguments.map { $0 == "OUTPUT" ? received : $0 }
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        var text = ""
        while !text.hasSuffix("\n") {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { break }
            text += String(decoding: data, as: UTF8.self)
        }
        port = try #require(UInt16(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    deinit { stop() }

    func stop() {
        guard process.isRunning else { return }
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    var received: String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
    var lines: [String] { received.split(separator: "\n").map(String.init) }
}

/// Waits until `condition` holds, for at most that many seconds.
func eventually(_ seconds: Double = 60, _ condition: () -> Bool) -> Bool {
    let end = Date().addingTimeInterval(seconds)
    while Date() < end {
        if condition() { return true }
        usleep(10_000)
    }
    return condition()
}

/// A logger that keeps what it is told.
final class LogBook: Sendable {
    private let kept = Mutex<[String]>([])

    var lines: [String] { kept.withLock { $0 } }

    func logger() -> Logger {
        Logger(label: "test") { _ in Handler(book: self) }
    }

    private struct Handler: LogHandler {
        let book: LogBook
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            book.kept.withLock { $0.append("\(event.level): \(event.message) \(event.metadata ?? [:])") }
        }
    }
}

/// A batch of these events (one JSON object a line), with a table of all their attributes.
func batch(_ events: [String], table: FieldTable? = nil, lane: Int = 0) throws -> Batch {
    var reader = EventReader()
    let fields: FieldTable
    if let table {
        fields = table
    } else {
        var builder = FieldTable.Builder()
        for event in events { try reader.collect(Array(event.utf8).span.bytes, into: &builder) }
        fields = builder.build()
    }
    var batch = Batch(table: fields, lane: lane)
    for event in events { #expect(reader.read(Array(event.utf8).span.bytes, into: &batch) != nil) }
    return batch
}

/// The feed mapping of the package.
func feedFormat(_ name: String, replacing: [(String, String)] = []) throws -> FeedFormat {
    let file = packageRoot.appending(path: "mappings/feeds/\(name).yaml")
    var text = try String(contentsOf: file, encoding: .utf8)
    for (old, new) in replacing {
        #expect(text.contains(old))
        text = text.replacingOccurrences(of: old, with: new)
    }
    let complaints = Complaints()
    let format = FeedFormat(text, file: "\(name).yaml", complaints: complaints)
    #expect(complaints.all.isEmpty, Comment(rawValue: complaints.all.map(\.description).joined(separator: "\n")))
    return try #require(format)
}

/// The lines of events in a feed's format.
func lines(_ events: [String], _ format: FeedFormat) throws -> [String] {
    let events = try batch(events)
    var formatter = FeedFormatter(format, version: "1.2.3")
    var lines: [String] = []
    for row in events.rows.indices {
        var slab = Slab(capacity: 1024)
        formatter.append(row, of: events, to: &slab)
        lines.append(slab.bytes.text)
    }
    return lines
}

/// A JSON string.
func quoted(_ text: String) -> String { String(decoding: JSONText.escaped("\(text)"), as: UTF8.self).quotedOnce }

extension String {
    fileprivate var quotedOnce: String { "\"" + self + "\"" }
}
