// SPDX-License-Identifier: Apache-2.0

/// Why a schema is refused or a Parquet file cannot be written.
public enum ParquetError: Error, Equatable, Sendable {
    /// A group has no children, which Parquet cannot express.
    case emptyGroup(path: String)
    /// A node has an empty name.
    case emptyName(path: String)
    /// Two children of one group have the same name.
    case duplicateName(path: String)
    /// The schema is nested deeper than ``ParquetSchema/maximumDepth``.
    case tooDeep(path: String)
    /// The schema has more leaves than ``ParquetSchema/maximumLeaves``.
    case tooManyLeaves
    /// There is no column of this number.
    case noSuchColumn(Int)
    /// A value of another type than the column's was appended.
    case wrongType(column: String, row: Int)
    /// A definition or repetition level that the column cannot have at this place.
    case level(column: String, row: Int)
    /// A second entry with repetition level 0 in one row.
    case secondEntry(column: String, row: Int)
    /// A row without an entry in a column that is required in each row.
    case missing(column: String, row: Int)
    /// A row was begun and not ended.
    case openRow
    /// One row needs a page of more than 1 GiB.
    case pageTooLarge(column: String)
    /// The compressor refused a page.
    case compression(column: String)
    /// An earlier write to the output failed, so that the position in the file is not known.
    case outputFailed
}
