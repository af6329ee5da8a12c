// SPDX-License-Identifier: Apache-2.0
import Codecs
import Foundation
import Testing

/// Files judged by pyarrow, DuckDB and, where installed, polars and fastparquet.
@Suite(.enabled(if: ParquetOracle.isThere, "needs python3 (or PENSTOCK_PYTHON) with pyarrow and duckdb"))
struct ParquetOracleTests {
    static let compressions: [ParquetCompression] = [.none, .snappy, .zstd(level: 3)]

    /// All readers see the expected rows, and each page has its checksum and sizes.
    static func check(
        _ parquet: ParquetCase, readers: [String] = ["pyarrow", "duckdb", "polars"],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try ParquetOracle.withFiles(parquet) { file, expected in
            let there = readers.filter(ParquetOracle.readers.contains)
            let rows = try ParquetOracle.run(["check", file, expected] + there)
            #expect(rows.status == 0, Comment(rawValue: rows.text), sourceLocation: sourceLocation)
            #expect(rows.lines.count == there.count, sourceLocation: sourceLocation)
        }
    }

    static let flat: [ParquetField] = [
        .leaf("flag", .boolean), .leaf("small", .int32), .leaf("large", .int64), .leaf("real", .double),
        .leaf("text", .string), .leaf("time", .timestampMillis), .leaf("document", .json), .leaf("nothing", .string),
        .leaf("always", .int64, optional: false),
    ]

    static let flatRows: [[ParquetValue]] = [
        [
            .bool(true), .int(1), .int(.max), .double(1.5), .text("plain"), .int(1_700_000_000_123), .text("{}"), .null,
            .int(0),
        ],
        [
            .bool(false), .int(Int64(Int32.min)), .int(.min), .double(-0.0), .text(""), .int(0), .text("[1,\"a\"]"),
            .null, .int(-1),
        ],
        [.null, .null, .null, .null, .null, .null, .null, .null, .int(1)],
        [
            .bool(true), .int(Int64(Int32.max)), .int(0), .double(1e308), .text("Grüße, 世界 🛰️ \u{10FFFF}"), .int(-1),
            .text("null"), .null, .int(2),
        ],
        [
            .null, .int(-1), .int(-1), .double(.leastNonzeroMagnitude), .text("tab\ttab \"quoted\" \\"), .null, .null,
            .null, .int(3),
        ],
    ]

    @Test(arguments: compressions)
    func flatRowsOfAllTypes(_ compression: ParquetCompression) throws {
        var parquet = ParquetCase(fields: Self.flat, rows: Self.flatRows)
        parquet.options.compression = compression
        try Self.check(parquet)
        parquet.groupRows = 2
        try Self.check(parquet)
        for _ in 0..<8 { parquet.rows += parquet.rows }
        parquet.options.pageRows = 100
        parquet.groupRows = 777
        try Self.check(parquet)
    }

    @Test func doublesThatAreNoNumbers() throws {
        let rows: [[ParquetValue]] = [.nan, .infinity, -.infinity, 0.0, -0.0, 1].map { [.double($0)] }
        let parquet = ParquetCase(fields: [.leaf("real", .double)], rows: rows)
        try Self.check(parquet)
        let footer = try ParquetFooter(parquet)
        #expect(footer.groups[0].columns[0].min == .text("-Infinity"))
        #expect(footer.groups[0].columns[0].max == .text("Infinity"))
        let zeros = try ParquetFooter(
            ParquetCase(fields: [.leaf("real", .double)], rows: [[.double(0.0)], [.double(.nan)]]))
        #expect(zeros.groups[0].columns[0].max == .number(0))
        let none = try ParquetFooter(ParquetCase(fields: [.leaf("real", .double)], rows: [[.double(.nan)]]))
        #expect(none.groups[0].columns[0].max == nil)
    }

    @Test(.enabled(if: ParquetOracle.readers.contains("fastparquet"))) func fastparquetReadsFlatFiles() throws {
        var rows: [[ParquetValue]] = []
        for row in 0..<5000 {
            let text = row % 7 == 0 ? ParquetValue.null : .text("host-\(row % 40)")
            rows.append([
                .int(Int64(row)), text, .int(1_700_000_000_000 + Int64(row) * 250), .text("message \(row)"),
                .double(Double(row) / 8), .bool(row % 3 == 0),
            ])
        }
        let fields: [ParquetField] = [
            .leaf("number", .int64, optional: false), .leaf("host", .string), .leaf("time", .timestampMillis),
            .leaf("message", .string), .leaf("real", .double, optional: false),
            .leaf("flag", .boolean, optional: false),
        ]
        for compression in Self.compressions {
            var parquet = ParquetCase(fields: fields, rows: rows)
            parquet.options.compression = compression
            // fastparquet returns nulls when PLAIN pages follow pages with indices, for files of pyarrow too: `message`
            // loses its dictionary in the first page.
            parquet.options.pageRows = 5000
            try Self.check(parquet, readers: ["pyarrow", "duckdb", "polars", "fastparquet"])
        }
    }

