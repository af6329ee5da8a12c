// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// The whole state as bytes, so that a start goes on where a crash ended it; hits that are read again are passed over.
///
/// All numbers are little endian. Rules are known by ``CorrelationPlan/Unit/identity``, so that a rule that was changed in
/// between begins anew and all others go on.
extension Correlator {
    /// How long after a start senders that were heard before it are waited for, in nanoseconds.
    private static let resumeGrace: Int64 = 10_000_000_000
    private static let magic: UInt64 = 0x3330_5052_5243_5350

    /// What is wrong with a snapshot.
    public struct SnapshotFault: Error, Sendable {
        /// In words.
        public var reason: String
    }

    /// The state.
    public func snapshot() -> [UInt8] {
        var out = SnapshotWriter()
        out.put(Correlator.magic)
        out.put(frontier)
        out.put(receivedThrough)
        watermark.write(to: &out)
        let names = sources.sorted { $0.value < $1.value }.map(\.key)
        out.put(names.count)
        for name in names { out.put(Array(name.utf8)) }
        taken.write(to: &out)
        out.put(pending.count)
        for entry in pending.all {
            out.put(entry.time)
            out.put(entry.source)
            out.put(entry.box)
        }
        out.put(units.count)
        var timers: [Int32: [CorrelationTimer]] = [:]
        for timer in judgement.timers.all { timers[timer.unit, default: []].append(timer) }
        for unit in units { unit.write(to: &out, timers: timers[Int32(unit.number)] ?? []) }
        return out.finished
    }

    /// Takes over a state; on an error nothing is changed.
    ///
    /// - Parameter now: the receive clock. The time for which nobody listened is no silence of the senders: they are waited
    ///   for as if each had just been heard, and somewhat longer, until the journal has been read up to its end.
    /// - Returns: the ids of rules that begin anew because they changed.
    public mutating func restore(_ bytes: [UInt8], now: Int64 = .min) throws(SnapshotFault) -> [String] {
        var copy = self
        let changed: [String]
        do { changed = try copy.read(bytes) } catch { throw SnapshotFault(reason: "\(error)") }
        if now != .min { copy.watermark.resume(now.addingClamped(Correlator.resumeGrace)) }
        self = copy
        return changed
    }

    private mutating func read(_ bytes: [UInt8]) throws(WireError) -> [String] {
        var reader = try SnapshotReader(bytes, ledger, plan)
        guard try reader.u64() == Correlator.magic else { throw WireError.malformed(at: 0) }
        frontier = try reader.i64()
        receivedThrough = try reader.i64()
        try watermark.read(&reader)
        sources = [:]
        for number in 0..<(try reader.count()) { sources[String(decoding: try reader.bytes(), as: UTF8.self)] = number }
        try taken.read(&reader)
        for _ in 0..<(try reader.count()) {
            let time = try reader.i64()
            let source = try reader.int()
            guard let box = try reader.hit() else { continue }
            if !box.prepared.keys.isEmpty { pending.insert(PendingHit(time: time, box: box, source: source)) }
        }
        var numbers: [String: Int] = [:]
        for unit in units { numbers[unit.plan.identity] = unit.number }
        var changed: [String] = []
        for _ in 0..<(try reader.count()) {
            let identity = String(decoding: try reader.bytes(), as: UTF8.self)
            let rule = String(decoding: try reader.bytes(), as: UTF8.self)
            let end = try reader.section()
            if let number = numbers[identity] {
                for _ in 0..<(try reader.count()) { try units[number].readGroup(&reader, &judgement) }
                try units[number].readDormant(&reader, &judgement)
            } else if try reader.count() > 0 {
                changed.append(rule)
            }
            try reader.go(to: end)
        }
        return changed.sorted()
    }
}
