// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

extension Enricher {
    /// What the zones say of one address talking to another.
    struct Route: Sendable {
        var from: Int?
        var to: Int?
        var verdict: Zones.Verdict
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

        /// What `zones` say of a connection.
        mutating func route(
            _ zones: Zones, from source: IPAddress, to destination: IPAddress, transport: RawSpan, port: Int
        ) -> Route {
            var packed: UInt64 = 0
            for index in 0..<min(transport.byteCount, 8) {
                packed = packed << 8 | UInt64(transport.byte(at: index) ?? 0)
            }
            // A longer name is no protocol that conduits know, and two of them may look alike here.
            guard transport.byteCount <= 8 else {
                return Routes.look(zones, source, destination, transport, port)
            }
            if known.isEmpty { known = Array(repeating: nil, count: Routes.size) }
            var hash = source.low ^ source.high ^ (destination.low ^ destination.high) &* 0x9E37_79B9_7F4A_7C15
            hash = (hash ^ UInt64(truncatingIfNeeded: port) ^ packed << 20) &* 0xD6E8_FEB8_6659_FD93
            let place = Int(truncatingIfNeeded: hash >> 40) & (Routes.size - 1)
            if let found = known[place], found.source == source, found.destination == destination, found.port == port,
                found.transport == packed
            {
                return found.route
            }
            let route = Routes.look(zones, source, destination, transport, port)
            known[place] = Known(
                source: source, destination: destination, port: port, transport: packed, route: route)
            return route
        }

        private static func look(
            _ zones: Zones, _ source: IPAddress, _ destination: IPAddress, _ transport: RawSpan, _ port: Int
        ) -> Route {
            let from = zones.zone(of: source)
            let to = zones.zone(of: destination)
            return Route(
                from: from, to: to, verdict: zones.verdict(from: from, to: to, transport: transport.text, port: port))
        }
    }
}
