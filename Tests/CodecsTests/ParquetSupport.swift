// SPDX-License-Identifier: Apache-2.0
import Codecs
import Foundation
import Wire

/// A field of a test's schema, from which both the Parquet schema and the entries of a row are made.
indirect enum ParquetField: Sendable {
    case leaf(String, ParquetType, optional: Bool = true)
    case group(String, optional: Bool = true, [ParquetField])
    case list(String, optional: Bool = true, ParquetField)

    var node: ParquetNode {
        switch self {
        case .leaf(let name, let type, let optional): .leaf(name, type, optional: optional)
        case .group(let name, let optional, let fields): .group(name, optional: optional, fields.map(\.node))
        case .list(let name, let optional, let element): .list(name, optional: optional, of: element.node)
        }
    }

    var name: String {
        switch self {
        case .leaf(let name, _, _), .group(let name, _, _), .list(let name, _, _): name
        }
    }
}

/// A value of a row; its description is JSON.
indirect enum ParquetValue: CustomStringConvertible, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case text(String)
    case list([ParquetValue])
    case object([(String, ParquetValue)])

    var description: String {
        switch self {
        case .null: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .int(let value): return "\(value)"
        case .double(let value):
            if value.isNaN { return "\"NaN\"" }
            if value.isInfinite { return value > 0 ? "\"Infinity\"" : "\"-Infinity\"" }
            return "\(value)"
        case .text(let value): return Self.quoted(value)
        case .list(let values): return "[" + values.map(\.description).joined(separator: ",") + "]"
        case .object(let members):
            return "{" + members.map { Self.quoted($0) + ":" + $1.description }.joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case _ where scalar.value < 0x20: out += String(format: "\\u%04x", scalar.value)
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}

/// Takes rows apart into entries, in the plainest way.
struct ParquetShredder {
    let fields: [ParquetField]

    func append(_ row: [ParquetValue], to writer: inout ParquetWriter) {
        var column = 0
        for (field, value) in zip(fields, row) { shred(field, value, &column, 0, 0, 0, &writer) }
        writer.endRow()
    }

    private func shred(
        _ field: ParquetField, _ value: ParquetValue, _ column: inout Int, _ definition: Int, _ repetition: Int,
        _ depth: Int,
        _ writer: inout ParquetWriter
    ) {
        if case .null = value {
            let count = field.node.leafCount
            writer.appendNull(to: column..<column + count, definition: definition, repetition: repetition)
            column += count
            return
        }
        switch (field, value) {
        case (.leaf, _):
            switch value {
            case .bool(let value): writer.append(bool: value, to: column, repetition: repetition)
            case .int(let value): writer.append(int: value, to: column, repetition: repetition)
            case .double(let value): writer.append(double: value, to: column, repetition: repetition)
            case .text(let value): writer.append(text: value, to: column, repetition: repetition)
            default: fatalError("no value of a leaf: \(value)")
            }
            column += 1
        case (.group(_, let optional, let fields), .object(let members)):
            for (field, member) in zip(fields, members) {
                shred(field, member.1, &column, definition + (optional ? 1 : 0), repetition, depth, &writer)
            }
        case (.list(_, let optional, let element), .list(let values)):
            let start = column
            let present = definition + (optional ? 1 : 0)
            column += element.node.leafCount
            if values.isEmpty {
                writer.appendNull(to: start..<column, definition: present, repetition: repetition)
            }
            for (index, value) in values.enumerated() {
                var place = start
                shred(
                    element, value, &place, present + 1, index == 0 ? repetition : depth + 1, depth + 1, &writer)
            }
        default: fatalError("\(value) is no \(field)")
        }
    }
}

/// Rows and the Parquet file made of them.
struct ParquetCase {
    var fields: [ParquetField]
    var rows: [[ParquetValue]]
    var options = ParquetOptions()
    var metadata: [(key: String, value: String)] = []
    /// The rows of a row group.
    var groupRows = Int.max

    func file() throws -> [UInt8] {
        let shredder = ParquetShredder(fields: fields)
        var writer = ParquetWriter(schema: try ParquetSchema(fields.map(\.node)), options: options)
        writer.metadata = metadata
        var memory = ParquetMemory()
        for row in rows {
            shredder.append(row, to: &writer)
            if writer.rowCount == groupRows { try writer.finishRowGroup(to: &memory) }
        }
        try writer.finish(to: &memory)
        return memory.content.bytes.array
    }

    var expected: String {
        rows.map { row in "\(ParquetValue.object(Array(zip(fields.map(\.name), row))))\n" }.joined()
    }
}

/// The Python readers that judge the files.
enum ParquetOracle {
    static let python = ProcessInfo.processInfo.environment["PENSTOCK_PYTHON"] ?? "python3"
    static let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "parquet_oracle.py").path
    static let readers: Set<String> = {
        guard let answer = try? run("modules"), answer.status == 0 else { return [] }
        return Set(answer.lines)
    }()
    static var isThere: Bool { readers.isSuperset(of: ["pyarrow", "duckdb"]) }

    struct Answer {
        var status: Int32
        var text: String
        var lines: [String] { text.split(separator: "\n").map(String.init) }
    }

    static func run(_ arguments: String...) throws -> Answer { try run(arguments) }

    static func run(_ arguments: [String]) throws -> Answer {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [python, script] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Answer(status: process.terminationStatus, text: String(decoding: data, as: UTF8.self))
    }

    /// Writes the case's file and calls `body` with its path and the path of the expected rows.
    static func withFiles<Result>(_ parquet: ParquetCase, _ body: (String, String) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "penstock-parquet-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "file.parquet")
        let expected = folder.appending(path: "expected.ndjson")
        try Data(parquet.file()).write(to: file)
        try Data(parquet.expected.utf8).write(to: expected)
        return try body(file.path, expected.path)
    }
}

/// A generator that gives the same numbers in each run.
struct ParquetRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
