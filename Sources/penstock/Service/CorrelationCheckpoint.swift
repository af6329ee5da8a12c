// SPDX-License-Identifier: Apache-2.0
internal import Store
internal import Wire

/// The state of all windows as it was kept in the store, with a place in the journal: hits of all frames before it are in.
/// Of those behind it some may be in; the correlator knows which and passes them over.
struct CorrelationCheckpoint {
    /// Its name in the store.
    private static let name = "correlator"

    /// By log of the journal: the next frame.
    var positions: [Int: UInt64]
    /// What ``Correlator/snapshot()`` gave.
    var state: [UInt8]

    /// The newest one, or nil when there is none that can be read.
    static func newest(_ store: StateStore) throws -> CorrelationCheckpoint? {
        guard let bytes = try store.look({ try $0.checkpoint(name) }) else { return nil }
        return read(bytes)
    }

    private static func read(_ bytes: [UInt8]) -> CorrelationCheckpoint? {
        var reader = ByteReader(bytes.span.bytes)
        do {
            var positions: [Int: UInt64] = [:]
            for _ in 0..<(try reader.u32()) { positions[Int(try reader.u32())] = try reader.u64() }
            return CorrelationCheckpoint(positions: positions, state: Array(bytes[reader.offset...]))
        } catch { return nil }
    }

    /// Takes the place of the one before.
    func keep(in store: StateStore) throws {
        var bytes: [UInt8] = []
        func put(_ number: UInt64, _ width: UInt64) {
            for index in 1...width {
                bytes.append(UInt8(truncatingIfNeeded: number >> (8 * (width - index))))
            }
        }
        put(UInt64(positions.count), 4)
        for (log, next) in positions.sorted(by: { $0.key < $1.key }) {
            put(UInt64(log), 4)
            put(next, 8)
        }
        bytes += state
        let value = bytes
        try store.change { try $0.setCheckpoint(CorrelationCheckpoint.name, value) }
    }
}
