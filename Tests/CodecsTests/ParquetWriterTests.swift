// SPDX-License-Identifier: Apache-2.0
import Codecs
import Testing
import Wire

@Suite struct ParquetWriterTests {
    /// The schema and the entries of the example in the documentation of ``ParquetWriter``.
    static let example: [ParquetField] = [
        .group(
            "dns",
            [
                .leaf("query", .string),
                .list(
                    "answers",
                    .group(
                        "element",
                        [.leaf("name", .string, optional: false), .list("flags", .leaf("element", .int32))])),
            ])
    ]

    static func exampleFile(_ compression: ParquetCompression) throws -> [UInt8] {
        var options = ParquetOptions()
        options.compression = compression
        var writer = ParquetWriter(schema: try ParquetSchema(example.map(\.node)), options: options)
        writer.append(text: "a", to: 0)
        writer.append(text: "x", to: 1)
        writer.append(text: "y", to: 1, repetition: 1)
        writer.appendNull(to: 1, definition: 3, repetition: 1)
        writer.append(int: 1, to: 2)
        writer.appendNull(to: 2, definition: 6, repetition: 2)
        writer.appendNull(to: 2, definition: 5, repetition: 1)
        writer.appendNull(to: 2, definition: 3, repetition: 1)
        writer.endRow()
        writer.appendNull(to: 0, definition: 1)
        writer.appendNull(to: 1..<3, definition: 2)
        writer.endRow()
        writer.appendNull(to: 0..<3, definition: 1)
        writer.endRow()
        writer.endRow()
        var memory = ParquetMemory()
        try writer.finish(to: &memory)
        return memory.content.bytes.array
    }

    static let exampleRows: [[ParquetValue]] = [
        [
            .object([
                ("query", .text("a")),
                (
                    "answers",
                    .list([
                        .object([("name", .text("x")), ("flags", .list([.int(1), .null]))]),
                        .object([("name", .text("y")), ("flags", .list([]))]), .null,
                    ])
                ),
            ])
        ],
        [.object([("query", .null), ("answers", .list([]))])],
        [.object([("query", .null), ("answers", .null)])],
        [.null],
    ]

    @Test func theExampleOfTheDocumentationIsWhatTheShredderDoes() throws {
        for compression in [ParquetCompression.none, .snappy, .zstd(level: 3)] {
            var parquet = ParquetCase(fields: Self.example, rows: Self.exampleRows)
            parquet.options.compression = compression
            #expect(try parquet.file() == Self.exampleFile(compression))
        }
    }

    /// The bytes of the first data page, read by hand from the format's documents.
    @Test func aPageIsWhatTheFormatSays() throws {
        var options = ParquetOptions()
        options.compression = .none
        var writer = ParquetWriter(schema: try ParquetSchema([.leaf("a", .int32)]), options: options)
        writer.append(int: 7, to: 0)
        writer.endRow()
        writer.endRow()
        writer.append(int: -1, to: 0)
        writer.endRow()
        var memory = ParquetMemory()
        try writer.finish(to: &memory)
        let file = memory.content.bytes.array
        let header: [UInt8] = [
            0x15, 0x00,  // 1: DATA_PAGE
            0x15, 28, 0x15, 28,  // 2, 3: 14 bytes, zigzag
        ]
        #expect(Array(file[..<4]) == Array("PAR1".utf8))
        #expect(Array(file[4..<10]) == header)
        let page: [UInt8] = [
            2, 0, 0, 0,  // the length of the definition levels
            0x03, 0b101,  // one bit-packed run of 8: value, null, value
            7, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF,
        ]
        let found = memory.content.bytes.firstRange(of: page.span.bytes)
        let start = try #require(found)
        let detail: [UInt8] = [
            0x1C,  // 5: DataPageHeader, one after the CRC in field 4
            0x15, 6, 0x15, 0, 0x15, 6, 0x15, 6,  // 3 entries, PLAIN, levels in RLE
            0, 0,  // the end of both structures
        ]
        #expect(Array(file[start - detail.count..<start]) == detail)
        #expect(Array(file.suffix(4)) == Array("PAR1".utf8))
    }

    @Test func theSameRowsGiveTheSameFile() throws {
        let schema = try ParquetSchema([.leaf("n", .int64), .leaf("s", .string)])
        var writer = ParquetWriter(schema: schema)
        var files: [[UInt8]] = []
        for _ in 0..<2 {
            var memory = ParquetMemory()
            for row in 0..<10_000 as Range<Int64> {
                writer.append(int: row % 17, to: 0)
                writer.append(text: "value \(row % 1000)", to: 1)
                writer.endRow()
            }
            #expect(writer.rowCount == 10_000)
            #expect(writer.estimatedBytes > 10_000)
            try writer.finishRowGroup(to: &memory)
            #expect(writer.rowCount == 0)
            #expect(writer.finishedRows == 10_000)
            #expect(writer.writtenBytes == memory.content.count)
            try writer.finish(to: &memory)
            #expect(writer.writtenBytes == 0)
            files.append(memory.content.bytes.array)
        }
        #expect(files[0] == files[1])
    }

