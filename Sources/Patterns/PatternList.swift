// SPDX-License-Identifier: Apache-2.0

/// Patterns by number. To ask one counts no reference: those of patterns are shared by all lanes, and lanes that count the
/// same reference wait for each other's caches.
public struct PatternList: Sendable {
    /// A pattern of a list, to be asked while the list is there.
    public struct Member: @unchecked Sendable {
        // The list holds the pattern.
        private let pattern: Unmanaged<Pattern>

        fileprivate init(_ pattern: Pattern) { self.pattern = Unmanaged.passUnretained(pattern) }

        /// See ``Pattern/matches(_:_:)``.
        @inline(__always)
        public func matches(_ bytes: RawSpan, _ scratch: borrowing Pattern.Scratch) -> Bool {
            pattern._withUnsafeGuaranteedRef { $0.matches(bytes, scratch) }
        }

        /// See ``Pattern/range(of:_:)``.
        @inline(__always)
        public func range(of number: Int, _ scratch: borrowing Pattern.Scratch) -> Range<Int>? {
            pattern._withUnsafeGuaranteedRef { $0.range(of: number, scratch) }
        }
    }

    private var patterns: [Pattern] = []
    private var members: [Member] = []

    /// A list without patterns.
    public init() {}

    /// How many there are.
    public var count: Int { patterns.count }

    /// Appends a pattern.
    public mutating func append(_ pattern: Pattern) {
        patterns.append(pattern)
        members.append(Member(pattern))
    }

    /// Pattern number `number`.
    public subscript(number: Int) -> Member { members[number] }
}
