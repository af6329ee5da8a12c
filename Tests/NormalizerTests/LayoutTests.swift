// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Normalizer
import Testing
import Wire

/// What ``Row/layout`` promises: one number, one class, the same fields in the same order.
struct LayoutTests {
    /// The beginnings of lines of many products, again and again and in another order.
    @Test func oneNumberIsOneLayout() throws {
        var bench = try Bench(Places.mappings())
        let complaints = Complaints()
        let lines = try Places.mappings().flatMap { file in
            Element.documents(file.text, file: file.name, complaints: complaints).flatMap { root in
                root["samples"]?.items.compactMap { $0["input"]?.string } ?? []
            }
        }
        try #require(lines.count > 100)
        var layouts: [UInt32: (classUID: Int32, orders: [UInt64])] = [:]
        var numbered = 0
        for round in 0..<2 {
            for line in round == 0 ? lines : lines.reversed() {
                bench.batch.reset()
                let row = bench.take(line)
                guard row >= 0 else { continue }
                let found = bench.batch.rows[row]
                guard found.layout != 0 else { continue }
                numbered += 1
                let orders = bench.batch.entries(of: row).map { bench.batch.entries[$0].order }
                if let known = layouts[found.layout] {
                    #expect(known.classUID == found.classUID && known.orders == orders, "\(line)")
                } else {
                    layouts[found.layout] = (found.classUID, orders)
                }
                // At once again: it is remembered.
                let again = bench.take(line)
                #expect(bench.batch.rows[again].layout == found.layout, "\(line)")
            }
        }
        #expect(numbered > lines.count)
        #expect(layouts.count > 50)
    }
}
