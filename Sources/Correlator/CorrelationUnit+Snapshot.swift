// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Instruments
internal import Wire

extension Watermark {
    func write(to out: inout SnapshotWriter) {
        out.put(highest)
        out.put(current)
        out.put(partitions.count)
        for partition in partitions {
            out.put(partition.highest)
            out.put(partition.lastArrival)
        }
    }

    mutating func read(_ reader: inout SnapshotReader) throws(WireError) {
        highest = try reader.i64()
        current = try reader.i64()
        partitions = []
        for _ in 0..<(try reader.count()) {
            partitions.append(Partition(highest: try reader.i64(), lastArrival: try reader.i64()))
        }
    }
}

extension CorrelationUnit {
    /// Writes its groups, those last used last, with their timers (of `timers`, which are in the order of their serials).
    func write(
        to out: inout SnapshotWriter, timers: [CorrelationTimer], _ sink: ([UInt8]) throws -> Void
    ) rethrows {
        out.put(plan.identity)
        out.put(plan.rule.id)
        out.put(table.count)
        var next = table.stalest
        while let place = next {
            try write(place, timers, &out, sink)
            try out.drain(sink)
            next = table.newer(than: place)
        }
        out.put(dormant.count)
        try dormant.forEach { record in
            for number in [record.key, record.identity, record.content, record.value] { out.put(number) }
            out.put(record.time)
            out.put(Int(record.step) << 8 | Int(record.marks.rawValue))
            try out.drain(sink)
        }
    }

    private func write(
        _ place: Int, _ timers: [CorrelationTimer], _ out: inout SnapshotWriter, _ sink: ([UInt8]) throws -> Void
    ) rethrows {
        let group = table.groups[place]
        out.put(group.key)
        out.put(Int(group.source))
        out.put(group.lastSeen)
        out.put(group.lastReceived)
        out.put(group.judgedAt)
        out.put(group.watched)
        out.put(group.isArmed)
        out.put(group.isIncomplete)
        out.put(group.kept)
        for entry in group.entries[group.head...] {
            out.put(entry.time)
            out.put(entry.identity)
            out.put(entry.content)
            out.put(entry.value)
            out.put(Int(entry.step))
            out.put(entry.isDerived)
            out.put(entry.isCut)
            out.put(hit: entry.hit)
            try out.drain(sink)
        }
        out.put(max(0, group.low - group.head))
        out.put(max(0, group.judged - group.head))
        out.put(group.firings.count)
        for firing in group.firings {
            out.put(firing.id)
            for number in [firing.revision, firing.count, firing.omitted, firing.handedOn, firing.toldCount] {
                out.put(number)
            }
            for time in [firing.time, firing.first, firing.last, firing.openUntil, firing.untoldSince] { out.put(time) }
            out.put(firing.isApproximate)
            out.put(firing.fresh.count)
            for hit in firing.fresh { out.put(hit: hit) }
            try out.drain(sink)
        }
        out.put(group.withdrawn.count)
        for firing in group.withdrawn {
            out.put(firing.id)
            out.put(firing.revision)
            out.put(firing.time)
        }
        let own = timers.ofSerial(group.serial)
        out.put(own.count)
        for timer in own {
            out.put(timer.time)
            out.put(Int(timer.kind.rawValue))
        }
    }

    /// Reads what ``write(to:timers:_:)`` wrote, behind the names of the unit; of a rule that is no longer in force
    /// (`unit` is nil) it is read over.
    ///
    /// - Returns: how many groups there were.
    static func read(
        _ reader: inout SnapshotReader, into unit: inout CorrelationUnit?, _ out: inout Judgement
    ) throws(WireError) -> Int {
        let count = try reader.count()
        for _ in 0..<count {
            var (group, timers) = try readGroup(&reader, &out)
            if unit == nil { group.releaseHits(&out.held) } else { try unit?.adopt(group, timers, &out) }
        }
        for _ in 0..<(try reader.count()) {
            let record = try readDormant(&reader)
            let lost = unit?.dormant.put(record, limit: out.options.maxDormant) ?? 0
            if lost > 0 { out.lost.groups.add(lost) }
        }
        return count
    }

    private static func readDormant(_ reader: inout SnapshotReader) throws(WireError) -> DormantEvents.Record {
        var record = DormantEvents.Record(
            key: try reader.u64(), time: 0, identity: try reader.u64(), content: try reader.u64(),
            value: try reader.u64(), step: 0, marks: [])
        record.time = try reader.i64()
        let rest = try reader.int()
        record.step = UInt16(truncatingIfNeeded: rest >> 8)
        record.marks = DormantEvents.Marks(rawValue: UInt8(truncatingIfNeeded: rest)).subtracting(.taken)
        return record
    }

