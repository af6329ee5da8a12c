// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Instruments
internal import Wire

/// Writes a snapshot; a hit that several groups hold stands in it once.
struct SnapshotWriter {
    private var body: [UInt8] = []
    private var hits: [HitBox] = []
    private var numbers: [ObjectIdentifier: Int] = [:]
    private var sections: [Int] = []

    mutating func put(_ number: UInt64) { SnapshotWriter.put(number, to: &body) }
    mutating func put(_ number: Int64) { put(UInt64(bitPattern: number)) }
    mutating func put(_ number: Int) { put(UInt64(bitPattern: Int64(number))) }
    mutating func put(_ flag: Bool) { body.append(flag ? 1 : 0) }
    mutating func put(_ bytes: [UInt8]) {
        put(bytes.count)
        body += bytes
    }
    mutating func put(_ hit: HitBox?) {
        guard let hit else { return put(-1) }
        if let known = numbers[ObjectIdentifier(hit)] { return put(known) }
        numbers[ObjectIdentifier(hit)] = hits.count
        put(hits.count)
        hits.append(hit)
    }

    /// Begins a part whose length stands in front of it.
    mutating func begin() {
        sections.append(body.count)
        put(0)
    }

    /// Ends it.
    mutating func end() {
        guard let start = sections.popLast() else { return }
        let length = UInt64(body.count - start - 8)
        for index in 0..<8 { body[start + index] = UInt8(truncatingIfNeeded: length >> UInt64(8 * index)) }
    }

    /// The hits, and behind them all that was put.
    var finished: [UInt8] {
        var all: [UInt8] = []
        func put(_ number: Int) { SnapshotWriter.put(UInt64(bitPattern: Int64(number)), to: &all) }
        func put(_ bytes: [UInt8]) {
            put(bytes.count)
            all += bytes
        }
        put(hits.count)
        for box in hits {
            let hit = box.hit
            put(hit.rules.count)
            for rule in hit.rules { put(Array(rule.utf8)) }
            put(Array(hit.uid.utf8))
            put(Int(hit.time))
            put(Int(hit.received))
            put(hit.event)
            put(hit.evidence.count)
            for evidence in hit.evidence {
                put(Array(evidence.kind.rawValue.utf8))
                put(evidence.bytes)
                put(Int(evidence.received))
                put(Array(evidence.collector.utf8))
                put(Array(evidence.peer.utf8))
            }
            put(hit.position == nil ? 0 : 1)
            if let position = hit.position {
                put(position.log)
                put(Int(bitPattern: UInt(position.first)))
                put(Int(position.epoch))
            }
        }
        return all + body
    }

    private static func put(_ number: UInt64, to bytes: inout [UInt8]) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }
}

/// Reads a snapshot; it comes from the service's own store, but a damaged one must only throw.
struct SnapshotReader {
    private let all: [UInt8]
    private var place = 0
    private var hits: [HitBox] = []

    init(_ bytes: [UInt8], _ ledger: HitLedger, _ plan: CorrelationPlan) throws(WireError) {
        all = bytes
        for _ in 0..<(try count()) {
            var rules: [String] = []
            for _ in 0..<(try count()) { rules.append(try text()) }
            var hit = Hit(
                rules: rules, uid: try text(), time: try i64(), received: try i64(), event: try self.bytes(),
                evidence: [])
            for _ in 0..<(try count()) {
                guard let kind = Evidence.Kind(rawValue: try text()) else { throw .malformed(at: place) }
                hit.evidence.append(
                    Evidence(
                        kind: kind, bytes: try self.bytes(), received: try i64(), collector: try text(),
                        peer: try text()))
            }
            if try count() == 1 {
                let log = try int()
                let first = try u64()
                hit.position = JournalPosition(log: log, first: first, epoch: UInt32(truncatingIfNeeded: try u64()))
            }
            hits.append(HitBox(plan.prepare(hit), ledger))
        }
    }

