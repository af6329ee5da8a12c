// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

extension Enricher {
    /// What the plant knows of one address talking to another.
    struct Route: Sendable {
        /// The zones by number; -1 none.
        var from, to: Int32
        /// The assets by number; -1 none.
        var source, destination: Int32
        var verdict: Zones.Verdict
        /// The number of OCSF's `connection_info.direction_id`; 0 when the zones do not tell it.
        var direction: Int64
    }

    /// The routes asked about lately. Few pairs of addresses make most events, and a look here is cheaper than two
    /// searches for the longest prefix and one for the conduit.
    struct Routes: Sendable {
        private struct Known: Sendable {
            var source: IPAddress
            var destination: IPAddress
            var port: Int
            var transport: UInt64
            var route: Route
        }

        private static let size = 256
        private var known: [Known?] = []

        /// What `plant` knows of a connection; `transport` as ``Zones/packed(_:)`` makes it.
        mutating func route(
            _ plant: borrowing PlantModel, from source: IPAddress, to destination: IPAddress, transport: UInt64,
            port: Int
        ) -> Route {
            if known.isEmpty { known = Array(repeating: nil, count: Routes.size) }
            var hash = source.low ^ source.high ^ (destination.low ^ destination.high) &* 0x9E37_79B9_7F4A_7C15
            hash = (hash ^ UInt64(truncatingIfNeeded: port) ^ transport << 20) &* 0xD6E8_FEB8_6659_FD93
            let place = Int(truncatingIfNeeded: hash >> 40) & (Routes.size - 1)
            if let found = known[place], found.source == source, found.destination == destination, found.port == port,
                found.transport == transport
            {
                return found.route
            }
            let from = plant.zones.zone(of: source)
            let to = plant.zones.zone(of: destination)
            let route = Route(
                from: Int32(from ?? -1), to: Int32(to ?? -1), source: plant.asset(source),
                destination: plant.asset(destination),
                verdict: plant.zones.verdict(from: from, to: to, transport: transport, port: port),
                direction: Routes.direction(from != nil, to != nil, source, destination))
            known[place] = Known(
                source: source, destination: destination, port: port, transport: transport, route: route)
            return route
        }

        /// The direction of a connection as the plant sees it: its zones are the inside, all else is outside.
        static func direction(
            _ fromInside: Bool, _ toInside: Bool, _ source: IPAddress, _ destination: IPAddress
        ) -> Int64 {
            if source == destination { return 4 }
            switch (fromInside, toInside) {
            case (true, true): return 3
            case (false, false): return 0
            case (false, true): return source.isOfNoHost ? 0 : 1
            case (true, false): return destination.isOfNoHost ? 0 : 2
            }
        }
    }
}

extension IPAddress {
    /// Whether no single host outside can have it: unspecified, loopback, link-local, multicast, broadcast (RFC 6890).
    fileprivate var isOfNoHost: Bool {
        if isIPv4 { return low >> 24 == 0 || low >> 24 == 127 || low >> 16 == 0xA9FE || low >> 28 >= 0xE }
        return high == 0 && low <= 1 || high >> 54 == 0x3FA || high >> 56 == 0xFF
    }
}
