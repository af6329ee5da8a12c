// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// Reads a snapshot piece by piece; it comes from the service's own store, but a damaged one must only throw.
struct SnapshotReader {
    /// What is read of, from `place` on.
    private var buffer: [UInt8] = []
    private var place = 0
    /// How many bytes come behind the buffer.
    private var rest: Int
    private let next: () throws -> [UInt8]?
    private let plan: CorrelationPlan
    /// Hits that stand in front of all else, in the earlier form.
    private var leading: [PreparedHit] = []
    /// By number in the snapshot: the number among ``HeldHits``, held until ``finish(_:)``.
    private var numbers: [UInt32] = []
    /// Whether it has the earlier form: hits in front of all, and the length of each unit's part.
    private(set) var isEarlier = false

    /// A reader of pieces that are `size` bytes in all.
    init(size: Int, _ plan: CorrelationPlan, _ next: @escaping () throws -> [UInt8]?) {
        rest = size
        self.plan = plan
        self.next = next
    }

    /// Reads which form it has.
    mutating func begin() throws(WireError) {
        let first = try u64()
        guard first != Correlator.magic else { return }
        isEarlier = true
        guard first <= UInt64(left) else { throw .malformed(at: 0) }
        for _ in 0..<first { leading.append(try prepared()) }
        guard try u64() == Correlator.earlierMagic else { throw .malformed(at: 0) }
    }

    /// Lets go what nobody took.
    mutating func finish(_ held: inout HeldHits) {
        for number in numbers { held.release(number) }
        numbers = []
    }

    private var left: Int { buffer.count - place + rest }

    /// Brings `count` bytes into the buffer.
    private mutating func need(_ count: Int) throws(WireError) {
        while buffer.count - place < count {
            var more: [UInt8]?
            do { more = try next() } catch { throw .malformed(at: place) }
            guard let more else { throw .truncated(at: place, needed: count) }
            buffer.removeFirst(place)
            place = 0
            buffer += more
            rest = max(0, rest - more.count)
        }
    }

    mutating func u64() throws(WireError) -> UInt64 {
        try need(8)
        var number: UInt64 = 0
        for index in 0..<8 { number |= UInt64(buffer[place + index]) << UInt64(8 * index) }
        place += 8
        return number
    }
    mutating func i64() throws(WireError) -> Int64 { Int64(bitPattern: try u64()) }
    mutating func int() throws(WireError) -> Int { Int(try i64()) }
    mutating func flag() throws(WireError) -> Bool {
        try need(1)
        place += 1
        return buffer[place - 1] != 0
    }
    /// A number of things that follow, each of which takes at least a byte.
    mutating func count() throws(WireError) -> Int {
        let number = try int()
        guard number >= 0, number <= left else { throw .malformed(at: place) }
        return number
    }
    mutating func bytes() throws(WireError) -> [UInt8] {
        let length = try count()
        try need(length)
        place += length
        return Array(buffer[place - length..<place])
    }
    mutating func text() throws(WireError) -> String { String(decoding: try bytes(), as: UTF8.self) }

    /// A hit, for one more holder.
    mutating func hit(_ held: inout HeldHits) throws(WireError) -> UInt32 {
        let number = try int()
        guard number >= 0 else { return HeldHits.none }
        if isEarlier, number < leading.count {
            while numbers.count <= number { numbers.append(held.insert(leading[numbers.count])) }
        } else if number == numbers.count {
            numbers.append(held.insert(try prepared()))
        }
        guard number < numbers.count else { throw .malformed(at: place) }
        held.hold(numbers[number])
        return numbers[number]
    }

    private mutating func prepared() throws(WireError) -> PreparedHit {
        var rules: [String] = []
        for _ in 0..<(try count()) { rules.append(try text()) }
        var hit = Hit(
            rules: rules, uid: try text(), time: try i64(), received: try i64(), event: try bytes(), evidence: [])
        for _ in 0..<(try count()) {
            guard let kind = Evidence.Kind(rawValue: try text()) else { throw .malformed(at: place) }
            hit.evidence.append(
                Evidence(
                    kind: kind, bytes: try bytes(), received: try i64(), collector: try text(), peer: try text()))
        }
        if try count() == 1 {
            let log = try int()
            let first = try u64()
            hit.position = JournalPosition(log: log, first: first, epoch: UInt32(truncatingIfNeeded: try u64()))
        }
        return plan.prepare(hit)
    }
}
