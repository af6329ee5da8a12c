// SPDX-License-Identifier: Apache-2.0
public import Events
internal import Wire

/// Adds to each event what the plant knows of its two addresses, what the process did last, and what threat-intelligence
/// lists say of its addresses, names and hashes.
///
/// Zones: `unmapped.zone.{src,dst,src_level,dst_level,conduit}`. Assets: `unmapped.asset.{src,dst}` and
/// `…{src,dst}_{role,criticality}`. Direction: `connection_info.direction_id`, where the event does not tell it. Process
/// points: `unmapped.process.{point,value,opens_inlet}` and, for every point of the device that is known by now,
/// `unmapped.process.state.<point>` and `….<point>_high`. Threat intelligence: `osint`, `enrichments`,
/// `unmapped.intelligence`.
public struct Enricher: Sendable {
    /// Registers the enricher's fields and constants in a table under construction; `finish` makes the enricher.
    public struct Plan: Sendable {
        let plant: PlantModel
        let intelligence: ThreatIntelligence
        let texts: IntelligenceTexts
        fileprivate let names: [ConstantText]
        fileprivate let levels: [ConstantText]
        /// In the order of all cases.
        fileprivate let verdicts: [ConstantText]
        fileprivate let points: [ConstantText]
        fileprivate let assets: [(name: ConstantText, role: ConstantText, criticality: ConstantText)]

        /// A plan for `plant` and what `intelligence` says.
        public init(
            _ plant: PlantModel, intelligence: ThreatIntelligence = .empty, builder: inout FieldTable.Builder
        ) {
            self.plant = plant
            self.intelligence = intelligence
            for path in Enricher.paths + Enricher.assetPaths { builder.add(path) }
            for path in IntelligenceFields.paths { builder.add(path) }
            texts = IntelligenceTexts(&builder)
            for point in plant.process.points {
                builder.add("unmapped.process.state." + point.name)
                if point.high != nil { builder.add("unmapped.process.state.\(point.name)_high") }
            }
            names = plant.zones.zones.map { builder.constant($0.name) }
            levels = plant.zones.zones.map { builder.constant($0.level) }
            points = plant.process.points.map { builder.constant($0.name) }
            verdicts = Zones.Verdict.allCases.map { builder.constant($0.rawValue) }
            assets = plant.numbered.map {
                (builder.constant($0.name), builder.constant($0.role), builder.constant($0.criticality))
            }
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
        "connection_info.direction_id", "connection_info.direction", "evidences.connection_info.direction_id",
        "evidences.connection_info.direction",
    ]

    /// In the order of an event's fields: what is added in order need not be sorted.
    static let assetPaths = [
        "unmapped.asset.dst", "unmapped.asset.dst_criticality", "unmapped.asset.dst_role", "unmapped.asset.src",
        "unmapped.asset.src_criticality", "unmapped.asset.src_role",
    ]

    private struct Fields {
        let source, destination, port, transport: FieldID
        let zoneSource, zoneDestination, levelSource, levelDestination, conduit: FieldID
        let table, address, unit, values, isWrite, status: FieldID
        let point, value, opensInlet: FieldID
        let evidenceSource, evidenceDestination, evidencePort, evidenceTransport: FieldID
        let direction, directionText, evidenceDirection, evidenceDirectionText: FieldID
        /// As ``Enricher/assetPaths``.
        let assets: [6 of FieldID]

        init?(_ table: FieldTable) {
            let ids = Enricher.paths.compactMap { table.id($0) }
            let assetIDs = Enricher.assetPaths.compactMap { table.id($0) }
            guard ids.count == Enricher.paths.count, assetIDs.count == 6 else { return nil }
            assets = [6 of FieldID] { assetIDs[$0] }
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
            direction = ids[22]
            directionText = ids[23]
            evidenceDirection = ids[24]
            evidenceDirectionText = ids[25]
        }
    }

    private let plan: Plan
    private let fields: Fields?
    private let states: [(value: FieldID, high: FieldID?)]
    /// Last values by point number: the image of the process as the wire showed it.
    private var image: [Int64?]
    /// The values of the event under work.
    private var values: [Int64] = []
    private var routes = Routes()
    /// Classes whose events have `connection_info`.
    private let connected: Set<Int32>
    /// The last direction that the schema has: 1.1.0 lacks 4 (Local).
    private let lastDirection: Int64
    /// Nil when no list has an indicator.
    var lookup: IntelligenceLookup?