    @Test func mistakesAreRememberedAndThrown() throws {
        let schema = try ParquetSchema([
            .leaf("time", .int64, optional: false), .list("tags", of: .leaf("element", .string)),
        ])
        func f(_ want: ParquetError, _ body: (inout ParquetWriter) -> Void) {
            var writer = ParquetWriter(schema: schema)
            body(&writer)
            #expect(writer.fault == want)
            var memory = ParquetMemory()
            #expect(throws: want) { try writer.finish(to: &memory) }
            #expect(memory.content.count == 0)
            writer.reset()
            #expect(writer.fault == nil)
            #expect(throws: Never.self) { try writer.finish(to: &memory) }
        }
        f(.noSuchColumn(2)) { $0.append(int: 1, to: 2) }
        f(.noSuchColumn(-1)) { $0.appendNull(to: -1, definition: 0) }
        f(.wrongType(column: "time", row: 0)) { $0.append(text: "x", to: 0) }
        f(.wrongType(column: "time", row: 0)) { $0.append(bool: true, to: 0) }
        f(.wrongType(column: "tags.list.element", row: 0)) { $0.append(double: 1.5, to: 1) }
        f(.secondEntry(column: "time", row: 0)) {
            $0.append(int: 1, to: 0)
            $0.append(int: 2, to: 0)
        }
        f(.level(column: "time", row: 0)) { $0.appendNull(to: 0, definition: 0) }
        f(.level(column: "tags.list.element", row: 0)) { $0.appendNull(to: 1, definition: 3) }
        f(.level(column: "tags.list.element", row: 0)) { $0.appendNull(to: 1, definition: -1) }
        f(.level(column: "tags.list.element", row: 0)) { $0.append(text: "x", to: 1, repetition: 1) }
        f(.level(column: "tags.list.element", row: 0)) {
            $0.append(text: "x", to: 1)
            $0.append(text: "x", to: 1, repetition: 2)
        }
        f(.level(column: "tags.list.element", row: 0)) {
            $0.append(text: "x", to: 1)
            $0.appendNull(to: 1, definition: 1, repetition: 1)
        }
        f(.missing(column: "time", row: 1)) {
            $0.append(int: 1, to: 0)
            $0.endRow()
            $0.endRow()
            $0.append(int: 1, to: 0)
        }
    }

    @Test func aMissingRequiredValueIsFoundAtTheEnd() throws {
        var writer = ParquetWriter(schema: try ParquetSchema([.leaf("time", .int64, optional: false)]))
        writer.endRow()
        var memory = ParquetMemory()
        #expect(throws: ParquetError.missing(column: "time", row: 0)) { try writer.finish(to: &memory) }
    }

    @Test func anOpenRowIsRefused() throws {
        var writer = ParquetWriter(schema: try ParquetSchema([.leaf("a", .int64)]))
        writer.append(int: 1, to: 0)
        var memory = ParquetMemory()
        #expect(throws: ParquetError.openRow) { try writer.finish(to: &memory) }
        writer.endRow()
        try writer.finish(to: &memory)
        #expect(memory.content.count > 12)
    }

    @Test func whatDoesNotFitIsNotTaken() throws {
        var writer = ParquetWriter(schema: try ParquetSchema([.leaf("a", .int32), .leaf("b", .string)]))
        let took = [
            writer.append(int: Int64(Int32.max) + 1, to: 0), writer.append(int: Int64(Int32.min) - 1, to: 0),
            writer.append(int: Int64(Int32.max), to: 0),
        ]
        #expect(took == [false, false, true])
        let huge = [UInt8](repeating: 0x61, count: (64 << 20) + 1)
        let tookHuge = writer.append(bytes: huge.span.bytes, to: 1)
        #expect(!tookHuge)
        #expect(writer.fault == nil)
    }

    struct Full: Error {}

    /// An output that fails when it has a number of bytes.
    struct SmallDisk: ~Copyable, ParquetOutput {
        var room: Int

        mutating func append(_ bytes: RawSpan) throws {
            room -= bytes.byteCount
            if room < 0 { throw Full() }
        }
    }

    @Test func afterAFailedWriteOnlyAResetHelps() throws {
        var writer = ParquetWriter(schema: try ParquetSchema([.leaf("a", .int64)]))
        writer.append(int: 1, to: 0)
        writer.endRow()
        var disk = SmallDisk(room: 10)
        #expect(throws: Full.self) { try writer.finish(to: &disk) }
        disk.room = 1000
        #expect(throws: ParquetError.outputFailed) { try writer.finish(to: &disk) }
        writer.reset()
        #expect(throws: Never.self) { try writer.finish(to: &disk) }
    }
}
