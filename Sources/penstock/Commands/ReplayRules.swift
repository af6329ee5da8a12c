// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Documents
internal import Inventory
internal import Sigma

/// What a replay works by: the configuration's mappings and plant, and the rules to try.
struct ReplayRules {
    /// Mappings, enrichment, and the rules that are tried; with `rival`, those in force.
    let knowledge: Knowledge
    /// The rules that are tried, beside those in force.
    let rival: RuleSet?
    let configuration: Configuration

    /// The rules to try.
    var tried: RuleSet { rival ?? knowledge.ruleSet }

    /// Loads the configuration at `config` and the rules at `paths`. Rules that cannot mean what they say are told and
    /// left out, as a service does it with each of them.
    init(config: String?, rules paths: [String], compares: Bool) throws {
        var configuration = Configuration.defaults
        let complaints = Complaints()
        if let config {
            configuration = Configuration.parse(try Input.text(config), file: config, complaints: complaints)
        }
        try ReplayRules.fail(complaints)
        // Whatever the service makes of its messages: this is about events.
        configuration.pipeline = .full
        let found = Complaints()
        let files = Content.files(paths, embeddedBelow: "mappings/rules", complaints: found)
        try ReplayRules.fail(found)
        var names = Set(files.map(\.name))
        if compares {
            names.formUnion(
                Content.files(configuration.rules, embeddedBelow: "mappings/rules", complaints: Complaints()).map(
                    \.name))
        } else {
            configuration.rules = paths
        }
        let loading = Complaints()
        let knowledge = Knowledge.load(configuration, complaints: loading).knowledge
        var told = loading.all
        if compares {
            let faults = Complaints()
            rival = RuleSet.parse(
                files: files, placeholders: knowledge.plant.lists, taxonomy: Content.taxonomy(faults),
                complaints: faults)
            told += faults.all.filter { !told.contains($0) }
        } else {
            rival = nil
        }
        for complaint in told { complain(complaint.description) }
        if told.contains(where: { $0.severity == .error && !names.contains($0.file) }) { throw ExitCode(1) }
        self.knowledge = knowledge
        self.configuration = configuration
        if tried.rules.isEmpty, !compares {
            complain("\(paths.joined(separator: ", ")): no detection rule is there that can be used")
            throw ExitCode(1)
        }
    }

    private static func fail(_ complaints: Complaints) throws {
        for complaint in complaints.all { complain(complaint.description) }
        if !complaints.errors.isEmpty { throw ExitCode(1) }
    }
}
