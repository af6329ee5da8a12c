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
        discussion: """
            Without paths it runs those of the embedded files. A failing sample is shown with what it expects and what \
            its record becomes. With --update what mapping samples expect is rewritten in place; all else in the files \
            stays as it is. A sample without 'expect' gets one.
            """)

    @Option(help: "The version of OCSF that samples are tried in; what they expect is 1.8.0.")
    var ocsfVersion = OCSFVersion.native
    @Flag(help: "Rewrite what the samples of mappings expect to what their records become.")
    var update = false
    @Flag(help: "With --update: only say what would be rewritten.")
    var dryRun = false
    @Argument(help: "Mapping and rule files or folders.")
    var paths: [String] = []

    func validate() throws {
        if update, paths.isEmpty { throw ValidationError("--update needs the files or folders to rewrite") }
        if update, !ocsfVersion.dictionary.isNative {
            throw ValidationError(
                "samples expect OCSF \(OCSFVersion.native.dictionary.version): --update takes no other")
        }
        if dryRun, !update { throw ValidationError("--dry-run goes with --update") }
    }

    func run() throws {
        let complaints = Complaints()
        var files: [(name: String, text: String)] = []
        if paths.isEmpty {
            files = Content.embedded(below: "mappings/sources") + Content.embedded(below: "mappings/rules")
        } else {
            files = Content.files(paths, embeddedBelow: "", complaints: complaints)
        }
        let ruleFiles = files.filter { Content.isRule($0.text) }
        let mappingFiles = files.filter { !Content.isRule($0.text) }
        var builder = FieldTable.Builder(ocsfVersion.dictionary)
        let drafts = MappingSet.read(mappingFiles, builder: &builder, complaints: complaints)
        let zones = "mappings/zones.example.yaml"
        let plant = PlantModel.parse(Content.embedded(zones), file: zones, complaints: complaints)
        let rules = RuleSet.parse(
            files: ruleFiles, placeholders: plant.lists, taxonomy: Content.taxonomy(complaints), complaints: complaints)
        let set = MappingSet(drafts, table: builder.build())
        // What is wrong with the files themselves is told apart from samples.
        let faults = complaints.errors.count
        let outcomes = set.sampleOutcomes(drafts)
        let matched = TestCommand.runSamples(rules, complaints)
        let passed = outcomes.count { $0.passed } + matched.passed
        var failed = outcomes.count { !$0.passed } + matched.failed
        var rewritten = 0
        if update, faults == 0 {
            for outcome in outcomes where dryRun && !outcome.passed { complain(outcome.report) }
            let update = SampleUpdate(outcomes, files: mappingFiles, complaints: complaints)
            rewritten = write(update, mappingFiles, complaints)
            failed -= rewritten
        } else {
            for outcome in outcomes where !outcome.passed { complain(outcome.report) }
            if update { complain("nothing is rewritten: correct the files first") }
        }
        for complaint in complaints.all { complain(complaint.description) }
        let changed = update ? ", \(rewritten) \(dryRun ? "to rewrite" : "rewritten")" : ""
        let rest = faults == 0 ? "" : ", \(faults) fault\(faults == 1 ? "" : "s") in the files"
        print("\(passed) passed\(changed), \(failed) failed\(rest)")
        if failed + faults > 0 { throw ExitCode(1) }
    }

    /// Writes the files of an update, and tells how many samples that are.
    private func write(
        _ update: SampleUpdate, _ files: [(name: String, text: String)], _ complaints: Complaints
    ) -> Int {
        var samples = 0
        for file in update.files {
            do {
                let old = files.first { $0.name == file.name }?.text ?? ""
                try FileText.replace(file.name, old, with: file.text, dryRun: dryRun)
            } catch {
                complaints.add(Complaint(file: file.name, "not rewritten: \(error)"))
                continue
            }
            samples += file.samples
            let count = "\(file.samples) sample\(file.samples == 1 ? "" : "s")"
            let attributes = "\(file.attributes) attribute\(file.attributes == 1 ? "" : "s")"
            print("\(file.name): \(count) \(dryRun ? "to rewrite" : "rewritten") (\(attributes))")
        }
        return samples
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
        options.stepsFire = true
        options.standalone = false
        var correlator = Correlator(ruleSet: set, options: options, registry: Registry())
        let firings = correlator.accept(hits, now: 0, partition: 0) + correlator.finish()
        return firings.contains { $0.rule.id == facts.id }
    }
}
