// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// What events get of the plant: the entries that tell it, made once, so that an event gets copies of them.
final class PlantFacts: Sendable {
    /// Dotted paths, in the order of an event's fields.
    static let paths = [
        "unmapped.asset.dst", "unmapped.asset.dst_criticality", "unmapped.asset.dst_role", "unmapped.asset.src",
        "unmapped.asset.src_criticality", "unmapped.asset.src_role", "unmapped.zone.conduit", "unmapped.zone.dst",
        "unmapped.zone.dst_level", "unmapped.zone.src", "unmapped.zone.src_level",
    ]

    /// By the number of the zone: name and level as the destination's, then as the source's.
    private let zones: [Entry]
    /// By the number of the asset: name, criticality and role as the destination's, then as the source's.
    private let assets: [Entry]
    /// By ``Zones/Verdict/number``.
    private let verdicts: [Entry]
    private let conduits: ConduitTable
    private let direction: DirectionRule

    /// The facts for a table; nil when the plant knows nothing of addresses.
    init?(_ plant: PlantModel, _ texts: PlantTexts, _ table: FieldTable) {
        let ids = PlantFacts.paths.compactMap { table.id($0) }
        guard ids.count == PlantFacts.paths.count, !plant.zones.zones.isEmpty || !plant.numbered.isEmpty else {
            return nil
        }
        assets = texts.assets.flatMap { text in
            [0, 3].flatMap { end -> [Entry] in
                [
                    .constant(ids[end], text.name), .constant(ids[end + 1], text.criticality),
                    .constant(ids[end + 2], text.role),
                ]
            }
        }
        verdicts = texts.verdicts.map { .constant(ids[6], $0) }
        zones = texts.zones.flatMap { text in
            [7, 9].flatMap { [.constant(ids[$0], text.name), .constant(ids[$0 + 1], text.level)] as [Entry] }
        }
        conduits = plant.zones.allowed
        direction = DirectionRule(table)
    }

    /// Adds what the plant knows of the only end that is told.
    @inline(__always)
    func tell(destination known: PlantTable.Known, _ added: inout Added) { tell(known.asset, 0, &added) }

    /// Adds what the plant knows of the only end that is told.
    @inline(__always)
    func tell(source known: PlantTable.Known, _ added: inout Added) { tell(known.asset, 3, &added) }

    @inline(__always)
    private func tell(_ asset: Int32, _ end: Int, _ added: inout Added) {
        guard asset >= 0 else { return }
        let first = Int(asset) &* 6 &+ end
        added.append(assets[first])
        added.append(assets[first + 1])
        added.append(assets[first + 2])
    }

    @inline(__always)
    private func tell(zone: Int32, _ end: Int, _ added: inout Added) {
        guard zone >= 0 else { return }
        let first = Int(zone) &* 4 &+ end
        added.append(zones[first])
        added.append(zones[first + 1])
    }

    /// Adds what the plant knows of a connection: assets, zones and levels of both ends, the conduit, the direction.
    @inline(__always)
    func tell(
        from source: AddressFacts.Known, to destination: AddressFacts.Known, _ scan: borrowing FieldScan, _ row: Int,
        _ batch: inout Batch, _ added: inout Added
    ) {
        let (from, to) = (source.place.zone, destination.place.zone)
        let value = DirectionRule.direction(from >= 0, to >= 0, source.address, destination.address)
        if let entry = direction.set(value, scan, row, &batch) { added.append(entry) }
        tell(destination.place.asset, 0, &added)
        tell(source.place.asset, 3, &added)
        guard !zones.isEmpty else { return }
        added.append(verdicts[verdict(from, to, scan, batch).number])
        tell(zone: to, 0, &added)
        tell(zone: from, 2, &added)
    }

    @inline(__always)
    private func verdict(
        _ from: Int32, _ to: Int32, _ scan: borrowing FieldScan, _ batch: borrowing Batch
    ) -> Zones.Verdict {
        if from < 0 || to < 0 { return .unknown }
        if from == to { return .internal }
        let port = scan.entry(.port, or: .evidencePort, batch).map { Int(truncatingIfNeeded: $0.integer) } ?? 0
        let transport = PlantFacts.transport(scan, batch)
        return conduits.allows(from: Int(from), to: Int(to), transport: transport, port: port) ? .allowed : .forbidden
    }

    /// The transport as ``Zones/packed(_:)`` makes it; one that the event does not name is TCP.
    private static func transport(_ scan: borrowing FieldScan, _ batch: borrowing Batch) -> UInt64 {
        guard let entry = scan.entry(.transport, or: .evidenceTransport, batch) else { return 0x746370 }
        guard entry.kind == .text || entry.kind == .constant else { return 0 }
        return batch.withBytes(of: entry) { Zones.packed($0) }
    }
}

/// The constant texts of a plant's zones and assets.
struct PlantTexts: Sendable {
    let zones: [(name: ConstantText, level: ConstantText)]
    let assets: [(name: ConstantText, role: ConstantText, criticality: ConstantText)]
    /// In the order of all cases.
    let verdicts: [ConstantText]

    init(_ plant: PlantModel, _ builder: inout FieldTable.Builder) {
        zones = plant.zones.zones.map { (builder.constant($0.name), builder.constant($0.level)) }
        verdicts = Zones.Verdict.allCases.map { builder.constant($0.rawValue) }
        assets = plant.numbered.map {
            (builder.constant($0.name), builder.constant($0.role), builder.constant($0.criticality))
        }
    }
}

/// What one event gets, in the order of its fields: at most a direction, two assets, the conduit and two zones.
struct Added: Sendable {
    private var entries = [12 of Entry](repeating: .emptyArray(0))
    private var count = 0

    @inline(__always)
    mutating func reset() { count = 0 }

    @inline(__always)
    mutating func append(_ entry: Entry) {
        entries[count] = entry
        count &+= 1
    }

    /// What was added.
    var span: Span<Entry> {
        @_lifetime(borrow self)
        borrowing get { entries.span.extracting(0..<count) }
    }
}

extension Zones.Verdict {
    /// Its place among all cases.
    @inline(__always)
    var number: Int {
        switch self {
        case .internal: 0
        case .allowed: 1
        case .forbidden: 2
        case .unknown: 3
        }
    }
}
