// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Correlator
internal import Documents
internal import Events
internal import Instruments
internal import Inventory
internal import Sigma
internal import Wire

struct DetectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detect", abstract: "Sigma rules over events.",
        discussion: """
            Events are JSON lines; the answer is one line an event that a rule matches. With --jsonl each line is \
            {"id", "logsource", "event"} and each gets an answer {"id", "matches"}. With --correlate correlation rules run \
            over the events, in event time, which stands in _time (seconds) or time (milliseconds).
            """)

    @Option(parsing: .upToNextOption, help: "Rule files or folders; without, the embedded ones.")
    var rules: [String] = []
    @Flag(help: "Read {\"id\",\"logsource\",\"event\"} lines.")
    var jsonl = false
    @Flag(help: "Run correlation rules.")
    var correlate = false
    @Option(help: "The file with the lists that rules take in with |expand.")
    var zones: String?
    @Argument(help: "Files; none or - reads standard input.")
    var files: [String] = []

    func run() throws {
        let complaints = Complaints()
        var configuration = Configuration.defaults
        configuration.zones = zones
        let plant = Knowledge.plant(configuration, Complaints())
        let set = RuleSet.parse(
            files: Content.files(rules, embeddedBelow: "mappings/rules", complaints: complaints),
            placeholders: plant.lists, complaints: complaints)
        // A rule that cannot mean what it says is left out, with its reason; all others work.
        for complaint in complaints.all { complain(complaint.description) }
        if set.rules.isEmpty, set.correlations.isEmpty { throw ExitCode(1) }

        var output = Output()
        var scratch = MatchScratch()
        var options = Correlator.Options.offline
        options.standalone = false
        var correlator = Correlator(ruleSet: set, options: options, registry: Registry())
        var cached: [LogSources: RuleCandidates] = [:]
        var number = 0
        var faults = complaints.errors.count
        try Input.frames(files) { line, path in
            number += 1
            guard line.byteCount > 0 else { return }
            guard let document = try? JSONDocument(line.array) else {
                complain("\(path):\(number): no JSON")
                faults += 1
                return
            }
            var event = document
            var candidates = set.allCandidates
            if jsonl {
                guard let index = document.find("event").first,
                    let inner = try? JSONDocument(
                        document.bytes.span.bytes.part(document.tape.values[index].extent).array)
                else {
                    complain("\(path):\(number): no \"event\"")
                    faults += 1
                    return
                }
                event = inner
                if !document.find("logsource").isEmpty {
                    let sources = LogSources(
                        products: Set(document.texts("logsource.product")),
                        categories: Set(document.texts("logsource.category")),
                        services: Set(document.texts("logsource.service")))
                    candidates = cached[sources] ?? set.candidates(for: sources)
                    cached[sources] = candidates
                }
            }
            var matched: [Int] = []
            set.match(event, candidates: candidates, scratch: &scratch, into: &matched)
            let ids = matched.map { set.rules[$0].id }
            if correlate {
                guard !ids.isEmpty else { return }
                let hit = Hit(
                    rules: ids, uid: "\(number)", time: DetectCommand.time(event), received: 0, event: event.bytes,
                    evidence: [])
                for firing in correlator.accept([hit], now: 0, partition: 0) { try output.line(firing.line.span.bytes) }
                return
            }
            if jsonl || !ids.isEmpty {
                try output.write { slab in
                    slab.append("{")
                    if jsonl, let id = ParseCommand.identity(document) {
                        slab.append("\"id\":\(id),")
                    } else {
                        slab.append("\"line\":\(number),")
                    }
                    slab.append("\"matches\":[")
                    for (index, id) in ids.enumerated() {
                        if index > 0 { slab.append(",") }
                        JSONText.append(id, to: &slab)
                    }
                    slab.append("]}\n")
                }
            }
        }
        if correlate {
            for firing in Firing.joined(correlator.finish()) { try output.line(firing.line.span.bytes) }
        }
        try output.flush()
        if faults > 0 { throw ExitCode(1) }
    }

    /// The event's time in nanoseconds: `_time` in seconds, else `time` in milliseconds.
    private static func time(_ event: JSONDocument) -> Int64 {
        if let seconds = event.text("_time").flatMap({ Double($0) }), abs(seconds) < 9e9 {
            return Int64((seconds * 1e6).rounded()) * 1000
        }
        return (event.integer("time") ?? 0).multipliedReportingOverflow(by: 1_000_000).partialValue
    }
}
