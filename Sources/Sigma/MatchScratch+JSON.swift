// SPDX-License-Identifier: Apache-2.0
public import Events
internal import Wire

/// Which slots a walk through a JSON value finds values for.
final class FieldFinder: Sendable {
    let targets: SlotTargets
    private let table: HashTable
    private let paths: [[UInt8]]

    init(_ targets: SlotTargets) {
        self.targets = targets
        paths = targets.paths.map { Array($0.utf8) }
        table = HashTable(paths.enumerated().map { (HashTable.hash($0.element.span.bytes, seed: 0), Int32($0.offset)) })
    }

    /// The targets of a dotted path, as places in ``SlotTargets/targets``.
    func run(_ path: RawSpan) -> Range<Int> {
        for place in table.run(of: HashTable.hash(path, seed: 0)) {
            let number = Int(table[place])
            let known = paths[number]
            if path.equals(known.span.bytes) { return targets.run(number) }
        }
        return 0..<0
    }
}

extension MatchScratch {
    /// Loads the fields of a whole JSON event.
    mutating func load(_ tape: JSONTape, _ bytes: RawSpan, _ finder: FieldFinder, _ wanted: [UInt8]) {
        path.reset()
        guard !tape.values.isEmpty else { return }
        walk(tape, 0, bytes, finder, wanted)
    }

    /// Loads what lies inside a JSON value that stands at the field path `prefix`.
    mutating func load(
        _ json: RawSpan, asMembers: Bool, at prefix: [UInt8], _ finder: FieldFinder, _ wanted: [UInt8]
    ) {
        var text = wrapped.take() ?? Slab()
        var open = JSONTape()
        swap(&open, &tape)
        text.reset()
        if asMembers { text.append(byte: 0x7B) }
        text.append(json)
        if asMembers { text.append(byte: 0x7D) }
        if MatchScratch.parse(text, &open) {
            path.reset()
            path.append(prefix.span.bytes)
            walk(open, 0, text.bytes, finder, wanted)
        }
        swap(&open, &tape)
        wrapped = consume text
    }

    private static func parse(_ text: borrowing Slab, _ tape: inout JSONTape) -> Bool {
        do { try tape.parse(text.bytes) } catch { return false }
        return true
    }

    private mutating func walk(
        _ tape: JSONTape, _ index: Int, _ bytes: RawSpan, _ finder: FieldFinder, _ wanted: [UInt8]
    ) {
        let value = tape.values[index]
        let run = path.count == 0 ? 0..<0 : finder.run(path.bytes)
        switch value.kind {
        case .object:
            note(run, finder, wanted)
            var child = index + 1
            let length = path.count
            while child < Int(value.next) {
                if length > 0 { path.append(byte: 0x2E) }
                if tape.values[child].isKeyEscaped {
                    path.append(tape.key(child, in: bytes))
                } else {
                    path.append(bytes.part(tape.values[child].key))
                }
                walk(tape, child, bytes, finder, wanted)
                path.truncate(to: length)
                child = Int(tape.values[child].next)
            }
        case .array:
            note(run, finder, wanted)
            var child = index + 1
            while child < Int(value.next) {
                walk(tape, child, bytes, finder, wanted)
                child = Int(tape.values[child].next)
            }
        case .null: note(run, finder, wanted, isNull: true)
        case .string, .number, .yes, .no: add(run, tape, value, bytes, finder, wanted)
        }
    }

    private mutating func note(_ run: Range<Int>, _ finder: FieldFinder, _ wanted: [UInt8], isNull: Bool = false) {
        for place in run {
            let slot = Int(finder.targets.targets[place].slot)
            if wanted[slot] != 0 { note(slot, isNull: isNull) }
        }
    }

    private mutating func add(
        _ run: Range<Int>, _ tape: JSONTape, _ value: JSONTape.Value, _ bytes: RawSpan, _ finder: FieldFinder,
        _ wanted: [UInt8]
    ) {
        var isLoaded = false
        for place in run {
            let target = finder.targets.targets[place]
            let slot = Int(target.slot)
            guard wanted[slot] != 0, target.map < 0 else { continue }
            rank = target.rank
            if isLoaded { repeatLast(slot) } else { isLoaded = add(slot, tape, value, bytes) }
        }
        if wanted[Program.keywordSlot] != 0 {
            rank = 0
            if isLoaded { repeatLast(Program.keywordSlot) } else { _ = add(Program.keywordSlot, tape, value, bytes) }
        }
        for place in run {
            let target = finder.targets.targets[place]
            guard target.map >= 0, wanted[Int(target.slot)] != 0 else { continue }
            rank = target.rank
            add(mapped: finder.targets.maps[Int(target.map)].value(of: bytes.part(value.extent)), Int(target.slot))
        }
    }

    /// The field has this value, or none that the rule's words have a name for.
    mutating func add(mapped value: [UInt8]?, _ slot: Int) {
        if let value { add(slot, value.span.bytes) }
    }

    /// - Returns: whether the value was one.
    private mutating func add(_ slot: Int, _ tape: JSONTape, _ value: JSONTape.Value, _ bytes: RawSpan) -> Bool {
        let inside = bytes.part(value.extent)
        switch value.kind {
        case .string where value.isEscaped:
            let start = raw.count
            JSONText.appendUnescaped(inside, to: &raw)
            addLast(slot, from: start)
        case .number:
            if let whole = Int64(inside) {
                // JSON writes whole numbers as we do, but for -0.
                if whole == 0 { add(slot, whole) } else { add(slot, whole: inside) }
            } else if let number = Double(inside.text) {
                add(slot, number)
            } else {
                return false
            }
        default: add(slot, inside)
        }
        return true
    }
}

extension Int64 {
    /// The number that `bytes` are in decimal, or nil when they are not a whole number that fits.
    fileprivate init?(_ bytes: RawSpan) {
        let isNegative = bytes.byte(at: 0) == 0x2D
        let digits = isNegative ? bytes.part(1, bytes.byteCount - 1) : bytes
        guard let magnitude = digits.decimal, magnitude <= UInt64(Int64.max) else { return nil }
        self = isNegative ? -Int64(magnitude) : Int64(magnitude)
    }
}

extension RuleSet {
    /// Appends the places of the rules that a JSON event matches to `hits`.
    public func match(
        _ document: JSONDocument, candidates: RuleCandidates, scratch: inout MatchScratch, into hits: inout [Int]
    ) {
        guard candidates.count > 0 else { return }
        scratch.begin(self)
        let bytes = document.bytes.span.bytes
        if candidates.isExhaustive {
            scratch.load(document.tape, bytes, finder, candidates.slots)
            scratch.matches(all: scratch.looking(candidates, program), of: self, into: &hits)
            return
        }
        let kind = scratch.kind(of: candidates, nil) { _ in nil }
        if !candidates.branches.isEmpty { scratch.load(document.tape, bytes, finder, candidates.routing) }
        let choice = scratch.choice(kind, candidates, self) { _ in nil }
        let chosen = scratch.kinds[kind].choices[choice]
        scratch.load(document.tape, bytes, finder, chosen.slots)
        scratch.matches(self, chosen.selection, into: &hits)
    }
}
