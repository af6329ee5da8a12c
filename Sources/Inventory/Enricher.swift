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
/// What is asked of an event, and where what it gets goes, is looked for once by layout (``EventPlaces``); an event then
/// costs a look into the cache for each of its addresses, a look for each of its names, and two copies of what is added.
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
    private(set) var scan = FieldScan()
    private var addresses: AddressCache
    /// Nil when the plant knows nothing of addresses.
    private let facts: Facts?
    /// Nil when the plant watches no point.
    let process: ProcessFields?
    /// Last values by point number: the image of the process as the wire showed it.
    var image: [Int64?]
    /// The values of the event under work.
    var values: [Int64] = []
    var lookup: IntelligenceLookup
    /// Whether a list has an indicator.
    private let hasLists: Bool

    private init(_ plan: Plan, _ table: FieldTable) {
        let plant = plan.plant
        self.plan = plan
        facts = Facts(PlantFacts(plant, plan.plantTexts, table))
        process = plant.process.points.isEmpty ? nil : ProcessFields(plant.process, table)
        lookup = IntelligenceLookup(plan.intelligence, plan.texts, table)
        hasLists = !plan.intelligence.isEmpty
        codes = FieldScan.Codes(table, plant: facts != nil || process != nil, intelligence: hasLists)
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
        guard !codes.isEmpty, let row = batch.rows.last else { return }
        let number = scan.number(row.layout, row.count) ?? learn(&batch)
        let places = scan[number]
        let first = Int(row.first)
        // First, while all entries are those of the event itself.
        let ends = hasLists ? ask(number, places, row, batch) : ends(places, first, batch)
        if hasLists { lookup.tell(row, &batch) }
        if process != nil, let destination = ends.destination, places.has(.table) {
            addProcess(number, first, destination.address, &batch)
        }
        facts?.reference._withUnsafeGuaranteedRef { Enricher.tell($0, ends, places, first, &batch) }
        if batch.entries.count != first &+ Int(batch.rows[batch.rows.count &- 1].count) {
            batch.endRow(sequence: row.sequence)
        }
    }

    @inline(never)
    private mutating func learn(_ batch: inout Batch) -> Int {
        scan.learn(batch.rows[batch.rows.count - 1], batch, codes)
    }

    /// The plant's facts, and the same again for events: a reference would be counted for each of them.
    private struct Facts: @unchecked Sendable {
        let all: PlantFacts
        let reference: Unmanaged<PlantFacts>

        init?(_ facts: PlantFacts?) {
            guard let facts else { return nil }
            (all, reference) = (facts, .passUnretained(facts))
        }
    }

    /// What is known of both ends of a connection.
    private typealias Ends = (source: AddressFacts.Known?, destination: AddressFacts.Known?)

    /// What the plant knows of the ends.
    @inline(__always)
    private mutating func ends(_ places: EventPlaces, _ first: Int, _ batch: borrowing Batch) -> Ends {
        let bytes = batch.slab.bytes
        var ends: Ends = (nil, nil)
        if places.source >= 0 {
            ends.source = known(batch.entries[first &+ Int(places.source)], bytes, batch)
        }
        if places.destination >= 0 {
            ends.destination = known(batch.entries[first &+ Int(places.destination)], bytes, batch)
        }
        return ends
    }

    /// Looks up the values of an event in threat-intelligence lists, and tells what is known of its ends.
    @inline(__always)
    private mutating func ask(
        _ number: Int, _ places: EventPlaces, _ row: Row, _ batch: borrowing Batch
    ) -> Ends {
        let bytes = batch.slab.bytes
        var ends: Ends = (nil, nil)
        for index in 0..<Int(places.askedCount) {
            let asked = scan.asked(number, index)
            let entry = batch.entries[Int(row.first) &+ asked.place]
            if asked.isAddress {
                guard let known = known(entry, bytes, batch) else { continue }
                if asked.isSource { ends.source = known }
                if asked.isDestination { ends.destination = known }
                if known.indicator >= 0 { lookup.note(known.indicator, entry, row.time) }
            } else {
                let text = entry.kind == .text ? bytes.part(entry.extent) : RawSpan()
                lookup.ask(entry, text, asked.kind, row.time, batch)
            }
        }
        return ends
    }

    /// What is known of the address in an entry; `bytes` are those of the batch's slab.
    @inline(__always)
    private mutating func known(_ entry: Entry, _ bytes: RawSpan, _ batch: borrowing Batch) -> AddressFacts.Known? {
        entry.kind == .text ? addresses.known(bytes.part(entry.extent)) : constant(entry, batch)
    }

    @inline(never)
    private mutating func constant(_ entry: Entry, _ batch: borrowing Batch) -> AddressFacts.Known? {
        guard entry.kind == .constant else { return nil }
        return batch.withBytes(of: entry) { addresses.known($0) }
    }

    /// Adds what the plant knows of the ends of a connection.
    @inline(__always)
    private static func tell(
        _ facts: PlantFacts, _ ends: Ends, _ places: EventPlaces, _ first: Int, _ batch: inout Batch
    ) {
        let most = PlantFacts.most
        withUnsafeTemporaryAllocation(of: Entry.self, capacity: most.assets + most.zones) { room in
            let assets = facts.tell(assets: ends.source, ends.destination, to: room)
            var zones = 0
            var direction: Entry?
            if let source = ends.source, let destination = ends.destination {
                let (from, to) = (source.place.zone, destination.place.zone)
                let verdict = facts.verdict(from, to, places, first, batch)
                zones = facts.tell(from: from, to: to, verdict, to: .init(rebasing: room[most.assets...]))
                direction = facts.direction.set(
                    DirectionRule.direction(from >= 0, to >= 0, source.address, destination.address), places, first,
                    &batch)
            }
            // From behind, so that the places before stay what they are.
            let added = UnsafeBufferPointer(room)
            if zones > 0 {
                let told = UnsafeBufferPointer(rebasing: added[most.assets..<most.assets &+ zones])
                batch.insert(told, at: Int(places.zones))
            }
            if assets > 0 {
                batch.insert(UnsafeBufferPointer(rebasing: added[..<assets]), at: Int(places.assets))
            }
            if let direction { insert(direction, Int(places.direction), &batch) }
        }
    }

    @inline(never)
    private static func insert(_ entry: Entry, _ place: Int, _ batch: inout Batch) {
        withUnsafePointer(to: entry) { batch.insert(UnsafeBufferPointer(start: $0, count: 1), at: place) }
    }
}
