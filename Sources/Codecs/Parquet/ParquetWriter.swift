// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Writes rows as a Parquet file: row groups of column chunks, then the footer.
///
/// The caller takes each row apart and appends, column by column, entries with two levels. A column's leaf lies below
/// nodes that may be absent (optional) or many (lists):
///
/// - the *definition level* counts how many of the optional and repeated nodes from the top to the leaf are there. A
///   value has all of them (``ParquetLeaf/maximumDefinition``), so that only nulls state it;
/// - the *repetition level* says which list goes on: 0 begins a row, n is a further element of the n-th list from the
///   top.
///
/// An example. Everything is optional but the answer's name:
///
///     .group("dns", [
///         .leaf("query", .string),                                       column 0: dns 1, query 2
///         .list("answers", of: .group("element", [
///             .leaf("name", .string, optional: false),                   column 1: dns 1, answers 2, list 3, element 4
///             .list("flags", of: .leaf("element", .int32))])),           column 2: … element 4, flags 5, list 6, element 7
///     ])
///
/// The row `{"dns": {"query": "a", "answers": [{"name": "x", "flags": [1, null]}, {"name": "y", "flags": []}, null]}}`
/// has these entries, as (definition, repetition):
///
///     column 0: "a" (2, 0)
///     column 1: "x" (4, 0), "y" (4, 1), null (3, 1)
///     column 2: 1 (7, 0), null (6, 2), null (5, 1), null (3, 1)
///
/// In column 1 each further answer has repetition 1; the null answer has the definition level of the list's element,
/// 3, because the list goes on and the element is not there. In column 2 the second flag continues the second list
/// (2), a null in a list that is there (6); the empty list of the second answer is one null entry with the level of
/// `flags` itself (5). The row `{"dns": {"query": null, "answers": []}}` is null (1, 0), null (2, 0), null (2, 0), and
/// with `"answers": null` the last two are null (1, 0).
///
/// Columns below one node must agree about it: when `dns` is there, each of the three needs an entry that says so.
/// A column without any entry in a row is null at the top there (definition level 0), for free.
///
/// A mistake in types or levels is remembered as ``fault`` and thrown by the next `finishRowGroup` or `finish`.
@safe
public struct ParquetWriter: ~Copyable, @unchecked Sendable {
    /// The file's schema.
    public let schema: ParquetSchema
    /// How the file is laid out.
    public let options: ParquetOptions
    /// Keys and values for the footer; may be changed until the file is finished.
    public var metadata: [(key: String, value: String)] = []
    /// The rows of the row group in progress.
    public private(set) var rowCount = 0

    private let columns: UnsafeMutableBufferPointer<ColumnChunk>
    private var codec: PageCodec
    private var dictionaryPage = Slab(capacity: 256)
    private var rowGroups: [ParquetFooter.RowGroup] = []
    private var position = 0
    private var isBroken = false
    private var columnFault: ParquetError?

    /// A writer for one file after the other.
    public init(schema: ParquetSchema, options: ParquetOptions = ParquetOptions()) {
        self.schema = schema
        self.options = options
        self.codec = PageCodec(options.compression)
        unsafe self.columns = UnsafeMutableBufferPointer<ColumnChunk>.allocate(capacity: schema.leaves.count)
        for (index, leaf) in schema.leaves.enumerated() {
            unsafe columns.initializeElement(at: index, to: ColumnChunk(leaf, options))
        }
    }

    deinit {
        unsafe _ = columns.deinitialize()
        unsafe columns.deallocate()
    }

    // MARK: Entries

    /// Appends a value to a boolean column.
    ///
    /// - Returns: whether the column took the value; if not, nothing was appended.
    @discardableResult
    public mutating func append(bool value: Bool, to column: Int, repetition: Int = 0) -> Bool {
        guard has(column) else { return false }
        return unsafe columns[column].append(value, repetition: repetition, row: rowCount, codec: &codec)
    }

    /// Appends a value to an int32, int64 or timestampMillis column.
    ///
    /// - Returns: whether the column took the value; if not (it does not fit into 32 bits), nothing was appended, and
    ///   a null should be.
    @discardableResult
    public mutating func append(int value: Int64, to column: Int, repetition: Int = 0) -> Bool {
        guard has(column) else { return false }
        return unsafe columns[column].append(value, repetition: repetition, row: rowCount, codec: &codec)
    }

    /// Appends a value to a double column.
    ///
    /// - Returns: whether the column took the value; if not, nothing was appended.
    @discardableResult
    public mutating func append(double value: Double, to column: Int, repetition: Int = 0) -> Bool {
        guard has(column) else { return false }
        return unsafe columns[column].append(value, repetition: repetition, row: rowCount, codec: &codec)
    }

