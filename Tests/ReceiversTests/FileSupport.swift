// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Instruments
import Logging
import Receivers
import Synchronization
import Testing
import Wire

/// A folder of a test, removed with it.
final class Folder: Sendable {
    let path = NSTemporaryDirectory() + "penstock-files-" + UUID().uuidString

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

    func write(_ bytes: [UInt8], to name: String) throws {
        let handle = open(file(name), O_WRONLY | O_CREAT | O_APPEND, 0o644)
        try #require(handle >= 0)
        defer { close(handle) }
        var start = 0
        while start < bytes.count {
            let count = bytes[start...].withUnsafeBytes { Foundation.write(handle, $0.baseAddress, $0.count) }
            try #require(count > 0)
            start += count
        }
    }

    func move(_ from: String, _ to: String) throws { try #require(rename(file(from), file(to)) == 0) }

    func remove(_ name: String) throws { try #require(unlink(file(name)) == 0) }

    /// Runs a program in the folder.
    func run(_ script: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-ec", script]
        process.currentDirectoryURL = URL(filePath: path)
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(script)")
    }

    func input(_ name: String, _ change: (inout FileInputConfiguration) -> Void = { _ in }) -> FileInputConfiguration {
        var configuration = FileInputConfiguration(name: "logs", path: file(name))
        configuration.pollInterval = 50
        configuration.rotateWait = 300
        change(&configuration)
        return configuration
    }
}

/// Reads file inputs in the test's own thread; what was received and committed is kept.
final class Reader {
    struct Line: Equatable {
        var text: String
        var isCut: Bool
        var path: String
        var length: Int
    }

    let receiver: FileReceiver
    let registry = Registry()
    let log = LogLines.Store()
    var batch = Batch(table: FieldTable.Builder().build())
    private(set) var lines: [Line] = []
    /// Whether every poll is committed at once.
    var commits = true

    init(
        _ configurations: [FileInputConfiguration], positions: Folder? = nil, limits: ReceiveLimits = ReceiveLimits()
    ) throws {
        let store = log
        receiver = try FileReceiver.open(
            configurations, firstNumber: 7, positions: positions.map { $0.path + "/state" }, limits: limits,
            registry: registry, logger: Logger(label: "test") { _ in LogLines(store: store) })
    }

    @discardableResult
    func poll(_ milliseconds: Int = 20) -> Int {
        batch.reset()
        let count = receiver.poll(into: &batch, timeout: milliseconds)
        take()
        if commits { receiver.commit() }
        return count
    }

    private func take() {
        for frame in batch.frames {
            #expect(frame.transport == .file && frame.listener == 7 && frame.received > 0)
            let text = batch.slab.bytes(frame.extent).part(0, 200).text
            lines.append(
                Line(
                    text: text, isCut: frame.isCut,
                    path: batch.origin(of: frame)?.path.split(separator: "/").last.map(String.init) ?? "",
                    length: Int(frame.extent.length)))
        }
    }

    var texts: [String] { lines.map(\.text) }

    /// Polls until `condition` holds, for at most `seconds`.
    @discardableResult
    func wait(_ seconds: Double = 60, _ condition: (Reader) -> Bool) -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            if condition(self) { return true }
            poll()
        }
        return condition(self)
    }

    /// Polls until nothing has come for that long.
    func settle(_ seconds: Double = 0.4) {
        var last = ContinuousClock.now
        while ContinuousClock.now - last < .seconds(seconds) { if poll() > 0 { last = .now } }
    }

    func finish() {
        batch.reset()
        receiver.finish(into: &batch)
        take()
        receiver.commit()
    }

    func dropped(_ reason: String) -> Int64 { registry.dropped(stage: "receive", reason: reason).current }
}

extension Reader {
    /// The numbers of lines such as `line 17 …`, in the order of arrival.
    var numbers: [Int] { lines.compactMap { $0.text.split(separator: " ").dropFirst().first.flatMap { Int($0) } } }
}

func numbered(_ range: Range<Int>) -> String {
    range.map { "line \($0) of a log that is rotated now and then\n" }.joined()
}
