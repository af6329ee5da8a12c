// SPDX-License-Identifier: Apache-2.0
import Events
import Foundation
import Instruments
import Sensor
import Testing
import Wire

/// Records become frames of batches, whatever the size of the batches.
struct SensorSourceTests {
    /// All frames of a file as bytes, read in portions of `limit` packets.
    private func frames(_ path: String, limit: Int, _ instruments: SensorInstruments? = nil) throws -> [[UInt8]] {
        var source = SensorSource(file: try CaptureFile(path: path), listener: 3, instruments: instruments)
        var batch = Batch(table: SensorSourceTests.table)
        var all: [[UInt8]] = []
        var progress = SensorSource.Progress.more
        while progress == .more {
            progress = try source.read(into: &batch, packets: limit)
            for frame in batch.frames {
                #expect(frame.transport == .sensor)
                #expect(frame.listener == 3)
                #expect(frame.received >= CaptureWriter.start / 1000 * 1000)
                all.append(batch.slab.bytes(frame.extent).array)
            }
            batch.reset()
        }
        #expect(progress == .ended)
        #expect(try source.read(into: &batch, packets: limit) == .ended)
        return all
    }

    static let table = FieldTable.Builder().build()

    @Test func batchSizesDoNotMatter() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let path = try scratch.write("capture", CaptureWriter(transactions: 50).file(.nanoseconds))
        let whole = try frames(path, limit: 1000)
        // 50 transactions, the flow's begin and its end.
        #expect(whole.count == 52)
        for limit in [1, 7, 100] { #expect(try frames(path, limit: limit) == whole) }
    }

    @Test func countersFollow() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let path = try scratch.write("capture", CaptureWriter(transactions: 50).file(.nanoseconds))
        let registry = Registry()
        _ = try frames(path, limit: 7, SensorInstruments(registry: registry, source: "test"))
        #expect(registry.total("penstock_sensor_packets_total") == 100)
        #expect(registry.total("penstock_sensor_decoded_packets_total") == 100)
        #expect(registry.total("penstock_sensor_pdus_total") == 100)
        #expect(registry.total("penstock_sensor_records_total") == 52)
        #expect(registry.total("penstock_sensor_flows_total") == 1)
    }

    @Test func aBrokenFileGivesItsRecordsAndThrows() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        var bytes = CaptureWriter(transactions: 5).file(.microseconds)
        bytes.removeLast(30)
        var source = SensorSource(file: try CaptureFile(path: try scratch.write("cut", bytes)))
        var batch = Batch(table: SensorSourceTests.table)
        var error: CaptureError?
        do {
            _ = try source.read(into: &batch)
        } catch let thrown {
            error = thrown
        }
        #expect(error?.packets == 9)
        #expect(batch.frames.count == 7)
        #expect(try source.read(into: &batch) == .ended)
    }
}
