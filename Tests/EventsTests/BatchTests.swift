// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Testing
import Wire

struct BatchTests {
    @Test func tableOrder() throws {
        var builder = FieldTable.Builder()
        for path in [
            "time", "src_endpoint.port", "evidences.src_endpoint.ip", "src_endpoint.ip", "unmapped.a.b",
            "src_endpoint.ip",
        ] {
            let isAdded = builder.add(path)
            #expect(isAdded)
        }
        let constant = builder.constant("text")
        let (again, count) = (builder.constant("text"), builder.count)
        #expect(again == constant && count == 10)
        let table = builder.build()
        #expect(
            table.fields.map(\.path) == [
                "evidences", "evidences.src_endpoint", "evidences.src_endpoint.ip", "src_endpoint", "src_endpoint.ip",
                "src_endpoint.port", "time", "unmapped", "unmapped.a", "unmapped.a.b",
            ])
        #expect(table.fields.map { Int($0.end) } == [3, 3, 3, 6, 5, 6, 7, 10, 10, 10])
        #expect(table.fields.map(\.depth) == [0, 1, 2, 0, 1, 1, 0, 0, 1, 2])
        #expect(table.fields.map(\.parent) == [nil, 0, 1, nil, 3, 3, nil, nil, 7, 8])
        #expect(table.fields[0].isArray && table.fields[2].arrayDepth == 1 && table.fields[4].arrayDepth == 0)
        #expect(
            table.fields[3].isContainer && table.fields[5].primitive == .integer && table.fields[9].primitive == nil)
        #expect(table.id("src_endpoint.ip") == 4 && table.id("src_endpoint.mac") == nil)
        #expect(table.text("text") == constant && table.text("other") == nil)
        #expect(table.fields[6].key == Array("\"time\":".utf8))
    }

    @Test func tableLimit() {
        var builder = FieldTable.Builder()
        var added = 0
        while added <= FieldTable.limit, builder.add("unmapped.f\(added)") { added += 1 }
        #expect(added == FieldTable.limit - 1)
        let count = builder.count
        #expect(count == FieldTable.limit && builder.build().fields.count == FieldTable.limit)
    }

    /// `endRow` sorts by field and position; of equal places the first put stands.
    @Test func endRow() throws {
        var builder = FieldTable.Builder()
        for path in ["activity_id", "message", "metadata.profiles", "time"] { builder.add(path) }
        let table = builder.build()
        func id(_ path: String) throws -> FieldID { try #require(table.id(path)) }
        var batch = Batch(table: table, lane: 3)
        let one = try #require(Entry.element(1))
        batch.beginRow(frame: 0, classUID: 1, time: 5)
        batch.put(.integer(try id("time"), 1))
        batch.put(.bytes(try id("metadata.profiles"), .text, batch.slab.append("b"), element: one))
        batch.put(.integer(try id("activity_id"), 7))
        batch.put(.integer(try id("time"), 2))
        batch.put(.bytes(try id("metadata.profiles"), .text, batch.slab.append("a")))
        batch.put(.integer(try id("activity_id"), 8))
        batch.endRow(sequence: 42)
        #expect(
            batch.entries.map(\.field) == [
                try id("activity_id"), try id("metadata.profiles"), try id("metadata.profiles"), try id("time"),
            ])
        #expect(
            batch.text("activity_id", in: 0) == "7" && batch.integer("time", in: 0) == 1
                && batch.text("message", in: 0) == nil)
        #expect(batch.text("metadata.profiles", in: 0) == "a" && batch.rows[0].sequence == 42)

        batch.beginRow(frame: 1, classUID: 2, time: 6)
        batch.put(.boolean(try id("message"), true))
        batch.endRow()
        #expect(
            batch.rows[1].classUID == 2 && batch.rows[1].time == 6 && batch.entries(of: 1) == 4..<5 && batch.lane == 3)
        #expect(batch.text("message", in: 1) == "true" && batch.text("message", in: 0) == nil)
        batch.reset()
        let isEmpty = batch.rows.isEmpty && batch.entries.isEmpty && batch.frames.isEmpty && batch.slab.count == 0
        #expect(isEmpty)
    }

    /// Random puts agree with a stable sort that keeps the first of equal places.
    @Test func randomRows() throws {
        var builder = FieldTable.Builder()
        let names = (10..<22).map { "unmapped.f\($0)" }
        for name in names { builder.add(name) }
        let table = builder.build()
        let ids = names.compactMap { table.id($0) }
        var random = Random(3)
        var batch = Batch(table: table)
        for row in 0..<500 {
            var model: [FieldID: Int64] = [:]
            batch.beginRow(frame: row, classUID: 0, time: 0)
            for number in 0..<Int64.random(in: 0...30, using: &random) {
                let id = ids[Int.random(in: 0..<ids.count, using: &random)]
                batch.put(.integer(id, number))
                if model[id] == nil { model[id] = number }
            }
            batch.endRow()
            let found = batch.entries(of: row).map { batch.entries[$0] }
            #expect(
                found.map(\.field) == model.keys.sorted()
                    && found.map(\.integer) == model.sorted { $0.key < $1.key }.map(\.value))
            for id in ids { #expect(batch.find(id, in: row)?.integer == model[id]) }
        }
    }

    /// The elements of long arrays come one after the other, or all fields of an element at once: the time does not grow
    /// with the square of their number.
    @Test func longArrays() throws {
        var builder = FieldTable.Builder()
        let names = (10..<30).map { "unmapped.f\($0)" }
        for name in names { builder.add(name) }
        let table = builder.build()
        let ids = names.compactMap { table.id($0) }
        var batch = Batch(table: table)
        let start = BatchTests.seconds()
        for row in 0..<2 {
            batch.beginRow(frame: row, classUID: 0, time: 0)
            for number in 0..<ids.count * 4_000 {
                let (field, position) =
                    row % 2 == 0 ? number.quotientAndRemainder(dividingBy: 4_000) : (number % 20, number / 20)
                let element = try #require(Entry.element(position))
                // Twice at one place: the first stands.
                for value in [1, 2] where value == 1 || position % 7 == 0 {
                    batch.put(.integer(ids[ids.count - 1 - field], Int64(number * value), element: element))
                }
            }
            batch.endRow()
            let found = batch.entries(of: row).map { batch.entries[$0] }
            #expect(found.count == ids.count * 4_000)
            let isSorted = zip(found, found.dropFirst()).allSatisfy { $0.order < $1.order }
            let isFirst = found.allSatisfy { entry in
                let field = ids.count - 1 - (ids.firstIndex(of: entry.field) ?? 0)
                let position = Int(Entry.position(entry.element, level: 0))
                return entry.integer == Int64(row % 2 == 0 ? field * 4_000 + position : position * 20 + field)
            }
            #expect(isSorted && isFirst)
        }
        // A second without optimization; with the square it was six with it.
        #expect(BatchTests.seconds() - start < 4)
    }

    /// CPU seconds of this thread: what a shared machine does meanwhile does not count.
    private static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    @Test func elements() throws {
        let element = try #require(Entry.element(4095, 1023, 1023))
        #expect((0...2).map { Entry.position(element, level: $0) } == [4095, 1023, 1023])
        #expect(
            Entry.element(4096) == nil && Entry.element(0, 1024) == nil && Entry.element(0, 0, 1024) == nil
                && Entry.element(-1) == nil)
        let other = try #require(Entry.element(1, 2, 3))
        #expect(
            Entry.prefix(other, levels: 1) == Entry.element(1) && Entry.prefix(other, levels: 2) == Entry.element(1, 2))
        #expect(
            Entry.prefix(other, levels: 0) == 0 && Entry.prefix(other, levels: 3) == other
                && MemoryLayout<Entry>.stride == 16)
    }
}
