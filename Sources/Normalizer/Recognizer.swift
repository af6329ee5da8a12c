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
        var needsNoProgram: Bool
        /// The seed of its names in ``messageIDs``; -1: any.
        var messageIDs: Int32
        /// Texts that the message must hold: of ``required``, and of ``texts`` those that ``index`` does not look for.
        var required: Run
        var contains: Run
        /// Of ``texts``.
        var starts: Run
        /// Of ``patterns``; -1 none.
        var pattern: Int32
    }

    private var matchers: [Matcher] = []
    private var texts: [Extent] = []
    private var pool: [UInt8] = []
    private var patterns = PatternList()
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
    /// Texts by their number in ``index``.
    private var required: [Int32] = []
    /// Who waits for the texts of ``index``, by their number: a run of ``waiting``.
    private var witnesses: [Run] = []
    /// Matchers that ask for structured data.
    private var structured: [(matcher: Int32, test: StructuredTest)] = []
    private let records: [(kind: [UInt8], mapping: Int)]
    private let notices: [(kind: [UInt8], mapping: Int)]

    /// A recognizer of the mappings that have these matchers, in the order in which they are asked.
    init(_ mappings: [[Mapping.Matcher]]) {
        let all = mappings.enumerated().flatMap { number, matchers in matchers.map { (number, $0) } }
        records = all.compactMap { number, matcher in matcher.record.map { ($0, number) } }
        notices = all.compactMap { number, matcher in matcher.notice.map { ($0, number) } }
        var numbers: [[UInt8]: Int32] = [:]
        for text in Set(all.flatMap(\.1.contains)).sorted(by: { $0.lexicographicallyPrecedes($1) })
        where text.count >= WitnessIndex.shortest && index.count < WitnessIndex.limit {
            numbers[text] = Int32(index.count)
            index.add(text)
        }
        index.seal()
        // Who waits for which program name, the names numbered as they come.
        var byProgram: [(name: Int32, matcher: Int32)] = []
        var programCount = 0
        var byFirst = [[Int32]](repeating: [], count: 256)
        var byText = [[Int32]](repeating: [], count: index.count)
        var unwitnessed: [Int32] = []
        for (number, matcher) in all where matcher.record == nil && matcher.notice == nil {
            let id = Int32(matchers.count)
            add(matcher, number, numbers)
            if let test = matcher.structured {
                structured.append((id, test))
            } else if !matcher.programs.isEmpty {
                for name in matcher.programs {
                    let known = programs.find(name.span.bytes) ?? programCount
                    if known == programCount {
                        programs.insert(name, known)
                        programCount += 1
                    }
                    byProgram.append((Int32(known), id))
                }
            } else if let witness = Recognizer.witness(matcher, numbers) {
                byText[Int(witness)].append(id)
            } else if !matcher.starts.isEmpty, matcher.starts.allSatisfy({ !$0.isEmpty }) {
                for first in Set(matcher.starts.map { $0[0] }) { byFirst[Int(first)].append(id) }
            } else {
                unwitnessed.append(id)
            }
        }
        always = wait(unwitnessed)
        firsts = byFirst.map { wait($0) }
        wait(byProgram, programCount)
        witnesses = byText.map { wait($0) }
    }

    private mutating func wait(_ list: [Int32]) -> Run {
        waiting += list
        return Run(first: Int32(waiting.count - list.count), count: Int32(list.count))
    }

    /// Makes the runs of who waits for program names.
    private mutating func wait(_ list: [(name: Int32, matcher: Int32)], _ count: Int) {
        programRuns = Array(repeating: Run(), count: count)
        for item in list { programRuns[Int(item.name)].count += 1 }
        var first = Int32(waiting.count)
        for name in programRuns.indices {
            programRuns[name].first = first
            first += programRuns[name].count
            programRuns[name].count = 0
        }
        waiting += repeatElement(0, count: list.count)
        for item in list {
            let run = programRuns[Int(item.name)]
            // A name that is written twice is asked once.
            if run.count > 0, waiting[Int(run.first + run.count) - 1] == item.matcher { continue }
            waiting[Int(run.first + run.count)] = item.matcher
            programRuns[Int(item.name)].count += 1
        }
    }

    /// Adds a matcher. Its program names are not kept with it: it is asked for these only.
    private mutating func add(_ matcher: Mapping.Matcher, _ number: Int, _ numbers: [[UInt8]: Int32]) {
        func run(_ all: [[UInt8]]) -> Run {
            for text in all {
                pool += text
                texts.append(Extent(pool.count - text.count..<pool.count))
            }
            return Run(first: Int32(texts.count - all.count), count: Int32(all.count))
        }
        for name in matcher.messageIDs { messageIDs.insert(name, seed: matchers.count, 0) }
        if let pattern = matcher.pattern { patterns.append(pattern) }
        let known = matcher.contains.compactMap { numbers[$0] }
        required += known
        let contains = run(matcher.contains.filter { numbers[$0] == nil })
        let starts = run(matcher.starts)
        matchers.append(
            Matcher(
                mapping: Int32(number), needsNoProgram: matcher.needsNoProgram,
                messageIDs: matcher.messageIDs.isEmpty ? -1 : Int32(matchers.count),
                required: Run(first: Int32(required.count - known.count), count: Int32(known.count)),
                contains: contains, starts: starts,
                pattern: matcher.pattern == nil ? -1 : Int32(patterns.count - 1)))
    }

    /// The number of the text that says most about a message that holds it, or nil.
    private static func witness(_ matcher: Mapping.Matcher, _ numbers: [[UInt8]: Int32]) -> Int32? {
        let texts = matcher.contains.filter { numbers[$0] != nil }
        return texts.max { WitnessIndex.rarity($0) < WitnessIndex.rarity($1) }.flatMap { numbers[$0] }
    }

    // MARK: Asking

    /// The first mapping that takes a message of `program` with `messageID` and structured data, or nil.
    func mapping(
        _ message: RawSpan, program: RawSpan, messageID: RawSpan, structuredData: RawSpan,
        _ scratch: borrowing Pattern.Scratch,
        _ found: inout WitnessIndex.Found
    ) -> Int? {
        var best = Int32.max
        index.find(in: message, &found)
        if program.byteCount > 0, let place = programs.find(program) {
            ask(programRuns[place], &best, message, program, messageID, found, scratch)
        }
        if let severity = Mapping.Matcher.severity(of: program) {
            if let place = place(ofCode: program, severity) {
                ask(programRuns[place], &best, message, program, messageID, found, scratch)
            }
            // All codes of the facility.
            if let place = programs.find(program.part(0, severity)) {
                ask(programRuns[place], &best, message, program, messageID, found, scratch)
            }
        }
        if let first = message.byte(at: 0) {
            ask(firsts[Int(first)], &best, message, program, messageID, found, scratch)
        }
        for word in 0..<CaptureTable.words(index.count) {
            var open = found.bits(word)
            while open != 0 {
                ask(
                    witnesses[word << 6 | open.trailingZeroBitCount], &best, message, program, messageID, found,
                    scratch)
                open &= open - 1
            }
        }
        // Mostly what was found comes before those that have no witness.
        ask(always, &best, message, program, messageID, found, scratch)
        if !structured.isEmpty, structuredData.byteCount > 0 {
            for (matcher, test) in structured
            where matcher < best && test.holds(structuredData, program: program)
                && matches(Int(matcher), message, program, messageID, found, scratch)
            { best = matcher }
        }
        return best == .max ? nil : Int(matchers[Int(best)].mapping)
    }

    /// The place in ``programRuns`` of an event code that is asked for without its severity.
    @inline(never)
    private func place(ofCode program: RawSpan, _ severity: Int) -> Int? {
        withUnsafeTemporaryAllocation(byteCount: program.byteCount, alignment: 1) { room in
            program.withUnsafeBytes { room.copyMemory(from: $0) }
            room[severity] = Mapping.Matcher.anySeverity
            return programs.find(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(room)))
        }
    }

    /// Asks matchers that may come before the best one so far.
    @inline(__always)
    private func ask(
        _ run: Run, _ best: inout Int32, _ message: RawSpan, _ program: RawSpan, _ messageID: RawSpan,
        _ found: borrowing WitnessIndex.Found, _ scratch: borrowing Pattern.Scratch
    ) {
        for index in run.range where waiting[index] < best {
            if matches(Int(waiting[index]), message, program, messageID, found, scratch) { best = waiting[index] }
        }
    }

    private func matches(
        _ number: Int, _ message: RawSpan, _ program: RawSpan, _ messageID: RawSpan,
        _ found: borrowing WitnessIndex.Found, _ scratch: borrowing Pattern.Scratch
    ) -> Bool {
        let matcher = matchers[number]
        for index in matcher.required.range {
            if !found.has(required[index]) { return false }
        }
        if matcher.needsNoProgram, program.byteCount > 0 { return false }
        if matcher.messageIDs >= 0, messageIDs.find(messageID, seed: Int(matcher.messageIDs)) == nil { return false }
        let pool = pool.span.bytes
        if matcher.starts.count > 0 {
            var begins = false
            for index in matcher.starts.range {
                let text = pool.part(texts[index])
                if message.part(0, text.byteCount).equals(text) {
                    begins = true
                    break
                }
            }
            if !begins { return false }
        }
        for index in matcher.contains.range where !message.holds(short: pool.part(texts[index])) { return false }
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

extension RawSpan {
    /// Whether the bytes hold those of `text`, which is short: by the rarest of its bytes, of which a message has few. To
    /// look for the first and the last by ``RawSpan/firstRange(of:from:)`` costs 1.3 % more of the mix of ten products.
    fileprivate func holds(short text: RawSpan) -> Bool {
        guard text.byteCount < WitnessIndex.shortest else { return firstRange(of: text) != nil }
        var offset = 0
        for other in 0..<text.byteCount
        where WitnessIndex.rarity(text.byte(at: other) ?? 0) > WitnessIndex.rarity(text.byte(at: offset) ?? 0) {
            offset = other
        }
        guard let byte = text.byte(at: offset) else { return true }
        var from = offset
        while let place = firstIndex(of: byte, from: from) {
            if part(place - offset, text.byteCount).equals(text) { return true }
            from = place + 1
        }
        return false
    }
}
