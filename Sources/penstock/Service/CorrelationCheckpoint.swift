// SPDX-License-Identifier: Apache-2.0
internal import Correlator
internal import Store
internal import Wire

/// The state of all windows as it was kept in the store, with a place in the journal: hits of all frames before it are in.
/// Of those behind it some may be in; the correlator knows which and passes them over.
///
/// The state is as large as memory allows. It goes into the store in parts, all in one transaction, and comes out of it in
/// parts again: no second copy is ever made of it.
struct CorrelationCheckpoint {
    /// Its name in the store.
    private static let name = "correlator"

    /// By log of the journal: the next frame.
    var positions: [Int: UInt64]
    /// The state, where an earlier version has kept it as one value.
    private var whole: [UInt8]
    private let store: StateStore

    /// The newest one, or nil when there is none that can be read.
    static func newest(_ store: StateStore) throws -> CorrelationCheckpoint? {
        guard let bytes = try store.look({ try $0.checkpoint(name) }) else { return nil }
        var reader = ByteReader(bytes.span.bytes)
        do {
            var positions: [Int: UInt64] = [:]
            for _ in 0..<(try reader.u32()) { positions[Int(try reader.u32())] = try reader.u64() }
            return CorrelationCheckpoint(
                positions: positions, whole: Array(bytes[reader.offset...]), store: store)
        } catch { return nil }
    }

    /// Puts its state into a correlator; see ``Correlator/restore(size:now:_:)``.
    func restore(_ correlator: inout Correlator, now: Int64) throws -> [String] {
        guard whole.isEmpty else { return try correlator.restore(whole, now: now) }
        let name = CorrelationCheckpoint.name
        // What is wrong with the state is no fault of the store's.
        let outcome = try store.look { view -> Result<[String], Correlator.SnapshotFault> in
            var part = 0
            let size = try view.checkpointPartBytes(name)
            do throws(Correlator.SnapshotFault) {
                return .success(
                    try correlator.restore(size: size, now: now) {
                        defer { part += 1 }
                        return try view.checkpoint(name, part: part)
                    })
            } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    /// Keeps the state of a correlator, in place of the one before.
    ///
    /// - Returns: how many bytes it takes.
    static func keep(_ correlator: Correlator, _ positions: [Int: UInt64], in store: StateStore) throws -> Int {
        var head: [UInt8] = []
        func put(_ number: UInt64, _ width: UInt64) {
            for index in 1...width {
                head.append(UInt8(truncatingIfNeeded: number >> (8 * (width - index))))
            }
        }
        put(UInt64(positions.count), 4)
        for (log, next) in positions.sorted(by: { $0.key < $1.key }) {
            put(UInt64(log), 4)
            put(next, 8)
        }
        let positions = head
        return try store.change { change in
            var (parts, size) = (0, positions.count)
            try change.setCheckpoint(name, positions)
            try correlator.snapshot { piece in
                try change.setCheckpoint(name, part: parts, piece)
                parts += 1
                size += piece.count
            }
            try change.endCheckpoint(name, parts: parts)
            return size
        }
    }
}