    /// Appends text to a string or json column; ill-formed UTF-8 is repaired with U+FFFD.
    ///
    /// - Returns: whether the column took the value; if not (it has more than 64 MiB), nothing was appended, and a
    ///   null should be.
    @discardableResult
    public mutating func append(bytes value: RawSpan, to column: Int, repetition: Int = 0) -> Bool {
        guard has(column) else { return false }
        return unsafe columns[column].append(value, repetition: repetition, row: rowCount, codec: &codec)
    }

    /// Appends text to a string or json column.
    ///
    /// - Returns: whether the column took the value; if not, nothing was appended.
    @discardableResult
    public mutating func append(text value: String, to column: Int, repetition: Int = 0) -> Bool {
        unsafe append(bytes: value.utf8.span.bytes, to: column, repetition: repetition)
    }

    /// Appends a null, an empty list or an absent group: the entry whose last node that is there has this level.
    @discardableResult
    public mutating func appendNull(to column: Int, definition: Int, repetition: Int = 0) -> Bool {
        guard has(column) else { return false }
        return unsafe columns[column].appendNull(
            definition: definition, repetition: repetition, row: rowCount, codec: &codec)
    }

    /// Appends the same null to several columns: all leaves of a group or list that is absent.
    public mutating func appendNull(to range: Range<Int>, definition: Int, repetition: Int = 0) {
        for column in range { appendNull(to: column, definition: definition, repetition: repetition) }
    }

    /// Ends the row.
    public mutating func endRow() { rowCount += 1 }

    private mutating func has(_ column: Int) -> Bool {
        if column >= 0, column < schema.leaves.count { return true }
        if columnFault == nil { columnFault = .noSuchColumn(column) }
        return false
    }

    // MARK: State

    /// The first mistake since the last row group, or nil. It costs a look at each column.
    public var fault: ParquetError? {
        if let columnFault { return columnFault }
        for index in schema.leaves.indices {
            if let fault = unsafe columns[index].fault { return fault }
        }
        return nil
    }

    /// About the bytes that the row group in progress will have: finished pages as they are, the rest uncompressed.
    /// It costs a look at each column.
    public var estimatedBytes: Int {
        schema.leaves.indices.reduce(0) { sum, index in
            unsafe sum + columns[index].pages.count + columns[index].pageEstimate
                + columns[index].dictionary.content.count
        }
    }

    /// The bytes written to the output so far.
    public var writtenBytes: Int { position }

    /// The rows in finished row groups.
    public var finishedRows: Int { rowGroups.reduce(0) { $0 + $1.rows } }

    // MARK: Output

    /// Writes the row group in progress, if it has rows.
    public mutating func finishRowGroup(to output: inout some ParquetOutput & ~Copyable) throws {
        guard !isBroken else { throw ParquetError.outputFailed }
        if let fault { throw fault }
        for index in schema.leaves.indices where unsafe columns[index].rows > rowCount { throw ParquetError.openRow }
        guard rowCount > 0 else { return }
        isBroken = true
        if position == 0 { try writeMagic(to: &output) }
        var group = ParquetFooter.RowGroup(rows: rowCount, chunks: [])
        group.chunks.reserveCapacity(schema.leaves.count)
        for index in schema.leaves.indices {
            var summary = unsafe columns[index].finish(
                rows: rowCount, dictionaryPage: &dictionaryPage, codec: &codec)
            if let fault = unsafe columns[index].fault { throw fault }
            summary.position = position
            try output.append(dictionaryPage.bytes)
            try unsafe output.append(columns[index].pages.bytes)
            position += summary.compressed
            group.chunks.append(summary)
            unsafe columns[index].reset()
        }
        rowGroups.append(group)
        rowCount = 0
        isBroken = false
    }

    /// Writes the row group in progress and the footer; the writer is ready for the next file then.
    public mutating func finish(to output: inout some ParquetOutput & ~Copyable) throws {
        try finishRowGroup(to: &output)
        isBroken = true
        if position == 0 { try writeMagic(to: &output) }
        var thrift = ThriftCompactWriter(capacity: 4096)
        ParquetFooter(schema: schema, options: options, metadata: metadata, rowGroups: rowGroups).write(to: &thrift)
        var footer = Slab(capacity: thrift.count + 8)
        thrift.append(to: &footer)
        footer.append(littleEndian: UInt32(truncatingIfNeeded: thrift.count))
        footer.append("PAR1")
        try output.append(footer.bytes)
        reset()
    }

    /// Forgets the file in progress and all faults; the schema, the options and the metadata stay.
    public mutating func reset() {
        for index in schema.leaves.indices { unsafe columns[index].reset() }
        rowGroups.removeAll()
        (rowCount, position, isBroken, columnFault) = (0, 0, false, nil)
    }

    private mutating func writeMagic(to output: inout some ParquetOutput & ~Copyable) throws {
        var magic = Slab(capacity: 256)
        magic.append("PAR1")
        try output.append(magic.bytes)
        position = 4
    }
}