    @Test func noRowsAtAll() throws { try Self.check(ParquetCase(fields: Self.flat, rows: [])) }

    @Test func theExampleOfTheDocumentation() throws {
        try Self.check(ParquetCase(fields: ParquetWriterTests.example, rows: ParquetWriterTests.exampleRows))
    }

    @Test(arguments: compressions)
    func nestedGroupsAndLists(_ compression: ParquetCompression) throws {
        let fields: [ParquetField] = [
            .group(
                "a",
                [
                    .group("b", [.group("c", [.leaf("d", .string), .leaf("e", .int64)]), .leaf("f", .boolean)]),
                    .group("g", optional: false, [.leaf("h", .int32)]),
                ]),
            .list("words", .leaf("x", .string)),
            .list("needed", optional: false, .leaf("x", .int64, optional: false)),
            .list(
                "records",
                .group(
                    "x",
                    [
                        .leaf("name", .string), .list("ports", .leaf("x", .int32)),
                        .list("grid", .list("x", .leaf("y", .double))),
                    ])),
        ]
        func record(_ name: ParquetValue, _ ports: ParquetValue, _ grid: ParquetValue) -> ParquetValue {
            .object([("name", name), ("ports", ports), ("grid", grid)])
        }
        func c(_ d: ParquetValue, _ e: ParquetValue) -> ParquetValue { .object([("d", d), ("e", e)]) }
        func a(_ b: ParquetValue, _ h: ParquetValue) -> ParquetValue {
            .object([("b", b), ("g", .object([("h", h)]))])
        }
        var rows: [[ParquetValue]] = [
            [.null, .null, .list([]), .null],
            [a(.null, .null), .list([]), .list([.int(1)]), .list([])],
            [
                a(.object([("c", .null), ("f", .bool(true))]), .int(1)), .list([.null]), .list([.int(1), .int(2)]),
                .list([.null]),
            ],
            [
                a(.object([("c", c(.null, .null)), ("f", .null)]), .null), .list([.text("x"), .null, .text("")]),
                .list([]),
                .list([record(.null, .null, .null), .null, record(.text("n"), .list([]), .list([]))]),
            ],
            [
                a(.object([("c", c(.text("d"), .int(.min))), ("f", .bool(false))]), .int(-5)), .list([.text("é")]),
                .list([]),
                .list([
                    record(
                        .text("a"), .list([.int(1), .null, .int(3)]),
                        .list([.list([.double(1), .null]), .null, .list([])])),
                    record(.text("b"), .list([.null]), .list([.list([.double(2)]), .list([.double(3), .double(4)])])),
                ]),
            ],
        ]
        var parquet = ParquetCase(fields: fields, rows: rows)
        parquet.options.compression = compression
        try Self.check(parquet)
        for _ in 0..<7 { rows += rows }
        parquet.rows = rows
        parquet.options.pageRows = 37
        parquet.groupRows = 300
        try Self.check(parquet)
    }

    @Test func aColumnWithoutEntriesIsNullAtTheTop() throws {
        // Only the first column gets entries; the others are filled in over several pages.
        struct Sparse {
            static let fields: [ParquetField] = [
                .leaf("n", .int64), .group("g", [.leaf("s", .string)]), .list("l", .leaf("x", .string)),
                .leaf("late", .string),
            ]
        }
        let count = 1000
        var options = ParquetOptions()
        options.pageRows = 64
        var parquet = ParquetCase(fields: Sparse.fields, rows: [], options: options)
        for row in 0..<count {
            parquet.rows.append([.int(Int64(row)), .null, .null, row == count - 2 ? .text("x") : .null])
        }
        var writer = ParquetWriter(schema: try ParquetSchema(Sparse.fields.map(\.node)), options: options)
        var memory = ParquetMemory()
        for row in 0..<count {
            writer.append(int: Int64(row), to: 0)
            if row == count - 2 { writer.append(text: "x", to: 3) }
            writer.endRow()
        }
        try writer.finish(to: &memory)
        #expect(try memory.content.bytes.array == parquet.file())
        try Self.check(parquet)
    }

