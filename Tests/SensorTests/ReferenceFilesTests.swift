// SPDX-License-Identifier: Apache-2.0
import Foundation
import Sensor
import Testing

/// Where the reference captures are.
enum ReferenceFiles {
    /// The folder `shared/cases/pcap` beside the checkout, or nil.
    static let pcap: URL? = {
        if let path = ProcessInfo.processInfo.environment["PENSTOCK_CASES"] {
            let url = URL(fileURLWithPath: path).appendingPathComponent("pcap")
            return FileManager.default.fileExists(atPath: url.path) ? url : nil
        }
        var folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        while folder.path != "/" {
            let url = folder.appendingPathComponent("shared/cases/pcap")
            if FileManager.default.fileExists(atPath: url.path) { return url }
            folder.deleteLastPathComponent()
        }
        return nil
    }()
}

/// Every reference capture is read to its end, and every packet of it is accounted for.
@Suite(.enabled(if: ReferenceFiles.pcap != nil, "no shared/cases beside the checkout"))
struct ReferenceFilesTests {
    @Test func packetsAreThoseThatTSharkCounts() throws {
        let pcap = try #require(ReferenceFiles.pcap)
        let text = try String(contentsOf: pcap.appendingPathComponent("tool-counts/tshark.jsonl"), encoding: .utf8)
        var compared = 0
        for line in text.split(separator: "\n") {
            guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                let file = object["file"] as? String, let frames = object["frames"] as? Int
            else { continue }
            let path = pcap.appendingPathComponent(file.replacingOccurrences(of: "/share/", with: "/")).path
            guard FileManager.default.fileExists(atPath: path) else { continue }
            let (summary, problem) = try CaptureSummary.read(path: path)
            // One of the captures ends in the middle of a packet.
            let isCut = file.hasSuffix("MELSEC__melsoft_129_clean.pcap")
            #expect((problem != nil) == isCut, "\(file)")
            #expect(summary.counts.packets == frames, "\(file)")
            let sum = summary.counts.decoded + summary.counts.skipped.values.reduce(0, +)
            #expect(sum == frames, "\(file)")
            compared += 1
        }
        #expect(compared > 100)
    }
}
