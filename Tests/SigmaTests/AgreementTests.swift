// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Sigma
import Testing
import Wire

/// Repeatable random numbers.
struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &+ 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}

struct AgreementTests {
    private static let fields = [
        "src_endpoint.ip", "message", "unmapped.a.b", "unmapped.c", "metadata.product.name", "severity_id",
    ]
    private static let values = [
        "alpha", "alphabet", "beta", "gamma", "10.0.0.1", "5", "ALPHA", "äöü", "a*a", "", "true",
    ]

    private static func rules(_ generator: inout Generator) -> String {
        var text = ""
        for number in 0..<30 {
            let modifiers = ["", "|contains", "|startswith", "|endswith", "|neq", "|cased", "|re", "|contains|cased"]
            func item() -> String {
                let field = fields.randomElement(using: &generator) ?? ""
                let modifier = modifiers.randomElement(using: &generator) ?? ""
                var value = values.randomElement(using: &generator) ?? ""
                if modifier == "|re" { value = value.replacing("*", with: ".") }
                return "'\(field)\(modifier)': '\(value)'"
            }
            let conditions = [
                "a", "a and b", "a or not b", "not a", "not (a or b)", "a and b and not c", "1 of them", "all of them",
            ]
            text += """
                ---
                title: r\(number)
                id: \(String(format: "%08d", number))-1111-4111-8111-111111111111
                logsource: {product: x}
                detection:
                  a: {\(item())}
                  b: {\(item())}
                  c: [\(number % 5 == 0 ? "alpha" : "{\(item())}")]
                  condition: \(conditions.randomElement(using: &generator) ?? "a")

                """
        }
        return text
    }

    private static func event(_ generator: inout Generator) -> [UInt8] {
        func value() -> String {
            switch generator.next() % 5 {
            case 0: return String(generator.next() % 10)
            case 1: return generator.next() % 2 == 0 ? "true" : "5.0"
            default:
                return
                    "\"\((values.randomElement(using: &generator) ?? "") + (generator.next() % 3 == 0 ? "Xy" : ""))\""
            }
        }
        func text() -> String { "\"\(values.randomElement(using: &generator) ?? "")\"" }
        var members = ["\"class_uid\":4001"]
        if generator.next() % 2 == 0 { members.append("\"src_endpoint\":{\"ip\":\(text())}") }
        if generator.next() % 2 == 0 { members.append("\"message\":\(text())") }
        if generator.next() % 2 == 0 {
            members.append("\"unmapped\":{\"a\":{\"b\":\(value())},\"c\":[\(value()),\(value())]}")
        }
        if generator.next() % 2 == 0 { members.append("\"metadata\":{\"product\":{\"name\":\(text())}}") }
        if generator.next() % 2 == 0 { members.append("\"severity_id\":\(generator.next() % 7)") }
        return Array("{\(members.joined(separator: ","))}".utf8)
    }

    /// The same events over JSON, over a batch with a narrow table, and over one with every field that rules name; and
    /// each rule alone as among all others, so that the index leaves none out.
    @Test func evaluatorsAgree() throws {
        var generator = Generator(state: 42)
        var matched = 0
        for _ in 0..<6 {
            let complaints = Complaints()
            let text = AgreementTests.rules(&generator)
            let set = RuleSet.parse(text: text, file: "t.yml", complaints: complaints)
            #expect(complaints.errors.isEmpty, "\(complaints.errors)")
            let alone = text.split(separator: "---\n").map {
                RuleSet.parse(text: String($0), file: "t.yml", complaints: complaints)
            }
            for _ in 0..<40 {
                let event = AgreementTests.event(&generator)
                let expected = try Cases.matches(set, event)
                matched += expected.count
                #expect(try Cases.matches(set, event, set.allCandidates.exhaustive) == expected)
                #expect(try Cases.batchMatches(set, event) == expected)
                #expect(try Cases.batchMatches(set, event, paths: AgreementTests.fields) == expected)
                #expect(try alone.flatMap { try Cases.matches($0, event) } == expected)
            }
        }
        #expect(matched > 1_000)
    }

    /// A raw message is searched by keywords; packets of the sensor are not.
    @Test func rawMessage() throws {
        let set = RuleSet.parse(
            text: "title: k\nlogsource: {product: x}\ndetection: {k: [needle], condition: k}", file: "t",
            complaints: Complaints())
        for (kind, expected) in [(TransportKind.udp, 1), (.file, 1), (.sensor, 0)] {
            let table = FieldTable.Builder().build()
            var batch = Batch(table: table)
            let text = Array("a Needle in it".utf8)
            batch.append(text.span.bytes, received: 0, transport: kind)
            batch.beginRow(frame: 0, classUID: 0, time: 0)
            batch.endRow()
            var scratch = MatchScratch()
            var hits: [Int] = []
            BoundRules(set, table: table).match(
                0, of: batch, candidates: set.allCandidates, scratch: &scratch, into: &hits)
            #expect(hits.count == expected)
        }
    }

