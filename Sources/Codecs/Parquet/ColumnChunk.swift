// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// One column of the row group in progress: finished pages, and the page that is being filled.
///
/// Pages are encoded and compressed as soon as they are full, therefore a row group needs little more memory than it
/// will have on disk.
struct ColumnChunk: ~Copyable {
    /// The longest value: larger ones would need pages that readers refuse.
    static let maximumValueBytes = 64 << 20

    let leaf: ParquetLeaf
    let type: ParquetType
    let maximumDefinition: UInt8
    let maximumRepetition: UInt8
    let options: ParquetOptions

    // The page in progress. One level of each kind for each entry, where the column has that kind at all.
    var definitions: [UInt8] = []
    var repetitions: [UInt8] = []
    /// Dictionary indices, or the values of a boolean column.
    var indices: [UInt32] = []
    var plain = Slab(capacity: 256)
    var pageEntries = 0
    var pageRows = 0
    var pageValues = 0

    // The chunk.
    var pages = Slab(capacity: 256)
    var dictionary: ColumnDictionary
    var usesDictionary: Bool
    var statistics: ColumnStatistics
    var rows = 0
    var entries = 0
    var values = 0
    /// The size of headers and uncompressed bodies of finished pages.
    var uncompressed = 0
    var dictionaryPages = 0
    var plainPages = 0
    /// What went wrong first.
    var fault: ParquetError?

    init(_ leaf: ParquetLeaf, _ options: ParquetOptions) {
        self.leaf = leaf
        self.type = leaf.type
        // A schema is at most 64 deep and each node adds at most two: both fit into a byte.
        self.maximumDefinition = UInt8(clamping: leaf.maximumDefinition)
        self.maximumRepetition = UInt8(clamping: leaf.maximumRepetition)
        self.options = options
        self.dictionary = ColumnDictionary(prefix: leaf.type.isBytes ? 4 : 0)
        self.usesDictionary = leaf.type != .boolean
        self.statistics = ColumnStatistics(leaf.type)
    }

    /// Forgets the chunk, keeps the memory.
    mutating func reset() {
        beginPage()
        pages.reset()
        dictionary.reset()
        usesDictionary = type != .boolean
        statistics.reset()
        (rows, entries, values, uncompressed, dictionaryPages, plainPages) = (0, 0, 0, 0, 0, 0)
        fault = nil
    }

    /// At most the bytes that the page in progress will have before compression.
    var pageEstimate: Int { plain.count + 4 * indices.count + definitions.count + repetitions.count }

    // MARK: Entries

    mutating func append(_ value: Bool, repetition: Int, row: Int, codec: inout PageCodec) -> Bool {
        guard type == .boolean else { return fail(.wrongType(column: leaf.dottedPath, row: row)) }
        guard begin(maximumDefinition, repetition, size: 1, row: row, codec: &codec) else { return false }
        statistics.note(value ? 1 : 0 as Int64)
        indices.append(value ? 1 : 0)
        end(maximumDefinition, repetition)
        return true
    }

    mutating func append(_ value: Int64, repetition: Int, row: Int, codec: inout PageCodec) -> Bool {
        switch type {
        case .int32:
            guard var narrow = Int32(exactly: value)?.littleEndian else { return false }
            return unsafe withUnsafeBytes(of: &narrow) { bytes in
                unsafe append(
                    fixed: RawSpan(_unsafeBytes: bytes), repetition, row, &codec, note: { $0.note(value) })
            }
        case .int64, .timestampMillis:
            var wide = value.littleEndian
            return unsafe withUnsafeBytes(of: &wide) { bytes in
                unsafe append(
                    fixed: RawSpan(_unsafeBytes: bytes), repetition, row, &codec, note: { $0.note(value) })
            }
        default:
            return fail(.wrongType(column: leaf.dottedPath, row: row))
        }
    }

    mutating func append(_ value: Double, repetition: Int, row: Int, codec: inout PageCodec) -> Bool {
        guard type == .double else { return fail(.wrongType(column: leaf.dottedPath, row: row)) }
        var pattern = value.bitPattern.littleEndian
        return unsafe withUnsafeBytes(of: &pattern) { bytes in
            unsafe append(fixed: RawSpan(_unsafeBytes: bytes), repetition, row, &codec, note: { $0.note(value) })
        }
    }

    mutating func append(_ value: RawSpan, repetition: Int, row: Int, codec: inout PageCodec) -> Bool {
        guard type.isBytes else { return fail(.wrongType(column: leaf.dottedPath, row: row)) }
        guard value.byteCount <= Self.maximumValueBytes else { return false }
        guard begin(maximumDefinition, repetition, size: value.byteCount + 4, row: row, codec: &codec) else {
            return false
        }
        store(value, isValid: false, repetition, codec: &codec)
        end(maximumDefinition, repetition)
        return true
    }

    mutating func appendNull(definition: Int, repetition: Int, row: Int, codec: inout PageCodec) -> Bool {
        guard definition >= 0, definition < Int(maximumDefinition) else {
            return fail(.level(column: leaf.dottedPath, row: row))
        }
        let level = UInt8(truncatingIfNeeded: definition)
        guard begin(level, repetition, size: 0, row: row, codec: &codec) else { return false }
        end(level, repetition)
        return true
    }

