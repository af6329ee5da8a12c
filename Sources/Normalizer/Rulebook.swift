// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Patterns
internal import Wire

/// A run of numbers or things in one of a mapping's arrays.
struct Run: Sendable {
    var first: Int32 = 0
    var count: Int32 = 0

    var range: Range<Int> { Int(first)..<Int(first) + Int(count) }
}

/// All conditions and values of a mapping as plain numbers in flat arrays, so that working by them counts no references
/// and allocates nothing.
struct Rulebook: Sendable {
    /// A ``Condition``; what it combines are other tests.
    struct Test: Sendable {
        enum Kind: UInt8, Sendable {
            case always
            case all
            case any
            case not
            case exists
            case absent
            case equals
            case contains
            case starts
            case ends
            case matches
        }
        var kind: Kind
        /// The capture.
        var slot: Int32 = 0
        /// Of ``children`` or ``texts``; of an expression the place in ``patterns``.
        var run = Run()
    }

    /// A ``ValueRule``.
    struct Value: Sendable {
        /// Captures to try, in ``sources``.
        var sources = Run()
        /// The seed under which its table's keys stand in ``keys``; -1 without one.
        var table: Int32 = -1
        var cases = Run()
        var fallback: Literal?
        var isDefault = false
        var transform = ValueRule.Transform.none
        var scale = 1.0
        var split: UInt8 = 0
    }

    struct Case: Sendable {
        var test: Int32
        var value: Literal
    }

    private(set) var tests: [Test] = []
    private(set) var children: [Int32] = []
    private(set) var texts: [Extent] = []
    private(set) var pool: [UInt8] = []
    private(set) var patterns: [Pattern] = []
    private(set) var sources: [Int32] = []
    private(set) var cases: [Case] = []
    private(set) var integers: [Int64] = []
    private(set) var literals: [Literal] = []
    private(set) var keys = ByteTable(ignoringCase: true)
    private(set) var knownTexts = ByteTable()
    private var tables: Int32 = 0

    // MARK: Building

    mutating func add(_ condition: Condition) -> Int32 {
        let test: Test
        switch condition {
        case .always: test = Test(kind: .always)
        case .all(let parts): test = Test(kind: .all, run: add(parts))
        case .any(let parts): test = Test(kind: .any, run: add(parts))
        case .not(let part): test = Test(kind: .not, run: add([part]))
        case .exists(let slot, let wanted): test = Test(kind: wanted ? .exists : .absent, slot: Int32(slot))
        case .equals(let slot, let texts): test = Test(kind: .equals, slot: Int32(slot), run: add(texts))
        case .contains(let slot, let texts): test = Test(kind: .contains, slot: Int32(slot), run: add(texts))
        case .starts(let slot, let texts): test = Test(kind: .starts, slot: Int32(slot), run: add(texts))
        case .ends(let slot, let texts): test = Test(kind: .ends, slot: Int32(slot), run: add(texts))
        case .matches(let slot, let pattern):
            test = Test(kind: .matches, slot: Int32(slot), run: Run(first: add(pattern)))
        }
        tests.append(test)
        return Int32(tests.count - 1)
    }

    private mutating func add(_ parts: [Condition]) -> Run {
        let added = parts.map { add($0) }
        children += added
        return Run(first: Int32(children.count - added.count), count: Int32(added.count))
    }

    private mutating func add(_ all: [[UInt8]]) -> Run {
        for text in all { texts.append(add(bytes: text)) }
        return Run(first: Int32(texts.count - all.count), count: Int32(all.count))
    }

    mutating func add(bytes: [UInt8]) -> Extent {
        pool += bytes
        return Extent(pool.count - bytes.count..<pool.count)
    }

    mutating func add(_ pattern: Pattern) -> Int32 {
        patterns.append(pattern)
        return Int32(patterns.count - 1)
    }

    mutating func add(_ numbers: [Int64]) -> Run {
        integers += numbers
        return Run(first: Int32(integers.count - numbers.count), count: Int32(numbers.count))
    }

    mutating func add(sources slots: [SlotID]) -> Run {
        sources += slots.map { Int32($0) }
        return Run(first: Int32(sources.count - slots.count), count: Int32(slots.count))
    }

