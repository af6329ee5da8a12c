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
    static let magic: UInt64 = 0x3430_5052_5243_5350
    /// Of the form in which all hits stand in front.
    static let earlierMagic: UInt64 = 0x3230_5052_5243_5350

    /// What is wrong with a snapshot.
    public struct SnapshotFault: Error, Sendable, CustomStringConvertible {
        /// In words.
        public var reason: String
        /// The same.
        public var description: String { reason }
    }

    /// The state in one piece.
    public func snapshot() -> [UInt8] {
        var all: [UInt8] = []
        snapshot { all += $0 }
        return all
    }

    /// Hands out the state, in pieces of about a mebibyte.
    public func snapshot(_ sink: ([UInt8]) throws -> Void) rethrows {
        var out = SnapshotWriter(judgement.held)
        out.put(Correlator.magic)
        out.put(frontier)
        out.put(receivedThrough)
        watermark.write(to: &out)
        let names = sources.sorted { $0.value < $1.value }.map(\.key)
        out.put(names.count)
        for name in names { out.put(name) }
        taken.write(to: &out)
        out.put(pending.count)
        for entry in pending.all {
            out.put(entry.time)
            out.put(Int(entry.source))
            out.put(hit: entry.hit)
            try out.drain(sink)
        }
        out.put(units.count)
        let timers = judgement.timers.all.sorted(by: [CorrelationTimer].bySerial)
        var first = 0
        for unit in units {
            while first < timers.count, Int(timers[first].unit) < unit.number { first += 1 }
            var end = first
            while end < timers.count, Int(timers[end].unit) == unit.number { end += 1 }
            try unit.write(to: &out, timers: Array(timers[first..<end]), sink)
        }
        try out.drain(isLast: true, sink)
    }

    /// Takes over a state in one piece; see ``restore(size:now:_:)``.
    public mutating func restore(_ bytes: [UInt8], now: Int64 = .min) throws(SnapshotFault) -> [String] {
        var piece: [UInt8]? = bytes
        return try restore(size: bytes.count, now: now) { piece.take() }
    }

    /// Takes over a state; on an error nothing is changed.
    ///
    /// - Parameters:
    ///   - size: the bytes of all pieces.
    ///   - now: the receive clock. The time for which nobody listened is no silence of the senders: they are waited
    ///     for as if each had just been heard, and somewhat longer, until the journal has been read up to its end.
    ///   - next: gives the pieces that ``snapshot(_:)`` handed out, then nil.
    /// - Returns: the ids of rules that begin anew because they changed.
    public mutating func restore(
        size: Int, now: Int64 = .min, _ next: () throws -> [UInt8]?
    ) throws(SnapshotFault) -> [String] {
        var copy = self
        let plan = plan
        var changed: [String] = []
        do {
            try withoutActuallyEscaping(next) { next in
                var reader = SnapshotReader(size: size, plan, next)
                changed = try copy.read(&reader)
            }
        } catch { throw SnapshotFault(reason: "\(error)") }
        if now != .min { copy.watermark.resume(now.addingClamped(Correlator.resumeGrace)) }
        self = copy
        return changed
    }

    private mutating func read(_ reader: inout SnapshotReader) throws(WireError) -> [String] {
        try reader.begin()
        frontier = try reader.i64()
        receivedThrough = try reader.i64()
        try watermark.read(&reader)
        sources = [:]
        for number in 0..<(try reader.count()) { sources[try reader.text()] = number }
        try taken.read(&reader)
        for _ in 0..<(try reader.count()) {
            let time = try reader.i64()
            let source = try reader.int()
            let number = try reader.hit(&judgement.held)
            guard let hit = judgement.held[number] else { continue }
            if hit.keyCount > 0 {
                pending.insert(PendingHit(time: time, hit, number: number, source: source))
            } else {
                judgement.held.release(number)
            }
        }
        var numbers: [String: Int] = [:]
        for unit in units { numbers[unit.plan.identity] = unit.number }
        var changed: [String] = []
        for _ in 0..<(try reader.count()) {
            let identity = try reader.text()
            let rule = try reader.text()
            if reader.isEarlier { _ = try reader.count() }
            let number = numbers[identity]
            var unit = number.map { units[$0] }
            let groups = try CorrelationUnit.read(&reader, into: &unit, &judgement)
            if let number, let unit { units[number] = unit } else if groups > 0 { changed.append(rule) }
        }
        reader.finish(&judgement.held)
        return changed.sorted()
    }
}
