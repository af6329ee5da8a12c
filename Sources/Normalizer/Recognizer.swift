// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Patterns
internal import Wire

/// Finds the mapping of a message without asking every mapping: each of their tests waits for a witness, which is its
/// program name or a text that the message must hold or begin with. All texts are looked for in one pass
/// (``WitnessIndex``); only a test whose witness was found is looked at as a whole.
struct Recognizer: Sendable {
    /// A ``Mapping/Matcher``, in the order of mappings.
    private struct Matcher: Sendable {
        var mapping: Int32
        /// The seed of its names in ``programs``; -1: any name.
        var names: Int32
        var needsNoProgram: Bool
        /// The seed of its names in ``messageIDs``; -1: any.
        var messageIDs: Int32
        /// Of ``texts``.
        var contains: Run
        var starts: Run
        /// Of ``patterns``; -1 none.
        var pattern: Int32
    }

    /// The most texts that are looked for; matchers beyond are asked always.
    private static let limit = WitnessIndex.limit

    private var matchers: [Matcher] = []
    private var texts: [Extent] = []
    private var pool: [UInt8] = []
    private var patterns: [Pattern] = []
    private var names = ByteTable(ignoringCase: true)
    private var messageIDs = ByteTable(ignoringCase: true)
    /// By program name: a run of ``waiting``.
    private var programs = ByteTable(ignoringCase: true)
    private var programRuns: [Run] = []
    private var waiting: [Int32] = []
    /// Matchers that have no witness.
    private var always = Run()
    /// By first byte of a message: matchers that wait for its beginning.
    private var firsts: [Run] = []
    private var index = WitnessIndex()
    /// Who waits for the texts of ``index``, by their number: a run of ``waiting``.
    private var witnesses: [Run] = []
    private let records: [(kind: [UInt8], mapping: Int)]
    private let notices: [(kind: [UInt8], mapping: Int)]