    private init(_ plan: Plan, _ table: FieldTable) {
        self.plan = plan
        fields = Fields(table)
        lookup = plan.intelligence.isEmpty ? nil : IntelligenceLookup(plan.intelligence, plan.texts, table)
        connected = Set(
            table.dictionary.classes.values.filter { $0.shape.attributes["connection_info"]?.profiles.isEmpty == true }
                .map { Int32($0.uid) })
        let direction = table.dictionary.attribute(at: "connection_info.direction_id")?.enumeration
        lastDirection = direction?.captions["4"] == nil ? 3 : 4
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
        guard let fields, let last = batch.rows.indices.last else { return }
        let sequence = batch.rows[last].sequence
        let before = batch.entries.count
        // First, while all entries are those of the event itself.
        lookup?.add(to: &batch, row: last)
        let knows = !plan.names.isEmpty || !plan.assets.isEmpty || !plan.points.isEmpty
        let source = knows ? address(fields.source, fields.evidenceSource, last, batch) : nil
        let destination = knows ? address(fields.destination, fields.evidenceDestination, last, batch) : nil
        if let source, let destination {
            addRoute(fields, last, source, destination, &batch)
        } else if let address = source ?? destination, !plan.assets.isEmpty {
            let asset = plan.plant.asset(address)
            let first = source != nil ? 3 : 0
            put(asset, fields.assets[first], fields.assets[first + 1], fields.assets[first + 2], &batch)
        }
        if let destination, !plan.plant.process.points.isEmpty { process(fields, last, destination, &batch) }
        if batch.entries.count > before { batch.endRow(sequence: sequence) }
    }

    /// Adds what the plant knows of a connection: assets, zones and levels of both ends, the conduit, the direction.
    private mutating func addRoute(
        _ fields: Fields, _ row: Int, _ source: IPAddress, _ destination: IPAddress, _ batch: inout Batch
    ) {
        guard !plan.names.isEmpty || !plan.assets.isEmpty else { return }
        let port =
            (batch.find(fields.port, in: row) ?? batch.find(fields.evidencePort, in: row)).map {
                Int(truncatingIfNeeded: $0.integer)
            } ?? 0
        let transport = transport(fields, row, batch)
        let route = routes.route(plan.plant, from: source, to: destination, transport: transport, port: port)
        setDirection(route.direction, fields, row, &batch)
        put(route.destination, fields.assets[0], fields.assets[1], fields.assets[2], &batch)
        put(route.source, fields.assets[3], fields.assets[4], fields.assets[5], &batch)
        guard !plan.names.isEmpty else { return }
        batch.put(.constant(fields.conduit, plan.verdicts[route.verdict.number]))
        if route.to >= 0 {
            batch.put(.constant(fields.zoneDestination, plan.names[Int(route.to)]))
            batch.put(.constant(fields.levelDestination, plan.levels[Int(route.to)]))
        }
        if route.from >= 0 {
            batch.put(.constant(fields.zoneSource, plan.names[Int(route.from)]))
            batch.put(.constant(fields.levelSource, plan.levels[Int(route.from)]))
        }
    }

    /// Adds name, criticality and role of asset number `asset`, or nothing.
    private func put(
        _ asset: Int32, _ name: FieldID, _ criticality: FieldID, _ role: FieldID, _ batch: inout Batch
    ) {
        guard asset >= 0 else { return }
        let texts = plan.assets[Int(asset)]
        batch.put(.constant(name, texts.name))
        batch.put(.constant(criticality, texts.criticality))
        batch.put(.constant(role, texts.role))
    }

    /// Sets the direction where the event has none or does not know it; what it tells in words stays.
    private func setDirection(_ direction: Int64, _ fields: Fields, _ row: Int, _ batch: inout Batch) {
        guard direction != 0, direction <= lastDirection else { return }
        if let known = batch.find(fields.direction, in: row) {
            setDirection(direction, known, fields.directionText, row, &batch)
        } else if let known = batch.find(fields.evidenceDirection, in: row) {
            setDirection(direction, known, fields.evidenceDirectionText, row, &batch)
        } else if connected.contains(batch.rows[row].classUID) {
            batch.put(.integer(fields.direction, direction))
        }
    }

    private func setDirection(
        _ direction: Int64, _ known: Entry, _ text: FieldID, _ row: Int, _ batch: inout Batch
    ) {
        guard known.kind == .integer, known.integer == 0, batch.find(text, in: row) == nil else { return }
        batch.replace(.integer(known.field, direction, element: known.element), in: row)
    }

