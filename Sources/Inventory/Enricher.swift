// SPDX-License-Identifier: Apache-2.0
public import Events
internal import Wire

/// Adds to each event what the plant knows of its two addresses, and what the process did last.
///
/// Zones: `unmapped.zone.{src,dst,src_level,dst_level,conduit}`. Process points:
/// `unmapped.process.{point,value,opens_inlet}` and, for every point of the device that is known by now,
/// `unmapped.process.state.<point>` and `….<point>_high`.
public struct Enricher: Sendable {
    /// Registers the enricher's fields and constants in a table under construction; `finish` makes the enricher.
    public struct Plan: Sendable {
        fileprivate let plant: PlantModel
        fileprivate let names: [ConstantText]
        fileprivate let levels: [ConstantText]
        /// In the order of all cases.
        fileprivate let verdicts: [ConstantText]
        fileprivate let points: [ConstantText]

        /// A plan for `plant`.
        public init(_ plant: PlantModel, builder: inout FieldTable.Builder) {
            self.plant = plant
            for path in Enricher.paths { builder.add(path) }
            for point in plant.process.points {
                builder.add("unmapped.process.state." + point.name)
                if point.high != nil { builder.add("unmapped.process.state.\(point.name)_high") }
            }
            names = plant.zones.zones.map { builder.constant($0.name) }
            levels = plant.zones.zones.map { builder.constant($0.level) }
            points = plant.process.points.map { builder.constant($0.name) }
            verdicts = Zones.Verdict.allCases.map { builder.constant($0.rawValue) }
        }

        /// The enricher for the finished table.
        public func finish(_ table: FieldTable) -> Enricher { Enricher(self, table) }
    }

    static let paths = [
        "src_endpoint.ip", "dst_endpoint.ip", "dst_endpoint.port", "connection_info.protocol_name",
        "unmapped.zone.src", "unmapped.zone.dst", "unmapped.zone.src_level", "unmapped.zone.dst_level",
        "unmapped.zone.conduit", "unmapped.modbus.table", "unmapped.modbus.address", "unmapped.modbus.unit_id",
        "unmapped.modbus.values", "unmapped.modbus.is_write", "unmapped.modbus.status", "unmapped.process.point",
        "unmapped.process.value", "unmapped.process.opens_inlet", "evidences.src_endpoint.ip",
        "evidences.dst_endpoint.ip", "evidences.dst_endpoint.port", "evidences.connection_info.protocol_name",
    ]

    private struct Fields {
        let source, destination, port, transport: FieldID
        let zoneSource, zoneDestination, levelSource, levelDestination, conduit: FieldID
        let table, address, unit, values, isWrite, status: FieldID
        let point, value, opensInlet: FieldID
        let evidenceSource, evidenceDestination, evidencePort, evidenceTransport: FieldID

        init?(_ table: FieldTable) {
            let ids = Enricher.paths.compactMap { table.id($0) }
            guard ids.count == Enricher.paths.count else { return nil }
            source = ids[0]
            destination = ids[1]
            port = ids[2]
            transport = ids[3]
            zoneSource = ids[4]
            zoneDestination = ids[5]
            levelSource = ids[6]
            levelDestination = ids[7]
            conduit = ids[8]
            self.table = ids[9]
            address = ids[10]
            unit = ids[11]
            values = ids[12]
            isWrite = ids[13]
            status = ids[14]
            point = ids[15]
            value = ids[16]
            opensInlet = ids[17]
            evidenceSource = ids[18]
            evidenceDestination = ids[19]
            evidencePort = ids[20]
            evidenceTransport = ids[21]
        }
    }

    private let plan: Plan
    private let fields: Fields?
    private let states: [(value: FieldID, high: FieldID?)]
    /// Last values by point number: the image of the process as the wire showed it.
    private var image: [Int64?]
    private var routes = Routes()

    private init(_ plan: Plan, _ table: FieldTable) {
        self.plan = plan
        fields = Fields(table)
        states = plan.plant.process.points.map { point in
            (
                table.id("unmapped.process.state." + point.name) ?? 0,
                table.id("unmapped.process.state.\(point.name)_high")
            )
        }
        image = Array(repeating: nil, count: plan.plant.process.points.count)
    }

    /// Takes over the values learned by the enricher before a reload, point by point.
    public mutating func inherit(from old: Enricher) {
        for (number, point) in plan.plant.process.points.enumerated() {
            if let known = old.plan.plant.process.points.firstIndex(of: point) { image[number] = old.image[known] }
        }
    }

