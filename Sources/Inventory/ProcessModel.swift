// SPDX-License-Identifier: Apache-2.0
internal import Documents
public import Wire

/// The points of the physical process that the plant watches: which register means what, and where it gets dangerous.
public struct ProcessModel: Sendable {
    /// A table of the Modbus data model (Modbus Application Protocol V1.1b3, section 4.3).
    public enum Table: String, Sendable, CaseIterable {
        /// Single bits, read and write.
        case coil
        /// Single bits, read only.
        case discreteInput = "discrete_input"
        /// 16-bit registers, read and write.
        case holdingRegister = "holding_register"
        /// 16-bit registers, read only.
        case inputRegister = "input_register"
    }

    /// One point: a place in a device's data with a name.
    public struct Point: Sendable, Equatable {
        /// Its name, used in field names: lower-case letters, digits and `_`.
        public let name: String
        /// The device's address.
        public let device: IPAddress
        /// The unit identifier, or nil for any.
        public let unit: Int?
        /// The table.
        public let table: Table
        /// The address in the table, from 0.
        public let address: Int
        /// The value above which the point is high, or nil.
        public let high: Int64?
        /// The value that opens an inlet, or nil when the point opens none.
        public let opensInletAt: Int64?
    }

    /// The points in the order of the file.
    public let points: [Point]

    static func read(_ root: Element) -> ProcessModel {
        var points: [Point] = []
        root["process"]?.allow(only: ["points"])
        for item in root["process"]?["points"]?.items ?? [] {
            item.allow(only: ["name", "device", "unit", "table", "address", "high", "opens_inlet_at", "description"])
            guard let name = item.required("name")?.string, let device = item.required("device")?.string,
                let table = item.required("table")?.choice(of: [
                    "coil": Table.coil, "discrete_input": .discreteInput, "holding_register": .holdingRegister,
                    "input_register": .inputRegister,
                ]), let address = item.required("address")?.integer(in: 0...65535)
            else { continue }
            guard let parsed = IPAddress(device) else {
                item["device"]?.complain("'\(device)' is no address")
                continue
            }
            if !name.allSatisfy({ $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "_") }) || name.isEmpty {
                item["name"]?.complain("a point's name has lower-case letters, digits and _ only")
            }
            if points.contains(where: { $0.name == name }) { item["name"]?.complain("point '\(name)' is given twice") }
            points.append(
                Point(
                    name: name, device: parsed, unit: item["unit"]?.integer(in: 0...255), table: table,
                    address: address,
                    high: item["high"]?.integer().map(Int64.init),
                    opensInletAt: item["opens_inlet_at"]?.integer().map(Int64.init)))
        }
        return ProcessModel(points: points)
    }
}
