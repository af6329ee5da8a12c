// SPDX-License-Identifier: Apache-2.0
public import Events
internal import Wire

/// The rules of a set over the events of one field table: what a lane matches with.
///
/// A class: lanes share it, and each copy of a structure with as many references would count all of them, in memory that
/// the lanes contend for.
public final class BoundRules: Sendable {
    /// The rules.
    public let ruleSet: RuleSet
    /// The table.
    public let table: FieldTable

    /// Where the targets of each field begin in ``targets``; one more than there are fields.
    private let runs: [Int32]
    private let targets: [SlotTarget]
    /// Fields below which rules ask for paths that the table lacks: the names, as the beginnings of JSON keys, that can lead
    /// there, and for which slots.
    private let open: [[(key: [UInt8], slots: Set<Int>)]]
    /// Slots of containers, which have no entries of their own.
    private let containers: [(slot: Int, fields: Range<FieldID>)]
    private let prefixes: [[UInt8]]
    /// The field with the whole record.
    private let rawData: FieldID?

    /// Binds `ruleSet` to `table`. A path that the table lacks is looked for in the JSON of the nearest container.
    public init(_ ruleSet: RuleSet, table: FieldTable) {
        self.ruleSet = ruleSet
        self.table = table
        var found = [[SlotTarget]](repeating: [], count: table.fields.count)
        var open = [[[UInt8]: Set<Int>]](repeating: [:], count: table.fields.count)
        var containers: [(slot: Int, fields: Range<FieldID>)] = []
        func bind(_ path: Int, to id: FieldID) {
            let end = table.fields[Int(id)].end
            for target in ruleSet.targets.targets[ruleSet.targets.run(path)] {
                found[Int(id)].append(target)
                if end > id + 1 { containers.append((Int(target.slot), id..<end)) }
            }
        }
        for (number, path) in ruleSet.targets.paths.enumerated() {
            if let id = table.id(path) {
                bind(number, to: id)
                continue
            }
            // Below every container on the way, the rest of the path may stand in JSON.
            var length = path.utf8.count
            while let dot = path.utf8.prefix(length).lastIndex(of: 0x2E) {
                length = path.utf8.distance(from: path.utf8.startIndex, to: dot)
                guard let id = table.id(String(path[..<dot])) else { continue }
                let rest = path[path.index(after: dot)...]
                var key = Slab(capacity: 64)
                // Of `a.b` the key may be written `a` or `a.b`; both begin alike.
                JSONText.append(String(rest.prefix { $0 != "." }), to: &key)
                let asking = ruleSet.targets.targets[ruleSet.targets.run(number)].map { Int($0.slot) }
                open[Int(id)][Array(key.bytes.array.dropLast()), default: []].formUnion(asking)
            }
        }
        // In an older version of the schema some classes have an attribute below `unmapped`.
        for (number, path) in ruleSet.targets.paths.enumerated() {
            guard let id = table.movedID(path), found[Int(id)].isEmpty else { continue }
            bind(number, to: id)
        }
        var runs: [Int32] = [0]
        for list in found { runs.append(runs[runs.count - 1] + Int32(list.count)) }
        self.runs = runs
        self.targets = found.flatMap(\.self)
        self.open = open.map { names in names.map { (key: $0.key, slots: $0.value) } }
        self.containers = containers
        self.rawData = table.id("raw_data")
        self.prefixes = table.fields.map { Array($0.path.utf8) }
    }

    /// Appends the places of the rules that event number `row` of `batch` matches to `hits`.
    public func match(
        _ row: Int, of batch: borrowing Batch, candidates: RuleCandidates, scratch: inout MatchScratch,
        into hits: inout [Int]
    ) {
        guard candidates.count > 0, row >= 0, row < batch.rows.count else { return }
        scratch.begin(ruleSet)
        if candidates.isExhaustive {
            load(row, of: batch, plan(candidates.slots), &scratch)
            scratch.matches(all: scratch.looking(candidates, ruleSet.program), of: ruleSet, into: &hits)
            return
        }
        let kind = scratch.kind(of: candidates, self) { plan($0) }
        if let routing = scratch.kinds[kind].routing { load(row, of: batch, routing, &scratch) }
        let choice = scratch.choice(kind, candidates, ruleSet) { plan($0) }
        if let plan = scratch.kinds[kind].choices[choice].plan { load(row, of: batch, plan, &scratch) }
        scratch.matches(ruleSet, scratch.kinds[kind].choices[choice].selection, into: &hits)
    }

    /// What is loaded when `slots` (1 for yes) are asked for.
    private func plan(_ slots: [UInt8]) -> LoadPlan {
        var fields: [LoadPlan.Field] = []
        var chosen: [SlotTarget] = []
        var keys: [[[UInt8]]] = []
        let isAll = slots[Program.keywordSlot] != 0
        for number in prefixes.indices {
            let wanted = targets[Int(runs[number])..<Int(runs[number + 1])].filter { slots[Int($0.slot)] != 0 }
            var field = LoadPlan.Field(first: Int32(chosen.count))
            chosen += wanted.filter { $0.map < 0 }
            field.mapped = Int32(chosen.count)
            chosen += wanted.filter { $0.map >= 0 }
            field.end = Int32(chosen.count)
            let names = open[number].filter { name in name.slots.contains { slots[$0] != 0 } }.map(\.key)
            if isAll || !names.isEmpty {
                field.keys = Int32(keys.count)
                keys.append(isAll || names.count > 16 ? [] : names)
            }
            fields.append(field)
        }
        return LoadPlan(
            fields: fields, targets: chosen, keys: keys, containers: containers.filter { slots[$0.slot] != 0 },
            slots: slots)
    }

