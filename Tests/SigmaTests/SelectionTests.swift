// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Sigma
import Testing

/// Rules that look at an event only when it answers their log source: what is found with the index of just these rules is
/// what evaluating each of them finds, whichever log sources an event answers and however many ways there are.
struct SelectionTests {
    private static let branches = 9
    private static let words = [
        "ab", "abc", "wxyz", "wxyz5", "needle6", "needle78", "needle789", "CamelNeedle", "straße", "ÄPFEL", "dot.exe",
        "-e", "10.0.0.1", "K2ASCII", "[bracket]", "@home{x}",
    ]

    private static let kits = [words, ["needle78", "CamelNeedle", "needle789"], ["wxyz5", "needle6"]]

    private static let taxonomy: Taxonomy = {
        var table = "name: t\nsources:\n"
        for branch in 0..<branches {
            table += """
                  - logsource: {product: p, category: c\(branch)}
                    when: {metadata.event_code|contains: 'x\(branch)', message|contains: 'on\(branch)'}
                    fields: {Image: process.path, Line: process.cmd_line}

                """
        }
        return Taxonomy.parse(files: [("t.yaml", table)], complaints: Complaints())
    }()

    private static func rules(_ generator: inout Generator, keywords: [String]) -> String {
        var text = ""
        for number in 0..<60 {
            let category = Int.random(in: 0..<branches + 1, using: &generator)
            let source = category == branches ? "{product: p}" : "{product: p, category: c\(category)}"
            func item() -> String {
                let field = ["Image", "Line", "message", "unmapped.a", "process.path"].randomElement(using: &generator)!
                let modifier = ["", "|contains", "|startswith", "|endswith", "|re", "|contains|cased"].randomElement(
                    using: &generator)!
                var word = words.randomElement(using: &generator)!
                if modifier == "|re" { word = "n[a-f]+dle" }
                return "'\(field)\(modifier)': '\(word)'"
            }
            let listed = (0..<3).map { _ in "'\(keywords.randomElement(using: &generator)!)'" }.joined(separator: ", ")
            let conditions = ["a", "a and not b", "a or k", "k", "k and not a", "not k", "1 of them"]
            text += """
                ---
                title: r\(number)
                id: \(String(format: "%08d", number))-1111-4111-8111-111111111111
                logsource: \(source)
                detection:
                  a: {\(item())}
                  b: {\(item())}
                  k: [\(listed)]
                  condition: \(conditions.randomElement(using: &generator) ?? "a")

                """
        }
        return text
    }

    private static func event(_ generator: inout Generator) -> [UInt8] {
        func text() -> String {
            var text = ""
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                var word = words.randomElement(using: &generator)!
                if generator.next() % 3 == 0 { word = word.uppercased() }
                let gap = String("·-- /x_Aä".prefix(Int.random(in: 0...8, using: &generator)))
                text += (generator.next() % 3 == 0 ? gap : String(gap.dropFirst())) + word
            }
            return text
        }
        var code = ""
        var message = text()
        for branch in 0..<branches where generator.next() % 2 == 0 {
            code += " x\(branch)"
            message += " on\(branch)"
        }
        let members: [String: Any] = [
            "class_uid": 1007, "message": message, "metadata": ["event_code": code], "raw_data": text() + message,
            "process": ["path": text(), "cmd_line": text()], "unmapped": ["a": text(), "other": text()],
        ]
        return Cases.bytes(members)
    }

    /// Few keywords that are all long are searched for at every fourth byte, others at every one: both ways are tried.
    @Test(arguments: zip([7, 8, 9] as [UInt64], SelectionTests.kits))
    func selectionsAgree(seed: UInt64, keywords: [String]) throws {
        var generator = Generator(state: seed)
        let complaints = Complaints()
        let text = SelectionTests.rules(&generator, keywords: keywords)
        let set = RuleSet.parse(
            files: [("r.yml", text)], taxonomy: SelectionTests.taxonomy, complaints: complaints)
        #expect(complaints.errors.isEmpty, "\(complaints.errors)")
        let events = (0..<700).map { _ in SelectionTests.event(&generator) }
        var reader = EventReader()
        var builder = FieldTable.Builder()
        for event in events { try reader.collect(event.span.bytes, into: &builder) }
        let table = builder.build()
        let bound = BoundRules(set, table: table)
        var batch = Batch(table: table)
        for event in events { _ = reader.read(event.span.bytes, into: &batch) }
        let candidates = set.candidates(for: LogSources(products: ["ocsf", "p"]), classUID: 1007)
        var lane = MatchScratch()
        var other = MatchScratch()
        var matched = 0
        for row in events.indices {
            var found: [Int] = []
            var wanted: [Int] = []
            bound.match(row, of: batch, candidates: candidates, scratch: &lane, into: &found)
            bound.match(row, of: batch, candidates: candidates.exhaustive, scratch: &other, into: &wanted)
            #expect(found == wanted, "\(String(decoding: events[row], as: UTF8.self))")
            var document: [Int] = []
            set.match(try JSONDocument(events[row]), candidates: candidates, scratch: &lane, into: &document)
            #expect(document == wanted, "\(String(decoding: events[row], as: UTF8.self))")
            matched += wanted.count
        }
        #expect(matched > 3_000)
        #expect(lane.takeEvaluations() < 2 * 700 * 60)
    }
}
