// SPDX-License-Identifier: Apache-2.0
internal import CPCRE2
internal import Glibc

/// A regular expression over bytes: PCRE2 syntax, compiled once, to machine code when it is asked for the first time: of the
/// expressions of all products most are never asked, and machine code is the most of what they cost.
///
/// Matching is bounded, so that no text from outside can hold a lane: an expression that takes more than ``matchLimit``
/// steps from one place of a text counts as no match and is counted (``Scratch/exhausted``). A step can look at all of a
/// text, and PCRE2 counts anew at each place; so on a text of more than ``longText`` bytes an expression has fewer steps,
/// and its places are tried some at a time until ``longTime`` of the processor is used. No expression that looks at a text
/// once comes near to that: it takes a thousandth.
public final class Pattern: Sendable {
    /// The most backtracking steps from one place of a text.
    public static let matchLimit: UInt32 = 20_000
    /// The bytes above which a text has fewer steps: as many times fewer as it is longer.
    public static let longText = 2_048
    /// The bytes above which an expression that begins where the text does is not told whether the text is ASCII.
    static let longBeginning = 384
    /// The nanoseconds of processor time after which a search of a long text is given up.
    public static let longTime = 10_000_000
    /// The bytes of a long text times the places that are tried at a time.
    static let work = 1 << 23
    /// The most bytes of an expression.
    public static let sizeLimit = 8_192

