// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Delivery
internal import Documents
internal import Events
internal import Inventory
internal import Logging
internal import Normalizer
internal import Receivers
internal import Sigma

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Checks configuration, mappings, rules, zones and certificates; opens no port.",
        discussion: """
            Every fault is told as file:line:column: message; what is probably not meant (branches that no record \
            reaches, mappings that take the same records) as a warning. Without a file it checks what is embedded.
            """)

    @Option(name: [.short, .customLong("config")], help: "The configuration (YAML).")
    var config: String?
    @Option(help: "A mapping file or folder to check besides; may be given several times.")
    var mappings: [String] = []
    @Option(help: "A rule file or folder to check besides; may be given several times.")
    var rules: [String] = []
    @Argument(help: "Mapping and rule files or folders to check.")
    var paths: [String] = []

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
        for path in paths {
            do {
                let names = try Input.yamlFiles(path)
                if names.isEmpty { complaints.add(Complaint(file: path, "no .yaml or .yml file is there")) }
                for name in names {
                    if Content.isRule(try Input.text(name)) {
                        configuration.rules.append(name)
                    } else {
                        configuration.mappings.append(name)
                    }
                }
            } catch { complaints.add(Complaint(file: path, "cannot be read: \(error)")) }
        }
        // What is embedded was reviewed before it was: it takes seconds, and its user can do nothing about it.
        let isReviewed = !configuration.mappings.isEmpty || config == nil && rules.isEmpty && paths.isEmpty
        let loading = Knowledge.load(configuration, complaints: complaints, forReview: isReviewed)
        for name in ["cef", "leef"] {
            let path = "mappings/feeds/\(name).yaml"
            _ = FeedFormat(Content.embedded(path), file: path, complaints: complaints)
        }
        if isReviewed { loading.knowledge.mappings.review(loading.drafts) }
        if !configuration.rules.isEmpty { CheckCommand.reviewRules(loading.knowledge, complaints) }
        for complaint in complaints.byPlace { complain(complaint.description) }
        if !complaints.errors.isEmpty {
            complain("\(complaints.errors.count) fault\(complaints.errors.count == 1 ? "" : "s")")
            throw ExitCode(1)
        }
        let knowledge = loading.knowledge
        let warnings = complaints.all.count
        let rest = warnings == 0 ? "" : ", \(warnings) warning\(warnings == 1 ? "" : "s")"
        print(
            """
            fine: \(configuration.listeners.count) listeners, \(configuration.sensors.count) sensors, \
            \(loading.drafts.count) mappings, \(knowledge.ruleSet.rules.count) rules, \
            \(knowledge.ruleSet.correlations.count) correlations, \(knowledge.plant.zones.zones.count) zones\(rest)
            """)
    }

    /// Warns of rules that no event of the mappings, of whatever class, can reach.
    private static func reviewRules(_ knowledge: Knowledge, _ complaints: Complaints) {
        let mappings = knowledge.mappings
        let classes = Set(mappings.table.dictionary.classes.values.map(\.shape.name))
        let sources = (1..<mappings.names.count).map { number in
            let found = mappings.logSources(UInt16(number))
            return LogSources(
                products: found.products, categories: found.categories.union(classes), services: found.services)
        }
        knowledge.ruleSet.review(from: sources, complaints: complaints)
    }
}
