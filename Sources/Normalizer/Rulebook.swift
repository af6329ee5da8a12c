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
            /// Which captures say something and which do not.
            case presence
            /// Some captures of which one says something.
            case some
            case equals
            case contains
            case starts
            case ends
            case matches
        }
        var kind: Kind
        /// The capture.
        var slot: Int32 = 0
        /// Of ``children``, ``presences``, ``texts`` or, sorted, ``symbols``; of an expression the place in ``patterns``.
        var run = Run()
    }

    /// A ``ValueRule``.
    struct Value: Sendable {
        /// Captures to try, in ``sources``.
        var sources = Run()
        /// Where its tables stand in ``tables``, one for each of its sources; -1 without any.
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

    /// Of 64 captures those that must say something, and those that must not.
    struct Presence: Sendable {
        var word: Int32
        var needed: UInt64
        var avoided: UInt64
    }

    private(set) var tests: [Test] = []
    private(set) var presences: [Presence] = []
    private(set) var children: [Int32] = []
    private(set) var texts: [Extent] = []
    private(set) var pool: [UInt8] = []
    private(set) var patterns = PatternList()
    private(set) var sources: [Int32] = []
    private(set) var cases: [Case] = []
    private(set) var integers: [Int64] = []
    /// What the symbols of captures stand for, in the order of symbols within each table.
    private(set) var translations: [(symbol: Int32, value: Literal)] = []
    /// Of ``translations``.
    private(set) var tables: [Run] = []
    private(set) var symbols: [Int32] = []
    /// The texts that captures are compared with, or that tables have, by slot: each has a number of its slot, its symbol, so
    /// that a text is looked at once however many conditions ask for it.
    private var symbolTable = ByteTable(ignoringCase: true)
    private var symbolCounts: [Int: Int] = [:]
    private(set) var knownTexts = ByteTable()
    private var knownSets: Int32 = 0

    // MARK: Building

    mutating func add(_ condition: Condition) -> Int32 { add(plain: condition.simplified) }

    private mutating func add(plain condition: Condition) -> Int32 {
        let test: Test
        switch condition {
        case .always: test = Test(kind: .always)
        case .all(let parts):
            // What asks for presence only is one test, and comes first, with what the other parts need.
            let others = parts.filter { if case .exists = $0 { false } else { true } }
            let presence = add(needed: condition.needed, avoided: condition.avoided)
            if others.isEmpty {
                test = presence
            } else {
                if presence.run.count > 0 { tests.append(presence) }
                let first = presence.run.count > 0 ? [Int32(tests.count - 1)] : []
                test = Test(kind: .all, run: add(first, others))
            }
        case .any(let parts):
            // What asks for presence only is one test, and comes first.
            let slots = parts.compactMap { if case .exists(let slot, true) = $0 { slot } else { nil } }
            let others = parts.filter { if case .exists(_, true) = $0 { false } else { true } }
            var some = add(needed: Set(slots), avoided: [])
            some.kind = .some
            if others.isEmpty {
                test = some
            } else {
                if !slots.isEmpty { tests.append(some) }
                test = Test(kind: .any, run: add(slots.isEmpty ? [] : [Int32(tests.count - 1)], others))
            }
        case .not(let part): test = Test(kind: .not, run: add([], [part]))
        case .exists: test = add(needed: condition.needed, avoided: condition.avoided)
        case .equals(let slot, let texts):
            symbols += Set(texts.map { symbol($0, slot) }).sorted()
            let count = Set(texts.map { symbol($0, slot) }).count
            test = Test(
                kind: .equals, slot: Int32(slot), run: Run(first: Int32(symbols.count - count), count: Int32(count)))
        case .contains(let slot, let texts): test = Test(kind: .contains, slot: Int32(slot), run: add(texts))
        case .starts(let slot, let texts): test = Test(kind: .starts, slot: Int32(slot), run: add(texts))
        case .ends(let slot, let texts): test = Test(kind: .ends, slot: Int32(slot), run: add(texts))
        case .matches(let slot, let pattern):
            test = Test(kind: .matches, slot: Int32(slot), run: Run(first: add(pattern)))
        }
        tests.append(test)
        return Int32(tests.count - 1)
    }

    private mutating func add(needed: Set<SlotID>, avoided: Set<SlotID>) -> Test {
        let first = presences.count
        for word in Set(needed.union(avoided).map { $0 >> 6 }).sorted() {
            func bits(_ slots: Set<SlotID>) -> UInt64 {
                slots.reduce(0) { $1 >> 6 == word ? $0 | 1 << UInt64($1 & 63) : $0 }
            }
            presences.append(Presence(word: Int32(word), needed: bits(needed), avoided: bits(avoided)))
        }
        return Test(kind: .presence, run: Run(first: Int32(first), count: Int32(presences.count - first)))
    }

    private mutating func add(_ first: [Int32], _ parts: [Condition]) -> Run {
        let added = first + parts.map { add(plain: $0) }
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
            value.table = Int32(tables.count)
            for slot in rule.sources {
                let sorted = rule.table.map { (symbol: symbol($0.key, slot), value: $0.value) }
                    .sorted { $0.symbol < $1.symbol }
                translations += sorted
                tables.append(Run(first: Int32(translations.count - sorted.count), count: Int32(sorted.count)))
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
        for text in all { knownTexts.insert(text, seed: Int(knownSets), 0) }
        knownSets += 1
        return knownSets - 1
    }

    /// The symbol of a text of a slot, added when it is new.
    mutating func symbol(_ text: [UInt8], _ slot: SlotID) -> Int32 {
        if let known = symbolTable.find(text.span.bytes, seed: slot) { return Int32(known) }
        let number = symbolCounts[slot, default: 0]
        symbolCounts[slot] = number + 1
        symbolTable.insert(text, seed: slot, number)
        return Int32(number)
    }

    /// How many symbols a slot has.
    func symbolCount(_ slot: SlotID) -> Int { symbolCounts[slot] ?? 0 }

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

    /// The symbol of a capture; ``Capture/none`` when its text is one that nothing compares it with.
    @inline(__always)
    func symbol(of slot: SlotID, _ captures: borrowing CaptureTable, _ slab: borrowing Slab) -> Int32 {
        let known = captures[slot].symbol
        return known == Capture.unknown ? lookUp(slot, captures, slab) : known
    }

    @inline(never)
    private func lookUp(_ slot: SlotID, _ captures: borrowing CaptureTable, _ slab: borrowing Slab) -> Int32 {
        let capture = captures[slot]
        var found: Int?
        switch capture.kind {
        case .absent: break
        case .text, .escaped, .number, .json: found = symbolTable.find(slab.bytes(capture.extent), seed: slot)
        case .integer, .flag: found = capture.withText(slab) { symbolTable.find($0, seed: slot) } ?? nil
        }
        let symbol = found.map { Int32(truncatingIfNeeded: $0) } ?? Capture.none
        captures.note(symbol: symbol, of: slot)
        return symbol
    }

    /// Whether the captures meet test number `number`.
    func holds(
        _ number: Int32, _ captures: borrowing CaptureTable, _ slab: borrowing Slab,
        _ scratch: borrowing Pattern.Scratch
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
        case .presence:
            for index in test.run.range {
                let presence = presences[index]
                let said = captures.said(Int(presence.word))
                if said & presence.needed != presence.needed || said & presence.avoided != 0 { return false }
            }
            return true
        case .some:
            for index in test.run.range
            where captures.said(Int(presences[index].word)) & presences[index].needed != 0 { return true }
            return false
        case .equals:
            let symbol = symbol(of: Int(test.slot), captures, slab)
            if symbol < 0 { return false }
            // Sorted: most tests have one or two.
            for index in test.run.range where symbols[index] >= symbol { return symbols[index] == symbol }
            return false
        case .contains, .starts, .ends, .matches:
            return captures[Int(test.slot)].withText(slab) { compare(test, $0, scratch) } ?? false
        }
    }

    private func compare(_ test: Test, _ bytes: RawSpan, _ scratch: borrowing Pattern.Scratch) -> Bool {
        if test.kind == .matches { return patterns[Int(test.run.first)].matches(bytes, scratch) }
        for index in test.run.range {
            let text = pool.span.bytes.part(texts[index])
            let holds =
                switch test.kind {
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
        _ value: borrowing Value, _ captures: borrowing CaptureTable, _ slab: borrowing Slab,
        _ scratch: borrowing Pattern.Scratch
    ) -> Outcome {
        for index in value.sources.range {
            let slot = Int(sources[index])
            guard !captures[slot].isNothing else { continue }
            if value.table < 0 { return .capture(slot) }
            let table = tables[Int(value.table) + index - Int(value.sources.first)]
            if let literal = translation(symbol(of: slot, captures, slab), table) { return .literal(literal) }
        }
        for index in value.cases.range where holds(cases[index].test, captures, slab, scratch) {
            return .literal(cases[index].value)
        }
        guard let fallback = value.fallback else { return .none }
        return value.isDefault ? .fallback(fallback) : .literal(fallback)
    }

    /// What a symbol stands for in a table, or nil.
    private func translation(_ symbol: Int32, _ table: Run) -> Literal? {
        guard symbol >= 0 else { return nil }
        var (low, high) = (Int(table.first), Int(table.first + table.count))
        while low < high {
            let middle = (low + high) / 2
            if translations[middle].symbol < symbol { low = middle + 1 } else { high = middle }
        }
        guard low < table.range.upperBound, translations[low].symbol == symbol else { return nil }
        return translations[low].value
    }
}
