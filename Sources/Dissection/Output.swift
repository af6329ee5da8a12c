// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Where dissectors write: the records of the batch and the counters.
struct Output: ~Copyable {
    var writer = RecordWriter(Slab(capacity: 256 * 1024))
    private(set) var records: [PacketEngine.Record] = []
    var counters = Counters()

    /// Ends the record that was begun last and lists it.
    mutating func finish(time: Int64) { records.append(PacketEngine.Record(extent: writer.finish(), time: time)) }

    /// Forgets the records of the batch; keeps the memory.
    mutating func reset() {
        writer.slab.reset()
        writer.begin()
        records.removeAll(keepingCapacity: true)
    }
}

/// The counters of an engine.
struct Counters {
    struct OfProtocol {
        var pdus = 0
        /// By function code; codes above 255 are kept apart.
        var functions = [Int](repeating: 0, count: 256)
        var otherFunctions: [Int: Int] = [:]
        /// By the anomaly's number.
        var anomalies: [Int]
    }

    var packets = 0
    var decoded = 0
    var skipped = [Int](repeating: 0, count: SkipReason.allCases.count)
    var protocols = Dissectors.all.map { OfProtocol(anomalies: [Int](repeating: 0, count: $0.anomalies.count)) }
    var flows = 0
    var evictedFlows = 0
    var gaps = 0
    var gapBytes = 0

    mutating func skip(_ reason: SkipReason, _ count: Int = 1) { skipped[reason.rawValue] += count }

    /// Counts a message of protocol `number`.
    mutating func pdu(_ number: Int, function: Int) {
        protocols[number].pdus += 1
        if function >= 0, function < 256 {
            protocols[number].functions[function] += 1
        } else {
            protocols[number].otherFunctions[function, default: 0] += 1
        }
    }

    /// Counts an anomaly of protocol `number`.
    mutating func anomaly(_ number: Int, _ anomaly: Int) { protocols[number].anomalies[anomaly] += 1 }
}
