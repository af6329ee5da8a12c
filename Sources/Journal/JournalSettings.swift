// SPDX-License-Identifier: Apache-2.0

/// Where the journal is and how much of it is kept.
public struct JournalSettings: Sendable {
    /// When frames are compressed.
    public enum Compression: String, Sendable, CaseIterable {
        /// Whenever there is time for it; under load only while it saves two thirds, which is when it costs less than
        /// hashing and writing the frames as they are.
        case adaptive
        /// Always: less than half the bytes on disk, for more processor time under load.
        case always
        /// Never.
        case never
    }

    /// The folder that holds the logs, the positions and the lock.
    public var directory: String
    /// The size at which a segment is closed and the next one begun. A quarter of each log's share of ``retainBytes`` is
    /// the most that is used, because retention removes whole segments.
    public var segmentBytes: Int
    /// How many bytes all logs together keep; the oldest segments are removed above that, needed or not.
    public var retainBytes: Int
    /// How long segments are kept, in seconds after their last frame; 0: for as long as ``retainBytes`` allows.
    public var retainAge: Int
    /// The longest time in milliseconds that a frame waits for its fdatasync(2).
    public var commitInterval: Int
    /// How many bytes of a log may wait for an fdatasync(2) before one is done ahead of the interval.
    public var commitBytes: Int
    /// The free space of the file system below which the journal counts as full.
    public var reserveBytes: Int
    /// When frames are compressed.
    public var compression: Compression

    /// Settings with the defaults of a service.
    public init(
        directory: String, segmentBytes: Int = 128 << 20, retainBytes: Int = 8 << 30, retainAge: Int = 7 * 86_400,
        commitInterval: Int = 100, commitBytes: Int = 8 << 20, reserveBytes: Int = 256 << 20,
        compression: Compression = .adaptive
    ) {
        self.directory = directory
        self.segmentBytes = segmentBytes
        self.retainBytes = retainBytes
        self.retainAge = retainAge
        self.commitInterval = commitInterval
        self.commitBytes = commitBytes
        self.reserveBytes = reserveBytes
        self.compression = compression
    }

    func segmentLimit(logs: Int) -> Int { max(4096, min(segmentBytes, retainBytes / (4 * max(1, logs)))) }
}
