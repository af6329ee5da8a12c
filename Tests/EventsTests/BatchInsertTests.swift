// SPDX-License-Identifier: Apache-2.0
import Events
import Testing

/// What is inserted at a known place against what is put and sorted.
struct BatchInsertTests {
    private static let table: FieldTable = {
        var builder = FieldTable.Builder()
        for number in 10..<60 { builder.add("unmapped.f\(number)") }
        return builder.build()
    }()

    private static func row(_ fields: [FieldID], _ batch: inout Batch, layout: UInt32 = 7) {
        var row = Row(frame: -1, classUID: 0, time: 0, sequence: 5)
        row.layout = layout
        fields.map { Entry.integer($0, Int64($0)) }.withUnsafeBufferPointer { batch.append(row, entries: $0) }
    }

    private static func fields(_ batch: borrowing Batch) -> [FieldID] {
        batch.entries(of: batch.rows.count - 1).map { batch.entries[$0].field }
    }

    @Test func insertsWhereTold() {
        var state: UInt64 = 1
        func random(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        for _ in 0..<2000 {
            let own = (1..<50).filter { _ in random(2) == 0 }.map { FieldID($0) }
            let low = FieldID(random(50))
            let added = (low..<low + 6).filter { _ in random(2) == 0 }
            var batch = Batch(table: BatchInsertTests.table)
            BatchInsertTests.row([1, 2, 3], &batch)
            BatchInsertTests.row(own, &batch)
            // The right place, or any: it is looked at.
            let place =
                random(3) == 0
                ? random(60) - 5 : own.firstIndex { $0 >= added.first ?? 0 } ?? own.count
            let entries = added.map { Entry.integer($0, -1) }
            entries.withUnsafeBufferPointer { batch.insert($0, at: place) }
            #expect(BatchInsertTests.fields(batch) == Set(own).union(added).sorted())
            for index in batch.entries(of: 1) {
                let entry = batch.entries[index]
                #expect(entry.integer == (own.contains(entry.field) ? Int64(entry.field) : -1))
            }
            #expect(batch.rows[1].sequence == 5)
            #expect(batch.rows[1].layout == (added.isEmpty ? 7 : 0))
            #expect(batch.entries(of: 0) == 0..<3)
        }
    }

    @Test func whatWasPutSinceIsSortedToo() {
        var batch = Batch(table: BatchInsertTests.table)
        BatchInsertTests.row([5, 20], &batch)
        batch.put(.integer(10, 1))
        [Entry.integer(7, 1)].withUnsafeBufferPointer { batch.insert($0, at: 1) }
        #expect(BatchInsertTests.fields(batch) == [5, 7, 10, 20])
        batch.put(.integer(6, 1))
        batch.endRow()
        #expect(BatchInsertTests.fields(batch) == [5, 6, 7, 10, 20])
        #expect(batch.rows[0].layout == 0)
    }
}
