// SPDX-License-Identifier: Apache-2.0
internal import Events
internal import Wire

/// What events get of the plant: the entries that tell it, made once, so that an event gets copies of them.
///
/// The entries are in memory of its own, which nobody writes to once it is made: an array would count a reference each time.
final class PlantFacts: @unchecked Sendable {
    /// Dotted paths, in the order of an event's fields.
    static let paths = assetPaths + zonePaths
    static let assetPaths = [
        "unmapped.asset.dst", "unmapped.asset.dst_criticality", "unmapped.asset.dst_role", "unmapped.asset.src",
        "unmapped.asset.src_criticality", "unmapped.asset.src_role",
    ]
    static let zonePaths = [
        "unmapped.zone.conduit", "unmapped.zone.dst", "unmapped.zone.dst_level", "unmapped.zone.src",
        "unmapped.zone.src_level",
    ]

    /// By the number of the zone: name and level as the destination's, then as the source's.
    private let zones: UnsafeBufferPointer<Entry>
    /// By the number of the asset: name, criticality and role as the destination's, then as the source's.
    private let assets: UnsafeBufferPointer<Entry>
    /// By ``Zones/Verdict/number``.
    private let verdicts: UnsafeBufferPointer<Entry>
    private let conduits: ConduitTable
    let direction: DirectionRule

    /// The facts for a table; nil when the plant knows nothing of addresses.
    init?(_ plant: PlantModel, _ texts: PlantTexts, _ table: FieldTable) {
        let ids = PlantFacts.paths.compactMap { table.id($0) }
        guard ids.count == PlantFacts.paths.count, !plant.zones.zones.isEmpty || !plant.numbered.isEmpty else {
            return nil
        }
        assets = PlantFacts.kept(
            texts.assets.flatMap { text in
                [0, 3].flatMap { end -> [Entry] in
                    [
                        .constant(ids[end], text.name), .constant(ids[end + 1], text.criticality),
                        .constant(ids[end + 2], text.role),
                    ]
                }
            })
        verdicts = PlantFacts.kept(texts.verdicts.map { .constant(ids[6], $0) })
        zones = PlantFacts.kept(
            texts.zones.flatMap { text in
                [7, 9].flatMap { [.constant(ids[$0], text.name), .constant(ids[$0 + 1], text.level)] as [Entry] }
            })
        conduits = plant.zones.allowed
        direction = DirectionRule(table)
    }

    deinit {
        zones.deallocate()
        assets.deallocate()
        verdicts.deallocate()
    }

    private static func kept(_ entries: [Entry]) -> UnsafeBufferPointer<Entry> {
        let room = UnsafeMutableBufferPointer<Entry>.allocate(capacity: entries.count)
        _ = room.initialize(from: entries)
        return UnsafeBufferPointer(room)
    }

    /// The most entries that tell of the assets of an event, and of its zones.
    static let most = (assets: 6, zones: 5)

    /// Writes what the plant knows of two assets, in the order of an event's fields, and tells how many entries that is.
    @inline(__always)
    func tell(
        assets source: AddressFacts.Known?, _ destination: AddressFacts.Known?,
        to room: UnsafeMutableBufferPointer<Entry>
    ) -> Int {
        var count = 0
        guard let room = room.baseAddress else { return 0 }
        if let destination, destination.place.asset >= 0 {
            copy(assets, Int(destination.place.asset) &* 6, 3, room)
            count = 3
        }
        if let source, source.place.asset >= 0 {
            copy(assets, Int(source.place.asset) &* 6 &+ 3, 3, room + count)
            count &+= 3
        }
        return count
    }

    @inline(__always)
    private func copy(
        _ entries: UnsafeBufferPointer<Entry>, _ first: Int, _ count: Int, _ room: UnsafeMutablePointer<Entry>
    ) {
        precondition(first >= 0 && first &+ count <= entries.count, "an asset or zone of another plant")
        guard let base = entries.baseAddress else { return }
        // As bytes: member by member is four times as much.
        UnsafeMutableRawPointer(room).copyMemory(
            from: base + first, byteCount: count &* MemoryLayout<Entry>.stride)
    }

    /// Writes the conduit, zones and levels of both ends, and tells how many entries that is.
    @inline(__always)
    func tell(
        from: Int32, to: Int32, _ verdict: Zones.Verdict, to room: UnsafeMutableBufferPointer<Entry>
    ) -> Int {
        guard !zones.isEmpty, let room = room.baseAddress else { return 0 }
        room.initialize(to: verdicts[verdict.number])
        var count = 1
        if to >= 0 {
            copy(zones, Int(to) &* 4, 2, room + 1)
            count = 3
        }
        if from >= 0 {
            copy(zones, Int(from) &* 4 &+ 2, 2, room + count)
            count &+= 2
        }
        return count
    }

    /// What the plant says of a connection.
    @inline(__always)
    func verdict(
        _ from: Int32, _ to: Int32, _ places: EventPlaces, _ first: Int, _ batch: borrowing Batch
    ) -> Zones.Verdict {
        if from < 0 || to < 0 { return .unknown }
        if from == to { return .internal }
        let port = places.port < 0 ? 0 : Int(truncatingIfNeeded: batch.entries[first &+ Int(places.port)].integer)
        // A transport that the event does not name is TCP.
        var transport: UInt64 = 0x746370
        if places.transport >= 0 {
            let entry = batch.entries[first &+ Int(places.transport)]
            switch entry.kind {
            case .text: transport = Zones.packed(batch.slab.bytes(entry.extent))
            case .constant: transport = batch.withBytes(of: entry) { Zones.packed($0) }
            default: transport = 0
            }
        }
        return conduits.allows(from: Int(from), to: Int(to), transport: transport, port: port)
            ? .allowed : .forbidden
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
