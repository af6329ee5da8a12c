// SPDX-License-Identifier: Apache-2.0
internal import Sigma

/// What a criterion measures in the window of one group, kept up with each event that enters or leaves it.
///
/// A number of events needs none: it is the length of the window.
class Tally {
    /// The tally of a correlation, nil where the length of the window is all.
    static func of(_ rule: CorrelationRule?, exactLimit: Int) -> Tally? {
        guard let rule else { return nil }
        switch rule.kind {
        case .eventCount: return nil
        case .valueCount:
            let greatest = rule.bounds.map(\.value).max() ?? 0
            let limit = max(exactLimit, Int(min(1_000_000, max(0, greatest.rounded(.up)))) + 1)
            return DistinctTally(timespan: rule.timespan, limit: limit)
        case .temporal: return StepTally(steps: rule.rules.count)
        case .temporalOrdered: return ChainTally(steps: rule.rules.count)
        case .valueSum, .valueAverage: return SumTally(isMean: rule.kind == .valueAverage)
        case .valueMedian: return RankTally(percentile: nil)
        case .valuePercentile: return RankTally(percentile: rule.percentile ?? 50)
        }
    }

    /// Takes an event in: in order of time.
    func add(_ entry: WindowEntry) {}
    /// Lets the oldest event go.
    func remove(_ entry: WindowEntry) {}
    /// Lets all go.
    func reset() {}
    /// What is measured at `time`, for a window that begins behind `start`; nil when there is nothing to measure.
    func measure(_ time: Int64, behind start: Int64) -> Double? { nil }
    /// Whether rule number `step` occurs in the window.
    func occurs(_ step: Int, behind start: Int64) -> Bool { false }
    /// Whether the measure is an estimate.
    var isApproximate: Bool { false }
}

/// How many different values there are: exact up to a limit, estimated beyond.
final class DistinctTally: Tally {
    private var counts = ValueCounts()
    private var sketch: SlicedSketch?
    private let timespan: Int64
    private let limit: Int

    init(timespan: Int64, limit: Int) {
        self.timespan = timespan
        self.limit = limit
    }

    override func add(_ entry: WindowEntry) {
        if sketch != nil {
            sketch?.add(entry.value, at: entry.time)
            return
        }
        counts.add(entry.value)
        guard counts.count > limit else { return }
        var estimate = SlicedSketch(timespan: timespan)
        // When each was seen is not kept: they all count as seen now, and leave the window later than they might.
        counts.forEach { estimate.add($0, at: entry.time) }
        sketch = estimate
        counts = ValueCounts()
    }

    override func remove(_ entry: WindowEntry) {
        if sketch == nil { counts.remove(entry.value) }
    }

    override func reset() {
        counts = ValueCounts()
        sketch = nil
    }

    override func measure(_ time: Int64, behind start: Int64) -> Double? {
        sketch != nil ? sketch?.estimate(behind: start) : Double(counts.count)
    }

    override var isApproximate: Bool { sketch != nil }
}

/// Which rules occur: the latest time of each.
final class StepTally: Tally {
    private var latest: [Int64]

    init(steps: Int) { latest = [Int64](repeating: .min, count: steps) }

    override func add(_ entry: WindowEntry) {
        guard latest.indices.contains(Int(entry.step)) else { return }
        latest[Int(entry.step)] = max(latest[Int(entry.step)], entry.time)
    }

    override func reset() { for step in latest.indices { latest[step] = .min } }

    override func measure(_ time: Int64, behind start: Int64) -> Double? { Double(latest.count { $0 > start }) }

    override func occurs(_ step: Int, behind start: Int64) -> Bool {
        latest.indices.contains(step) && latest[step] > start
    }
}

/// Whether all rules occur in their order: for each step the latest time at which a chain to it may have begun.
final class ChainTally: Tally {
    private var starts: [Int64]

    init(steps: Int) { starts = [Int64](repeating: .min, count: steps) }

    override func add(_ entry: WindowEntry) {
        let step = Int(entry.step)
        guard starts.indices.contains(step) else { return }
        starts[step] = max(starts[step], step == 0 ? entry.time : starts[step - 1])
    }

    override func reset() { for step in starts.indices { starts[step] = .min } }

    /// The number of steps that a chain inside the window has come to.
    override func measure(_ time: Int64, behind start: Int64) -> Double? {
        Double((starts.lastIndex { $0 > start } ?? -1) + 1)
    }
}

/// Sum or mean, in millionths: what was added in any order and taken away again leaves no rest.
final class SumTally: Tally {
    private var sum: Int128 = 0
    private var count = 0
    private let isMean: Bool

    init(isMean: Bool) { self.isMean = isMean }

    /// The greatest magnitude that is added as it is.
    private static let greatest = 1e24

    private static func millionths(_ value: UInt64) -> Int128 {
        Int128((min(greatest, max(-greatest, Double(bitPattern: value))) * 1e6).rounded())
    }

    override func add(_ entry: WindowEntry) {
        sum += SumTally.millionths(entry.value)
        count += 1
    }

    override func remove(_ entry: WindowEntry) {
        sum -= SumTally.millionths(entry.value)
        count -= 1
    }

    override func reset() { (sum, count) = (0, 0) }

    override func measure(_ time: Int64, behind start: Int64) -> Double? {
        guard count > 0 else { return nil }
        return Double(sum) / 1e6 / (isMean ? Double(count) : 1)
    }
}

/// Median and percentiles: all values in their order.
final class RankTally: Tally {
    private var values: [Double] = []
    private let percentile: Double?

    /// A tally of a percentile, or of the median.
    init(percentile: Double?) { self.percentile = percentile }

    private func place(of value: Double) -> Int {
        var (low, high) = (0, values.count)
        while low < high {
            let middle = (low + high) / 2
            if values[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }

    override func add(_ entry: WindowEntry) {
        let value = Double(bitPattern: entry.value)
        values.insert(value, at: place(of: value))
    }

    override func remove(_ entry: WindowEntry) {
        let place = place(of: Double(bitPattern: entry.value))
        if place < values.count { values.remove(at: place) }
    }

    override func reset() { values = [] }

    /// A percentile is the value of the nearest rank (NIST/SEMATECH e-Handbook 7.2.6.2 calls it a common definition), the
    /// median of an even number the mean of the two in the middle.
    override func measure(_ time: Int64, behind start: Int64) -> Double? {
        guard !values.isEmpty else { return nil }
        guard let percentile else {
            let middle = values.count / 2
            return values.count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2
        }
        let rank = Int((percentile / 100 * Double(values.count)).rounded(.up))
        return values[min(values.count, max(1, rank)) - 1]
    }
}
