// SPDX-License-Identifier: Apache-2.0
import Events
import Normalizer
import Testing
import Wire

/// What a step takes of a record at most: the rest is cut, counted, and still in the original text.
struct BoundTests {
    private static func mapping(_ step: String, _ lines: String = "src_endpoint.ip: src") -> String {
        """
        name: demo
        product: {name: Demo}
        match: [{regex: '.'}]
        parse:
          - \(step)
        events:
          - class: network_activity
            activity_id: Traffic
            map: {connection_info.direction_id: {value: 0}, \(lines)}
        """
    }

    private static func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

    /// A record that just fits, and one with one more.
    @Test(arguments: [
        ("kv: true", "src=192.0.2.1" + repeated(" a=b", 1_023), " a=b"),
        ("kv: {separator: ';'}", "src=192.0.2.1" + repeated(";flag", 1_023), ";flag"),
        ("cef: true", "CEF:0|v|p|1|e|n|5|src=192.0.2.1" + repeated(" a=b", 1_023), " a=b"),
        ("leef: true", "LEEF:1.0|v|p|1|e|src=192.0.2.1" + repeated("\ta=b", 1_023), "\ta=b"),
        ("csv: {columns: [src]}", "192.0.2.1" + repeated(",x", 1_023), ",x"),
        ("json: true", #"{"src":"192.0.2.1","a":"# + repeated("[", 63) + repeated("]", 63), "}"),
    ])
    func pairs(_ step: String, _ fitting: String, _ more: String) throws {
        var bench = try Bench(Self.mapping(step))
        let isJSON = more == "}"
        bench.take(isJSON ? fitting + more : fitting)
        #expect(bench.normalizer.takeTally().cut == 0)
        let longer =
            isJSON
            ? #"{"src":"192.0.2.1","a":"# + Self.repeated("[", 64) + Self.repeated("]", 64) + "}" : fitting + more
        let row = bench.take(longer)
        let object = try bench.object(row)
        #expect(object["raw_data"] as? String == longer)
        let tally = bench.normalizer.takeTally()
        #expect(tally.cut == 1 && tally.unreadable == (isJSON ? 1 : 0))
        #expect(isJSON || (object["src_endpoint"] as? [String: Any])?["ip"] as? String == "192.0.2.1")
        #expect(bench.normalizer.takeTally().cut == 0)
    }

    @Test func structuredData() throws {
        var bench = try Bench(Self.mapping("sd: true"))
        let fitting = "<14>1 2026-03-05T14:07:09Z fw a - - [x src=\"192.0.2.1\"" + Self.repeated(" a=\"b\"", 1_022)
        bench.take(fitting + "] text")
        #expect(bench.normalizer.takeTally().cut == 0)
        bench.take(fitting + " a=\"b\"] text")
        #expect(bench.normalizer.takeTally().cut == 1)
    }

    @Test func numbersOfJSON() throws {
        var bench = try Bench(Self.mapping("json: true"))
        bench.take(#"{"src":"192.0.2.1","n":"# + Self.repeated("7", 1_000) + "}")
        #expect(bench.normalizer.takeTally().cut == 0)
        let row = bench.take(#"{"src":"192.0.2.1","n":"# + Self.repeated("7", 60_000) + "}")
        #expect(bench.batch.rows[row].classUID == 0)
        let tally = bench.normalizer.takeTally()
        #expect(tally.cut == 1 && tally.unreadable == 1)
    }

    @Test func xml() throws {
        var bench = try Bench(Self.mapping("xml: true", "src_endpoint.ip: a.src"))
        bench.take("<r><a src='192.0.2.1'>" + Self.repeated("<b>", 30) + Self.repeated("</b>", 30) + "</a></r>")
        #expect(bench.normalizer.takeTally().cut == 0)
        bench.take("<r><a src='192.0.2.1'>" + Self.repeated("<b>", 31) + Self.repeated("</b>", 31) + "</a></r>")
        #expect(bench.normalizer.takeTally().cut == 1)
        bench.take("<r><a src='192.0.2.1'/>" + Self.repeated("<b/>", 4_100) + "</r>")
        #expect(bench.normalizer.takeTally().cut == 1)
    }

    /// The name of an element is written once, and stands before each value: what goes beside is bounded by the record.
    @Test func growth() throws {
        var bench = try Bench(Self.mapping("xml: true", "src_endpoint.ip: last.src"))
        let name = Self.repeated("n", 255)
        let line = "<r><\(name)" + Self.repeated(" v='1'", 4_000) + "/><last src='192.0.2.1'/></r>"
        let row = bench.take(line)
        let size = bench.json(row).count
        #expect(size < 10 * line.utf8.count + 4_096, "\(size) of \(line.utf8.count)")
        let tally = bench.normalizer.takeTally()
        let object = try bench.object(row)
        #expect(tally.cut == 1 && object["class_uid"] as? Int == 4001)
    }

    /// Labels name keys; of those that do, a line has so many.
    @Test func labels() throws {
        var bench = try Bench(Self.mapping("cef: true", "src_endpoint.ip: src, message: labels.Rule"))
        func line(_ labels: Int) -> String {
            "CEF:0|v|p|1|e|n|5|src=192.0.2.1 cs1=seven cs1Label=Rule"
                + (0..<labels).map { " k\($0)Label=Rule" }.joined()
        }
        bench.take(line(63))
        #expect(bench.normalizer.takeTally().cut == 0)
        bench.take(line(64))
        #expect(bench.normalizer.takeTally().cut == 1)
    }

    /// An expression that would go on for ever is given up and counted; the record is an event all the same.
    @Test func expressions() throws {
        var bench = try Bench(Self.mapping("regex: {any: ['^(?<src>(?:a+)+)$']}"))
        let row = bench.take(Self.repeated("a", 60) + "!")
        let tally = bench.normalizer.currentTally
        #expect(tally.exhausted == 1 && tally.unreadable == 1 && bench.batch.rows[row].classUID == 0)
        #expect(bench.normalizer.takeTally().exhausted == 1 && bench.normalizer.takeTally().exhausted == 0)
        bench.take(Self.repeated("a", 60) + "!")
        bench.normalizer.resetTally()
        #expect(bench.normalizer.currentTally.exhausted == 0)
    }

    /// OCSF 1.1 has texts of 65,535 characters at most; the default size of a message is one more.
    @Test(arguments: [OCSFDictionary.v1_8_0, .v1_1_0])
    func longTexts(_ dictionary: OCSFDictionary) throws {
        var bench = try Bench(Self.mapping("kv: true"), of: dictionary)
        let line = Self.repeated("x", 65_534) + "é"
        let object = try bench.object(bench.take(line))
        let wanted = dictionary.isNative ? line : Self.repeated("x", 65_534)
        #expect(object["raw_data"] as? String == wanted)
        let beside = (object["unmapped"] as? [String: Any])?["penstock"] as? [String: Any]
        #expect(beside?["cut"] as? Bool == (dictionary.isNative ? nil : true))
    }
}
