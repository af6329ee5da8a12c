// SPDX-License-Identifier: Apache-2.0
internal import Wire

/// Which services may go from one zone to another: sorted, so that a question is two short searches.
struct ConduitTable: Sendable {
    /// The conduits from one zone to another together.
    private struct Way: Sendable {
        var to: Int
        var isAny: Bool
        /// Its services in ``services``.
        var first: Int
        var end: Int
    }

    /// A transport, as ``Zones/packed(_:)`` makes it, and a port.
    private struct Service: Hashable, Comparable, Sendable {
        var transport: UInt64
        var port: Int

        static func < (a: Service, b: Service) -> Bool {
            a.transport != b.transport ? a.transport < b.transport : a.port < b.port
        }
    }

    /// By zone: where its ways begin; one more at the end.
    private var starts: [Int] = []
    private var ways: [Way] = []
    private var services: [Service] = []

    /// A table of conduits between zones by number; no services, written as `tcp/502`, are all.
    init(_ conduits: [(from: Int, to: Int, services: Set<String>)], zones: Int) {
        var known: [[Int: (isAny: Bool, services: Set<Service>)]] = Array(repeating: [:], count: zones)
        for conduit in conduits where known.indices.contains(conduit.from) {
            var way = known[conduit.from][conduit.to] ?? (false, [])
            if conduit.services.isEmpty { way.isAny = true }
            for service in conduit.services {
                let parts = service.split(separator: "/")
                guard parts.count == 2, let port = Int(parts[1]) else { continue }
                let name = Array(parts[0].utf8)
                way.services.insert(Service(transport: Zones.packed(name.span.bytes), port: port))
            }
            known[conduit.from][conduit.to] = way
        }
        for zone in known {
            starts.append(ways.count)
            for (to, way) in zone.sorted(by: { $0.key < $1.key }) {
                let first = services.count
                services += way.services.sorted()
                ways.append(Way(to: to, isAny: way.isAny, first: first, end: services.count))
            }
        }
        starts.append(ways.count)
    }

    /// Whether a conduit goes from one zone to another that allows the service.
    func allows(from: Int, to: Int, transport: UInt64, port: Int) -> Bool {
        guard from >= 0, from < starts.count - 1 else { return false }
        let place = ConduitTable.first(starts[from], starts[from + 1]) { ways[$0].to >= to }
        guard place < starts[from + 1], ways[place].to == to else { return false }
        let way = ways[place]
        if way.isAny { return true }
        let wanted = Service(transport: transport, port: port)
        let found = ConduitTable.first(way.first, way.end) { services[$0] >= wanted }
        return found < way.end && services[found] == wanted
    }

    /// The first number from `low` on, below `high`, that `holds`, or `high`; those that hold come last.
    @inline(__always)
    private static func first(_ low: Int, _ high: Int, _ holds: (Int) -> Bool) -> Int {
        var (low, high) = (low, high)
        while low < high {
            let middle = (low + high) >> 1
            if holds(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
