// SPDX-License-Identifier: Apache-2.0

/// How much one poll of a lane takes at most, and how long it waits for company.
public struct ReceiveLimits: Sendable, Equatable {
    /// The frames after which a poll ends; the read that reaches the limit is still finished.
    public var frames: Int
    /// The bytes after which a poll ends; the read that reaches the limit is still finished.
    public var bytes: Int
    /// The bytes read from one connection before the next one has its turn.
    public var turn: Int
    /// The bytes of unfinished messages, and of RELP messages behind a full window, that all connections of the lane may
    /// hold together; 4 KiB more for each one that speaks RELP.
    public var held: Int
    /// The microseconds that a lane which had to wait sleeps on before it reads: at a steady rate one wake-up then brings
    /// a batch instead of one message, at less than half the processor time. 0: none.
    public var coalescing: Int

    /// The milliseconds without an acknowledgement after which it is said that RELP messages wait for the disk.
    public var patience: Int

    /// Limits; the defaults suit a lane that handles its batch in a few milliseconds.
    public init(
        frames: Int = 256, bytes: Int = 1 << 17, turn: Int = 128 << 10, coalescing: Int = 1000,
        held: Int = 16 << 20, patience: Int = 10_000
    ) {
        self.frames = max(frames, 1)
        self.bytes = max(bytes, 1)
        self.turn = max(turn, 4096)
        self.held = max(held, 64 << 10)
        self.coalescing = max(coalescing, 0)
        self.patience = max(patience, 0)
    }
}
