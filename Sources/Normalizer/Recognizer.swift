// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Patterns
internal import Wire

/// Finds the mapping of a message without asking every mapping: each of their tests waits for a witness, which is its
/// program name or a text that the message must hold or begin with. All texts are looked for in a few memchr(3) passes,
/// each for a byte that is rare in logs; only a test whose witness was found is looked at as a whole.
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

    /// A text that some matchers wait for, at the byte that it is looked for by.
    private struct Witness: Sendable {
        var text: Extent
        /// Where the byte stands in it.
        var offset: Int32
        /// Of ``waiting``.
        var matchers: Run
        /// The first of them.
        var first: Int32
    }

    /// A byte that is looked for, the texts that it may lead to, and the first matcher that waits for one of them.
    private struct Trigger: Sendable {
        var byte: UInt8
        var witnesses: Run
        var first: Int32
    }

    /// The most texts that are looked for; matchers beyond are asked always.
    private static let limit = 256

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
    private var triggers: [Trigger] = []
    private var witnesses: [Witness] = []
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
        index(byText)
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
        matcher.contains.filter { !$0.isEmpty }.max { weight($0) < weight($1) }
    }

    private static func weight(_ text: [UInt8]) -> Int { text.map { rarity($0) }.max() ?? 0 }

    /// How rare a byte is in logs, roughly.
    private static func rarity(_ byte: UInt8) -> Int {
        switch byte {
        case 0x20, 0x30...0x39, 0x61...0x7A, 0x2E: 1
        case 0x3A, 0x3D, 0x2D, 0x2F, 0x22, 0x2C, 0x5B, 0x5D, 0x28, 0x29, 0x5F: 3
        case 0x41...0x5A: 8
        default: 6
        }
    }

    /// Chooses the bytes that all texts are found by: the rarest that serve the most texts first.
    private mutating func index(_ byText: [[UInt8]: [Int32]]) {
        var open = byText.keys.sorted { $0.lexicographicallyPrecedes($1) }
        while !open.isEmpty {
            var gain = [Int](repeating: 0, count: 256)
            for text in open { for byte in Set(text) { gain[Int(byte)] += Recognizer.rarity(byte) } }
            let best = UInt8(gain.indices.max { gain[$0] < gain[$1] } ?? 0)
            let first = witnesses.count
            for text in open where text.contains(best) {
                let list = byText[text] ?? []
                pool += text
                witnesses.append(
                    Witness(
                        text: Extent(pool.count - text.count..<pool.count),
                        offset: Int32(text.firstIndex(of: best) ?? 0), matchers: wait(list), first: list.min() ?? 0))
            }
            open.removeAll { $0.contains(best) }
            triggers.append(
                Trigger(
                    byte: best, witnesses: Run(first: Int32(first), count: Int32(witnesses.count - first)),
                    first: witnesses[first...].map(\.first).min() ?? 0))
        }
        // What comes first wins: once it is found, nothing behind it is looked for.
        triggers.sort { $0.first < $1.first }
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
        var seen = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))
        withUnsafeMutableBytes(of: &seen) { bytes in
            let seen = bytes.bindMemory(to: UInt64.self)
            for trigger in triggers {
                var from = 0
                var left = trigger.witnesses.count
                while left > 0, trigger.first < best, let place = message.firstIndex(of: trigger.byte, from: from) {
                    from = place + 1
                    for number in trigger.witnesses.range where seen[number >> 6] & 1 << UInt64(number & 63) == 0 {
                        let witness = witnesses[number]
                        let text = pool.span.bytes.part(witness.text)
                        let start = place - Int(witness.offset)
                        guard start >= 0, message.part(start, text.byteCount).equals(text) else { continue }
                        seen[number >> 6] |= 1 << UInt64(number & 63)
                        left -= 1
                        ask(witness.matchers, &best, message, program, messageID, scratch)
                    }
                }
            }
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