    /// Adds to the last event of `batch`, which `endRow` must have ended; it is ended again.
    public mutating func enrich(_ batch: inout Batch) {
        guard let fields, let last = batch.rows.indices.last,
            let destination = address(fields.destination, fields.evidenceDestination, last, batch)
        else { return }
        let sequence = batch.rows[last].sequence
        if let source = address(fields.source, fields.evidenceSource, last, batch), !plan.plant.zones.zones.isEmpty {
            let port =
                (batch.find(fields.port, in: last) ?? batch.find(fields.evidencePort, in: last)).map {
                    Int(truncatingIfNeeded: $0.integer)
                } ?? 0
            let transport = batch.find(fields.transport, in: last) ?? batch.find(fields.evidenceTransport, in: last)
            let route = route(from: source, to: destination, transport, port, batch)
            let (from, to, verdict) = (route.from, route.to, route.verdict)
            if let from {
                batch.put(.constant(fields.zoneSource, plan.names[from]))
                batch.put(.constant(fields.levelSource, plan.levels[from]))
            }
            if let to {
                batch.put(.constant(fields.zoneDestination, plan.names[to]))
                batch.put(.constant(fields.levelDestination, plan.levels[to]))
            }
            batch.put(.constant(fields.conduit, plan.verdicts[verdict.number]))
        }
        if !plan.plant.process.points.isEmpty { process(fields, last, destination, &batch) }
        batch.endRow(sequence: sequence)
    }

    /// What the zones say of a connection; a transport that the event does not name is TCP.
    private mutating func route(
        from source: IPAddress, to destination: IPAddress, _ transport: Entry?, _ port: Int, _ batch: borrowing Batch
    ) -> Route {
        let zones = plan.plant.zones
        guard let transport, [.text, .constant].contains(transport.kind) else {
            let text = transport.map { batch.text(of: $0) } ?? "tcp"
            let bytes = Array(text.utf8)
            return routes.route(zones, from: source, to: destination, transport: bytes.span.bytes, port: port)
        }
        return batch.withBytes(of: transport) {
            routes.route(zones, from: source, to: destination, transport: $0, port: port)
        }
    }

    /// The address of an endpoint; a Detection Finding (2004) has its endpoints in `evidences`.
    private func address(_ field: FieldID, _ evidence: FieldID, _ row: Int, _ batch: borrowing Batch) -> IPAddress? {
        guard let entry = batch.find(field, in: row) ?? batch.find(evidence, in: row) else { return nil }
        return batch.withBytes(of: entry) { IPAddress($0) }
    }

    private mutating func process(_ fields: Fields, _ row: Int, _ device: IPAddress, _ batch: inout Batch) {
        guard let table = batch.find(fields.table, in: row), let start = batch.find(fields.address, in: row),
            let isWrite = batch.find(fields.isWrite, in: row), (0...65535).contains(start.integer)
        else { return }
        let unit = batch.find(fields.unit, in: row).map { Int(truncatingIfNeeded: $0.integer) }
        let accepted =
            batch.find(fields.status, in: row).map { entry in
                batch.withBytes(of: entry) { $0.equals("accepted") }
            } ?? false
        let name = batch.text(of: table)
        let first = Int(truncatingIfNeeded: start.integer)
        let values = batch.find(fields.values, in: row).map { Enricher.numbers(batch.text(of: $0)) } ?? []
        var touched: (number: Int, value: Int64)?
        var opensInlet = false
        var isKnownDevice = false
        for (number, point) in plan.plant.process.points.enumerated()
        where point.device == device && (point.unit == nil || unit == nil || point.unit == unit) {
            isKnownDevice = true
            guard point.table.rawValue == name, point.address >= first, point.address - first < values.count else {
                continue
            }
            let value = values[point.address - first]
            let opens = isWrite.boolean && point.opensInletAt == value
            if opens || touched == nil { touched = (number, value) }
            opensInlet = opensInlet || opens
        }
        guard isKnownDevice else { return }
        if let touched {
            batch.put(.constant(fields.point, plan.points[touched.number]))
            batch.put(.integer(fields.value, touched.value))
        }
        if isWrite.boolean { batch.put(.boolean(fields.opensInlet, opensInlet)) }
        // The state before this transaction: what the requester could know when it asked.
        for (number, point) in plan.plant.process.points.enumerated() where point.device == device {
            guard let value = image[number] else { continue }
            batch.put(.integer(states[number].value, value))
            if let field = states[number].high, let limit = point.high { batch.put(.boolean(field, value > limit)) }
        }
        guard accepted else { return }
        for (number, point) in plan.plant.process.points.enumerated()
        where point.device == device && (point.unit == nil || unit == nil || point.unit == unit)
            && point.table.rawValue == name && point.address >= first && point.address - first < values.count
        {
            image[number] = values[point.address - first]
        }
    }

    /// The whole numbers and truth values of a JSON array of scalars.
    static func numbers(_ text: String) -> [Int64] {
        text.split(whereSeparator: { "[], ".contains($0) }).prefix(4096).map {
            $0 == "true" ? 1 : $0 == "false" ? 0 : Int64($0) ?? 0
        }
    }
}

extension Zones.Verdict {
    /// Its place among all cases.
    fileprivate var number: Int {
        switch self {
        case .internal: 0
        case .allowed: 1
        case .forbidden: 2
        case .unknown: 3
        }
    }
}
