// SPDX-License-Identifier: Apache-2.0

/// How much has been appended to a log since its last commit, which comes some ten times a second: what tells whether
/// processor time or the disk is short.
struct Pace {
    /// From a mapping a commit writes the whole folio that was touched: it is for more appends than these.
    private static let few = 64
    /// From so many bytes on a commit the processor has better to do than to compress small blocks.
    private static let much = 128 << 10

    private var commit: UInt64 = 0
    private var appends = 0
    private var bytes = 0

    /// Counts an append of so many bytes; `commit` is another number after each commit.
    mutating func note(_ bytes: Int, commit: UInt64) {
        if commit != self.commit { self = Pace(commit: commit) }
        appends += 1
        self.bytes &+= bytes
    }

    /// Whether an append that is a system call costs more than what a commit then has to write.
    var isFrequent: Bool { appends > Pace.few }
    /// Whether much is being appended, in however small portions.
    var isBusy: Bool { bytes >= Pace.much }
}