    init(_ mappings: [Mapping]) {
        let all = mappings.enumerated().flatMap { number, mapping in mapping.matchers.map { (number, $0) } }
        records = all.compactMap { number, matcher in matcher.record.map { ($0, number) } }
        notices = all.compactMap { number, matcher in matcher.notice.map { ($0, number) } }
        var byProgram: [[UInt8]: [Int32]] = [:]
        var byFirst = [[Int32]](repeating: [], count: 256)
        var byText: [[UInt8]: [Int32]] = [:]
        var unwitnessed: [Int32] = []
        for (number, matcher) in all where matcher.record == nil && matcher.notice == nil {
            let id = Int32(matchers.count)
            let text = matcher.programs.isEmpty ? Recognizer.witness(matcher) : nil
            let witness = text.flatMap { byText[$0] != nil || byText.count < Recognizer.limit ? $0 : nil }
            add(matcher, number, witness)
            if !matcher.programs.isEmpty {
                for name in Set(matcher.programs) { byProgram[name, default: []].append(id) }
            } else if let witness {
                byText[witness, default: []].append(id)
            } else if !matcher.starts.isEmpty, matcher.starts.allSatisfy({ !$0.isEmpty }) {
                for first in Set(matcher.starts.map { $0[0] }) { byFirst[Int(first)].append(id) }
            } else {
                unwitnessed.append(id)
            }
        }
        always = wait(unwitnessed)
        firsts = byFirst.map { wait($0) }
        for (name, list) in byProgram.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            programs.insert(name, programRuns.count)
            programRuns.append(wait(list))
        }
        for (text, list) in byText.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            index.add(text)
            witnesses.append(wait(list))
        }
    }

    private mutating func wait(_ list: [Int32]) -> Run {
        waiting += list
        return Run(first: Int32(waiting.count - list.count), count: Int32(list.count))
    }

    /// Adds a matcher; its witness is known to be there when it is asked.
    private mutating func add(_ matcher: Mapping.Matcher, _ number: Int, _ witness: [UInt8]?) {
        func run(_ all: [[UInt8]]) -> Run {
            for text in all {
                pool += text
                texts.append(Extent(pool.count - text.count..<pool.count))
            }
            return Run(first: Int32(texts.count - all.count), count: Int32(all.count))
        }
        for name in matcher.programs { names.insert(name, seed: matchers.count, 0) }
        for name in matcher.messageIDs { messageIDs.insert(name, seed: matchers.count, 0) }
        if let pattern = matcher.pattern { patterns.append(pattern) }
        let contains = run(matcher.contains.filter { $0 != witness })
        let starts = run(matcher.starts)
        matchers.append(
            Matcher(
                mapping: Int32(number), names: matcher.programs.isEmpty ? -1 : Int32(matchers.count),
                needsNoProgram: matcher.needsNoProgram,
                messageIDs: matcher.messageIDs.isEmpty ? -1 : Int32(matchers.count),
                contains: contains, starts: starts,
                pattern: matcher.pattern == nil ? -1 : Int32(patterns.count - 1)))
    }

    /// The text that says most about a message that holds it, or nil.
    private static func witness(_ matcher: Mapping.Matcher) -> [UInt8]? {
        matcher.contains.filter { $0.count >= WitnessIndex.shortest }.max {
            WitnessIndex.rarity($0) < WitnessIndex.rarity($1)
        }
    }

    // MARK: Asking

    /// The first mapping that takes a message of `program` with `messageID`, or nil.
    func mapping(_ message: RawSpan, program: RawSpan, messageID: RawSpan, _ scratch: borrowing Pattern.Scratch) -> Int?
    {
        var best = Int32.max
        if program.byteCount > 0, let place = programs.find(program) {
            ask(programRuns[place], &best, message, program, messageID, scratch)
        }
        ask(always, &best, message, program, messageID, scratch)
        if let first = message.byte(at: 0) { ask(firsts[Int(first)], &best, message, program, messageID, scratch) }
        // A text is asked about once: what repeats it a thousand times costs no more.
        var seen: [16 of UInt64] = .init(repeating: 0)
        var from = 0
        while let (number, next) = index.next(in: message, from: from) {
            from = next
            guard seen[number >> 6] & 1 << UInt64(number & 63) == 0 else { continue }
            seen[number >> 6] |= 1 << UInt64(number & 63)
            ask(witnesses[number], &best, message, program, messageID, scratch)
        }
        return best == .max ? nil : Int(matchers[Int(best)].mapping)
    }

    /// Asks matchers that may come before the best one so far.
    private func ask(
        _ run: Run, _ best: inout Int32, _ message: RawSpan, _ program: RawSpan, _ messageID: RawSpan,
        _ scratch: borrowing Pattern.Scratch
    ) {
        for index in run.range where waiting[index] < best {
            if matches(matchers[Int(waiting[index])], message, program, messageID, scratch) { best = waiting[index] }
        }
    }

    private func matches(
        _ matcher: Matcher, _ message: RawSpan, _ program: RawSpan, _ messageID: RawSpan,
        _ scratch: borrowing Pattern.Scratch
    ) -> Bool {
        if matcher.names >= 0, names.find(program, seed: Int(matcher.names)) == nil { return false }
        if matcher.needsNoProgram, program.byteCount > 0 { return false }
        if matcher.messageIDs >= 0, messageIDs.find(messageID, seed: Int(matcher.messageIDs)) == nil { return false }
        let pool = pool.span.bytes
        if matcher.starts.count > 0 {
            var found = false
            for index in matcher.starts.range {
                let text = pool.part(texts[index])
                if message.part(0, text.byteCount).equals(text) { found = true }
            }
            if !found { return false }
        }
        for index in matcher.contains.range where message.firstRange(of: pool.part(texts[index])) == nil {
            return false
        }
        return matcher.pattern < 0 || patterns[Int(matcher.pattern)].matches(message, scratch)
    }

    /// The first mapping for a kind of sensor record, or nil.
    func mapping(record kind: RawSpan) -> Int? {
        for (known, mapping) in records where kind.equals(known.span.bytes) { return mapping }
        return nil
    }

    /// The first mapping for a kind of notice, or nil.
    func mapping(notice kind: RawSpan) -> Int? {
        for (known, mapping) in notices where kind.equals(known.span.bytes) { return mapping }
        return nil
    }
}
