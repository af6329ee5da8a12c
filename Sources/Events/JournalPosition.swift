// SPDX-License-Identifier: Apache-2.0

/// Where a batch's frames stand in the journal: frame `n` of the batch is number `first + n` of its log.
public struct JournalPosition: Hashable, Sendable {
    /// The log: one a lane.
    public var log: Int
    /// The number of the batch's first frame.
    public var first: UInt64
    /// How often the log had been opened when the frames were written. It is part of event uids, so that a number that a
    /// power failure took back is never given to another event under the same uid.
    public var epoch: UInt32
    /// Where the gap in front of the batch begins: the frames from here to `first` are no longer there. Mostly nil.
    public var gap: UInt64?

    /// A position without a gap.
    public init(log: Int, first: UInt64, epoch: UInt32) {
        self.log = log
        self.first = first
        self.epoch = epoch
    }
}
