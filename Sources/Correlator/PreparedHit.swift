// SPDX-License-Identifier: Apache-2.0
public import Events
internal import Wire

/// A hit with what the units of its rules need of it; groups hold on to it as evidence.
///
/// Made by the lanes, which are many, and let go by the correlator, which is one: it is two allocations.
public final class PreparedHit: Sendable {
    /// The hit; behind it stand the groups' keys.
    public let packed: PackedHit
    /// When it was received, in nanoseconds since the epoch.
    public let received: Int64
    /// Its event's time, likewise.
    let time: Int64
    /// Where its frame stands in the journal; nil without one.
    let position: JournalPosition?
    /// Whether it comes at no frame's turn, see ``Hit/isOutOfTurn``.
    let isOutOfTurn: Bool
    /// Its sender.
    let source: String
    /// What it is made of, as 64 bits: the same on every run.
    let identity: UInt64
    /// The same of its event: orders events of one packet.
    let content: UInt64
    private let first: PackedKey?
    private let others: [PackedKey]
    /// About how many bytes it takes.
    let cost: Int
    /// Whether its event is no JSON.
    let isUnreadable: Bool
    /// The number of the plan that its keys belong to.
    let plan: Int

    /// A hit with its keys; `document` is its event, when there are any.
    init(_ hit: Hit, keys: [HitKey], _ document: JSONDocument?, isUnreadable: Bool, plan: Int) {
        var groups: [UInt8] = []
        for key in keys { groups += key.group }
        packed = PackedHit(hit, with: groups)
        (time, received, position) = (hit.time, hit.received, hit.position)
        isOutOfTurn = hit.isOutOfTurn
        source = hit.evidence.first.map { $0.peer.isEmpty ? $0.collector : $0.peer } ?? ""
        if let document, !keys.isEmpty {
            (identity, content) = ContentHash.of(hit, document)
        } else {
            (identity, content) = (0, 0)
        }
        var start = packed.bytes.count - groups.count
        first = keys.first.map { PackedKey($0, start: start) }
        var others: [PackedKey] = []
        for (number, key) in keys.enumerated() {
            if number > 0 { others.append(PackedKey(key, start: start)) }
            start += key.group.count
        }
        self.others = others
        cost = 256 + hit.event.count + hit.evidence.reduce(0) { $0 + 96 + $1.bytes.count }
        self.isUnreadable = isUnreadable
        self.plan = plan
    }

    /// How many keys it has.
    var keyCount: Int { first == nil ? 0 : 1 + others.count }

    /// One of its keys.
    func key(_ number: Int) -> PackedKey? { number == 0 ? first : others[number - 1] }
}

/// What one unit needs of a hit.
struct HitKey: Sendable {
    var unit: Int
    var referred: Int
    /// The values of the group's fields, see ``GroupKey``.
    var group: [UInt8]
    /// The value that is counted or reckoned with, as 64 bits: a hash, or a number; nil where the event has none.
    var value: UInt64?
}

/// The same, the group's key by its place in the bytes of the hit.
struct PackedKey: Sendable {
    var unit: Int
    var referred: Int
    var start: Int
    var count: Int
    /// Of the group's key, see ``GroupKey/hash(_:)``.
    var hash: UInt64
    var value: UInt64?

    init(_ key: HitKey, start: Int) {
        unit = key.unit
        referred = key.referred
        self.start = start
        count = key.group.count
        hash = GroupKey.hash(key.group.span.bytes)
        value = key.value
    }
}

/// The values of a group's fields as bytes: of each its length plus one (0: absent) in four bytes, then its UTF-8. Two
/// groups share a key only when they are one.
enum GroupKey {
    /// Where a key stands in a table: keyed for each run of the process, so that no sender can choose it.
    static func hash(_ key: RawSpan) -> UInt64 {
        var hasher = Hasher()
        key.withUnsafeBytes { hasher.combine(bytes: $0) }
        return UInt64(truncatingIfNeeded: hasher.finalize())
    }

    static func append(_ value: String?, to key: inout [UInt8]) {
        let length = value.map { UInt32(truncatingIfNeeded: $0.utf8.count) &+ 1 } ?? 0
        for shift in stride(from: UInt32(0), to: 32, by: 8) { key.append(UInt8(truncatingIfNeeded: length >> shift)) }
        if let value { key.append(contentsOf: value.utf8) }
    }

    /// The fields that are there with their values.
    static func values(_ key: [UInt8], _ unit: CorrelationPlan.Unit) -> [(field: String, value: String)] {
        var values: [(field: String, value: String)] = []
        var place = 0
        for member in unit.group {
            guard place + 4 <= key.count else { break }
            let length = (0..<4).reduce(0) { $0 | Int(key[place + $1]) << (8 * $1) }
            place += 4
            guard length > 0 else { continue }
            let end = min(key.count, place + length - 1)
            values.append((member.name, String(decoding: key[place..<end], as: UTF8.self)))
            place = end
        }
        return values
    }
}
