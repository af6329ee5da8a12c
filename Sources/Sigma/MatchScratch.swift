// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Patterns
internal import Wire

/// Room for the values and answers of one event; each lane reuses its own, so that an event allocates nothing.
public struct MatchScratch: ~Copyable {
    /// One value of a field: as it is, and folded.
    struct Value {
        var raw: Extent
        /// In ``folded``, or equal to ``raw`` when there was nothing to fold.
        var fold: Extent
        var isFoldedApart: Bool
        /// Whether it has been folded: a text of ASCII that only keywords are searched for waits until it is asked for.
        var isFolded = true
        var slot: Int32
        /// Of the path that it is from.
        var rank: Int32
        var next: Int32
    }

    /// What is known of a field in the present event.
    struct Slot {
        var generation: UInt32 = 0
        var first: Int32 = -1
        /// Of the path that the values are from.
        var rank: Int32 = 0
        var isNonNull = false
    }

    var raw = Slab(capacity: 16 * 1024)
    var folded = Slab(capacity: 16 * 1024)
    /// Lent to the walk through it, so that the walk may change the rest.
    var wrapped: Slab? = Slab(capacity: 4 * 1024)
    var tape = JSONTape()
    var values: [Value] = []
    var slots: [Slot] = []
    /// The slots that the event has, in the order of finding.
    var present: [Int32] = []
    /// What the index found.
    var found = WitnessIndex.Found()
    /// Which fields there are, and where their values stand in ``raw``.
    var layout: [UInt64] = []
    /// How events of the kinds that came are matched.
    var kinds: [Kind] = []
    var lastKind = 0
    var path = Slab(capacity: 1_024)
    /// Of the path that is being loaded, among those of the slot.
    var rank: Int32 = 0
    var generation: UInt32 = 0
    /// The number of the value that is being searched.
    var run: UInt32 = 0
    /// Whose rules the room is for. Kept alive: another rule set may otherwise come to stand at the same address.
    var owner: RuleSet?
    let regex = Pattern.Scratch()

    /// Matches that filters suppressed since the caller last took them, by place in ``RuleSet/filters``.
    public private(set) var suppressed: [Int] = []
    /// Whether there are any.
    public private(set) var hasSuppressed = false
    /// How many rule evaluations there were since the caller last took them.
    public private(set) var evaluations = 0
    /// Events that were searched with the index of all rules, for want of room for one of their own.
    var wide = 0

    /// Empty room.
    public init() {}

    /// Takes the counts of suppressed matches, leaving zeros.
    public mutating func takeSuppressed() -> [Int] {
        defer { forgetSuppressed() }
        return suppressed
    }

    /// Takes the count of texts that a regular expression gave up on, leaving zero.
    public func takeExhausted() -> Int { regex.takeExhausted() }

    /// Sets all counts to zero.
    public mutating func resetCounts() {
        if hasSuppressed { forgetSuppressed() }
        _ = regex.takeExhausted()
        evaluations = 0
        wide = 0
    }

    private mutating func forgetSuppressed() {
        for index in suppressed.indices { suppressed[index] = 0 }
        hasSuppressed = false
    }

    /// Takes the count of events that were searched with the index of all rules because those of single log sources had
    /// become too many, leaving zero.
    public mutating func takeWide() -> Int {
        defer { wide = 0 }
        return wide
    }

    /// Takes the count of evaluations, leaving zero.
    public mutating func takeEvaluations() -> Int {
        defer { evaluations = 0 }
        return evaluations
    }

    /// Forgets the last event.
    mutating func begin(_ ruleSet: RuleSet) {
        if owner !== ruleSet || generation == WitnessIndex.stampLimit {
            if owner !== ruleSet { kinds = [] }
            owner = ruleSet
            slots = Array(repeating: Slot(), count: ruleSet.program.fields.count)
            found.answers = Array(repeating: 0, count: ruleSet.program.items.count)
            // What the index does not know of is always possible.
            found.possible = ruleSet.witnesses.isIndexed.map { $0 == 0 ? .max : 0 }
            found.states = Array(repeating: 0, count: ruleSet.rules.count)
            found.marked = Array(repeating: 0, count: (ruleSet.rules.count + 63) / 64)
            found.slots = Array(repeating: 0, count: ruleSet.program.fields.count)
            suppressed = Array(repeating: 0, count: ruleSet.filters.count)
            generation = 0
            run = 0
        }
        generation += 1
        // Numbers of values are not used twice.
        if run > UInt32.max >> 1 {
            found.slots = Array(repeating: 0, count: found.slots.count)
            run = 0
        }
        raw.reset()
        folded.reset()
        values.removeAll(keepingCapacity: true)
        present.removeAll(keepingCapacity: true)
    }

    // MARK: What loaders say

