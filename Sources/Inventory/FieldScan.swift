// SPDX-License-Identifier: Apache-2.0
internal import Events

/// Where in events of one ``Row/layout`` is what the enricher reads, and where what it adds goes. Places count from the
/// event's first entry; those of roles and of what is looked up are in ``FieldScan``.
struct EventPlaces: Sendable {
    /// The layout; 0: of nothing.
    fileprivate(set) var layout: UInt32 = 0
    /// How many entries such an event has.
    fileprivate(set) var count: Int32 = 0
    /// A bit by role: whether the event has it.
    fileprivate var seen: UInt32 = 0
    fileprivate(set) var askedCount: Int32 = 0
    /// Where an entry for `connection_info.direction_id` goes; -1: the event has one, or its class has none.
    fileprivate(set) var direction: Int32 = -1
    /// Where the entries that tell of assets and of zones go; -1: the event has something there.
    fileprivate(set) var assets: Int32 = -1
    fileprivate(set) var zones: Int32 = -1

    /// The places of the addresses of both ends, of the port and the transport, and of the direction where the event does
    /// not tell it in words; -1: it has none.
    fileprivate(set) var source: Int32 = -1
    fileprivate(set) var destination: Int32 = -1
    fileprivate(set) var port: Int32 = -1
    fileprivate(set) var transport: Int32 = -1
    fileprivate(set) var told: Int32 = -1

    /// Whether the event has what a role means.
    @inline(__always)
    func has(_ role: FieldScan.Role) -> Bool { seen & (1 &<< UInt32(role.rawValue)) != 0 }

    /// A value that is looked up in threat-intelligence lists, in one word.
    struct Asked: Sendable {
        private let bits: UInt32

        init(_ place: Int, _ kind: IntelligenceFields.Kind, isSource: Bool, isDestination: Bool) {
            bits =
                UInt32(truncatingIfNeeded: place) << 5 | UInt32(kind.rawValue) << 2 | (isSource ? 1 : 0)
                | (isDestination ? 2 : 0)
        }

        /// The place of its entry.
        @inline(__always)
        var place: Int { Int(bits >> 5) }
        var kind: IntelligenceFields.Kind { IntelligenceFields.Kind(rawValue: UInt8(bits >> 2 & 7)) ?? .none }
        @inline(__always)
        var isAddress: Bool { bits >> 2 & 7 == UInt32(IntelligenceFields.Kind.address.rawValue) }
        /// Whether it is an end of the connection, as the plant sees it.
        @inline(__always)
        var isSource: Bool { bits & 1 != 0 }
        @inline(__always)
        var isDestination: Bool { bits & 2 != 0 }
    }
}

/// Finds what the enricher reads of events: in one pass over the entries, or by what it remembers of the layout.
struct FieldScan: Sendable {
    /// What a field means to the plant; only the first entry of a field is noted, as ``Batch/find(_:in:)`` finds it.
    enum Role: UInt8, Sendable, CaseIterable {
        case none, source, destination, port, transport, direction, directionText
        case evidenceSource, evidenceDestination, evidencePort, evidenceTransport
        case evidenceDirection, evidenceDirectionText
        case table, address, unit, values, isWrite, status

        /// The path of its field.
        var path: String? {
            switch self {
            case .none: nil
            case .source: "src_endpoint.ip"
            case .destination: "dst_endpoint.ip"
            case .port: "dst_endpoint.port"
            case .transport: "connection_info.protocol_name"
            case .direction: "connection_info.direction_id"
            case .directionText: "connection_info.direction"
            case .evidenceSource: "evidences.src_endpoint.ip"
            case .evidenceDestination: "evidences.dst_endpoint.ip"
            case .evidencePort: "evidences.dst_endpoint.port"
            case .evidenceTransport: "evidences.connection_info.protocol_name"
            case .evidenceDirection: "evidences.connection_info.direction_id"
            case .evidenceDirectionText: "evidences.connection_info.direction"
            case .table: "unmapped.modbus.table"
            case .address: "unmapped.modbus.address"
            case .unit: "unmapped.modbus.unit_id"
            case .values: "unmapped.modbus.values"
            case .isWrite: "unmapped.modbus.is_write"
            case .status: "unmapped.modbus.status"
            }
        }
    }

    /// By field: what is read of it. The role in the lower five bits, the ``IntelligenceFields/Kind`` above; 0 for nothing.
    struct Codes: Sendable {
        /// As many as there are field numbers, so that none is out of range.
        fileprivate let codes: [UInt8]
        /// Whether nothing is read of any field.
        let isEmpty: Bool
        /// The first and the last field that tell of assets, and of zones.
        fileprivate let assets, zones: ClosedRange<FieldID>?
        fileprivate let direction: FieldID?
        /// Classes whose events have `connection_info`.
        private let connected: Set<Int32>

        /// The codes of a table: of roles when the plant knows something, of kinds when a list does.
        init(_ table: FieldTable, plant: Bool, intelligence: Bool) {
            var codes = [UInt8](repeating: 0, count: Int(FieldID.max) + 1)
            if intelligence {
                for (field, kind) in IntelligenceFields.kinds(table).enumerated() { codes[field] = kind.rawValue << 5 }
            }
            if plant {
                for role in Role.allCases {
                    if let field = role.path.flatMap({ table.id($0) }) { codes[Int(field)] |= role.rawValue }
                }
            }
            self.codes = codes
            isEmpty = codes.allSatisfy { $0 == 0 }
            func range(_ paths: [String]) -> ClosedRange<FieldID>? {
                let ids = plant ? paths.compactMap { table.id($0) } : []
                guard let first = ids.min(), let last = ids.max() else { return nil }
                return first...last
            }
            assets = range(PlantFacts.assetPaths)
            zones = range(PlantFacts.zonePaths)
            direction = plant ? Role.direction.path.flatMap { table.id($0) } : nil
            connected = Set(
                table.dictionary.classes.values
                    .filter { $0.shape.attributes["connection_info"]?.profiles.isEmpty == true }.map { Int32($0.uid) })
        }