    /// Loads what `plan` asks of event number `row`.
    private func load(_ row: Int, of batch: borrowing Batch, _ plan: LoadPlan, _ scratch: inout MatchScratch) {
        let entries = batch.entries
        for index in batch.entries(of: row) {
            let entry = entries[index]
            let number = Int(entry.field)
            guard number < plan.fields.count else { continue }
            let field = plan.fields[number]
            if entry.kind == .members || entry.kind == .json {
                guard isAsked(number, entry, batch, plan) else { continue }
                batch.withBytes(of: entry) {
                    scratch.load(
                        $0, asMembers: entry.kind == .members, at: prefixes[number], ruleSet.finder, plan.slots)
                }
                continue
            }
            guard field.first < field.end || plan.wantsKeywords else { continue }
            var isLoaded = false
            for place in Int(field.first)..<Int(field.mapped) {
                let target = plan.targets[place]
                scratch.rank = target.rank
                if isLoaded {
                    scratch.repeatLast(Int(target.slot))
                } else {
                    isLoaded = BoundRules.add(Int(target.slot), entry, batch, &scratch)
                }
            }
            if plan.wantsKeywords {
                scratch.rank = 0
                if isLoaded {
                    scratch.repeatLast(Program.keywordSlot)
                } else if entry.kind == .text || entry.kind == .constant {
                    batch.withBytes(of: entry) { scratch.add(keywords: $0) }
                } else {
                    _ = BoundRules.add(Program.keywordSlot, entry, batch, &scratch)
                }
            }
            for place in Int(field.mapped)..<Int(field.end) {
                let target = plan.targets[place]
                scratch.rank = target.rank
                scratch.add(mapped: value(target.map, entry, batch), Int(target.slot))
            }
        }
        for container in plan.containers
        where batch.entries(of: row).contains(where: { container.fields.contains(entries[$0].field) }) {
            scratch.note(container.slot)
        }
        scratch.rank = 0
        if plan.wantsKeywords { addMessage(row, batch, &scratch) }
    }

    /// What an entry's value is in a rule's words.
    private func value(_ map: Int32, _ entry: Entry, _ batch: borrowing Batch) -> [UInt8]? {
        let map = ruleSet.targets.maps[Int(map)]
        return switch entry.kind {
        case .integer: map.value(of: entry.integer)
        case .boolean: entry.boolean ? map.value(of: ValueMap.yes.span.bytes) : map.value(of: ValueMap.no.span.bytes)
        case .text, .constant: batch.withBytes(of: entry) { map.value(of: $0) }
        case .double, .emptyArray, .json, .members: nil
        }
    }

    /// - Returns: whether there was a value.
    private static func add(
        _ slot: Int, _ entry: Entry, _ batch: borrowing Batch, _ scratch: inout MatchScratch
    ) -> Bool {
        switch entry.kind {
        case .integer: scratch.add(slot, entry.integer)
        case .double: scratch.add(slot, entry.double)
        case .boolean: scratch.add(slot, entry.boolean)
        case .emptyArray:
            scratch.note(slot)
            return false
        case .text, .constant: batch.withBytes(of: entry) { scratch.add(slot, $0) }
        case .json, .members: return false
        }
        return true
    }

    /// Whether a JSON entry can hold something that is asked for: parsing it costs more than looking for its keys.
    private func isAsked(_ number: Int, _ entry: Entry, _ batch: borrowing Batch, _ plan: LoadPlan) -> Bool {
        if entry.kind == .json {
            // A list where the table has an object: what lies in it has fields of its own that it is not in.
            let end = min(Int(table.fields[number].end), plan.fields.count)
            for below in number..<end where plan.fields[below].first < plan.fields[below].end { return true }
        }
        let list = Int(plan.fields[number].keys)
        guard list >= 0 else { return false }
        let keys = plan.keys[list]
        guard !keys.isEmpty else { return true }
        return batch.withBytes(of: entry) { bytes in
            // An escape may hide a key.
            keys.contains { bytes.firstRange(of: $0.span.bytes) != nil } || BoundRules.hasEscapedScalar(bytes)
        }
    }

    /// Whether `\u` stands in JSON, and not behind a backslash that is itself escaped.
    private static func hasEscapedScalar(_ bytes: RawSpan) -> Bool {
        var start = 0
        while let hit = bytes.firstRange(of: "\\u", from: start) {
            var before = hit
            while bytes.byte(at: before - 1) == 0x5C { before -= 1 }
            if (hit - before) & 1 == 0 { return true }
            start = hit + 1
        }
        return false
    }

    /// The raw message counts as a value of the event.
    private func addMessage(_ row: Int, _ batch: borrowing Batch, _ scratch: inout MatchScratch) {
        let number = Int(batch.rows[row].frame)
        guard number >= 0, number < batch.frames.count, batch.frames[number].transport != .sensor else { return }
        // Of a frame with several events each has its own part: the words of one are not those of its neighbours.
        guard let source = batch.source(of: row) else { return }
        let message = batch.slab.bytes(source)
        // Most mappings keep the whole message in `raw_data`.
        if let rawData {
            let entries = batch.entries
            for index in batch.entries(of: row) where entries[index].field == rawData && entries[index].kind == .text {
                if batch.withBytes(of: entries[index], { $0.equals(message) }) { return }
            }
        }
        scratch.add(keywords: message)
    }
}
