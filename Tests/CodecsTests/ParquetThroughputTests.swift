// SPDX-License-Identifier: Apache-2.0
import Codecs
import Foundation
import Testing
import Wire

/// Prints figures; run with PENSTOCK_MEASURE=1 and -c release.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["PENSTOCK_MEASURE"] != nil))
struct ParquetThroughputTests {
    /// 30 columns, as of an event of about 600 bytes: 24 strings of few values, numbers, a time and one message.
    @Test(arguments: [ParquetCompression.none, .snappy, .zstd(level: 3), .zstd(level: 1)])
    func rowsPerSecond(_ compression: ParquetCompression) throws {
        var nodes: [ParquetNode] = [
            .leaf("time", .int64, optional: false), .leaf("time_dt", .timestampMillis), .leaf("message", .string),
            .leaf("severity_id", .int32, optional: false), .leaf("port", .int32), .leaf("is_alert", .boolean),
        ]
        nodes += (0..<6).map { group in
            .group("g\(group)", (0..<4).map { .leaf("s\($0)", .string) })
        }
        var options = ParquetOptions()
        options.compression = compression
        var seed = ParquetRandom(state: 1)
        var pool = Slab()
        var words: [[Extent]] = []
        for column in 0..<24 {
            let count = [4, 20, 200, 3000][column % 4]
            words.append((0..<count).map { pool.append("c\(column)-value-\($0 &* 7919 % 65_536)-x") })
        }
        let messages = (0..<20_000).map { number in
            pool.append(
                "Accepted publickey for user\(number % 50) from 10.1.\(number % 250).\(number % 99) port \(number) "
                    + "ssh2: ED25519 SHA256:\(UInt64.random(in: 0 ... .max, using: &seed))")
        }
        let choices = (0..<65_536).map { _ in Int.random(in: 0..<1_000_000, using: &seed) }
        let rows = 400_000
        var writer = ParquetWriter(schema: try ParquetSchema(nodes), options: options)
        var memory = ParquetMemory(capacity: 64 << 20)
        var bytes = 0
        let clock = ContinuousClock()
        let start = clock.now
        for row in 0..<rows {
            writer.append(int: 1_700_000_000_000 + Int64(row / 3), to: 0)
            writer.append(int: 1_700_000_000_000 + Int64(row / 3), to: 1)
            let message = messages[row % messages.count]
            writer.append(bytes: pool.bytes(message), to: 2)
            bytes += Int(message.length) + 16
            writer.append(int: Int64(row % 5), to: 3)
            writer.append(int: Int64(choices[row & 65_535] % 60_000), to: 4)
            writer.append(bool: row % 9 == 0, to: 5)
            for column in 0..<24 {
                let list = words[column]
                let word = list[choices[(row &* 31 &+ column) & 65_535] % list.count]
                writer.append(bytes: pool.bytes(word), to: 6 + column)
                bytes += Int(word.length)
            }
            writer.endRow()
        }
        try writer.finish(to: &memory)
        let seconds = (clock.now - start) / .seconds(1)
        print(
            "parquet \(compression): \(Int(Double(rows) / seconds)) rows/s, \(bytes / rows) B of values a row, "
                + "\(memory.content.count / rows) B a row in the file, \(Int(Double(bytes) / seconds / 1e6)) MB/s")
        #expect(memory.content.count > 0)
    }
}