    /// What is wrong with an expression.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        /// The byte where the compiler stopped.
        public let offset: Int
        /// PCRE2's message.
        public let message: String
        /// Message and place.
        public var description: String { "\(message) at byte \(offset)" }
    }

    /// Options of an expression.
    public struct Options: OptionSet, Sendable {
        /// The bits.
        public let rawValue: Int
        /// Options from their bits.
        public init(rawValue: Int) { self.rawValue = rawValue }
        /// Letters match either case.
        public static let caseless = Options(rawValue: 1)
        /// `^` and `$` match at line breaks.
        public static let multiline = Options(rawValue: 2)
        /// A dot matches line feeds.
        public static let dotAll = Options(rawValue: 4)
    }

    /// The bounds of a short text's match; matching only reads them.
    private struct Bounds: @unchecked Sendable {
        let context: OpaquePointer?
    }

    /// Room for the result of one match, and the count of texts that were given up; each thread has its own.
    public struct Scratch: ~Copyable, @unchecked Sendable {
        fileprivate let data: OpaquePointer?
        /// Matching only borrows the room.
        fileprivate let given: UnsafeMutablePointer<Int>
        /// The bounds for the long text under work.
        private let context: OpaquePointer?

        /// Room for `groups` groups besides the whole match.
        public init(groups: Int = 31) {
            data = pcre2_match_data_create_8(UInt32(max(0, groups) + 1), nil)
            given = .allocate(capacity: 1)
            given.initialize(to: 0)
            context = pcre2_match_context_create_8(nil)
        }

        deinit {
            pcre2_match_data_free_8(data)
            given.deallocate()
            pcre2_match_context_free_8(context)
        }

        /// The bounds for a text of `count` bytes in which a match begins at `last` at the latest.
        fileprivate func bounds(_ count: Int, last: Int) -> OpaquePointer? {
            pcre2_set_match_limit_8(context, UInt32(max(100, Int(Pattern.matchLimit) * Pattern.longText / count)))
            pcre2_set_offset_limit_8(context, last)
            return context
        }

        /// How many texts were given up because of the match limit since the count was last taken.
        public var exhausted: Int { given.pointee }

        /// Takes the count of texts that were given up, leaving zero.
        public func takeExhausted() -> Int {
            defer { given.pointee = 0 }
            return given.pointee
        }
    }

    private let expression: Expression
    /// The same for texts of ASCII alone, where PCRE2 need not look for characters of several bytes: twice as fast and
    /// more. Nothing for an expression that names characters beyond ASCII.
    private let plain: Expression
    private let bounds: Bounds
    /// Whether it can only match where a text begins.
    private let isAnchored: Bool
    private let lead: Lead
    /// The expression as it was written.
    public let text: String
    /// The names of named groups, with their numbers.
    public let groups: [(name: String, number: Int)]
    /// The number of groups, named or not.
    public let groupCount: Int

    /// Compiles `expression`.
    public init(_ expression: String, options: Options = []) throws(Failure) {
        guard expression.utf8.count <= Pattern.sizeLimit else {
            throw Failure(
                offset: Pattern.sizeLimit, message: "the expression is longer than \(Pattern.sizeLimit) bytes")
        }
        var flags = UInt32(PCRE2_NEVER_BACKSLASH_C) | UInt32(PCRE2_USE_OFFSET_LIMIT)
        if options.contains(.caseless) { flags |= UInt32(PCRE2_CASELESS) }
        if options.contains(.multiline) { flags |= UInt32(PCRE2_MULTILINE) }
        if options.contains(.dotAll) { flags |= UInt32(PCRE2_DOTALL) }
        var code: Int32 = 0
        var offset = 0
        let bytes = Array(expression.utf8)
        let safe = NegatedTypes.inClasses(bytes)
        let characters = flags | UInt32(PCRE2_UTF) | UInt32(PCRE2_MATCH_INVALID_UTF)
        var made = pcre2_compile_8(safe, safe.count, characters, &code, &offset, nil)
        // A fault is told by its place in the expression as it was written.
        if made == nil { made = pcre2_compile_8(bytes, bytes.count, characters, &code, &offset, nil) }
        guard let made else {
            var text = [UInt8](repeating: 0, count: 256)
            pcre2_get_error_message_8(code, &text, text.count)
            throw Failure(offset: offset, message: String(decoding: text.prefix { $0 != 0 }, as: UTF8.self))
        }
        let context = pcre2_match_context_create_8(nil)
        pcre2_set_match_limit_8(context, Pattern.matchLimit)
        var known: UInt32 = 0
        pcre2_pattern_info_8(made, UInt32(PCRE2_INFO_ALLOPTIONS), &known)
        bounds = Bounds(context: context)
        isAnchored = known & UInt32(PCRE2_ANCHORED) != 0
        // `(*UTF)`, and characters that a byte does not hold, make this fail.
        let isPlain = bytes.allSatisfy { $0 < 0x80 }
        let byBytes = flags | UInt32(PCRE2_NEVER_UTF)
        plain = Expression(isPlain ? pcre2_compile_8(bytes, bytes.count, byBytes, &code, &offset, nil) : nil)
        self.expression = Expression(made)
        text = expression
        lead = options.isDisjoint(with: [.caseless, .multiline]) ? Lead(bytes) : Lead([])

        var names: UInt32 = 0
        var size: UInt32 = 0
        var count: UInt32 = 0
        var table: UnsafePointer<UInt8>?
        pcre2_pattern_info_8(made, UInt32(PCRE2_INFO_CAPTURECOUNT), &count)
        pcre2_pattern_info_8(made, UInt32(PCRE2_INFO_NAMECOUNT), &names)
        pcre2_pattern_info_8(made, UInt32(PCRE2_INFO_NAMEENTRYSIZE), &size)
        pcre2_pattern_info_8(made, UInt32(PCRE2_INFO_NAMETABLE), &table)
        var found: [(String, Int)] = []
        if let table {
            for index in 0..<Int(names) {
                let entry = UnsafeBufferPointer(start: table + index * Int(size), count: Int(size))
                let name = String(decoding: entry.dropFirst(2).prefix { $0 != 0 }, as: UTF8.self)
                found.append((name, Int(entry[0]) << 8 | Int(entry[1])))
            }
        }
        groups = found.sorted { $0.1 < $1.1 }
        groupCount = Int(count)
    }

    deinit {
        pcre2_match_context_free_8(bounds.context)
    }

    /// Searches `bytes` for the first match.
    public func matches(_ bytes: RawSpan, _ scratch: borrowing Scratch) -> Bool {
        let result = bytes.withUnsafeBytes { buffer -> Int32 in
            guard lead.admits(buffer) else { return PCRE2_ERROR_NOMATCH }
            // PCRE2 refuses a null subject even of length 0.
            guard let base = buffer.baseAddress else {
                return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1) { empty in
                    guard let base = empty.baseAddress else { return PCRE2_ERROR_NOMATCH }
                    return expression.match(base, 0, from: 0, scratch.data, bounds.context)
                }
            }
            let text = base.assumingMemoryBound(to: UInt8.self)
            // An expression that only looks at the beginning of a text would pay for the rest of it.
            let isWorthIt = plain.code != nil && (!isAnchored || buffer.count <= Pattern.longBeginning)
            let isPlain = isWorthIt && buffer.isASCII
            if buffer.count > Pattern.longText { return search(text, buffer.count, isPlain, scratch) }
            return match(text, buffer.count, from: 0, isPlain, scratch, bounds.context)
        }
        // Any answer below is a limit: of steps, of the stack of machine code, of depth or memory without it.
        if result < PCRE2_ERROR_NOMATCH { scratch.given.pointee += 1 }
        return result >= 0
    }

    @inline(__always)
    private func match(
        _ text: UnsafePointer<UInt8>, _ count: Int, from start: Int, _ isPlain: Bool, _ scratch: borrowing Scratch,
        _ context: OpaquePointer?
    ) -> Int32 {
        isPlain
            ? plain.match(text, count, from: start, scratch.data, context)
            : expression.match(text, count, from: start, scratch.data, context)
    }

    /// Searches a long text, some places at a time.
    private func search(
        _ text: UnsafePointer<UInt8>, _ count: Int, _ isPlain: Bool, _ scratch: borrowing Scratch
    ) -> Int32 {
        if isAnchored { return match(text, count, from: 0, isPlain, scratch, scratch.bounds(count, last: count)) }
        let places = max(128, Pattern.work / count)
        var start = 0
        var began = 0
        while true {
            var end = min(start + places, count)
            // A place is the beginning of a character; of four bytes in a row one is, or they are no UTF-8.
            for _ in 0..<3 where end < count && text[end] & 0xC0 == 0x80 { end += 1 }
            let last = end < count ? end - 1 : count
            let result = match(text, count, from: start, isPlain, scratch, scratch.bounds(count, last: last))
            guard result == PCRE2_ERROR_NOMATCH, end < count else { return result }
            let now = Pattern.processorTime
            if start == 0 { began = now }
            if now - began > Pattern.longTime { return PCRE2_ERROR_MATCHLIMIT }
            start = end
        }
    }

    /// Nanoseconds that this thread had of the processor.
    private static var processorTime: Int {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// The byte range of group `number` in the last successful match with `scratch`, or nil when it took no part.
    public func range(of number: Int, _ scratch: borrowing Scratch) -> Range<Int>? {
        guard number >= 0, number <= groupCount, number < Int(pcre2_get_ovector_count_8(scratch.data)),
            let vector = pcre2_get_ovector_pointer_8(scratch.data)
        else { return nil }
        let start = vector[number * 2]
        let end = vector[number * 2 + 1]
        guard start >= 0, end >= start else { return nil }
        return start..<end
    }
}
