// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Correlator
internal import Documents
internal import Events
internal import Instruments
internal import Inventory
internal import Normalizer
internal import Sigma

struct TestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Runs the samples inside mappings and rules.",
        discussion: "Without paths it runs those of the embedded files.")

    @Argument(help: "Mapping and rule files or folders.")
    var paths: [String] = []

    func run() throws {
        let complaints = Complaints()
        var files: [(name: String, text: String)] = []
        if paths.isEmpty {
            files = Content.embedded(below: "mappings/sources") + Content.embedded(below: "mappings/rules")
        } else {
            files = Content.files(paths, embeddedBelow: "", complaints: complaints)
        }
        // A rule has a logsource or a correlation, a mapping has events.
        let isRule = { (text: String) in
            text.split(separator: "\n").contains {
                $0.hasPrefix("detection:") || $0.hasPrefix("correlation:") || $0.hasPrefix("filter:")
            }
        }
        var configuration = Configuration.defaults
        configuration.zones = nil
        var builder = FieldTable.Builder()
        let drafts = MappingSet.read(files.filter { !isRule($0.text) }, builder: &builder, complaints: complaints)
        let plant = Knowledge.load(configuration, complaints: Complaints()).knowledge.plant
        let rules = RuleSet.parse(
            files: files.filter { isRule($0.text) }, placeholders: plant.lists, complaints: complaints)
        let set = MappingSet(drafts, table: builder.build())
        let mapped = set.runSamples(drafts)
        let matched = TestCommand.runSamples(rules, complaints)
        for complaint in complaints.all { complain(complaint.description) }
        let failed = mapped.failed + matched.failed + complaints.errors.count - mapped.failed
        print("\(mapped.passed + matched.passed) passed, \(max(failed, mapped.failed + matched.failed)) failed")
        if !complaints.errors.isEmpty || mapped.failed + matched.failed > 0 { throw ExitCode(1) }
    }

    /// Runs the samples of detection and correlation rules; a failure is a complaint at the sample's line.
    static func runSamples(_ set: RuleSet, _ complaints: Complaints) -> (passed: Int, failed: Int) {
        var passed = 0
        var failed = 0
        for facts in set.rules.map(\.facts) + set.correlations.map(\.facts) {
            for sample in facts.samples {
                if matches(facts, sample, set) == sample.match {
                    passed += 1
                } else {
                    failed += 1
                    let wanted = sample.match ? "does not match" : "matches"
                    complaints.add(
                        Complaint(
                            file: facts.file, line: sample.line, column: 1, "rule '\(facts.title)' \(wanted) its sample"
                        ))
                }
            }
        }
        return (passed, failed)
    }

    private static func matches(_ facts: RuleFacts, _ sample: RuleSample, _ set: RuleSet) -> Bool {
        var scratch = MatchScratch()
        var hits: [Hit] = []
        for (number, event) in sample.events.enumerated() {
            guard let document = try? JSONDocument(event) else { return false }
            var matched: [Int] = []
            set.match(document, candidates: set.allCandidates, scratch: &scratch, into: &matched)
            let ids = matched.map { set.rules[$0].id }
            if ids.contains(facts.id) { return true }
            let time = (document.integer("time") ?? Int64(number) * 1000) * 1_000_000
            hits.append(Hit(rules: ids, uid: "\(number)", time: time, received: 0, event: event, evidence: []))
        }
        var options = Correlator.Options.offline
        options.standalone = false
        var correlator = Correlator(ruleSet: set, options: options, registry: Registry())
        let firings = correlator.accept(hits, now: 0, partition: 0) + correlator.finish()
        return firings.contains { $0.rule.id == facts.id }
    }
}