    /// The field is there.
    mutating func note(_ slot: Int, isNull: Bool = false) {
        if slots[slot].generation != generation {
            slots[slot] = Slot(generation: generation, first: -1, rank: 0, isNonNull: !isNull)
            present.append(Int32(truncatingIfNeeded: slot))
        } else if !isNull {
            slots[slot].isNonNull = true
        }
    }

    /// The field has this value.
    mutating func add(_ slot: Int, _ bytes: RawSpan) {
        let (isASCII, upper) = CaseFolding.look(bytes)
        if !isASCII, !bytes.isValidUTF8 {
            finish(slot, raw.append(bytes.text), upper, isASCII: false)
        } else {
            finish(slot, raw.append(bytes), upper, isASCII: isASCII)
        }
    }

    /// The event has this value, which is of no field that is asked for.
    mutating func add(keywords bytes: RawSpan) {
        guard CaseFolding.isASCII(bytes) else { return add(Program.keywordSlot, bytes) }
        let extent = raw.append(bytes)
        append(
            Value(
                raw: extent, fold: extent, isFoldedApart: false, isFolded: false, slot: Int32(Program.keywordSlot),
                rank: rank, next: -1))
    }

    /// Folds the values of a field that have not been folded.
    mutating func settleFolds(of slot: Int32) {
        guard slots[Int(slot)].generation == generation else { return }
        var value = slots[Int(slot)].first
        while value >= 0 {
            settleFold(Int(value))
            value = values[Int(value)].next
        }
    }

    /// Folds value number `index` unless that has been done.
    mutating func settleFold(_ index: Int) {
        guard !values[index].isFolded else { return }
        values[index].isFolded = true
        guard CaseFolding.look(raw.bytes(values[index].raw)).hasUpper else { return }
        let start = folded.count
        MatchScratch.fold(raw, values[index].raw, true, into: &folded)
        values[index].fold = Extent(start..<folded.count)
        values[index].isFoldedApart = true
    }

    /// The field has the value that was appended to ``raw`` at `start`.
    mutating func addLast(_ slot: Int, from start: Int) {
        let extent = Extent(start..<raw.count)
        if raw.bytes(extent).isValidUTF8 {
            finish(slot, extent, true, isASCII: false)
        } else {
            finish(slot, raw.append(raw.bytes(extent).text), true, isASCII: false)
        }
    }

    /// The field has this number.
    mutating func add(_ slot: Int, _ number: Int64) {
        let start = raw.count
        raw.append(decimal: number)
        finish(slot, Extent(start..<raw.count), false, isASCII: true)
    }

    /// The field has the whole number with these digits.
    mutating func add(_ slot: Int, whole digits: RawSpan) {
        finish(slot, raw.append(digits), false, isASCII: true)
    }

    /// The field has this number.
    mutating func add(_ slot: Int, _ number: Double) {
        finish(slot, raw.append(NumberText.text(number)), true, isASCII: true)
    }

    /// The field has this truth value.
    mutating func add(_ slot: Int, _ truth: Bool) {
        finish(slot, raw.append(truth ? "true" : "false"), false, isASCII: true)
    }

    private mutating func finish(_ slot: Int, _ extent: Extent, _ upper: Bool, isASCII: Bool) {
        var fold = extent
        if upper || !isASCII {
            let start = folded.count
            MatchScratch.fold(raw, extent, isASCII, into: &folded)
            fold = Extent(start..<folded.count)
        }
        append(
            Value(
                raw: extent, fold: fold, isFoldedApart: upper || !isASCII, slot: Int32(slot), rank: rank, next: -1))
    }

    /// Adds a value and gives it to its field, unless a path that counts before this one has given that any.
    private mutating func append(_ value: Value) {
        // Read and written once each: this is done for every value of every event.
        var slot = slots[Int(value.slot)]
        if slot.generation != generation {
            slot = Slot(generation: generation)
            present.append(value.slot)
        }
        slot.isNonNull = true
        var value = value
        if slot.first < 0 || rank <= slot.rank {
            if rank < slot.rank { slot.first = -1 }
            slot.rank = rank
            value.next = slot.first
            slot.first = Int32(truncatingIfNeeded: values.count)
        }
        slots[Int(value.slot)] = slot
        values.append(value)
    }

    /// The field has the value that was added last as well.
    mutating func repeatLast(_ slot: Int) {
        guard var value = values.last else { return }
        value.slot = Int32(slot)
        value.rank = rank
        value.next = -1
        append(value)
    }

    private static func fold(_ raw: borrowing Slab, _ extent: Extent, _ isASCII: Bool, into folded: inout Slab) {
        let source = raw.bytes(extent)
        guard isASCII else {
            CaseFolding.append(source, to: &folded)
            return
        }
        CaseFolding.append(ascii: source, to: &folded)
    }

    // MARK: What is counted

    mutating func suppress(_ filter: Int) {
        suppressed[filter] += 1
        hasSuppressed = true
    }

    mutating func countEvaluation() { evaluations += 1 }
}