    private static func readGroup(
        _ reader: inout SnapshotReader, _ out: inout Judgement
    ) throws(WireError) -> (Group, [(time: Int64, kind: CorrelationTimer.Kind)]) {
        var group = Group()
        group.key = try reader.bytes()
        let source = try reader.int()
        guard source >= 0, source <= out.options.maxSources else { throw .malformed(at: 0) }
        group.source = Int32(source)
        group.lastSeen = try reader.i64()
        group.lastReceived = try reader.i64()
        group.judgedAt = try reader.i64()
        group.watched = try reader.i64()
        group.isArmed = try reader.flag()
        group.isIncomplete = try reader.flag()
        let count = try reader.count()
        group.entries.reserveCapacity(min(count, 4_096))
        for _ in 0..<count {
            var entry = WindowEntry(
                time: try reader.i64(), identity: try reader.u64(), content: try reader.u64(), value: try reader.u64(),
                hit: HeldHits.none, step: UInt16(truncatingIfNeeded: try reader.int()))
            entry.isDerived = try reader.flag()
            entry.isCut = try reader.flag()
            entry.hit = try reader.hit(&out.held)
            group.entries.append(entry)
        }
        group.low = try reader.int()
        group.judged = try reader.int()
        guard group.low >= 0, group.low <= group.judged, group.judged <= group.entries.count else {
            throw .malformed(at: 0)
        }
        for _ in 0..<(try reader.count()) { group.firings.append(try firing(&reader, &out.held)) }
        for _ in 0..<(try reader.count()) {
            group.withdrawn.append((try reader.text(), try reader.int(), try reader.i64()))
        }
        var timers: [(time: Int64, kind: CorrelationTimer.Kind)] = []
        for _ in 0..<(try reader.count()) {
            let time = try reader.i64()
            guard let kind = CorrelationTimer.Kind(rawValue: UInt8(truncatingIfNeeded: try reader.int())) else {
                throw .malformed(at: 0)
            }
            timers.append((time, kind))
        }
        return (group, timers)
    }

    /// Takes a group that was read.
    private mutating func adopt(
        _ read: Group, _ timers: [(time: Int64, kind: CorrelationTimer.Kind)], _ out: inout Judgement
    ) throws(WireError) {
        let hash = GroupKey.hash(read.key.span.bytes)
        guard table.place(of: read.key.span.bytes, hash: hash) == nil else { throw .malformed(at: 0) }
        let place = table.insert(read.key, hash: hash, source: Int(read.source))
        table.groups[place].fill(from: read, tally: Tally.of(plan.correlation, exactLimit: out.options.exactValues))
        for timer in timers {
            out.timers.add(
                CorrelationTimer(
                    time: timer.time, unit: Int32(number), place: Int32(place), serial: table.groups[place].serial,
                    kind: timer.kind))
        }
    }

    private static func firing(_ reader: inout SnapshotReader, _ held: inout HeldHits) throws(WireError) -> OpenFiring {
        let id = try reader.text()
        let (revision, count, omitted) = (try reader.int(), try reader.int(), try reader.int())
        let (handedOn, toldCount) = (try reader.int(), try reader.int())
        let (time, first, last) = (try reader.i64(), try reader.i64(), try reader.i64())
        var firing = OpenFiring(
            id: id, revision: revision, time: time, first: first, last: last, count: count, openUntil: try reader.i64(),
            omitted: omitted, handedOn: handedOn)
        firing.toldCount = toldCount
        firing.untoldSince = try reader.i64()
        firing.isApproximate = try reader.flag()
        for _ in 0..<(try reader.count()) {
            let hit = try reader.hit(&held)
            if hit != HeldHits.none { firing.fresh.append(hit) }
        }
        return firing
    }
}

extension [CorrelationTimer] {
    /// The order in which a snapshot has them, and ``ofSerial(_:)`` finds them.
    static func bySerial(_ a: CorrelationTimer, _ b: CorrelationTimer) -> Bool {
        (a.unit, a.serial, a.time, a.kind.rawValue) < (b.unit, b.serial, b.time, b.kind.rawValue)
    }

    /// Of the timers of one unit in that order, those of a group.
    fileprivate func ofSerial(_ serial: UInt32) -> ArraySlice<CorrelationTimer> {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].serial < serial { low = middle + 1 } else { high = middle }
        }
        var end = low
        while end < endIndex, self[end].serial == serial { end += 1 }
        return self[low..<end]
    }
}