    mutating func u64() throws(WireError) -> UInt64 {
        guard all.count - place >= 8 else { throw .truncated(at: place, needed: 8) }
        var number: UInt64 = 0
        for index in 0..<8 { number |= UInt64(all[place + index]) << UInt64(8 * index) }
        place += 8
        return number
    }
    mutating func i64() throws(WireError) -> Int64 { Int64(bitPattern: try u64()) }
    mutating func int() throws(WireError) -> Int { Int(try i64()) }
    mutating func flag() throws(WireError) -> Bool {
        guard place < all.count else { throw .truncated(at: place, needed: 1) }
        place += 1
        return all[place - 1] != 0
    }
    /// A number of things that follow, each of which takes at least a byte.
    mutating func count() throws(WireError) -> Int {
        let number = try int()
        guard number >= 0, number <= all.count - place else { throw .malformed(at: place) }
        return number
    }
    mutating func bytes() throws(WireError) -> [UInt8] {
        let length = try count()
        place += length
        return Array(all[place - length..<place])
    }
    mutating func text() throws(WireError) -> String { String(decoding: try bytes(), as: UTF8.self) }
    mutating func hit() throws(WireError) -> HitBox? {
        let number = try int()
        guard number >= 0 else { return nil }
        guard number < hits.count else { throw .malformed(at: place) }
        return hits[number]
    }
    /// The end of a part whose length stands here.
    mutating func section() throws(WireError) -> Int {
        let length = try count()
        return place + length
    }
    mutating func go(to end: Int) throws(WireError) {
        guard end >= place, end <= all.count else { throw .malformed(at: place) }
        place = end
    }
}

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
    func write(to out: inout SnapshotWriter, timers: [CorrelationTimer]) {
        out.put(Array(plan.identity.utf8))
        out.put(Array(plan.rule.id.utf8))
        var waiting: [UInt32: [CorrelationTimer]] = [:]
        for timer in timers { waiting[timer.serial, default: []].append(timer) }
        out.begin()
        out.put(table.count)
        for place in table.inOrder { write(table.groups[place], waiting[table.groups[place].serial] ?? [], &out) }
        out.put(dormant.count)
        dormant.forEach { record in
            for number in [record.key, record.identity, record.content, record.value] { out.put(number) }
            out.put(record.time)
            out.put(Int(record.step) << 8 | Int(record.marks.rawValue))
        }
        out.end()
    }

    mutating func readDormant(_ reader: inout SnapshotReader, _ out: inout Judgement) throws(WireError) {
        for _ in 0..<(try reader.count()) {
            var record = DormantEvents.Record(
                key: try reader.u64(), time: 0, identity: try reader.u64(), content: try reader.u64(),
                value: try reader.u64(), step: 0, marks: [])
            record.time = try reader.i64()
            let rest = try reader.int()
            record.step = UInt16(truncatingIfNeeded: rest >> 8)
            record.marks = DormantEvents.Marks(rawValue: UInt8(truncatingIfNeeded: rest)).subtracting(.taken)
            let lost = dormant.put(record, limit: out.options.maxDormant)
            if lost > 0 { out.lost.groups.add(lost) }
        }
    }

    private func write(_ group: Group, _ timers: [CorrelationTimer], _ out: inout SnapshotWriter) {
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
            out.put(entry.hit)
        }
        out.put(max(0, group.low - group.head))
        out.put(max(0, group.judged - group.head))
        out.put(group.firings.count)
        for firing in group.firings {
            out.put(Array(firing.id.utf8))
            for number in [firing.revision, firing.count, firing.omitted, firing.handedOn, firing.toldCount] {
                out.put(number)
            }
            for time in [firing.time, firing.first, firing.last, firing.openUntil, firing.untoldSince] { out.put(time) }
            out.put(firing.isApproximate)
            out.put(firing.fresh.count)
            for hit in firing.fresh { out.put(hit) }
        }
        out.put(group.withdrawn.count)
        for firing in group.withdrawn {
            out.put(Array(firing.id.utf8))
            out.put(firing.revision)
            out.put(firing.time)
        }
        out.put(timers.count)
        for timer in timers.sorted(by: { ($0.time, $0.kind.rawValue) < ($1.time, $1.kind.rawValue) }) {
            out.put(timer.time)
            out.put(Int(timer.kind.rawValue))
        }
    }

    mutating func readGroup(_ reader: inout SnapshotReader, _ out: inout Judgement) throws(WireError) {
        let key = try reader.bytes()
        let source = try reader.int()
        guard source >= 0, source <= out.options.maxSources, table.place(of: key) == nil else {
            throw .malformed(at: 0)
        }
        let place = table.insert(key, source: source)
        var group = table.groups[place]
        group.tally = Tally.of(plan.correlation, exactLimit: out.options.exactValues)
        group.lastSeen = try reader.i64()
        group.lastReceived = try reader.i64()
        group.judgedAt = try reader.i64()
        group.watched = try reader.i64()
        group.isArmed = try reader.flag()
        group.isIncomplete = try reader.flag()
        for _ in 0..<(try reader.count()) {
            var entry = WindowEntry(
                time: try reader.i64(), identity: try reader.u64(), content: try reader.u64(), value: try reader.u64(),
                hit: nil, step: UInt16(truncatingIfNeeded: try reader.int()))
            entry.isDerived = try reader.flag()
            entry.isCut = try reader.flag()
            entry.hit = try reader.hit()
            group.entries.append(entry)
        }
        group.low = try reader.int()
        group.judged = try reader.int()
        guard group.low >= 0, group.low <= group.judged, group.judged <= group.entries.count else {
            throw .malformed(at: 0)
        }
        for entry in group.entries[group.low..<group.judged] { group.tally?.add(entry) }
        for _ in 0..<(try reader.count()) { group.firings.append(try CorrelationUnit.firing(&reader)) }
        for _ in 0..<(try reader.count()) {
            group.withdrawn.append((try reader.text(), try reader.int(), try reader.i64()))
        }
        table.groups[place] = group
        for _ in 0..<(try reader.count()) {
            let time = try reader.i64()
            guard let kind = CorrelationTimer.Kind(rawValue: UInt8(truncatingIfNeeded: try reader.int())) else {
                throw .malformed(at: 0)
            }
            out.timers.add(
                CorrelationTimer(
                    time: time, unit: Int32(number), place: Int32(place), serial: table.groups[place].serial, kind: kind
                ))
        }
    }

    private static func firing(_ reader: inout SnapshotReader) throws(WireError) -> OpenFiring {
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
        for _ in 0..<(try reader.count()) { if let hit = try reader.hit() { firing.fresh.append(hit) } }
        return firing
    }
}
