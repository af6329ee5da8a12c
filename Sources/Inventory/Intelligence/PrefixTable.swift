// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Numbers by network, found by the longest prefix that holds an address.
///
/// Nested networks are cut into ranges that do not overlap, sorted, with an index over the first 16 bits where there are
/// many: an answer is one look into the index and a search among the few ranges that begin alike, whatever the number of
/// prefix lengths.
struct PrefixTable: Sendable {
    /// No network holds the address.
    static let none: Int32 = -1

    /// The ranges of one family, from the first address to the last: where each begins, and what it answers.
    private struct Ranges: Sendable {
        var high: [UInt64] = []
        var low: [UInt64] = []
        var answers: [Int32] = []

        /// Begins another range; one that answers like the last is part of it.
        mutating func begin(_ high: UInt64, _ low: UInt64, _ value: Int32) {
            if let last = answers.indices.last, self.high[last] == high, self.low[last] == low {
                answers[last] = value
            } else if answers.last != value {
                self.high.append(high)
                self.low.append(low)
                answers.append(value)
            }
        }

        /// What the last range that begins at or before an address answers.
        func answer(_ high: UInt64, _ low: UInt64, after first: Int, upTo last: Int) -> Int32 {
            var first = first
            var last = last
            while first < last {
                let middle = (first + last) >> 1
                if self.high[middle] < high || self.high[middle] == high && self.low[middle] <= low {
                    first = middle + 1
                } else {
                    last = middle
                }
            }
            return first > 0 ? answers[first - 1] : none
        }
    }

    /// Ranges are searched without an index up to this number: an index is larger than they are.
    private static let unindexed = 64

    /// The IPv4 ranges, each in one word: where it begins in the upper half, its answer in the lower. The first begins at 0.
    private var v4: [UInt64] = []
    /// By the first 16 bits: the first range that does not begin before; empty without an index.
    private var v4Index: [UInt32] = []
    private var v6 = Ranges()
    private var v6Index: [UInt32] = []

    /// A table of `items`; of equal networks the last one answers. `parents` gets, for each item, the value of the
    /// network around it, or ``none``.
    init(_ items: [(network: IPNetwork, value: Int32)], parents: inout [Int32]) {
        parents = Array(repeating: PrefixTable.none, count: items.count)
        for isIPv4 in [true, false] {
            let ranges = PrefixTable.ranges(
                items.indices.filter { items[$0].network.address.isIPv4 == isIPv4 }, items, &parents)
            set(ranges, isIPv4: isIPv4)
        }
    }

    /// A table that answers what `join` makes of the answers of two others.
    init(_ first: PrefixTable, _ second: PrefixTable, _ join: (Int32, Int32) -> Int32) {
        for isIPv4 in [true, false] {
            let (a, b) = (first.ranges(isIPv4: isIPv4), second.ranges(isIPv4: isIPv4))
            var made = Ranges()
            var (next, other) = (0, 0)
            while next < a.answers.count || other < b.answers.count {
                // The lesser of the two beginnings; both move on where they are one.
                let left = next < a.answers.count ? (a.high[next], a.low[next]) : nil
                let right = other < b.answers.count ? (b.high[other], b.low[other]) : nil
                let start: (UInt64, UInt64)
                if let left, right.map({ left <= $0 }) ?? true { start = left } else { start = right ?? (0, 0) }
                if let left, left == start { next += 1 }
                if let right, right == start { other += 1 }
                made.begin(
                    start.0, start.1,
                    join(
                        next > 0 ? a.answers[next - 1] : PrefixTable.none,
                        other > 0 ? b.answers[other - 1] : PrefixTable.none))
            }
            set(made, isIPv4: isIPv4)
        }
    }

    private mutating func set(_ ranges: Ranges, isIPv4: Bool) {
        let index = PrefixTable.index(ranges, isIPv4: isIPv4)
        if isIPv4 {
            v4 = ranges.answers.indices.map {
                ranges.low[$0] << 32 | UInt64(UInt32(bitPattern: ranges.answers[$0]))
            }
            v4Index = index
        } else {
            v6 = ranges
            v6Index = index
        }
    }

    private func ranges(isIPv4: Bool) -> Ranges {
        guard isIPv4 else { return v6 }
        return Ranges(
            high: v4.map { _ in 0 }, low: v4.map { $0 >> 32 },
            answers: v4.map { Int32(truncatingIfNeeded: $0) })
    }

    /// A table of `items`; of equal networks the last one answers.
    init(_ items: [(network: IPNetwork, value: Int32)]) {
        var parents: [Int32] = []
        self.init(items, parents: &parents)
    }

    /// A network that is open while the sweep is inside it.
    private struct Open {
        var value: Int32
        /// The first address behind it; nil when it reaches to the end.
        var behind: (high: UInt64, low: UInt64)?
    }

