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

/// What is known of the addresses seen last, by their text: few addresses make most events, and a look here is cheaper
/// than reading the digits and searching the tables. A lane has its own; it ends with its snapshot.
struct AddressCache: Sendable {
    /// An IPv4 address.
    private struct Place: Sendable {
        /// The text and, in the highest byte, its length: never all zero.
        var low, high: UInt64
        var address: UInt32
        var zone, asset, indicator: Int32

        static let free = Place(low: 0, high: 0, address: 0, zone: -1, asset: -1, indicator: -1)
    }

    /// An address of any kind in a text of up to 40 bytes.
    private struct LongPlace: Sendable {
        var text = LongText()
        var known: AddressFacts.Known?
    }

    /// A text of 8 to 40 bytes: what is beyond its end is 0, and its last eight bytes are there again.
    private struct LongText: Sendable, Equatable {
        var count: UInt64 = 0
        var first: UInt64 = 0
        var second: UInt64 = 0
        var third: UInt64 = 0
        var fourth: UInt64 = 0
        var last: UInt64 = 0

        init() {}

        @inline(__always)
        init(_ text: RawSpan) {
            let length = text.byteCount
            count = UInt64(length)
            (first, second, third, fourth, last) = text.withUnsafeBytes { bytes in
                @inline(__always)
                func word(_ offset: Int) -> UInt64 {
                    offset &+ 8 <= length ? bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) : 0
                }
                return (word(0), word(8), word(16), word(24), word(length &- 8))
            }
        }

        @inline(__always)
        var hash: UInt64 {
            let mixed = first &* 0xD6E8_FEB8_6659_FD93 ^ last &* 0x9E37_79B9_7F4A_7C15
            return mixed ^ second &* 0xA24B_AED4_963E_E407 ^ (third ^ fourth) &* 0xBF58_476D_1CE4_E5B9
        }
    }

    /// Powers of two, of at most 12 and 8 bits.
    private static let size = 4096
    private static let longSize = 256
    private static let longLimit = 40

    private let facts: AddressFacts
    private var places: [Place]
    private var longPlaces: [LongPlace] = []

    init(_ facts: AddressFacts) {
        self.facts = facts
        places = Array(repeating: .free, count: AddressCache.size)
    }

    /// What is known of the address that `text` writes, or nil when it writes none.
    @inline(__always)
    mutating func known(_ text: RawSpan) -> AddressFacts.Known? {
        let key = AddressCache.key(text)
        // The upper bits of a product depend on all bytes.
        let hash = key.low &* 0xD6E8_FEB8_6659_FD93 ^ key.high &* 0x9E37_79B9_7F4A_7C15
        let number = Int(truncatingIfNeeded: hash >> 52) & (AddressCache.size - 1)
        let place = places[number]
        guard place.low == key.low, place.high == key.high, key.high != 0 else { return learn(text, key, number) }
        return AddressFacts.Known(
            address: IPAddress(v4: place.address), place: PlantTable.Known(zone: place.zone, asset: place.asset),
            indicator: place.indicator)
    }

    @inline(never)
    private mutating func learn(_ text: RawSpan, _ key: (low: UInt64, high: UInt64), _ number: Int)
        -> AddressFacts.Known?
    {
        let isLong = text.byteCount >= 8 && text.byteCount <= AddressCache.longLimit
        if isLong, text.hasEarlyColon { return knownLong(text) }
        let known = facts.known(text)
        guard let known, key.high != 0, known.address.isIPv4 else { return known }
        places[number] = Place(
            low: key.low, high: key.high, address: UInt32(truncatingIfNeeded: known.address.low),
            zone: known.place.zone, asset: known.place.asset, indicator: known.indicator)
        return known
    }

    /// What is known of the address in a text that is no dotted quad, which takes long to read.
    private mutating func knownLong(_ text: RawSpan) -> AddressFacts.Known? {
        if longPlaces.isEmpty { longPlaces = Array(repeating: LongPlace(), count: AddressCache.longSize) }
        let key = LongText(text)
        let number = Int(truncatingIfNeeded: key.hash >> 56) & (AddressCache.longSize - 1)
        if longPlaces[number].text == key { return longPlaces[number].known }
        let known = facts.known(text)
        longPlaces[number] = LongPlace(text: key, known: known)
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
