// SPDX-License-Identifier: Apache-2.0
internal import Instruments
internal import Logging

/// Counts what one file input cannot read or leaves out, and logs it: at most once a minute for each file and reason.
final class FileNotes {
    enum Trouble: String, CaseIterable {
        case unreadable = "file_unreadable"
        case refused = "file_refused"
        case broken = "file_broken"
        case limit = "file_limit"
    }

    /// Milliseconds between two lines, and between two attempts at a file that cannot be read.
    static let pause: Int64 = 60_000
    /// The files whose last line is remembered.
    private static let most = 4096

    private let title: String
    private let logger: Logger
    private let dropped: [Trouble: Instrument]
    private let oversizeCounter: Instrument
    private var next: [String: Int64] = [:]
    private var nextPurge: Int64 = .min
    private var nextOther: Int64 = .min

    init(_ title: String, registry: Registry, logger: Logger) {
        self.title = title
        self.logger = logger
        dropped = Dictionary(
            uniqueKeysWithValues: Trouble.allCases.map { ($0, registry.dropped(stage: "receive", reason: $0.rawValue)) }
        )
        oversizeCounter = registry.dropped(stage: "receive", reason: "oversize")
    }

    func trouble(_ trouble: Trouble, _ path: String, now: Int64, _ text: @autoclosure () -> String) {
        guard isDue("\(trouble.rawValue) \(path)", now) else { return }
        dropped[trouble]?.add()
        logger.warning("\(title): \(trouble.rawValue): \(path): \(text())")
    }

    func oversize(_ path: String, length: Int, limit: Int, now: Int64) {
        oversizeCounter.add()
        guard isDue("oversize", now) else { return }
        logger.warning(
            "\(title): oversize: \(path): a message of \(length) bytes or more; `maxMessageBytes` is \(limit)")
    }

    func warn(_ path: String, _ text: String) { logger.warning("\(title): \(path): \(text)") }

    func say(_ path: String, _ text: String) { logger.info("\(title): \(path): \(text)") }

    private func isDue(_ key: String, _ now: Int64) -> Bool {
        if let time = next[key], now < time { return false }
        if next.count >= FileNotes.most, now >= nextPurge {
            next = next.filter { $0.value > now }
            nextPurge = now + FileNotes.pause / 20
        }
        guard next.count < FileNotes.most else {
            // More than are remembered: of all of them together one is told a minute.
            guard now >= nextOther else { return false }
            nextOther = now + FileNotes.pause
            return true
        }
        next[key] = now + FileNotes.pause
        return true
    }
}
