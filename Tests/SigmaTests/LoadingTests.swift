// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Sigma
import Testing

struct LoadingTests {
    private static let base = """
        title: Base
        id: 11111111-1111-4111-8111-111111111111
        name: base
        level: high
        tags: [attack.T0855]
        owner: plant team
        logsource: {product: Linux, service: SSHD}
        detection:
          sel: {f: x}
          condition: sel
        """

    private static func parse(_ text: String) -> (set: RuleSet, complaints: Complaints) {
        let complaints = Complaints()
        return (RuleSet.parse(text: text, file: "r.yml", complaints: complaints), complaints)
    }

    @Test func facts() {
        let rule = LoadingTests.parse(LoadingTests.base).set.rules[0]
        #expect(
            rule.id == "11111111-1111-4111-8111-111111111111" && rule.facts.name == "base" && rule.facts.title == "Base"
        )
        #expect(rule.facts.level == "high" && rule.facts.tags == ["attack.t0855"] && rule.fields == ["f"])
        #expect(rule.logSource == LogSource(product: "linux", service: "sshd"))
        #expect(rule.facts.custom.mapValues { String(decoding: $0, as: UTF8.self) } == ["owner": "\"plant team\""])
        #expect(rule.folding == .standard && rule.standsAlone)
    }

    @Test func contentHash() {
        func hash(_ text: String) -> String? { LoadingTests.parse(text).set.rules.first?.facts.contentHash }
        let first = hash(LoadingTests.base)
        #expect(first != nil)
        #expect(hash("# a comment\n" + LoadingTests.base.replacing("{f: x}", with: "\n    f: 'x'")) == first)
        #expect(hash(LoadingTests.base + "\nsamples: [{event: {f: x}, match: true}]") == first)
        #expect(hash(LoadingTests.base.replacing("f: x", with: "f: y")) != first)
        #expect(hash(LoadingTests.base.replacing("level: high", with: "level: low")) != first)
    }

    @Test func routing() {
        let set = LoadingTests.parse(LoadingTests.base).set
        #expect(set.candidates(for: LogSources(products: ["linux", "ocsf"], services: ["sshd"])).count == 1)
        #expect(set.candidates(for: LogSources(products: ["LINUX"], categories: ["x"], services: ["SSHD"])).count == 1)
        #expect(set.candidates(for: LogSources(products: ["linux"])).count == 0)
        #expect(set.candidates(for: LogSources(products: ["windows"], services: ["sshd"])).count == 0)
    }

    /// A fault leaves its rule out and no other.
    @Test func faultyDocuments() {
        let text = [
            LoadingTests.base, "title: no detection\nlogsource: {product: x}",
            LoadingTests.base.replacing("1111-4111", with: "2222-4111").replacing("name: base", with: "name: other")
                .replacing("level: high", with: "level: severe"),
            LoadingTests.base.replacing("Base", with: "Twin"),
            LoadingTests.base.replacing("1111-4111", with: "3333-4111").replacing("name: base", with: "name: third"),
            "title: empty source\nlogsource: {}\ndetection: {s: {a: 1}, condition: s}",
            "- a list", "title: two kinds\ndetection: {}\ncorrelation: {}",
        ].joined(separator: "\n---\n")
        let (set, complaints) = LoadingTests.parse(text)
        #expect(set.rules.map(\.facts.title) == ["Base", "Base"])
        #expect(set.rules[1].facts.name == "third")
        let messages = complaints.errors.map(\.description)
        #expect(messages.contains { $0.hasPrefix("r.yml:12:1: a rule needs 'detection'") })
        #expect(messages.contains { $0.contains("level must be") })
        #expect(messages.contains { $0.contains("is taken by r.yml:1") })
        #expect(complaints.errors.count == 6)
    }

    /// The old form, whose documents are halves of rules: all of the file are refused, none is half loaded.
    @Test func globalAction() {
        let text =
            "action: global\ntitle: G\nlogsource: {product: x}\n---\ndetection: {s: {a: 1}, condition: s}\n---\n"
            + LoadingTests.base
        let (set, complaints) = LoadingTests.parse(text)
        #expect(set.rules.isEmpty)
        #expect(complaints.errors.map(\.line) == [1, 5, 7])
        #expect(complaints.errors[0].message.contains("action: global") && complaints.all.count == 3)
    }

    @Test func retired() {
        let text = LoadingTests.base + "\nstatus: deprecated"
        #expect(LoadingTests.parse(text).set.rules.isEmpty)
        #expect(LoadingTests.parse(text).set.retired == ["11111111-1111-4111-8111-111111111111"])
        let set = RuleSet.parse(text: text, file: "r.yml", includeRetired: true, complaints: Complaints())
        #expect(set.rules.count == 1)
    }

    @Test func filters() throws {
        func text(_ rules: String, _ source: String) -> String {
            LoadingTests.base
                + "\n---\ntitle: F\nlogsource: \(source)\nfilter:\n  rules: \(rules)\n  quiet: {user: backup}\n  condition: quiet"
        }
        for rules in ["[base]", "any", "11111111-1111-4111-8111-111111111111"] {
            let (set, complaints) = LoadingTests.parse(text(rules, "{product: linux}"))
            #expect(complaints.all.isEmpty, "\(complaints.all)")
            var scratch = MatchScratch()
            var hits: [Int] = []
            for event in [#"{"f":"x","user":"backup"}"#, #"{"f":"x","user":"eve"}"#, #"{"user":"backup"}"#] {
                set.match(
                    try JSONDocument(Array(event.utf8)), candidates: set.allCandidates, scratch: &scratch, into: &hits)
            }
            #expect(hits == [0])
            let some = scratch.hasSuppressed
            #expect(scratch.takeSuppressed() == [1] && scratch.takeSuppressed() == [0])
            let none = !scratch.hasSuppressed
            #expect(some && none)
        }
        let other = LoadingTests.parse(text("[base]", "{product: windows}"))
        #expect(other.complaints.errors.isEmpty && other.complaints.all.count == 1)
        #expect(try Cases.matches(other.set, Array(#"{"f":"x","user":"backup"}"#.utf8)).count == 1)
        #expect(!LoadingTests.parse(text("[nobody]", "{product: linux}")).complaints.errors.isEmpty)
    }

    @Test func correlations() {
        func load(_ body: String) -> (set: RuleSet, complaints: Complaints) {
            LoadingTests.parse(LoadingTests.base + "\n---\ntitle: C\nname: c\ncorrelation: \(body)")
        }
        let good = load(
            "{type: event_count, rules: [base], group-by: [u, v], timespan: 5m, condition: {gte: 3, lt: 10}}")
        #expect(good.complaints.all.isEmpty)
        #expect(good.set.correlations[0].criterion == "at least 3 and fewer than 10 events within 300 s per u and v")
        #expect(!good.set.rules[0].standsAlone)
        #expect(!good.set.correlations[0].asksForAbsence)
        #expect(
            load("{type: event_count, rules: base, timespan: 1d, condition: {lte: 3}}").set.correlations[0]
                .asksForAbsence)
        #expect(
            load("{type: event_count, rules: [base], timespan: 1w, condition: {gte: 2}, generate: true}").set.rules[0]
                .standsAlone)
        let aliased = load(
            "{type: event_count, rules: [base], group-by: [ip], timespan: 1h, condition: {gte: 2}, aliases: {ip: {base: src.ip}}}"
        )
        #expect(aliased.set.correlations[0].group[0].fields == ["src.ip"])
        for body in [
            "{type: event_count, rules: [nobody], timespan: 5m, condition: {gte: 3}}",
            "{type: event_count, rules: [c], timespan: 5m, condition: {gte: 3}}",
            "{type: event_count, rules: [base], timespan: 5M, condition: {gte: 3}}",
            "{type: event_count, rules: [base], timespan: 1y, condition: {gte: 3}}",
            "{type: event_count, rules: [base], timespan: five, condition: {gte: 3}}",
            "{type: event_count, rules: [base], timespan: 0s, condition: {gte: 3}}",
            "{type: event_count, rules: [base], condition: {gte: 3}}",
            "{type: event_count, rules: [base], timespan: 5m}",
            "{type: event_count, rules: [base], timespan: 5m, condition: {gte: many}}",
            "{type: event_count, rules: [base], timespan: 5m, condition: {field: x, gte: 3}}",
            "{type: event_count, rules: [base], timespan: 5m, condition: {}}",
            "{type: event_count, rules: [], timespan: 5m, condition: {gte: 3}}",
            "{type: temporal, rules: [base], timespan: 5m, condition: base and other}",
            "{type: temporal, rules: [base], timespan: 5m, condition: (base}",
            "{type: temporal_ordered, rules: [base], timespan: 5m, condition: {gte: 2}}",
            "{type: temporal_ordered, rules: [base], timespan: 5m, condition: not base}",
            "{type: value_count, rules: [base], timespan: 5m, condition: {gte: 3}}",
            "{type: value_sum, rules: [base], timespan: 5m, condition: {field: [x, y], gte: 3}}",
            "{type: value_percentile, rules: [base], timespan: 5m, condition: {field: x, gte: 3}}",
            "{type: value_percentile, rules: [base], timespan: 5m, condition: {field: x, percentile: 101, gte: 3}}",
            "{type: sum, rules: [base], timespan: 5m, condition: {gte: 3}}",
            "{rules: [base], timespan: 5m, condition: {gte: 3}}",
            "{type: event_count, rules: [base], timespan: 5m, condition: {gte: 3}, group: [u]}", "text",
        ] {
            let (set, complaints) = load(body)
            #expect(set.correlations.isEmpty && set.rules.count == 1, "\(body)")
            #expect(complaints.errors.allSatisfy { $0.line >= 14 && $0.column > 0 }, "\(complaints.errors)")
            #expect(!complaints.errors.isEmpty, "\(body)")
        }
        // A base rule of a correlation that was refused does not begin to alert on its own.
        #expect(!load("{type: temporal, rules: [base], timespan: soon}").set.rules[0].standsAlone)
    }

    @Test func folder() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "penstock-rules-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("deep"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try LoadingTests.base.write(to: folder.appendingPathComponent("b.yml"), atomically: true, encoding: .utf8)
        try LoadingTests.base.replacing("Base", with: "Again").write(
            to: folder.appendingPathComponent("deep/c.yaml"), atomically: true, encoding: .utf8)
        try "no rule".write(to: folder.appendingPathComponent("readme.txt"), atomically: true, encoding: .utf8)
        try "a: [".write(to: folder.appendingPathComponent("z.yml"), atomically: true, encoding: .utf8)
        let complaints = Complaints()
        let set = RuleSet.load(paths: [folder.path, "/nowhere"], complaints: complaints)
        #expect(set.rules.map(\.facts.title) == ["Base"])
        #expect(complaints.errors.count == 3)
        #expect(complaints.errors.contains { $0.file == "/nowhere" })
        #expect(complaints.errors.contains { $0.file.hasSuffix("deep/c.yaml") && $0.line == 2 })
    }
}
