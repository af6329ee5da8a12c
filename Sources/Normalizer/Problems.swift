// SPDX-License-Identifier: Apache-2.0
internal import Codecs
internal import Wire

/// Counts and names the problems of messages. What a source does wrong it does in every message, so the text of the last
/// set of problems is kept.
struct Problems: Sendable {
    /// The place in `SyslogProblems.all` by bit.
    private var places = [Int](repeating: -1, count: 32)
    private var flags = SyslogProblems()
    private var names: [UInt8] = []

    init() {
        for (place, problem) in SyslogProblems.all.enumerated() {
            places[problem.flag.rawValue.trailingZeroBitCount] = place
        }
    }

    /// Adds one to the count of each problem.
    func count(_ problems: SyslogProblems, _ counts: inout [Int]) {
        var open = problems.rawValue
        while open != 0 {
            let place = places[open.trailingZeroBitCount]
            if place >= 0 { counts[place] += 1 }
            open &= open - 1
        }
    }

    /// Appends the names of problems with commas between, and tells where they are.
    mutating func append(_ problems: SyslogProblems, to slab: inout Slab) -> Extent {
        if problems != flags {
            flags = problems
            names = Array(problems.names.joined(separator: ",").utf8)
        }
        return slab.append(names.span.bytes)
    }
}