    /// Of a frame with several events each is searched in its own part.
    @Test func partsOfAMessage() throws {
        let set = RuleSet.parse(
            text: "title: k\nlogsource: {product: x}\ndetection: {k: [needle], condition: k}", file: "t",
            complaints: Complaints())
        let table = FieldTable.Builder().build()
        var batch = Batch(table: table)
        batch.append(Array("one|a Needle|two".utf8).span.bytes, received: 0, transport: .udp)
        for (number, range) in [0..<3, 4..<12, 13..<16].enumerated() {
            batch.beginRow(frame: 0, classUID: 0, time: 0)
            batch.endRow()
            batch.setPart(UInt16(number + 1), Extent(range))
        }
        var found: [Int] = []
        for row in 0..<3 {
            var scratch = MatchScratch()
            var hits: [Int] = []
            BoundRules(set, table: table).match(
                row, of: batch, candidates: set.allCandidates, scratch: &scratch, into: &hits)
            if !hits.isEmpty { found.append(row) }
        }
        #expect(found == [1])
    }

    /// In an older version of OCSF some classes have an attribute below `unmapped`: rules ask for it by its own name.
    @Test func movedAttributes() throws {
        let set = RuleSet.parse(
            text: "title: p\nlogsource: {product: x}\ndetection: {k: {policy.name: lab}, condition: k}", file: "t",
            complaints: Complaints())
        for (dictionary, isMoved) in [(OCSFDictionary.v1_8_0, false), (.v1_1_0, true), (.v1_8_0, true)] {
            var builder = FieldTable.Builder(dictionary)
            for path in ["policy.name", "unmapped.policy.name"] { builder.add(path) }
            let text = builder.constant("lab")
            let table = builder.build()
            var batch = Batch(table: table)
            batch.beginRow(frame: -1, classUID: 0, time: 0)
            let field = try #require(isMoved ? table.id("unmapped.policy.name") : table.id("policy.name"))
            batch.put(.constant(field, text))
            batch.endRow()
            var scratch = MatchScratch()
            var hits: [Int] = []
            BoundRules(set, table: table).match(
                0, of: batch, candidates: set.allCandidates, scratch: &scratch, into: &hits)
            #expect(hits.count == (isMoved && dictionary.isNative ? 0 : 1))
        }
    }

    /// Random rule texts and random events: nothing traps.
    @Test func fuzz() {
        var generator = Generator(state: 9)
        let seed = """
            title: r
            name: r
            logsource: {product: x}
            detection:
              a: {f|contains|windash: ' -x', g|re|i: 'a+b', n|gte: 3, t|hour: 3, ip|cidr: 10.0.0.0/8, h|expand: '%p%'}
              b: [one, {two|base64offset|contains: xyz}]
              condition: 1 of them or not (a and b)
            ---
            title: c
            correlation: {type: event_count, rules: [r], group-by: [f], timespan: 5m, condition: {gte: 3}}
            """
        let bytes = Array(seed.utf8)
        let event = Array(
            #"{"f":"a -x","g":["aab",null],"n":"4","t":"2026-01-01T03:00:00Z","ip":"10.1.1.1","o":{"x":"\u00e9one"}}"#
                .utf8)
        var scratch = MatchScratch()
        var loaded = 0
        let clock = ContinuousClock()
        let end = clock.now + .milliseconds(1_200)
        while clock.now < end {
            var text = bytes
            for _ in 0..<Int.random(in: 0...4, using: &generator) {
                let place = Int.random(in: 0..<text.count, using: &generator)
                switch generator.next() % 3 {
                case 0: text[place] = "|*?\\%'\"()[]{}:,-019 \n\tñnot".utf8.randomElement(using: &generator) ?? 0
                case 1: text.remove(at: place)
                default: text.insert(contentsOf: text[place..<min(text.count, place + 7)], at: place)
                }
            }
            let complaints = Complaints()
            let set = RuleSet.parse(
                text: String(decoding: text, as: UTF8.self), file: "t", placeholders: ["p": ["q"]],
                complaints: complaints)
            loaded += set.rules.count
            for _ in 0..<4 {
                var json = event
                for _ in 0..<Int.random(in: 0...3, using: &generator) {
                    json[Int.random(in: 0..<json.count, using: &generator)] = UInt8(
                        truncatingIfNeeded: generator.next())
                }
                guard let document = try? JSONDocument(json) else { continue }
                var hits: [Int] = []
                set.match(document, candidates: set.allCandidates, scratch: &scratch, into: &hits)
            }
        }
        #expect(loaded > 10)
    }
}
