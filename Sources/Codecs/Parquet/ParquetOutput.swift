// SPDX-License-Identifier: Apache-2.0
public import Wire

/// Where a Parquet file goes: bytes are only ever appended.
public protocol ParquetOutput: ~Copyable {
    /// Appends all of `bytes`, or throws; after a throw the writer can only be reset.
    mutating func append(_ bytes: RawSpan) throws
}

/// A Parquet file in memory.
public struct ParquetMemory: ~Copyable, ParquetOutput {
    /// What was written so far.
    public var content: Slab

    /// An empty file.
    public init(capacity: Int = 64 * 1024) { content = Slab(capacity: capacity) }

    /// Appends `bytes`.
    public mutating func append(_ bytes: RawSpan) { content.append(bytes) }
}
