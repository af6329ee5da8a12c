// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Delivery
internal import Documents
internal import Inventory
internal import Logging
internal import Normalizer
internal import Receivers
internal import Sigma

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Checks configuration, mappings, rules, zones and certificates; opens no port.",
        discussion: "Every fault is told as file:line:column: message. Without a file it checks what is embedded.")

    @Option(name: [.short, .customLong("config")], help: "The configuration (YAML).")
    var config: String?
    @Option(help: "A mapping file or folder to check besides; may be given several times.")
    var mappings: [String] = []
    @Option(help: "A rule file or folder to check besides; may be given several times.")
    var rules: [String] = []

    func run() throws {
        let complaints = Complaints()
        var configuration = Configuration.defaults
        if let config {
            do {
                configuration = Configuration.parse(try Input.text(config), file: config, complaints: complaints)
            } catch { complaints.add(Complaint(file: config, "cannot be read: \(error)")) }
        }
        configuration.mappings += mappings
        configuration.rules += rules
        let loading = Knowledge.load(configuration, complaints: complaints)
        for name in ["cef", "leef"] {
            let path = "mappings/feeds/\(name).yaml"
            _ = FeedFormat(Content.embedded(path), file: path, complaints: complaints)
        }
        for complaint in complaints.all { complain(complaint.description) }
        if !complaints.errors.isEmpty {
            complain("\(complaints.errors.count) fault\(complaints.errors.count == 1 ? "" : "s")")
            throw ExitCode(1)
        }
        let knowledge = loading.knowledge
        print(
            """
            fine: \(configuration.listeners.count) listeners, \(configuration.sensors.count) sensors, \
            \(loading.drafts.count) mappings, \(knowledge.ruleSet.rules.count) rules, \
            \(knowledge.ruleSet.correlations.count) correlations, \(knowledge.plant.zones.zones.count) zones
            """)
    }
}