        fileprivate func hasConnection(_ row: Row) -> Bool { connected.contains(row.classUID) }
    }

    /// A power of two.
    private static let size = 1024
    /// The most values that are looked up of events whose places are remembered.
    private static let mostAsked = 16
    private static let roles = 20

    /// By the lower bits of the layout; the last is for events whose layout is not remembered.
    private var known = Array(repeating: EventPlaces(), count: FieldScan.size + 1)
    /// By number and role, ``roles`` each.
    private var places = [Int32](repeating: 0, count: (FieldScan.size + 1) * FieldScan.roles)
    /// By number, ``mostAsked`` each; the last has as many as it needs.
    private var asked = Array(
        repeating: EventPlaces.Asked(0, .none, isSource: false, isDestination: false),
        count: (FieldScan.size + 1) * FieldScan.mostAsked)

    /// What was found of an event by the number that ``number(_:_:)`` or ``learn(_:_:_:)`` gave.
    @inline(__always)
    subscript(number: Int) -> EventPlaces { known[number] }

    /// The place of a role, or nil.
    @inline(__always)
    func place(_ role: Role, _ number: Int) -> Int? {
        known[number].has(role) ? Int(places[number &* FieldScan.roles &+ Int(role.rawValue)]) : nil
    }

    /// What is looked up of an event, in the order of the entries.
    @inline(__always)
    func asked(_ number: Int, _ index: Int) -> EventPlaces.Asked { asked[number &* FieldScan.mostAsked &+ index] }

    /// The number of what is remembered of events of a layout that have `count` entries, or nil.
    @inline(__always)
    func number(_ layout: UInt32, _ count: Int32) -> Int? {
        let number = Int(layout) & (FieldScan.size - 1)
        return known[number].layout == layout && known[number].count == count && layout != 0 ? number : nil
    }

    /// Finds what the event `row` of `batch` has, and tells its number.
    mutating func learn(_ row: Row, _ batch: borrowing Batch, _ codes: borrowing Codes) -> Int {
        var found = EventPlaces()
        var asked: [EventPlaces.Asked] = []
        var roles = [Int32](repeating: 0, count: FieldScan.roles)
        batch.entries.withUnsafeBufferPointer { entries in
            let first = Int(row.first)
            guard first >= 0, row.count > 0, first + Int(row.count) <= entries.count else { return }
            FieldScan.find(
                UnsafeBufferPointer(rebasing: entries[first..<first + Int(row.count)]), row, codes, &found, &roles,
                &asked)
        }
        var number = FieldScan.size
        if row.layout != 0, asked.count <= FieldScan.mostAsked {
            (found.layout, found.count) = (row.layout, row.count)
            number = Int(row.layout) & (FieldScan.size - 1)
        }
        known[number] = found
        for (role, place) in roles.enumerated() { places[number * FieldScan.roles + role] = place }
        let room = self.asked.count - number * FieldScan.mostAsked
        if asked.count > room {
            self.asked += Array(repeating: asked[0], count: asked.count - room)
        }
        for (index, one) in asked.enumerated() { self.asked[number * FieldScan.mostAsked + index] = one }
        return number
    }

    private static func find(
        _ entries: UnsafeBufferPointer<Entry>, _ row: Row, _ codes: borrowing Codes, _ found: inout EventPlaces,
        _ roles: inout [Int32], _ asked: inout [EventPlaces.Asked]
    ) {
        func code(_ index: Int) -> UInt8 { codes.codes[Int(entries[index].field)] }
        for index in entries.indices {
            let role = Int(code(index) & 31)
            guard role != 0, found.seen & 1 << UInt32(role) == 0 else { continue }
            found.seen |= 1 << UInt32(role)
            roles[role] = Int32(truncatingIfNeeded: index)
        }
        func place(_ role: Role) -> Int? { found.has(role) ? Int(roles[Int(role.rawValue)]) : nil }
        let source = place(.source) ?? place(.evidenceSource)
        let destination = place(.destination) ?? place(.evidenceDestination)
        found.source = Int32(source ?? -1)
        found.destination = Int32(destination ?? -1)
        found.port = Int32(place(.port) ?? place(.evidencePort) ?? -1)
        found.transport = Int32(place(.transport) ?? place(.evidenceTransport) ?? -1)
        if let own = place(.direction) {
            found.told = found.has(.directionText) ? -1 : Int32(own)
        } else if let evidence = place(.evidenceDirection) {
            found.told = found.has(.evidenceDirectionText) ? -1 : Int32(evidence)
        }
        for index in entries.indices where code(index) >= 32 {
            asked.append(
                EventPlaces.Asked(
                    index, IntelligenceFields.Kind(rawValue: code(index) >> 5) ?? .none, isSource: index == source,
                    isDestination: index == destination))
        }
        found.askedCount = Int32(asked.count)
        func first(_ field: FieldID) -> Int { entries.firstIndex { $0.field >= field } ?? entries.count }
        func free(_ fields: ClosedRange<FieldID>?) -> Int32 {
            guard let fields, case let first = first(fields.lowerBound),
                first == entries.count || entries[first].field > fields.upperBound
            else { return -1 }
            return Int32(first)
        }
        found.assets = free(codes.assets)
        found.zones = free(codes.zones)
        if let field = codes.direction, place(.direction) ?? place(.evidenceDirection) == nil,
            codes.hasConnection(row)
        {
            found.direction = Int32(first(field))
        }
    }
}
