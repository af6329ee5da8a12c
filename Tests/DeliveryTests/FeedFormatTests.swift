// SPDX-License-Identifier: Apache-2.0
import Delivery
import Documents
import Events
import Foundation
import Testing
import Wire

@Suite struct FeedFormatTests {
    static let network =
        #"{"class_uid":4001,"class_name":"Network Activity","type_uid":400106,"type_name":"Network Activity: Traffic","activity_name":"Traffic","severity_id":4,"time":1767323045678,"metadata":{"uid":"a1","product":{"name":"FW"}},"src_endpoint":{"ip":"192.0.2.1","port":4711,"zone":"office"},"dst_endpoint":{"ip":"192.0.2.2","port":502},"connection_info":{"protocol_name":"tcp","direction_id":2},"unmapped":{"modbus":{"function_code":5}},"message":"a=b | c\\d\nend "}"#
    static let finding =
        #"{"class_uid":2004,"class_name":"Detection Finding","type_uid":200401,"severity_id":5,"time":1767323045678,"metadata":{"uid":"m"},"finding_info":{"uid":"f-1","title":"Write from the office","analytic":{"uid":"r|1","name":"CROSS_ZONE_VIOLATION"},"attacks":[{"technique":{"uid":"T0886"}},{"technique":{"uid":"T0855"}}]}}"#