    private static func ranges(
        _ numbers: [Int], _ items: [(network: IPNetwork, value: Int32)], _ parents: inout [Int32]
    ) -> Ranges {
        var made = Ranges()
        guard !numbers.isEmpty else { return made }
        // The shorter prefix first where two networks begin alike; equal ones in the order of the items.
        let sorted = numbers.sorted { first, second in
            let (a, b) = (items[first].network, items[second].network)
            if a.address.high != b.address.high { return a.address.high < b.address.high }
            if a.address.low != b.address.low { return a.address.low < b.address.low }
            return a.prefix != b.prefix ? a.prefix < b.prefix : first < second
        }
        var open: [Open] = []
        /// Ends the networks that do not reach to `limit`; all of them when it is nil.
        func close(before limit: (high: UInt64, low: UInt64)?) {
            while let inner = open.last, let behind = inner.behind {
                if let limit, (limit.high, limit.low) < (behind.high, behind.low) { return }
                open.removeLast()
                made.begin(behind.high, behind.low, open.last?.value ?? none)
            }
            if limit == nil { open.removeAll() }
        }
        made.begin(0, 0, none)
        var last: IPNetwork?
        for number in sorted {
            let (network, value) = items[number]
            let start = (high: network.address.high, low: network.address.low)
            if network == last {
                // The same network again: it answers instead, in the same surroundings.
                open[open.count - 1].value = value
                parents[number] = open.count > 1 ? open[open.count - 2].value : none
            } else {
                close(before: start)
                parents[number] = open.last?.value ?? none
                open.append(Open(value: value, behind: PrefixTable.behind(network)))
            }
            made.begin(start.high, start.low, value)
            last = network
        }
        close(before: nil)
        return made
    }

    /// The first address behind a network, or nil when it is the last of its family.
    private static func behind(_ network: IPNetwork) -> (high: UInt64, low: UInt64)? {
        let address = network.address
        if address.isIPv4 {
            let next = address.low + 1 << UInt64(32 - network.prefix)
            return next > 0xFFFF_FFFF ? nil : (0, next)
        }
        if network.prefix > 64 {
            let (low, carry) = address.low.addingReportingOverflow(1 << UInt64(128 - network.prefix))
            guard carry else { return (address.high, low) }
            return address.high == .max ? nil : (address.high + 1, low)
        }
        guard network.prefix > 0 else { return nil }
        let (high, carry) = address.high.addingReportingOverflow(1 << UInt64(64 - network.prefix))
        return carry ? nil : (high, 0)
    }

    private static func index(_ ranges: Ranges, isIPv4: Bool) -> [UInt32] {
        guard ranges.answers.count > unindexed else { return [] }
        var index = [UInt32](repeating: UInt32(ranges.answers.count), count: 65_537)
        var next = 0
        for number in ranges.answers.indices {
            let first = isIPv4 ? ranges.low[number] >> 16 : ranges.high[number] >> 48
            while next <= Int(first) {
                index[next] = UInt32(number)
                next += 1
            }
        }
        return index
    }

    /// The value of the longest prefix that holds `address`, or ``none``.
    @inline(__always)
    func value(_ address: IPAddress) -> Int32 {
        address.isIPv4 ? value(v4: address.low & 0xFFFF_FFFF) : value(v6: address)
    }

    @inline(__always)
    private func value(v4 address: UInt64) -> Int32 {
        var first = 0
        var count = v4.count
        guard count > 0 else { return PrefixTable.none }
        if !v4Index.isEmpty {
            let prefix = Int(address >> 16)
            let next = Int(v4Index[prefix])
            // The range before may reach into this prefix; there is none before the first.
            first = max(next - 1, 0)
            count = Int(v4Index[prefix + 1]) - first
        }
        let wanted = address << 32 | 0xFFFF_FFFF
        return v4.withUnsafeBufferPointer { ranges in
            // The last that begins at or before the address; the first one of all begins at 0.
            while count > 1 {
                let half = count >> 1
                first = ranges[first + half] <= wanted ? first + half : first
                count -= half
            }
            return Int32(truncatingIfNeeded: ranges[first])
        }
    }

    private func value(v6 address: IPAddress) -> Int32 {
        guard !v6Index.isEmpty else {
            return v6.answer(address.high, address.low, after: 0, upTo: v6.answers.count)
        }
        let prefix = Int(address.high >> 48)
        return v6.answer(address.high, address.low, after: Int(v6Index[prefix]), upTo: Int(v6Index[prefix + 1]))
    }
}

extension IPAddress {
    /// The address written in `text`: nearly all are dotted quads, which one short pass reads; anything else, and what is
    /// wrong, goes to the full reader.
    @inline(__always)
    static func ofText(_ text: RawSpan) -> IPAddress? {
        let quad: UInt64 = text.withUnsafeBytes { bytes in
            guard bytes.count >= 7, bytes.count <= 15 else { return .max }
            var value: UInt64 = 0
            var index = 0
            for dots in 0..<4 {
                guard index < bytes.count, case var octet = UInt64(bytes[index] &- 0x30), octet <= 9 else {
                    return .max
                }
                index += 1
                // At most two digits more.
                if index < bytes.count, case let digit = bytes[index] &- 0x30, digit <= 9 {
                    octet = octet &* 10 &+ UInt64(digit)
                    index += 1
                    if index < bytes.count, case let digit = bytes[index] &- 0x30, digit <= 9 {
                        octet = octet &* 10 &+ UInt64(digit)
                        index += 1
                    }
                }
                guard octet <= 255 else { return .max }
                value = value << 8 | octet
                if dots < 3 {
                    guard index < bytes.count, bytes[index] == 0x2E else { return .max }
                    index += 1
                }
            }
            return index == bytes.count ? value : .max
        }
        return quad <= 0xFFFF_FFFF ? IPAddress(v4: UInt32(quad)) : IPAddress(text)
    }
}
