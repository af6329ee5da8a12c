// SPDX-License-Identifier: Apache-2.0
internal import Events

/// Writes a snapshot in pieces, so that the state is never held twice. A hit that several groups hold stands in it once,
/// where it is first needed.
struct SnapshotWriter {
    /// About how long a piece is.
    private static let pieceSize = 1 << 20

    private let held: HeldHits
    private var piece: [UInt8] = []
    /// By number among ``HeldHits``: its number in the snapshot, or -1.
    private var numbers: [Int32]
    private var hits: Int32 = 0

    init(_ held: HeldHits) {
        self.held = held
        numbers = [Int32](repeating: -1, count: held.capacity)
        piece.reserveCapacity(SnapshotWriter.pieceSize + 65_536)
    }

    mutating func put(_ number: UInt64) { withUnsafeBytes(of: number.littleEndian) { piece.append(contentsOf: $0) } }
    mutating func put(_ number: Int64) { put(UInt64(bitPattern: number)) }
    mutating func put(_ number: Int) { put(UInt64(bitPattern: Int64(number))) }
    mutating func put(_ flag: Bool) { piece.append(flag ? 1 : 0) }
    mutating func put(_ bytes: [UInt8]) {
        put(bytes.count)
        piece += bytes
    }
    mutating func put(_ text: String) {
        put(text.utf8.count)
        piece.append(contentsOf: text.utf8)
    }

    /// A hit by its number in the snapshot, -1 for none; behind a new number stands the hit itself.
    mutating func put(hit number: UInt32) {
        guard let hit = held[number]?.packed.hit else { return put(-1) }
        let known = numbers[Int(number)]
        guard known < 0 else { return put(Int(known)) }
        numbers[Int(number)] = hits
        put(Int(hits))
        hits += 1
        put(hit)
    }

    private mutating func put(_ hit: Hit) {
        put(hit.rules.count)
        for rule in hit.rules { put(rule) }
        put(hit.uid)
        put(hit.time)
        put(hit.received)
        put(hit.event)
        put(hit.evidence.count)
        for evidence in hit.evidence {
            put(evidence.kind.rawValue)
            put(evidence.bytes)
            put(evidence.received)
            put(evidence.collector)
            put(evidence.peer)
        }
        put(hit.position == nil ? 0 : 1)
        if let position = hit.position {
            put(position.log)
            put(position.first)
            put(Int(position.epoch))
        }
    }

    /// Hands a piece on when it is long enough, or when it is the last.
    mutating func drain(isLast: Bool = false, _ sink: ([UInt8]) throws -> Void) rethrows {
        guard piece.count >= SnapshotWriter.pieceSize || (isLast && !piece.isEmpty) else { return }
        try sink(piece)
        piece.removeAll(keepingCapacity: true)
    }
}