    /// Adds a null at the top for each row before `row` that has no entry: columns that few rows use cost nothing in
    /// the others.
    mutating func fill(upTo row: Int, codec: inout PageCodec) {
        while rows < row {
            guard maximumDefinition > 0 else {
                _ = fail(.missing(column: leaf.dottedPath, row: rows))
                return
            }
            cutPage(before: 0, codec: &codec)
            let count = max(1, min(row - rows, options.pageRows - pageRows, options.pageBytes - pageEstimate))
            definitions.append(contentsOf: repeatElement(0, count: count))
            if maximumRepetition > 0 { repetitions.append(contentsOf: repeatElement(0, count: count)) }
            pageEntries += count
            pageRows += count
            rows += count
        }
    }

    // MARK: Steps of an entry

    mutating func fail(_ error: ParquetError) -> Bool {
        if fault == nil { fault = error }
        return false
    }

    /// Checks the levels, and ends the page when the entry begins a row and the page is full.
    private mutating func begin(
        _ definition: UInt8, _ repetition: Int, size: Int, row: Int, codec: inout PageCodec
    ) -> Bool {
        if repetition == 0 {
            if rows != row {
                guard rows < row else { return fail(.secondEntry(column: leaf.dottedPath, row: row)) }
                fill(upTo: row, codec: &codec)
                guard rows == row else { return false }
            }
            cutPage(before: size, codec: &codec)
            return true
        }
        // A further element exists only in a row that has begun, and in a list that is there.
        guard rows == row + 1, repetition > 0, repetition <= Int(maximumRepetition),
            Int(definition) >= leaf.elementDefinitions[repetition - 1]
        else { return fail(.level(column: leaf.dottedPath, row: row)) }
        return true
    }

    private mutating func end(_ definition: UInt8, _ repetition: Int) {
        if maximumDefinition > 0 { definitions.append(definition) }
        if maximumRepetition > 0 { repetitions.append(UInt8(truncatingIfNeeded: repetition)) }
        pageEntries += 1
        if definition == maximumDefinition {
            pageValues += 1
            values += 1
        }
        if repetition == 0 {
            pageRows += 1
            rows += 1
        }
    }

    private mutating func append(
        fixed value: RawSpan, _ repetition: Int, _ row: Int, _ codec: inout PageCodec,
        note: (inout ColumnStatistics) -> Void
    ) -> Bool {
        guard begin(maximumDefinition, repetition, size: value.byteCount, row: row, codec: &codec) else { return false }
        if usesDictionary {
            let hash = ColumnDictionary.hash(value)
            switch dictionary.find(value, hash: hash) {
            case .index(let index):
                indices.append(index)
                end(maximumDefinition, repetition)
                return true
            case .free(let slot) where hasRoom(for: value.byteCount):
                note(&statistics)
                indices.append(dictionary.insert(value, hash: hash, slot: slot))
                end(maximumDefinition, repetition)
                return true
            case .free, .exhausted:
                abandonDictionary(codec: &codec)
            }
        }
        note(&statistics)
        if repetition == 0 { cutPage(before: value.byteCount, codec: &codec) }
        plain.append(value)
        end(maximumDefinition, repetition)
        return true
    }

    /// Puts a string into the dictionary or the page. What the dictionary holds is known to be UTF-8.
    private mutating func store(_ value: RawSpan, isValid: Bool, _ repetition: Int, codec: inout PageCodec) {
        if usesDictionary {
            let hash = ColumnDictionary.hash(value)
            let hit = dictionary.find(value, hash: hash)
            if case .index(let index) = hit {
                indices.append(index)
                return
            }
            guard isValid || value.isValidUTF8 else { return storeRepaired(value, repetition, codec: &codec) }
            if case .free(let slot) = hit, hasRoom(for: value.byteCount + 4) {
                statistics.note(value)
                indices.append(dictionary.insert(value, hash: hash, slot: slot))
                return
            }
            abandonDictionary(codec: &codec)
        } else if !isValid, !value.isValidUTF8 {
            return storeRepaired(value, repetition, codec: &codec)
        }
        statistics.note(value)
        if repetition == 0 { cutPage(before: value.byteCount + 4, codec: &codec) }
        plain.append(littleEndian: UInt32(value.byteCount))
        plain.append(value)
    }

    /// One ill-formed string would make readers refuse the whole file.
    private mutating func storeRepaired(_ value: RawSpan, _ repetition: Int, codec: inout PageCodec) {
        let repaired = [UInt8](value.text.utf8)
        unsafe store(repaired.span.bytes, isValid: true, repetition, codec: &codec)
    }

    /// Whether a new value still belongs into the dictionary.
    private func hasRoom(for size: Int) -> Bool {
        dictionary.content.count + size <= options.dictionaryBytes
            && (values < options.dictionaryTrial || (dictionary.count + 1) * 2 <= values)
    }
}