    mutating func add(_ rule: ValueRule) -> Value {
        var value = Value(
            fallback: rule.fallback, isDefault: rule.isDefault, transform: rule.transform, scale: rule.scale,
            split: rule.split)
        value.sources = add(sources: rule.sources)
        if !rule.table.isEmpty {
            value.table = tables
            tables += 1
            for (key, literal) in rule.table {
                literals.append(literal)
                keys.insert(key, seed: Int(value.table), literals.count - 1)
            }
        }
        let added = rule.cases.map { Case(test: add($0.when), value: $0.value) }
        value.cases = Run(first: Int32(cases.count), count: Int32(added.count))
        cases += added
        return value
    }

    /// Stores a set of texts and tells its number in ``knownTexts``.
    mutating func add(known all: Set<[UInt8]>) -> Int32 {
        guard !all.isEmpty else { return -1 }
        for text in all { knownTexts.insert(text, seed: Int(tables), 0) }
        tables += 1
        return tables - 1
    }

    // MARK: Asking

    /// Calls `body` with bytes that ``add(bytes:)`` took in.
    @inline(__always)
    func withText<Result>(_ extent: Extent, _ body: (RawSpan) -> Result) -> Result {
        body(pool.span.bytes.part(extent))
    }

    /// Whether a number is one of a run.
    func contains(_ run: Run, _ number: Int64) -> Bool {
        for index in run.range where integers[index] == number { return true }
        return false
    }

    /// Whether the captures meet test number `number`.
    func holds(
        _ number: Int32, _ captures: borrowing [Capture], _ slab: borrowing Slab, _ scratch: borrowing Pattern.Scratch
    ) -> Bool {
        let test = tests[Int(number)]
        switch test.kind {
        case .always: return true
        case .all:
            for child in test.run.range where !holds(children[child], captures, slab, scratch) { return false }
            return true
        case .any:
            for child in test.run.range where holds(children[child], captures, slab, scratch) { return true }
            return false
        case .not: return !holds(children[Int(test.run.first)], captures, slab, scratch)
        case .exists: return !captures[Int(test.slot)].isNothing
        case .absent: return captures[Int(test.slot)].isNothing
        case .equals, .contains, .starts, .ends, .matches:
            return captures[Int(test.slot)].withText(slab) { compare(test, $0, scratch) } ?? false
        }
    }

    private func compare(_ test: Test, _ bytes: RawSpan, _ scratch: borrowing Pattern.Scratch) -> Bool {
        if test.kind == .matches { return patterns[Int(test.run.first)].matches(bytes, scratch) }
        for index in test.run.range {
            let text = pool.span.bytes.part(texts[index])
            let holds =
                switch test.kind {
                case .equals: bytes.equalsIgnoringCase(text)
                case .contains: bytes.containsIgnoringCase(text)
                case .starts: bytes.part(0, text.byteCount).equalsIgnoringCase(text)
                default:
                    bytes.byteCount >= text.byteCount
                        && bytes.part(bytes.byteCount - text.byteCount, text.byteCount).equalsIgnoringCase(text)
                }
            if holds { return true }
        }
        return false
    }

    /// What a value rule gives for one event.
    enum Outcome {
        case none
        case literal(Literal)
        case fallback(Literal)
        case capture(SlotID)
    }

    func evaluate(
        _ value: Value, _ captures: borrowing [Capture], _ slab: borrowing Slab, _ scratch: borrowing Pattern.Scratch
    ) -> Outcome {
        for index in value.sources.range {
            let slot = Int(sources[index])
            guard !captures[slot].isNothing else { continue }
            if value.table < 0 { return .capture(slot) }
            let found = captures[slot].withText(slab) { keys.find($0.part(0, 256), seed: Int(value.table)) }
            if let place = found ?? nil { return .literal(literals[place]) }
        }
        for index in value.cases.range where holds(cases[index].test, captures, slab, scratch) {
            return .literal(cases[index].value)
        }
        guard let fallback = value.fallback else { return .none }
        return value.isDefault ? .fallback(fallback) : .literal(fallback)
    }
}
