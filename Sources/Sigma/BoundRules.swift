// SPDX-License-Identifier: Apache-2.0
public import Events
internal import Wire

/// The rules of a set over the events of one field table: what a lane matches with.
public struct BoundRules: Sendable {
    /// The rules.
    public let ruleSet: RuleSet
    /// The table.
    public let table: FieldTable

    /// Slots by field; -1 where no rule asks for the field.
    private let slots: [Int32]
    /// Fields below which rules ask for paths that the table lacks: the names, as JSON keys, that can lead there.
    private let open: [[[UInt8]]]
    /// Slots of containers, which have no entries of their own.
    private let containers: [(slot: Int, fields: Range<FieldID>)]
    private let prefixes: [[UInt8]]

    /// Binds `ruleSet` to `table`. A path that the table lacks is looked for in the JSON of the nearest container.
    public init(_ ruleSet: RuleSet, table: FieldTable) {
        self.ruleSet = ruleSet
        self.table = table
        var slots = [Int32](repeating: -1, count: table.fields.count)
        var open = [[[UInt8]]](repeating: [], count: table.fields.count)
        var containers: [(slot: Int, fields: Range<FieldID>)] = []
        for (slot, path) in ruleSet.program.fields.enumerated().dropFirst() {
            if let id = table.id(path) {
                slots[Int(id)] = Int32(slot)
                let end = table.fields[Int(id)].end
                if end > id + 1 { containers.append((slot, id..<end)) }
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
                if !open[Int(id)].contains(bytes) { open[Int(id)].append(bytes) }
            }
        }
        // In an older version of the schema some classes have an attribute below `unmapped`.
        for (slot, path) in ruleSet.program.fields.enumerated().dropFirst() {
            guard let id = table.movedID(path), slots[Int(id)] < 0 else { continue }
            slots[Int(id)] = Int32(slot)
            let end = table.fields[Int(id)].end
            if end > id + 1 { containers.append((slot, id..<end)) }
        }
        self.slots = slots
        self.open = open
        self.containers = containers
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
            guard field < slots.count else { continue }
            if entry.kind == .members || entry.kind == .json {
                guard wantsKeywords || isAsked(field, entry, batch, candidates) else { continue }
                batch.withBytes(of: entry) {
                    scratch.load(
                        $0, asMembers: entry.kind == .members, at: prefixes[field], ruleSet.finder, candidates.slots)
                }
                continue
            }
            let slot = Int(slots[field])
            if slot >= 0, candidates.slots[slot] != 0 { BoundRules.add(slot, entry, batch, &scratch) }
            if wantsKeywords { BoundRules.add(Program.keywordSlot, entry, batch, &scratch) }
        }
        for container in containers where candidates.slots[container.slot] != 0 {
            if batch.entries(of: row).contains(where: { container.fields.contains(entries[$0].field) }) {
                scratch.note(container.slot)
            }
        }
        if wantsKeywords { addMessage(row, batch, &scratch) }
        scratch.matches(ruleSet, candidates, into: &hits)
    }

    private static func add(_ slot: Int, _ entry: Entry, _ batch: borrowing Batch, _ scratch: inout MatchScratch) {
        switch entry.kind {
        case .integer: scratch.add(slot, entry.integer)
        case .double: scratch.add(slot, entry.double)
        case .boolean: scratch.add(slot, entry.boolean)
        case .emptyArray: scratch.note(slot)
        case .text, .constant: batch.withBytes(of: entry) { scratch.add(slot, $0) }
        case .json, .members: break
        }
    }

    /// Whether a JSON entry can hold something that a rule asks for: parsing it costs more than looking for its keys.
    private func isAsked(_ field: Int, _ entry: Entry, _ batch: borrowing Batch, _ candidates: RuleCandidates) -> Bool {
        if entry.kind == .json, slots[field] >= 0, candidates.slots[Int(slots[field])] != 0 { return true }
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
        scratch.add(Program.keywordSlot, batch.slab.bytes(batch.frames[number].extent))
    }
}
