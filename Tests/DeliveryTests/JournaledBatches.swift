// SPDX-License-Identifier: Apache-2.0
import Delivery
import Events
import Foundation
import Wire

/// Batches as lanes make them of journaled frames: event number `n` is made of frame `n` of its log.
enum Journaled {
    static let table: FieldTable = {
        var builder = FieldTable.Builder()
        for path in ["class_uid", "message", "severity_id", "time"] { builder.add(path) }
        return builder.build()
    }()

    /// The frames `range` of a log; those in `without` made no event. `padding` bytes make events large.
    static func batch(
        _ range: Range<Int>, log: Int = 0, gap: UInt64? = nil, padding: Int = 0, without: Set<Int> = []
    ) -> Batch {
        var batch = Batch(table: table, lane: log)
        for number in range {
            batch.append(Array("raw \(number)".utf8).span.bytes, received: 1, transport: .udp)
            guard !without.contains(number), let message = table.id("message") else { continue }
            batch.beginRow(frame: number - range.lowerBound, classUID: 4001, time: 1_767_323_045_678_000_000)
            // Padding that a compressor does not take away.
            var random = UInt64(number) &* 0x9E37_79B9_7F4A_7C15 | 1
            var text = "line \(number)"
            if padding > 0 { text += " " }
            for _ in 0..<padding {
                random ^= random << 13
                random ^= random >> 7
                random ^= random << 17
                text.unicodeScalars.append(Unicode.Scalar(UInt8(97 + random % 26)))
            }
            let extent = batch.slab.append(Array(text.utf8).span.bytes)
            batch.put(.bytes(message, .text, extent))
            batch.endRow(sequence: UInt64(number))
        }
        var position = JournalPosition(log: log, first: UInt64(range.lowerBound), epoch: 1)
        position.gap = gap
        batch.position = position
        return batch
    }

    /// The numbers of the events in a feed's lines, in their order.
    static func numbers(_ text: String) -> [Int] {
        text.split(separator: "\n").compactMap { line in
            guard let start = line.range(of: "line ")?.upperBound else { return nil }
            return Int(line[start...].prefix { $0.isNumber })
        }
    }
}
