// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Documents
internal import Journal
internal import Logging

/// Where a command finds the journal: named, or by the service's configuration.
struct JournalPlace: ParsableArguments {
    @Option(help: "The journal's folder.")
    var journal: String?
    @Option(name: [.customShort("c"), .long], help: "The configuration that names it.")
    var config: String?

    /// The folder.
    func directory() throws -> String {
        if let journal { return journal }
        var configuration = Configuration.defaults
        if let config {
            let complaints = Complaints()
            configuration = Configuration.parse(try Input.text(config), file: config, complaints: complaints)
            guard complaints.errors.isEmpty else {
                for complaint in complaints.all { complain("\(complaint)") }
                throw ExitCode(1)
            }
        }
        guard configuration.journal != nil else {
            throw ValidationError("that configuration keeps no journal (`journal: off`)")
        }
        return configuration.journalDirectory
    }

    /// The journal, opened for reading.
    func view() throws -> Journal {
        let directory = try directory()
        try Input.readable(directory)
        do { return try Journal.view(directory, logger: Logger(label: "journal")) } catch {
            complain("\(error)")
            throw ExitCode(1)
        }
    }
}
