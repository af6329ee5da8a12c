// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Which of many conditioned things, events or parse steps, come into question for a record: by the value of the one capture
/// that most of their conditions compare, and by the captures that must be there. A product with a hundred message ids asks
/// so for one or two of its events only, and a step for a key that a record lacks costs nothing.
struct Dispatch: Sendable {
    /// The capture; -1 when none tells enough of them apart.
    private let slot: SlotID
    private let words: Int
    private let count: Int
    /// One bit by thing, by symbol of the capture plus one; without a symbol, those whose conditions do not ask for one.
    private let masks: [UInt64]
    /// One bit by thing: those that may come into question whatever there is.
    private let always: [UInt64]
    /// One bit by thing, by capture that says something: those that may come into question then.
    private let readers: [UInt64]
    /// One bit by capture: those that have ``readers``.
    private let asked: [UInt64]

    /// The things that may come into question for the record under work.
    struct Open: ~Copyable {
        /// One bit by thing.
        fileprivate let things: UnsafeMutablePointer<UInt64>
        /// One bit by capture: those that were looked at.
        fileprivate let seen: UnsafeMutablePointer<UInt64>
        /// How many words both have.
        fileprivate let room: (things: Int, captures: Int)
        /// Of ``CaptureTable/changes``.
        fileprivate var changes = -1

        /// Room for that many things and captures.
        init(things: Int, captures: Int) {
            room = (CaptureTable.words(things), CaptureTable.words(captures))
            self.things = .allocate(capacity: room.things)
            self.things.initialize(repeating: 0, count: room.things)
            seen = .allocate(capacity: room.captures)
            seen.initialize(repeating: 0, count: room.captures)
        }

        deinit {
            things.deallocate()
            seen.deallocate()
        }
    }

    /// A dispatch among `conditions`, whose texts become symbols of `book`.
    ///
    /// `sources` are captures without which a thing does not come into question in any case, nil for those that have none;
    /// `slots` is how many captures there are.
    init(_ conditions: [Condition], sources: [SlotID?], slots: Int, _ book: inout Rulebook) {
        count = conditions.count
        words = CaptureTable.words(count)
        var always = [UInt64](repeating: 0, count: words)
        var readers = [UInt64](repeating: 0, count: words * slots)
        var asked = [UInt64](repeating: 0, count: CaptureTable.words(slots))
        for (number, condition) in conditions.enumerated() {
            let bit: UInt64 = 1 << UInt64(number & 63)
            guard let witnesses = sources[number].map({ [$0] }) ?? condition.witnesses else {
                always[number >> 6] |= bit
                continue
            }
            for slot in witnesses {
                readers[slot * words + number >> 6] |= bit
                asked[slot >> 6] |= 1 << UInt64(slot & 63)
            }
        }
        (self.always, self.readers, self.asked) = (always, readers, asked)
        var best: (slot: SlotID, asked: [[[UInt8]]?], told: Int)?
        for slot in Set(conditions.flatMap(\.compared)).sorted() {
            let asked = conditions.map { $0.texts(of: slot) }
            let told = asked.count { $0 != nil }
            if told > best?.told ?? 2 { best = (slot, asked, told) }
        }
        guard let best else {
            (slot, masks) = (-1, [])
            return
        }
        slot = best.slot
        let symbols = best.asked.map { texts in texts.map { $0.map { book.symbol($0, best.slot) } } }
        var masks = [UInt64](repeating: 0, count: words * (book.symbolCount(best.slot) + 1))
        for (number, wanted) in symbols.enumerated() {
            let bit: UInt64 = 1 << UInt64(number & 63)
            if let wanted {
                for symbol in wanted { masks[words * (Int(symbol) + 1) + number >> 6] |= bit }
            } else {
                for row in 0...book.symbolCount(best.slot) { masks[words * row + number >> 6] |= bit }
            }
        }
        self.masks = masks
    }

    /// Where the bits for a record begin; the argument of ``next(from:_:)``.
    @inline(__always)
    func row(_ book: borrowing Rulebook, _ captures: borrowing CaptureTable, _ slab: borrowing Slab) -> Int {
        guard slot >= 0 else { return -1 }
        let row = (Int(book.symbol(of: slot, captures, slab)) + 1) * words
        // A symbol that came after this was made is one that nothing here asks for.
        return row < masks.count ? row : 0
    }

    /// Begins a record.
    func begin(_ open: inout Open) {
        precondition(words <= open.room.things && asked.count <= open.room.captures, "more things than there is room")
        for word in 0..<words { open.things[word] = always[word] }
        for word in asked.indices { open.seen[word] = 0 }
        open.changes = -1
    }

    /// Opens what may come into question by the captures that came since the last time.
    @inline(__always)
    func update(_ open: inout Open, _ captures: borrowing CaptureTable) {
        if open.changes != captures.changes { look(&open, captures) }
    }

    @inline(never)
    private func look(_ open: inout Open, _ captures: borrowing CaptureTable) {
        open.changes = captures.changes
        for word in asked.indices where asked[word] != 0 {
            var new = captures.said(word) & asked[word] & ~open.seen[word]
            open.seen[word] |= new
            while new != 0 {
                let first = (word << 6 | new.trailingZeroBitCount) &* words
                for word in 0..<words { open.things[word] |= readers[first &+ word] }
                new &= new &- 1
            }
        }
    }

    /// The first thing from number `start` on that comes into question, or nil.
    @inline(__always)
    func next(from start: Int, _ row: Int, _ open: borrowing Open) -> Int? {
        guard start < count else { return nil }
        var word = start >> 6
        var bits = open.things[word] & (.max << UInt64(start & 63))
        while true {
            if row >= 0 { bits &= masks[row + word] }
            if bits != 0 { return word << 6 | bits.trailingZeroBitCount }
            word += 1
            guard word < words else { return nil }
            bits = open.things[word]
        }
    }
}

extension Condition {
    /// The captures that are compared with texts.
    fileprivate var compared: [SlotID] {
        switch self {
        case .equals(let slot, _): [slot]
        case .all(let parts), .any(let parts): parts.flatMap(\.compared)
        case .always, .not, .exists, .contains, .starts, .ends, .matches: []
        }
    }

    /// The texts of which a capture must have one for the condition to hold; nil when it may hold with others.
    func texts(of slot: SlotID) -> [[UInt8]]? {
        switch self {
        case .equals(let own, let texts): return own == slot ? texts : nil
        case .all(let parts): return parts.lazy.compactMap { $0.texts(of: slot) }.first
        case .any(let parts):
            let all = parts.map { $0.texts(of: slot) }
            return all.contains { $0 == nil } || all.isEmpty ? nil : all.flatMap { $0 ?? [] }
        case .always, .not, .exists, .contains, .starts, .ends, .matches: return nil
        }
    }
}