    @Test func cefLines() throws {
        let lines = try lines([Self.network, Self.finding], try feedFormat("cef"))
        #expect(
            lines[0]
                == #"CEF:0|Penstock|Penstock|1.2.3|400106|Network Activity: Traffic|8|rt=1767323045678 cat=Network Activity externalId=a1 act=Traffic src=192.0.2.1 spt=4711 dst=192.0.2.2 dpt=502 proto=TCP deviceDirection=1 cs2=office cs2Label=Source Zone cs4=FW cs4Label=Source Product cs5={"modbus":{"function_code":5}} cs5Label=Unmapped msg=a\=b | c\\d\nend"#
        )
        #expect(
            lines[1]
                == #"CEF:0|Penstock|Penstock|1.2.3|r\|1|CROSS_ZONE_VIOLATION|9|externalId=f-1 rt=1767323045678 cat=Detection Finding cs1=T0886,T0855 cs1Label=Techniques"#
        )
    }

    @Test func leefLines() throws {
        let lines = try lines([Self.network, Self.finding], try feedFormat("leef"))
        #expect(
            lines[0].split(separator: "\t", omittingEmptySubsequences: false) == [
                "LEEF:2.0|Penstock|Penstock|1.2.3|400106|x09|sev=8", "devTime=1767323045678", "cat=Network Activity",
                "src=192.0.2.1", "srcPort=4711", "dst=192.0.2.2", "dstPort=502", "proto=TCP",
                "ocsfTypeName=Network Activity: Traffic", "ocsfActivity=Traffic", "eventUid=a1", "srcZone=office",
                "sourceProduct=FW", #"unmapped={"modbus":{"function_code":5}}"#, #"msg=a=b | c\d\nend"#,
            ])
        #expect(lines[1].hasPrefix("LEEF:2.0|Penstock|Penstock|1.2.3|r_1|x09|sev=9\truleName=CROSS_ZONE_VIOLATION\t"))
        #expect(lines[1].contains("\ttechniques=T0886,T0855"))
    }

    @Test func sixthVersionAddresses() throws {
        let event =
            #"{"class_uid":4001,"time":1,"src_endpoint":{"ip":"2001:db8::1"},"dst_endpoint":{"ip":"192.0.2.2"},"message":"m"}"#
        let zero = try lines([event], try feedFormat("cef"))[0]
        #expect(
            zero == "CEF:0|Penstock|Penstock|1.2.3|4001|Event|Unknown|rt=1 c6a2=2001:db8::1 "
                + "c6a2Label=Source IPv6 Address dst=192.0.2.2 msg=m")
        let one = try lines([event], try feedFormat("cef", replacing: [("version: 0\n", "version: 1\n")]))[0]
        #expect(one == "CEF:1|Penstock|Penstock|1.2.3|4001|Event|Unknown|rt=1 src=2001:db8::1 dst=192.0.2.2 msg=m")
    }

    @Test func aTableOfTheFormatsOwnPathsIsEnough() throws {
        let format = try feedFormat("cef")
        var builder = FieldTable.Builder()
        for path in format.paths { builder.add(path) }
        let event =
            #"{"class_uid":4001,"time":1767323045678,"unmapped":{"modbus":{"unit":1},"zone":{"src":"L3","x.y":2,"n":null}},"other":1,"metadata":{"uid":"u","odd":"x"}}"#
        let events = try batch([event], table: builder.build())
        var formatter = FeedFormatter(format, version: "1")
        var slab = Slab(capacity: 1024)
        formatter.append(0, of: events, to: &slab)
        #expect(
            slab.bytes.text
                == #"CEF:0|Penstock|Penstock|1|4001|Event|Unknown|rt=1767323045678 externalId=u cs2=L3 cs2Label=Source Zone cs5={"modbus":{"unit":1},"zone":{"x.y":2,"src":"L3"}} cs5Label=Unmapped"#
        )
    }

    /// Mappings are written by people: whatever they write is complained about, never a trap.
    @Test func mutatedMappings() throws {
        let text = try String(contentsOf: packageRoot.appending(path: "mappings/feeds/cef.yaml"), encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).prefix(40).map(String.init)
        var generator = EventGenerator(seed: 11)
        var refused = 0
        for _ in 0..<150 {
            var bytes = Array(lines.joined(separator: "\n").utf8)
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0x09...0x7E, using: &generator)
                case 1: bytes.remove(at: place)
                default:
                    bytes.insert(contentsOf: Array("{}[]:,-'\n".utf8).shuffled(using: &generator).prefix(2), at: place)
                }
            }
            let complaints = Complaints()
            let format = FeedFormat(String(decoding: bytes, as: UTF8.self), file: "f.yaml", complaints: complaints)
            #expect((format == nil) == !complaints.errors.isEmpty)
            refused += format == nil ? 1 : 0
        }
        #expect(refused > 20)
    }

    @Test func cutsFallBetweenCharacters() throws {
        let title = String(repeating: "ü|", count: 300)
        let event =
            #"{"class_uid":2004,"finding_info":{"title":"\#(title)"},"message":"\#(String(repeating: "日", count: 2000))"}"#
        let line = try lines([event], try feedFormat("cef"))[0]
        #expect(line.contains("|" + String(repeating: #"ü\|"#, count: 256) + "|Unknown|"))
        #expect(line.hasSuffix("msg=" + String(repeating: "日", count: 1023)))
    }

    @Test func valuesOfTheWrongKindAreLeftOut() throws {
        let event =
            #"{"class_uid":4001,"time":0,"src_endpoint":{"port":"https","ip":""},"connection_info":{"direction_id":0},"message":"   "}"#
        let line = try lines([event], try feedFormat("cef"))[0]
        // The blanks of the message cannot be told from the end of the line.
        #expect(line == "CEF:0|Penstock|Penstock|1.2.3|4001|Event|Unknown|")
    }

    @Test func faultsOfTheMappingAreToldWithTheirPlaces() {
        func complaints(_ text: String) -> [String] {
            let complaints = Complaints()
            #expect(FeedFormat(text, file: "f.yaml", complaints: complaints) == nil)
            return complaints.all.map(\.description)
        }
        #expect(complaints("") == ["f.yaml: the file is empty"])
        let told = complaints(
            """
            format: cef
            version: 2
            header: {vendor: V, product: P, signature: type_uid, name: nonsense.path, extra: 1}
            severity: {4: 11, high: 3}
            fields:
              - {key: cs1, from: message}
              - {key: "a b", from: message, as: number}
              - {key: src, from: src_endpoint.ip, label: L}
              - {from: message}
            classes:
              network_activity: {fields: [{key: x, from: finding_info.uid}]}
              no_such_class: {}
            """)
        #expect(
            told.sorted()
                == [
                    "f.yaml:11:46: class network_activity has no attribute 'finding_info'",
                    "f.yaml:12:3: the OCSF schema has no class 'no_such_class'",
                    "f.yaml:2:10: version must lie between 0 and 1",
                    "f.yaml:3:60: the OCSF schema has no attribute 'nonsense.path'",
                    "f.yaml:3:75: unknown key 'extra'",
                    "f.yaml:4:15: a CEF severity is 0 to 10, or one of Unknown, Low, Medium, High, Very-High",
                    "f.yaml:4:19: a severity_id is a whole number from 0 to 99", "f.yaml:6:5: 'cs1' needs a label",
                    "f.yaml:7:37: 'as' is one of text, time, address, integer, upper, json",
                    "f.yaml:7:5: the key 'a b' must be letters and digits",
                    "f.yaml:8:5: 'src' has no label in the dictionary",
                    "f.yaml:9:5: fields[3] needs 'key'",
                ].sorted(), Comment(rawValue: told.joined(separator: "\n")))
    }

    @Test(.enabled(if: Oracle.hasCEF, "needs python3 (or PENSTOCK_PYTHON) with cefp"))
    func cefpReadsWhatWasWritten() throws {
        var generator = EventGenerator(seed: 5)
        let pieces = [
            "=", "\\", "|", "\n", "\r", " ", " key=", "a", "ü", "🏭", "C:\\new\\table", "\\n", "\\\\", "cs1Label=", "\t",
            ",",
        ]
        var texts = ["ends\\", "\\", "= =", "a =b", "x cs1=y", "v\\|", "\r\n"]
        for _ in 0..<400 {
            texts.append(
                (0..<Int.random(in: 1...9, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? ""
                }.joined())
        }
        // cefp takes blanks around values away; controls become blanks.
        func plain(_ text: String) -> String {
            text.replacingOccurrences(of: "\t", with: " ").trimmingCharacters(in: CharacterSet(charactersIn: " "))
        }
        texts = texts.map { "<" + $0 + ">" } + texts.map { "x" + $0 }
        let events = texts.map { text in
            #"{"class_uid":4001,"src_endpoint":{"hostname":\#(quoted(text))},"message":\#(quoted(text)),"finding_info":{"title":\#(quoted(text))}}"#
        }
        let written = try lines(
            events, try feedFormat("cef", replacing: [("name: [finding_info", "name: [message, finding_info")]))
        #expect(written.allSatisfy { !$0.contains("\n") && !$0.contains("\r") })
        let run = try Oracle.run(["cef"], input: written.joined(separator: "\n") + "\n")
        #expect(run.status == 0, Comment(rawValue: run.errors))
        let parsed = try run.output.split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
        try #require(parsed.count == texts.count)
        for (text, fields) in zip(texts, parsed) {
            #expect((fields["msg"] as? String).map(plain) == plain(text), "\(text.debugDescription)")
            #expect((fields["shost"] as? String).map(plain) == plain(text), "\(text.debugDescription)")
        }
    }

    /// The checker is not the writer: the standard's own steps, nothing else.
    @Test func leefNeverSplitsAValue() throws {
        var generator = EventGenerator(seed: 6)
        let pieces = ["=", "|", "\t", "\n", "\r", "^", "a", "ü", "\u{0}", "devTime=1", "\\"]
        var texts: [String] = []
        for _ in 0..<500 {
            texts.append(
                (0..<Int.random(in: 1...9, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? ""
                }.joined() + "!")
        }
        let events = texts.map { text in
            #"{"class_uid":2004,"finding_info":{"uid":"u","analytic":{"uid":\#(quoted(text))}},"message":\#(quoted(text)),"activity_name":\#(quoted(text))}"#
        }
        for (text, line) in zip(texts, try lines(events, try feedFormat("leef"))) {
            let header = line.split(separator: "|", maxSplits: 6, omittingEmptySubsequences: false)
            try #require(header.count == 7, "\(line)")
            #expect(header[0] == "LEEF:2.0" && header[5] == "x09")
            #expect(!line.contains("\n") && !line.contains("\r") && !line.contains("\u{0}"))
            var fields: [Substring: Substring] = [:]
            for pair in header[6].split(separator: "\t", omittingEmptySubsequences: false) {
                let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                try #require(sides.count == 2, "\(line)")
                #expect(fields[sides[0]] == nil, "\(sides[0]) is there twice")
                fields[sides[0]] = sides[1]
            }
            let shown = text.replacing("\r\n", with: "\\r\\n").replacing("\n", with: "\\n").replacing("\r", with: "\\r")
                .replacing("\t", with: " ").replacing("\u{0}", with: "")
            #expect(fields["msg"].map(String.init) == shown)
            #expect(fields["ocsfActivity"].map(String.init) == shown)
            #expect(fields.keys.sorted() == ["findingUid", "msg", "ocsfActivity", "sev"])
        }
    }
}
