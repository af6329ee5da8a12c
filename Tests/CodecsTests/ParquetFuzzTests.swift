// SPDX-License-Identifier: Apache-2.0
import Codecs
import Foundation
import Testing

@Suite struct ParquetFuzzTests {
    /// A random schema of at most `depth` levels.
    static func field(_ name: String, depth: Int, _ seed: inout ParquetRandom) -> ParquetField {
        let optional = Int.random(in: 0..<4, using: &seed) != 0
        switch depth > 0 ? Int.random(in: 0..<4, using: &seed) : 0 {
        case 2:
            let count = Int.random(in: 1...3, using: &seed)
            return .group(
                name, optional: optional, (0..<count).map { field("f\($0)", depth: depth - 1, &seed) })
        case 3:
            return .list(name, optional: optional, field("element", depth: depth - 1, &seed))
        default:
            let types: [ParquetType] = [.boolean, .int32, .int64, .double, .string, .timestampMillis, .json]
            return .leaf(name, types[Int.random(in: 0..<types.count, using: &seed)], optional: optional)
        }
    }

    /// A random value of a field; `variety` is the number of different values of a leaf.
    static func value(_ field: ParquetField, variety: Int64, _ seed: inout ParquetRandom) -> ParquetValue {
        func isNull(_ optional: Bool) -> Bool { optional && Int.random(in: 0..<4, using: &seed) == 0 }
        switch field {
        case .leaf(_, let type, let optional):
            if isNull(optional) { return .null }
            let number = Int64.random(in: 0..<variety, using: &seed)
            switch type {
            case .boolean: return .bool(number % 2 == 0)
            case .int32: return .int(number - 100)
            case .int64: return .int(number &* 0x1234_5678_9ABC_DEF1)
            case .timestampMillis: return .int(1_700_000_000_000 + number)
            case .double: return .double(Double(number) / 3)
            case .string, .json: return .text(String(repeating: "é\(number)", count: Int(number % 9)))
            }
        case .group(_, let optional, let fields):
            if isNull(optional) { return .null }
            return .object(fields.map { ($0.name, value($0, variety: variety, &seed)) })
        case .list(_, let optional, let element):
            if isNull(optional) { return .null }
            return .list((0..<Int.random(in: 0...3, using: &seed)).map { _ in value(element, variety: variety, &seed) })
        }
    }

    /// Random schemas, rows and layouts.
    static func parquet(_ number: Int, rows: Int) -> ParquetCase {
        var seed = ParquetRandom(state: UInt64(number) &* 7919 &+ 1)
        let fields = (0..<Int.random(in: 1...5, using: &seed)).map { field("c\($0)", depth: 4, &seed) }
        let variety = [2, 50, 100_000][Int.random(in: 0..<3, using: &seed)] as Int64
        var parquet = ParquetCase(fields: fields, rows: [])
        for _ in 0..<rows { parquet.rows.append(fields.map { value($0, variety: variety, &seed) }) }
        parquet.options.compression = ParquetOracleTests.compressions[number % 3]
        parquet.options.pageRows = Int.random(in: 1...200, using: &seed)
        parquet.options.pageBytes = Int.random(in: 1...2000, using: &seed)
        parquet.options.dictionaryBytes = Int.random(in: 0...1000, using: &seed)
        parquet.options.dictionaryTrial = Int.random(in: 0...100, using: &seed)
        parquet.groupRows = Int.random(in: 1...rows, using: &seed)
        return parquet
    }

    @Test(.enabled(if: ParquetOracle.isThere, "needs pyarrow and duckdb"), arguments: 0..<12)
    func randomFilesReadBack(_ number: Int) throws {
        try ParquetOracleTests.check(Self.parquet(number, rows: 300))
    }

    /// Arbitrary calls, right or wrong, end in a file or an error, never in a trap.
    @Test func arbitraryCallsNeverTrap() throws {
        var finished = 0
        var faults = 0
        for number in 0..<200 {
            var seed = ParquetRandom(state: UInt64(number))
            let parquet = Self.parquet(number, rows: 1)
            var writer = ParquetWriter(schema: try ParquetSchema(parquet.fields.map(\.node)), options: parquet.options)
            var memory = ParquetMemory()
            // Half of the runs are mostly right, so that some reach the end.
            let shredder = ParquetShredder(fields: parquet.fields)
            for _ in 0..<200 {
                let column = Int.random(in: -1...writer.schema.leaves.count, using: &seed)
                let repetition = Int.random(in: -1...3, using: &seed)
                switch Int.random(in: 0..<(number % 2 == 0 ? 4000 : 12), using: &seed) {
                case 0: writer.append(bool: true, to: column, repetition: repetition)
                case 1:
                    writer.append(
                        int: Int64.random(in: .min ... .max, using: &seed), to: column, repetition: repetition)
                case 2:
                    writer.append(double: Double.random(in: -1...1, using: &seed), to: column, repetition: repetition)
                case 3:
                    let bytes = (0..<Int.random(in: 0..<40, using: &seed)).map { _ in
                        UInt8.random(in: 0...255, using: &seed)
                    }
                    writer.append(bytes: bytes.span.bytes, to: column, repetition: repetition)
                case 4:
                    writer.appendNull(
                        to: column, definition: Int.random(in: -1...9, using: &seed), repetition: repetition)
                case 5: writer.endRow()
                case 6: try? writer.finishRowGroup(to: &memory)
                default: shredder.append(parquet.rows[0], to: &writer)
                }
            }
            if writer.fault == nil { finished += 1 } else { faults += 1 }
            try? writer.finish(to: &memory)
            writer.reset()
            try writer.finish(to: &memory)
        }
        #expect(finished > 10 && faults > 10)
    }
}
