// SPDX-License-Identifier: Apache-2.0
internal import Documents
public import Wire

/// The plant's networks: which address lies in which zone, and which zones may talk (IEC 62443 zones and conduits).
public struct Zones: Sendable {
    /// A zone: networks of one purpose at one Purdue level.
    public struct Zone: Sendable, Equatable {
        /// Its name.
        public let name: String
        /// Its Purdue level as text: 0, 1, 2, 3, 3.5, 4 or 5.
        public let level: String
        /// Its networks.
        public let networks: [IPNetwork]
    }

    /// A conduit: an allowed way from one zone to another, for the side that opens the connection.
    public struct Conduit: Sendable, Equatable {
        /// The zone of the initiator.
        public let from: String
        /// The zone of the responder.
        public let to: String
        /// The allowed services as `tcp/502`; empty allows all.
        public let services: Set<String>
    }

    /// What the zones say of two addresses.
    public enum Verdict: String, Sendable, CaseIterable {
        /// Both are in the same zone.
        case `internal` = "internal"
        /// A conduit allows it.
        case allowed
        /// Both zones are known and no conduit allows it.
        case forbidden
        /// One address is in no zone.
        case unknown
    }

    /// The Purdue levels that a zone may have.
    public static let levels = ["0", "1", "2", "3", "3.5", "4", "5"]

    /// The zones in the order of the file.
    public let zones: [Zone]
    /// The conduits in the order of the file.
    public let conduits: [Conduit]
    /// The numbers of zones by network.
    let byNetwork: PrefixTable
    /// What conduits allow.
    let allowed: ConduitTable

    /// No zones: every verdict is unknown.
    public static let none = Zones(zones: [], conduits: [])

    /// Zones and conduits; a conduit that names an unknown zone is left out (the reader complains about it before).
    public init(zones: [Zone], conduits: [Conduit]) {
        self.zones = zones
        self.conduits = conduits
        byNetwork = PrefixTable(
            zones.enumerated().flatMap { number, zone in zone.networks.map { ($0, Int32(number)) } })
        let numbers = Dictionary(
            zones.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { a, _ in a })
        allowed = ConduitTable(
            conduits.compactMap { conduit in
                guard let from = numbers[conduit.from], let to = numbers[conduit.to] else { return nil }
                return (from, to, conduit.services)
            }, zones: zones.count)
    }

    /// The number of the zone that holds `address` (the longest prefix wins), or nil.
    public func zone(of address: IPAddress) -> Int? {
        let number = byNetwork.value(address)
        return number == PrefixTable.none ? nil : Int(number)
    }

    /// What the zones say of a connection that `source` opened to `destination`.
    public func verdict(from source: Int?, to destination: Int?, transport: String, port: Int) -> Verdict {
        let name = Array(transport.utf8)
        return verdict(from: source, to: destination, transport: Zones.packed(name.span.bytes), port: port)
    }

    /// What the zones say of a connection over the transport that ``packed(_:)`` has made a number of.
    func verdict(from source: Int?, to destination: Int?, transport: UInt64, port: Int) -> Verdict {
        guard let source, let destination else { return .unknown }
        if source == destination { return .internal }
        return allowed.allows(from: source, to: destination, transport: transport, port: port) ? .allowed : .forbidden
    }

    /// The name of a transport as a number; 0 for a longer one, which is none that conduits know.
    static func packed(_ transport: RawSpan) -> UInt64 {
        guard transport.byteCount <= 8 else { return 0 }
        var packed: UInt64 = 0
        for index in 0..<transport.byteCount { packed = packed << 8 | UInt64(transport.byte(at: index) ?? 0) }
        return packed
    }

    static func read(_ root: Element) -> Zones {
        var zones: [Zone] = []
        for item in root["zones"]?.items ?? [] {
            item.allow(only: ["name", "level", "networks", "description"])
            guard let name = item.required("name")?.string, let level = item.required("level")?.string else { continue }
            if !levels.contains(level) {
                item["level"]?.complain("level must be one of \(levels.joined(separator: ", "))")
            }
            if zones.contains(where: { $0.name == name }) { item["name"]?.complain("zone '\(name)' is given twice") }
            var networks: [IPNetwork] = []
            for element in item.required("networks")?.items ?? [] {
                guard let text = element.string else { continue }
                guard let network = IPNetwork(text) else {
                    element.complain("'\(text)' is no network; write for instance 172.21.0.0/24")
                    continue
                }
                if zones.contains(where: { $0.networks.contains(network) }) {
                    element.complain("network \(network) is already in another zone")
                }
                networks.append(network)
            }
            zones.append(Zone(name: name, level: level, networks: networks))
        }
        var conduits: [Conduit] = []
        for item in root["conduits"]?.items ?? [] {
            item.allow(only: ["from", "to", "services", "description"])
            guard let from = item.required("from")?.string, let to = item.required("to")?.string else { continue }
            for (key, name) in [("from", from), ("to", to)] where !zones.contains(where: { $0.name == name }) {
                item[key]?.complain("there is no zone '\(name)'")
            }
            var services: Set<String> = []
            for element in item["services"]?.items ?? [] {
                guard let text = element.string?.lowercased() else { continue }
                let parts = text.split(separator: "/")
                if parts.count == 2, ["tcp", "udp", "icmp"].contains(parts[0]), UInt16(parts[1]) != nil {
                    services.insert(text)
                } else {
                    element.complain("'\(text)' is no service; write for instance tcp/502")
                }
            }
            conduits.append(Conduit(from: from, to: to, services: services))
        }
        return Zones(zones: zones, conduits: conduits)
    }
}