    @Test func illFormedTextIsRepaired() throws {
        var writer = ParquetWriter(schema: try ParquetSchema([.leaf("s", .string)]))
        var memory = ParquetMemory()
        for _ in 0..<3 {
            writer.append(bytes: ([0x61, 0xFF, 0x62] as [UInt8]).span.bytes, to: 0)
            writer.endRow()
        }
        try writer.finish(to: &memory)
        let want = ParquetCase(fields: [.leaf("s", .string)], rows: Array(repeating: [.text("a\u{FFFD}b")], count: 3))
        #expect(try memory.content.bytes.array == want.file())
        try Self.check(want)
    }

    @Test(arguments: compressions)
    func longColumnsHavePagesOfLimitedSize(_ compression: ParquetCompression) throws {
        var seed = ParquetRandom(state: 7)
        let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789äß世🛰️")
        let rows: [[ParquetValue]] = (0..<3000).map { row in
            let length = Int.random(in: 0...2000, using: &seed)
            let text = String((0..<length).map { _ in letters[Int.random(in: 0..<letters.count, using: &seed)] })
            return [.text(text), .list((0..<row % 5).map { .text("\(text.prefix(100))\($0)") })]
        }
        var parquet = ParquetCase(fields: [.leaf("raw", .json), .list("parts", .leaf("x", .string))], rows: rows)
        parquet.options.compression = compression
        try Self.check(parquet)
        let pages = try ParquetPage.all(parquet)
        #expect(pages.filter { $0.path == "raw" }.count > 2)
        #expect(pages.allSatisfy { $0.uncompressed <= 1_000_000 })
        #expect(pages.allSatisfy { $0.encoding == "PLAIN" && $0.type == "data" })
    }

    @Test func aDictionaryIsGivenUpWhenItGrows() throws {
        // Few values at first, then only new ones: pages with indices, then PLAIN pages.
        var parquet = ParquetCase(fields: [.leaf("s", .string), .leaf("n", .int64), .leaf("r", .double)], rows: [])
        for row in 0..<30_000 {
            let number = row < 12_000 ? row % 100 : row
            parquet.rows.append([
                number % 11 == 3 ? .null : .text("a value with number \(number)"), .int(Int64(number) * 1_000_003),
                .double(Double(number) / 4),
            ])
        }
        parquet.options.pageRows = 2500
        try Self.check(parquet)
        let pages = try ParquetPage.all(parquet)
        for path in ["s", "n", "r"] {
            let mine = pages.filter { $0.path == path }
            #expect(mine.first?.type == "dictionary")
            #expect(mine.contains { $0.type == "data" && $0.encoding == "RLE_DICTIONARY" })
            #expect(mine.contains { $0.type == "data" && $0.encoding == "PLAIN" })
        }
        parquet.options.dictionaryBytes = 100
        try Self.check(parquet)
        parquet.rows = Array(parquet.rows.suffix(10_000))
        try Self.check(parquet)
        #expect(try ParquetPage.all(parquet).allSatisfy { $0.encoding == "PLAIN" && $0.type == "data" })
    }

    @Test func dictionariesOfManyWidths() throws {
        for count in [1, 2, 3, 16, 17, 255, 256, 257, 3000, 20_000] {
            var seed = ParquetRandom(state: UInt64(count))
            var parquet = ParquetCase(fields: [.leaf("s", .string), .leaf("n", .int32)], rows: [])
            for row in 0..<3 * count + 40 {
                let number = row < count ? row : Int.random(in: 0..<count, using: &seed) / 3 * 2 % count
                parquet.rows.append([.text("text \(number)"), .int(Int64(number))])
            }
            parquet.options.dictionaryTrial = .max
            try Self.check(parquet, readers: ["pyarrow", "duckdb"])
            #expect(try ParquetPage.all(parquet).contains { $0.encoding == "RLE_DICTIONARY" } == (count > 0))
        }
    }