    /// The transport as ``Zones/packed(_:)`` makes it; one that the event does not name is TCP.
    private func transport(_ fields: Fields, _ row: Int, _ batch: borrowing Batch) -> UInt64 {
        guard
            let entry = batch.find(fields.transport, in: row) ?? batch.find(fields.evidenceTransport, in: row)
        else { return 0x746370 }
        guard entry.kind == .text || entry.kind == .constant else { return 0 }
        return batch.withBytes(of: entry) { Zones.packed($0) }
    }

    /// The address of an endpoint; a Detection Finding (2004) has its endpoints in `evidences`.
    private func address(_ field: FieldID, _ evidence: FieldID, _ row: Int, _ batch: borrowing Batch) -> IPAddress? {
        guard let entry = batch.find(field, in: row) ?? batch.find(evidence, in: row) else { return nil }
        return batch.withBytes(of: entry) { IPAddress.ofText($0) }
    }

    private mutating func process(_ fields: Fields, _ row: Int, _ device: IPAddress, _ batch: inout Batch) {
        guard let table = batch.find(fields.table, in: row), let start = batch.find(fields.address, in: row),
            let isWrite = batch.find(fields.isWrite, in: row), (0...65535).contains(start.integer)
        else { return }
        let unit = batch.find(fields.unit, in: row).map { Int(truncatingIfNeeded: $0.integer) }
        let points = plan.plant.process.points
        func isThere(_ number: Int) -> Bool {
            points[number].device == device
                && (points[number].unit == nil || unit == nil || points[number].unit == unit)
        }
        // Before anything is read of its values: most devices have no point.
        guard points.indices.contains(where: isThere) else { return }
        let accepted =
            batch.find(fields.status, in: row).map { entry in
                batch.withBytes(of: entry) { $0.equals("accepted") }
            } ?? false
        let kind = batch.withBytes(of: table) { name in ProcessModel.Table.allCases.first { name.equals($0.rawValue) } }
        let first = Int(truncatingIfNeeded: start.integer)
        read(batch.find(fields.values, in: row), batch)
        func value(_ number: Int) -> Int64? {
            let place = points[number].address - first
            return points[number].table == kind && values.indices.contains(place) ? values[place] : nil
        }
        var touched: (number: Int, value: Int64)?
        var opensInlet = false
        for number in points.indices where isThere(number) {
            guard let value = value(number) else { continue }
            let opens = isWrite.boolean && points[number].opensInletAt == value
            if opens || touched == nil { touched = (number, value) }
            opensInlet = opensInlet || opens
        }
        if let touched {
            batch.put(.constant(fields.point, plan.points[touched.number]))
            batch.put(.integer(fields.value, touched.value))
        }
        if isWrite.boolean { batch.put(.boolean(fields.opensInlet, opensInlet)) }
        // The state before this transaction: what the requester could know when it asked.
        for number in points.indices where points[number].device == device {
            guard let value = image[number] else { continue }
            batch.put(.integer(states[number].value, value))
            if let field = states[number].high, let limit = points[number].high {
                batch.put(.boolean(field, value > limit))
            }
        }
        guard accepted else { return }
        for number in points.indices where isThere(number) { image[number] = value(number) ?? image[number] }
    }

    /// The most values of one event.
    private static let mostValues = 4096

    /// Reads the whole numbers and truth values of a scalar, or of a JSON array of scalars, into ``values``; anything
    /// else counts as 0.
    private mutating func read(_ entry: Entry?, _ batch: borrowing Batch) {
        values.removeAll(keepingCapacity: true)
        guard let entry else { return }
        switch entry.kind {
        case .integer: values.append(entry.integer)
        case .boolean: values.append(entry.boolean ? 1 : 0)
        case .double: values.append(0)
        case .emptyArray: break
        case .text, .constant, .json, .members:
            batch.withBytes(of: entry) { json in
                var start = 0
                while start < json.byteCount, values.count < Enricher.mostValues {
                    var end = start
                    while let byte = json.byte(at: end), byte > 0x20, byte != 0x2C, byte != 0x5B, byte != 0x5D {
                        end += 1
                    }
                    if end > start { values.append(Enricher.number(json.part(start, end - start))) }
                    start = end + 1
                }
            }
        }
    }

    private static func number(_ text: RawSpan) -> Int64 {
        if text.equals("true") { return 1 }
        let isNegative = text.byte(at: 0) == 0x2D
        guard let magnitude = text.part(isNegative ? 1 : 0, .max).decimal else { return 0 }
        guard isNegative else { return Int64(exactly: magnitude) ?? 0 }
        return magnitude <= Int64.min.magnitude ? Int64(truncatingIfNeeded: 0 &- magnitude) : 0
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
