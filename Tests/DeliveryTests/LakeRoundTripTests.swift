// SPDX-License-Identifier: Apache-2.0
import Delivery
import Events
import Foundation
import Instruments
import Testing
import Wire

/// NDJSON → lake → pyarrow and DuckDB → the same JSON.
@Suite(.enabled(if: Oracle.hasReaders, "needs python3 (or PENSTOCK_PYTHON) with pyarrow and duckdb"))
struct LakeRoundTripTests {
    private func check(_ events: [String], settings: LakeSettings = LakeSettings()) throws {
        let scratch = try Scratch()
        let input = try scratch.file("events.ndjson", events.joined(separator: "\n"))
        let store = try LocalObjectStore(directory: scratch.path + "/lake", durable: false)
        var problems: [String] = []
        let summary = LakeImport.run(inputs: [input], to: store, settings: settings) { problems.append($0) }
        #expect(problems.isEmpty)
        #expect(summary.events == events.count)
        #expect(summary.status == 0)
        let run = try Oracle.run(["roundtrip", scratch.path + "/lake", input])
        #expect(run.status == 0, Comment(rawValue: run.output + run.errors))
        let all = try Oracle.run(["everything", scratch.path + "/lake"])
        #expect(all.output == "\(events.count)\n", Comment(rawValue: all.errors))
    }

    @Test func attributesOfEveryShape() throws {
        try check([
            #"{"class_uid":4001,"time":1767323045678,"metadata":{"uid":"a","version":"1.8.0","product":{"name":"P"},"profiles":["host","ot"]},"src_endpoint":{"ip":"192.0.2.1","port":502,"intermediate_ips":["1.1.1.1","2.2.2.2"]},"unmapped":{"modbus":{"function_code":5,"values":[1,2]},"x.y":null}}"#,
            #"{"class_uid":4001,"time":1767323045679,"metadata":{"uid":"b","profiles":[]},"observables":[{"name":"a","type_id":1},{},{"name":"c","reputation":{"score_id":2}}],"src_endpoint":{},"dst_endpoint":null}"#,
            #"{"class_uid":2004,"time":1767323045680,"metadata":{"uid":"c"},"finding_info":{"uid":"f","title":"T","attacks":[{"technique":{"uid":"T0855","name":"Unauthorized Command Message"},"tactics":[{"uid":"TA0106"},{"uid":"TA0105","name":"Impact"}]},{"technique":{"uid":"T0886"}}]},"evidences":[{"data":{"a":[1]},"src_endpoint":{"ip":"10.0.0.1"}},{"data":"text"}]}"#,
            // What the schema does not want: each of these must come back as well.
            #"{"class_uid":4001,"time":"soon","metadata":{"uid":"d","product":"text where an object belongs"},"src_endpoint":{"port":"https","ip":7},"observables":["x",{"name":5}],"severity_id":1e3,"count":3000000000,"nobody_knows":{"deep":[{"er":1}]},"finding_info":{"uid":"not of this class"}}"#,
            #"{"class_uid":987654,"time":1,"metadata":{"uid":"e"},"message":"of no class","custom":[1,2]}"#,
        ])
    }

    @Test func manyElementsAndNesting() throws {
        let elements = (0..<700).map {
            #"{"name":"o\#($0)","type_id":\#($0 % 30)\#($0 % 7 == 0 ? "" : #","value":"v\#($0)""#)}"#
        }
        let deep = (0..<40).map { outer in
            #"{"technique":{"uid":"T\#(outer)"},"tactics":[\#((0..<outer % 5).map { #"{"uid":"TA\#($0)"}"# }.joined(separator: ","))]}"#
        }
        try check([
            #"{"class_uid":2004,"time":1767323045680,"metadata":{"uid":"x"},"observables":[\#(elements.joined(separator: ","))],"finding_info":{"uid":"f","attacks":[\#(deep.joined(separator: ","))]}}"#
        ])
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func randomEvents(seed: UInt64) throws {
        var generator = EventGenerator(seed: seed)
        let classes = [4001, 2004, 2005, 3002, 0]
        try check((0..<120).map { generator.event(classes[$0 % classes.count], number: $0) })
    }

    @Test func smallObjectsAndBuffers() throws {
        var generator = EventGenerator(seed: 9)
        var settings = LakeSettings()
        settings.objectRows = 7
        settings.openObjects = 2
        settings.bufferBytes = 64 * 1024
        try check((0..<60).map { generator.event(4001, number: $0) }, settings: settings)
    }

    @Test(.enabled(if: sharedCases != nil, "needs the shared cases"))
    func peersEvents() throws {
        let file = try #require(sharedCases).appending(path: "ocsf/samples/valid.ndjson")
        try check(try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init))
    }
}
