// SPDX-License-Identifier: Apache-2.0
import Delivery
import Foundation
import Testing

@Suite struct LakeImportTests {
    private let good = #"{"class_uid":4001,"time":1767323045678,"metadata":{"uid":"a","product":{"name":"Acme / FW"}}}"#

    @Test func linesThatAreNoEventsAreNamed() throws {
        let scratch = try Scratch()
        let file = try scratch.file("in.ndjson", "\(good)\n\n{\"time\":1}\nnot json\n{\"class_uid\":4001\r\n\(good)")
        let store = try LocalObjectStore(directory: scratch.path + "/lake")
        var problems: [String] = []
        let summary = LakeImport.run(inputs: [file, scratch.path + "/missing"], to: store) { problems.append($0) }
        #expect(summary.status == 1)
        #expect(summary.events == 2)
        #expect(
            problems == [
                "\(scratch.path)/missing: No such file or directory",
                "\(file):3: no OCSF event: it needs to be an object with a class_uid",
                "\(file):4: no JSON: column 1 is unexpected",
                "\(file):5: no JSON: the line ends too early",
            ])
    }

    @Test func writingTwiceWritesNothingNew() throws {
        let scratch = try Scratch()
        let file = try scratch.file("in.ndjson", good + "\n")
        let store = try LocalObjectStore(directory: scratch.path + "/lake")
        #expect(LakeImport.run(inputs: [file], to: store) { _ in }.status == 0)
        let first = scratch.files(below: "lake")
        #expect(LakeImport.run(inputs: [file], to: store) { _ in }.status == 0)
        #expect(scratch.files(below: "lake") == first)
        #expect(first.count == 1)
        let pattern = #/network_activity/date=2026-01-02/source=acme_fw/0-0-0-[0-9a-f]{16}\.parquet/#
        #expect(try pattern.wholeMatch(in: first.first ?? "") != nil, "\(first)")
    }

    @Test func mutatedLinesAreReadOrRefused() throws {
        let scratch = try Scratch()
        var generator = EventGenerator(seed: 12)
        var lines: [String] = []
        for number in 0..<400 {
            var bytes = Array(generator.event(4001, number: number).utf8)
            for _ in 0..<Int.random(in: 0...3, using: &generator) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[place] = Bool.random(using: &generator) ? UInt8.random(in: 0...255, using: &generator) : 0x22
            }
            lines.append(String(decoding: bytes.map { $0 == 0x0A ? 0x20 : $0 }, as: UTF8.self))
        }
        let file = try scratch.file("in.ndjson", lines.joined(separator: "\n"))
        let store = try LocalObjectStore(directory: scratch.path + "/lake", durable: false)
        var told = 0
        let summary = LakeImport.run(inputs: [file], to: store) { _ in told += 1 }
        #expect(summary.events > 50 && summary.events < 400)
        #expect(summary.problems >= 400 - summary.events)
        #expect(told <= LakeImport.complaintLimit + 1)
    }

    @Test func aLineBeyondTheLimitIsSkippedAndSaid() throws {
        let scratch = try Scratch()
        let long = #"{"class_uid":4001,"message":""# + String(repeating: "x", count: 17 << 20) + "\"}"
        let file = try scratch.file("in.ndjson", "\(good)\n\(long)\n\(good.replacing("\"a\"", with: "\"b\""))\n")
        var problems: [String] = []
        let summary = LakeImport.run(inputs: [file], to: try LocalObjectStore(directory: scratch.path + "/lake")) {
            problems.append($0)
        }
        #expect(summary.events == 2)
        #expect(problems == ["\(file):2: the line is longer than 16777216 bytes and is skipped"])
    }
}
