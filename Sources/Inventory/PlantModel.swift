// SPDX-License-Identifier: Apache-2.0
public import Documents
public import Wire

/// What the plant knows of itself, from one YAML file: zones and conduits, assets, lists for rules, process points.
public struct PlantModel: Sendable {
    /// A known asset.
    public struct Asset: Sendable, Equatable {
        /// Its address.
        public let address: IPAddress
        /// Its name.
        public let name: String
        /// Its role: plc, hmi, engineering_workstation, historian, gateway, …
        public let role: String
        /// low, medium, high or critical.
        public let criticality: String
    }

    /// Zones and conduits.
    public let zones: Zones
    /// Known assets by address.
    public let assets: [IPAddress: Asset]
    /// Lists that rules take in with `|expand`, by name.
    public let lists: [String: [String]]
    /// Process points.
    public let process: ProcessModel

    /// The assets in the order of their addresses: what a lane finds by number.
    let numbered: [Asset]
    /// The zone and the asset of an address, by number.
    let byAddress: PlantTable

    /// A model that knows nothing.
    public static let empty = PlantModel(
        zones: .none, assets: [:], lists: [:], process: ProcessModel(points: []))

    /// A model of its parts.
    public init(zones: Zones, assets: [IPAddress: Asset], lists: [String: [String]], process: ProcessModel) {
        self.zones = zones
        self.assets = assets
        self.lists = lists
        self.process = process
        numbered = assets.values.sorted { ($0.address.high, $0.address.low) < ($1.address.high, $1.address.low) }
        byAddress = PlantTable(
            zones: zones.byNetwork,
            assets: PrefixTable(
                numbered.enumerated().map { (IPNetwork($0.element.address, prefix: 128), Int32($0.offset)) }))
    }

    /// Reads the model from YAML; every fault is a complaint, what is right is kept.
    public static func parse(_ text: String, file: String, complaints: Complaints) -> PlantModel {
        guard let root = Element.documents(text, file: file, complaints: complaints).first else { return .empty }
        root.allow(only: ["zones", "conduits", "assets", "lists", "process"])
        var assets: [IPAddress: Asset] = [:]
        for item in root["assets"]?.items ?? [] {
            item.allow(only: ["address", "name", "role", "criticality"])
            guard let text = item.required("address")?.string else { continue }
            guard let address = IPAddress(text) else {
                item["address"]?.complain("'\(text)' is no address")
                continue
            }
            if assets[address] != nil { item["address"]?.complain("asset \(address) is given twice") }
            let criticality: String? = item["criticality"]?.choice(of: [
                "low": "low", "medium": "medium", "high": "high", "critical": "critical",
            ])
            assets[address] = Asset(
                address: address, name: item["name"]?.string ?? text, role: item["role"]?.string ?? "unknown",
                criticality: criticality ?? "medium")
        }
        var lists: [String: [String]] = [:]
        for (key, value) in root["lists"]?.members ?? [] {
            if let name = key.scalar { lists[name] = value.strings }
        }
        return PlantModel(
            zones: Zones.read(root), assets: assets, lists: lists, process: ProcessModel.read(root))
    }
}
