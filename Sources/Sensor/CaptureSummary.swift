// SPDX-License-Identifier: Apache-2.0
public import Dissection
internal import Events
internal import Wire

/// What `penstock read --summary` prints of a capture: one JSON object on one line, keys in a fixed order.
public struct CaptureSummary: Sendable {
    /// The file as it was named.
    public var file: String
    /// What the engine counted.
    public var counts: EngineSummary

    /// The summary of `file`.
    public init(file: String, counts: EngineSummary) {
        self.file = file
        self.counts = counts
    }

    /// Reads a whole capture and counts what is in it.
    ///
    /// - Throws: when the file cannot be opened. A file that breaks in the middle gives the counts up to there, and the
    ///   error beside them.
    public static func read(
        path: String, filter: String = "", options: EngineOptions = EngineOptions()
    ) throws(CaptureError) -> (summary: CaptureSummary, problem: CaptureError?) {
        var file = try CaptureFile(path: path, filter: filter)
        var options = options
        options.reportsFlows = false
        options.maxFrameBytes = 0
        var engine = PacketEngine(options: options)
        var problem: CaptureError?
        let link = file.link
        do {
            while try file.next({ bytes, time, length in
                if let link {
                    engine.packet(bytes, link: link, time: time, originalLength: length)
                } else {
                    engine.skipUnsupportedLink()
                }
                engine.resetRecords()
            }) {}
        } catch {
            problem = error
        }
        engine.flush()
        return (CaptureSummary(file: path, counts: engine.summary), problem)
    }

    /// The line, without its line feed.
    public var json: String {
        var slab = Slab(capacity: 1024)
        slab.append("{\"file\":")
        JSONText.append(file, to: &slab)
        slab.append(",\"packets\":\(counts.packets),\"decoded\":\(counts.decoded),\"protocols\":{")
        list(counts.protocols.sorted { $0.key < $1.key }, into: &slab) { counts, slab in
            slab.append("{\"pdus\":\(counts.pdus),\"functions\":{")
            let functions = counts.functions.sorted { $0.key < $1.key }.map { (key: String($0.key), value: $0.value) }
            list(functions, into: &slab) { $1.append("\($0)") }
            slab.append("},\"anomalies\":{")
            list(counts.anomalies.sorted { $0.key < $1.key }, into: &slab) { $1.append("\($0)") }
            slab.append("}}")
        }
        slab.append("},\"skipped\":{")
        list(counts.skipped.sorted { $0.key < $1.key }, into: &slab) { $1.append("\($0)") }
        slab.append("}}")
        return slab.bytes.text
    }

    private func list<Value>(
        _ pairs: [(key: String, value: Value)], into slab: inout Slab, _ write: (Value, inout Slab) -> Void
    ) {
        for (index, pair) in pairs.enumerated() {
            if index > 0 { slab.append(",") }
            JSONText.append(pair.key, to: &slab)
            slab.append(":")
            write(pair.value, &slab)
        }
    }
}
