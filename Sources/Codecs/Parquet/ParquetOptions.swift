// SPDX-License-Identifier: Apache-2.0

/// How the pages of a Parquet file are compressed.
public enum ParquetCompression: Sendable, Equatable {
    /// Not at all.
    case none
    /// Snappy: read everywhere.
    case snappy
    /// Zstandard at a level of 1 to 19: what Amazon Security Lake prefers.
    case zstd(level: Int)

    /// The number of the codec (parquet.thrift, CompressionCodec).
    var number: Int32 {
        switch self {
        case .none: 0
        case .snappy: 1
        case .zstd: 6
        }
    }
}

/// One column by which the rows of each row group are sorted; the writer believes it and sorts nothing.
public struct ParquetSorting: Sendable, Equatable {
    /// The column's number.
    public var column: Int
    /// Whether the largest value comes first.
    public var descending: Bool
    /// Whether nulls come before values.
    public var nullsFirst: Bool

    /// Sorted by `column`, the smallest value first unless told otherwise.
    public init(column: Int, descending: Bool = false, nullsFirst: Bool = false) {
        self.column = column
        self.descending = descending
        self.nullsFirst = nullsFirst
    }
}

/// How a Parquet file is laid out.
public struct ParquetOptions: Sendable {
    /// The compression of all pages.
    public var compression = ParquetCompression.zstd(level: 3)
    /// The uncompressed size at which a page ends; it ends between rows, therefore one long row can make it larger.
    ///
    /// Amazon Security Lake wants at most 1 MB.
    public var pageBytes = 1_000_000
    /// The number of rows at which a page ends.
    public var pageRows = 20_000
    /// The size of a dictionary beyond which a column goes back to PLAIN.
    public var dictionaryBytes = 512 * 1024
    /// The number of values after which a dictionary that holds more than half of them is given up.
    public var dictionaryTrial = 4096
    /// The length to which strings in statistics are cut.
    public var statisticsBytes = 64
    /// The columns that the rows are sorted by.
    public var sorting: [ParquetSorting] = []
    /// The writer's name and version, in the form "name version 1.2.3".
    public var createdBy = "penstock version 0.0.0"

    /// The defaults: zstd level 3, pages of 1 MB or 20 000 rows.
    public init() {}
}
