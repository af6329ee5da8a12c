// SPDX-License-Identifier: Apache-2.0
internal import Wire

extension ColumnChunk {
    /// Ends the page when it is full, so that an entry of `size` bytes begins the next one.
    mutating func cutPage(before size: Int, codec: inout PageCodec) {
        guard pageEntries > 0 else { return }
        if pageRows >= options.pageRows || pageEstimate + size + 2 > options.pageBytes { flushPage(codec: &codec) }
    }

    /// Forgets the page in progress.
    mutating func beginPage() {
        definitions.removeAll(keepingCapacity: true)
        repetitions.removeAll(keepingCapacity: true)
        indices.removeAll(keepingCapacity: true)
        plain.reset()
        (pageEntries, pageRows, pageValues) = (0, 0, 0)
    }

    /// Encodes the page in progress and begins the next.
    ///
    /// A data page of version 1 (Data Pages, README of parquet-format): repetition levels, definition levels, each
    /// with its length before it, then the values.
    mutating func flushPage(codec: inout PageCodec) {
        guard pageEntries > 0 else { return }
        codec.body.reset()
        Self.append(levels: repetitions, maximum: maximumRepetition, codec: &codec)
        Self.append(levels: definitions, maximum: maximumDefinition, codec: &codec)
        // A page of nulls alone is PLAIN: whether the chunk will have a dictionary is not known yet.
        let indexed = usesDictionary && pageValues > 0
        if indexed {
            // Width 0 would do for one value, but not every reader expects it.
            let width = max(1, RunLengthHybrid.width(of: dictionary.count - 1))
            codec.body.append(byte: UInt8(truncatingIfNeeded: width))
            RunLengthHybrid.encode(indices, width: width, into: &codec.body)
        } else if type == .boolean {
            RunLengthHybrid.pack(bits: indices, into: &codec.body)
        } else {
            codec.body.append(plain.bytes)
        }
        if let size = codec.appendBody(as: .data(entries: pageEntries, dictionary: indexed), to: &pages) {
            uncompressed += size
        } else {
            failPage(codec.body.count)
        }
        entries += pageEntries
        if indexed { dictionaryPages += 1 } else { plainPages += 1 }
        beginPage()
    }

    private static func append(levels: [UInt8], maximum: UInt8, codec: inout PageCodec) {
        guard maximum > 0 else { return }
        codec.levels.reset()
        RunLengthHybrid.encode(levels, width: RunLengthHybrid.width(of: Int(maximum)), into: &codec.levels)
        codec.body.append(littleEndian: UInt32(codec.levels.count))
        codec.body.append(contentsOf: codec.levels)
    }

    private mutating func failPage(_ size: Int) {
        _ = fail(size > 1 << 30 ? .pageTooLarge(column: leaf.dottedPath) : .compression(column: leaf.dottedPath))
    }

    /// Goes back to PLAIN: pages with indices stay, the entries of the page in progress are written again.
    mutating func abandonDictionary(codec: inout PageCodec) {
        var oldDefinitions: [UInt8] = []
        var oldRepetitions: [UInt8] = []
        var oldIndices: [UInt32] = []
        swap(&oldDefinitions, &definitions)
        swap(&oldRepetitions, &repetitions)
        swap(&oldIndices, &indices)
        let count = pageEntries
        beginPage()
        usesDictionary = false
        var next = 0
        for entry in 0..<count {
            let definition = maximumDefinition > 0 ? oldDefinitions[entry] : 0
            let repetition = maximumRepetition > 0 ? oldRepetitions[entry] : 0
            let isValue = definition == maximumDefinition
            if repetition == 0 {
                cutPage(before: isValue ? dictionary.size(Int(oldIndices[next])) : 0, codec: &codec)
                pageRows += 1
            }
            if maximumDefinition > 0 { definitions.append(definition) }
            if maximumRepetition > 0 { repetitions.append(repetition) }
            pageEntries += 1
            if isValue {
                dictionary.append(Int(oldIndices[next]), to: &plain)
                pageValues += 1
                next += 1
            }
        }
        if dictionaryPages == 0 { dictionary.reset() }
    }

    /// What the footer says about the chunk, and the dictionary page that must stand before the others.
    ///
    /// - Parameter row: the number of rows in the group.
    mutating func finish(rows row: Int, dictionaryPage: inout Slab, codec: inout PageCodec) -> ChunkSummary {
        fill(upTo: row, codec: &codec)
        // Nothing is gained by a dictionary that is as large as what it stands for.
        if usesDictionary, dictionaryPages == 0, pageValues > 0 {
            var size = dictionary.content.count + 16
            size += pageValues * RunLengthHybrid.width(of: dictionary.count - 1) / 8
            var direct = 0
            for index in indices where direct <= size { direct += dictionary.size(Int(index)) }
            if direct <= size { abandonDictionary(codec: &codec) }
        }
        flushPage(codec: &codec)
        dictionaryPage.reset()
        if dictionaryPages > 0 {
            let page = PageCodec.Page.dictionary(values: dictionary.count)
            codec.body.reset()
            codec.body.append(contentsOf: dictionary.content)
            if let size = codec.appendBody(as: page, to: &dictionaryPage) {
                uncompressed += size
            } else {
                failPage(dictionary.content.count)
            }
        }
        return ChunkSummary(
            entries: entries, nulls: entries - values, uncompressed: uncompressed,
            compressed: dictionaryPage.count + pages.count, dictionaryBytes: dictionaryPage.count,
            dictionaryPages: dictionaryPages, plainPages: plainPages,
            minimum: statistics.minimum(cutTo: options.statisticsBytes),
            maximum: statistics.maximum(cutTo: options.statisticsBytes))
    }
}

/// What the footer says about a column chunk.
struct ChunkSummary {
    var entries: Int
    var nulls: Int
    var uncompressed: Int
    var compressed: Int
    /// The size of the dictionary page with its header; 0 when there is none.
    var dictionaryBytes: Int
    var dictionaryPages: Int
    var plainPages: Int
    var minimum: ColumnStatistics.Bound?
    var maximum: ColumnStatistics.Bound?
    /// Where the chunk begins in the file.
    var position = 0
}
