// SPDX-License-Identifier: Apache-2.0
public import Events
internal import Wire

/// Which fields a walk through a JSON value looks for.
struct FieldFinder: Sendable {
    private let table: HashTable
    private let fields: [[UInt8]]

    init(_ program: Program) {
        fields = program.fields.map { Array($0.utf8) }
        table = HashTable(
            fields.enumerated().dropFirst().map { (HashTable.hash($0.element.span.bytes, seed: 0), Int32($0.offset)) })
    }

    /// The slot of a dotted path, or nil.
    func slot(_ path: [UInt8]) -> Int? {
        var found: Int?
        table.forEach(HashTable.hash(path.span.bytes, seed: 0)) { if fields[Int($0)] == path { found = Int($0) } }
        return found
    }
}

extension MatchScratch {
    /// Loads the fields of a whole JSON event.
    mutating func load(_ tape: JSONTape, _ bytes: RawSpan, _ finder: FieldFinder, _ wanted: [UInt8]) {
        path.removeAll(keepingCapacity: true)
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
            path.removeAll(keepingCapacity: true)
            path.append(contentsOf: prefix)
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
        let slot = path.isEmpty ? nil : finder.slot(path).flatMap { wanted[$0] != 0 ? $0 : nil }
        switch value.kind {
        case .object:
            if let slot { note(slot) }
            var child = index + 1
            let length = path.count
            while child < Int(value.next) {
                if length > 0 { path.append(0x2E) }
                if tape.values[child].isKeyEscaped {
                    path.append(contentsOf: tape.key(child, in: bytes).utf8)
                } else {
                    let key = bytes.part(tape.values[child].key)
                    key.withUnsafeBytes { path.append(contentsOf: $0) }
                }
                walk(tape, child, bytes, finder, wanted)
                path.removeLast(path.count - length)
                child = Int(tape.values[child].next)
            }
        case .array:
            if let slot { note(slot) }
            var child = index + 1
            while child < Int(value.next) {
                walk(tape, child, bytes, finder, wanted)
                child = Int(tape.values[child].next)
            }
        case .null:
            if let slot { note(slot, isNull: true) }
        case .string, .number, .yes, .no:
            if let slot { add(slot, tape, value, bytes) }
            if wanted[Program.keywordSlot] != 0 { add(Program.keywordSlot, tape, value, bytes) }
        }
    }

    private mutating func add(_ slot: Int, _ tape: JSONTape, _ value: JSONTape.Value, _ bytes: RawSpan) {
        let inside = bytes.part(value.extent)
        switch value.kind {
        case .string where value.isEscaped:
            let start = raw.count
            JSONText.appendUnescaped(inside, to: &raw)
            addLast(slot, from: start)
        case .number:
            if let whole = Int64(inside) {
                add(slot, whole)
            } else if let number = Double(inside.text) {
                add(slot, number)
            }
        default: add(slot, inside)
        }
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
        scratch.load(document.tape, document.bytes.span.bytes, finder, candidates.slots)
        scratch.matches(self, candidates, into: &hits)
    }
}
