// SPDX-License-Identifier: Apache-2.0
internal import Documents
internal import Events
internal import Sigma
internal import Wire

/// Any text is a rule file whose faults have places, or rules that match the same however they are asked: at once or
/// one after the other, with used or with new room, by themselves or with a table of log sources.
func fuzzRules(_ input: RawSpan) {
    var choices = Choices(input)
    let choice = choices.next()
    let text = choices.rest.text
    let complaints = Complaints()
    // The text as a table, or as rules with one.
    let table = choice & 7 == 7 ? text : table
    let taxonomy = choice & 1 == 0 ? Taxonomy.none : Taxonomy.parse(files: [("t.yaml", table)], complaints: complaints)
    let rules = choice & 7 == 7 ? seed : text
    let set = RuleSet.parse(
        text: rules, file: "r.yml", placeholders: ["p": ["q", "r*"], "n": ["10.0.0.0/8"], "none": []],
        includeRetired: choice & 2 != 0, taxonomy: taxonomy, complaints: complaints)
    for complaint in complaints.all {
        check(complaint.line > 0 && complaint.column > 0, "no place: \(complaint)")
        check(!complaint.message.isEmpty && complaint.message.utf8.count < 20_000, "\(complaint)")
    }
    check(set.rules.count <= 1 + rules.utf8.count / 8, "\(set.rules.count) rules")
    guard !set.rules.isEmpty else { return }

    var used = MatchScratch()
    let routed = set.candidates(for: LogSources(products: ["ocsf", "p"], categories: ["c"]), classUID: 4001)
    for event in events {
        guard let document = try? JSONDocument(event) else { continue }
        for candidates in [set.allCandidates, routed] {
            var first: [Int] = []
            var second: [Int] = []
            set.match(document, candidates: candidates, scratch: &used, into: &first)
            var fresh = MatchScratch()
            set.match(document, candidates: candidates, scratch: &fresh, into: &second)
            check(first == second, "\(first), and \(second)")
            check(first.count <= candidates.count && first == first.sorted(), "\(first)")
        }
    }
    check(used.takeExhausted() >= 0, "a count below nothing")
}

private let seed = """
    title: r
    logsource: {product: p, category: c}
    detection: {a: {f|contains: x, g: y}, condition: a}
    """

private let table = """
    sources:
      - {logsource: {product: p}, fields: {f: unmapped.f, g: [h, {path: n, values: {4: y}}]}}
      - {logsource: {product: p, category: d}, when: {class_uid: 4001, n|gte: 1}, fields: {f: a.b}}
      - {logsource: {service: s}, from: [p]}
    """

private let events = [
    #"{"class_uid":4001,"f":"a -x","g":["aab",null],"n":"4","t":"2026-01-01T03:00:00Z","ip":"10.1.1.1","o":{"x":"\u00e9one"}}"#,
    #"{"f":"","g":"äöü ÄÖÜ İı","n":-1.5e3,"a":[{"b":"x"},{"b":["y",1]}],"unmapped":{"f":"X.exe","k":"Zm9vYmFy"},"b":true}"#,
    #"{"f":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab","ip":"2001:db8::1"}"#,
].map { Array($0.utf8) }
