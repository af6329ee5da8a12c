// SPDX-License-Identifier: Apache-2.0
public import Events
internal import Wire

/// The rules of a set over the events of one field table: what a lane matches with.
public struct BoundRules: Sendable {
    /// The rules.
    public let ruleSet: RuleSet
    /// The table.
    public let table: FieldTable

    /// Where the targets of each field begin in ``targets``; one more than there are fields.
    private let runs: [Int32]
    private let targets: [SlotTarget]
    /// Fields below which rules ask for paths that the table lacks: the names, as JSON keys, that can lead there.
    private let open: [[[UInt8]]]
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
        var open = [[[UInt8]]](repeating: [], count: table.fields.count)
        var known = [Set<[UInt8]>](repeating: [], count: table.fields.count)
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
                let bytes = Array(key.bytes.array.dropLast())
                if known[Int(id)].insert(bytes).inserted { open[Int(id)].append(bytes) }
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
        self.open = open
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
        let entries = batch.entries
        let wantsKeywords = candidates.slots[Program.keywordSlot] != 0
        for index in batch.entries(of: row) {
            let entry = entries[index]
            let field = Int(entry.field)
            guard field < prefixes.count else { continue }
            if entry.kind == .members || entry.kind == .json {
                guard wantsKeywords || isAsked(field, entry, batch, candidates) else { continue }
                batch.withBytes(of: entry) {
                    scratch.load(
                        $0, asMembers: entry.kind == .members, at: prefixes[field], ruleSet.finder, candidates.slots)
                }
                continue
            }
            var isLoaded = false
            for place in Int(runs[field])..<Int(runs[field + 1]) {
                let target = targets[place]
                let slot = Int(target.slot)
                guard candidates.slots[slot] != 0, target.map < 0 else { continue }
                scratch.rank = target.rank
                if isLoaded {
                    scratch.repeatLast(slot)
                } else {
                    isLoaded = BoundRules.add(slot, entry, batch, &scratch)
                }
            }
            if wantsKeywords {
                scratch.rank = 0
                if isLoaded {
                    scratch.repeatLast(Program.keywordSlot)
                } else {
                    _ = BoundRules.add(Program.keywordSlot, entry, batch, &scratch)
                }
            }
            for place in Int(runs[field])..<Int(runs[field + 1]) where targets[place].map >= 0 {
                guard candidates.slots[Int(targets[place].slot)] != 0 else { continue }
                scratch.rank = targets[place].rank
                scratch.add(mapped: value(targets[place].map, entry, batch), Int(targets[place].slot))
            }
        }
        for container in containers where candidates.slots[container.slot] != 0 {
            if batch.entries(of: row).contains(where: { container.fields.contains(entries[$0].field) }) {
                scratch.note(container.slot)
            }
        }
        scratch.rank = 0
        if wantsKeywords { addMessage(row, batch, &scratch) }
        scratch.matches(ruleSet, candidates, into: &hits)
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

    /// Whether a JSON entry can hold something that a rule asks for: parsing it costs more than looking for its keys.
    private func isAsked(_ field: Int, _ entry: Entry, _ batch: borrowing Batch, _ candidates: RuleCandidates) -> Bool {
        if entry.kind == .json {
            // A list where the table has an object: what lies in it has fields of its own that it is not in.
            for below in field..<Int(table.fields[field].end) {
                for place in Int(runs[below])..<Int(runs[below + 1])
                where candidates.slots[Int(targets[place].slot)] != 0 {
                    return true
                }
            }
        }
        let keys = open[field]
        guard !keys.isEmpty else { return false }
        guard keys.count <= 16 else { return true }
        return batch.withBytes(of: entry) { bytes in
            // A backslash may hide a key behind an escape.
            keys.contains { bytes.firstRange(of: $0.span.bytes) != nil } || bytes.firstRange(of: "\\u") != nil
        }
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
        scratch.add(Program.keywordSlot, message)
    }
}
