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
///
/// An event costs one pass over its entries, a search for each address, and one merge of what is added.
public struct Enricher: Sendable {
    /// Registers the enricher's fields and constants in a table under construction; `finish` makes the enricher.
    public struct Plan: Sendable {
        let plant: PlantModel
        let intelligence: ThreatIntelligence
        let texts: IntelligenceTexts
        let plantTexts: PlantTexts
        /// By the number of the process point.
        let points: [ConstantText]

        /// A plan for `plant` and what `intelligence` says.
        public init(
            _ plant: PlantModel, intelligence: ThreatIntelligence = .empty, builder: inout FieldTable.Builder
        ) {
            self.plant = plant
            self.intelligence = intelligence
            for path in FieldScan.Role.allCases.compactMap(\.path) { builder.add(path) }
            for path in PlantFacts.paths + ProcessFields.paths { builder.add(path) }
            for path in IntelligenceFields.paths { builder.add(path) }
            texts = IntelligenceTexts(&builder)
            for point in plant.process.points {
                builder.add("unmapped.process.state." + point.name)
                if point.high != nil { builder.add("unmapped.process.state.\(point.name)_high") }
            }
            plantTexts = PlantTexts(plant, &builder)
            points = plant.process.points.map { builder.constant($0.name) }
        }

        /// The enricher for the finished table.
        public func finish(_ table: FieldTable) -> Enricher { Enricher(self, table) }
    }

    let plan: Plan
    private let codes: FieldScan.Codes
    private var scan = FieldScan()
    private var addresses: AddressCache
    private var added = Added()
    /// Nil when the plant knows nothing of addresses.
    private let facts: PlantFacts?
    /// Nil when the plant watches no point.
    let process: ProcessFields?
    /// Last values by point number: the image of the process as the wire showed it.
    var image: [Int64?]
    /// The values of the event under work.
    var values: [Int64] = []
    /// Nil when no list has an indicator.
    var lookup: IntelligenceLookup?

    private init(_ plan: Plan, _ table: FieldTable) {
        let plant = plan.plant
        self.plan = plan
        facts = PlantFacts(plant, plan.plantTexts, table)
        process = plant.process.points.isEmpty ? nil : ProcessFields(plant.process, table)
        lookup = plan.intelligence.isEmpty ? nil : IntelligenceLookup(plan.intelligence, plan.texts, table)
        codes = FieldScan.Codes(table, plant: facts != nil || process != nil, intelligence: lookup != nil)
        addresses = AddressCache(AddressFacts(plant.byAddress, plan.intelligence))
        image = Array(repeating: nil, count: plant.process.points.count)
    }

    /// Takes over the values learned by the enricher before a reload, point by point.
    public mutating func inherit(from old: Enricher) {
        for (number, point) in plan.plant.process.points.enumerated() {
            if let known = old.plan.plant.process.points.firstIndex(of: point) { image[number] = old.image[known] }
        }
    }

    /// Adds to the last event of `batch`, which `endRow` must have ended; it is ended again.
    public mutating func enrich(_ batch: inout Batch) {
        guard !codes.isEmpty, let row = batch.rows.indices.last else { return }
        scan.look(at: row, of: batch, codes)
        // First, while all entries are those of the event itself.
        lookup?.add(scan, &addresses, to: &batch, row: row)
        added.reset()
        if facts != nil || process != nil { addPlant(row, &batch) }
        added.span.withUnsafeBufferPointer { batch.endRow(adding: $0) }
    }

    /// Adds what the plant knows of both ends. A Detection Finding (2004) has its endpoints in `evidences`.
    private mutating func addPlant(_ row: Int, _ batch: inout Batch) {
        let source = known(scan.entry(.source, or: .evidenceSource, batch), batch)
        let destination = known(scan.entry(.destination, or: .evidenceDestination, batch), batch)
        if let facts {
            if let source, let destination {
                facts.tell(from: source, to: destination, scan, row, &batch, &added)
            } else if let source {
                facts.tell(source: source.place, &added)
            } else if let destination {
                facts.tell(destination: destination.place, &added)
            }
        }
        if process != nil, let destination, scan.place(.table) != nil {
            addProcess(scan, destination.address, &batch)
        }
    }

    @inline(__always)
    private mutating func known(_ entry: Entry?, _ batch: borrowing Batch) -> AddressFacts.Known? {
        guard let entry else { return nil }
        return entry.kind == .text ? addresses.known(batch.slab.bytes(entry.extent)) : constant(entry, batch)
    }

    @inline(never)
    private mutating func constant(_ entry: Entry, _ batch: borrowing Batch) -> AddressFacts.Known? {
        batch.withBytes(of: entry) { addresses.known($0) }
    }
}
