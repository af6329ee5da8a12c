// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import CLinux
internal import Documents
internal import Logging

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "The service.",
        discussion:
            "Without a file it runs on embedded defaults: syslog on loopback port 5514, data in ./penstock-data.")

    @Option(name: [.short, .customLong("config")], help: "The configuration (YAML).")
    var config: String?

    func run() async throws {
        // In its steady state the service allocates next to nothing, so nobody waits for the arena; several would each keep
        // what their threads have freed, some ten megabytes.
        penstock_share_arena()
        let settings = try RunCommand.load(config)
        var log = Logger(label: "penstock", factory: { StreamLogHandler.standardError(label: $0) })
        log.logLevel = Logger.Level(rawValue: settings.logLevel) ?? .info
        let engine: Engine
        do {
            engine = try Engine(settings, log: log)
        } catch {
            complain("\(error)")
            complain("penstock: not started")
            throw ExitCode(1)
        }
        // Reading mappings and rules takes several times what they are, and most of the program's pages.
        penstock_return_memory()
        do {
            try await ServiceRunner(engine: engine, log: log).run()
        } catch {
            complain("penstock: \(error)")
            throw ExitCode(1)
        }
    }

    /// The configuration of a file, or the defaults; every fault is printed.
    static func load(_ path: String?) throws -> Configuration {
        guard let path else { return .defaults }
        let complaints = Complaints()
        let text: String
        do { text = try Input.text(path) } catch {
            complain("\(error)")
            throw ExitCode(1)
        }
        let configuration = Configuration.parse(text, file: path, complaints: complaints)
        guard complaints.errors.isEmpty else {
            // The rest of the check, so that all faults are told at once.
            _ = Knowledge.load(configuration, complaints: complaints)
            for complaint in complaints.all { complain(complaint.description) }
            complain("penstock: not started; `penstock check -c \(path)` checks without starting")
            throw ExitCode(1)
        }
        return configuration
    }
}
