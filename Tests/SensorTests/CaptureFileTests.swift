// SPDX-License-Identifier: Apache-2.0
import Foundation
import Sensor
import Testing
import Wire

/// Capture files of all kinds, whole and broken, and the summary line.
struct CaptureFileTests {
    @Test(arguments: CaptureWriter.Format.allCases)
    func everyFormat(_ format: CaptureWriter.Format) throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let path = try scratch.write("capture", CaptureWriter(transactions: 2).file(format))
        var file = try CaptureFile(path: path)
        #expect(file.link == .ethernet)
        var times: [Int64] = []
        var lengths: [Int] = []
        while try file.next({ bytes, time, length in
            times.append(time)
            lengths.append(bytes.byteCount)
            if length != bytes.byteCount { Issue.record("the length on the wire is wrong") }
        }) {}
        let isMicro = format == .microseconds || format == .bigEndian
        let first = isMicro ? CaptureWriter.start / 1000 * 1000 : CaptureWriter.start
        #expect(times == [0, 1_000_000, 10_000_000, 11_000_000].map { first + $0 })
        #expect(lengths == [66, 65, 66, 65])
        #expect(file.packets == 4)
        let (summary, problem) = try CaptureSummary.read(path: path)
        #expect(problem == nil)
        #expect(
            summary.json
                == "{\"file\":\"\(path)\",\"packets\":4,\"decoded\":4,\"protocols\":{\"modbus\":{\"pdus\":4,"
                + "\"functions\":{\"3\":4},\"anomalies\":{}}},\"skipped\":{}}")
    }

    @Test func aBrokenFileTellsHowFarItWasRead() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        var bytes = CaptureWriter(transactions: 5).file(.microseconds)
        bytes.removeLast(30)
        let path = try scratch.write("cut.pcap", bytes)
        let (summary, problem) = try CaptureSummary.read(path: path)
        #expect(summary.counts.packets == 9)
        #expect(summary.counts.protocols["modbus"]?.functions == [3: 9])
        let error = try #require(problem)
        #expect(error.packets == 9)
        #expect(error.description.hasPrefix(path))
        #expect(error.description.hasSuffix("(after 9 packets)"))
    }

    @Test func whatIsNoCapture() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let text = try scratch.write("text", Array("this is not a capture, it is a text".utf8))
        let empty = try scratch.write("empty", [])
        for path in [text, empty, scratch.folder.path + "/missing"] {
            let error = try #require(throws: CaptureError.self) { _ = try CaptureSummary.read(path: path) }
            #expect(error.source == path)
            #expect(error.packets == 0)
            #expect(error.description.contains(path))
            #expect(error.description.count > path.count + 5)
        }
    }

    @Test func anUnknownLinkLayerIsCounted() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let path = try scratch.write("user.pcap", CaptureWriter(transactions: 1).file(.microseconds, link: 147))
        let (summary, _) = try CaptureSummary.read(path: path)
        #expect(summary.counts.skipped == ["unsupported_link": 2])
    }

    @Test func filters() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let path = try scratch.write("capture", CaptureWriter(transactions: 3).file(.microseconds))
        let (summary, _) = try CaptureSummary.read(path: path, filter: "src port 502")
        #expect(summary.counts.packets == 3)
        let error = try #require(throws: CaptureError.self) {
            _ = try CaptureSummary.read(path: path, filter: "no such words")
        }
        #expect(error.message.contains("no such words"))
    }

    @Test func theSummaryIsSortedAndEscaped() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let empty = try scratch.write("empty.pcap", CaptureWriter(transactions: 0).file(.microseconds))
        var counts = try CaptureSummary.read(path: empty).summary.counts
        counts.packets = 9
        counts.decoded = 6
        counts.skipped = ["b": 2, "a": 1]
        counts.protocols["z"] = .init()
        counts.protocols["modbus"] = .init()
        counts.protocols["modbus"]?.pdus = 3
        counts.protocols["modbus"]?.functions = [16: 1, 3: 2]
        counts.protocols["modbus"]?.anomalies = ["y": 2, "x": 1]
        #expect(
            CaptureSummary(file: "a\"b\n", counts: counts).json
                == "{\"file\":\"a\\\"b\\n\",\"packets\":9,\"decoded\":6,\"protocols\":{\"modbus\":{\"pdus\":3,"
                + "\"functions\":{\"3\":2,\"16\":1},\"anomalies\":{\"x\":1,\"y\":2}},"
                + "\"z\":{\"pdus\":0,\"functions\":{},\"anomalies\":{}}},\"skipped\":{\"a\":1,\"b\":2}}")
    }
}