    @Test func statisticsAreReadBack() throws {
        let long = String(repeating: "ü", count: 40)
        let top = String(repeating: "\u{10FFFF}", count: 20)
        var parquet = ParquetCase(
            fields: [
                .leaf("n", .int64), .leaf("b", .boolean), .leaf("s", .string), .leaf("long", .string),
                .leaf("top", .string),
                .leaf("none", .string), .leaf("document", .json), .list("l", .leaf("x", .int32)),
                .leaf("time", .timestampMillis),
            ],
            rows: [
                [
                    .int(5), .bool(false), .text("mid"), .text(long), .text(top), .null, .text("{}"),
                    .list([.int(3), .null]),
                    .int(2),
                ],
                [.int(.min), .bool(true), .text("Z"), .null, .null, .null, .text("{}"), .list([]), .int(1)],
                [.int(.max), .null, .text("é"), .null, .null, .null, .text("{}"), .null, .int(1)],
            ])
        parquet.options.createdBy = "penstock version 1.2.3"
        parquet.options.sorting = [
            ParquetSorting(column: 8), ParquetSorting(column: 0, descending: true, nullsFirst: true),
        ]
        parquet.metadata = [("ocsf.version", "1.8.0"), ("grün", "ja")]
        let footer = try ParquetFooter(parquet)
        #expect(footer.rows == 3)
        #expect(footer.created_by == "penstock version 1.2.3")
        #expect(footer.metadata == ["ocsf.version": "1.8.0", "grün": "ja"])
        #expect(
            footer.groups[0].sorting == [
                [.number(8), .yes(false), .yes(false)], [.number(0), .yes(true), .yes(true)],
            ])
        let columns = footer.groups[0].columns
        #expect(columns.map(\.nulls) == [0, 1, 0, 2, 2, 3, 0, 3, 0])
        #expect(columns.map(\.values) == [3, 3, 3, 3, 3, 3, 3, 4, 3])
        #expect(columns[0].min == .number(-9_223_372_036_854_775_808))
        #expect(columns[1].min == .yes(false) && columns[1].max == .yes(true))
        #expect(columns[2].min == .text("Z") && columns[2].max == .text("é"))
        #expect(columns[2].min_exact == true && columns[2].max_exact == true)
        #expect(columns[3].min == .text(String(repeating: "ü", count: 32)))
        #expect(columns[3].max == .text(String(repeating: "ü", count: 31) + "ý"))
        #expect(columns[3].min_exact == false && columns[3].max_exact == false)
        // No string of 64 bytes is above one of U+10FFFF only: pyarrow shows bounds only when it has both.
        #expect(columns[4].max == nil)
        #expect(columns[5].min == nil && columns[6].min == nil)
        #expect(columns[7].min == .number(3) && columns[7].max == .number(3))
        #expect(footer.schema[8].logical.contains("milliseconds") && footer.schema[8].converted == "TIMESTAMP_MILLIS")
        #expect(footer.schema[2].logical == "String" && footer.schema[2].converted == "UTF8")
        #expect(footer.schema[7].definition == 3 && footer.schema[7].repetition == 1)
        try Self.check(parquet)
    }
}

/// A scalar in what the oracle prints.
enum ParquetScalar: Decodable, Equatable {
    case yes(Bool)
    case number(Double)
    case text(String)

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
            self = .yes(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else {
            self = .text(try container.decode(String.self))
        }
    }
}

/// What pyarrow reads in a footer.
struct ParquetFooter: Decodable {
    struct Column: Decodable {
        var path: String
        var values: Int
        var nulls: Int?
        var min: ParquetScalar?
        var max: ParquetScalar?
        var min_exact: Bool?
        var max_exact: Bool?
    }
    struct Group: Decodable {
        var rows: Int
        var sorting: [[ParquetScalar]]
        var columns: [Column]
    }
    struct Line: Decodable {
        var logical: String
        var converted: String
        var definition: Int
        var repetition: Int
    }

    var rows: Int
    var created_by: String
    var metadata: [String: String]
    var groups: [Group]
    var schema: [Line]

    init(_ parquet: ParquetCase) throws {
        let answer = try ParquetOracle.withFiles(parquet) { file, _ in try ParquetOracle.run("footer", file) }
        self = try JSONDecoder().decode(ParquetFooter.self, from: Data(answer.text.utf8))
    }
}

/// A page header as the oracle reads it.
struct ParquetPage: Decodable {
    var path: String
    var type: String
    var encoding: String
    var uncompressed: Int
    var values: Int

    static func all(_ parquet: ParquetCase) throws -> [ParquetPage] {
        let answer = try ParquetOracle.withFiles(parquet) { file, _ in try ParquetOracle.run("pages", file) }
        return try answer.lines.map { try JSONDecoder().decode(ParquetPage.self, from: Data($0.utf8)) }
    }
}
