// SPDX-License-Identifier: Apache-2.0
internal import Instruments
internal import Wire

/// Groups that make room for others: what they had is kept in short form, and they go on with it when they come back.
extension CorrelationUnit {
    /// The most events of a group that is kept in short form.
    private static let mostDormant = 16

    /// Keeps the events of a group that is about to be dropped.
    ///
    /// - Returns: false for a group that cannot be told by its events alone: one that has fired, that waits for silence,
    ///   or that has many events.
    mutating func setAside(_ place: Int, _ out: inout Judgement) -> Bool {
        let group = table.groups[place]
        guard plan.kind != nil, !plan.isAbsence, group.firings.isEmpty, group.withdrawn.isEmpty,
            group.judged == group.entries.count, 1...CorrelationUnit.mostDormant ~= group.kept
        else { return false }
        let key = ContentHash.fold(group.key.span.bytes)
        for index in group.head..<group.entries.count {
            let entry = group.entries[index]
            var marks: DormantEvents.Marks = []
            if entry.isDerived { marks.insert(.derived) }
            if entry.isCut || entry.hasHit { marks.insert(.cut) }
            if group.isIncomplete { marks.insert(.incomplete) }
            if index == group.head { marks.insert(.leading) }
            let lost = dormant.put(
                DormantEvents.Record(
                    key: key, time: entry.time, identity: entry.identity, content: entry.content, value: entry.value,
                    step: entry.step, marks: marks), limit: out.options.maxDormant)
            if lost > 0 { out.lost.groups.add(lost) }
        }
        out.lost.setAside.add()
        return true
    }

    /// Gives a new group the events that it had when it was set aside.
    mutating func wake(_ place: Int) {
        let key = table.groups[place].key
        let records = dormant.take(ContentHash.fold(key.span.bytes))
        guard !records.isEmpty else { return }
        var entries = records.map { record in
            WindowEntry(
                time: record.time, identity: record.identity, content: record.content, value: record.value,
                hit: HeldHits.none,
                step: record.step, isDerived: record.marks.contains(.derived), isCut: record.marks.contains(.cut))
        }
        entries.sort(by: WindowEntry.precedes)
        let last = entries[entries.count - 1].time
        table.groups[place].entries = entries
        table.groups[place].isIncomplete = records.contains { $0.marks.contains(.incomplete) }
        table.groups[place].lastSeen = last
        table.groups[place].judgedAt = last
        table.groups[place].judged = entries.count
        rebuild(place, at: last.addingClamped(1))
    }

    /// The group of a key, if it has one, in the table or set aside.
    mutating func known(_ key: RawSpan, hash: UInt64, source: Int, _ out: inout Judgement) -> Int? {
        if let place = table.place(of: key, hash: hash) { return place }
        guard dormant.has(ContentHash.fold(key)) else { return nil }
        return group(key, hash: hash, source: source, &out)
    }
}
