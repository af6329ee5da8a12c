// SPDX-License-Identifier: Apache-2.0
public import Codecs
public import Events

/// How the lake is written.
public struct LakeSettings: Sendable {
    /// The most bytes of events that wait in unfinished objects; above it the largest object is finished early.
    public var bufferBytes = 64 << 20
    /// The size at which an object is finished.
    public var objectBytes = 64 << 20
    /// The number of events at which an object is finished.
    public var objectRows = 1_000_000
    /// The age at which an object is finished, in milliseconds since its first event arrived.
    public var objectAge: Int64 = 60_000
    /// The most unfinished objects: events with invented dates must not cost memory without end.
    public var openObjects = 64
    /// How the pages of Parquet files are compressed.
    public var compression = ParquetCompression.zstd(level: 1)
    /// The version that files name as their writer's.
    public var version = "0.0.0"
    /// The source names of a field table's mappings, by mapping number: the value of the partition key `source`. Where
    /// it has none, or an empty one, the event's product name is taken.
    public var sources: @Sendable (FieldTable) -> [String] = { _ in [] }

    /// The defaults.
    public init() {}
}
