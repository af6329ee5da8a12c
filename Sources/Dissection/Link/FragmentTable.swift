// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// IP datagrams in reassembly: bounded in number, size, pieces and time. Where fragments overlap the first copy wins.
struct FragmentTable {
    private struct Key: Hashable {
        var source: IPAddress
        var destination: IPAddress
        var identification: UInt32
        /// IPv4 identifications are per protocol (RFC 791 section 3.2).
        var transport: UInt8
    }

    private final class Datagram {
        let began: Int64
        var bytes: [UInt8] = []
        /// The ranges that are filled, in order, touching none.
        var filled: [Range<Int>] = []
        var total: Int?
        var packets = 0

        init(began: Int64) { self.began = began }
    }

    /// A datagram cannot be longer than this (RFC 791 section 3.1).
    private static let maxLength = 65_535
    private static let maxPieces = 256

    private let limit: Int
    private let timeout: Int64
    private var datagrams: [Key: Datagram] = [:]
    private var order: [Key] = []

    init(limit: Int, timeout: Int64) {
        self.limit = max(1, limit)
        self.timeout = timeout
    }

    var isEmpty: Bool { datagrams.isEmpty }

    /// What became of a fragment.
    enum Outcome {
        /// It waits for the others.
        case held
        /// The datagram is whole; `packets` fragments made it.
        case whole([UInt8], packets: Int)
        /// It broke a bound; `packets` fragments are lost with it.
        case refused(packets: Int)
    }

    /// Adds a fragment. `piece` is its captured payload; one cut by the snap length can never be whole.
    mutating func add(
        _ piece: RawSpan, fragment: NetworkDecoder.Fragment, datagram: NetworkDecoder.Datagram, layers: Layers,
        time: Int64
    ) -> Outcome {
        let key = Key(
            source: layers.source, destination: layers.destination, identification: fragment.identification,
            transport: layers.source.isIPv4 ? datagram.transport : 0)
        let end = fragment.offset + piece.byteCount
        guard end <= FragmentTable.maxLength, datagram.missing == 0 else { return .refused(packets: 1) }
        let entry: Datagram
        if let known = datagrams[key] {
            entry = known
        } else {
            entry = Datagram(began: time)
            datagrams[key] = entry
            order.append(key)
        }
        entry.packets += 1
        if fragment.isLast, entry.total == nil { entry.total = end }
        guard entry.filled.count < FragmentTable.maxPieces else {
            datagrams[key] = nil
            order.removeAll { $0 == key }
            return .refused(packets: entry.packets)
        }
        if entry.bytes.count < end { entry.bytes.append(contentsOf: repeatElement(0, count: end - entry.bytes.count)) }
        fill(entry, piece, at: fragment.offset)
        guard let total = entry.total, let first = entry.filled.first, first.lowerBound == 0,
            first.upperBound >= total
        else { return .held }
        datagrams[key] = nil
        order.removeAll { $0 == key }
        return .whole(Array(entry.bytes.prefix(total)), packets: entry.packets)
    }

    /// Copies what is not there yet and merges the ranges.
    private func fill(_ entry: Datagram, _ piece: RawSpan, at offset: Int) {
        var begin = offset
        let end = offset + piece.byteCount
        for range in entry.filled + [FragmentTable.maxLength + 1..<FragmentTable.maxLength + 1] where begin < end {
            let stop = min(end, range.lowerBound)
            if begin < stop {
                for index in begin..<stop { entry.bytes[index] = piece.byte(at: index - offset) ?? 0 }
            }
            begin = max(begin, range.upperBound)
        }
        guard !piece.isEmpty else { return }
        var merged: [Range<Int>] = []
        for range in (entry.filled + [offset..<end]).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        entry.filled = merged
    }

    /// Gives up what is too old or too many; answers how many fragments are lost with it.
    mutating func expire(now: Int64) -> Int {
        var lost = 0
        while let key = order.first, let entry = datagrams[key],
            datagrams.count > limit || now == .max || now - timeout > entry.began
        {
            lost += entry.packets
            datagrams[key] = nil
            order.removeFirst()
        }
        return lost
    }
}
