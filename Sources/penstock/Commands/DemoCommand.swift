// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Glibc
internal import Logging
internal import Rehearsal

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "The service on a scratch folder, with an attack on a plant played through it.",
        discussion: """
            Plays an hour of normal traffic, on which nothing may fire, and then the attack: firewall drops by UDP and TLS \
            syslog, Suricata alerts, and Modbus traffic through the sensor. Prints the incident and where everything is.
            """)

    @Flag(help: "End after the incident: exit 0 when every part was there, 1 when one was missing.")
    var once = false
    @Option(help: "The scratch folder; without, a new one below the folder for temporary files.")
    var data: String?
    @Option(help: "Write the recordings (attack and normal hour, capture and log) to a folder and end.")
    var export: String?

    func run() async throws {
        if let export {
            try Rehearsed.export(to: export)
            return
        }
        var log = Logger(label: "penstock", factory: { StreamLogHandler.standardError(label: $0) })
        log.logLevel = .warning
        do {
            try await Rehearsed.run(folder: try data ?? Rehearsed.scratch(), once: once, log: log)
        } catch let code as ExitCode {
            throw code
        } catch {
            complain("demo: \(error)")
            throw ExitCode(1)
        }
    }
}
