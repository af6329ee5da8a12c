// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Sigma
import Testing

/// One item of a selection against one event, in both evaluators.
struct ValueTests {
    private static func holds(_ item: String, _ event: String, placeholders: [String: [String]] = [:]) throws -> Bool? {
        let complaints = Complaints()
        let text = """
            title: t
            logsource: {product: test}
            detection:
              sel:
                \(item)
              condition: sel
            """
        let set = RuleSet.parse(text: text, file: "t.yml", placeholders: placeholders, complaints: complaints)
        guard !set.rules.isEmpty else {
            #expect(!complaints.errors.isEmpty)
            return nil
        }
        let json = Array("{\"class_uid\":4001,\(event.dropFirst())".replacing(",}", with: "}").utf8)
        let one = try Cases.matches(set, json)
        let other = try Cases.batchMatches(set, json)
        // A batch holds no null, which only `exists` can tell from an absent field, and at its root no names with dots.
        if !event.contains("null"), !event.contains("a.b\"") { #expect(one == other, "\(item) on \(event)") }
        return !one.isEmpty
    }

    @Test(arguments: [
        // Escapes, as the text arrives from YAML.
        (#"f: a\*b"#, #"{"f":"a*b"}"#, true), (#"f: a\*b"#, #"{"f":"axb"}"#, false),
        (#"f: a\?b"#, #"{"f":"a?b"}"#, true), (#"f: a\\*b"#, #"{"f":"a\\xxb"}"#, true),
        (#"f: a\\*b"#, #"{"f":"a*b"}"#, false), (#"f: a\\\*b"#, #"{"f":"a\\*b"}"#, true),
        (#"f: a\\\*b"#, #"{"f":"a\\xb"}"#, false), (#"f: a\b"#, #"{"f":"a\\b"}"#, true),
        (#"f: a\\b"#, #"{"f":"a\\b"}"#, true), (#"f: a\\\b"#, #"{"f":"a\\\\b"}"#, true),
        (#"f: a\\\\b"#, #"{"f":"a\\\\b"}"#, true), (#"f: a\"#, #"{"f":"a\\"}"#, true),
        (#"f: 'C:\dir\*'"#, #"{"f":"C:\\dir*"}"#, true), (#"f: 'C:\dir\*'"#, #"{"f":"C:\\dir\\x"}"#, false),
        (#"f: "\\*""#, #"{"f":"*"}"#, true),
        // Wildcards over line breaks, combining marks and pairs of bytes.
        ("f: a?b", #"{"f":"a\nb"}"#, true), ("f: a?b", #"{"f":"a\r\nb"}"#, false), ("f: a*b", #"{"f":"a\r\nb"}"#, true),
        ("f: a?b", #"{"f":"aéb"}"#, true), ("f: a?b", #"{"f":"a😀b"}"#, true), ("f: a??b", #"{"f":"a😀b"}"#, false),
        ("f: '?'", #"{"f":"e\u0301"}"#, false), ("f: '??'", #"{"f":"e\u0301"}"#, true),
        ("f: '*?é'", #"{"f":"xé"}"#, true),
        ("f: '*?é'", #"{"f":"é"}"#, false), ("f: é", #"{"f":"e\u0301"}"#, false), ("f: a*", #"{"f":"a"}"#, true),
        ("f: a*b*c", #"{"f":"abc"}"#, true), ("f: a*bc*c", #"{"f":"abc"}"#, false),
        ("f: '*ab*ab'", #"{"f":"ab"}"#, false),
        ("f: '*ab*ab'", #"{"f":"abab"}"#, true), ("f: '*aab*'", #"{"f":"aaab"}"#, true), ("f: '*'", #"{"f":""}"#, true),
        ("f: '**'", #"{"f":"x"}"#, true), ("f: 'a*?'", #"{"f":"a"}"#, false), ("f: '?*?'", #"{"f":"é"}"#, false),
        // Case.
        ("f: STRASSE", #"{"f":"strasse"}"#, true), ("f: STRASSE", #"{"f":"straße"}"#, false),
        ("f: ΣΑΣ", #"{"f":"σας"}"#, true),
        ("f: ÄÖÜ", #"{"f":"äöü"}"#, true), ("f: İ", #"{"f":"i"}"#, false), ("f: I", #"{"f":"ı"}"#, false),
        ("f: K", #"{"f":"K"}"#, true),
        ("f|cased: Root", #"{"f":"root"}"#, false), ("f|cased|contains: oot", #"{"f":"ROot"}"#, false),
        ("f|cased|startswith: Ro", #"{"f":"Root"}"#, true), ("f|cased: ÄX", #"{"f":"ÄX"}"#, true),
        ("f|cased: ÄX", #"{"f":"äX"}"#, false),
        // Numbers and truth values in text form.
        ("f: 4625", #"{"f":4625}"#, true), ("f: 4625", #"{"f":4625.0}"#, true), ("f: 4625.0", #"{"f":"4625"}"#, true),
        ("f: 4625", #"{"f":"04625"}"#, false), ("f: '4625'", #"{"f":4625}"#, true), ("f: 1.5", #"{"f":1.50}"#, true),
        ("f: -3", #"{"f":-3}"#, true), ("f: 1e3", #"{"f":"1e3"}"#, true), ("f: true", #"{"f":true}"#, true),
        ("f: true", #"{"f":"TRUE"}"#, true), ("f: 'true'", #"{"f":false}"#, false), ("f: yes", #"{"f":"yes"}"#, true),
        ("f: yes", #"{"f":true}"#, false), ("f: 18446744073709551616", #"{"f":"18446744073709551616"}"#, true),
        // Absent, empty, null.
        ("f: ''", #"{"f":""}"#, true), ("f: ''", #"{"g":1}"#, false), ("f: null", #"{"g":1}"#, true),
        ("f: null", #"{"f":null}"#, true),
        ("f: null", #"{"f":""}"#, false), ("f|neq: null", #"{"f":"x"}"#, true), ("f|neq: null", #"{"g":1}"#, false),
        ("f|exists: true", #"{"f":null}"#, true), ("f|exists: yes", #"{"f":""}"#, true),
        ("f|exists: no", #"{"g":""}"#, true),
        ("f|exists: false", #"{"f":[]}"#, false), ("f: null", #"{"f":[]}"#, false), ("f|neq: a", #"{"g":1}"#, true),
        ("f|neq: [a, b]", #"{"f":"c"}"#, true), ("f|neq: [a, b]", #"{"f":"b"}"#, false),
        ("f|contains|neq: x", #"{"f":"axb"}"#, false),
        // Nesting.
        ("a.b: x", #"{"a":{"b":"x"}}"#, true), ("a.b: x", #"{"a.b":"x"}"#, true),
        ("a.b: x", #"{"a":[{"b":"y"},{"b":"x"}]}"#, true),
        ("a.b.c: x", #"{"a":{"b.c":"x"}}"#, true), ("f: x", #"{"f":["y","X"]}"#, true),
        ("f|neq: x", #"{"f":["y","x"]}"#, false),
        ("a|exists: true", #"{"a":{"b":1}}"#, true), ("a: null", #"{"a":{"b":1}}"#, false),
        ("F: x", #"{"f":"x"}"#, false),
        ("src_endpoint.ip: 10.0.0.1", #"{"src_endpoint":{"ip":"10.0.0.1"}}"#, true),
        ("src_endpoint|exists: true", #"{"src_endpoint":{"ip":"10.0.0.1"}}"#, true),
        ("src_endpoint: null", #"{"dst_endpoint":{"ip":"10.0.0.1"}}"#, true),
        ("unmapped.x.y: 5", #"{"unmapped":{"x":{"y":5}}}"#, true),
        ("unmapped.x.y: 5", #"{"unmapped":{"x":[{"y":4},{"y":5}]}}"#, true),
        ("unmapped.x|exists: true", #"{"unmapped":{"x":{"y":5}}}"#, true),
        ("unmapped.x|exists: false", #"{"unmapped":{"z":{"x":5}}}"#, true),
        ("unmapped.x: [1, 2]", #"{"unmapped":{"x":[3,2]}}"#, true),
        // Keywords.
        ("'': evil", #"{"a":{"b":["an EVIL thing"]}}"#, true), ("'|all': [ab, cd]", #"{"a":"xaby","b":"cd"}"#, true),
        ("'|all': [ab, cd]", #"{"a":"xaby","cd":"b"}"#, false), ("'|re': 'e.il'", #"{"a":"an evil thing"}"#, true),
        ("'': 4625", #"{"a":4625}"#, true),
        // Regular expressions.
        ("f|re: '^a.c$'", #"{"f":"abc\n"}"#, true), ("f|re: a.c", #"{"f":"a\nc"}"#, false),
        ("f|re|s: a.c", #"{"f":"a\nc"}"#, true),
        ("f|re: ABC", #"{"f":"abc"}"#, false), ("f|re: (?i)ABC", #"{"f":"abc"}"#, true),
        ("f|re|i|m: ^B$", #"{"f":"a\nb\nc"}"#, true),
        (#"f|re: \d{2,3}?x"#, #"{"f":"12x"}"#, true), ("f|re: ''", #"{"f":""}"#, true),
        // Comparisons and dates.
        ("n|lt: 10", #"{"n":"9"}"#, true), ("n|lt: 10", #"{"n":"nine"}"#, false), ("n|gte: -1.5", #"{"n":-1.5}"#, true),
        ("n|gt: 1", #"{"n":"0x10"}"#, false), ("n|gt: 1", #"{"n":[0,2]}"#, true), ("n|lt: 1e2", #"{"n":99}"#, true),
        ("t|hour: 23", #"{"t":"2026-01-01T23:30:00+02:00"}"#, true),
        ("t|hour|gte: 22", #"{"t":"2026-01-01T23:30:00Z"}"#, true),
        ("t|minute: 30", #"{"t":1767310200}"#, true), ("t|day: 1", #"{"t":1767310200000}"#, true),
        ("t|week: 1", #"{"t":"2025-12-29T00:00:00Z"}"#, true),
        ("t|week: 52", #"{"t":"2023-01-01T00:00:00Z"}"#, true), ("t|year: 2026", #"{"t":"soon"}"#, false),
        // Networks.
        ("f|cidr: 10.0.0.0/8", #"{"f":"10.1.2.3"}"#, true),
        ("f|cidr: '2001:db8::/32'", #"{"f":"2001:0db8:0:0:0:0:0:1"}"#, true),
        ("f|cidr: 10.0.0.0/8", #"{"f":"::ffff:10.1.2.3"}"#, true), ("f|cidr: '::/0'", #"{"f":"10.1.2.3"}"#, false),
        ("f|cidr: 0.0.0.0/0", #"{"f":"::1"}"#, false),
        // Other fields.
        ("a|fieldref: b", #"{"a":"X","b":"x"}"#, true), ("a|fieldref|neq: b", #"{"a":"x","b":"x"}"#, false),
        ("a|fieldref|cased: b", #"{"a":"X","b":"x"}"#, false),
        ("a|fieldref|startswith: b", #"{"a":"xyz","b":"XY"}"#, true),
        ("a|fieldref|contains: b", #"{"a":"xyz","b":"Y"}"#, true),
        ("a|fieldref: b", #"{"a":["q","x"],"b":["x","r"]}"#, true),
        ("a|fieldref: b", #"{"a":1,"b":"1"}"#, true), ("a|fieldref: b", #"{"b":"x"}"#, false),
        // Dashes.
        ("f|windash: '-enc'", #"{"f":"/enc"}"#, true), ("f|windash: '-enc'", #"{"f":"―enc"}"#, true),
        ("f|windash: '-enc'", #"{"f":"enc"}"#, false),
        ("f|contains|windash: 'a-b'", #"{"f":"a/b"}"#, false), ("f|endswith|windash: ' -x'", #"{"f":"cmd –x"}"#, true),
        ("f|contains|windash: ' - '", #"{"f":"a / b"}"#, false), ("f|windash|cased: '-E'", #"{"f":"/e"}"#, false),
        // Encodings.
        ("f|base64: foobar", #"{"f":"Zm9vYmFy"}"#, true), ("f|base64: 'foob'", #"{"f":"Zm9vYg=="}"#, true),
        ("f|wide|base64offset|contains: ab", #"{"f":"xxYQBiAx"}"#, true),
        ("f|utf16be|base64: a", #"{"f":"AGE="}"#, true),
        ("f|utf16le|base64: a", #"{"f":"YQA="}"#, true), ("f|wide: ab", #"{"f":"a\u0000b\u0000"}"#, true),
        // Lists.
        ("f|all|contains: [a, b]", #"{"f":"xbxa"}"#, true), ("f|contains|all: [a, b]", #"{"f":"xa"}"#, false),
        ("f|contains|all: [a, b]", #"{"f":["xa","xb"]}"#, true), ("f|endswith: [x, y]", #"{"f":"ay"}"#, true),
    ])
    func holds(_ item: String, _ event: String, _ expected: Bool) throws {
        #expect(try ValueTests.holds(item, event) == expected)
    }

    @Test(arguments: [
        ("u|expand: '%list%'", #"{"u":"adm_x"}"#, true), ("u|expand: 'a%list%'", #"{"u":"aroot"}"#, true),
        ("u|expand: '%list%%list%'", #"{"u":"rootadm_x"}"#, true), ("u|expand: '100%'", #"{"u":"100%"}"#, true),
        (#"u|expand: '\%list%'"#, #"{"u":"%list%"}"#, true), ("u: '%list%'", #"{"u":"%list%"}"#, true),
        ("u|expand: '%none%'", #"{"u":"%none%"}"#, false), ("u|neq|expand: '%none%'", #"{"u":"x"}"#, true),
        ("u|cidr|expand: '%nets%'", #"{"u":"10.1.1.1"}"#, true),
        ("u|cidr|expand: '%nets%'", #"{"u":"192.0.2.8"}"#, true),
        ("u|cidr|expand: '%nets%'", #"{"u":"192.0.2.9"}"#, false),
        ("u|expand|base64: '%plain%'", #"{"u":"Zm9vYmFy"}"#, true),
    ])
    func placeholders(_ item: String, _ event: String, _ expected: Bool) throws {
        let lists = ["list": ["root", "adm_*"], "none": [], "nets": ["10.0.0.0/8", "192.0.2.8"], "plain": ["foobar"]]
        #expect(try ValueTests.holds(item, event, placeholders: lists) == expected)
    }

    /// What cannot be meant is refused, with its place; nothing is half loaded.
    @Test(arguments: [
        "f|frobnicate: x", "f|re: '('", "f|cidr: 10.0.0.0/33", "f|cidr: ten", "f|exists: maybe", "f|exists: 'true'",
        "f|exists: [true]",
        "f|lt: ten", "f|gt: ''", "f|lt|gt: 3", "f|lt|contains: 3", "f|expand: '%missing%'",
        "f|expand: '%list%%missing%'", "f|base64: 'a*'",
        "f|base64offset|contains: 'a?'", "f|contains|base64: a", "f|wide: 'a*'", "f|utf16: 'a'",
        "f|base64|wide|utf16le|base64: x",
        "f: [a, null]", "f|contains: null", "f|all: a", "f|all: [a]", "f|contains|all: x", "f: []", "f: {a: b}",
        "f: [[a]]", "f: [{a: b}]",
        "f|i: x", "f|re|contains|startswith: x", "f|re|cased: x", "f|re|base64: x", "'|exists': true", "'|lt': 3",
        "'|cidr': 10.0.0.0/8",
        "'|fieldref': x", "'': null", "f|fieldref: ''", "f|fieldref|base64: g", "f|hour: noon", "f|hour|day: 3",
        "f|: x", "f|contains|: x",
        "f|cidr|contains: 10.0.0.0/8", "f|base64|expand: '%missing%'",
    ])
    func refused(_ item: String) throws {
        let complaints = Complaints()
        let text = "title: t\nlogsource: {product: test}\ndetection:\n  sel:\n    \(item)\n  condition: sel\n"
        let set = RuleSet.parse(text: text, file: "rules/t.yml", placeholders: ["list": ["x"]], complaints: complaints)
        #expect(set.rules.isEmpty)
        #expect(complaints.errors.count >= 1)
        #expect(
            complaints.errors.allSatisfy {
                $0.line == 5 && $0.column >= 5 && $0.description.hasPrefix("rules/t.yml:5:")
            })
    }

    /// An expression that backtracks is given up on and counted: a value cannot keep a lane.
    @Test func slowExpressions() throws {
        let set = RuleSet.parse(
            text: "title: t\nlogsource: {product: test}\ndetection: {s: {f|re: '(a|aa)+$'}, condition: s}",
            file: "t.yml",
            complaints: Complaints())
        for length in [100, 2_000, 60_000] {
            let event = try JSONDocument(Array("{\"f\":\"\(String(repeating: "a", count: length))b\"}".utf8))
            var scratch = MatchScratch()
            var hits: [Int] = []
            let time = ContinuousClock().measure {
                set.match(event, candidates: set.allCandidates, scratch: &scratch, into: &hits)
            }
            #expect(hits.isEmpty && scratch.takeExhausted() == 1)
            // Measured on machines with much else to do: bounded, not fast.
            #expect(time < .seconds(2), "\(length): \(time)")
        }
    }
}
