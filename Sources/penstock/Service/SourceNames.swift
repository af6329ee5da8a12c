// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Foundation
internal import Journal
internal import Receivers

/// The names of listeners, file inputs and sensors by the numbers that frames carry, also of earlier configurations.
///
/// A frame has the number of its listener in the configuration of its time. The journal has, with each frame, how often
/// its log had been opened by then; so a small file beside the segments, with a line for each change of the names and the
/// logs' counts at that moment, says what a number meant.
struct SourceNames: Sendable {
    private struct Entry: Codable, Equatable {
        /// How often each log had been opened when the names came into force.
        var since: [Int: UInt32]
        /// Listeners and file inputs in their order.
        var names: [String]
        /// Sensors by their log.
        var sensors: [Int: String]
    }

    private static let file = "sources.json"
    /// The most changes that are remembered.
    private static let limit = 1_000
    private var entries: [Entry]

    /// The names on record in a journal's folder; none when there is no record.
    init(directory: String) {
        let bytes = FileManager.default.contents(atPath: directory + "/" + SourceNames.file) ?? Data()
        entries = (try? JSONDecoder().decode([Entry].self, from: bytes)) ?? []
    }

    /// The names of a configuration; with a journal also those on record, where a change is recorded.
    ///
    /// - Throws: when the record cannot be written.
    init(_ configuration: Configuration, _ journal: Journal?) throws {
        var entry = Entry(
            since: [:], names: configuration.listeners.map(\.name) + configuration.files.map(\.name), sensors: [:])
        for (number, sensor) in configuration.sensors.enumerated() {
            entry.sensors[configuration.lanes + number] = sensor.name
        }
        guard let journal else {
            entries = [entry]
            return
        }
        let directory = configuration.journalDirectory
        entries = SourceNames(directory: directory).entries
        for log in 0..<configuration.logCount { entry.since[log] = journal.log(log)?.epoch ?? 0 }
        if let last = entries.last, last.names == entry.names, last.sensors == entry.sensors,
            Set(last.since.keys) == Set(entry.since.keys)
        {
            return
        }
        entries = Array(entries.suffix(SourceNames.limit - 1)) + [entry]
        let path = directory + "/" + SourceNames.file
        try JSONEncoder().encode(entries).write(to: URL(filePath: path), options: .atomic)
    }

    /// The name of the listener or file input that has `number` in the newest configuration.
    func name(of number: Int) -> String? {
        guard let names = entries.last?.names, names.indices.contains(number) else { return nil }
        return names[number]
    }

    /// The name of what a frame came in by. Without a position it came in under the last configuration.
    func name(of frame: Frame, at position: JournalPosition?) -> String {
        let number = Int(frame.listener)
        var found = entries.last
        if let position { found = entries.last { $0.since[position.log].map { $0 <= position.epoch } ?? false } }
        if frame.transport == .sensor { return found?.sensors[number] ?? "sensor \(number)" }
        if frame.transport == .service { return "penstock" }
        guard let names = found?.names, names.indices.contains(number) else { return "listener \(number)" }
        return names[number]
    }
}
