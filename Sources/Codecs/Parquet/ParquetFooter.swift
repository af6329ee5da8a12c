// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// The file's metadata (parquet.thrift, FileMetaData).
struct ParquetFooter {
    struct RowGroup {
        var rows: Int
        var chunks: [ChunkSummary]
    }

    let schema: ParquetSchema
    let options: ParquetOptions
    let metadata: [(key: String, value: String)]
    let rowGroups: [RowGroup]

    /// The metadata as the file has it, without its length.
    func write(to thrift: inout ThriftCompactWriter) {
        thrift.structure { file in
            // Version 2 of the format, because dictionary indices are RLE_DICTIONARY.
            file.field(1, int32: 2)
            file.list(2, of: .structure, count: schema.elements.count)
            for element in schema.elements { Self.write(element, to: &file) }
            file.field(3, int64: Int64(rowGroups.reduce(0) { $0 + $1.rows }))
            file.list(4, of: .structure, count: rowGroups.count)
            for number in rowGroups.indices { write(rowGroups[number], number, to: &file) }
            if !metadata.isEmpty {
                file.list(5, of: .structure, count: metadata.count)
                for (key, value) in metadata {
                    file.structure { entry in
                        entry.field(1, key)
                        entry.field(2, value)
                    }
                }
            }
            file.field(6, options.createdBy)
            // TypeDefinedOrder for each column: without it min_value and max_value mean nothing.
            file.list(7, of: .structure, count: schema.leaves.count)
            for _ in schema.leaves { file.structure { order in order.field(1) { _ in } } }
        }
    }

    private static func write(_ element: ParquetSchema.Element, to thrift: inout ThriftCompactWriter) {
        thrift.structure { line in
            if let type = element.type { line.field(1, int32: type.physical) }
            if let repetition = element.repetition { line.field(3, int32: repetition.rawValue) }
            line.field(4, element.name)
            if element.type == nil { line.field(5, int32: Int32(clamping: element.childCount)) }
            // The converted type beside the logical type, for readers from before 2018.
            switch element.type {
            case .string, .json:
                line.field(6, int32: 0)
                line.field(10) { logical in logical.field(1) { _ in } }
            case .timestampMillis:
                line.field(6, int32: 9)
                line.field(10) { logical in
                    logical.field(8) { timestamp in
                        timestamp.field(1, true)
                        timestamp.field(2) { unit in unit.field(1) { _ in } }
                    }
                }
            case nil where element.isList:
                line.field(6, int32: 3)
                line.field(10) { logical in logical.field(3) { _ in } }
            default: break
            }
        }
    }

    private func write(_ group: RowGroup, _ number: Int, to thrift: inout ThriftCompactWriter) {
        thrift.structure { line in
            line.list(1, of: .structure, count: group.chunks.count)
            for (leaf, chunk) in zip(schema.leaves, group.chunks) { write(chunk, leaf, to: &line) }
            line.field(2, int64: Int64(group.chunks.reduce(0) { $0 + $1.uncompressed }))
            line.field(3, int64: Int64(group.rows))
            if !options.sorting.isEmpty {
                line.list(4, of: .structure, count: options.sorting.count)
                for sorting in options.sorting {
                    line.structure { entry in
                        entry.field(1, int32: Int32(clamping: sorting.column))
                        entry.field(2, sorting.descending)
                        entry.field(3, sorting.nullsFirst)
                    }
                }
            }
            line.field(5, int64: Int64(group.chunks.first?.position ?? 0))
            line.field(6, int64: Int64(group.chunks.reduce(0) { $0 + $1.compressed }))
            if let ordinal = Int16(exactly: number) { line.field(7, int16: ordinal) }
        }
    }

    private func write(_ chunk: ChunkSummary, _ leaf: ParquetLeaf, to thrift: inout ThriftCompactWriter) {
        thrift.structure { line in
            // 0: there is no ColumnMetaData outside the footer.
            line.field(2, int64: 0)
            line.field(3) { data in
                let hasDictionary = chunk.dictionaryPages > 0
                data.field(1, int32: leaf.type.physical)
                let encodings: [PageEncoding] = hasDictionary ? [.plain, .rle, .dictionary] : [.plain, .rle]
                data.list(2, of: .int32, count: encodings.count)
                for encoding in encodings { data.zigzag(Int64(encoding.rawValue)) }
                data.list(3, of: .binary, count: leaf.path.count)
                for name in leaf.path { data.string(name) }
                data.field(4, int32: options.compression.number)
                data.field(5, int64: Int64(chunk.entries))
                data.field(6, int64: Int64(chunk.uncompressed))
                data.field(7, int64: Int64(chunk.compressed))
                data.field(9, int64: Int64(chunk.position + chunk.dictionaryBytes))
                if hasDictionary { data.field(11, int64: Int64(chunk.position)) }
                data.field(12) { statistics in
                    statistics.field(3, int64: Int64(chunk.nulls))
                    if let maximum = chunk.maximum { unsafe statistics.field(5, maximum.bytes.span.bytes) }
                    if let minimum = chunk.minimum { unsafe statistics.field(6, minimum.bytes.span.bytes) }
                    if let maximum = chunk.maximum { statistics.field(7, maximum.isExact) }
                    if let minimum = chunk.minimum { statistics.field(8, minimum.isExact) }
                }
                // How many pages have which encoding: a chunk that is all indices can be skipped by its dictionary.
                let counts = [
                    (page: Int32(2), encoding: PageEncoding.plain, count: hasDictionary ? 1 : 0),
                    (page: 0, encoding: .dictionary, count: chunk.dictionaryPages),
                    (page: 0, encoding: .plain, count: chunk.plainPages),
                ].filter { $0.count > 0 }
                data.list(13, of: .structure, count: counts.count)
                for (page, encoding, count) in counts {
                    data.structure { entry in
                        entry.field(1, int32: page)
                        entry.field(2, int32: encoding.rawValue)
                        entry.field(3, int32: Int32(clamping: count))
                    }
                }
            }
        }
    }
}
