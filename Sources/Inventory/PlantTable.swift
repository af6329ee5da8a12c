// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// What the plant knows of an address, zone and asset, found with one search.
struct PlantTable: Sendable {
    /// What is known of one address.
    struct Known: Hashable, Sendable {
        /// The number of the zone in ``Zones/zones``, or ``PrefixTable/none``.
        var zone: Int32
        /// The number of the asset in ``PlantModel/numbered``, or ``PrefixTable/none``.
        var asset: Int32

        static let nothing = Known(zone: PrefixTable.none, asset: PrefixTable.none)
    }

    private var pairs: [Known] = []
    private let table: PrefixTable

    /// A table of what two tables say.
    init(zones: PrefixTable, assets: PrefixTable) {
        var numbers: [Known: Int32] = [:]
        var pairs: [Known] = []
        table = PrefixTable(zones, assets) { zone, asset in
            let known = Known(zone: zone, asset: asset)
            guard known != .nothing else { return PrefixTable.none }
            if let number = numbers[known] { return number }
            let number = Int32(pairs.count)
            numbers[known] = number
            pairs.append(known)
            return number
        }
        self.pairs = pairs
    }

    /// What is known of `address`.
    @inline(__always)
    func known(_ address: IPAddress) -> Known {
        let number = table.value(address)
        return number >= 0 ? pairs[Int(number)] : .nothing
    }
}
