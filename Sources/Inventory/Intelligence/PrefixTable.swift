// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Numbers by network, found by the longest prefix that holds an address.
///
/// Nested networks are cut into ranges that do not overlap, sorted, with an index over the first 16 bits: an answer is
/// one look into the index and a search among the few ranges that begin alike, whatever the number of prefix lengths.
struct PrefixTable: Sendable {
    /// No network holds the address.
    static let none: Int32 = -1

    /// The ranges of one family: where each begins, and what it answers.
    private struct Ranges: Sendable {
        var high: [UInt64] = []
        var low: [UInt64] = []
        var answers: [Int32] = []
        /// By the first 16 bits: the first range that does not begin before.
        var index: [UInt32] = []
    }

    private var v4 = Ranges()
    private var v6 = Ranges()

    /// A table of `items`; of equal networks the last one answers. `parents` gets, for each item, the value of the
    /// network around it, or ``none``.
    init(_ items: [(network: IPNetwork, value: Int32)], parents: inout [Int32]) {
        parents = Array(repeating: PrefixTable.none, count: items.count)
        for isIPv4 in [true, false] {
            let ranges = PrefixTable.ranges(
                items.indices.filter { items[$0].network.address.isIPv4 == isIPv4 }, items, &parents)
            if isIPv4 { v4 = ranges } else { v6 = ranges }
        }
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
        func begin(_ high: UInt64, _ low: UInt64, _ value: Int32) {
            if let last = made.high.indices.last, made.high[last] == high, made.low[last] == low {
                made.answers[last] = value
            } else if made.answers.last != value {
                made.high.append(high)
                made.low.append(low)
                made.answers.append(value)
            }
        }
        var open: [Open] = []
        /// Ends the networks that do not reach to `limit`; all of them when it is nil.
        func close(before limit: (high: UInt64, low: UInt64)?) {
            while let inner = open.last, let behind = inner.behind {
                if let limit, (limit.high, limit.low) < (behind.high, behind.low) { return }
                open.removeLast()
                begin(behind.high, behind.low, open.last?.value ?? none)
            }
            if limit == nil { open.removeAll() }
        }
        begin(0, 0, none)
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
            begin(start.high, start.low, value)
            last = network
        }
        close(before: nil)
        made.index = index(made, isIPv4: items[numbers[0]].network.address.isIPv4)
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
        address.isIPv4 ? PrefixTable.v4(address.low, v4) : PrefixTable.v6(address, v6)
    }

    @inline(__always)
    private static func v4(_ address: UInt64, _ ranges: borrowing Ranges) -> Int32 {
        guard !ranges.answers.isEmpty else { return none }
        let first = Int(address >> 16 & 0xFFFF)
        var low = Int(ranges.index[first])
        var high = Int(ranges.index[first + 1])
        while low < high {
            let middle = (low + high) >> 1
            if ranges.low[middle] <= address { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? ranges.answers[low - 1] : none
    }

    private static func v6(_ address: IPAddress, _ ranges: borrowing Ranges) -> Int32 {
        guard !ranges.answers.isEmpty else { return none }
        let first = Int(address.high >> 48)
        var low = Int(ranges.index[first])
        var high = Int(ranges.index[first + 1])
        while low < high {
            let middle = (low + high) >> 1
            if ranges.high[middle] < address.high
                || ranges.high[middle] == address.high && ranges.low[middle] <= address.low
            {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low > 0 ? ranges.answers[low - 1] : none
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
            var octet: UInt64 = 0
            var digits = 0
            var dots = 0
            for byte in bytes {
                if byte == 0x2E {
                    guard digits > 0, octet <= 255 else { return .max }
                    value = value << 8 | octet
                    octet = 0
                    digits = 0
                    dots += 1
                } else {
                    guard byte &- 0x30 <= 9, digits < 3 else { return .max }
                    octet = octet &* 10 &+ UInt64(byte &- 0x30)
                    digits += 1
                }
            }
            // A zero before other digits is octal to some: the full reader decides.
            return dots == 3 && digits > 0 && octet <= 255 ? value << 8 | octet : .max
        }
        return quad <= 0xFFFF_FFFF ? IPAddress(v4: UInt32(quad)) : IPAddress(text)
    }
}
