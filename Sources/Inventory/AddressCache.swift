// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What the plant and the lists know of addresses: immutable, as long as the enricher is.
final class AddressFacts: Sendable {
    private let plant: PlantTable
    private let intelligence: ThreatIntelligence

    init(_ plant: PlantTable, _ intelligence: ThreatIntelligence) {
        self.plant = plant
        self.intelligence = intelligence
    }

    /// What is known of one address.
    struct Known: Sendable {
        var address: IPAddress
        var place: PlantTable.Known
        /// The first indicator to ask, or ``PrefixTable/none``.
        var indicator: Int32
    }

    /// What is known of the address that `text` writes, or nil when it writes none.
    func known(_ text: RawSpan) -> Known? {
        guard let address = IPAddress.ofText(text) else { return nil }
        return Known(
            address: address, place: plant.known(address), indicator: intelligence.first(of: address))
    }
}

/// What is known of the IPv4 addresses seen last, by their text: few addresses make most events, and a look here is
/// cheaper than reading the digits and searching the tables. A lane has its own; it ends with its snapshot.
struct AddressCache: Sendable {
    private struct Place: Sendable {
        /// The text and, in the highest byte, its length: never all zero.
        var low, high: UInt64
        var address: UInt32
        var zone, asset, indicator: Int32

        static let free = Place(low: 0, high: 0, address: 0, zone: -1, asset: -1, indicator: -1)
    }

    /// A power of two.
    private static let size = 1024

    private let facts: AddressFacts
    private var places: [Place]

    init(_ facts: AddressFacts) {
        self.facts = facts
        places = Array(repeating: .free, count: AddressCache.size)
    }

    /// What is known of the address that `text` writes, or nil when it writes none.
    @inline(__always)
    mutating func known(_ text: RawSpan) -> AddressFacts.Known? {
        let key = AddressCache.key(text)
        let hash = (key.low ^ key.high &* 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
        let number = Int(truncatingIfNeeded: hash >> 40) & (AddressCache.size - 1)
        let place = places[number]
        guard place.low == key.low, place.high == key.high, key.high != 0 else { return learn(text, key, number) }
        return AddressFacts.Known(
            address: IPAddress(v4: place.address), place: PlantTable.Known(zone: place.zone, asset: place.asset),
            indicator: place.indicator)
    }

    private mutating func learn(_ text: RawSpan, _ key: (low: UInt64, high: UInt64), _ number: Int)
        -> AddressFacts.Known?
    {
        guard let known = facts.known(text) else { return nil }
        if key.high != 0, known.address.isIPv4 {
            places[number] = Place(
                low: key.low, high: key.high, address: UInt32(truncatingIfNeeded: known.address.low),
                zone: known.place.zone, asset: known.place.asset, indicator: known.indicator)
        }
        return known
    }

    /// A text of the length of a dotted quad as a number; the upper half is 0 for others.
    @inline(__always)
    private static func key(_ text: RawSpan) -> (low: UInt64, high: UInt64) {
        let count = text.byteCount
        return text.withUnsafeBytes { bytes in
            guard count >= 8, count <= 15 else {
                guard count == 7 else { return (0, 0) }
                let first = UInt64(bytes.loadUnaligned(as: UInt32.self))
                return (first | UInt64(bytes.loadUnaligned(fromByteOffset: 3, as: UInt32.self)) << 24, 7 << 56)
            }
            let last = bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
            let high = count == 8 ? 0 : last &>> UInt64(128 &- 8 &* count)
            return (bytes.loadUnaligned(as: UInt64.self), high | UInt64(count) << 56)
        }
    }
}
