// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Which of many conditioned things, events or parse steps, come into question for a record: by the value of the one capture
/// that most of their conditions compare. A product with a hundred message ids asks so for one or two of its events only.
struct Dispatch: Sendable {
    /// The capture; -1 when none tells enough of them apart.
    private let slot: SlotID
    private let words: Int
    private let count: Int
    /// One bit by thing, by symbol of the capture plus one; without a symbol, those whose conditions do not ask for one.
    private let masks: [UInt64]

    /// A dispatch among `conditions`, whose texts become symbols of `book`.
    init(_ conditions: [Condition], _ book: inout Rulebook) {
        count = conditions.count
        words = CaptureTable.words(count)
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

    /// The first thing from number `start` on that comes into question, or nil.
    @inline(__always)
    func next(from start: Int, _ row: Int) -> Int? {
        guard start < count else { return nil }
        if row < 0 { return start }
        var word = start >> 6
        var open = masks[row + word] & (.max << UInt64(start & 63))
        while open == 0 {
            word += 1
            guard word < words else { return nil }
            open = masks[row + word]
        }
        return word << 6 | open.trailingZeroBitCount
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
